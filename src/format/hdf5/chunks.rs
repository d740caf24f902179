//! Which chunks of an array are stored and where they lie: as the library lists them, checked before it
//! is believed.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use hdf5_sys::h5d::{
    H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS, H5D_layout_t, H5Dchunk_iter, H5Dget_chunk_index_type, H5Dget_create_plist,
    H5Dget_space,
};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::{H5P_DEFAULT, H5Pclose, H5Pget_chunk_opts, H5Pget_layout};
use hdf5_sys::h5s::{H5S_UNLIMITED, H5Sclose, H5Sget_simple_extent_dims};

use super::header::{Header, Layout, filters_of, layout_of, shape_of};
use super::library::{Handle, Library, last_error};
use crate::codec::Filter;
use crate::volume::{Grid, MAX_RANK, Region, Shape, unravel};

unsafe extern "C" {
    /// Not among the declarations of hdf5-sys.
    fn H5Dget_chunk_storage_size(dataset: hid_t, offset: *const u64, num_bytes: *mut u64) -> c_int;
}

/// One stored chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Position in the grid of chunks, C order.
    pub position: u64,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes in the file; 0 where its place cannot be true.
    pub num_bytes: u32,
    /// Filters that were skipped.
    pub mask: u32,
}

/// What could be learned of the stored chunks.
pub enum Chunks {
    /// Sorted by position, each inside the grid and there once.
    Placed(Vec<Entry>),
    /// The list makes no sense, but the library finds chunks: the positions of those that exist.
    Known(Vec<u64>),
}

/// The stored chunks of an array, and whether the list was read to its end.
pub fn find(
    library: &Library,
    dataset: &Handle<'_>,
    header: &Header,
    chunk: &Shape,
    file_bytes: u64,
) -> Result<(Chunks, bool), String> {
    let grid = grid(&header.shape, chunk);
    // An entry takes at least 8 bytes of the file, or its chunk lies there without one.
    let least_bytes = chunk.num_bytes(header.dtype).unwrap_or(8).clamp(1, 8) as u64;
    let max_entries = header.num_chunks().min(file_bytes / least_bytes + 1);
    let swizzle = Swizzle::of(library, dataset, chunk)?;
    let has_plain_edges = has_plain_edges(library, dataset)?;
    let visit = |swizzle| {
        let visit = Visit { shape: header.shape, chunk: *chunk, grid, swizzle, has_plain_edges, max_entries };
        visit.run(dataset)
    };
    let mut listed = visit(swizzle);
    if listed.is_straight {
        listed = visit(None);
    } else if swizzle.is_some() {
        listed.is_sound &= listed.entries.iter().all(|entry| is_where_the_library_looks(dataset, entry, chunk, &grid));
    }
    if listed.is_sound {
        listed.entries.sort_unstable_by_key(|entry| entry.position);
        listed.is_sound = listed.entries.windows(2).all(|pair| pair[0].position < pair[1].position);
    }
    if !listed.is_sound {
        return known(dataset, chunk, &grid, max_entries);
    }
    mark_overlaps(&mut listed.entries);
    listed.entries.shrink_to_fit();
    Ok((Chunks::Placed(listed.entries), listed.is_complete))
}

/// The chunks of an array. A chunk without extent cannot be made by the library; it counts as one voxel.
pub fn grid(shape: &Shape, chunk: &Shape) -> Grid {
    let mut cell = [1; MAX_RANK];
    for (cell, &len) in cell.iter_mut().zip(chunk.dims()) {
        *cell = len.max(1);
    }
    let cell = Shape::new(&cell[..shape.rank()]);
    cell.and_then(|cell| Grid::new(*shape, cell)).unwrap_or_else(|| Grid::of_one(*shape))
}

/// An extensible array holds its chunks with the one unlimited axis slowest, but the library tells their
/// places as if they were counted in the order of the axes. The chunk's number in the array comes out of
/// what is told, and its place out of that.
#[derive(Clone, Copy)]
struct Swizzle {
    unlimited: usize,
    /// Most chunks along each axis.
    max: [u64; MAX_RANK],
}

impl Swizzle {
    /// `None` where the places are told right.
    fn of(library: &Library, dataset: &Handle<'_>, chunk: &Shape) -> Result<Option<Self>, String> {
        const EXTENSIBLE_ARRAY: c_uint = 4;
        let mut dims = [0u64; MAX_RANK];
        let mut kind: c_uint = 0;
        // SAFETY: the lock is held, the handle is a dataset's with as many axes as its chunk, and `dims`
        // has room for all that are read.
        unsafe {
            if H5Dget_chunk_index_type(dataset.id(), &raw mut kind) < 0 {
                return Err(last_error());
            }
            let space = Handle::new(library, H5Dget_space(dataset.id()), H5Sclose)?;
            if H5Sget_simple_extent_dims(space.id(), ptr::null_mut(), dims.as_mut_ptr()) < 0 {
                return Err(last_error());
            }
        }
        let unlimited = dims[..chunk.rank()].iter().position(|&dim| dim == H5S_UNLIMITED);
        let Some(unlimited) = unlimited.filter(|&axis| axis > 0 && kind == EXTENSIBLE_ARRAY) else { return Ok(None) };
        let mut max = [1; MAX_RANK];
        for (max, (dim, &chunk)) in max.iter_mut().zip(dims.iter().zip(chunk.dims())) {
            *max = dim.div_ceil(chunk.max(1) as u64).max(1);
        }
        Ok(Some(Self { unlimited, max }))
    }

