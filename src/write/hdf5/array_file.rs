//! A file that holds one array, written chunk by chunk. Chunks come compressed, so the library's lock is held for no
//! longer than it takes to hand them to the system, and no filter plugin is needed. No time stamp is in it: the same
//! chunks make the same bytes.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use hdf5::globals::{H5P_DATASET_CREATE, H5P_FILE_ACCESS, H5P_LINK_CREATE, H5T_STD_B8LE};
use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5d::{H5Dclose, H5Dcreate2, H5Dget_chunk_info_by_coord, H5Dwrite, H5Dwrite_chunk};
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5F_libver_t, H5F_scope_t, H5Fclose, H5Fcreate, H5Fflush, H5Fget_filesize};
use hdf5_sys::h5p::{
    H5Pclose, H5Pcreate, H5Pset_chunk, H5Pset_create_intermediate_group, H5Pset_file_locking, H5Pset_filter,
    H5Pset_libver_bounds, H5Pset_obj_track_times,
};
use hdf5_sys::h5s::{H5Sclose, H5Screate_simple};
use hdf5_sys::h5t::{H5Tclose, H5Tcopy};

use super::Filters;
use super::raw::{Attribute, Handle, Step, done, type_of, write_attribute};
use crate::format::hdf5::{open_shared, read_at, settle_filters};
use crate::volume::{DType, Shape};

/// How the file is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// libhdf5's default: an exclusive lock, as every acquisition program of the rigs has it.
    Default,
    /// No lock.
    Off,
}

/// What an array's file looks like.
pub struct Layout<'a> {
    /// Path of the array in the file.
    pub name: &'a str,
    /// Its extent.
    pub shape: Shape,
    /// Extent of a chunk, which may be more than that of the array; `None`: all of it in one piece, without filters.
    pub chunk: Option<Shape>,
    /// Its type.
    pub dtype: DType,
    /// Whether truth values are PyTables' bit fields rather than h5py's enumerations.
    pub has_bit_fields: bool,
    /// What its chunks are coded with.
    pub filters: &'a Filters,
    /// What is said of the root.
    pub root: &'a [(&'a str, Attribute)],
    /// Whether the file is locked while it is written.
    pub locking: Locking,
}

/// A file that is being written.
pub struct ArrayFile {
    /// The array, its type, and the file; taken when it is closed, in this order.
    open: Option<(Handle, Handle, Handle)>,
    path: PathBuf,
    /// The file as anybody sees it, to find chunks again.
    seen: Option<File>,
    /// Where the last chunk ended whose place was asked for.
    last_end: u64,
}

/// What is compared at either end of a chunk to know it again.
const END_BYTES: usize = 512;

