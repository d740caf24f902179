//! Blosc 2: chunks, and the contiguous frames that PyTables and hdf5plugin store, with their chunks cut
//! into n-dimensional blocks. A decoder of its own: c-blosc2 does not link beside c-blosc.

use std::ops::Range;

use super::pipeline::reuse;
use super::{CodecError, bitshuffle, blosclz, lz4, shuffle, slice, streams, u32_be, u32_le, u64_be};
use crate::volume::{Grid, MAX_RANK, Region, Shape, copy_region};

const NAME: &str = "blosc2";

/// Length of the header of a chunk that Blosc 2 wrote.
const HEADER_BYTES: usize = 32;

/// Filters within a chunk; 0 is none, and what 4 did to floats is not undone.
const SHUFFLE: u8 = 1;
const BIT_SHUFFLE: u8 = 2;
const DELTA: u8 = 3;
const TRUNCATED: u8 = 4;

/// Decodes one stored chunk, bare or in a frame.
pub fn decode(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    if input.get(2..10) != Some(b"b2frame\0") {
        let chunk = Chunk::parse(input)?;
        if chunk.num_bytes != output.len() {
            return Err(wrong_size(chunk.num_bytes, output.len()));
        }
        return chunk.decode(output);
    }
    let frame = Frame::parse(input)?;
    match &frame.blocks {
        Some(blocks) => {
            let chunk = frame.chunk(0)?;
            blocks.decode(chunk.as_ref(), output)
        }
        None => frame.decode(output),
    }
}

fn damaged(what: &str) -> CodecError {
    CodecError::Corrupt(format!("{NAME} {what} makes no sense"))
}

fn wrong_size(found: usize, expected: usize) -> CodecError {
    CodecError::Corrupt(format!("{NAME} header claims {found} bytes instead of {expected}"))
}

/// One chunk: a header, a table of block starts, the blocks.
struct Chunk<'a> {
    bytes: &'a [u8],
    version: u8,
    flags: u8,
    item: usize,
    num_bytes: usize,
    block_bytes: usize,
    header_bytes: usize,
    /// Filters in the order they were applied, each with its parameter.
    filters: [(u8, u8); 6],
    special: u8,
}

