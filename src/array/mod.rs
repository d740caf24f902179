//! A [`crate::format::Source`] of any rank and axis order seen as (t, z, y, x): geometry without IO, and
//! reading chunks and regions in that order. No file-format word appears from here upwards.

mod axes;
mod key;
mod lazy;
mod read;

pub use key::{ArrayChunk, ChunkKey, DatasetId};
pub use lazy::{LazyArray, ViewInfo};
pub use read::Loaded;
pub(crate) use read::unsqueeze;
