//! The source that folds axes of another: goes through what it folds chunk by chunk, so that memory holds a chunk
//! and the result, however long the recording.

use std::sync::Arc;

use super::cells::{Cells, edges_of};
use super::facts::{self, Kept};
use super::folding::{Fold, Folder};
use super::joint::{self, laid_in_cells, of_inputs};
use super::mapped::shape_of;
use crate::format::{Chunk, Composite, Filled, Given, Input, Need, ReadError, Source};
use crate::volume::{ArrayInfo, MAX_RANK, Region, Shape};

/// Bytes of inputs of one chunk that whoever shows it may be asked to have in memory at once.
const MAX_AT_ONCE: usize = 256 << 20;
/// Bytes of values of one chunk that have to be there at once for a percentile.
const MAX_VALUES: usize = 1 << 30;

/// See the head of the file.
pub(super) struct Folded {
    info: Arc<ArrayInfo>,
    inputs: Vec<Input>,
    fold: Fold,
    /// For each axis of the input that of the result, where it stays with its extent.
    stays: Vec<Option<usize>>,
    num_folded: usize,
    cells: Cells,
    is_small: bool,
}

impl Folded {
    /// Folds these axes, which go, or stay with an extent of 1 where `is_kept`. `info` describes the input.
    ///
    /// # Errors
    /// Where nothing can be made of no values, or too many are needed at once.
    pub fn of(
        input: Input,
        fold: Fold,
        axes: &[usize],
        is_kept: bool,
        mut info: ArrayInfo,
    ) -> Result<Arc<dyn Source>, String> {
        let source = &input.source;
        let from = source.info().shape;
        let is_folded = |axis: &usize| axes.contains(axis);
        let num_folded =
            (0..from.rank()).filter(is_folded).try_fold(1usize, |num, axis| num.checked_mul(from.dims()[axis]));
        let num_folded = num_folded.ok_or("too many values to fold")?;
        if num_folded == 0 && fold.needs_values() {
            return Err(format!("zero-size array to reduction operation {} which has no identity", fold.how.name()));
        }
        let (mut dims, mut edges, mut kept, mut stays) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for axis in 0..from.rank() {
            let folded = is_folded(&axis);
            stays.push((!folded).then_some(dims.len()));
            if folded && !is_kept {
                continue;
            }
            kept.push(if folded {
                Kept { axis: Some(axis), step: Some(from.dims()[axis].max(1) as f64) }
            } else {
                facts::all_of(axis)
            });
            dims.push(if folded { 1 } else { from.dims()[axis] });
            edges.push(if folded { Cells::undivided(1) } else { Arc::from(edges_of(&**source, axis)) });
        }
        facts::keep(&mut info, &kept, shape_of(&dims, fold.result)?);
        info.dtype = fold.result;
        let largest =
            edges.iter().map(|edges: &Arc<[usize]>| edges.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0));
        let num_values = largest.fold(num_folded, usize::saturating_mul);
        if fold.is_of_all_at_once() && num_values.saturating_mul(8) > MAX_VALUES {
            return Err(format!(
                "a {} of {num_folded} values needs them all at once, and with the voxels stored beside each other that is {} GB; \
                 take fewer with `subset` first",
                fold.how.name(),
                num_values.saturating_mul(8) >> 30
            ));
        }
        let is_small = num_values.saturating_mul(source.info().dtype.num_bytes()) <= MAX_AT_ONCE;
        let cells = Cells::new(edges, 0).ok_or("the result has too many axes")?;
        Ok(Arc::new(Self { info: Arc::new(info), inputs: vec![input], fold, stays, num_folded, cells, is_small }))
    }

    fn from(&self) -> Shape {
        self.inputs[0].source.info().shape
    }

    /// What a box of the result is made of.
    fn made_from(&self, region: &Region) -> Region {
        let mut whole = Region::whole(&self.from());
        for (axis, dim) in self.stays.iter().enumerate() {
            if let Some(dim) = *dim {
                whole = whole.with_axis(axis, region.start()[dim], region.stop()[dim]);
            }
        }
        whole
    }

    /// What of a box of the result is made of a box of the input.
    fn made_of(&self, part: &Region, region: &Region) -> Option<Region> {
        let mut made = *region;
        for (axis, dim) in self.stays.iter().enumerate() {
            if let Some(dim) = *dim {
                made = made.with_axis(dim, part.start()[axis], part.stop()[axis]);
            }
        }
        made.intersect(region).or((region.rank() == 0).then_some(*region))
    }

    fn begin(&self, region: &Region) -> Under<'_> {
        let len = region.shape().num_voxels().unwrap_or(0);
        Under {
            folded: self,
            region: *region,
            folder: Folder::new(self.fold, len, self.num_folded),
            missing: Vec::new(),
        }
    }
}

