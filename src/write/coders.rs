//! Streams of well-known compressors, as files hold them. Each thread keeps its compressor.

use std::cell::RefCell;

use anyhow::{Context, Result, anyhow};

thread_local! {
    static DEFLATER: RefCell<Option<(u8, libdeflater::Compressor)>> = const { RefCell::new(None) };
    static ZSTD: RefCell<Option<(u8, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
}

/// A zlib stream, at a level of 0 to 9.
///
/// # Errors
/// If the compressor refuses.
pub fn zlib(level: u8, bytes: &[u8]) -> Result<Vec<u8>> {
    deflated(level, |deflater| {
        let mut coded = vec![0; deflater.zlib_compress_bound(bytes.len())];
        deflater.zlib_compress(bytes, &mut coded).map(|len| (coded, len))
    })
}

/// A gzip file of one member, as [`zlib`].
///
/// # Errors
/// If the compressor refuses.
pub fn gzip(level: u8, bytes: &[u8]) -> Result<Vec<u8>> {
    deflated(level, |deflater| {
        let mut coded = vec![0; deflater.gzip_compress_bound(bytes.len())];
        deflater.gzip_compress(bytes, &mut coded).map(|len| (coded, len))
    })
}

type Deflated = Result<(Vec<u8>, usize), libdeflater::CompressionError>;

fn deflated(level: u8, work: impl FnOnce(&mut libdeflater::Compressor) -> Deflated) -> Result<Vec<u8>> {
    DEFLATER.with_borrow_mut(|kept| {
        if kept.as_ref().is_none_or(|(of, _)| *of != level) {
            let of_level = libdeflater::CompressionLvl::new(i32::from(level));
            let of_level = of_level.map_err(|_| anyhow!("deflate has no level {level}"))?;
            *kept = Some((level, libdeflater::Compressor::new(of_level)));
        }
        let (_, deflater) = kept.as_mut().context("no compressor")?;
        let (mut coded, len) = work(deflater).map_err(|_| anyhow!("deflate refuses this"))?;
        coded.truncate(len);
        Ok(coded)
    })
}

/// A Zstandard frame that says how long its content is, at a level of 1 to 22.
///
/// # Errors
/// If the compressor refuses.
pub fn zstandard(level: u8, bytes: &[u8]) -> Result<Vec<u8>> {
    ZSTD.with_borrow_mut(|kept| {
        if kept.as_ref().is_none_or(|(of, _)| *of != level) {
            *kept = Some((level, zstd::bulk::Compressor::new(i32::from(level))?));
        }
        let (_, coder) = kept.as_mut().context("no compressor")?;
        Ok(coder.compress(bytes)?)
    })
}
