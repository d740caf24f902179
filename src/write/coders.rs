//! Streams of well-known compressors, as files hold them. Each thread keeps its compressor.

use std::cell::RefCell;

use anyhow::{Context, Result, anyhow};

thread_local! {
    static DEFLATER: RefCell<Option<(u8, libdeflater::Compressor)>> = const { RefCell::new(None) };
    static LZF: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static ZSTD: RefCell<Option<(u8, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
}

/// Bits by which [`lzf`] finds again what it has seen.
const LZF_BITS: u32 = 15;

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

/// LibLZF's stream: runs of up to 32 bytes as they are, and of up to 264 that stood no more than 8192 bytes before. What
/// does not become shorter becomes longer by a 32nd.
pub fn lzf(bytes: &[u8]) -> Vec<u8> {
    const FARTHEST: usize = 1 << 13;
    const LONGEST: usize = 264;
    let mut coded = Vec::with_capacity(bytes.len() + bytes.len() / 32 + 1);
    LZF.with_borrow_mut(|seen| {
        // Where three bytes were last seen, counted from 1.
        seen.clear();
        seen.resize(1 << LZF_BITS, 0u32);
        let (mut plain, mut at) = (0, 0);
        while let Some([a, b, c]) = bytes.get(at..at + 3).and_then(|three| <[u8; 3]>::try_from(three).ok()) {
            let key = u32::from_be_bytes([0, a, b, c]).wrapping_mul(2_654_435_761) >> (32 - LZF_BITS);
            let before = std::mem::replace(&mut seen[key as usize], at as u32 + 1) as usize;
            let is_same = before > 0 && at + 1 - before <= FARTHEST && bytes[before - 1..before + 2] == [a, b, c];
            if !is_same {
                at += 1;
                continue;
            }
            let (from, most) = (before - 1, LONGEST.min(bytes.len() - at));
            let len = (3..most).find(|&i| bytes[from + i] != bytes[at + i]).unwrap_or(most);
            as_they_are(&bytes[plain..at], &mut coded);
            let (back, len_2) = (at - from - 1, len - 2);
            coded.push((len_2.min(7) << 5 | back >> 8) as u8);
            if len_2 >= 7 {
                coded.push((len_2 - 7) as u8);
            }
            coded.push(back as u8);
            at += len;
            plain = at;
        }
        as_they_are(&bytes[plain..], &mut coded);
    });
    coded
}

fn as_they_are(bytes: &[u8], coded: &mut Vec<u8>) {
    for run in bytes.chunks(32) {
        coded.push(run.len() as u8 - 1);
        coded.extend_from_slice(run);
    }
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

#[cfg(test)]
mod tests {
    use super::lzf;

    #[test]
    fn what_lzf_packs_another_unpacks() {
        let mut state = 7u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for len in (0..80).chain([262, 263, 264, 265, 266, 8190, 8194, 8200, 70_000]) {
            for values in [1, 2, 9, 256] {
                let noise: Vec<u8> = (0..len).map(|_| random(values) as u8).collect();
                // The same again from farther and farther away.
                let period = 1 + random(9000) as usize;
                let repeated: Vec<u8> = (0..len).map(|i| (i % period) as u8 ^ ((i % period) >> 5) as u8).collect();
                for bytes in [noise, repeated] {
                    let coded = lzf(&bytes);
                    assert!(coded.len() <= bytes.len() + bytes.len().div_ceil(32));
                    let decoded = if len == 0 { Vec::new() } else { ::lzf::decompress(&coded, len).unwrap() };
                    assert!(decoded == bytes, "{len} {values} {period}");
                }
            }
        }
        assert!(lzf(&[5; 1000]).len() < 20);
    }
}
