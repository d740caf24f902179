//! One block of a Blosc 1 chunk, for the codecs and filters that rigs use.
//!
//! c-blosc copies what did not compress (in noisy recordings the low bytes, half of the data) before it
//! unshuffles, asks the system for memory at each call, and was built for the oldest processors. Here
//! planes are taken from where they lie, memory is the thread's own, and voxels of two bytes are put
//! together with the widest instructions of the machine.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};

use super::blosc::Header;
use super::pipeline::reuse;
use super::{CodecError, slice, streams, u32_le};

/// Items wider than this are never split into streams.
const MAX_STREAMS: usize = 16;

/// Streams shorter than this are never made.
const MIN_STREAM_BYTES: usize = 128;

/// Memory that a thread keeps between blocks.
const MAX_KEPT_BYTES: usize = 16 << 20;

// Both are in the libraries that `blosc_src` builds and links.
unsafe extern "C" {
    fn blosclz_decompress(input: *const c_void, num_bytes: c_int, output: *mut c_void, capacity: c_int) -> c_int;
    fn LZ4_decompress_safe(input: *const c_char, output: *mut c_char, num_bytes: c_int, capacity: c_int) -> c_int;
}

thread_local! {
    static PLANES: RefCell<Vec<u8>> = RefCell::default();
}

/// Codecs that are decoded here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    BloscLz,
    Lz4,
    Zlib,
    Zstd,
}

/// How the blocks of a chunk are coded.
#[derive(Clone, Copy, Debug)]
pub struct Coding {
    codec: Codec,
    is_split: bool,
    is_shuffled: bool,
    item: usize,
}

impl Coding {
    /// `None` for what only c-blosc decodes: bit shuffle, Snappy, newer versions of a codec.
    pub fn of(header: &Header) -> Option<Self> {
        const BIT_SHUFFLE: u8 = 4;
        let codec = match header.flags() >> 5 {
            0 => Codec::BloscLz,
            1 => Codec::Lz4,
            3 => Codec::Zlib,
            4 => Codec::Zstd,
            _ => return None,
        };
        if header.codec_version() != 1 || header.flags() & (BIT_SHUFFLE | 8) != 0 || header.is_copy() {
            return None;
        }
        let item = header.item_bytes();
        Some(Self {
            codec,
            is_split: header.flags() & 0x10 == 0,
            is_shuffled: header.flags() & 1 != 0 && item > 1,
            item,
        })
    }

    /// Decodes the block whose streams start at `start` of `stored` to exactly `output`. `is_rest` is
    /// true for a last block that is shorter than the others.
    pub fn decode(&self, stored: &[u8], start: usize, is_rest: bool, output: &mut [u8]) -> Result<(), CodecError> {
        let item = self.item;
        let is_split = self.is_split && !is_rest && item <= MAX_STREAMS && output.len() / item >= MIN_STREAM_BYTES;
        let num_streams = if is_split { item } else { 1 };
        if !output.len().is_multiple_of(num_streams) {
            return Err(CodecError::corrupt("blosc block size makes no sense"));
        }
        let stream_bytes = output.len() / num_streams;
        let mut at = start;
        let mut next = || {
            let len = u32_le(stored, at, "blosc")? as usize;
            let stream = slice(stored, at + 4, len, "blosc")?;
            at += 4 + len;
            Ok(stream)
        };
        if !self.is_shuffled {
            for out in output.chunks_exact_mut(stream_bytes) {
                let stream = next()?;
                if stream.len() == out.len() {
                    out.copy_from_slice(stream);
                } else {
                    self.decode_stream(stream, out)?;
                }
            }
            return Ok(());
        }
        PLANES.with_borrow_mut(|memory| {
            let result = self.join(next, num_streams, stream_bytes, reuse(memory, output.len())?, output);
            if memory.len() > MAX_KEPT_BYTES {
                *memory = Vec::new();
            }
            result
        })
    }

    /// Decodes the streams that need it into `memory`, and puts the items together from there and from
    /// where the others lie.
    fn join<'m, 's: 'm>(
        &self,
        mut next: impl FnMut() -> Result<&'s [u8], CodecError>,
        num_streams: usize,
        stream_bytes: usize,
        memory: &'m mut [u8],
        output: &mut [u8],
    ) -> Result<(), CodecError> {
        let mut streams: [&'m [u8]; MAX_STREAMS] = [&[]; MAX_STREAMS];
        for (plane, memory) in streams.iter_mut().zip(memory.chunks_exact_mut(stream_bytes)).take(num_streams) {
            let stream = next()?;
            *plane = if stream.len() == memory.len() {
                stream
            } else {
                self.decode_stream(stream, memory)?;
                memory
            };
        }
        let item = self.item;
        if num_streams == item {
            return unshuffle(&streams[..item], output);
        }
        // One stream holds all planes, and what does not make a whole item behind them.
        let stream = streams[0];
        let num_items = stream.len() / item;
        let (items, rest) = output.split_at_mut(num_items * item);
        rest.copy_from_slice(&stream[num_items * item..]);
        if num_items == 0 {
            return Ok(());
        }
        if item <= MAX_STREAMS {
            let mut planes: [&[u8]; MAX_STREAMS] = [&[]; MAX_STREAMS];
            for (plane, bytes) in planes.iter_mut().zip(stream.chunks_exact(num_items)) {
                *plane = bytes;
            }
            return unshuffle(&planes[..item], items);
        }
        super::shuffle::unshuffle(item, &stream[..num_items * item], items)
    }

    fn decode_stream(&self, stream: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
        let too_long = |_| CodecError::corrupt("blosc block size makes no sense");
        let num_bytes = c_int::try_from(stream.len()).map_err(too_long)?;
        let capacity = c_int::try_from(output.len()).map_err(too_long)?;
        let len = match self.codec {
            // SAFETY: both buffers are as long as said; the decoder checks every step against both ends.
            Codec::BloscLz => unsafe {
                blosclz_decompress(stream.as_ptr().cast(), num_bytes, output.as_mut_ptr().cast(), capacity)
            },
            // SAFETY: as above; this is LZ4's decoder for data that are not trusted.
            Codec::Lz4 => unsafe {
                LZ4_decompress_safe(stream.as_ptr().cast(), output.as_mut_ptr().cast(), num_bytes, capacity)
            },
            Codec::Zlib => return streams::inflate(stream, output),
            Codec::Zstd => return streams::unzstd(stream, output),
        };
        if len == capacity { Ok(()) } else { Err(CodecError::corrupt("blosc data are damaged")) }
    }
}

