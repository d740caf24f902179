//! HDF5's szip filter (4): the adaptive Rice code of CCSDS 121.0-B, as the library's filter packs it.
//!
//! Values are cut into scan lines of blocks. Each block says how it is coded: all zero, in pairs, with a number of
//! low bits apart, or bare. With nearest-neighbour coding a scan line begins with a bare value, and the others are
//! differences from the one before.

use super::{CodecError, reuse, slice, streams};

/// What the file says of how values were packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    is_most_significant_first: bool,
    has_differences: bool,
    /// Values in a block.
    block: usize,
    /// Bits of a packed value.
    num_bits: u32,
    /// Bytes of a value whose bytes were packed apart, all first ones before all second ones; else 1.
    num_planes: usize,
    /// Values in a scan line.
    line: usize,
}

/// Blocks that end a run of zero blocks.
const SEGMENT: usize = 64;

impl Options {
    /// From the filter's client values; `None` where they make no sense.
    pub fn from_hdf5(values: &[u32]) -> Option<Self> {
        const NEAREST_NEIGHBOUR: u32 = 32;
        const MOST_SIGNIFICANT_FIRST: u32 = 16;
        let &[mask, block, bits, line, ..] = values else { return None };
        let (num_bits, num_planes) = match bits {
            32 | 64 => (8, bits as usize / 8),
            1..=24 => (bits, 1),
            _ => return None,
        };
        let is_sound = (2..=64).contains(&block) && block % 2 == 0 && (1..=1 << 16).contains(&line);
        is_sound.then_some(Self {
            is_most_significant_first: mask & MOST_SIGNIFICANT_FIRST != 0,
            has_differences: mask & NEAREST_NEIGHBOUR != 0,
            block: block as usize,
            num_bits,
            num_planes,
            line: line as usize,
        })
    }

    /// Bytes that a packed value takes unpacked.
    fn item(&self) -> usize {
        match self.num_bits {
            0..=8 => 1,
            9..=16 => 2,
            _ => 4,
        }
    }
}

/// Decodes one chunk.
pub fn decode(options: &Options, input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let num_bytes = super::u32_le(input, 0, "szip")? as usize;
    streams::exact("szip", num_bytes, output.len())?;
    let coded = slice(input, 4, input.len() - 4, "szip")?;
    if options.num_planes == 1 {
        return decode_values(options, coded, output);
    }
    let mut memory = Vec::new();
    let planes = reuse(&mut memory, output.len())?;
    decode_values(options, coded, planes)?;
    let num_values = output.len() / options.num_planes;
    for (plane, bytes) in planes.chunks_exact(num_values.max(1)).enumerate().take(options.num_planes) {
        for (value, byte) in output.chunks_exact_mut(options.num_planes).zip(bytes) {
            value[plane] = *byte;
        }
    }
    Ok(())
}

fn decode_values(options: &Options, coded: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let item = options.item();
    let mut bits = Bits { bytes: coded, at: 0 };
    let mut values = vec![0; options.line.div_ceil(options.block) * options.block];
    for line in output.chunks_mut(options.line * item) {
        let num = line.len() / item;
        let needed = num.div_ceil(options.block) * options.block;
        decode_line(options, &mut bits, &mut values, needed)?;
        if options.has_differences {
            undo_differences(options.num_bits, &mut values[..needed]);
        }
        for (place, value) in line.chunks_exact_mut(item).zip(&values) {
            let bytes = value.to_le_bytes();
            place.copy_from_slice(&bytes[..item]);
            if options.is_most_significant_first {
                place.reverse();
            }
        }
    }
    Ok(())
}

/// Decodes the first `needed` values of a scan line, whole blocks.
fn decode_line(options: &Options, bits: &mut Bits<'_>, values: &mut [u32], needed: usize) -> Result<(), CodecError> {
    let num_bits = options.num_bits;
    let id_bits = match num_bits {
        0..=8 => 3,
        9..=16 => 4,
        _ => 5,
    };
    let last_id = (1 << id_bits) - 1;
    let num_blocks = values.len() / options.block;
    let mut at = 0;
    while at < needed {
        // A line with differences begins with a value that is none.
        let has_first = options.has_differences && at == 0;
        let id = bits.take(id_bits)?;
        if id == last_id {
            for value in &mut values[at..at + options.block] {
                *value = bits.take(num_bits)?;
            }
            at += options.block;
            continue;
        }
        let is_in_pairs = id == 0 && bits.take(1)? == 1;
        let mut first = at;
        if has_first {
            values[at] = bits.take(num_bits)?;
            first += 1;
        }
        let block = &mut values[first..at + options.block];
        if id > 0 {
            let num_low = id - 1;
            for value in block.iter_mut() {
                let high = bits.zeros()?;
                *value = high.checked_shl(num_low).filter(|value| value >> num_low == high).ok_or_else(damaged)?;
            }
            for value in block {
                *value |= bits.take(num_low)?;
            }
            at += options.block;
        } else if is_in_pairs {
            pairs(bits, block, usize::from(has_first))?;
            at += options.block;
        } else {
            let here = at / options.block;
            let run = match bits.zeros()? as usize + 1 {
                5 => (num_blocks - here).min(SEGMENT - here % SEGMENT),
                run if run > 5 => run - 1,
                run => run,
            };
            let stop = at + run * options.block;
            values.get_mut(first..stop).ok_or_else(damaged)?.fill(0);
            at = stop;
        }
    }
    Ok(())
}

