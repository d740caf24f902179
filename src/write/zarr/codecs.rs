//! How a chunk is stored: its voxels little-endian in C order, compressed; and how the metadata say so.

use std::ffi::CStr;

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};

use crate::codec::blosc;
use crate::volume::{DType, Shape};
use crate::write::{BloscCodec, Codec, Compression, coders};

/// What is compressed with where nobody says otherwise.
pub const USUAL: Compression = Compression { codec: Codec::Blosc(BloscCodec::Zstd), level: 3 };

/// Refuses what Zarr has no codec for.
///
/// # Errors
/// Names it.
pub fn check(compression: Compression) -> Result<()> {
    match compression.codec {
        Codec::None | Codec::Gzip | Codec::Zstd | Codec::Blosc(_) => Ok(()),
        Codec::Lzf | Codec::Lzw => {
            bail!("--compression {compression}: has no meaning for Zarr, which has none, gzip, zstd and blosc")
        }
    }
}

/// The codecs of a chunk as metadata.
pub fn metadata(compression: Compression, dtype: DType) -> Vec<Value> {
    let item = dtype.num_bytes();
    let bytes = match item {
        1 => json!({"name": "bytes"}),
        _ => json!({"name": "bytes", "configuration": {"endian": "little"}}),
    };
    let level = compression.level;
    let coder = match compression.codec {
        Codec::Gzip => json!({"name": "gzip", "configuration": {"level": level}}),
        Codec::Zstd => json!({"name": "zstd", "configuration": {"level": level, "checksum": false}}),
        Codec::Blosc(codec) => json!({"name": "blosc", "configuration": {
            "typesize": item, "cname": codec.name(), "clevel": level, "shuffle": "shuffle", "blocksize": 0}}),
        Codec::None | Codec::Lzf | Codec::Lzw => return vec![bytes],
    };
    vec![bytes, coder]
}

/// The codec of shards with such chunks, whose index comes last and has a checksum.
pub fn sharded(chunk: &Shape, inner: Vec<Value>) -> Value {
    json!({"name": "sharding_indexed", "configuration": {
        "chunk_shape": chunk.dims(), "codecs": inner,
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        "index_location": "end"}})
}

/// Compresses the bytes of a whole chunk.
///
/// # Errors
/// If the compressor refuses.
pub fn encode(compression: Compression, item: usize, bytes: &[u8]) -> Result<Vec<u8>> {
    let level = compression.level;
    match compression.codec {
        Codec::None | Codec::Lzf | Codec::Lzw => Ok(bytes.to_vec()),
        Codec::Gzip => coders::gzip(level, bytes),
        Codec::Zstd => coders::zstandard(level, bytes),
        Codec::Blosc(codec) => {
            blosc::encode(bytes, item, i32::from(level), name(codec), 0).map_err(|error| anyhow!("{error}"))
        }
    }
}

fn name(codec: BloscCodec) -> &'static CStr {
    match codec {
        BloscCodec::Blosclz => c"blosclz",
        BloscCodec::Lz4 => c"lz4",
        BloscCodec::Lz4hc => c"lz4hc",
        BloscCodec::Zlib => c"zlib",
        BloscCodec::Zstd => c"zstd",
    }
}
