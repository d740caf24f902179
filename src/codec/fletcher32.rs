//! HDF5's Fletcher-32 checksum, stored behind the data it covers.

use super::{CodecError, slice, u32_le};

/// Checks the sum at the end of `data` and returns the number of bytes in front of it.
///
/// # Errors
/// When it is another one.
pub fn verify(data: &[u8]) -> Result<usize, CodecError> {
    let len = data.len().checked_sub(4).ok_or_else(|| CodecError::corrupt("chunk is shorter than its checksum"))?;
    let stored = u32_le(data, len, "fletcher32")?;
    let computed = checksum(slice(data, 0, len, "fletcher32")?);
    // HDF5 before 1.6.3 stored the bytes of each half swapped on little-endian machines.
    let swapped = ((computed & 0x00ff_00ff) << 8) | ((computed >> 8) & 0x00ff_00ff);
    if stored != computed && stored != swapped {
        return Err(CodecError::corrupt("checksum does not match: the data are damaged"));
    }
    Ok(len)
}

/// The sum over big-endian 16-bit words, an odd last byte as the high half of one.
pub fn checksum(data: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut first, mut second) = (0u32, 0u32);
    let mut words = data.chunks_exact(2);
    let mut until_fold = 0;
    for word in &mut words {
        // 360 words are the most that cannot overflow the second sum.
        if until_fold == 360 {
            (first, second) = (fold(first), fold(second));
            until_fold = 0;
        }
        first += u32::from(u16::from_be_bytes([word[0], word[1]]));
        second += first;
        until_fold += 1;
    }
    (first, second) = (fold(first), fold(second));
    if let [last] = words.remainder() {
        first += u32::from(*last) << 8;
        second += first;
        (first, second) = (fold(first), fold(second));
    }
    (fold(second) << 16) | fold(first)
}
