//! A projection or volume being put together: chunks are folded in as they come, in any order and from several
//! threads at once, so that no volume needs to be whole for a projection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::layer::Snapshot;
use super::loader::INTERNAL_ERROR;
use super::log::Moment;
use super::plan::Wanted;
use crate::array::{ArrayChunk, LazyArray, Loaded, unsqueeze};
use crate::format::{ReadError, ReadErrorKind};
use crate::volume::{
    Accumulator, Buffer, DType, FoldBox, LayerId, Picture, PictureKey, Pool, Projection, Region, Shape, VolumeKey,
    Voxels, copy_region, flatten, kept_axes, runs,
};

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Product {
    /// A projection.
    Picture(PictureKey),
    /// The volume of a timepoint.
    Volume(VolumeKey),
    /// A small version of a picture.
    Preview(PictureKey),
}

impl Product {
    /// The recording it is of.
    pub(super) fn layer(&self) -> LayerId {
        match self {
            Self::Picture(key) | Self::Preview(key) => key.layer,
            Self::Volume(key) => key.layer,
        }
    }

    /// The timepoint it is of.
    pub(super) fn t(&self) -> usize {
        match self {
            Self::Picture(key) | Self::Preview(key) => key.picture.t(),
            Self::Volume(key) => key.t,
        }
    }

    /// What is cut or folded; `None` where it is a volume.
    fn picture(&self) -> Option<Picture> {
        match self {
            Self::Picture(key) | Self::Preview(key) => Some(key.picture),
            Self::Volume(_) => None,
        }
    }
}

/// One product and how far it is.
pub(super) struct Assembly {
    pub(super) product: Product,
    /// The voxels it is made of, (t, z, y, x).
    pub(super) region: Region,
    /// Whether the chunks are wanted in the cache as well.
    pub(super) keep_chunks: AtomicBool,
    /// Of which state of the data it is.
    since: Moment,
    failures: AtomicBool,
    array: Arc<LazyArray>,
    dtype: DType,
    /// Ten thousand of them are remembered in a form that is quickly made.
    chunks: Vec<Wanted>,
    num_bytes: usize,
    taken: Vec<AtomicBool>,
    num_taken: AtomicUsize,
    held_bytes: AtomicUsize,
    /// What a projection is folded into, each by one thread at a time; as many as there is memory for.
    partial: Vec<Mutex<Option<Accumulator>>>,
    progress: Mutex<Progress>,
}

/// Most accumulators of one projection: more threads than this take turns.
const MAX_PARTIAL: usize = 64;

/// Why a projection cannot be made within so many bytes; `None` where it can.
pub(super) fn too_large(array: &LazyArray, picture: &Picture, max_bytes: usize) -> Option<ReadError> {
    let Picture::Projection { op, .. } = picture else { return None };
    let (shape, dtype) = (array.picture_shape(picture), array.info().dtype);
    let num_bytes = Accumulator::bytes_for(dtype, *op, shape);
    let gb = |num_bytes: usize| num_bytes as f64 / 1e9;
    (num_bytes > max_bytes).then(|| {
        let message = format!(
            "a projection of {} × {} pixels takes {:.1} GB, more than the memory budget for pictures, {:.1} GB",
            shape[0],
            shape[1],
            gb(num_bytes),
            gb(max_bytes)
        );
        array.error(ReadErrorKind::Unsupported, message)
    })
}

struct Progress {
    num_left: usize,
    num_failed: usize,
    volume: Option<Buffer>,
    missing: Vec<Region>,
    reason: Option<ReadError>,
}

/// A finished product, or why nothing of it can be had.
pub(super) type Finished = Result<Loaded, ReadError>;

