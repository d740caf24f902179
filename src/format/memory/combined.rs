//! A source that is computed from others, for tests: the sum of two recordings, the second one timepoint
//! earlier.

use std::ops::Range;
use std::sync::Arc;

use crate::format::{Chunk, Composite, Filled, Given, Input, Need, ReadError, Source, gather, read_and_combine};
use crate::volume::{ArrayInfo, DType, Grid, Order, Problem, Region, Shape};

/// `sum[t] = first[t] + second[t - 1]` (wrapping; the first timepoint is that of `first` alone), of two u16
/// arrays of one shape, cut into chunks of its own.
pub struct SumSource {
    info: Arc<ArrayInfo>,
    inputs: [Input; 2],
    grid: Grid,
}

impl SumSource {
    /// `None` where the inputs are not alike, or not u16, or `grid` is no grid for them.
    pub fn new(inputs: [Input; 2], grid: &[usize]) -> Option<Self> {
        let [a, b] = inputs.each_ref().map(|input| input.source.info());
        if a.shape != b.shape || [a.dtype, b.dtype] != [DType::U16; 2] {
            return None;
        }
        let info = ArrayInfo { name: "sum".to_owned(), ..ArrayInfo::clone(a) };
        let grid = Grid::new(a.shape, Shape::new(grid)?)?;
        Some(Self { info: Arc::new(info), inputs, grid })
    }

    /// The part of the second input that a box is made of; `None` where it is the first timepoint's.
    fn earlier(region: &Region) -> Option<Region> {
        let [start, stop] = [region.start()[0].saturating_sub(1), region.stop()[0] - 1];
        (start < stop).then(|| region.with_axis(0, start, stop))
    }
}

impl Composite for SumSource {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>) {
        for (input, region) in [Some(chunk.region), Self::earlier(&chunk.region)].iter().enumerate() {
            let mut chunks = Vec::new();
            if let Some(region) = region {
                self.inputs[input].source.chunks(region, &mut chunks);
            }
            needs.extend(chunks.into_iter().map(|chunk| Need { input, chunk }));
        }
    }

    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let mut missing = gather(given, 0, &chunk.region, 2, buffer);
        if let Some(region) = Self::earlier(&chunk.region) {
            let mut earlier = vec![0; region.shape().num_bytes(DType::U16).unwrap_or(0)];
            let later =
                |(gap, error): (Region, ReadError)| (gap.with_axis(0, gap.start()[0] + 1, gap.stop()[0] + 1), error);
            missing.extend(gather(given, 1, &region, 2, &mut earlier).into_iter().map(later));
            let skipped = buffer.len() - earlier.len();
            for (sum, earlier) in buffer[skipped..].chunks_exact_mut(2).zip(earlier.chunks_exact(2)) {
                let value = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
                sum.copy_from_slice(&value(sum).wrapping_add(value(earlier)).to_le_bytes());
            }
        }
        match missing.iter().find(|(gap, _)| *gap == chunk.region) {
            Some((_, reason)) => Err(reason.clone()),
            None => Ok(match missing.first() {
                None => Filled::All,
                Some((_, reason)) => {
                    let reason = reason.clone();
                    Filled::Except(missing.into_iter().map(|(gap, _)| gap).collect(), reason)
                }
            }),
        }
    }
}

impl Source for SumSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.grid.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        Order { slowest: 0 }.rows_of(&self.grid, indices)
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        read_and_combine(self, chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.inputs.iter().for_each(|input| problems.extend(input.source.problems()));
        problems
    }

    fn forget_failures(&self) {
        self.inputs.iter().for_each(|input| input.source.forget_failures());
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}
