//! Promise: whatever the upstream writers have written, in every format that is read, is shown as they read it
//! themselves: one module for each format, over recordings written by them.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod lindi;
mod manifest;
mod nwb;
mod plain;
mod tiff;
mod tree;
mod zarr;
mod zarr_figures;
