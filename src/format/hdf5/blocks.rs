//! Virtual datasets whose list of mappings is damaged. libhdf5 takes memory by the number of mappings that the list
//! claims, and gives back what it never took where that number is beyond all bounds; only behind the last mapping
//! does it compare the list with its checksum. Here both are looked at before the library opens such a dataset.
//!
//! A dataset's layout is found as the library finds it, in the messages of its header. A header that reads otherwise
//! than expected is for the library to refuse, which it does without harm.

use super::driver::Reader;
use super::heap::{held, number};

/// Said of such a dataset.
pub const REFUSED: &str = "the list of the arrays that it is made of is damaged";

/// Most bytes of a header that are read, and most pieces it may lie in. Real ones have a few of each.
const MAX_HEADER_BYTES: u64 = 32 << 20;
const MAX_PIECES: usize = 4096;

/// What is read to know where the messages of a header begin, of whatever kind it is.
const HEAD_BYTES: u64 = 40;

/// Refuses the dataset whose header lies at this address, little-endian, if it is virtual and its list is damaged.
///
/// # Errors
/// [`REFUSED`], or why that cannot be known.
pub fn check(file: &Reader<'_>, address: &[u8]) -> Result<(), String> {
    let Some(address) = address_in(file, address) else { return Ok(()) };
    for (heap, index) in lists_of(file, address)? {
        let left = file.num_bytes.saturating_sub(heap);
        let lists = held(heap, index, left, file.numbers.length_bytes, &|buffer, at| file.fill(buffer, at))?;
        if !lists.iter().all(|list| is_sound(list, file.numbers.length_bytes)) {
            return Err(REFUSED.into());
        }
    }
    Ok(())
}

/// Whether a list of mappings is what was written, and has room for as many as it claims.
fn is_sound(list: &[u8], length_bytes: usize) -> bool {
    /// Version and checksum.
    const FRAME_BYTES: usize = 1 + 4;
    /// Two selections of 8 bytes at least, and two names or what stands for them.
    const MIN_MAPPING_BYTES: u64 = 16;
    let Some(room) = list.len().checked_sub(FRAME_BYTES + length_bytes) else { return false };
    let (mappings, sum) = list.split_at(list.len() - 4);
    number(sum, 0, 4) == Some(u64::from(checksum(mappings)))
        && number(list, 1, length_bytes).is_some_and(|num| num <= room as u64 / MIN_MAPPING_BYTES)
}

/// Where the lists of mappings of the dataset with this header lie: in which heap, under which index. One, or none of
/// a dataset that is stored; a damaged header may name more.
fn lists_of(file: &Reader<'_>, address: u64) -> Result<Vec<(u64, u64)>, String> {
    const LAYOUT: u64 = 0x08;
    const CONTINUED: u64 = 0x10;
    let mut head = vec![0; file.num_bytes.saturating_sub(address).min(HEAD_BYTES) as usize];
    fill(file, &mut head, address)?;
    let Some((form, first)) = beginning(&head) else { return Ok(Vec::new()) };
    let mut pieces: Vec<_> = address.checked_add(first.0).map(|at| (at, first.1)).into_iter().collect();
    let (mut lists, mut num_pieces, mut num_bytes) = (Vec::new(), 0, 0u64);
    while let Some((at, len)) = pieces.pop() {
        num_pieces += 1;
        num_bytes = num_bytes.saturating_add(len);
        if num_pieces > MAX_PIECES || num_bytes > MAX_HEADER_BYTES {
            return Err("its header is damaged, or longer than what is read of one".into());
        }
        let mut piece = vec![0; len as usize];
        fill(file, &mut piece, at)?;
        form.messages(&piece, |kind, message| match kind {
            LAYOUT => lists.extend(list_in(file, message)),
            CONTINUED => pieces.extend(continued(file, message, form)),
            _ => {}
        });
    }
    Ok(lists)
}

fn fill(file: &Reader<'_>, buffer: &mut [u8], at: u64) -> Result<(), String> {
    if file.fill(buffer, at) { Ok(()) } else { Err("its header cannot be read".into()) }
}

/// How the messages of a header are written.
#[derive(Clone, Copy)]
struct Form {
    /// As before HDF5 1.8.
    is_old: bool,
    /// Each says as the how manieth it was made.
    is_numbered: bool,
}