    /// The place of the chunk that is told to be at `told`. `None` if no chunk can be told to be there.
    fn place(&self, told: &[u64; MAX_RANK], rank: usize) -> Option<[u64; MAX_RANK]> {
        let mut number = told[self.unlimited];
        let after = self.unlimited + 1..rank;
        for (&max, &told) in self.max[after.clone()].iter().zip(&told[after]) {
            number = number.checked_mul(max)?.checked_add(told)?;
        }
        let mut place = [0; MAX_RANK];
        for axis in (0..rank).rev().filter(|&axis| axis != self.unlimited) {
            place[axis] = number % self.max[axis];
            number /= self.max[axis];
        }
        place[self.unlimited] = number;
        Some(place)
    }
}

/// Whether the library finds a chunk of this size there. Its look-up, unlike its list, knows the order of
/// an extensible array: chunks told at wrong places, or told right and moved, would not all be found.
fn is_where_the_library_looks(dataset: &Handle<'_>, entry: &Entry, chunk: &Shape, grid: &Grid) -> bool {
    look_up(dataset, entry.position, chunk, grid).is_ok_and(|num_bytes| num_bytes == Some(u64::from(entry.num_bytes)))
}

/// Stored size of the chunk at a position; `None` if it was never written, 0 where it claims a place and no size.
fn look_up(dataset: &Handle<'_>, position: u64, chunk: &Shape, grid: &Grid) -> Result<Option<u64>, String> {
    /// Left as it is where the dataset has no chunk at all.
    const UNSET: u64 = u64::MAX;
    let at = unravel(position, grid.counts().dims());
    let mut offset = [0u64; MAX_RANK];
    for (offset, (at, chunk)) in offset.iter_mut().zip(at.iter().zip(chunk.dims())) {
        *offset = (at * chunk) as u64;
    }
    let mut num_bytes = UNSET;
    // SAFETY: the lock is held, the handle is a dataset's, and `offset` has a number for each axis.
    if unsafe { H5Dget_chunk_storage_size(dataset.id(), offset.as_ptr(), &raw mut num_bytes) } < 0 {
        let message = last_error();
        return if message.contains("not allocated") { Ok(None) } else { Err(message) };
    }
    Ok(Some(num_bytes).filter(|&num_bytes| num_bytes != UNSET))
}

/// Refuses chunks of a region that are stored shorter than the checksum behind them: the library reads what lies in
/// front of such a chunk, for ever or until it crashes.
pub fn check_sums(
    dataset: &Handle<'_>,
    filters: &[Filter],
    shape: &Shape,
    chunk: &Shape,
    region: &Region,
) -> Result<(), String> {
    const SUM_BYTES: u64 = 4;
    let Some(first) = filters.iter().position(|filter| *filter == Filter::Fletcher32) else { return Ok(()) };
    if first + 1 < filters.len() {
        return Err("has a checksum that something else was done to, which the library cannot be trusted with".into());
    }
    let grid = grid(shape, chunk);
    grid.try_each(region, |cell| match look_up(dataset, cell.position, chunk, &grid)? {
        Some(num_bytes) if num_bytes < SUM_BYTES => Err("has a chunk that is shorter than its checksum".into()),
        _ => Ok(()),
    })
}

/// The same for all of a dataset, whatever it holds. Chunks of another rank than its own, which the library would go
/// through without end and take memory for, are refused too.
pub fn check(library: &Library, dataset: &Handle<'_>, space: &Handle<'_>) -> Result<(), String> {
    // SAFETY: the lock is held and the handles are a dataset's and that of its creation list.
    let (creation, is_chunked) = unsafe {
        let creation = Handle::new(library, H5Dget_create_plist(dataset.id()), H5Pclose)?;
        let is_chunked = H5Pget_layout(creation.id()) == H5D_layout_t::H5D_CHUNKED;
        (creation, is_chunked)
    };
    if !is_chunked {
        return Ok(());
    }
    let (shape, _) = shape_of(space)?;
    match layout_of(&creation, shape.rank())? {
        Layout::Chunked(chunk) => {
            check_sums(dataset, &filters_of(&creation, 1)?, &shape, &chunk, &Region::whole(&shape))
        }
        _ => Ok(()),
    }
}

/// The chunks the library finds when asked for each, where its list makes no sense.
fn known(dataset: &Handle<'_>, chunk: &Shape, grid: &Grid, max_entries: u64) -> Result<(Chunks, bool), String> {
    let num_chunks = grid.num_cells();
    if num_chunks > max_entries {
        return Err("has a list of chunks that makes no sense".into());
    }
    let mut positions = Vec::new();
    for position in 0..num_chunks {
        match look_up(dataset, position, chunk, grid) {
            Ok(Some(1..)) => positions.push(position),
            Ok(Some(0) | None) => {}
            Err(_) => return Ok((Chunks::Known(positions), false)),
        }
    }
    Ok((Chunks::Known(positions), true))
}

