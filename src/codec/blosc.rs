//! Blosc 1 chunks, whole and ranges of them: block by block, or through c-blosc what is rare.
//!
//! A Blosc chunk is a row of blocks that decode independently, so a plane of a chunk that holds thirty
//! costs one block or two, and only their bytes need to be read.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::c_int;
use std::ops::Range;

use super::blosc_block::Coding;
use super::pipeline::reuse;
use super::{CodecError, slice, u32_le};

/// Length of the header in front of every chunk.
pub const HEADER_BYTES: usize = 16;

/// c-blosc's largest decoded size.
const MAX_BYTES: usize = i32::MAX as usize - HEADER_BYTES;

/// The header of a chunk, checked for inner consistency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    flags: u8,
    codec_version: u8,
    item: usize,
    num_bytes: usize,
    block_bytes: usize,
    stored_bytes: usize,
}

impl Header {
    /// Reads the header of a chunk that must decode to `num_bytes`.
    pub fn parse(bytes: &[u8], num_bytes: usize) -> Result<Self, CodecError> {
        let head = slice(bytes, 0, HEADER_BYTES, "blosc")?;
        let number = |at| u32_le(head, at, "blosc").map(|value| value as usize);
        let header = Self {
            flags: head[2],
            codec_version: head[1],
            item: usize::from(head[3]),
            num_bytes: number(4)?,
            block_bytes: number(8)?,
            stored_bytes: number(12)?,
        };
        if head[0] != 2 {
            return Err(CodecError::Corrupt(format!("blosc header has format version {} instead of 2", head[0])));
        }
        if header.num_bytes != num_bytes || num_bytes > MAX_BYTES {
            return Err(CodecError::Corrupt(format!(
                "blosc header claims {} bytes instead of {num_bytes}",
                header.num_bytes
            )));
        }
        let is_sound = header.item > 0
            && header.block_bytes > 0
            && header.block_bytes <= num_bytes
            && header.stored_bytes >= HEADER_BYTES
            && header.stored_bytes <= i32::MAX as usize
            && (!header.is_copy() || header.stored_bytes == num_bytes + HEADER_BYTES);
        if !is_sound {
            return Err(CodecError::corrupt("blosc header makes no sense"));
        }
        Ok(header)
    }

    /// Bits: 0 shuffle, 1 not coded, 2 bit shuffle, 4 one stream a block, 5 to 7 the codec.
    pub(super) fn flags(&self) -> u8 {
        self.flags
    }

    /// Version of the codec's format.
    pub(super) fn codec_version(&self) -> u8 {
        self.codec_version
    }

    /// Bytes of an item, for the shuffle.
    pub(super) fn item_bytes(&self) -> usize {
        self.item
    }