impl<'a> Chunk<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let head = slice(bytes, 0, 16, NAME)?;
        let number = |at| u32_le(bytes, at, NAME).map(|value| value as usize);
        let mut chunk = Self {
            version: head[0],
            flags: head[2],
            item: usize::from(head[3]).max(1),
            num_bytes: number(4)?,
            block_bytes: number(8)?,
            bytes: slice(bytes, 0, number(12)?, NAME)?,
            header_bytes: 16,
            filters: [(0, 0); 6],
            special: 0,
        };
        // Both shuffles at once stand for the longer header.
        if chunk.flags & 5 == 5 {
            let more = slice(chunk.bytes, 16, 16, NAME)?;
            chunk.header_bytes = HEADER_BYTES;
            for (filter, (&id, &parameter)) in chunk.filters.iter_mut().zip(more[..6].iter().zip(&more[8..14])) {
                *filter = (id, parameter);
            }
            chunk.special = more[15] >> 4 & 7;
            if more[15] & 0b1000_1011 != 0 {
                return Err(CodecError::Unsupported(format!("{NAME} with a dictionary, lazy or instrumented")));
            }
        } else {
            // Fixed places: the difference was taken first.
            chunk.filters[4].0 = if chunk.flags & 8 != 0 { DELTA } else { 0 };
            chunk.filters[5].0 = if chunk.flags & 1 != 0 { SHUFFLE } else { (chunk.flags & 4) / 2 };
        }
        if let Some((id, _)) = chunk.filters.iter().find(|(id, _)| *id > TRUNCATED) {
            return Err(CodecError::Unsupported(format!("{NAME} filter {id} is not read")));
        }
        let ids = chunk.filters.map(|(id, _)| id);
        let mut behind_shuffle = ids.iter().skip_while(|id| !matches!(**id, SHUFFLE | BIT_SHUFFLE));
        if behind_shuffle.any(|id| *id == DELTA) {
            // Blosc 2 itself does not restore what it stored so.
            return Err(CodecError::Unsupported(format!(
                "{NAME} with a difference taken behind a shuffle is not read"
            )));
        }
        if !(1..=5).contains(&chunk.version) || chunk.num_bytes > 0 && chunk.block_bytes == 0 {
            return Err(damaged("header"));
        }
        Ok(chunk)
    }

    fn num_blocks(&self) -> usize {
        self.num_bytes.div_ceil(self.block_bytes.max(1))
    }

    fn block_range(&self, block: usize) -> Range<usize> {
        block * self.block_bytes..self.num_bytes.min((block + 1) * self.block_bytes)
    }

    fn decode(&self, output: &mut [u8]) -> Result<(), CodecError> {
        let mut memory = Memory::default();
        for (block, out) in output.chunks_mut(self.block_bytes.max(1)).enumerate() {
            self.decode_block(block, out, &mut memory)?;
        }
        Ok(())
    }

    /// Decodes one block to exactly `output`.
    fn decode_block(&self, block: usize, output: &mut [u8], memory: &mut Memory) -> Result<(), CodecError> {
        if block >= self.num_blocks() || output.len() != self.block_range(block).len() {
            return Err(damaged("block"));
        }
        match self.special {
            0 => {}
            1 => {
                output.fill(0);
                return Ok(());
            }
            2 if self.item == 4 || self.item == 8 => {
                let nan = if self.item == 4 { &f32::NAN.to_le_bytes()[..] } else { &f64::NAN.to_le_bytes()[..] };
                repeat(nan, output);
                return Ok(());
            }
            3 => {
                repeat(slice(self.bytes, self.header_bytes, self.item, NAME)?, output);
                return Ok(());
            }
            _ => return Err(CodecError::corrupt("blosc2 chunk was never given values")),
        }
        if self.flags & 2 != 0 {
            // Not coded, nor filtered.
            let start = self.header_bytes + self.block_range(block).start;
            output.copy_from_slice(slice(self.bytes, start, output.len(), NAME)?);
            return Ok(());
        }
        let start = u32_le(self.bytes, self.header_bytes + 4 * block, NAME)? as usize;
        if start < self.header_bytes {
            return Err(damaged("table of blocks"));
        }
        // Shuffles move the bytes from buffer to buffer, the last one into `output`.
        let Memory { stages: [a, b], first } = memory;
        let is_shuffle = |id| matches!(id, SHUFFLE | BIT_SHUFFLE);
        let mut num_left = self.filters.iter().filter(|(id, _)| is_shuffle(*id)).count();
        let len = if num_left > 0 { output.len() } else { 0 };
        let (mut from, mut free) = (reuse(a, len)?, reuse(b, len)?);
        self.decode_streams(start, if num_left > 0 { &mut *from } else { &mut *output })?;
        for &(id, parameter) in self.filters.iter().rev() {
            if is_shuffle(id) {
                num_left -= 1;
                let to = if num_left > 0 { &mut *free } else { &mut *output };
                match id {
                    SHUFFLE if parameter != 0 => shuffle::unshuffle(parameter.into(), from, to)?,
                    SHUFFLE => shuffle::unshuffle(self.item, from, to)?,
                    _ => self.unshuffle_bits(self.item, from, to),
                }
                std::mem::swap(&mut from, &mut free);
            } else if id == DELTA {
                let bytes = if num_left > 0 { &mut *from } else { &mut *output };
                add_difference(self.item, (block > 0).then_some(first.as_slice()), bytes)?;
            }
        }
        if block == 0 && self.filters.iter().any(|(id, _)| *id == DELTA) {
            first.clear();
            first.extend_from_slice(output);
        }
        Ok(())
    }

    /// Undoes the bit shuffle of a block: whole groups of eight items, the rest as it is.
    fn unshuffle_bits(&self, item: usize, input: &[u8], output: &mut [u8]) {
        let num_items = input.len() / item;
        // Before version 3 a block that is not made of whole groups was left alone.
        let coded = if self.version == 2 && !num_items.is_multiple_of(8) { 0 } else { num_items / 8 * 8 * item };
        bitshuffle::unshuffle_bits(item, &input[..coded], &mut output[..coded]);
        output[coded..].copy_from_slice(&input[coded..]);
    }

    /// Decodes the streams of a block that start at `start`.
    fn decode_streams(&self, start: usize, output: &mut [u8]) -> Result<(), CodecError> {
        let is_whole = output.len() == self.block_bytes;
        let num_streams = if self.flags & 0x10 == 0 && is_whole { self.item } else { 1 };
        let stream_bytes = output.len() / num_streams;
        if stream_bytes == 0 {
            return Err(damaged("block size"));
        }
        let codec = self.flags >> 5;
        let mut at = start;
        for out in output.chunks_exact_mut(stream_bytes).take(num_streams) {
            let len = u32_le(self.bytes, at, NAME)? as i32;
            at += 4;
            if len <= 0 {
                // A run of one byte: zero, or what the length hides.
                let value = if len == 0 {
                    0
                } else {
                    let token = slice(self.bytes, at, 1, NAME)?[0];
                    at += 1;
                    u8::try_from(len.unsigned_abs()).ok().filter(|_| token & 1 != 0).ok_or_else(|| damaged("run"))?
                };
                out.fill(value);
                continue;
            }
            let stream = slice(self.bytes, at, len as usize, NAME)?;
            at += stream.len();
            if stream.len() == out.len() {
                out.copy_from_slice(stream);
                continue;
            }
            match codec {
                0 => blosclz::decode(stream, out)?,
                1 => lz4::decode_bare(stream, out)?,
                3 => streams::inflate(stream, out)?,
                4 => streams::unzstd(stream, out)?,
                _ => return Err(CodecError::Unsupported(format!("{NAME} codec {codec} is not read"))),
            }
        }
        // Bytes that no stream reaches are those of a last incomplete item.
        let coded = stream_bytes * num_streams;
        output[coded..].fill(0);
        Ok(())
    }
}

