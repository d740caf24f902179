//! A file that holds one virtual dataset: a list of which parts of it are which parts of other files' arrays.
#![allow(unsafe_code)]

use std::ffi::CString;

use hdf5::globals::{H5P_DATASET_CREATE, H5P_LINK_CREATE};
use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5d::{H5Dclose, H5Dcreate2};
use hdf5_sys::h5p::{H5Pclose, H5Pcreate, H5Pset_create_intermediate_group, H5Pset_fill_value, H5Pset_virtual};
use hdf5_sys::h5s::{H5S_UNLIMITED, H5S_seloper_t, H5Sclose, H5Screate_simple, H5Sselect_hyperslab};

use super::image::image;
use super::raw::{Attribute, Handle, Step, done, type_of, write_attribute};
use crate::volume::{DType, Region, Shape};

/// A virtual dataset as it is to be.
pub struct VirtualFile<'a> {
    /// Path of the dataset in the file.
    pub dataset: &'a str,
    /// Its extent; along [`VirtualFile::endless`] that of today.
    pub shape: Shape,
    /// Its type. The library converts what sources hold in another.
    pub dtype: DType,
    /// The bytes of the voxel that stands where nothing is mapped, little-endian.
    pub fill: &'a [u8],
    /// What of it lies where.
    pub mappings: &'a [Mapping],
    /// The axis along which every mapping is repeated without end, the number of the repetition in place of `%b`.
    pub endless: Option<usize>,
    /// What is said of it.
    pub attributes: &'a [(&'a str, Attribute)],
}

/// One part of a virtual dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The part.
    pub region: Region,
    /// The source's file as the library looks for it: relative to the folder of the virtual file, or absolute, with a
    /// percent sign doubled.
    pub file: Vec<u8>,
    /// The source's path in its file, with the same signs.
    pub dataset: String,
    /// Extent of the source.
    pub source_shape: Shape,
    /// Which voxels of it, in the same order and as many.
    pub source_region: Region,
}

impl VirtualFile<'_> {
    /// The bytes of the file.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn bytes(&self) -> Step<Vec<u8>> {
        image(|file| self.fill(file))
    }

    fn fill(&self, file: &Handle) -> Step<()> {
        let name = CString::new(self.dataset).map_err(|_| "use a name with a zero byte")?;
        // SAFETY: the lock is held by `image`; identifiers are checked and closed once; lists have as many numbers as
        // the spaces have axes, and the fill value as many bytes as the type.
        unsafe {
            let kind = type_of(self.dtype)?;
            let creation = Handle::new(H5Pcreate(*H5P_DATASET_CREATE), H5Pclose, "set up a dataset")?;
            done(H5Pset_fill_value(creation.id(), kind.id(), self.fill.as_ptr().cast()), "set the fill value")?;
            let space = self.space(&self.shape, self.endless)?;
            for mapping in self.mappings {
                let part = self.space(&self.shape, self.endless)?;
                select(&part, &mapping.region, self.endless)?;
                let source = self.space(&mapping.source_shape, None)?;
                select(&source, &mapping.source_region, None)?;
                let source_file =
                    CString::new(mapping.file.as_slice()).map_err(|_| "use a file name with a zero byte")?;
                let dataset = CString::new(mapping.dataset.as_str()).map_err(|_| "use a name with a zero byte")?;
                let status =
                    H5Pset_virtual(creation.id(), part.id(), source_file.as_ptr(), dataset.as_ptr(), source.id());
                done(status, "map a part of the dataset")?;
            }
            let links = Handle::new(H5Pcreate(*H5P_LINK_CREATE), H5Pclose, "set up a dataset")?;
            done(H5Pset_create_intermediate_group(links.id(), 1), "set up a dataset")?;
            let made = H5Dcreate2(file.id(), name.as_ptr(), kind.id(), space.id(), links.id(), creation.id(), 0);
            let dataset = Handle::new(made, H5Dclose, "make the virtual dataset")?;
            self.attributes.iter().try_for_each(|(name, value)| write_attribute(&dataset, name, value))
        }
    }

    /// The extent of an array, which may grow without end along one axis.
    fn space(&self, shape: &Shape, endless: Option<usize>) -> Step<Handle> {
        let dims: Vec<hsize_t> = shape.dims().iter().map(|&dim| dim as hsize_t).collect();
        let mut most = dims.clone();
        if let Some(most) = endless.and_then(|axis| most.get_mut(axis)) {
            *most = H5S_UNLIMITED;
        }
        // SAFETY: the lock is held, and both lists have as many numbers as is said.
        let id = unsafe { H5Screate_simple(dims.len() as i32, dims.as_ptr(), most.as_ptr()) };
        Handle::new(id, H5Sclose, "make a dataspace")
    }
}

/// Selects a box; along an axis without end, the box and what follows it in steps of its own extent.
fn select(space: &Handle, region: &Region, endless: Option<usize>) -> Step<()> {
    let start: Vec<hsize_t> = region.start().iter().map(|&index| index as hsize_t).collect();
    let block: Vec<hsize_t> = region.shape().dims().iter().map(|&dim| dim as hsize_t).collect();
    let stride: Vec<hsize_t> = block.iter().map(|&dim| dim.max(1)).collect();
    let count: Vec<hsize_t> =
        (0..start.len()).map(|axis| if endless == Some(axis) { H5S_UNLIMITED } else { 1 }).collect();
    // SAFETY: the lock is held and every list has as many numbers as the space has axes.
    let status = unsafe {
        H5Sselect_hyperslab(
            space.id(),
            H5S_seloper_t::H5S_SELECT_SET,
            start.as_ptr(),
            stride.as_ptr(),
            count.as_ptr(),
            block.as_ptr(),
        )
    };
    done(status, "select a part of an array")
}
