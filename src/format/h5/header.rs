//! What a file says of one array: extent, type, layout and filters.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_uint};
use std::ptr;

use hdf5_sys::h5d::{H5D_layout_t, H5Dget_create_plist, H5Dget_space, H5Dget_type};
use hdf5_sys::h5p::{H5Pclose, H5Pget_chunk, H5Pget_external_count, H5Pget_filter2, H5Pget_layout, H5Pget_nfilters};
use hdf5_sys::h5s::{
    H5S_class_t, H5Sclose, H5Sget_simple_extent_dims, H5Sget_simple_extent_ndims, H5Sget_simple_extent_type,
};
use hdf5_sys::h5t::{
    H5T_class_t, H5T_order_t, H5T_sign_t, H5Tclose, H5Tget_class, H5Tget_fields, H5Tget_member_name, H5Tget_nmembers,
    H5Tget_offset, H5Tget_order, H5Tget_precision, H5Tget_sign, H5Tget_size, H5Tget_super,
};

use super::library::{Handle, Library, last_error};
use crate::format::codec::{self, Filter};
use crate::volume::{DType, MAX_RANK, Shape};

/// How an array lies in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In one piece.
    Contiguous,
    /// Inside its own header: a few kilobytes at most.
    Compact,
    /// In chunks of this shape, which may be larger than the array.
    Chunked(Shape),
    /// In other files, or in a way not known here.
    Elsewhere(&'static str),
}

/// One array found in an HDF5 file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Path in the file, without the leading slash: "stack_4D", "group/data".
    pub name: String,
    /// Extent.
    pub shape: Shape,
    /// Type of a voxel.
    pub dtype: DType,
    /// How it lies in the file.
    pub layout: Layout,
    /// Filters a chunk went through when it was written, in that order.
    pub filters: Vec<Filter>,
    /// Whether values are stored most significant byte first.
    pub is_big_endian: bool,
    /// Whether values use fewer bits than their bytes have, which only the library converts.
    pub has_odd_bits: bool,
}

impl Header {
    /// Filters in words: "shuffle, deflate"; "none".
    pub fn filters_in_words(&self) -> String {
        if self.filters.is_empty() {
            return "none".into();
        }
        self.filters.iter().map(Filter::name).collect::<Vec<_>>().join(", ")
    }

    /// Stored chunks that make up the array; 1 where it is not chunked.
    pub fn num_chunks(&self) -> u64 {
        let Layout::Chunked(chunk) = &self.layout else { return 1 };
        self.shape
            .dims()
            .iter()
            .zip(chunk.dims())
            .fold(1u64, |n, (&dim, &chunk)| n.saturating_mul(dim.div_ceil(chunk) as u64))
    }

    /// Whether chunk bytes can be decoded without the library.
    pub fn is_decodable(&self) -> bool {
        !self.has_odd_bits && codec::is_decodable(&self.filters)
    }

    /// Reads the header of an open dataset.
    pub(super) fn of(library: &Library, dataset: &Handle<'_>, name: &str) -> Result<Self, String> {
        // SAFETY: the lock is held and the handle is a dataset's.
        let (space, data_type, creation) = unsafe {
            (
                Handle::new(library, H5Dget_space(dataset.id()), H5Sclose)?,
                Handle::new(library, H5Dget_type(dataset.id()), H5Tclose)?,
                Handle::new(library, H5Dget_create_plist(dataset.id()), H5Pclose)?,
            )
        };
        let shape = shape_of(&space)?;
        let stored = StoredType::of(library, &data_type)?;
        Ok(Self {
            name: name.trim_start_matches('/').to_owned(),
            dtype: stored.dtype,
            layout: layout_of(&creation, shape.rank())?,
            filters: filters_of(&creation, stored.dtype.num_bytes())?,
            is_big_endian: stored.is_big_endian,
            has_odd_bits: stored.has_odd_bits,
            shape,
        })
    }
}

