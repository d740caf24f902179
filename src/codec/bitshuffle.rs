//! The registered HDF5 filter bitshuffle (32008): bit planes of blocks of items, LZ4 or Zstandard inside.

use super::pipeline::reuse;
use super::{CodecError, lz4, slice, streams, u32_be, u64_be};

/// What the filter's client values say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    item: usize,
    /// Items in a block.
    block: usize,
    inner: Inner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    None,
    Lz4,
    Zstd,
}

impl Options {
    /// From the client values version, revision, item size, block size, codec; `None` where they make
    /// no sense here.
    pub fn from_hdf5(values: &[u32]) -> Option<Self> {
        let item = *values.get(2)? as usize;
        let inner = match values.get(4).copied().unwrap_or(0) {
            0 => Inner::None,
            2 => Inner::Lz4,
            3 => Inner::Zstd,
            _ => return None,
        };
        let block = match values.get(3).copied().unwrap_or(0) as usize {
            0 => default_block(item),
            block => block,
        };
        (item > 0 && item <= 64 && block.is_multiple_of(8) && block > 0).then_some(Self { item, block, inner })
    }

    /// Name in words.
    pub fn name(&self) -> &'static str {
        match self.inner {
            Inner::None => "bitshuffle",
            Inner::Lz4 => "bitshuffle+lz4",
            Inner::Zstd => "bitshuffle+zstd",
        }
    }

    /// Whether there is a codec inside.
    pub fn compresses(&self) -> bool {
        self.inner != Inner::None
    }
}

/// Blocks of about 8 KiB, at least 128 items.
fn default_block(item: usize) -> usize {
    (8192 / item.max(1) / 8 * 8).max(128)
}

/// Decodes one chunk.
pub fn decode(options: &Options, input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let Options { item, mut block, inner } = *options;
    let mut at = 0;
    if inner != Inner::None {
        let size = u64_be(input, 0, "bitshuffle")?;
        if size != output.len() as u64 {
            return Err(CodecError::Corrupt(format!("bitshuffle data claim {size} bytes instead of {}", output.len())));
        }
        // The header's block size, in bytes, is what was really used.
        block = u32_be(input, 8, "bitshuffle")? as usize / item;
        if block == 0 || !block.is_multiple_of(8) {
            return Err(CodecError::corrupt("bitshuffle block size makes no sense"));
        }
        at = 12;
    }
    let num_items = output.len() / item;
    // The last block holds what is left in whole groups of eight items; the rest is stored as it is.
    let (coded, rest) = output.split_at_mut(num_items / 8 * 8 * item);
    let mut plain = Vec::new();
    for out in coded.chunks_mut(block.saturating_mul(item)) {
        let bits = match inner {
            Inner::None => {
                let bits = slice(input, at, out.len(), "bitshuffle")?;
                at += bits.len();
                bits
            }
            Inner::Lz4 | Inner::Zstd => {
                let len = u32_be(input, at, "bitshuffle")? as usize;
                let packed = slice(input, at + 4, len, "bitshuffle")?;
                at += 4 + len;
                let bits = reuse(&mut plain, out.len())?;
                match inner {
                    Inner::Lz4 => lz4::decode_bare(packed, bits)?,
                    _ => streams::unzstd(packed, bits)?,
                }
                bits
            }
        };
        unshuffle_bits(item, bits, out);
    }
    rest.copy_from_slice(slice(input, at, rest.len(), "bitshuffle")?);
    Ok(())
}

/// Undoes the bit transposition of a whole number of groups of eight items: row `b` of `input` holds
/// bit `b` of every item.
pub fn unshuffle_bits(item: usize, input: &[u8], output: &mut [u8]) {
    let row = input.len() / (8 * item);
    for byte in 0..item {
        let rows = &input[byte * 8 * row..][..8 * row];
        for group in 0..row {
            let mut bits = 0u64;
            for b in 0..8 {
                bits |= u64::from(rows[b * row + group]) << (8 * b);
            }
            for (k, value) in transpose(bits).to_le_bytes().into_iter().enumerate() {
                output[(group * 8 + k) * item + byte] = value;
            }
        }
    }
}

/// Transposes an 8 by 8 matrix of bits, one row a byte.
fn transpose(mut x: u64) -> u64 {
    let mut t = (x ^ (x >> 7)) & 0x00aa_00aa_00aa_00aa;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000_cccc_0000_cccc;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x0000_0000_f0f0_f0f0;
    x ^ t ^ (t << 28)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffle_bits(item: usize, input: &[u8]) -> Vec<u8> {
        let (n, mut output) = (input.len() / item, vec![0; input.len()]);
        for i in 0..n {
            for b in 0..8 * item {
                let bit = input[i * item + b / 8] >> (b % 8) & 1;
                output[b * (n / 8) + i / 8] |= bit << (i % 8);
            }
        }
        output
    }

    fn encode(options: &Options, data: &[u8]) -> Vec<u8> {
        let mut coded = Vec::new();
        let block = options.block * options.item;
        if options.compresses() {
            coded.extend((data.len() as u64).to_be_bytes());
            coded.extend((block as u32).to_be_bytes());
        }
        let whole = data.len() / options.item / 8 * 8 * options.item;
        for part in data[..whole].chunks(block) {
            let bits = shuffle_bits(options.item, part);
            let packed = match options.inner {
                Inner::None => bits,
                Inner::Lz4 => lz4_flex::block::compress(&bits),
                Inner::Zstd => zstd::bulk::compress(&bits, 1).unwrap(),
            };
            if options.compresses() {
                coded.extend((packed.len() as u32).to_be_bytes());
            }
            coded.extend(packed);
        }
        coded.extend(&data[whole..]);
        coded
    }

    #[test]
    fn every_inner_codec_and_item_size_round_trips() {
        for item in [1, 2, 3, 4, 8] {
            for codec in [0, 2, 3] {
                for num_items in [0, 7, 8, 129, 5000] {
                    let options = Options::from_hdf5(&[0, 2, item as u32, 0, codec]).unwrap();
                    let data: Vec<u8> = (0..num_items * item).map(|i| ((i * i) >> 5) as u8).collect();
                    let coded = encode(&options, &data);
                    let mut out = vec![0; data.len()];
                    decode(&options, &coded, &mut out).unwrap();
                    assert_eq!(out, data, "{options:?} {num_items}");
                    for len in (0..coded.len()).step_by(37) {
                        assert!(decode(&options, &coded[..len], &mut out).is_err());
                    }
                }
            }
        }
    }
}
