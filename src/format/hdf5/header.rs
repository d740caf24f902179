//! What a file says of one array: extent, type, layout and filters.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_uint};

use hdf5_sys::h5d::{H5D_fill_time_t, H5D_fill_value_t, H5D_layout_t, H5Dget_create_plist, H5Dget_space, H5Dget_type};
use hdf5_sys::h5p::{
    H5Pclose, H5Pfill_value_defined, H5Pget_chunk, H5Pget_external_count, H5Pget_fill_time, H5Pget_fill_value,
    H5Pget_filter2, H5Pget_layout, H5Pget_nfilters,
};
use hdf5_sys::h5s::{
    H5S_UNLIMITED, H5S_class_t, H5Sclose, H5Sget_simple_extent_dims, H5Sget_simple_extent_ndims,
    H5Sget_simple_extent_type,
};
use hdf5_sys::h5t::H5Tclose;

use super::external::{self, RawPiece};
use super::library::{Handle, Library, last_error};
use super::mappings;
use super::types::StoredType;
use crate::codec::{self, Filter};
use crate::dispatch_dtype;
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
    /// In one piece that is cut up over bare files, in this order.
    External(Vec<RawPiece>),
    /// Nowhere: it is made of parts of other arrays, see [`super::VirtualLayout`].
    Virtual,
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
    /// The value that the file defines for what was never written, little-endian; `None` where it defines none
    /// or says that it is not to be used.
    pub fill: Option<Vec<u8>>,
    /// How far each axis may grow; `None` is without end.
    pub max_dims: Vec<Option<u64>>,
}

/// Said of a value that has no axes.
pub(super) const IS_SCALAR: &str = "is a single value, not an array";

impl Header {
    /// Filters in words: "shuffle, deflate"; "none".
    pub fn filters_in_words(&self) -> String {
        if self.filters.is_empty() {
            return "none".into();
        }
        self.filters.iter().map(Filter::name).collect::<Vec<_>>().join(", ")
    }

    /// The value of what was never written, in words; `None` where the file defines none.
    pub fn fill_in_words(&self) -> Option<String> {
        let value = self.fill.as_deref()?;
        dispatch_dtype!(self.dtype, V => Some(bytemuck::try_pod_read_unaligned::<V>(value).ok()?.to_string()))
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

    /// Whether an axis may still grow, or could have.
    pub fn can_grow(&self, axis: usize) -> bool {
        let max = self.max_dims.get(axis).copied().flatten();
        axis < self.shape.rank() && max.is_none_or(|max| max > self.shape.dims()[axis] as u64)
    }

    /// Whether chunk bytes can be decoded without the library.
    pub fn is_decodable(&self) -> bool {
        !self.has_odd_bits && codec::is_decodable(&self.filters)
    }

    /// Reads the header of an open dataset.
    pub(super) fn of(library: &Library, dataset: &Handle<'_>, name: &str) -> Result<Self, String> {
        Self::and_list(library, dataset, name).map(|(header, _)| header)
    }

    /// The same, with the list of properties it was created with: of many mappings a copy takes long.
    pub(super) fn and_list<'l>(
        library: &'l Library,
        dataset: &Handle<'_>,
        name: &str,
    ) -> Result<(Self, Handle<'l>), String> {
        // SAFETY: the lock is held and the handle is a dataset's.
        let (data_type, creation) = unsafe {
            (
                Handle::new(library, H5Dget_type(dataset.id()), H5Tclose)?,
                Handle::new(library, H5Dget_create_plist(dataset.id()), H5Pclose)?,
            )
        };
        let space = match mappings::space_of(library, &creation) {
            Some(space) => space,
            // SAFETY: as above.
            None => unsafe { Handle::new(library, H5Dget_space(dataset.id()), H5Sclose)? },
        };
        let (shape, max_dims) = shape_of(&space)?;
        let stored = StoredType::of(library, &data_type)?;
        let header = Self {
            name: name.trim_start_matches('/').to_owned(),
            dtype: stored.dtype,
            layout: layout_of(&creation, shape.rank())?,
            filters: filters_of(&creation, stored.dtype.num_bytes())?,
            is_big_endian: stored.is_big_endian,
            has_odd_bits: stored.has_odd_bits,
            fill: fill_of(library, &creation, &data_type, &stored)?,
            max_dims,
            shape,
        };
        Ok((header, creation))
    }
}

