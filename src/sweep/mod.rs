//! One pass over a recording for everybody who needs all of it: volumes in order of t, chunks from the cache
//! where they are there, read ahead on all cores, within a budget of its own, behind scrubbing and the writer.
//!
//! [`check()`] measures the quality of a recording in one go; [`Checker`] does so behind a window, is paused,
//! resumed and extended, and publishes [`Snapshot`]s.

mod check;
mod checker;
mod cut;
mod feed;
mod kept;
mod lender;
mod missing;
mod shard;
mod slab;
mod snapshot;
mod subject;
mod threads;
mod unit;
mod worker;

pub use check::{CheckOptions, Checked, broken_blocks, check};
pub use checker::Checker;
pub use cut::{CutError, cut_references, join_cuts, measure_cut};
pub use kept::forget as forget_results;
pub use lender::{Lender, NoLender};
pub use slab::{Planes, Slab, SlabPlane};
pub use snapshot::{Progress, Snapshot};
pub use subject::{subject_of, subject_without_clock, why_not_measured};
