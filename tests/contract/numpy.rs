//! NumPy's .npy files.

use std::path::Path;
use std::sync::Arc;

use tectum::format::{FormatError, OpenOptions, Source, open};
use tectum::volume::{DType, Region, Shape, reverse_axes};

use crate::suite::{Subject, Truth, contract};
use crate::writer::sample;

/// One array.
struct Npy {
    dtype: DType,
    shape: &'static [usize],
    is_fortran: bool,
    is_big_endian: bool,
    /// How many indices of the slowest stored axis the file ends before it should.
    num_missing: usize,
}

impl Npy {
    const fn of(dtype: DType, shape: &'static [usize]) -> Self {
        Self { dtype, shape, is_fortran: false, is_big_endian: false, num_missing: 0 }
    }
}

impl Subject for Npy {
    fn write(&self, folder: &Path) -> Truth {
        let Self { dtype, is_fortran, is_big_endian, num_missing, .. } = *self;
        let (shape, item) = (Shape::new(self.shape).unwrap(), dtype.num_bytes());
        let bytes = sample(self.shape, dtype);
        let mut stored = bytes.clone();
        if is_fortran {
            reverse_axes(&bytes, self.shape, &mut stored, item);
        }
        if is_big_endian {
            stored.chunks_exact_mut(item).for_each(<[u8]>::reverse);
        }
        let descr = if is_big_endian { dtype.npy_descr().replace('<', ">") } else { dtype.npy_descr().to_owned() };
        let order = if is_fortran { "True" } else { "False" };
        let dims: String = self.shape.iter().map(|dim| format!("{dim}, ")).collect();
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({dims}), }}");
        let slowest = if is_fortran { self.shape.len() - 1 } else { 0 };
        let row = stored.len() / self.shape[slowest];
        // A part of a row is not one.
        let cut = if num_missing > 0 { num_missing * row - row / 2 / item * item } else { 0 };
        stored.truncate(stored.len() - cut);
        let mut file = b"\x93NUMPY\x01\0".to_vec();
        file.extend((header.len() as u16 + 1).to_le_bytes());
        file.extend(header.as_bytes());
        file.push(b'\n');
        file.extend(stored);
        std::fs::write(folder.join("stack.npy"), file).unwrap();
        let dim = self.shape[slowest];
        let missing = Region::whole(&shape).with_axis(slowest, dim - num_missing, dim);
        Truth { dtype, shape, bytes, missing: (num_missing > 0).then_some(missing).into_iter().collect() }
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        open(folder.join("stack.npy"), options).map(|opened| opened.source)
    }
}

contract!(npy, Npy::of(DType::U16, &[5, 3, 6, 7]));
contract!(npy_line, Npy::of(DType::F64, &[11]));
contract!(npy_of_bools, Npy::of(DType::Bool, &[4, 9, 5]));
contract!(npy_big_endian, Npy { is_big_endian: true, ..Npy::of(DType::F32, &[4, 9, 5]) });
contract!(npy_fortran, Npy { is_fortran: true, ..Npy::of(DType::I32, &[4, 3, 5, 6]) });
contract!(npy_fortran_big_endian, Npy { is_fortran: true, is_big_endian: true, ..Npy::of(DType::I64, &[4, 3, 5]) });
contract!(npy_of_large_planes, Npy::of(DType::U8, &[2, 1300, 1100]));
contract!(npy_cut_off, Npy { num_missing: 2, ..Npy::of(DType::I16, &[6, 8, 9]) });
contract!(npy_fortran_cut_off, Npy { num_missing: 3, is_fortran: true, ..Npy::of(DType::U32, &[6, 8, 9]) });
