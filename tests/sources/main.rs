//! Promise: whatever the upstream writers have written, in every format that is read, is shown as they read it
//! themselves: one module for each format, over recordings written by them.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod lindi;
mod lindi_afar;
mod lindi_figures;
mod lindi_hostile;
mod manifest;
mod nwb;
mod nwb_made;
mod plain;
#[path = "../common/server.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod server;
mod sparse;
mod tiff;
#[path = "../common/tiff.rs"]
mod tiff_writer;
mod tree;
mod vds;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../common/virtual_files.rs"]
mod virtual_files;
mod zarr;
mod zarr_figures;
mod zarr_hostile;
mod zarr_live;
mod zfp;
