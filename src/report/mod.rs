//! Reports written down: one room for each form. Text and bytes out, no IO; what is said is in [`crate::qc`].

mod json;

pub use json::json;
