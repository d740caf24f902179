//! Reports written down: one room for each form. Text and bytes out, no IO; what is said is in [`crate::qc`].

mod aind;
mod csv;
mod json;

pub use aind::aind;
pub use csv::csv;
pub use json::json;
