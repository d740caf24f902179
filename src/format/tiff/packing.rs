//! From the bytes of a strip or tile to numbers: TIFF's own compressions, packed bits, byte order, predictors.
//! Pure functions; every size is given, whatever the input claims.

use std::cell::RefCell;

use weezl::{BitOrder, LzwStatus, decode::Decoder};

use super::layout::{Compression, Layout, Predictor};
use crate::codec::{self, Filter, Scratch, reuse, swap_bytes};

thread_local! {
    static UNLZW: RefCell<Option<Decoder>> = const { RefCell::new(None) };
}

/// Memory for the steps in between, used again.
#[derive(Default)]
pub struct Memory {
    /// Bytes as they were stored, where they are not read to where they belong.
    pub stored: Vec<u8>,
    turned: Vec<u8>,
    packed: Vec<u8>,
    bytes: Vec<u8>,
    scratch: Scratch,
}

impl Memory {
    /// Gives memory beyond `max_bytes` back to the system.
    pub fn shrink(&mut self, max_bytes: usize) {
        for memory in [&mut self.stored, &mut self.turned, &mut self.packed, &mut self.bytes] {
            if memory.capacity() > max_bytes {
                *memory = Vec::new();
            }
        }
        self.scratch.shrink(max_bytes);
    }
}

/// Numbers of rows of so many columns from their stored bytes, little-endian, bool as 0 or 1. `output` has
/// exactly their size.
///
/// # Errors
/// When the bytes do not make that many.
pub fn unpack(
    layout: &Layout,
    columns: usize,
    stored: &[u8],
    output: &mut [u8],
    memory: &mut Memory,
) -> Result<(), String> {
    let shown = columns * layout.interleaved() * layout.dtype.num_bytes();
    let rows = output.len() / shown.max(1);
    let Memory { turned, packed, bytes, scratch, .. } = memory;
    let stored = if layout.is_reversed {
        let turned = reuse(turned, stored.len()).map_err(|error| error.to_string())?;
        turned.iter_mut().zip(stored).for_each(|(to, from)| *to = from.reverse_bits());
        turned
    } else {
        stored
    };
    if layout.bits == layout.dtype.num_bytes() * 8 {
        decompress(layout.compression, stored, output, scratch)?;
        for row in output.chunks_exact_mut(shown.max(1)) {
            undo(layout, row, bytes);
        }
        return Ok(());
    }
    let row_bytes = layout.row_bytes(columns);
    let packed = reuse(packed, rows * row_bytes).map_err(|error| error.to_string())?;
    decompress(layout.compression, stored, packed, scratch)?;
    for (row, output) in packed.chunks_exact(row_bytes.max(1)).zip(output.chunks_exact_mut(shown.max(1))) {
        spread(row, layout.bits, output, layout.dtype.num_bytes());
    }
    Ok(())
}

fn decompress(how: Compression, stored: &[u8], output: &mut [u8], scratch: &mut Scratch) -> Result<(), String> {
    let by = |filter: Filter, output: &mut [u8], scratch: &mut Scratch| {
        codec::decode(&[filter], 0, stored, output, scratch).map_err(|error| error.to_string())
    };
    match how {
        Compression::None if stored.len() < output.len() => {
            Err(format!("{} bytes are stored instead of {}", stored.len(), output.len()))
        }
        Compression::None => {
            output.copy_from_slice(&stored[..output.len()]);
            Ok(())
        }
        Compression::Deflate => by(Filter::Deflate, output, scratch),
        Compression::Zstd => by(Filter::Zstd, output, scratch),
        Compression::Lzw => unlzw(stored, output),
        Compression::PackBits => unpack_bits(stored, output),
    }
}

