//! Arrays whose values stand in the reference file itself: one chunk, packed as `lindi` packs its own.

use serde_json::{Value, json};

use super::document::{Array, Entry};
use crate::codec::blosc;

/// What `lindi` compresses its own chunks with.
pub fn compressor() -> Value {
    json!({ "id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0 })
}

/// An array of one chunk with these bytes. `dtype` is numpy's word for it, of `item` bytes.
pub fn own_array(
    dims: &[u64],
    dtype: &str,
    item: usize,
    fill: Value,
    filters: Value,
    bytes: &[u8],
) -> Result<Array, String> {
    let chunks: Vec<u64> = dims.iter().map(|&dim| dim.max(1)).collect();
    let metadata = json!({
        "chunks": chunks, "compressor": compressor(), "dtype": dtype, "fill_value": fill, "filters": filters,
        "order": "C", "shape": dims, "zarr_format": 2,
    });
    if dims.contains(&0) {
        return Ok(Array { metadata, chunks: Vec::new() });
    }
    let packed = blosc::encode(bytes, item.clamp(1, 255), 5, c"lz4", 0).map_err(|error| error.to_string())?;
    let key = vec!["0"; dims.len().max(1)].join(".");
    Ok(Array { metadata, chunks: vec![(key, Entry::Bytes(packed))] })
}
