//! Files that appear only when they are whole, and what is written into them. Nothing here touches a recording.
//!
//! What is to be written is a [`Subject`]: a [`crate::format::Source`] (selections, operations and casts are sources
//! too) and what is known of it. Where it goes is a [`Target`], one for each format.

mod buffers;
mod hdf5;
pub mod interrupt;
pub mod npy;
mod output;
mod place;
mod subject;
mod target;
pub mod vds;

pub use buffers::{BufferError, BufferIter, BufferOptions, FilledBuffer, read_buffer};
pub use output::{Output, check_name, refuse_inside};
pub use place::Place;
pub use subject::{ChannelLook, Subject};
pub use target::{PieceWriter, Stage, Target, Written};
