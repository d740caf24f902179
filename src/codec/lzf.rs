//! h5py's LZF filter (32000): Marc Lehmann's LibLZF, bare.

use super::{CodecError, slice, streams};

/// Decodes one chunk.
pub fn decode(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let (mut at, mut to) = (0, 0);
    while at < input.len() {
        let control = usize::from(input[at]);
        at += 1;
        if control < 32 {
            let run = slice(input, at, control + 1, "lzf")?;
            at += run.len();
            let out = output.get_mut(to..to + run.len()).ok_or_else(too_long)?;
            out.copy_from_slice(run);
            to += run.len();
            continue;
        }
        let mut len = control >> 5;
        if len == 7 {
            len += usize::from(slice(input, at, 1, "lzf")?[0]);
            at += 1;
        }
        let back = ((control & 31) << 8) + usize::from(slice(input, at, 1, "lzf")?[0]) + 1;
        at += 1;
        len += 2;
        let from = to.checked_sub(back).ok_or_else(|| CodecError::corrupt("lzf data are damaged"))?;
        copy_within(output, from, to, len).ok_or_else(too_long)?;
        to += len;
    }
    streams::exact("lzf", to, output.len())
}

fn too_long() -> CodecError {
    CodecError::corrupt("lzf data decode to more than the chunk holds")
}

/// Copies `len` bytes forward from `from < to`, repeating what it has just written where the two
/// overlap; `None` where that would end behind the buffer.
pub fn copy_within(output: &mut [u8], from: usize, to: usize, len: usize) -> Option<()> {
    let stop = to.checked_add(len).filter(|&stop| stop <= output.len() && from < to)?;
    let back = to - from;
    if back >= len {
        output.copy_within(from..from + len, to);
    } else if back == 1 {
        let byte = output[from];
        output[to..stop].fill(byte);
    } else {
        // Each round doubles what can be copied without overlap.
        let mut done = to;
        while done < stop {
            let run = (done - from).min(stop - done);
            output.copy_within(from..from + run, done);
            done += run;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_liblzf_packs_is_unpacked_and_damage_is_an_error() {
        let data: Vec<u8> = (0..5000u32).map(|i| ((i * i) >> 8) as u8 & 15).collect();
        let coded = lzf::compress(&data).unwrap();
        let mut out = vec![0; data.len()];
        decode(&coded, &mut out).unwrap();
        assert_eq!(out, data);
        assert!(decode(&coded, &mut vec![0; data.len() - 1]).is_err());
        assert!(decode(&coded, &mut vec![0; data.len() + 1]).is_err());
        for len in 0..coded.len() {
            let _ = decode(&coded[..len], &mut out);
        }
    }

    #[test]
    fn overlapping_copies_repeat() {
        for back in 1..9 {
            for len in 0..30 {
                let mut data: Vec<u8> = (0..40).collect();
                let mut expected = data.clone();
                for i in 0..len {
                    expected[9 + i] = expected[9 + i - back];
                }
                copy_within(&mut data, 9 - back, 9, len).unwrap();
                assert_eq!(data, expected, "{back} {len}");
            }
        }
    }
}
