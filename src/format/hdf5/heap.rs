//! Files that end in the middle of a global heap, which holds mappings and texts: libhdf5 never comes to the end of
//! such a heap, because what lies behind the end of a file that was cut off reads as zeros, and it takes an object of
//! no length for one more step.

use std::fs::File;
use std::io;

use super::file::read_at;

/// A heap begins within this of the end it reaches beyond.
const LOOK_BACK_BYTES: u64 = 8 << 20;

/// How a heap begins: its name and, in the second eight bytes, its length.
const SIGNATURE: &[u8; 4] = b"GCOL";

/// Whether a file of so many bytes ends in a heap.
///
/// # Errors
/// When the system refuses to read it.
pub fn ends_in_heap(file: &File, num_bytes: u64) -> io::Result<bool> {
    // Heaps lie at multiples of eight bytes.
    let start = num_bytes.saturating_sub(LOOK_BACK_BYTES) & !7;
    let mut bytes = vec![0; (num_bytes - start) as usize];
    read_at(file, &mut bytes, start)?;
    let is_cut = |at: usize| {
        let heap = &bytes[at..];
        let len = heap.get(8..16).map(|len| len.iter().rev().fold(0, |len, byte| len << 8 | u64::from(*byte)));
        heap.starts_with(SIGNATURE) && len.is_none_or(|len| len > heap.len() as u64)
    };
    Ok((0..bytes.len()).step_by(8).any(is_cut))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_heap_is_cut_where_it_is_longer_than_the_file() {
        let ends = |len: usize, behind: usize| {
            let mut file = tempfile::tempfile().unwrap();
            let heap = [b"GCOL\x01\0\0\0".as_slice(), &4096u64.to_le_bytes(), &vec![0; len - 16]].concat();
            file.write_all(&[vec![7; 2048], heap, vec![7; behind]].concat()).unwrap();
            ends_in_heap(&file, (2048 + len + behind) as u64).unwrap()
        };
        assert!(ends(114, 0) && ends(4095, 0) && ends(16, 0));
        assert!(!ends(4096, 0) && !ends(4096, 999));
    }
}
