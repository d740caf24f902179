//! Global heaps, which hold mappings and texts, that libhdf5 never comes to the end of: it takes an object of no
//! length for one more step. Such are heaps that are damaged, and those in the middle of which a file was cut off,
//! because what lies behind its end reads as zeros.

use std::fs::File;
use std::io;

use super::file::read_at;

/// A heap begins within this of the end of a file that was cut off in it.
const LOOK_BACK_BYTES: u64 = 8 << 20;

/// Files up to this size are looked at as a whole: those that hold nothing but mappings are small.
const SMALL_BYTES: u64 = 4 << 20;

/// How a heap begins: its name and, in the second eight bytes, its length.
const SIGNATURE: &[u8; 4] = b"GCOL";

/// Length of what stands before a heap's objects, and before each of them.
const HEAD_BYTES: u64 = 16;

/// Whether the library would read a file of so many bytes for ever, as far as it is looked at.
///
/// # Errors
/// When the system refuses to read it.
pub fn is_endless(file: &File, num_bytes: u64, is_cut: bool) -> io::Result<bool> {
    if !is_cut && num_bytes > SMALL_BYTES {
        return Ok(false);
    }
    // Heaps lie at multiples of eight bytes.
    let start = num_bytes.saturating_sub(LOOK_BACK_BYTES) & !7;
    let mut bytes = vec![0; (num_bytes - start) as usize];
    read_at(file, &mut bytes, start)?;
    let mut heaps = (0..bytes.len()).step_by(8).map(|at| &bytes[at..]).filter(|heap| heap.starts_with(SIGNATURE));
    Ok(heaps.any(has_no_end))
}

/// Whether the objects of the heap that begins here lead nowhere.
fn has_no_end(heap: &[u8]) -> bool {
    let number = |at: u64, len: usize| {
        let bytes = heap.get(usize::try_from(at).ok()?..)?.get(..len)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let Some(end) = number(8, 8).filter(|end| *end <= heap.len() as u64) else { return true };
    let mut at = HEAD_BYTES;
    while at + HEAD_BYTES <= end {
        let (Some(index), Some(len)) = (number(at, 2), number(at + 8, 8)) else { return true };
        // The length of free space, which has no index, is of all of it.
        let step = match index {
            0 => Some(len),
            _ => len.checked_next_multiple_of(8).and_then(|len| len.checked_add(HEAD_BYTES)),
        };
        match step.and_then(|step| at.checked_add(step)) {
            Some(next) if next > at => at = next,
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    /// A heap of 4096 bytes with an object of 100 bytes.
    fn heap(object_bytes: u64, free_bytes: u64) -> Vec<u8> {
        let object = [&[1, 0, 0, 0, 0, 0, 0, 0], &object_bytes.to_le_bytes()[..], &[9; 104]].concat();
        let free = [&[0; 8], &free_bytes.to_le_bytes()[..]].concat();
        let mut heap = [b"GCOL\x01\0\0\0", &4096u64.to_le_bytes()[..], &object, &free].concat();
        heap.resize(4096, 0);
        heap
    }

    fn is_endless(heap: &[u8], is_cut: bool) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[&[7; 2048], heap].concat()).unwrap();
        super::is_endless(&file, 2048 + heap.len() as u64, is_cut).unwrap()
    }

    #[test]
    fn a_heap_that_leads_nowhere_is_known() {
        let whole = heap(100, 4096 - 16 - 120);
        assert!(!is_endless(&whole, false) && !is_endless(&whole, true));
        assert!(!is_endless(&[whole.clone(), vec![7; 99]].concat(), true));
        for num_bytes in [8, 16, 114, 4095] {
            assert!(is_endless(&whole[..num_bytes], true), "cut off after {num_bytes} bytes");
        }
        assert!(is_endless(&heap(100, 0), false), "free space of no length");
        assert!(is_endless(&heap(300, 3960), false), "zeros where an object should be");
        assert!(is_endless(&heap(u64::MAX - 8, 3960), false), "a length beyond all bounds");
    }
}
