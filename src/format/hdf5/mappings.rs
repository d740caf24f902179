//! What a virtual dataset says of itself: which parts of it are which parts of which other arrays.
#![allow(unsafe_code)]

use std::ffi::c_char;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::ptr;

use hdf5_sys::h5d::H5D_layout_t;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::{
    H5Pget_layout, H5Pget_virtual_count, H5Pget_virtual_dsetname, H5Pget_virtual_filename, H5Pget_virtual_srcspace,
    H5Pget_virtual_vspace,
};
use hdf5_sys::h5s::{
    H5S_sel_type, H5Sclose, H5Sget_regular_hyperslab, H5Sget_select_hyper_blocklist, H5Sget_select_hyper_nblocks,
    H5Sget_select_type, H5Sget_simple_extent_ndims, H5Sis_regular_hyperslab,
};

use super::file::{Hdf5File, Stamp};
use super::header::Header;
use super::index::not_hdf5;
use super::library::{Handle, Kept, Library, last_error, locked};
use crate::format::FormatError;
use crate::volume::{MAX_RANK, Region};

/// More mappings than this are not read: each takes memory, and the library's lock while it is asked for.
const MAX_MAPPINGS: usize = 500_000;

/// More boxes in the irregular selections of one dataset than this are not read: they take memory.
const MAX_BOXES: usize = 1_000_000;

/// A virtual dataset as its file has it; nothing of its sources has been looked at.
#[derive(Clone, Debug)]
pub struct VirtualLayout {
    /// Extent, type, and the value of what no mapping covers. Along an axis without limit the extent is the one it was made with.
    pub header: Header,
    /// In the order in which they are read: of two that overlap, the later one counts.
    pub mappings: Vec<Mapping>,
    /// The file when it was read.
    pub stamp: Stamp,
    /// Whether the file is shorter than it says.
    pub is_cut: bool,
}

/// One part of a virtual dataset, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mapping {
    /// Which voxels of the virtual dataset, in C order...
    pub part: Picked,
    /// ... are which voxels of the source, in C order.
    pub of_source: Picked,
    /// The source's file as it is named: relative, absolute, "." for the virtual dataset's own; `%b` stands for the
    /// number of a block, `%%` for a percent sign.
    pub file: PathBuf,
    /// The source's path in its file, with the same signs.
    pub dataset: String,
}

/// Voxels picked from an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Picked {
    /// All there are.
    All,
    /// None.
    Nothing,
    /// On each axis `count` blocks of `block` indices, `stride` apart, from `start` on. `u64::MAX` is without limit.
    #[allow(missing_docs, reason = "said above")]
    Blocks { start: Vec<u64>, stride: Vec<u64>, count: Vec<u64>, block: Vec<u64> },
    /// What lies in these boxes, which have no voxel in common.
    Boxes(Vec<Region>),
}

impl VirtualLayout {
    /// Reads it; `None` for an array that is stored. The file is open for this call only, and no other is.
    ///
    /// # Errors
    /// When the file or the array cannot be read, or has more mappings than are read.
    pub fn read(path: &Path, name: &str) -> Result<Option<Self>, FormatError> {
        let failed = |message: String| FormatError::new(path, message);
        let opened = Hdf5File::open(path).map_err(failed)?;
        let found = locked(|library| {
            let file = library.open_file(&opened).map_err(|message| not_hdf5(&message))?;
            let dataset = library.open_dataset(&file, name)?;
            let found = Header::and_list(library, &dataset, name);
            let (header, creation) = found.map_err(|message| format!("{name}: {message}"))?;
            // SAFETY: the handle is a dataset's creation list.
            if unsafe { H5Pget_layout(creation.id()) } != H5D_layout_t::H5D_VIRTUAL {
                return Ok(None);
            }
            Ok(Some((header, creation.kept())))
        });
        let Some((header, creation)) = found.map_err(failed)? else { return Ok(None) };
        let mappings = mappings_of(&creation).map_err(|message| failed(format!("{name}: {message}")))?;
        Ok(Some(Self { header, mappings, stamp: opened.stamp, is_cut: opened.is_cut() }))
    }

    /// Tells mappings from others, without their being kept.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.mappings.hash(&mut hasher);
        hasher.finish()
    }
}

/// Axes and extent of a virtual dataset without its sources being opened, which asking for it would do.
pub(super) fn space_of<'l>(library: &'l Library, creation: &Handle<'_>) -> Option<Handle<'l>> {
    let mut num_mappings = 0;
    // SAFETY: the lock is held and the handle is a dataset's creation list.
    unsafe {
        let is_virtual = H5Pget_layout(creation.id()) == H5D_layout_t::H5D_VIRTUAL;
        if !is_virtual || H5Pget_virtual_count(creation.id(), &raw mut num_mappings) < 0 || num_mappings == 0 {
            return None;
        }
        Handle::new(library, H5Pget_virtual_vspace(creation.id(), 0), H5Sclose).ok()
    }
}

/// Mappings that are asked for before others get the lock again: some tens of milliseconds.
const AT_ONCE: usize = 1000;

