//! Is it true what is said of a recording? Recordings made by rule, measured here and by an independent
//! implementation; faults planted and found; and many recordings without any, of which nothing may be said.
#![allow(clippy::unwrap_used, missing_docs)]

mod clean;
mod demo;
mod doubtful;
mod made;
mod measured;
mod oracle;
mod planted;
