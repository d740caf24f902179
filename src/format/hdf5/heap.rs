//! Global heaps, which hold mappings and texts, that libhdf5 never comes to the end of: it takes an object of no
//! length for one more step. Such are heaps that are damaged, and those in the middle of which a file was cut off,
//! because what lies behind its end reads as zeros. They are known where the library reads them.

use super::file::Numbers;

/// Said of such a heap.
pub const REFUSED: &str = "a global heap, which holds texts and mappings, is damaged or cut off";

/// How a heap begins: its name and the only version that the library reads; of any other it says so at once. In the
/// second eight bytes stands its length.
const SIGNATURE: &[u8; 5] = b"GCOL\x01";

/// Length of what stands before a heap's objects, and before each of them.
const HEAD_BYTES: u64 = 16;

/// Longest heap that is read: the library takes memory by what a heap says of its length.
const MAX_HEAP_BYTES: u64 = 256 << 20;

/// Whether what the library has read is the beginning of a heap that it would not come to the end of. `left` is what
/// the file has from there on, `read` fills from so many bytes behind the beginning, and `length_bytes` is how many
/// bytes the file has for a length. A heap whose rest cannot be read is for the library to refuse.
pub fn is_endless(begin: &[u8], left: u64, length_bytes: usize, read: &dyn Fn(&mut [u8], u64) -> bool) -> bool {
    if !begin.starts_with(SIGNATURE) {
        return false;
    }
    let Some(len) = number(begin, 8, length_bytes) else { return true };
    if len > left.min(MAX_HEAP_BYTES) {
        return true;
    }
    let len = len as usize;
    if let Some(heap) = begin.get(..len) {
        return has_no_end(heap, length_bytes);
    }
    let mut heap = begin.to_vec();
    heap.resize(len, 0);
    read(&mut heap[begin.len()..], begin.len() as u64) && has_no_end(&heap, length_bytes)
}

/// Whether the objects of a heap lead nowhere.
fn has_no_end(heap: &[u8], length_bytes: usize) -> bool {
    let mut at = HEAD_BYTES;
    while at + HEAD_BYTES <= heap.len() as u64 {
        let Some(object) = object_at(heap, at, length_bytes) else { return true };
        at = object.end;
    }
    false
}

/// One object of a heap.
struct Object {
    index: u64,
    /// Of what it holds.
    len: u64,
    /// Where the next one begins.
    end: u64,
}

/// The object that begins at `at`. `None` for one that does not end behind its beginning.
fn object_at(heap: &[u8], at: u64, length_bytes: usize) -> Option<Object> {
    let (index, len) = (number(heap, at, 2)?, number(heap, at + 8, length_bytes)?);
    // The length of free space, which has no index, is of all of it.
    let step = match index {
        0 => len,
        _ => len.checked_next_multiple_of(8)?.checked_add(HEAD_BYTES)?,
    };
    at.checked_add(step).filter(|&end| end > at).map(|end| Object { index, len, end })
}

/// What the heap at `at` holds under an index: one piece, but in a damaged heap. `read` fills from a place of the
/// file, of which `left` bytes lie behind `at`. Empty where there is no heap or no such object.
///
/// # Errors
/// When the heap cannot be read, or is longer than what is read of one.
pub fn held(
    at: u64,
    index: u64,
    left: u64,
    length_bytes: usize,
    read: &dyn Fn(&mut [u8], u64) -> bool,
) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut heap = vec![0; HEAD_BYTES as usize];
    if !read(&mut heap, at) {
        return Err(REFUSED);
    }
    if !heap.starts_with(SIGNATURE) {
        return Ok(Vec::new());
    }
    let len = number(&heap, 8, length_bytes).filter(|&len| len <= left.min(MAX_HEAP_BYTES)).ok_or(REFUSED)?;
    heap.resize(len as usize, 0);
    if !read(&mut heap, at) {
        return Err(REFUSED);
    }
    let mut found = Vec::new();
    let mut at = HEAD_BYTES;
    while at + HEAD_BYTES <= len {
        let object = object_at(&heap, at, length_bytes).ok_or(REFUSED)?;
        if object.index == index {
            let begin = (at + HEAD_BYTES) as usize;
            let bytes = heap.get(begin..).and_then(|rest| rest.get(..usize::try_from(object.len).ok()?));
            found.push(bytes.ok_or(REFUSED)?.to_vec());
        }
        at = object.end;
    }
    Ok(found)
}

