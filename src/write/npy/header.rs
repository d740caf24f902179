//! The header of a .npy file, version 1.0: what numpy's `load` and `open_memmap` read.

use crate::volume::DType;

/// A shape as Python writes a tuple: (), (3,), (3, 4).
pub fn tuple(shape: &[usize]) -> String {
    let mut dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    dims.truncate(dims.len().saturating_sub(if shape.len() == 1 { 1 } else { 2 }));
    format!("({dims})")
}

/// The bytes that stand before the voxels of a C-order array; their number is a multiple of 64, so that
/// the voxels lie aligned.
pub fn header(dtype: DType, shape: &[usize]) -> Vec<u8> {
    let dict = format!("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", dtype.npy_descr(), tuple(shape));
    // Magic, version and length take 10 bytes, the closing newline one. The longest header, of the
    // greatest rank that an index can make, stays far below the 65,535 bytes that version 1.0 allows.
    let padding = (64 - (10 + dict.len() + 1) % 64) % 64;
    let len = (dict.len() + padding + 1) as u16;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(dict.as_bytes());
    bytes.resize(bytes.len() + padding, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_numpy_writes() {
        for (shape, text) in [(&[][..], "()"), (&[3], "(3,)"), (&[3, 4], "(3, 4)"), (&[0, 1, 2], "(0, 1, 2)")] {
            let bytes = header(DType::U16, shape);
            assert_eq!(bytes.len() % 64, 0);
            assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
            assert_eq!(u16::from_le_bytes([bytes[8], bytes[9]]) as usize, bytes.len() - 10);
            let dict = std::str::from_utf8(&bytes[10..]).unwrap();
            let expected = format!("{{'descr': '<u2', 'fortran_order': False, 'shape': {text}, }}");
            assert_eq!(dict.trim_end(), expected);
            assert!(dict.ends_with('\n'));
        }
    }
}
