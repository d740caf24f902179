//! Plain streams of well-known codecs into a buffer of exactly the decoded size.

use std::cell::RefCell;
use std::io::Read;

use super::CodecError;

thread_local! {
    static INFLATER: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new());
    static UNZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Decodes a zlib stream. The decoder stops at the end of `output`, so a bomb costs nothing.
pub fn inflate(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let len = INFLATER.with_borrow_mut(|inflater| inflater.zlib_decompress(input, output));
    inflated("deflate", len, output.len())
}

/// Decodes a gzip file of one member, as [`inflate`].
pub fn gunzip(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let len = INFLATER.with_borrow_mut(|inflater| inflater.gzip_decompress(input, output));
    inflated("gzip", len, output.len())
}

fn inflated(
    codec: &str,
    len: Result<usize, libdeflater::DecompressionError>,
    expected: usize,
) -> Result<(), CodecError> {
    use libdeflater::DecompressionError;
    match len {
        Ok(len) => exact(codec, len, expected),
        Err(DecompressionError::InsufficientSpace) => {
            Err(CodecError::Corrupt(format!("{codec} data decode to more than the chunk holds")))
        }
        Err(DecompressionError::BadData) => Err(CodecError::Corrupt(format!("{codec} data are damaged"))),
    }
}

/// Decodes a Zstandard frame.
pub fn unzstd(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let len = UNZSTD.with_borrow_mut(|cached| {
        let decoder = match cached {
            Some(decoder) => decoder,
            None => cached.insert(zstd::bulk::Decompressor::new()?),
        };
        decoder.decompress_to_buffer(input, output)
    });
    match len {
        Ok(len) => exact("zstd", len, output.len()),
        Err(error) => Err(CodecError::Corrupt(format!("zstd data are damaged: {error}"))),
    }
}

/// Decodes a bzip2 stream.
pub fn bunzip2(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let mut decoder = bzip2::read::BzDecoder::new(input);
    decoder
        .read_exact(output)
        .and_then(|()| decoder.read(&mut [0]))
        .map_err(|_| CodecError::corrupt("bzip2 data are damaged"))
        .and_then(|rest| exact("bzip2", output.len() + rest, output.len()))
}

pub fn exact(codec: &str, len: usize, expected: usize) -> Result<(), CodecError> {
    if len == expected {
        return Ok(());
    }
    Err(CodecError::Corrupt(format!("{codec} data decode to {len} bytes instead of {expected}")))
}
