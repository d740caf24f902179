//! Decoding the bytes of stored chunks, outside libhdf5 and its lock. Pure functions from bytes to
//! bytes: every size is known or bounded before memory is touched, whatever the input claims.

mod bitshuffle;
pub mod blosc;
mod blosc2;
mod blosc_block;
mod blosclz;
mod byte_order;
pub mod crc32c;
pub mod fletcher32;
mod lz4;
mod lzf;
mod lzo;
mod pipeline;
pub mod shuffle;
mod streams;
mod szip;
mod zfp;

pub(crate) use byte_order::swap_bytes;
pub(crate) use pipeline::reuse;
pub use pipeline::{Filter, Scratch, decode, is_decodable};
pub use shuffle::shuffle;

/// Why bytes could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes make no sense.
    #[error("{0}")]
    Corrupt(String),
    /// The bytes may be fine, but are coded in a way that is not handled here.
    #[error("{0}")]
    Unsupported(String),
}

impl CodecError {
    fn corrupt(message: impl Into<String>) -> Self {
        Self::Corrupt(message.into())
    }
}

/// `bytes[start..start + len]`, or an error naming the codec where that lies outside.
fn slice<'a>(bytes: &'a [u8], start: usize, len: usize, codec: &str) -> Result<&'a [u8], CodecError> {
    start
        .checked_add(len)
        .and_then(|stop| bytes.get(start..stop))
        .ok_or_else(|| CodecError::Corrupt(format!("{codec} data end too early")))
}

/// A little-endian 32-bit number at `start`.
fn u32_le(bytes: &[u8], start: usize, codec: &str) -> Result<u32, CodecError> {
    let bytes = slice(bytes, start, 4, codec)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// A big-endian 32-bit number at `start`.
fn u32_be(bytes: &[u8], start: usize, codec: &str) -> Result<u32, CodecError> {
    u32_le(bytes, start, codec).map(u32::swap_bytes)
}

/// A big-endian 64-bit number at `start`.
fn u64_be(bytes: &[u8], start: usize, codec: &str) -> Result<u64, CodecError> {
    Ok((u64::from(u32_be(bytes, start, codec)?) << 32) | u64::from(u32_be(bytes, start + 4, codec)?))
}