/// Kept between the blocks of a chunk, which are decoded in order.
#[derive(Default)]
struct Memory {
    stages: [Vec<u8>; 2],
    /// The first block, decoded, where the others are stored as their differences from it.
    first: Vec<u8>,
}

/// Undoes the difference (bits, not numbers) that each item of a block has to the item in the same place
/// of the first block, or in the first block itself to the item before.
fn add_difference(item: usize, first: Option<&[u8]>, block: &mut [u8]) -> Result<(), CodecError> {
    let step = match item {
        1 | 2 | 4 | 8 => item,
        _ if item.is_multiple_of(8) => 8,
        _ => 1,
    };
    // A last incomplete item is left alone.
    let len = block.len() / step * step;
    match first {
        None => (step..len).for_each(|i| block[i] ^= block[i - step]),
        Some(first) => {
            let first = slice(first, 0, len, NAME)?;
            block.iter_mut().zip(first).for_each(|(byte, other)| *byte ^= other);
        }
    }
    Ok(())
}

fn repeat(value: &[u8], output: &mut [u8]) {
    for out in output.chunks_mut(value.len()) {
        out.copy_from_slice(&value[..out.len()]);
    }
}

/// A contiguous frame.
struct Frame<'a> {
    bytes: &'a [u8],
    header_bytes: usize,
    num_bytes: usize,
    stored_bytes: usize,
    chunk_bytes: usize,
    /// How the chunk is cut into n-dimensional blocks, where it is.
    blocks: Option<Blocks>,
}

