//! The registered HDF5 filter LZ4 (32004): blocks of LZ4 behind a big-endian header.

use super::{CodecError, slice, streams, u32_be, u32_le, u64_be};

/// Decodes one chunk.
pub fn decode(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let size = u64_be(input, 0, "lz4")?;
    if size != output.len() as u64 {
        return Err(CodecError::Corrupt(format!("lz4 data claim {size} bytes instead of {}", output.len())));
    }
    let block = u32_be(input, 8, "lz4")? as usize;
    if block == 0 {
        return Err(CodecError::corrupt("lz4 block size is 0"));
    }
    let mut at = 12;
    for out in output.chunks_mut(block) {
        let len = u32_be(input, at, "lz4")? as usize;
        let coded = slice(input, at + 4, len, "lz4")?;
        at += 4 + len;
        decode_block(coded, out)?;
    }
    Ok(())
}

/// Decodes one block behind its size as numcodecs writes it, four bytes of it.
pub fn decode_sized(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let size = u32_le(input, 0, "lz4")?;
    if size as usize != output.len() {
        return Err(CodecError::Corrupt(format!("lz4 data claim {size} bytes instead of {}", output.len())));
    }
    decode_bare(&input[4..], output)
}

/// Decodes one LZ4 block; one that is as long as its content is stored uncoded.
pub fn decode_block(coded: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    if coded.len() == output.len() {
        output.copy_from_slice(coded);
        return Ok(());
    }
    decode_bare(coded, output)
}

/// Decodes one LZ4 block that is always coded.
pub fn decode_bare(coded: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let expected = output.len();
    let len = lz4_flex::block::decompress_into(coded, output)
        .map_err(|error| CodecError::Corrupt(format!("lz4 data are damaged: {error}")))?;
    streams::exact("lz4", len, expected)
}

/// The filter's encoder, for tests.
#[cfg(test)]
pub fn encode(data: &[u8], block: usize) -> Vec<u8> {
    let mut coded = (data.len() as u64).to_be_bytes().to_vec();
    coded.extend((block as u32).to_be_bytes());
    for part in data.chunks(block) {
        let packed = lz4_flex::block::compress(part);
        let packed = if packed.len() >= part.len() { part } else { &packed };
        coded.extend((packed.len() as u32).to_be_bytes());
        coded.extend(packed);
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_round_trip_and_lies_are_refused() {
        let data: Vec<u8> = (0..10_000u32).map(|i| (i / 7 % 256) as u8).collect();
        let coded = encode(&data, 4096);
        let mut out = vec![0; data.len()];
        decode(&coded, &mut out).unwrap();
        assert_eq!(out, data);
        assert!(decode(&coded, &mut vec![0; data.len() + 1]).is_err());
        for len in 0..coded.len() {
            assert!(decode(&coded[..len], &mut out).is_err());
        }
    }
}