fn shape_of(space: &Handle<'_>) -> Result<Shape, String> {
    // SAFETY: the handle is an open dataspace's, and `dims` has room for as many numbers as it has axes.
    unsafe {
        if H5Sget_simple_extent_type(space.id()) != H5S_class_t::H5S_SIMPLE {
            return Err("is a single value, not an array".into());
        }
        let rank = usize::try_from(H5Sget_simple_extent_ndims(space.id())).map_err(|_| last_error())?;
        if rank == 0 || rank > MAX_RANK {
            return Err(format!("has {rank} axes; up to {MAX_RANK} are read"));
        }
        let mut dims = [0u64; MAX_RANK];
        if H5Sget_simple_extent_dims(space.id(), dims.as_mut_ptr(), ptr::null_mut()) < 0 {
            return Err(last_error());
        }
        let mut sizes = [0usize; MAX_RANK];
        for (size, dim) in sizes.iter_mut().zip(dims) {
            *size = usize::try_from(dim).map_err(|_| "is larger than this machine can address")?;
        }
        Shape::new(&sizes[..rank])
            .filter(|shape| shape.num_bytes(DType::F64).is_some_and(|n| n < isize::MAX as usize))
            .ok_or_else(|| "claims more voxels than any file holds".into())
    }
}

struct StoredType {
    dtype: DType,
    is_big_endian: bool,
    has_odd_bits: bool,
}

impl StoredType {
    fn of(library: &Library, data_type: &Handle<'_>) -> Result<Self, String> {
        // SAFETY: the lock is held and the handle is an open datatype's; the functions below only ask it.
        unsafe {
            let id = data_type.id();
            let num_bytes = H5Tget_size(id);
            let is_big_endian = num_bytes > 1 && H5Tget_order(id) == H5T_order_t::H5T_ORDER_BE;
            let (num_bits, first_bit) = (H5Tget_precision(id), H5Tget_offset(id));
            let has_odd_bits = num_bits != num_bytes * 8 || first_bit != 0;
            let unsupported = |what: &str| Err(format!("holds {what}, which are not read as images"));
            let is_number = matches!(H5Tget_class(id), H5T_class_t::H5T_INTEGER | H5T_class_t::H5T_FLOAT);
            let last_bit = usize::try_from(first_bit).ok().and_then(|first| first.checked_add(num_bits));
            if is_number && (num_bits == 0 || last_bit.is_none_or(|last| last > num_bytes * 8)) {
                return unsupported("numbers that claim more bits than they have");
            }
            let dtype = match H5Tget_class(id) {
                H5T_class_t::H5T_INTEGER => match (num_bytes, H5Tget_sign(id) == H5T_sign_t::H5T_SGN_2) {
                    (1, false) => DType::U8,
                    (1, true) => DType::I8,
                    (2, false) => DType::U16,
                    (2, true) => DType::I16,
                    (4, false) => DType::U32,
                    (4, true) => DType::I32,
                    (8, false) => DType::U64,
                    (8, true) => DType::I64,
                    _ => return unsupported(&format!("integers of {num_bytes} bytes")),
                },
                H5T_class_t::H5T_FLOAT => match (num_bytes, float_fields(id)) {
                    (2, Some([15, 10, 5, 0, 10])) => DType::F16,
                    (4, Some([31, 23, 8, 0, 23])) => DType::F32,
                    (8, Some([63, 52, 11, 0, 52])) => DType::F64,
                    _ => return unsupported(&format!("floats of an unusual format ({num_bytes} bytes)")),
                },
                // PyTables stores numpy's bool so; any other 8 bits read as "is not zero".
                H5T_class_t::H5T_BITFIELD if num_bytes == 1 => DType::Bool,
                H5T_class_t::H5T_ENUM if num_bytes == 1 && is_h5py_bool(library, id)? => DType::Bool,
                H5T_class_t::H5T_ENUM => return unsupported("named values (an enumeration)"),
                H5T_class_t::H5T_BITFIELD => return unsupported("bit fields"),
                H5T_class_t::H5T_STRING => return unsupported("text"),
                H5T_class_t::H5T_COMPOUND => return unsupported("records (a compound type)"),
                H5T_class_t::H5T_REFERENCE => return unsupported("references"),
                H5T_class_t::H5T_VLEN => return unsupported("lists of varying length"),
                H5T_class_t::H5T_ARRAY => return unsupported("arrays inside an array"),
                H5T_class_t::H5T_TIME => return unsupported("times"),
                H5T_class_t::H5T_OPAQUE => return unsupported("opaque bytes"),
                _ => return unsupported("values of an unknown class"),
            };
            Ok(Self { dtype, is_big_endian, has_odd_bits: has_odd_bits && dtype != DType::Bool })
        }
    }
}

