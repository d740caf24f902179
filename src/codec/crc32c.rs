//! The checksum (CRC-32C, little-endian) that Zarr puts behind shard indexes and chunks.

use super::CodecError;

/// The checksum of some bytes.
pub fn checksum(bytes: &[u8]) -> u32 {
    extended(0, bytes)
}

/// The checksum of bytes behind others, whose checksum is `before`; 0 is that of none.
pub fn extended(before: u32, bytes: &[u8]) -> u32 {
    ::crc32c::crc32c_append(before, bytes)
}

/// The checksum of bytes behind others, each of which have one already, without looking at them.
pub fn joined(before: u32, behind: u32, num_bytes_behind: u64) -> u32 {
    ::crc32c::crc32c_combine(before, behind, num_bytes_behind as usize)
}

/// Checks the checksum at the end and returns the number of bytes before it.
pub fn verify(input: &[u8]) -> Result<usize, CodecError> {
    let len = input.len().checked_sub(4).ok_or_else(|| CodecError::corrupt("too short for a crc32c checksum"))?;
    let stored = super::u32_le(input, len, "crc32c")?;
    if checksum(&input[..len]) != stored {
        return Err(CodecError::corrupt("crc32c checksum does not match: the data are damaged"));
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums_and_flipped_bits() {
        // RFC 3720, B.4.
        assert_eq!(checksum(&[0; 32]), 0x8A91_36AA);
        assert_eq!(checksum(&[0xff; 32]), 0x62A8_AB43);
        assert_eq!(checksum(&(0..32).collect::<Vec<u8>>()), 0x46DD_794E);
        assert_eq!(checksum(b"123456789"), 0xE306_9283);
        for cut in 0..=9 {
            let (a, b) = b"123456789".split_at(cut);
            assert_eq!(extended(checksum(a), b), 0xE306_9283);
            assert_eq!(joined(checksum(a), checksum(b), b.len() as u64), 0xE306_9283);
        }
        let (long, tail) = (vec![0x5a; 70_001], [1, 2, 3]);
        assert_eq!(joined(checksum(&tail), checksum(&long), 70_001), extended(checksum(&tail), &long));
        let mut stored = b"123456789".to_vec();
        stored.extend(0xE306_9283u32.to_le_bytes());
        assert_eq!(verify(&stored).unwrap(), 9);
        stored[3] ^= 4;
        assert!(verify(&stored).is_err() && verify(&[1, 2, 3]).is_err());
    }
}