    /// Whether the data behind the header are not coded.
    pub(super) fn is_copy(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Decoded size of the blocks that decode alone; the last one may be shorter.
    pub fn block_bytes(&self) -> usize {
        if self.is_copy() { self.item } else { self.block_bytes }
    }

    fn num_blocks(&self) -> usize {
        self.num_bytes.div_ceil(self.block_bytes)
    }
}

/// Decodes one chunk to exactly `output`.
pub fn decode(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    if output.is_empty() {
        return Err(CodecError::corrupt("blosc chunk of no bytes"));
    }
    let header = Header::parse(input, output.len())?;
    let input = slice(input, 0, header.stored_bytes, "blosc")?;
    if header.is_copy() {
        output.copy_from_slice(slice(input, HEADER_BYTES, output.len(), "blosc")?);
        return Ok(());
    }
    if let Some(coding) = Coding::of(&header) {
        for (block, out) in output.chunks_mut(header.block_bytes).enumerate() {
            let start = block_start(input, block)?;
            coding.decode(input, start, out.len() < header.block_bytes, out)?;
        }
        return Ok(());
    }
    decode_by_library(input, output)
}

/// Decodes one chunk with c-blosc.
fn decode_by_library(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    validate(input, output.len())?;
    // SAFETY: `input` was validated to be exactly as long as its header says, which is what c-blosc
    // asks for; it writes at most `output.len()` bytes, and with a context of its own and one thread it
    // touches no shared state.
    let len =
        unsafe { blosc_src::blosc_decompress_ctx(input.as_ptr().cast(), output.as_mut_ptr().cast(), output.len(), 1) };
    finish(len, output.len())
}

/// What has to be read to decode a range of bytes of a chunk, and how to put it together.
///
/// c-blosc's partial decoder takes a whole chunk but looks only at the blocks it needs. It is given a
/// chunk that has just those: the same header and table of blocks, with the needed ones moved up.
pub struct Partial {
    header: Header,
    /// Items to decode.
    items: Range<usize>,
    /// Bytes to read, as ranges of the stored chunk, in order.
    reads: Vec<Range<usize>>,
}

impl Partial {
    /// Plans the decoding of the decoded bytes `range`. `table` holds the stored chunk's first
    /// [`Partial::table_bytes`]; `stored_bytes` is the chunk's size in the file.
    pub fn plan(header: Header, table: &[u8], stored_bytes: usize, range: Range<usize>) -> Result<Self, CodecError> {
        if header.stored_bytes > stored_bytes {
            return Err(CodecError::corrupt("blosc data end too early"));
        }
        if range.start >= range.end || range.end > header.num_bytes {
            return Err(CodecError::corrupt("range lies outside the blosc chunk"));
        }
        let items = range.start / header.item..range.end.div_ceil(header.item).min(header.num_bytes / header.item);
        if range.end > items.end * header.item {
            return Err(CodecError::Unsupported("range ends inside the last item of a blosc chunk".into()));
        }
        let mut reads: Vec<Range<usize>> = Vec::new();
        if header.is_copy() {
            reads.push(HEADER_BYTES + items.start * header.item..HEADER_BYTES + items.end * header.item);
            return Ok(Self { header, items, reads });
        }
        for start in Self::needed(&header, &items).map(|block| block_start(table, block)) {
            let start = start?;
            // Blocks may lie in any order: this one ends where the next one in the file starts.
            let mut stop = header.stored_bytes;
            for block in 0..header.num_blocks() {
                let other = block_start(table, block)?;
                if other > start && other < stop {
                    stop = other;
                }
            }
            if start < Self::table_bytes(&header) || start >= stop {
                return Err(CodecError::corrupt("blosc block lies outside its chunk"));
            }
            reads.push(start..stop);
        }
        Ok(Self { header, items, reads })
    }

    /// Length of the header and the table of blocks behind it.
    pub fn table_bytes(header: &Header) -> usize {
        if header.is_copy() { HEADER_BYTES } else { HEADER_BYTES + 4 * header.num_blocks() }
    }

    fn needed(header: &Header, items: &Range<usize>) -> Range<usize> {
        items.start * header.item / header.block_bytes..(items.end * header.item).div_ceil(header.block_bytes)
    }

    /// Ranges of the stored chunk to read one behind the other into the memory given to
    /// [`Partial::decode`], from [`Partial::reads_at`] on.
    pub fn reads(&self) -> &[Range<usize>] {
        &self.reads
    }

    /// Where the bytes read start in the memory given to [`Partial::decode`].
    pub fn reads_at(&self) -> usize {
        Self::table_bytes(&self.header)
    }

    /// Bytes of memory needed: table and everything read.
    pub fn num_bytes(&self) -> usize {
        self.reads_at() + self.reads.iter().map(Range::len).sum::<usize>()
    }

    /// The decoded bytes that come out: the planned range, rounded out to whole items.
    pub fn decoded_range(&self) -> Range<usize> {
        self.items.start * self.header.item..self.items.end * self.header.item
    }

