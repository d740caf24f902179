//! The bytes of a strip: differences of neighbours, compressed.

use anyhow::{Context, Result};

use super::pages::Pages;
use crate::volume::DType;
use crate::write::{Codec, Compression, coders};

/// Number of a compression in a directory.
pub fn number(compression: Compression) -> u16 {
    match compression.codec {
        Codec::Gzip => 8,
        Codec::Zstd => 50_000,
        Codec::Lzw => 5,
        Codec::None | Codec::Lzf | Codec::Blosc(_) => 1,
    }
}

/// Number of what is done before compression: differences of neighbours in a row, or of fractions' bytes, those of each
/// significance together.
pub fn predictor(dtype: DType) -> u16 {
    if dtype.is_float() { 3 } else { 2 }
}

/// Encodes some rows.
///
/// # Errors
/// If the compressor refuses.
pub fn encode(pages: &Pages, rows: &[u8]) -> Result<Vec<u8>> {
    if !pages.is_compressed() {
        return Ok(rows.to_vec());
    }
    let (item, mut bytes) = (pages.dtype.num_bytes(), rows.to_vec());
    for row in bytes.chunks_mut(pages.width * item) {
        match (predictor(pages.dtype), item) {
            (3, _) => fractions(row, item),
            (_, 1) => differences(row, |bytes: [u8; 1]| bytes[0], u8::to_le_bytes, u8::wrapping_sub),
            (_, 2) => differences(row, u16::from_le_bytes, u16::to_le_bytes, u16::wrapping_sub),
            (_, 4) => differences(row, u32::from_le_bytes, u32::to_le_bytes, u32::wrapping_sub),
            _ => differences(row, u64::from_le_bytes, u64::to_le_bytes, u64::wrapping_sub),
        }
    }
    let level = pages.compression.level;
    match pages.compression.codec {
        Codec::Gzip => coders::zlib(level, &bytes),
        Codec::Zstd => coders::zstandard(level, &bytes),
        Codec::Lzw => {
            let mut coder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
            coder.encode(&bytes).context("LZW refuses this")
        }
        Codec::None | Codec::Lzf | Codec::Blosc(_) => Ok(bytes),
    }
}

fn differences<T: Copy + Default, const N: usize>(
    row: &mut [u8],
    read: impl Fn([u8; N]) -> T,
    write: impl Fn(T) -> [u8; N],
    minus: impl Fn(T, T) -> T,
) {
    let mut before = T::default();
    for voxel in row.as_chunks_mut::<N>().0 {
        let value = read(*voxel);
        *voxel = write(minus(value, before));
        before = value;
    }
}

/// Adobe's predictor 3: the most significant bytes of all, then the next ones, and of these bytes differences.
fn fractions(row: &mut [u8], item: usize) {
    let width = row.len() / item;
    let mut planes = vec![0; row.len()];
    for (i, voxel) in row.chunks_exact(item).enumerate() {
        for (k, byte) in voxel.iter().rev().enumerate() {
            planes[k * width + i] = *byte;
        }
    }
    let mut before = 0;
    for (out, byte) in row.iter_mut().zip(planes) {
        *out = byte.wrapping_sub(before);
        before = byte;
    }
}
