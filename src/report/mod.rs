//! Reports written down: one room for each form. Text and bytes out, no IO; what is said is in [`crate::qc`].

mod aind;
mod axis;
mod chart;
mod cohort;
mod csv;
mod json;
mod losses;
mod page;
mod picture;
mod series;
mod study;
mod tables;
mod template;
mod traces;
mod words;

pub use aind::aind;
pub use cohort::{Entry, Found, STRIPS, Strip};
pub use csv::csv;
pub use json::{Channels, Json, json};
pub use page::page;
pub use study::{Study, study, tsv};
