//! Promise: what lies behind a URL is read as if it lay on this machine, or is said not to be readable; whatever
//! the server does, in bounded time and memory.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_servers;
mod buckets;
#[path = "../common/mod.rs"]
mod common;
mod hdf5;
mod kept;
mod names;
#[path = "../common/server.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod server;
mod urls;
mod virtual_datasets;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../common/virtual_files.rs"]
mod virtual_files;
#[allow(dead_code, reason = "shared with the tests of decoding")]
#[path = "../decoding/writer.rs"]
mod writer;
mod zarr;
mod zips;