fn mappings_of(creation: &Kept) -> Result<Vec<Mapping>, String> {
    let num = locked(|library| {
        let mut num = 0;
        // SAFETY: the lock is held and the handle is a virtual dataset's creation list.
        let status = unsafe { H5Pget_virtual_count(creation.id(library), &raw mut num) };
        if status < 0 { Err(last_error()) } else { Ok(num) }
    })?;
    if num > MAX_MAPPINGS {
        return Err(format!("is made of {num} parts; up to {MAX_MAPPINGS} are read"));
    }
    let mut room = MAX_BOXES;
    let mut mappings = Vec::with_capacity(num);
    while mappings.len() < num {
        let next = mappings.len()..num.min(mappings.len() + AT_ONCE);
        locked(|library| {
            for i in next.clone() {
                let found = mapping(library, creation.id(library), i, &mut room);
                mappings.push(found.map_err(|message| format!("mapping {i}: {message}"))?);
            }
            Ok::<_, String>(())
        })?;
    }
    Ok(mappings)
}

fn mapping(library: &Library, creation: hid_t, i: usize, room: &mut usize) -> Result<Mapping, String> {
    // SAFETY: the lock is held, the handle is a virtual dataset's creation list and `i` below its number of mappings;
    // the names are written into buffers as long as the calls are told.
    unsafe {
        let part = Handle::new(library, H5Pget_virtual_vspace(creation, i), H5Sclose)?;
        let of_source = Handle::new(library, H5Pget_virtual_srcspace(creation, i), H5Sclose)?;
        let file = name_of(|buffer, len| H5Pget_virtual_filename(creation, i, buffer, len))?;
        let dataset = name_of(|buffer, len| H5Pget_virtual_dsetname(creation, i, buffer, len))?;
        Ok(Mapping {
            part: picked(&part, room)?,
            of_source: picked(&of_source, room)?,
            file: path_of(file),
            dataset: String::from_utf8(dataset).map_err(|_| "the source's name is not Unicode")?,
        })
    }
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// Calls a function of the library that fills a buffer with a name, with the size it needs.
fn name_of(fill: impl Fn(*mut c_char, usize) -> isize) -> Result<Vec<u8>, String> {
    const MAX_BYTES: usize = 1 << 16;
    let len = usize::try_from(fill(ptr::null_mut(), 0)).map_err(|_| last_error())?;
    if len >= MAX_BYTES {
        return Err("the source's name is too long".into());
    }
    let mut bytes = vec![0u8; len + 1];
    if fill(bytes.as_mut_ptr().cast(), bytes.len()) < 0 {
        return Err(last_error());
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// What a dataspace selects; `room` is for how many boxes.
fn picked(space: &Handle<'_>, room: &mut usize) -> Result<Picked, String> {
    // SAFETY: the lock is held and the handle is an open dataspace's; each buffer has a number for each of its axes.
    unsafe {
        let rank = usize::try_from(H5Sget_simple_extent_ndims(space.id())).map_err(|_| last_error())?;
        if rank > MAX_RANK {
            return Err(format!("a source has {rank} axes; up to {MAX_RANK} are read"));
        }
        match H5Sget_select_type(space.id()) {
            H5S_sel_type::H5S_SEL_ALL => Ok(Picked::All),
            H5S_sel_type::H5S_SEL_NONE => Ok(Picked::Nothing),
            H5S_sel_type::H5S_SEL_HYPERSLABS if H5Sis_regular_hyperslab(space.id()) > 0 => {
                let [mut start, mut stride, mut count, mut block] = [const { [0u64; MAX_RANK] }; 4];
                let status = H5Sget_regular_hyperslab(
                    space.id(),
                    start.as_mut_ptr(),
                    stride.as_mut_ptr(),
                    count.as_mut_ptr(),
                    block.as_mut_ptr(),
                );
                if status < 0 {
                    return Err(last_error());
                }
                let [start, stride, count, block] = [start, stride, count, block].map(|all| all[..rank].to_vec());
                Ok(Picked::Blocks { start, stride, count, block })
            }
            H5S_sel_type::H5S_SEL_HYPERSLABS => boxes(space.id(), rank, room).map(Picked::Boxes),
            // The library has none of these in virtual datasets: it neither writes nor reads them.
            H5S_sel_type::H5S_SEL_POINTS => Err("picks single points, which HDF5 does not support".into()),
            _ => Err("picks voxels in an unknown way".into()),
        }
    }
}

/// The boxes of an irregular selection.
///
/// # Safety
/// The lock is held and `space` is an open dataspace of that rank with a hyperslab selected.
unsafe fn boxes(space: hid_t, rank: usize, room: &mut usize) -> Result<Vec<Region>, String> {
    // SAFETY: as said above; the buffer has room for two corners of each box.
    let corners = unsafe {
        let num = usize::try_from(H5Sget_select_hyper_nblocks(space)).map_err(|_| last_error())?;
        let few = format!("picks voxels in {num} boxes; up to {MAX_BOXES} of all mappings are read");
        *room = room.checked_sub(num).ok_or(few)?;
        let mut corners = vec![0u64; num * 2 * rank];
        if H5Sget_select_hyper_blocklist(space, 0, num as u64, corners.as_mut_ptr()) < 0 {
            return Err(last_error());
        }
        corners
    };
    let region = |corners: &[u64]| {
        let to_index = |value: u64| usize::try_from(value).ok();
        let start: Option<Vec<usize>> = corners[..rank].iter().map(|&value| to_index(value)).collect();
        let stop: Option<Vec<usize>> = corners[rank..].iter().map(|&last| to_index(last.checked_add(1)?)).collect();
        Region::new(&start?, &stop?)
    };
    let all = corners.chunks_exact(2 * rank.max(1)).map(region).collect::<Option<Vec<_>>>();
    all.ok_or_else(|| "picks voxels beyond any array".into())
}