/// Values coded two at a time by their sum and the second; of the first pair of a line only the second.
fn pairs(bits: &mut Bits<'_>, block: &mut [u32], skipped: usize) -> Result<(), CodecError> {
    const MAX_CODE: u32 = 90;
    let mut i = skipped;
    while i < block.len() + skipped {
        let code = bits.zeros()?;
        if code > MAX_CODE {
            return Err(damaged());
        }
        let sum = (0..=13).rev().find(|sum| sum * (sum + 1) / 2 <= code).unwrap_or(0);
        let second = code - sum * (sum + 1) / 2;
        if i.is_multiple_of(2) {
            block[i - skipped] = sum - second;
            i += 1;
        }
        *block.get_mut(i - skipped).ok_or_else(damaged)? = second;
        i += 1;
    }
    Ok(())
}

/// From differences that were folded so that none leaves the range of values.
fn undo_differences(num_bits: u32, values: &mut [u32]) {
    let max = u32::MAX >> (32 - num_bits);
    let Some((&mut first, rest)) = values.split_first_mut() else { return };
    let mut before = first;
    for value in rest {
        let folded = *value;
        let room = before.min(max - before);
        let half = folded.div_ceil(2);
        before = match () {
            () if half > room && before > max / 2 => max.wrapping_sub(folded) & max,
            () if half > room => folded & max,
            () if folded % 2 == 1 => before - half,
            () => before + half,
        };
        *value = before;
    }
}

fn damaged() -> CodecError {
    CodecError::corrupt("szip data are damaged")
}

/// Bits, the most significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next one.
    at: usize,
}

impl Bits<'_> {
    /// A number of so many bits, 32 at most.
    fn take(&mut self, num: u32) -> Result<u32, CodecError> {
        let mut value = 0u64;
        let mut left = num;
        while left > 0 {
            let byte = self.bytes.get(self.at / 8).ok_or_else(ended)?;
            let free = 8 - (self.at % 8) as u32;
            let now = free.min(left);
            let part = (u32::from(*byte) >> (free - now)) & ((1 << now) - 1);
            value = (value << now) | u64::from(part);
            self.at += now as usize;
            left -= now;
        }
        Ok(value as u32)
    }

    /// How many zeros stand before the next one, which is passed.
    fn zeros(&mut self) -> Result<u32, CodecError> {
        let mut num = 0u32;
        loop {
            let byte = self.bytes.get(self.at / 8).ok_or_else(ended)?;
            let used = self.at % 8;
            let rest = byte << used;
            if rest != 0 {
                let zeros = rest.leading_zeros();
                self.at += zeros as usize + 1;
                return num.checked_add(zeros).ok_or_else(damaged);
            }
            num = num.checked_add(8 - used as u32).ok_or_else(damaged)?;
            self.at += 8 - used;
        }
    }
}

fn ended() -> CodecError {
    CodecError::corrupt("szip data end too early")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_data_are_errors_and_cost_no_more_than_the_chunk() {
        let options = Options::from_hdf5(&[32 | 8, 8, 16, 20]).unwrap();
        let mut seed = 9u64;
        for _ in 0..2000 {
            let mut input = vec![80, 0, 0, 0];
            for _ in 0..seed % 60 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                input.push((seed >> 40) as u8 & (seed >> 50) as u8);
            }
            // Either the chunk or an error, never a panic.
            let _ = decode(&options, &input, &mut [0; 80]);
            seed = seed.wrapping_add(1);
        }
        assert!(decode(&options, &[81, 0, 0, 0], &mut [0; 80]).is_err(), "another size");
        for bad in [&[0, 8, 16][..], &[0, 3, 16, 20], &[0, 8, 33, 20], &[0, 8, 16, 0]] {
            assert_eq!(Options::from_hdf5(bad), None);
        }
    }
}
