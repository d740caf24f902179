//! The checksum (CRC-32C, little-endian) that Zarr puts behind shard indexes and chunks.

use super::CodecError;

/// Eight tables: what a byte contributes, 0 to 7 bytes further on.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let (mut crc, mut bit) = (i as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][i] = crc;
        i += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut i = 0;
        while i < 256 {
            let before = tables[table - 1][i];
            tables[table][i] = (before >> 8) ^ tables[0][(before & 255) as usize];
            i += 1;
        }
        table += 1;
    }
    tables
}

/// The checksum of some bytes.
pub fn checksum(bytes: &[u8]) -> u32 {
    extended(0, bytes)
}

/// The checksum of bytes behind others, whose checksum is `before`; 0 is that of none.
pub fn extended(before: u32, bytes: &[u8]) -> u32 {
    let mut crc = !before;
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight) ^ u64::from(crc);
        crc = 0;
        for (i, byte) in word.to_le_bytes().into_iter().enumerate() {
            crc ^= TABLES[7 - i][usize::from(byte)];
        }
    }
    for byte in rest {
        crc = (crc >> 8) ^ TABLES[0][usize::from(crc as u8 ^ byte)];
    }
    !crc
}

/// The checksum of bytes behind others, each of which have one already, without looking at them: the first is
/// multiplied by x to the power of the bits that follow it, modulo the polynomial.
pub fn joined(before: u32, behind: u32, num_bytes_behind: u64) -> u32 {
    // Polynomials have their highest power in the lowest bit. Here x to the power of 8, squared again and again.
    let (mut power, mut shift, mut left) = (1 << 31, 1 << 23, num_bytes_behind);
    while left > 0 {
        if left & 1 == 1 {
            power = product(power, shift);
        }
        shift = product(shift, shift);
        left >>= 1;
    }
    product(power, before) ^ behind
}

/// The product of two polynomials modulo that of the checksum.
fn product(a: u32, mut b: u32) -> u32 {
    let (mut sum, mut bit) = (0, 1u32 << 31);
    while bit != 0 {
        if a & bit != 0 {
            sum ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ 0x82F6_3B78 } else { b >> 1 };
        bit >>= 1;
    }
    sum
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
