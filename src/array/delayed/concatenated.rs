//! Arrays one behind the other along an axis.

use std::sync::Arc;

use super::cells::{Cells, edges_of};
use super::joint::{self, laid_in_cells, of_inputs};
use super::mapped::shape_of;
use crate::format::{Chunk, Composite, Filled, Given, Input, Need, ReadError, Source};
use crate::volume::{ArrayInfo, Axis, Region, copy_region};

/// See the head of the file.
pub(super) struct Concatenated {
    info: Arc<ArrayInfo>,
    inputs: Vec<Input>,
    axis: usize,
    /// Where each input begins along the axis.
    begins: Vec<usize>,
    cells: Cells,
}

impl Concatenated {
    /// Of inputs of one type. `info` describes the first.
    ///
    /// # Errors
    /// Where the other extents differ.
    pub fn of(inputs: Vec<Input>, axis: usize, mut info: ArrayInfo) -> Result<Arc<dyn Source>, String> {
        let first = inputs[0].source.info().shape;
        let mut dims = first.dims().to_vec();
        let mut begins = vec![0];
        for (number, input) in inputs.iter().enumerate().skip(1) {
            let shape = input.source.info().shape;
            if shape.rank() != first.rank() {
                return Err(format!(
                    "array {number} that is appended has {} axes, and the first has {}",
                    shape.rank(),
                    first.rank()
                ));
            }
            let differs = (0..first.rank()).find(|&other| other != axis && shape.dims()[other] != first.dims()[other]);
            if let Some(other) = differs {
                return Err(format!(
                    "all the input array dimensions except for the concatenation axis must match exactly: along axis \
                     {other}, the first array has {} and array {number} has {}",
                    first.dims()[other],
                    shape.dims()[other]
                ));
            }
            begins.push(dims[axis]);
            dims[axis] = dims[axis].checked_add(shape.dims()[axis]).ok_or("the result is larger than any array")?;
        }
        info.shape = shape_of(&dims, info.dtype)?;
        (info.claimed_shape, info.num_blocks) = (None, 1);
        let edges = (0..dims.len()).map(|of| match of == axis {
            false => Arc::from(edges_of(&*inputs[0].source, of)),
            true => {
                let shifted = inputs.iter().zip(&begins).flat_map(|(input, begin)| {
                    edges_of(&*input.source, axis).into_iter().map(move |edge| edge + begin)
                });
                let mut edges: Vec<usize> = shifted.collect();
                edges.sort_unstable();
                edges.dedup();
                Arc::from(edges)
            }
        });
        let cells = Cells::new(edges.collect(), axis).ok_or("the result has too many axes")?;
        Ok(Arc::new(Self { info: Arc::new(info), inputs, axis, begins, cells }))
    }

    /// What of a box of the result one of the inputs holds, in its own coordinates.
    fn part(&self, input: usize, region: &Region) -> Option<Region> {
        let whole = Region::whole(&self.inputs[input].source.info().shape);
        let begin = self.begins[input];
        let [start, stop] = [region.start()[self.axis], region.stop()[self.axis]].map(|at| at.saturating_sub(begin));
        region.with_axis(self.axis, start, stop).intersect(&whole)
    }

    fn shifted(&self, input: usize, region: &Region) -> Region {
        let mut origin = vec![0; region.rank()];
        origin[self.axis] = self.begins[input];
        region.offset_by(&origin)
    }
}

impl Composite for Concatenated {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>) {
        for (number, input) in self.inputs.iter().enumerate() {
            if let Some(part) = self.part(number, &chunk.region) {
                input.source.each_chunk(&part, &mut |chunk| needs.push(Need { input: number, chunk: *chunk }));
            }
        }
    }

    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let mut missing = Vec::new();
        for Given { need, voxels } in given {
            let place = self.shifted(need.input, &need.chunk.region);
            let mut is_missing = |part: &Region, error: &ReadError| {
                missing.extend(part.intersect(&chunk.region).map(|part| (part, error.clone())));
            };
            match voxels {
                Ok((bytes, filled)) => {
                    copy_region(bytes, &place, buffer, &chunk.region, self.info.dtype.num_bytes());
                    if let Filled::Except(parts, error) = filled {
                        parts.iter().for_each(|part| is_missing(&self.shifted(need.input, part), error));
                    }
                }
                Err(error) => is_missing(&place, error),
            }
        }
        joint::filled(&chunk.region, missing)
    }
}

impl Source for Concatenated {
    of_inputs!();
    laid_in_cells!();

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        joint::read(self, chunk, buffer)
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        if self.info.axes.get(self.axis) != Some(&Some(Axis::T)) {
            return self.inputs[0].source.times_s();
        }
        let mut all = Vec::new();
        for input in &self.inputs {
            let mut times = input.source.times_s()?;
            times.resize(input.source.info().shape.dims()[self.axis], f64::NAN);
            all.extend(times);
        }
        Some(all)
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}