impl ArrayFile {
    /// Creates the file, truncating what was there, and the array in it, of which nothing is written.
    ///
    /// # Errors
    /// When the library refuses, in words that follow "cannot".
    pub fn create(path: &Path, layout: &Layout<'_>) -> Step<Self> {
        let name = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| "use a file name with a zero byte")?;
        settle_filters();
        hdf5::sync::sync(|| {
            // SAFETY: of the whole block: called under the library's lock after its initialisation; every identifier is
            // checked before use and closed once by its `Handle`; all pointers are to live values of the sizes the
            // calls document.
            unsafe {
                let access = Handle::new(H5Pcreate(*H5P_FILE_ACCESS), H5Pclose, "set up the file")?;
                let (low, high) = (H5F_libver_t::H5F_LIBVER_EARLIEST, H5F_libver_t::H5F_LIBVER_V110);
                done(H5Pset_libver_bounds(access.id(), low, high), "set the file version")?;
                if layout.locking == Locking::Off {
                    done(H5Pset_file_locking(access.id(), 0, 1), "switch locking off")?;
                }
                let file = H5Fcreate(name.as_ptr(), H5F_ACC_TRUNC, 0, access.id());
                let file = Handle::new(file, H5Fclose, "create the file")?;
                layout.root.iter().try_for_each(|(name, value)| write_attribute(&file, name, value))?;
                let (dataset, kind) = layout.create_array(&file)?;
                Ok(Self { open: Some((dataset, kind, file)), path: path.to_owned(), seen: None, last_end: 0 })
            }
        })
    }

    /// Writes a chunk as it is coded. `start` is its first voxel.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn write_chunk(&mut self, start: &[usize], coded: &[u8]) -> Step<()> {
        let (dataset, ..) = self.open.as_ref().ok_or("write to a closed file")?;
        let start: Vec<hsize_t> = start.iter().map(|&index| index as hsize_t).collect();
        hdf5::sync::sync(|| {
            // SAFETY: the lock is held, the array is open, and `start` has as many numbers as it has axes.
            let status =
                unsafe { H5Dwrite_chunk(dataset.id(), 0, 0, start.as_ptr(), coded.len(), coded.as_ptr().cast()) };
            done(status, "write a chunk")
        })
    }

    /// The same, and says where it lies in the file.
    ///
    /// The library looks for a chunk by going through all there are. It puts one behind all others, or a small one behind
    /// the last, nearly always: so it is looked there first.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn write_chunk_placed(&mut self, start: &[usize], coded: &[u8]) -> Step<u64> {
        let end = self.end()?;
        self.write_chunk(start, coded)?;
        let is_seen = |file: &mut Self, at| file.holds(at, coded).map_err(|_| "read a chunk again");
        // What is not zero cannot have been there before.
        let place = if is_seen(self, end)? {
            end
        } else if coded.iter().any(|&byte| byte != 0) && is_seen(self, self.last_end)? {
            self.last_end
        } else {
            self.find_chunk(start)?
        };
        self.last_end = place + coded.len() as u64;
        Ok(place)
    }

    /// Where the library's file ends.
    fn end(&self) -> Step<u64> {
        let (_, _, file) = self.open.as_ref().ok_or("write to a closed file")?;
        let mut end = 0;
        // SAFETY: the lock is held, the file is open, and the number is of the kind the call documents.
        hdf5::sync::sync(|| done(unsafe { H5Fget_filesize(file.id(), &raw mut end) }, "ask for the size of the file"))?;
        Ok(end)
    }

    /// Whether a chunk just written lies at a place behind what was written before: its ends do.
    fn holds(&mut self, at: u64, coded: &[u8]) -> io::Result<bool> {
        if self.seen.is_none() {
            self.seen = Some(open_shared(&self.path)?);
        }
        let Some(file) = &self.seen else { return Ok(false) };
        let mut bytes = [0; END_BYTES];
        for from in [0, coded.len().saturating_sub(END_BYTES)] {
            let part = &coded[from..coded.len().min(from + END_BYTES)];
            let read = &mut bytes[..part.len()];
            match read_at(file, read, at + from as u64) {
                Ok(()) if read == part => {}
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn find_chunk(&self, start: &[usize]) -> Step<u64> {
        let (dataset, ..) = self.open.as_ref().ok_or("write to a closed file")?;
        let start: Vec<hsize_t> = start.iter().map(|&index| index as hsize_t).collect();
        let (mut mask, mut place, mut size) = (0, 0, 0);
        // SAFETY: the lock is held, the array is open, `start` has as many numbers as it has axes, and what is written to
        // are numbers of the kinds the call documents.
        let status = hdf5::sync::sync(|| unsafe {
            H5Dget_chunk_info_by_coord(dataset.id(), start.as_ptr(), &raw mut mask, &raw mut place, &raw mut size)
        });
        done(status, "find a chunk again")?;
        Ok(place)
    }

    /// Writes all of an array that has no chunks: its bytes in C order.
    ///
    /// # Errors
    /// As [`Self::create`].
    ///
    /// # Panics
    /// Never where `bytes` are those of the array, which the caller has made sure of.
    pub fn write_whole(&mut self, bytes: &[u8]) -> Step<()> {
        let (dataset, kind, _) = self.open.as_ref().ok_or("write to a closed file")?;
        // SAFETY: the lock is held, and memory and file have the same type, of which there are as many as the array has.
        hdf5::sync::sync(|| unsafe { done(H5Dwrite(dataset.id(), kind.id(), 0, 0, 0, bytes.as_ptr().cast()), "write") })
    }

    /// Says what is known of the array, and closes the file.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn finish(mut self, attributes: &[(&str, Attribute)]) -> Step<()> {
        let (dataset, kind, file) = self.open.take().ok_or("close a closed file")?;
        hdf5::sync::sync(|| {
            attributes.iter().try_for_each(|(name, value)| write_attribute(&dataset, name, value))?;
            // SAFETY: the lock is held and the file is open.
            let flushed = done(unsafe { H5Fflush(file.id(), H5F_scope_t::H5F_SCOPE_LOCAL) }, "flush the file");
            drop((dataset, kind, file));
            flushed
        })
    }
}

impl Drop for ArrayFile {
    fn drop(&mut self) {
        let open = self.open.take();
        hdf5::sync::sync(|| drop(open));
    }
}

impl Layout<'_> {
    /// Creates the array, empty; returns it and its type.
    ///
    /// # Safety
    /// The library's lock is held.
    unsafe fn create_array(&self, file: &Handle) -> Step<(Handle, Handle)> {
        let name = CString::new(self.name).map_err(|_| "use a name with a zero byte")?;
        let dims: Vec<hsize_t> = self.shape.dims().iter().map(|&dim| dim as hsize_t).collect();
        let mut most = dims.clone();
        // SAFETY: of the whole block: as in `ArrayFile::create`, whose caller holds the lock; lists have as many numbers
        // as there are axes.
        unsafe {
            let create = Handle::new(H5Pcreate(*H5P_DATASET_CREATE), H5Pclose, "set up the array")?;
            done(H5Pset_obj_track_times(create.id(), 0), "set up the array")?;
            if let Some(chunk) = self.chunk {
                let chunk: Vec<hsize_t> = chunk.dims().iter().map(|&dim| dim as hsize_t).collect();
                // A fixed extent has to hold a chunk.
                most.iter_mut().zip(&chunk).for_each(|(most, chunk)| *most = (*most).max(*chunk));
                done(H5Pset_chunk(create.id(), chunk.len() as c_int, chunk.as_ptr()), "set the chunks")?;
                for (id, is_optional, values) in self.filters.stored() {
                    let flags = u32::from(*is_optional);
                    done(H5Pset_filter(create.id(), *id, flags, values.len(), values.as_ptr()), "set the filter")?;
                }
            }
            let links = Handle::new(H5Pcreate(*H5P_LINK_CREATE), H5Pclose, "set up the array")?;
            done(H5Pset_create_intermediate_group(links.id(), 1), "set up the array")?;
            let space = H5Screate_simple(dims.len() as c_int, dims.as_ptr(), most.as_ptr());
            let space = Handle::new(space, H5Sclose, "set the shape")?;
            let kind = match self.dtype {
                DType::Bool if self.has_bit_fields => Handle::new(H5Tcopy(*H5T_STD_B8LE), H5Tclose, "make a type")?,
                dtype => type_of(dtype)?,
            };
            let made = H5Dcreate2(file.id(), name.as_ptr(), kind.id(), space.id(), links.id(), create.id(), 0);
            Ok((Handle::new(made, H5Dclose, "create the array")?, kind))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::{Codec, Compression};

    /// Small chunks lie in blocks that the library keeps for them, large ones at the end; a chunk of zeros could be
    /// taken for what was never written.
    #[test]
    fn chunks_of_any_size_lie_where_they_are_said_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chunks.h5");
        let compression = Compression { codec: Codec::Gzip, level: 1 };
        let shape = Shape::new(&[700, 64, 64]).unwrap();
        let layout = Layout {
            name: "a/b",
            shape,
            chunk: Shape::new(&[1, 64, 64]),
            dtype: DType::U16,
            has_bit_fields: false,
            filters: &Filters::new(compression, DType::U16, 8192).unwrap(),
            root: &[],
            locking: Locking::Off,
        };
        let mut file = ArrayFile::create(&path, &layout).unwrap();
        let mut written = Vec::new();
        for t in (0..700usize).rev() {
            let len = [1, 7, 900, 1500, 2047, 2048, 2049, 8000, 400][(t * 7 + t / 13) % 9];
            let coded: Vec<u8> = (0..len).map(|i| if t % 5 == 0 { 0 } else { (i * t / 3 % 251) as u8 }).collect();
            let place = file.write_chunk_placed(&[t, 0, 0], &coded).unwrap();
            assert_eq!(place, file.find_chunk(&[t, 0, 0]).unwrap(), "chunk {t} of {len} bytes");
            written.push((place, coded));
        }
        file.finish(&[]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(written.iter().all(|(place, coded)| bytes[*place as usize..].starts_with(coded)));
    }
}