/// Two chunks cannot lie in one place: what is listed so has no size, and is damaged when it is read.
fn mark_overlaps(entries: &mut [Entry]) {
    let mut order: Vec<u32> = (0..u32::try_from(entries.len()).unwrap_or(0)).collect();
    order.sort_unstable_by_key(|&i| entries[i as usize].offset);
    let mut before: Option<(usize, u64)> = None;
    for i in order.into_iter().map(|i| i as usize) {
        let (offset, num_bytes) = (entries[i].offset, entries[i].num_bytes);
        let end = offset.saturating_add(u64::from(num_bytes));
        if let Some((other, other_end)) = before
            && offset < other_end
        {
            entries[other].num_bytes = 0;
            entries[i].num_bytes = 0;
        }
        if before.is_none_or(|(_, other_end)| end > other_end) {
            before = Some((i, end));
        }
    }
}

/// Whether chunks that stick out of the array skip all filters, which the list does not say.
fn has_plain_edges(library: &Library, dataset: &Handle<'_>) -> Result<bool, String> {
    let mut options: c_uint = 0;
    // SAFETY: the lock is held and the handle is a dataset's.
    let status = unsafe {
        let creation = Handle::new(library, H5Dget_create_plist(dataset.id()), H5Pclose)?;
        H5Pget_chunk_opts(creation.id(), &raw mut options)
    };
    if status < 0 {
        return Err(last_error());
    }
    Ok(options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS != 0)
}

/// What one run over the library's list gave.
struct Listed {
    entries: Vec<Entry>,
    /// All of it was seen.
    is_complete: bool,
    /// Every chunk lies inside the grid and on its lattice.
    is_sound: bool,
    /// The list was to be swizzled, and is not.
    is_straight: bool,
}

/// A run over the library's list.
struct Visit {
    shape: Shape,
    chunk: Shape,
    grid: Grid,
    swizzle: Option<Swizzle>,
    has_plain_edges: bool,
    max_entries: u64,
}

impl Visit {
    fn run(&self, dataset: &Handle<'_>) -> Listed {
        let listed = Listed { entries: Vec::new(), is_complete: true, is_sound: true, is_straight: false };
        let mut data = (self, listed);
        // SAFETY: the lock is held, the handle is a dataset's, and `data` lives through the call.
        let status = unsafe { H5Dchunk_iter(dataset.id(), H5P_DEFAULT, Some(Self::note), (&raw mut data).cast()) };
        let (_, mut listed) = data;
        listed.is_complete = status == 0;
        listed
    }

    /// Called by the library for every chunk; stops it by 1. Must not panic.
    unsafe extern "C" fn note(
        offset: *const u64,
        mask: c_uint,
        address: u64,
        num_bytes: u64,
        data: *mut c_void,
    ) -> c_int {
        // SAFETY: `data` is the pair given to the iteration, `offset` has one number for each axis.
        let (visit, listed, offset) = unsafe {
            let (visit, listed) = &mut *data.cast::<(&Self, Listed)>();
            let offset = std::slice::from_raw_parts(offset, visit.chunk.rank());
            (visit, listed, offset)
        };
        if listed.entries.len() as u64 >= visit.max_entries {
            return 1;
        }
        if address == u64::MAX {
            return 0;
        }
        let Some((position, is_edge)) = visit.position(offset, &mut listed.is_straight) else {
            listed.is_sound = false;
            return 1;
        };
        let mask = if is_edge && visit.has_plain_edges { u32::MAX } else { mask };
        // No chunk that is read is longer than 4 GiB; one that claims it says so then.
        let num_bytes = u32::try_from(num_bytes).unwrap_or(u32::MAX);
        listed.entries.push(Entry { position, offset: address, num_bytes, mask });
        0
    }

    /// Position in the grid of a chunk told to be at `offset`, and whether it sticks out of the array.
    fn position(&self, offset: &[u64], is_straight: &mut bool) -> Option<(u64, bool)> {
        let mut along = [0; MAX_RANK];
        for (along, (&offset, &chunk)) in along.iter_mut().zip(offset.iter().zip(self.chunk.dims())) {
            if !offset.is_multiple_of(chunk as u64) {
                return None;
            }
            *along = offset / chunk as u64;
        }
        if let Some(swizzle) = &self.swizzle {
            *is_straight = along[..swizzle.unlimited].iter().any(|&along| along != 0);
            along = swizzle.place(&along, offset.len()).filter(|_| !*is_straight)?;
        }
        let (mut position, mut is_edge) = (0u64, false);
        for (axis, &count) in self.grid.counts().dims().iter().enumerate() {
            if along[axis] >= count as u64 {
                return None;
            }
            is_edge |=
                (along[axis] + 1).saturating_mul(self.chunk.dims()[axis] as u64) > self.shape.dims()[axis] as u64;
            position = position.checked_mul(count as u64)?.checked_add(along[axis])?;
        }
        Some((position, is_edge))
    }
}