impl<'a> Frame<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let size = |at| u64_be(bytes, at, NAME).and_then(|n| usize::try_from(n).map_err(|_| damaged("frame")));
        let header_bytes = u32_be(bytes, 0x0b, NAME)? as usize;
        let header = slice(bytes, 0, header_bytes, NAME)?;
        if slice(header, 0, 0x5e, NAME)?[0x1a] & 15 != 0 {
            return Err(CodecError::Unsupported(format!("{NAME} frame in several files")));
        }
        let blocks = match find_layer(header, b"b2nd")? {
            Some(layer) => Some(Blocks::parse(layer, u32_be(header, 0x30, NAME)? as usize)?),
            None => None,
        };
        Ok(Self {
            header_bytes,
            num_bytes: size(0x1e)?,
            stored_bytes: size(0x27)?,
            chunk_bytes: u32_be(bytes, 0x3a, NAME)? as usize,
            blocks,
            bytes,
        })
    }

    /// The chunk at `position`; `None` stands for zeros.
    fn chunk(&self, position: usize) -> Result<Option<Chunk<'a>>, CodecError> {
        // A single chunk lies right behind the header; several, and one that is not stored, are looked
        // up in the index, which is a chunk itself.
        let mut offset = 0;
        if self.stored_bytes == 0 || self.num_bytes > self.chunk_bytes {
            let start = self.header_bytes.checked_add(self.stored_bytes).ok_or_else(|| damaged("frame"))?;
            let index = Chunk::parse(slice(self.bytes, start, self.bytes.len().saturating_sub(start), NAME)?)?;
            let num_chunks = self.num_bytes.div_ceil(self.chunk_bytes.max(1));
            if index.num_bytes / 8 < num_chunks || index.num_bytes > 1 << 20 || position >= num_chunks {
                return Err(damaged("index"));
            }
            let mut offsets = vec![0; index.num_bytes];
            index.decode(&mut offsets)?;
            offset = u64_be(&offsets, position * 8, NAME)?.swap_bytes();
        }
        match offset >> 56 {
            0 => {}
            special if special & 0x87 == 0x81 => return Ok(None),
            _ => return Err(CodecError::Unsupported(format!("{NAME} chunk of a special value"))),
        }
        let start = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(self.header_bytes));
        let start = start.filter(|&start| start < self.bytes.len()).ok_or_else(|| damaged("index"))?;
        Chunk::parse(&self.bytes[start..]).map(Some)
    }

    fn decode(&self, output: &mut [u8]) -> Result<(), CodecError> {
        if self.num_bytes != output.len() || self.chunk_bytes == 0 {
            return Err(wrong_size(self.num_bytes, output.len()));
        }
        for (position, out) in output.chunks_mut(self.chunk_bytes).enumerate() {
            match self.chunk(position)? {
                Some(chunk) if chunk.num_bytes == out.len() => chunk.decode(out)?,
                Some(chunk) => return Err(wrong_size(chunk.num_bytes, out.len())),
                None => out.fill(0),
            }
        }
        Ok(())
    }
}

/// The content of a metadata layer of a frame's header.
fn find_layer<'a>(header: &'a [u8], wanted: &[u8]) -> Result<Option<&'a [u8]>, CodecError> {
    let num_layers = u32_be(header, 0x5a, NAME)? & 0xffff;
    let mut at = 0x5e;
    for _ in 0..num_layers {
        let tag = slice(header, at, 1, NAME)?[0];
        let name = slice(header, at + 1, usize::from(tag & 0x1f), NAME)?;
        at += 1 + name.len();
        let start = u32_be(header, at + 1, NAME)? as usize;
        at += 5;
        if name == wanted {
            let len = u32_be(header, start.saturating_add(1), NAME)? as usize;
            return slice(header, start + 5, len, NAME).map(Some);
        }
    }
    Ok(None)
}

/// How a chunk is cut into n-dimensional blocks, each stored as one.
struct Blocks {
    chunk: Shape,
    block: Shape,
    item: usize,
}

impl Blocks {
    fn parse(layer: &[u8], item: usize) -> Result<Self, CodecError> {
        let rank = usize::from(slice(layer, 0, 3, NAME)?[2]);
        if rank == 0 || rank > MAX_RANK || item == 0 {
            return Err(damaged("number of axes"));
        }
        // Behind version and rank: the shape (8-byte numbers), chunk and block (4-byte ones), each list
        // and each number behind a byte for its type.
        let read = |start: usize| {
            let mut dims = [0; MAX_RANK];
            for (axis, dim) in dims.iter_mut().enumerate().take(rank) {
                *dim = u32_be(layer, start + 1 + 5 * axis + 1, NAME)? as usize;
            }
            Shape::new(&dims[..rank]).ok_or_else(|| damaged("number of axes"))
        };
        let start = 3 + 1 + 9 * rank;
        let blocks = Self { chunk: read(start)?, block: read(start + 1 + 5 * rank)?, item };
        let is_sound =
            blocks.chunk.dims().iter().zip(blocks.block.dims()).all(|(&chunk, &block)| 0 < block && block <= chunk);
        is_sound.then_some(blocks).ok_or_else(|| damaged("block shape"))
    }

