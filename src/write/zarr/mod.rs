//! OME-Zarr 0.5: a group with one array for each resolution, cut into chunks that are compressed each by itself,
//! many of them in one object where that is asked for (sharding).
//!
//! Chunks that are all zero are left out: what is absent has the fill value, which is 0. The group's own metadata
//! are written last, so that nothing opens that is not whole.

mod coarser;
mod codecs;
mod image;
mod layout;
mod mean;
mod metadata;
mod piece;
mod shelf;
mod target;

pub use coarser::Coarser;
pub use mean::Rule;
pub use shelf::{LocalShelf, Long, Many, Shelf};
pub use target::ZarrTarget;