    /// Decodes to exactly the [`Partial::decoded_range`]. `memory` starts with the chunk's table.
    pub fn decode(&self, memory: &mut [u8], output: &mut [u8]) -> Result<(), CodecError> {
        let wanted = self.decoded_range().len();
        if memory.len() != self.num_bytes() || output.len() != wanted {
            return Err(CodecError::corrupt("blosc range has a wrong size"));
        }
        if self.header.is_copy() {
            output.copy_from_slice(slice(memory, self.reads_at(), wanted, "blosc")?);
            return Ok(());
        }
        if let Some(coding) = Coding::of(&self.header) {
            return self.decode_blocks(&coding, memory, output);
        }
        // The header is not trusted twice: what was checked is written back.
        let header = &self.header;
        memory[2] = header.flags;
        memory[3] = header.item as u8;
        memory[4..8].copy_from_slice(&(header.num_bytes as u32).to_le_bytes());
        memory[8..12].copy_from_slice(&(header.block_bytes as u32).to_le_bytes());
        let len = memory.len() as u32;
        memory[12..16].copy_from_slice(&len.to_le_bytes());
        let mut start = self.reads_at();
        for (block, read) in Self::needed(header, &self.items).zip(&self.reads) {
            memory[HEADER_BYTES + 4 * block..][..4].copy_from_slice(&(start as u32).to_le_bytes());
            start += read.len();
        }
        validate(memory, header.num_bytes)?;
        // SAFETY: `memory` is exactly as long as its header says (just validated), the items lie inside
        // the decoded size, and `output` has room for all of them. c-blosc checks where every block it
        // uses starts and ends against the header's length.
        let len = unsafe {
            blosc_src::blosc_getitem(
                memory.as_ptr().cast(),
                self.items.start as c_int,
                self.items.len() as c_int,
                output.as_mut_ptr().cast(),
            )
        };
        finish(len, wanted)
    }