impl Assembly {
    /// Nothing done yet. `None` where there is nothing to make it of, or it takes more than `max_bytes`. A preview
    /// is made of the level that is quick to be had.
    pub(super) fn new(of: &Snapshot, product: Product, max_bytes: usize) -> Option<Self> {
        let (array, region) = match product {
            Product::Picture(key) => (of.image.level(key.level)?, of.image.picture_region(&key)?),
            Product::Preview(key) => {
                let key = PictureKey { level: of.image.quick_level(&key.picture), ..key };
                (of.image.level(key.level)?, of.image.picture_region(&key)?)
            }
            Product::Volume(VolumeKey { level, t, .. }) => {
                let array = of.image.level(level)?;
                (array, array.whole().with_axis(0, t, t.checked_add(1)?))
            }
        };
        let picture = product.picture();
        if picture.is_some_and(|picture| too_large(array, &picture, max_bytes).is_some())
            || matches!(picture, Some(Picture::Plane { .. }))
                && region.shape().num_bytes(array.info().dtype).is_none_or(|num_bytes| num_bytes > max_bytes)
        {
            return None;
        }
        let partial = match picture {
            Some(picture @ Picture::Projection { op, .. }) => {
                let each = Accumulator::bytes_for(array.info().dtype, op, array.picture_shape(&picture)).max(1);
                (0..(max_bytes / each).clamp(1, MAX_PARTIAL)).map(|_| Mutex::new(None)).collect()
            }
            _ => Vec::new(),
        };
        let item = array.info().dtype.num_bytes();
        let mut chunks = Vec::new();
        array.for_each_chunk(&region, |chunk, region| {
            chunks.push(Wanted::new(array.chunk_key(chunk.index), region, item))
        });
        let progress =
            Progress { num_left: chunks.len(), num_failed: 0, volume: None, missing: Vec::new(), reason: None };
        let num_bytes = chunks.iter().fold(0usize, |sum, wanted| sum.saturating_add(wanted.num_bytes));
        let taken = chunks.iter().map(|_| AtomicBool::new(false)).collect();
        let (dtype, keep_chunks) = (array.info().dtype, AtomicBool::new(false));
        let can_be_made = !chunks.is_empty() && chunks.iter().all(Wanted::is_findable);
        let array = Arc::clone(array);
        let progress = Mutex::new(progress);
        let failures = AtomicBool::new(false);
        can_be_made.then_some(Self {
            product,
            region,
            keep_chunks,
            since: of.since,
            failures,
            array,
            dtype,
            chunks,
            num_bytes,
            taken,
            num_taken: AtomicUsize::new(0),
            held_bytes: AtomicUsize::new(0),
            partial,
            progress,
        })
    }

    /// An error about the dataset it is made of.
    pub(super) fn error(&self, kind: ReadErrorKind, message: String) -> ReadError {
        self.array.error(kind, message)
    }

    /// What is said where its assembly fell over.
    pub(super) fn internal_error(&self) -> ReadError {
        self.error(ReadErrorKind::Corrupt, INTERNAL_ERROR.to_owned())
    }

    pub(super) fn chunks(&self) -> &[Wanted] {
        &self.chunks
    }

    /// One of the chunks in full.
    pub(super) fn chunk(&self, ordinal: usize) -> Option<ArrayChunk> {
        self.chunks.get(ordinal)?.find(&self.array)
    }

    /// Whether somebody has taken it upon himself to feed this chunk.
    pub(super) fn is_taken(&self, ordinal: usize) -> bool {
        self.taken[ordinal].load(Ordering::Acquire)
    }

    /// Of which state of the data it is.
    pub(super) fn since(&self) -> Moment {
        self.since
    }

    /// Whether a chunk of it could not be had: trying again may make a better one.
    pub(super) fn has_failures(&self) -> bool {
        self.failures.load(Ordering::Acquire)
    }

    /// The resolution it is made of.
    pub(super) fn level(&self) -> u8 {
        self.array.level()
    }

    /// Whether any work has gone into it.
    pub(super) fn is_begun(&self) -> bool {
        self.num_taken.load(Ordering::Relaxed) > 0
    }

    /// Chunks that nobody feeds yet.
    pub(super) fn num_untaken(&self) -> usize {
        self.chunks.len() - self.num_taken.load(Ordering::Relaxed)
    }

    /// Memory that what is folded so far takes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of all its chunks.
    pub(super) fn num_bytes(&self) -> usize {
        self.num_bytes
    }

    /// Nobody feeds this chunk after all.
    pub(super) fn give_back(&self, ordinal: usize) {
        let was_taken = self.taken[ordinal].swap(false, Ordering::AcqRel);
        self.num_taken.fetch_sub(usize::from(was_taken), Ordering::Relaxed);
    }

    /// Takes a chunk; false if it is taken. Whoever takes must feed.
    pub(super) fn take(&self, ordinal: usize) -> bool {
        let is_new = !self.taken[ordinal].swap(true, Ordering::AcqRel);
        self.num_taken.fetch_add(usize::from(is_new), Ordering::Relaxed);
        is_new
    }

    /// Whether a chunk, once read, is worth keeping for others.
    pub(super) fn wants_chunk_kept(&self, chunk: &ArrayChunk) -> bool {
        self.keep_chunks.load(Ordering::Relaxed) || chunk.region.intersect(&self.region) != Some(chunk.region)
    }

