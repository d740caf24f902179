//! Files that appear only when they are whole, and what is written into them. Nothing here touches a recording.
//!
//! What is to be written is a [`Subject`]: a [`crate::format::Source`] (selections, operations and casts are sources
//! too) and what is known of it. Where it goes is a [`Target`], one for each format.

mod along;
mod buffers;
mod changes;
mod chunking;
mod coders;
mod compression;
mod convert;
pub mod hdf5;
pub mod interrupt;
mod journal;
mod kinds;
mod letters;
pub mod lindi;
mod load;
pub mod npy;
mod output;
mod place;
mod plan;
mod records;
pub mod remote;
pub mod sparse;
pub mod split_dataset;
mod steps;
mod subject;
mod target;
pub mod tiff;
pub mod vds;
mod whole;
pub mod zarr;

pub use along::{along_axes, axis_of};
pub use buffers::{BufferError, BufferIter, BufferOptions, FilledBuffer, read_buffer};
pub use changes::parse_fill;
pub use chunking::Chunking;
pub use compression::{BloscCodec, Codec, Compression};
pub use convert::{Run, Watch, convert, num_bytes_of_all};
pub use journal::{Entry, Journal};
pub use kinds::{Kind, TargetOptions, target};
pub use load::{Refused, load};
pub use output::{Output, check_name, refuse_harm, refuse_inside, refuse_inside_all};
pub use place::{Held, Place, Start};
pub use plan::{BUFFER_BYTES, Buffering, Changes, PLAN_VERSION, Plan, SourcePlan, TargetPlan, state_of};
pub use records::{Record, Records};
pub use subject::{ChannelLook, Fact, Subject, not_carried};
pub use target::{PieceWriter, Stage, Target, Written};
pub use whole::{sync_folder, write_whole};
