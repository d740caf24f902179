//! Zarr arrays of version 2 and 3, and OME-Zarr images made of them: in a folder, an archive or afar. What the
//! metadata mean is asked of `zarrs`, which is also given the codecs that are not known here; bytes are fetched
//! and, as far as possible, decoded here, straight into the buffer they are wanted in.
//!
//! * [`node`]: the metadata of arrays and groups; [`ome`]: what OME says in their attributes; [`roles`]: axes
//! * [`entries`]: every image of a hierarchy; [`mod@open`]: opening one of them
//! * [`mod@array`]: an array's metadata, checked; [`codecs`], [`chain`], [`shard`]: its codecs; [`source`]: reading it
//! * [`growing`]: looking at it again while it is written; [`shelf`]: which objects there are; [`keys`]: their names

mod array;
mod chain;
mod codecs;
mod entries;
mod growing;
mod keys;
mod node;
mod ome;
mod open;
mod roles;
mod shard;
mod shelf;
mod source;

pub(super) use open::open;