/// Puts items together from their planes.
fn unshuffle(planes: &[&[u8]], output: &mut [u8]) -> Result<(), CodecError> {
    let num_items = output.len() / planes.len();
    if output.len() != num_items * planes.len() || planes.iter().any(|plane| plane.len() != num_items) {
        return Err(CodecError::corrupt("blosc block size makes no sense"));
    }
    match planes {
        [low, high] => interleave(low, high, output),
        [a, b, c, d] => {
            for ((((out, &a), &b), &c), &d) in output.chunks_exact_mut(4).zip(*a).zip(*b).zip(*c).zip(*d) {
                out.copy_from_slice(&[a, b, c, d]);
            }
        }
        _ => {
            // A few items at a time, so that the output stays in the cache while planes are walked.
            const STEP: usize = 512;
            let item = planes.len();
            for first in (0..num_items).step_by(STEP) {
                let last = num_items.min(first + STEP);
                let out = &mut output[first * item..last * item];
                for (k, plane) in planes.iter().enumerate() {
                    for (out, &byte) in out.chunks_exact_mut(item).zip(&plane[first..last]) {
                        out[k] = byte;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Two planes into items of two bytes; all three slices fit together.
fn interleave(low: &[u8], high: &[u8], output: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    let done = if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions.
        unsafe { interleave_avx2(low, high, output) }
    } else {
        interleave_sse2(low, high, output)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    let rest = output[2 * done..].chunks_exact_mut(2).zip(&low[done..]).zip(&high[done..]);
    for ((out, &low), &high) in rest {
        out.copy_from_slice(&[low, high]);
    }
}

/// Returns how many items it has put together.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn interleave_avx2(low: &[u8], high: &[u8], output: &mut [u8]) -> usize {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm256_permute2x128_si256, _mm256_storeu_si256, _mm256_unpackhi_epi8,
        _mm256_unpacklo_epi8,
    };
    let num_steps = (low.len().min(high.len()) / 32).min(output.len() / 64);
    for step in 0..num_steps {
        // SAFETY: 32 bytes from here lie inside both planes and 64 inside the output, by the count above.
        unsafe {
            let a = _mm256_loadu_si256(low.as_ptr().add(32 * step).cast());
            let b = _mm256_loadu_si256(high.as_ptr().add(32 * step).cast());
            // Each half of the registers is put together on its own, so halves change places behind.
            let (even, odd) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
            let target: *mut __m256i = output.as_mut_ptr().add(64 * step).cast();
            _mm256_storeu_si256(target, _mm256_permute2x128_si256::<0x20>(even, odd));
            _mm256_storeu_si256(target.add(1), _mm256_permute2x128_si256::<0x31>(even, odd));
        }
    }
    32 * num_steps
}

/// Returns how many items it has put together.
#[cfg(target_arch = "x86_64")]
fn interleave_sse2(low: &[u8], high: &[u8], output: &mut [u8]) -> usize {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_storeu_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8};
    let num_steps = (low.len().min(high.len()) / 16).min(output.len() / 32);
    for step in 0..num_steps {
        // SAFETY: 16 bytes from here lie inside both planes and 32 inside the output, by the count above;
        // every 64-bit x86 has the instructions.
        unsafe {
            let a = _mm_loadu_si128(low.as_ptr().add(16 * step).cast());
            let b = _mm_loadu_si128(high.as_ptr().add(16 * step).cast());
            let target: *mut __m128i = output.as_mut_ptr().add(32 * step).cast();
            _mm_storeu_si128(target, _mm_unpacklo_epi8(a, b));
            _mm_storeu_si128(target.add(1), _mm_unpackhi_epi8(a, b));
        }
    }
    16 * num_steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaving_is_the_same_with_every_instruction_set() {
        for len in [0, 1, 15, 16, 31, 32, 33, 64, 100, 1000] {
            let low: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let high: Vec<u8> = (0..len).map(|i| (i * 13 + 1) as u8).collect();
            let expected: Vec<u8> = low.iter().zip(&high).flat_map(|(&a, &b)| [a, b]).collect();
            let mut output = vec![0; 2 * len];
            interleave(&low, &high, &mut output);
            assert_eq!(output, expected);
            #[cfg(target_arch = "x86_64")]
            {
                output.fill(0);
                let done = interleave_sse2(&low, &high, &mut output);
                assert_eq!(output[..2 * done], expected[..2 * done]);
                assert!(len - done < 16);
            }
        }
    }
}