    /// Folds in a taken chunk; the last one gets the product. Takes long: call it without a lock.
    pub(super) fn feed(&self, ordinal: usize, loaded: &Result<Loaded, ReadError>, pool: &Pool) -> Option<Finished> {
        let found = self.chunk(ordinal).and_then(|chunk| Some((chunk, chunk.region.intersect(&self.region)?)));
        // A source that does not find its own chunk again.
        let Some((chunk, part)) = &found else { return Some(Err(self.internal_error())) };
        let reason = match loaded {
            Ok(loaded) => loaded.reason.as_ref(),
            Err(error) => Some(error),
        };
        if reason.is_some() {
            self.failures.store(true, Ordering::Release);
        }
        match (self.projection(), loaded) {
            (Some((picture, op)), _) => {
                let (axis, shape) = self.geometry(&picture);
                let free = self.partial.iter().find_map(Mutex::try_lock);
                // Where all are in use there is no memory for more.
                let mut place = free.unwrap_or_else(|| self.partial[ordinal % self.partial.len()].lock());
                let accumulator = place.get_or_insert_with(|| {
                    let new = Accumulator::new(self.dtype, op, shape, pool);
                    self.held_bytes.fetch_add(new.num_bytes(), Ordering::Relaxed);
                    new
                });
                match loaded {
                    Ok(loaded) => self.fold(accumulator, axis, chunk, loaded),
                    Err(_) => {
                        let range = |axis: usize| [part.start()[axis + 1], part.stop()[axis + 1]];
                        let [rows, columns] = kept_axes(axis);
                        accumulator.lose(range(rows), range(columns), range(axis));
                    }
                }
            }
            (None, Ok(loaded)) => self.copy(chunk, loaded, pool),
            (None, Err(_)) => self.progress.lock().missing.push(*part),
        }
        let mut progress = self.progress.lock();
        progress.num_failed += usize::from(loaded.is_err());
        if progress.reason.is_none() {
            progress.reason = reason.cloned();
        }
        progress.num_left -= 1;
        if progress.num_left > 0 {
            return None;
        }
        let volume = progress.volume.take();
        let missing = std::mem::take(&mut progress.missing);
        let (reason, num_failed) = (progress.reason.take(), progress.num_failed);
        drop(progress);
        let partial = self.partial.iter().filter_map(|partial| partial.lock().take()).collect();
        Some(self.finish(partial, volume, &missing, reason, num_failed, pool))
    }

    fn projection(&self) -> Option<(Picture, Projection)> {
        match self.product.picture() {
            Some(picture @ Picture::Projection { op, .. }) => Some((picture, op)),
            Some(Picture::Plane { .. }) | None => None,
        }
    }

    fn copy(&self, chunk: &ArrayChunk, loaded: &Loaded, pool: &Pool) {
        let mut progress = self.progress.lock();
        let num_bytes = self.region.shape().num_bytes(self.dtype).unwrap_or(0);
        let buffer = progress.volume.get_or_insert_with(|| {
            self.held_bytes.fetch_add(num_bytes, Ordering::Relaxed);
            pool.take(num_bytes)
        });
        let bytes = loaded.voxels.bytes();
        copy_region(bytes, &chunk.region, buffer.bytes_mut(), &self.region, self.dtype.num_bytes());
        progress.missing.extend(self.missing_of(chunk, loaded));
    }

    /// What is missing of a chunk where it is wanted, (t, z, y, x).
    fn missing_of(&self, chunk: &ArrayChunk, loaded: &Loaded) -> Vec<Region> {
        let parts = loaded.voxels.missing().iter();
        parts.filter_map(|part| unsqueeze(part).offset_by(chunk.region.start()).intersect(&self.region)).collect()
    }

    fn fold(&self, accumulator: &mut Accumulator, axis: usize, chunk: &ArrayChunk, loaded: &Loaded) {
        let dims = chunk.region.shape();
        let dims = [dims.dims()[1], dims.dims()[2], dims.dims()[3]];
        let bytes = loaded.voxels.bytes();
        // A chunk of several timepoints: only the one that is wanted.
        let volume_bytes = dims.iter().product::<usize>() * self.dtype.num_bytes();
        let first = (self.region.start()[0] - chunk.region.start()[0]) * volume_bytes;
        let start = chunk.region.start();
        let slab = [self.region.start()[axis + 1], self.region.stop()[axis + 1]];
        let range = slab.map(|k| k.clamp(start[axis + 1], chunk.region.stop()[axis + 1]) - start[axis + 1]);
        let at = kept_axes(axis).map(|axis| start[axis + 1]);
        let missing = self.missing_of(chunk, loaded).into_iter();
        let missing: Vec<_> = missing.filter_map(|part| without_t(&part.relative_to(start))).collect();
        let part = FoldBox { bytes: &bytes[first..first + volume_bytes], dims, axis, range, at };
        accumulator.fold_except(&part, start[axis + 1], &missing);
    }