pub(super) fn shape_of(space: &Handle<'_>) -> Result<(Shape, Vec<Option<u64>>), String> {
    // SAFETY: the handle is an open dataspace's, and `dims` has room for as many numbers as it has axes.
    unsafe {
        if H5Sget_simple_extent_type(space.id()) != H5S_class_t::H5S_SIMPLE {
            return Err(IS_SCALAR.into());
        }
        let rank = usize::try_from(H5Sget_simple_extent_ndims(space.id())).map_err(|_| last_error())?;
        if rank == 0 || rank > MAX_RANK {
            return Err(format!("has {rank} axes; up to {MAX_RANK} are read"));
        }
        let (mut dims, mut max_dims) = ([0u64; MAX_RANK], [0u64; MAX_RANK]);
        if H5Sget_simple_extent_dims(space.id(), dims.as_mut_ptr(), max_dims.as_mut_ptr()) < 0 {
            return Err(last_error());
        }
        let mut sizes = [0usize; MAX_RANK];
        for (size, dim) in sizes.iter_mut().zip(dims) {
            *size = usize::try_from(dim).map_err(|_| "is larger than this machine can address")?;
        }
        Shape::new(&sizes[..rank])
            .filter(|shape| shape.num_bytes(DType::F64).is_some_and(|n| n < isize::MAX as usize))
            .map(|shape| (shape, max_dims[..rank].iter().map(|&max| (max != H5S_UNLIMITED).then_some(max)).collect()))
            .ok_or_else(|| "claims more voxels than any file holds".into())
    }
}

pub(super) fn layout_of(creation: &Handle<'_>, rank: usize) -> Result<Layout, String> {
    // SAFETY: the handle is a dataset's creation list, and `dims` has room for `MAX_RANK` numbers.
    unsafe {
        Ok(match H5Pget_layout(creation.id()) {
            H5D_layout_t::H5D_COMPACT => Layout::Compact,
            H5D_layout_t::H5D_CONTIGUOUS if H5Pget_external_count(creation.id()) > 0 => {
                Layout::External(external::pieces_of(creation)?)
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
            H5D_layout_t::H5D_VIRTUAL => Layout::Virtual,
            _ => return Err("has an unknown layout".into()),
        })
    }
}

/// The value the file's writer set for what is never written.
fn fill_of(
    library: &Library,
    creation: &Handle<'_>,
    data_type: &Handle<'_>,
    stored: &StoredType,
) -> Result<Option<Vec<u8>>, String> {
    let mut defined = H5D_fill_value_t::H5D_FILL_VALUE_UNDEFINED;
    let mut time = H5D_fill_time_t::H5D_FILL_TIME_IFSET;
    // SAFETY: the handle is a dataset's creation list; the numbers are of the types asked for.
    let status = unsafe {
        H5Pfill_value_defined(creation.id(), &raw mut defined) | H5Pget_fill_time(creation.id(), &raw mut time)
    };
    let is_used =
        defined == H5D_fill_value_t::H5D_FILL_VALUE_USER_DEFINED && time != H5D_fill_time_t::H5D_FILL_TIME_NEVER;
    if status < 0 || !is_used {
        return Ok(None);
    }
    let wanted = stored.memory_type(library, data_type)?;
    let mut value = vec![0; stored.dtype.num_bytes()];
    // SAFETY: a value of that type takes as many bytes, which was made sure of.
    if unsafe { H5Pget_fill_value(creation.id(), wanted.id(), value.as_mut_ptr().cast()) } < 0 {
        return Err(last_error());
    }
    stored.finish(&mut value);
    Ok(Some(value))
}

pub(super) fn filters_of(creation: &Handle<'_>, item: usize) -> Result<Vec<Filter>, String> {
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
