//! What is decoded together: all chunks of a few timepoints, and the slabs cut from them.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use rayon::prelude::*;

use super::{Slab, SlabPlane};
use crate::array::{ArrayChunk, LazyArray, Loaded, unsqueeze};
use crate::format::ReadError;
use crate::volume::{Pool, Region, Shape, Voxels, copy_region};

/// A box of whole planes, (t, z), and the chunks that it is made of.
pub(super) struct Unit {
    pub(super) t: Range<usize>,
    pub(super) z: Range<usize>,
    pub(super) chunks: Vec<ArrayChunk>,
    arrived: Mutex<Arrived>,
    has_all: Condvar,
}

struct Arrived {
    chunks: Vec<Option<Result<Loaded, ReadError>>>,
    left: usize,
}

impl Unit {
    /// Nothing of it has been read.
    pub(super) fn new(array: &LazyArray, t: Range<usize>, z: Range<usize>) -> Self {
        let region = array.whole().with_axis(0, t.start, t.end).with_axis(1, z.start, z.end);
        let mut chunks = Vec::new();
        array.chunks(&region, &mut chunks);
        let left = chunks.len();
        let arrived = Arrived { chunks: vec![None; left], left };
        Self { t, z, chunks, arrived: Mutex::new(arrived), has_all: Condvar::new() }
    }

    /// A chunk has been read, or it is known why not.
    pub(super) fn arrive(&self, at: usize, loaded: Result<Loaded, ReadError>) {
        let mut arrived = self.arrived.lock();
        if arrived.chunks[at].replace(loaded).is_none() {
            arrived.left -= 1;
        }
        if arrived.left == 0 {
            self.has_all.notify_all();
        }
    }

    /// Waits until all chunks have arrived.
    pub(super) fn wait(&self) {
        let mut arrived = self.arrived.lock();
        while arrived.left > 0 {
            self.has_all.wait(&mut arrived);
        }
    }

    /// The planes of one of its timepoints: lent where a plane lies in one piece in a chunk, assembled otherwise.
    pub(super) fn slab(&self, array: &LazyArray, t: usize, pool: &Pool) -> Slab {
        let [.., y, x] = array.info().shape;
        let arrived = self.arrived.lock().chunks.clone();
        let pieces = || self.chunks.iter().zip(&arrived).filter(|(chunk, _)| holds(&chunk.region, 0, t));
        let mut planes: Vec<SlabPlane> = Vec::with_capacity(self.z.len());
        let mut cut: Vec<usize> = Vec::new();
        for z in self.z.clone() {
            let mut of_plane = pieces().filter(|(chunk, _)| holds(&chunk.region, 1, z));
            let first = of_plane.next();
            planes.push(match (first, of_plane.next()) {
                (Some((chunk, Some(loaded))), None) => whole_plane(&chunk.region, loaded, [t, z]),
                (None, _) => SlabPlane::Lost(None),
                _ => {
                    cut.push(z);
                    SlabPlane::Lost(None)
                }
            });
        }
        let put_together = |z: &usize| {
            let of_plane = pieces().filter(|(chunk, _)| holds(&chunk.region, 1, *z));
            let of_plane = of_plane.filter_map(|(chunk, loaded)| Some((&chunk.region, loaded.as_ref()?)));
            (*z, assembled(array, of_plane, [t, *z], pool))
        };
        for (z, plane) in cut.par_iter().map(put_together).collect::<Vec<_>>() {
            planes[z - self.z.start] = plane;
        }
        Slab { t, first_z: self.z.start, plane_shape: [y, x], planes }
    }
}

fn holds(region: &Region, axis: usize, index: usize) -> bool {
    (region.start()[axis]..region.stop()[axis]).contains(&index)
}

/// Why a plane is not whole, as far as one chunk goes; `None` where it is.
fn loss(region: &Region, loaded: &Loaded, [t, z]: [usize; 2]) -> Option<Option<ReadError>> {
    let touches = |part: &Region| {
        let part = unsqueeze(part).offset_by(region.start());
        holds(&part, 0, t) && holds(&part, 1, z) && !part.is_empty()
    };
    loaded.voxels.missing().iter().any(touches).then(|| loaded.reason.clone())
}

/// A plane that lies in one piece in a chunk.
fn whole_plane(region: &Region, loaded: &Result<Loaded, ReadError>, at: [usize; 2]) -> SlabPlane {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return SlabPlane::Lost(Some(error.clone())),
    };
    if let Some(reason) = loss(region, loaded, at) {
        return SlabPlane::Lost(reason);
    }
    let [t, z] = at;
    let index = [t - region.start()[0], z - region.start()[1], 0, 0];
    let Some(at) = region.shape().offset(&index) else { return SlabPlane::Lost(None) };
    SlabPlane::There { voxels: Arc::clone(&loaded.voxels), at }
}

/// A plane put together from parts of several chunks.
fn assembled<'a>(
    array: &LazyArray,
    parts: impl Iterator<Item = (&'a Region, &'a Result<Loaded, ReadError>)>,
    [t, z]: [usize; 2],
    pool: &Pool,
) -> SlabPlane {
    let plane = array.whole().with_axis(0, t, t + 1).with_axis(1, z, z + 1);
    let (dtype, [.., y, x]) = (array.info().dtype, array.info().shape);
    let shape = Shape::from([y, x]);
    let Some(num_bytes) = shape.num_bytes(dtype) else { return SlabPlane::Lost(None) };
    let mut buffer = pool.take(num_bytes);
    let mut covered = 0;
    for (region, loaded) in parts {
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return SlabPlane::Lost(Some(error.clone())),
        };
        if let Some(reason) = loss(region, loaded, [t, z]) {
            return SlabPlane::Lost(reason);
        }
        let copied = copy_region(loaded.voxels.bytes(), region, buffer.bytes_mut(), &plane, dtype.num_bytes());
        covered += copied.and_then(|part| part.shape().num_voxels()).unwrap_or(0);
    }
    if covered != y * x {
        return SlabPlane::Lost(None);
    }
    SlabPlane::There { voxels: Arc::new(Voxels::new(dtype, shape, buffer, Vec::new())), at: 0 }
}