/// A box of the result on its way.
struct Under<'a> {
    folded: &'a Folded,
    region: Region,
    folder: Folder,
    missing: Vec<(Region, ReadError)>,
}

impl Under<'_> {
    fn add(&mut self, chunk: &Chunk, voxels: Result<(&[u8], &Filled), &ReadError>) {
        let folded = self.folded;
        let Some(part) = chunk
            .region
            .intersect(&folded.made_from(&self.region))
            .or((chunk.region.rank() == 0).then_some(chunk.region))
        else {
            return;
        };
        let mut is_missing = |part: &Region, error: &ReadError| {
            let made = folded.made_of(part, &self.region).map(|made| (made, error.clone()));
            // One gap of each place is enough, and there may be one at every timepoint.
            if !self
                .missing
                .iter()
                .any(|(known, _)| made.as_ref().is_some_and(|(made, _)| known.intersect(made) == Some(*made)))
            {
                self.missing.extend(made);
            }
        };
        match voxels {
            Ok((bytes, filled)) => {
                if let Filled::Except(gaps, error) = filled {
                    gaps.iter().filter_map(|gap| gap.intersect(&part)).for_each(|gap| is_missing(&gap, error));
                }
                let mut strides = [0; MAX_RANK];
                let mut stride = 1;
                for dim in (0..self.region.rank()).rev() {
                    strides[dim] = stride;
                    stride *= self.region.stop()[dim] - self.region.start()[dim];
                }
                let table = |(axis, dim): (usize, &Option<usize>)| {
                    let place = |index: usize| dim.map_or(0, |dim| (index - self.region.start()[dim]) * strides[dim]);
                    (part.start()[axis]..part.stop()[axis]).map(place).collect()
                };
                let tables: Vec<Vec<usize>> = folded.stays.iter().enumerate().map(table).collect();
                self.folder.add(bytes, &chunk.region, &part, &tables);
            }
            Err(error) => is_missing(&part, error),
        }
    }

    fn finish(self, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let filled = joint::filled(&self.region, self.missing)?;
        self.folder.finish(self.folded.num_folded, buffer);
        Ok(filled)
    }
}

impl Composite for Folded {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>) {
        self.inputs[0]
            .source
            .each_chunk(&self.made_from(&chunk.region), &mut |chunk| needs.push(Need { input: 0, chunk: *chunk }));
    }

    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let mut under = self.begin(&chunk.region);
        for Given { need, voxels } in given {
            under.add(&need.chunk, *voxels);
        }
        under.finish(buffer)
    }
}

impl Source for Folded {
    of_inputs!();
    laid_in_cells!();

    /// One chunk of the input after the other, in memory for one.
    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let source = &self.inputs[0].source;
        let (mut under, mut bytes) = (self.begin(&chunk.region), Vec::new());
        let mut needed = Vec::new();
        source.chunks(&self.made_from(&chunk.region), &mut needed);
        for chunk in &needed {
            bytes.resize(chunk.region.shape().num_bytes(source.info().dtype).unwrap_or(0), 0);
            let read = source.read(chunk, &mut bytes);
            under.add(chunk, read.as_ref().map(|filled| (bytes.as_slice(), filled)));
        }
        under.finish(buffer)
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        let time = self.inputs[0].source.info().axes.iter().position(|axis| *axis == Some(crate::volume::Axis::T))?;
        self.stays[time].and_then(|_| self.inputs[0].source.times_s())
    }

    fn composite(&self) -> Option<&dyn Composite> {
        self.is_small.then_some(self)
    }
}
