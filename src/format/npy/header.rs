//! What stands at the beginning of a .npy file (numpy's format 1 to 3): type, order and extent of the array behind it.

use crate::volume::{DType, Shape};

/// How every such file begins.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// Longer headers are none of an array of numbers.
const MAX_BYTES: usize = 1 << 20;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the values.
    pub dtype: DType,
    /// Whether their bytes are stored the most significant first.
    pub is_big_endian: bool,
    /// Whether the first axis is the fastest.
    pub is_fortran: bool,
    /// Extent along each axis.
    pub shape: Shape,
    /// Bytes before the values.
    pub num_bytes: usize,
}

/// How many bytes the header takes, by its first twelve.
///
/// # Errors
/// When it is no such file, in words.
pub fn len_of(start: &[u8]) -> Result<usize, String> {
    let version = start.strip_prefix(MAGIC).and_then(|rest| rest.first()).ok_or("it does not begin as one")?;
    let byte = |at: usize| start.get(at).map(|&byte| usize::from(byte)).ok_or("it ends within its header");
    let len = match version {
        1 => 10 + byte(8)? + (byte(9)? << 8),
        2 | 3 => 12 + byte(8)? + (byte(9)? << 8) + (byte(10)? << 16) + (byte(11)? << 24),
        other => return Err(format!("its version is {other}")),
    };
    if len > MAX_BYTES { Err(format!("its header claims {len} bytes")) } else { Ok(len) }
}

impl Header {
    /// Reads all of a header.
    ///
    /// # Errors
    /// When it is none of an array of numbers, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let num_bytes = len_of(bytes)?;
        let text = bytes.get(if bytes.get(6) == Some(&1) { 10 } else { 12 }..num_bytes);
        let text = text.and_then(|text| std::str::from_utf8(text).ok()).ok_or("its header is damaged")?;
        let field = |name: &str| {
            let (_, after) = text.split_once(&format!("'{name}'"))?;
            after.trim_start().strip_prefix(':').map(str::trim_start)
        };
        let descr = field("descr").ok_or("its header names no type")?;
        let descr = descr.strip_prefix('\'').and_then(|text| text.split('\'').next());
        let descr = descr.ok_or("its values are records of several fields")?;
        let kind = descr.trim_start_matches(['<', '>', '|', '=']);
        let dtype = DType::ALL.into_iter().find(|dtype| &dtype.npy_descr()[1..] == kind);
        let dtype = dtype.ok_or_else(|| format!("its values are of the type '{descr}'"))?;
        let order = field("fortran_order").ok_or("its header names no order")?;
        let is_fortran = order.starts_with("True");
        if !is_fortran && !order.starts_with("False") {
            return Err("its order cannot be read".to_owned());
        }
        let dims = field("shape").and_then(|text| text.strip_prefix('(')?.split_once(')'));
        let (dims, _) = dims.ok_or("its header names no shape")?;
        let dims = dims.split(',').map(str::trim).filter(|dim| !dim.is_empty());
        let dims: Option<Vec<usize>> = dims.map(|dim| dim.parse().ok()).collect();
        let dims = dims.ok_or("its shape cannot be read")?;
        let shape = Shape::new(&dims).ok_or("it has more axes than 8")?;
        Ok(Self { dtype, is_big_endian: descr.starts_with('>'), is_fortran, shape, num_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, dict: &str) -> Vec<u8> {
        let mut bytes = [MAGIC, &[version, 0]].concat();
        let len = (dict.len() as u32).to_le_bytes();
        bytes.extend(&len[..if version == 1 { 2 } else { 4 }]);
        bytes.extend(dict.as_bytes());
        bytes
    }

    #[test]
    fn says_what_numpy_wrote() {
        for version in 1..=3 {
            let bytes = file(version, "{'descr': '>f4', 'fortran_order': True, 'shape': (3, 20, 7), }  \n");
            let header = Header::parse(&bytes).unwrap();
            assert_eq!(header.shape, Shape::new(&[3, 20, 7]).unwrap());
            assert_eq!((header.dtype, header.is_big_endian, header.is_fortran), (DType::F32, true, true));
            assert_eq!(header.num_bytes, bytes.len());
            for cut in 0..bytes.len() {
                assert!(Header::parse(&bytes[..cut]).is_err(), "{cut}");
            }
        }
        let of = |dict: &str| Header::parse(&file(1, dict));
        let scalar = of("{'shape': (), 'descr': '|b1', 'fortran_order': False}").unwrap();
        assert_eq!((scalar.dtype, scalar.shape.rank()), (DType::Bool, 0));
        assert_eq!(of("{'shape': (5,), 'descr': '|u1', 'fortran_order': False}").unwrap().shape.dims(), [5]);
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused_by_what_it_is() {
        for (dict, reason) in [
            ("{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", "its values are of the type '<c8'"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "its values are of the type '|O'"),
            ("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (3,)}", "its values are records"),
            ("{'descr': '<i4', 'fortran_order': False, 'shape': (-3,)}", "its shape cannot be read"),
            ("{'descr': '<i4', 'fortran_order': 1, 'shape': (3,)}", "its order cannot be read"),
            ("{'descr': '<i4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", "it has more axes"),
            ("{}", "its header names no type"),
        ] {
            let error = Header::parse(&file(1, dict)).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
        assert!(Header::parse(&file(4, "{}")).unwrap_err().starts_with("its version"));
        assert!(Header::parse(&[MAGIC, &[2, 0, 255, 255, 255, 255]].concat()).unwrap_err().contains("claims"));
    }
}