    fn decode_blocks(&self, coding: &Coding, memory: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
        let header = &self.header;
        let wanted = self.decoded_range();
        let (mut start, mut rest) = (self.reads_at(), output);
        for (block, read) in Self::needed(header, &self.items).zip(&self.reads) {
            // The table still has the places in the whole chunk; streams of this block end with its read.
            let stored = slice(memory, 0, start + read.len(), "blosc")?;
            let first = block * header.block_bytes;
            let last = header.num_bytes.min(first + header.block_bytes);
            let is_rest = last - first < header.block_bytes;
            let part = wanted.start.max(first)..wanted.end.min(last);
            let (out, behind) = rest.split_at_mut(part.len());
            if part == (first..last) {
                coding.decode(stored, start, is_rest, out)?;
            } else {
                BLOCK.with_borrow_mut(|whole| {
                    let bytes = reuse(whole, last - first)?;
                    coding.decode(stored, start, is_rest, bytes)?;
                    out.copy_from_slice(&bytes[part.start - first..part.end - first]);
                    Ok(())
                })?;
            }
            rest = behind;
            start += read.len();
        }
        Ok(())
    }
}

thread_local! {
    /// A block of which only a part is wanted.
    static BLOCK: RefCell<Vec<u8>> = RefCell::default();
}

/// Where the streams of a block start in its chunk.
fn block_start(table: &[u8], block: usize) -> Result<usize, CodecError> {
    u32_le(table, HEADER_BYTES + 4 * block, "blosc").map(|start| start as usize)
}

fn validate(input: &[u8], num_bytes: usize) -> Result<(), CodecError> {
    let mut claimed = 0;
    // SAFETY: c-blosc reads the header only, after checking that `input` is long enough for one.
    let status = unsafe { blosc_src::blosc_cbuffer_validate(input.as_ptr().cast(), input.len(), &raw mut claimed) };
    if status != 0 || claimed != num_bytes {
        return Err(CodecError::corrupt("blosc header makes no sense"));
    }
    Ok(())
}

fn finish(len: c_int, expected: usize) -> Result<(), CodecError> {
    if usize::try_from(len) == Ok(expected) {
        return Ok(());
    }
    Err(match len {
        -5 => CodecError::Unsupported("blosc codec is not in this build".into()),
        _ => CodecError::corrupt("blosc data are damaged"),
    })
}

/// Encodes as the rigs do, for tests and the demo recording. `codec` is c-blosc's name of the codec.
///
/// # Errors
/// When the codec is not in this build or the data are longer than Blosc takes.
pub fn encode(
    data: &[u8],
    item: usize,
    level: i32,
    codec: &std::ffi::CStr,
    block_bytes: usize,
) -> Result<Vec<u8>, CodecError> {
    if data.len() > MAX_BYTES || !(1..256).contains(&item) {
        return Err(CodecError::Unsupported("data are too long for blosc".into()));
    }
    thread_local! {
        static CODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    CODED.with_borrow_mut(|coded| {
        let most = data.len() + HEADER_BYTES;
        if coded.len() < most {
            coded.resize(most, 0);
        }
        // SAFETY: both buffers are at least as long as said, and c-blosc keeps within them; the codec's name ends with a
        // zero byte.
        let len = unsafe {
            blosc_src::blosc_compress_ctx(
                level.clamp(0, 9),
                1,
                item,
                data.len(),
                data.as_ptr().cast(),
                coded.as_mut_ptr().cast(),
                most,
                codec.as_ptr(),
                block_bytes,
                1,
            )
        };
        match usize::try_from(len) {
            // As long as it is: many wait to be written, and what was reserved for each is several times that.
            Ok(len) if len > 0 => Ok(coded[..len].to_vec()),
            _ => Err(CodecError::Unsupported("blosc cannot encode this".into())),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(len: usize) -> Vec<u8> {
        (0..len / 2).flat_map(|i| ((i * i / 97 % 1000) as u16).to_le_bytes()).collect()
    }

    fn decode_range(coded: &[u8], num_bytes: usize, range: Range<usize>) -> Result<Vec<u8>, CodecError> {
        let header = Header::parse(coded, num_bytes)?;
        let table = slice(coded, 0, Partial::table_bytes(&header), "blosc")?;
        let partial = Partial::plan(header, table, coded.len(), range.clone())?;
        let mut memory = table.to_vec();
        for read in partial.reads() {
            memory.extend(slice(coded, read.start, read.len(), "blosc")?);
        }
        let decoded = partial.decoded_range();
        let mut output = vec![0; decoded.len()];
        partial.decode(&mut memory, &mut output)?;
        Ok(output[range.start - decoded.start..][..range.len()].to_vec())
    }

    proptest! {
        #[test]
        fn ranges_equal_the_whole(
            codec in prop::sample::select(vec![c"blosclz", c"lz4", c"lz4hc", c"snappy", c"zlib", c"zstd"]),
            level in 0..10i32, block in prop::sample::select(vec![0usize, 512, 4096]),
            range in (0..40_000usize, 1..20_000usize), item in prop::sample::select(vec![1usize, 2, 4, 8, 17]),
        ) {
            let data = sample(60_000);
            let coded = encode(&data, item, level, codec, block).unwrap();
            let mut out = vec![0; data.len()];
            decode(&coded, &mut out).unwrap();
            prop_assert_eq!(&out, &data);
            out.fill(0);
            decode_by_library(&coded, &mut out).unwrap();
            prop_assert_eq!(&out, &data);
            let range = range.0..range.0 + range.1;
            prop_assert_eq!(decode_range(&coded, data.len(), range.clone()).unwrap(), &data[range]);
        }

        #[test]
        fn damaged_chunks_are_errors_or_data_never_a_crash(
            flips in prop::collection::vec((0..600usize, any::<u8>()), 1..8), cut in 0..3000usize,
        ) {
            let data = sample(20_000);
            let mut coded = encode(&data, 2, 5, c"blosclz", 1024).unwrap();
            for (at, value) in flips {
                let at = at % coded.len();
                coded[at] = value;
            }
            let coded = &coded[..coded.len().min(cut)];
            let _ = decode(coded, &mut vec![0; data.len()]);
            let _ = decode_range(coded, data.len(), 3000..9000);
        }
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let data = sample(20_000);
        let coded = encode(&data, 2, 5, c"lz4", 0).unwrap();
        assert!(decode(&coded, &mut vec![0; data.len() + 2]).is_err());
        for at in [0, 4, 7, 8, 11, 12, 15] {
            let mut lie = coded.clone();
            lie[at] = 0xff;
            assert!(decode(&lie, &mut vec![0; data.len()]).is_err(), "byte {at}");
        }
    }
}
