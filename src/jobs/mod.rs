//! Long work cut up, so that a cluster can do it: a [`JobPlan`] fixes all of it, [`run()`] does some of its tasks and knows
//! of no other, and the merge checks that all are there and makes the whole. In between there are files alone.
//!
//! What one process does at once (`tectum convert`, `tectum qc`) are the same steps. A task is a range of pieces, and a
//! piece appears as a whole: under a temporary name until it is, and known to be done by its record ([`Records`]), which
//! holds its checksum and the plan it was made by. So tasks may be killed, started again, or run twice at once.
//!
//! [`Records`]: crate::write::Records

mod convert;
mod emit;
mod faults;
mod files;
mod folder;
mod limits;
mod notes;
mod plan;
mod qc;
mod run;
mod status;
mod tasks;
mod validate;

pub use convert::{ConvertPieces, convert_tasks, finish_convert, prepare_convert};
pub use emit::Engine;
pub use faults::{PASSING, Passing, exit_code};
pub use files::{FileStamp, stamps};
pub use folder::WorkFolder;
pub use limits::{JobLimits, limits_of_job};
pub use plan::{JOBS_VERSION, JobPlan, JobWork};
pub use qc::{QcChannel, QcJob, QcOutputs, QcPieces};
pub use run::{Event, Pieces, run};
pub use status::{Status, status};
pub use tasks::{parse_tasks, share_of_tasks, tasks_as_text};
pub use validate::Validate;