/// How a header is written, where its first messages lie in it, and how many bytes of them there are. `None` for what
/// is no header.
fn beginning(head: &[u8]) -> Option<(Form, (u64, u64))> {
    const NUMBERED: u8 = 4;
    const LIMITS: u8 = 16;
    const TIMES: u8 = 32;
    if head.first() == Some(&1) {
        return Some((Form { is_old: true, is_numbered: false }, (16, number(head, 8, 4)?)));
    }
    let flags = *head.strip_prefix(b"OHDR\x02")?.first()?;
    let has = |flag: u8, num_bytes: u64| if flags & flag == 0 { 0 } else { num_bytes };
    let at = 6 + has(TIMES, 16) + has(LIMITS, 4);
    let len_bytes = 1u64 << (flags & 3);
    let form = Form { is_old: false, is_numbered: flags & NUMBERED != 0 };
    Some((form, (at + len_bytes, number(head, at, len_bytes as usize)?)))
}

impl Form {
    /// Hands on every message of a piece of the header, with its kind.
    fn messages(self, piece: &[u8], mut take: impl FnMut(u64, &[u8])) {
        let mut rest = piece;
        let (kind_bytes, head_bytes) = match self {
            Self { is_old: true, .. } => (2, 8),
            Self { is_numbered: true, .. } => (1, 6),
            _ => (1, 4),
        };
        while let (Some(kind), Some(len)) = (number(rest, 0, kind_bytes), number(rest, kind_bytes as u64, 2)) {
            let Some((message, behind)) = rest.get(head_bytes..).and_then(|body| body.split_at_checked(len as usize))
            else {
                return;
            };
            take(kind, message);
            rest = behind;
        }
    }
}

/// Where a message says that the header goes on, without the name before and the checksum behind newer pieces.
fn continued(file: &Reader<'_>, message: &[u8], form: Form) -> Option<(u64, u64)> {
    let begin = address_in(file, message)?;
    let len = number(message, file.numbers.address_bytes as u64, file.numbers.length_bytes)?;
    let frame = if form.is_old { 0 } else { 4 };
    Some((begin.checked_add(frame)?, len.checked_sub(2 * frame)?))
}

/// The heap and the index of the list of mappings, where a message about the layout says that it is virtual.
fn list_in(file: &Reader<'_>, message: &[u8]) -> Option<(u64, u64)> {
    const VIRTUAL: u8 = 3;
    let [4..=u8::MAX, VIRTUAL, place @ ..] = message else { return None };
    Some((address_in(file, place)?, number(place, file.numbers.address_bytes as u64, 4)?))
}

/// The place in the file that an address at the beginning of these bytes stands for; `None` for that of nothing.
fn address_in(file: &Reader<'_>, bytes: &[u8]) -> Option<u64> {
    let len = file.numbers.address_bytes;
    let address = number(bytes, 0, len).filter(|_| !bytes[..len].iter().all(|&byte| byte == 0xff))?;
    address.checked_add(file.numbers.base)
}

/// Bob Jenkins' lookup3 of something, as libhdf5 sums up metadata.
fn checksum(bytes: &[u8]) -> u32 {
    const MIXED: [u32; 6] = [4, 6, 8, 16, 19, 4];
    const ENDED: [u32; 7] = [14, 11, 25, 16, 4, 14, 24];
    let mut state = [0xdead_beef_u32.wrapping_add(bytes.len() as u32); 3];
    let num_blocks = bytes.len().div_ceil(12);
    for (i, part) in bytes.chunks(12).enumerate() {
        let mut block = [0; 12];
        block[..part.len()].copy_from_slice(part);
        let (words, _) = block.as_chunks::<4>();
        for (state, word) in state.iter_mut().zip(words) {
            *state = state.wrapping_add(u32::from_le_bytes(*word));
        }
        if i + 1 < num_blocks {
            for (step, turn) in MIXED.into_iter().enumerate() {
                let [this, next, last] = [step % 3, (step + 1) % 3, (step + 2) % 3];
                state[this] = state[this].wrapping_sub(state[last]) ^ state[last].rotate_left(turn);
                state[last] = state[last].wrapping_add(state[next]);
            }
        }
    }
    for (step, turn) in ENDED.into_iter().enumerate() {
        let [this, last] = [(step + 2) % 3, (step + 1) % 3];
        state[this] = (state[this] ^ state[last]).wrapping_sub(state[last].rotate_left(turn));
    }
    state[2]
}

#[cfg(test)]
mod tests {
    #[test]
    fn sums_are_those_of_the_algorithm() {
        // From the self test of its author.
        assert_eq!(super::checksum(b"Four score and seven years ago"), 0x1777_0551);
    }
}