/// Whether what the library has read is the beginning of a group's heap of names whose list of free places is a ring:
/// the library would note them one by one until there is no memory left. `read` fills from a place of the file.
pub fn is_ring(begin: &[u8], numbers: Numbers, read: &dyn Fn(&mut [u8], u64) -> bool) -> bool {
    /// Stands where no free place follows.
    const LAST: u64 = 1;
    /// More are not believed.
    const MAX_PLACES: u64 = 1 << 20;
    let len_bytes = numbers.length_bytes.clamp(1, 8);
    let field = |i: usize, size| number(begin, (8 + i * len_bytes) as u64, size);
    if !begin.starts_with(b"HEAP\0") {
        return false;
    }
    let (Some(len), Some(mut place), Some(names)) =
        (field(0, len_bytes), field(1, len_bytes), field(2, numbers.address_bytes))
    else {
        return false;
    };
    let Some(names) = names.checked_add(numbers.base) else { return false };
    // Each of them holds where the next one is, and its own length.
    let most = len / (2 * len_bytes as u64);
    for _ in 0..=most.min(MAX_PLACES) {
        let mut next = [0; 8];
        // What lies outside is for the library to refuse.
        let is_inside = place.checked_add(2 * len_bytes as u64).is_some_and(|end| end <= len);
        let at = names.checked_add(place).filter(|_| is_inside && place != LAST);
        if !at.is_some_and(|at| read(&mut next[..len_bytes], at)) {
            return false;
        }
        place = u64::from_le_bytes(next);
    }
    true
}

/// A little-endian number of so many bytes.
pub fn number(bytes: &[u8], at: u64, len: usize) -> Option<u64> {
    let bytes = bytes.get(usize::try_from(at).ok()?..)?.get(..len.min(8))?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    /// A heap of 8192 bytes with an object of 100 bytes; lengths are of eight bytes or of four.
    fn heap(object_bytes: u64, free_bytes: u64, length_bytes: usize) -> Vec<u8> {
        // What pads a short length is never set.
        let length = |len: u64| [&len.to_le_bytes()[..length_bytes], &[0xee; 8][length_bytes..]].concat();
        let object = [&[1, 0, 0, 0, 0, 0, 0, 0], length(object_bytes).as_slice(), &[9; 104]].concat();
        let free = [&[0; 8], length(free_bytes).as_slice()].concat();
        let mut heap = [b"GCOL\x01\0\0\0", length(8192).as_slice(), &object, &free].concat();
        heap.resize(8192, 0);
        heap
    }

    /// As the library reads it: first 4096 bytes.
    fn is_endless(heap: &[u8], num_there: usize, length_bytes: usize) -> bool {
        let read = |rest: &mut [u8], at: u64| {
            rest.copy_from_slice(&heap[at as usize..][..rest.len()]);
            true
        };
        super::is_endless(&heap[..4096], num_there as u64, length_bytes, &read)
    }

    #[test]
    fn a_heap_that_leads_nowhere_is_known() {
        for length_bytes in [4, 8] {
            let whole = heap(100, 8192 - 16 - 120, length_bytes);
            assert!(!is_endless(&whole, 8192, length_bytes) && !is_endless(&whole, 99_999, length_bytes));
            assert!(is_endless(&whole, 8191, length_bytes), "cut off");
            assert!(is_endless(&heap(100, 0, length_bytes), 8192, length_bytes), "free space of no length");
            assert!(is_endless(&heap(6000, 960, length_bytes), 8192, length_bytes), "zeros where an object should be");
        }
        assert!(is_endless(&heap(u64::MAX - 8, 8056, 8), 8192, 8), "a length beyond all bounds");
        let chance = [&b"GCOL"[..], &[7; 4092]].concat();
        assert!(!is_endless(&chance, 8192, 8), "voxels that read like the name of a heap");
        // Whose rest cannot be had is for the library.
        assert!(!super::is_endless(&heap(100, 0, 8)[..4096], 8192, 8, &|_, _| false));
    }
}
