//! PyTables' LZO filter (305): one LZO1X stream, in some versions with an Adler-32 sum behind it.

use super::lzf::copy_within;
use super::{CodecError, slice, streams};

/// Decodes one chunk.
pub fn decode(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let used = decode_stream(input, output)?;
    match &input[used..] {
        [] => Ok(()),
        &[a, b, c, d] => {
            let stored = u32::from_be_bytes([a, b, c, d]);
            let sum = libdeflater::adler32(output);
            if stored == sum || stored.swap_bytes() == sum {
                return Ok(());
            }
            Err(CodecError::corrupt("lzo checksum does not match: the data are damaged"))
        }
        rest => Err(CodecError::Corrupt(format!("{} unexpected bytes behind lzo data", rest.len()))),
    }
}

/// Decodes one stream to exactly `output`; returns its length.
fn decode_stream(input: &[u8], output: &mut [u8]) -> Result<usize, CodecError> {
    let (mut at, mut to) = (0, 0);
    // Literals copied by the last instruction: what the short instructions mean depends on it. 4 is a
    // run of literals.
    let mut state = 0;
    let first = byte(input, 0)?;
    if first > 17 {
        let len = first - 17;
        literals(input, 1, output, &mut to, len)?;
        at = 1 + len;
        state = len.min(4);
    }
    loop {
        let code = byte(input, at)?;
        at += 1;
        let (len, back, trailing);
        match code {
            0..16 if state == 0 => {
                let len = 3 + extended(input, &mut at, code, 15)?;
                literals(input, at, output, &mut to, len)?;
                at += len;
                state = 4;
                continue;
            }
            0..16 => {
                let high = byte(input, at)? << 2;
                at += 1;
                (len, back) = if state == 4 { (3, high + (code >> 2) + 2049) } else { (2, high + (code >> 2) + 1) };
                trailing = code & 3;
            }
            16..32 => {
                len = 2 + extended(input, &mut at, code & 7, 7)?;
                let word = byte(input, at)? | byte(input, at + 1)? << 8;
                at += 2;
                back = 16384 + ((code & 8) << 11) + (word >> 2);
                trailing = word & 3;
                if back == 16384 {
                    streams::exact("lzo", to, output.len())?;
                    return Ok(at);
                }
            }
            32..64 => {
                len = 2 + extended(input, &mut at, code & 31, 31)?;
                let word = byte(input, at)? | byte(input, at + 1)? << 8;
                at += 2;
                back = (word >> 2) + 1;
                trailing = word & 3;
            }
            _ => {
                len = if code < 128 { 3 + (code >> 5 & 1) } else { 5 + (code >> 5 & 3) };
                back = (byte(input, at)? << 3) + (code >> 2 & 7) + 1;
                at += 1;
                trailing = code & 3;
            }
        }
        let from = to.checked_sub(back).ok_or_else(damaged)?;
        copy_within(output, from, to, len).ok_or_else(damaged)?;
        to += len;
        literals(input, at, output, &mut to, trailing)?;
        at += trailing;
        state = trailing;
    }
}

fn damaged() -> CodecError {
    CodecError::corrupt("lzo data are damaged")
}

fn byte(input: &[u8], at: usize) -> Result<usize, CodecError> {
    input.get(at).map(|&byte| usize::from(byte)).ok_or_else(|| CodecError::corrupt("lzo data end too early"))
}

/// A length: `value`, or if that is 0 `base` and 255 for each zero byte and then the byte that is not.
fn extended(input: &[u8], at: &mut usize, value: usize, base: usize) -> Result<usize, CodecError> {
    if value != 0 {
        return Ok(value);
    }
    let mut len = base;
    loop {
        let more = byte(input, *at)?;
        *at += 1;
        if more != 0 {
            return Ok(len + more);
        }
        len += 255;
    }
}

fn literals(input: &[u8], at: usize, output: &mut [u8], to: &mut usize, len: usize) -> Result<(), CodecError> {
    let run = slice(input, at, len, "lzo")?;
    output.get_mut(*to..*to + len).ok_or_else(damaged)?.copy_from_slice(run);
    *to += len;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "a" eleven times, "bcd", then a match back to the start of it all, by hand.
    const STREAM: [u8; 16] = [
        18,
        b'a', // one literal
        0b0010_1000,
        0,
        0, // ten bytes from one back, no literals behind
        0,
        2,
        b'b',
        b'c',
        b'd',
        b'e',
        b'f',
        b'g',
        b'h',
        b'i',
        b'j',
    ];

    #[test]
    fn a_stream_made_by_hand_decodes() {
        let mut stream = STREAM.to_vec();
        // 0 2: 3 + 15 + 2 = 20 literals; nine are there, eleven more follow.
        stream.extend(b"klmnopqrstu");
        stream.extend([0b0100_0000 | 3 << 2, 3]); // three bytes from 28 back
        stream.extend([17, 0, 0]);
        let expected = b"aaaaaaaaaaabcdefghijklmnopqrstuddd";
        let mut expected = expected[..31].to_vec();
        expected.extend_from_within(3..6);
        let mut out = vec![0; expected.len()];
        decode(&stream, &mut out).unwrap();
        assert_eq!(out, expected);
        let mut summed = stream.clone();
        summed.extend(libdeflater::adler32(&expected).to_be_bytes());
        decode(&summed, &mut out).unwrap();
        *summed.last_mut().unwrap() ^= 1;
        assert!(decode(&summed, &mut out).is_err());
        for len in 0..stream.len() {
            assert!(decode(&stream[..len], &mut out).is_err(), "{len}");
        }
        assert!(decode(&stream, &mut vec![0; expected.len() - 1]).is_err());
        assert!(decode(&stream, &mut vec![0; expected.len() + 1]).is_err());
    }
}
