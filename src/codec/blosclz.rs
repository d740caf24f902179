//! BloscLZ, the default codec inside Blosc chunks.

use super::lzf::copy_within;
use super::{CodecError, slice, streams};

/// Distances beyond this take two more bytes.
const MAX_SHORT_DISTANCE: usize = 8191;

/// Decodes one stream.
pub fn decode(input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    let byte = |at: usize| {
        input.get(at).map(|&byte| usize::from(byte)).ok_or_else(|| CodecError::corrupt("blosclz data end too early"))
    };
    let damaged = || CodecError::corrupt("blosclz data are damaged");
    let (mut at, mut to) = (1, 0);
    let mut control = byte(0)? & 31;
    loop {
        if control < 32 {
            let run = slice(input, at, control + 1, "blosclz")?;
            output.get_mut(to..to + run.len()).ok_or_else(damaged)?.copy_from_slice(run);
            at += run.len();
            to += run.len();
        } else {
            let mut len = (control >> 5) - 1;
            let mut back = (control & 31) << 8;
            if len == 6 {
                loop {
                    let more = byte(at)?;
                    at += 1;
                    len += more;
                    if more != 255 {
                        break;
                    }
                }
            }
            let low = byte(at)?;
            at += 1;
            back += if low == 255 && back == 31 << 8 {
                let far = (byte(at)? << 8) + byte(at + 1)?;
                at += 2;
                back = MAX_SHORT_DISTANCE;
                far
            } else {
                low
            };
            let from = to.checked_sub(back + 1).ok_or_else(damaged)?;
            copy_within(output, from, to, len + 3).ok_or_else(damaged)?;
            to += len + 3;
        }
        let Some(&next) = input.get(at) else { break };
        control = usize::from(next);
        at += 1;
    }
    streams::exact("blosclz", to, output.len())
}