    /// The folded axis of (z, y, x), and rows and columns of the picture.
    fn geometry(&self, picture: &Picture) -> (usize, [usize; 2]) {
        let axis = picture.orientation().depth_axis().index() - 1;
        let dims = self.region.shape();
        (axis, kept_axes(axis).map(|axis| dims.dims()[axis + 1]))
    }

    fn finish(
        &self,
        partial: Vec<Accumulator>,
        volume: Option<Buffer>,
        missing: &[Region],
        reason: Option<ReadError>,
        num_failed: usize,
        pool: &Pool,
    ) -> Finished {
        if let Some(error) = reason.clone()
            && num_failed == self.chunks.len()
        {
            return Err(error);
        }
        let voxels = match self.projection() {
            Some((picture, op)) => {
                let (axis, shape) = self.geometry(&picture);
                let merged = partial.into_iter().reduce(|mut a, b| {
                    a.merge(&b);
                    a
                });
                let slab = [self.region.start()[axis + 1], self.region.stop()[axis + 1]];
                let merged = merged.unwrap_or_else(|| Accumulator::new(self.dtype, op, shape, pool));
                merged.finish_for_display(slab[1] - slab[0], pool)
            }
            None => {
                let dims = self.region.shape();
                let volume_shape = Shape::from([dims.dims()[1], dims.dims()[2], dims.dims()[3]]);
                let num_bytes = volume_shape.num_bytes(self.dtype).unwrap_or(0);
                let mut buffer = volume.unwrap_or_else(|| pool.take(num_bytes));
                let relative = missing.iter().map(|part| part.relative_to(self.region.start()));
                let missing: Vec<_> = relative.filter_map(|part| without_t(&part)).collect();
                zero(&mut buffer, &volume_shape, &missing, self.dtype.num_bytes());
                match self.product.picture() {
                    Some(picture) => {
                        let axis = picture.orientation().depth_axis().index() - 1;
                        let shape = Shape::from(kept_axes(axis).map(|axis| volume_shape.dims()[axis]));
                        let flat = missing.iter().filter_map(|part| flatten(part, axis, [0, 1])).collect();
                        Voxels::new(self.dtype, shape, buffer, flat)
                    }
                    None => Voxels::new(self.dtype, volume_shape, buffer, missing),
                }
            }
        };
        match reason {
            // Chunks of more than the picture may be there, and nothing of the picture.
            Some(error) if voxels.is_void() => Err(error),
            reason => Ok(Loaded { voxels: Arc::new(voxels), reason }),
        }
    }
}

fn without_t(part: &Region) -> Option<Region> {
    Region::new(&part.start()[1..], &part.stop()[1..])
}

/// Sets missing parts of a volume to zero, where the pool left something else.
fn zero(buffer: &mut Buffer, shape: &Shape, missing: &[Region], item: usize) {
    let whole = Region::whole(shape);
    for part in missing {
        let runs = runs(part, &whole, &whole, item);
        let len = runs.num_bytes;
        for [at, _] in runs {
            buffer.bytes_mut()[at..at + len].fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::MemorySource;

    #[test]
    fn a_chunk_that_is_given_back_is_free_as_often_as_that_happens() {
        let source = MemorySource::new(DType::U8, Shape::from([1, 2, 2, 2]), "tzyx", &[1, 1, 2, 2], vec![0; 8]);
        let array = Arc::new(LazyArray::new(Arc::new(source.expect("agrees"))));
        let product = Product::Volume(VolumeKey { layer: array.id(), level: 0, t: 0 });
        let of = Snapshot { image: array.into(), since: Moment::default() };
        let assembly = Assembly::new(&of, product, usize::MAX).expect("has chunks");
        for _ in 0..3 {
            assert!(assembly.take(0) && assembly.take(1) && !assembly.take(1));
            assert_eq!((assembly.num_untaken(), assembly.is_begun()), (0, true));
            assembly.give_back(0);
            assembly.give_back(1);
            assembly.give_back(1);
            assert_eq!((assembly.num_untaken(), assembly.is_begun()), (2, false));
        }
    }
}