/// Sign bit, exponent position and size, mantissa position and size of a float type.
unsafe fn float_fields(id: hdf5_sys::h5i::hid_t) -> Option<[usize; 5]> {
    let mut fields = [0; 5];
    let [sign, exponent, exponent_bits, mantissa, mantissa_bits] = &mut fields;
    // SAFETY: the caller gives an open float type; every pointer is to a live number.
    let status = unsafe { H5Tget_fields(id, sign, exponent, exponent_bits, mantissa, mantissa_bits) };
    (status >= 0).then_some(fields)
}

/// Whether an enumeration is the one h5py stores bool as: FALSE and TRUE over 8-bit integers.
unsafe fn is_h5py_bool(library: &Library, id: hdf5_sys::h5i::hid_t) -> Result<bool, String> {
    // SAFETY: the caller gives an open enumeration type; names returned are the library's to free.
    unsafe {
        let base = Handle::new(library, H5Tget_super(id), H5Tclose)?;
        if H5Tget_class(base.id()) != H5T_class_t::H5T_INTEGER || H5Tget_nmembers(id) != 2 {
            return Ok(false);
        }
        let names = [0, 1].map(|member| {
            let name = H5Tget_member_name(id, member);
            if name.is_null() {
                return Vec::new();
            }
            let copy = CStr::from_ptr(name).to_bytes().to_ascii_uppercase();
            hdf5_sys::h5::H5free_memory(name.cast());
            copy
        });
        Ok(names.iter().any(|name| name == b"TRUE") && names.iter().any(|name| name == b"FALSE"))
    }
}

fn layout_of(creation: &Handle<'_>, rank: usize) -> Result<Layout, String> {
    // SAFETY: the handle is a dataset's creation list, and `dims` has room for `MAX_RANK` numbers.
    unsafe {
        Ok(match H5Pget_layout(creation.id()) {
            H5D_layout_t::H5D_COMPACT => Layout::Compact,
            H5D_layout_t::H5D_CONTIGUOUS if H5Pget_external_count(creation.id()) > 0 => {
                Layout::Elsewhere("its data are in another file (external storage)")
            }
            H5D_layout_t::H5D_CONTIGUOUS => Layout::Contiguous,
            H5D_layout_t::H5D_CHUNKED => {
                let mut dims = [0u64; MAX_RANK];
                let found = H5Pget_chunk(creation.id(), MAX_RANK as i32, dims.as_mut_ptr());
                let dims = dims.map(|dim| usize::try_from(dim).unwrap_or(0));
                if usize::try_from(found) != Ok(rank) || dims[..rank].contains(&0) {
                    return Err("has chunks that make no sense".into());
                }
                Layout::Chunked(Shape::new(&dims[..rank]).ok_or("has chunks that make no sense")?)
            }
            H5D_layout_t::H5D_VIRTUAL => Layout::Elsewhere("its data are in other files (a virtual dataset)"),
            _ => return Err("has an unknown layout".into()),
        })
    }
}

fn filters_of(creation: &Handle<'_>, item: usize) -> Result<Vec<Filter>, String> {
    const MAX_VALUES: usize = 64;
    // SAFETY: the handle is a dataset's creation list; the buffers are as long as the call is told.
    unsafe {
        let num_filters = H5Pget_nfilters(creation.id()).clamp(0, 32) as c_uint;
        let mut filters = Vec::with_capacity(num_filters as usize);
        for i in 0..num_filters {
            let (mut flags, mut config) = (0, 0);
            let (mut values, mut num_values) = ([0u32; MAX_VALUES], MAX_VALUES);
            let mut name = [0 as c_char; 128];
            let id = H5Pget_filter2(
                creation.id(),
                i,
                &raw mut flags,
                &raw mut num_values,
                values.as_mut_ptr(),
                name.len() - 1,
                name.as_mut_ptr(),
                &raw mut config,
            );
            if id < 0 {
                return Err(last_error());
            }
            let name = CStr::from_ptr(name.as_ptr()).to_string_lossy();
            let mut values = &mut values[..num_values.min(MAX_VALUES)];
            // Files without the value mean the size of an item.
            let mut shuffle = [item as u32];
            if id == 2 && values.first().is_none_or(|&value| value == 0) {
                values = &mut shuffle;
            }
            filters.push(Filter::from_hdf5(id, values, &name));
        }
        Ok(filters)
    }
}