fn unlzw(stored: &[u8], output: &mut [u8]) -> Result<(), String> {
    UNLZW.with_borrow_mut(|kept| {
        let decoder = kept.get_or_insert_with(|| Decoder::with_tiff_size_switch(BitOrder::Msb, 8));
        decoder.reset();
        let (mut read, mut written) = (0, 0);
        while written < output.len() {
            let result = decoder.decode_bytes(&stored[read..], &mut output[written..]);
            read += result.consumed_in;
            written += result.consumed_out;
            match result.status {
                _ if written == output.len() => break,
                Ok(LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 => {}
                Ok(_) => break,
                Err(error) => return Err(format!("LZW data are damaged: {error}")),
            }
        }
        let len = output.len();
        if written == len { Ok(()) } else { Err(format!("LZW data decode to {written} bytes instead of {len}")) }
    })
}

fn unpack_bits(stored: &[u8], output: &mut [u8]) -> Result<(), String> {
    let (mut read, mut written) = (0, 0);
    while written < output.len() {
        let Some(&head) = stored.get(read) else { break };
        read += 1;
        let head = head as i8;
        if head >= 0 {
            // What goes beyond the end belongs to nothing.
            let len = (usize::from(head as u8) + 1).min(output.len() - written);
            let Some(bytes) = stored.get(read..read + len) else { break };
            output[written..written + len].copy_from_slice(bytes);
            (read, written) = (read + len, written + len);
        } else if head != -128 {
            let len = (1 - isize::from(head)).unsigned_abs().min(output.len() - written);
            let Some(&byte) = stored.get(read) else { break };
            output[written..written + len].fill(byte);
            (read, written) = (read + 1, written + len);
        }
    }
    let len = output.len();
    if written == len { Ok(()) } else { Err(format!("PackBits data decode to {written} bytes instead of {len}")) }
}

/// Numbers of so many bits, the highest first, to whole bytes.
fn spread(row: &[u8], bits: usize, output: &mut [u8], item: usize) {
    for (i, number) in output.chunks_exact_mut(item).enumerate() {
        let mut value = 0u16;
        for bit in i * bits..(i + 1) * bits {
            value = value << 1 | u16::from(row[bit / 8] >> (7 - bit % 8) & 1);
        }
        number.copy_from_slice(&value.to_le_bytes()[..item]);
    }
}

/// One row as it was before it was stored: byte order, then predictor.
fn undo(layout: &Layout, row: &mut [u8], bytes: &mut Vec<u8>) {
    let (item, step) = (layout.dtype.num_bytes(), layout.interleaved());
    if layout.predictor == Predictor::Fractions {
        return undo_fractions(row, item, step, bytes);
    }
    if layout.is_big_endian {
        swap_bytes(item, row);
    }
    if layout.predictor == Predictor::Differences {
        match item {
            1 => sum_up::<1>(row, step, |a, b| [a[0].wrapping_add(b[0])]),
            2 => sum_up::<2>(row, step, |a, b| u16::from_le_bytes(a).wrapping_add(u16::from_le_bytes(b)).to_le_bytes()),
            4 => sum_up::<4>(row, step, |a, b| u32::from_le_bytes(a).wrapping_add(u32::from_le_bytes(b)).to_le_bytes()),
            _ => sum_up::<8>(row, step, |a, b| u64::from_le_bytes(a).wrapping_add(u64::from_le_bytes(b)).to_le_bytes()),
        }
    }
}

/// Each number is the sum of itself and the one `step` before.
fn sum_up<const N: usize>(row: &mut [u8], step: usize, add: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let (numbers, _) = row.as_chunks_mut::<N>();
    for i in step..numbers.len() {
        numbers[i] = add(numbers[i], numbers[i - step]);
    }
}

/// Fractions whose bytes lie apart, the most significant ones of all first, each the difference to the byte
/// `step` before.
fn undo_fractions(row: &mut [u8], item: usize, step: usize, bytes: &mut Vec<u8>) {
    for i in step..row.len() {
        row[i] = row[i].wrapping_add(row[i - step]);
    }
    bytes.clear();
    bytes.extend_from_slice(row);
    let num = row.len() / item;
    for (i, number) in row.chunks_exact_mut(item).enumerate() {
        for (significance, byte) in number.iter_mut().rev().enumerate() {
            *byte = bytes[significance * num + i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_lie_about_their_length_end_with_the_output() {
        let mut output = [0; 4];
        assert!(unpack_bits(&[0xfe, 7, 0, 9], &mut output).is_ok());
        assert_eq!(output, [7, 7, 7, 9]);
        assert!(unpack_bits(&[127, 1, 2, 3, 4], &mut output).is_ok(), "longer than what is wanted");
        assert!(unpack_bits(&[127, 1, 2], &mut output).is_err());
        assert!(unpack_bits(&[128, 128], &mut output).is_err());
        assert!(unpack_bits(&[], &mut output).is_err());
    }

    #[test]
    fn packed_numbers_are_spread_the_highest_bit_first() {
        let mut output = [0; 4];
        spread(&[0b1010_0000], 1, &mut output, 1);
        assert_eq!(output, [1, 0, 1, 0]);
        spread(&[0x12, 0x3a, 0xbc], 12, &mut output, 2);
        assert_eq!(output, [0x23, 0x01, 0xbc, 0x0a]);
    }
}
