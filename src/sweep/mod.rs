//! One pass over a recording for everybody who needs all of it: volumes in order of t, chunks from the cache
//! where they are there, read ahead on all cores, within a budget of its own, behind scrubbing and the writer.
//!
//! [`check`] measures the quality of a recording in one go; [`Checker`] does so behind a window, is paused,
//! resumed and extended, and publishes [`Snapshot`]s.

mod check;
mod checker;
mod slab;
mod subject;

pub use check::{CheckOptions, Checked, check};
pub use checker::{Checker, Lender, NoLender, Progress, Snapshot};
pub use slab::{Planes, Slab};
pub use subject::subject_of;