    fn decode(&self, chunk: Option<&Chunk<'_>>, output: &mut [u8]) -> Result<(), CodecError> {
        let num_bytes = |shape: &Shape| shape.num_voxels().and_then(|n| n.checked_mul(self.item));
        if num_bytes(&self.chunk) != Some(output.len()) {
            return Err(wrong_size(num_bytes(&self.chunk).unwrap_or(usize::MAX), output.len()));
        }
        let Some(chunk) = chunk else {
            output.fill(0);
            return Ok(());
        };
        let grid = Grid::new(self.chunk, self.block).ok_or_else(|| damaged("block shape"))?;
        let num_blocks = usize::try_from(grid.num_cells()).map_err(|_| damaged("block shape"))?;
        if num_bytes(&self.block) != Some(chunk.block_bytes) || chunk.num_blocks() != num_blocks {
            return Err(damaged("block shape"));
        }
        let whole = Region::whole(&self.chunk);
        let (mut memory, mut decoded) = (Memory::default(), Vec::new());
        for (block, at) in Region::whole(grid.counts()).indices().enumerate() {
            let region = grid.whole_cell(&at);
            let decoded = reuse(&mut decoded, chunk.block_bytes)?;
            chunk.decode_block(block, decoded, &mut memory)?;
            copy_region(decoded, &region, output, &whole, self.item);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::blosc;

    proptest! {
        /// The two formats share header, blocks and streams, and c-blosc writes the older one.
        #[test]
        fn chunks_of_c_blosc_decode_the_same(
            codec in prop::sample::select(vec![c"blosclz", c"lz4", c"zlib", c"zstd"]),
            item in prop::sample::select(vec![1usize, 2, 4, 8]), level in 1..10i32,
            block in prop::sample::select(vec![2048usize, 8192]), noise in 1..200u64,
        ) {
            let data: Vec<u8> = (0..30_000u64).map(|i| (i * i / 31 % noise + i / 1000) as u8).collect();
            let coded = blosc::encode(&data, item, level, codec, block).unwrap();
            let mut out = vec![0; data.len()];
            decode(&coded, &mut out).unwrap();
            prop_assert_eq!(out, data);
        }

        #[test]
        fn damaged_chunks_are_errors_or_data_never_a_crash(
            flips in prop::collection::vec((0..400usize, any::<u8>()), 1..8), cut in 0..3000usize,
        ) {
            let data: Vec<u8> = (0..9000u32).map(|i| ((i * i) >> 9) as u8).collect();
            let mut coded = blosc::encode(&data, 2, 5, c"blosclz", 2048).unwrap();
            for (at, value) in flips {
                let at = at % coded.len();
                coded[at] = value;
            }
            let cut = cut.min(coded.len());
            let _ = decode(&coded[..cut], &mut vec![0; data.len()]);
        }
    }

    /// A chunk with the long header and nothing but a special value.
    fn special(kind: u8, value: &[u8]) -> Vec<u8> {
        let mut chunk = vec![5, 1, 0x97, 4];
        chunk.extend(64u32.to_le_bytes());
        chunk.extend(64u32.to_le_bytes());
        chunk.extend((32 + value.len() as u32).to_le_bytes());
        chunk.extend([0; 15]);
        chunk.push(kind << 4);
        chunk.extend(value);
        chunk
    }

    #[test]
    fn special_values_fill_a_chunk_and_unset_ones_are_refused() {
        let mut out = [9; 64];
        decode(&special(1, &[]), &mut out).unwrap();
        assert_eq!(out, [0; 64]);
        decode(&special(3, &7u32.to_le_bytes()), &mut out).unwrap();
        assert!(out.chunks(4).all(|item| item == [7, 0, 0, 0]));
        decode(&special(2, &[]), &mut out).unwrap();
        assert!(out.chunks(4).all(|item| f32::from_le_bytes([item[0], item[1], item[2], item[3]]).is_nan()));
        assert!(decode(&special(4, &[]), &mut out).is_err());
    }
}
