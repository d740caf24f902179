//! Promise: every source, whatever lies beneath it, keeps the same contract. A new format joins with one
//! [`suite::Subject`] and one `contract!`.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod folders;
mod made;
mod memory;
mod numpy;
mod references;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../common/server.rs"]
mod server;
mod suite;
mod tiff;
#[path = "../common/tiff.rs"]
mod tiff_writer;
mod virtual_datasets;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../common/virtual_files.rs"]
mod virtual_files;
#[allow(dead_code, reason = "shared with the tests of decoding")]
#[path = "../decoding/writer.rs"]
mod writer;
mod zarr;
