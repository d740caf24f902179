//! The byte shuffle of HDF5 and Blosc: byte k of all items together, items in order, a rest uncoded.

use super::CodecError;

/// Undoes the shuffle of items of `item` bytes.
pub fn unshuffle(item: usize, input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    if input.len() != output.len() {
        return Err(CodecError::corrupt("shuffled data have a wrong size"));
    }
    if item <= 1 {
        output.copy_from_slice(input);
        return Ok(());
    }
    let n = input.len() / item;
    let (planes, rest) = input.split_at(n * item);
    let (items, tail) = output.split_at_mut(n * item);
    tail.copy_from_slice(rest);
    // The loops over two, four and eight planes compile to vector interleaves.
    match item {
        2 => {
            let (low, high) = planes.split_at(n);
            for ((out, &low), &high) in items.chunks_exact_mut(2).zip(low).zip(high) {
                out.copy_from_slice(&[low, high]);
            }
        }
        4 => {
            let (a, b, c, d) = (&planes[..n], &planes[n..2 * n], &planes[2 * n..3 * n], &planes[3 * n..]);
            for ((((out, &a), &b), &c), &d) in items.chunks_exact_mut(4).zip(a).zip(b).zip(c).zip(d) {
                out.copy_from_slice(&[a, b, c, d]);
            }
        }
        _ => {
            // A few items at a time, so that the output stays in the cache while planes are walked.
            const STEP: usize = 512;
            for first in (0..n).step_by(STEP) {
                let last = n.min(first + STEP);
                let out = &mut items[first * item..last * item];
                for (k, plane) in planes.chunks_exact(n).enumerate() {
                    for (out, &byte) in out.chunks_exact_mut(item).zip(&plane[first..last]) {
                        out[k] = byte;
                    }
                }
            }
        }
    }
    Ok(())
}

/// What [`unshuffle`] undoes, for writers: the first bytes of all values, then their second ones, and so on.
pub fn shuffle(item: usize, input: &[u8], output: &mut [u8]) {
    let n = input.len() / item.max(1);
    let (planes, tail) = output.split_at_mut(n * item);
    tail.copy_from_slice(&input[n * item..]);
    // A few items at a time, so that these stay in the cache while planes are walked.
    const STEP: usize = 512;
    for first in (0..n).step_by(STEP) {
        let last = n.min(first + STEP);
        let items = &input[first * item..last * item];
        for (k, plane) in planes.chunks_exact_mut(n).enumerate() {
            for (out, bytes) in plane[first..last].iter_mut().zip(items.chunks_exact(item)) {
                *out = bytes[k];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unshuffling_undoes_shuffling_for_every_item_size() {
        for item in 1..=17 {
            for len in [0, 1, item, 3 * item, 700 * item + 1, 1024 * item + item - 1] {
                let data: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
                let (mut coded, mut decoded) = (vec![0; len], vec![0; len]);
                shuffle(item, &data, &mut coded);
                unshuffle(item, &coded, &mut decoded).unwrap();
                assert_eq!(decoded, data, "{item} {len}");
            }
        }
    }
}
