//! A [`crate::format::Source`] of any rank and axis order seen as (t, z, y, x): geometry without IO, and
//! reading chunks and regions in that order; [`Image`], the same in several resolutions; and any selection of
//! a source as an [`ndarray`] array. No file-format word appears from here upwards.

mod axes;
mod combine;
pub mod delayed;
mod image;
mod key;
mod lazy;
mod nd;
mod read;

pub use combine::InputVoxels;
pub use image::{Image, MAX_TILE_VOXELS};
pub use key::{ArrayChunk, ChunkKey};
pub use lazy::{LazyArray, Told, ViewInfo};
pub use nd::{ReadArrayError, read, read_filled};
pub use read::Loaded;
pub(crate) use read::unsqueeze;
