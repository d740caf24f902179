//! What is written: read back by our own readers, piece by piece as by a cluster, interrupted and resumed.
#![allow(clippy::unwrap_used)]

mod bucket;
mod buffers;
#[path = "../common/mod.rs"]
mod common;
mod convert;
mod hands;
mod hdf5;
mod lindi;
mod s3;
mod sparse;
mod split;
mod tiff;
mod vds;
mod zarr;
