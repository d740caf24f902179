//! What every computed source has in common: it is made of other sources, whose problems, files and failures are its
//! own.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::format::{Chunk, Composite, Filled, Given, Input, ReadError};
use crate::volume::{Location, Pool, Problem, Region};

/// Memory for what is read of inputs, used again: fresh memory costs about as much as decoding into it.
static SPARE: LazyLock<Pool> = LazyLock::new(|| Pool::new(64 << 20));

/// As [`crate::format::read_and_combine`], in memory that is used again.
pub(super) fn read(source: &dyn Composite, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
    let mut needs = Vec::new();
    source.needs(chunk, &mut needs);
    let read = needs.iter().map(|need| {
        let input = &source.inputs()[need.input].source;
        // No chunk of an input that could be opened is without a size.
        let mut bytes = SPARE.take(need.chunk.region.shape().num_bytes(input.info().dtype).unwrap_or(0));
        input.read(&need.chunk, bytes.bytes_mut()).map(|filled| (bytes, filled))
    });
    let read: Vec<_> = read.collect();
    let given = needs.iter().zip(&read).map(|(need, read)| Given {
        need: *need,
        voxels: read.as_ref().map(|(bytes, filled)| (bytes.bytes(), filled)),
    });
    source.combine(chunk, &given.collect::<Vec<_>>(), buffer)
}

/// What is wrong with any of the inputs.
pub(super) fn problems(inputs: &[Input]) -> Vec<Problem> {
    let mut all: Vec<Problem> = Vec::new();
    for problem in inputs.iter().flat_map(|input| input.source.problems()) {
        if !all.contains(&problem) {
            all.push(problem);
        }
    }
    all
}

/// The files of all inputs.
pub(super) fn files(inputs: &[Input]) -> Vec<Location> {
    each_once(inputs.iter().flat_map(|input| input.source.files()))
}

/// Where all inputs are.
pub(super) fn locations(inputs: &[Input]) -> Vec<Location> {
    each_once(inputs.iter().flat_map(|input| input.source.locations()))
}

/// In order, and quickly: a recording may be thousands of files.
fn each_once(locations: impl Iterator<Item = Location>) -> Vec<Location> {
    let mut known = HashSet::new();
    locations.filter(|location| known.insert(location.clone())).collect()
}

/// Looks at all of them.
pub(super) fn inspect(inputs: &[Input]) {
    inputs.iter().for_each(|input| input.source.inspect());
}

/// Tries all of them again.
pub(super) fn forget_failures(inputs: &[Input]) {
    inputs.iter().for_each(|input| input.source.forget_failures());
}

/// How much of a chunk is there, from the parts that are missing.
///
/// # Errors
/// The reason, where all of it is missing.
pub(super) fn filled(region: &Region, missing: Vec<(Region, ReadError)>) -> Result<Filled, ReadError> {
    if let Some((_, reason)) = missing.iter().find(|(gap, _)| gap == region) {
        return Err(reason.clone());
    }
    let reason = missing.first().map(|(_, reason)| reason.clone());
    let mut gaps: Vec<Region> = Vec::new();
    for (gap, _) in missing {
        let is_known = gaps.iter().any(|known| known.intersect(&gap) == Some(gap));
        if !is_known {
            gaps.push(gap);
        }
    }
    Ok(reason.map_or(Filled::All, |reason| Filled::Except(gaps, reason)))
}

/// The methods of [`crate::format::Source`] that are the same for all: `inputs` is the field that holds them.
macro_rules! of_inputs {
    () => {
        fn info(&self) -> &std::sync::Arc<crate::volume::ArrayInfo> {
            &self.info
        }

        fn chunks(&self, region: &crate::volume::Region, chunks: &mut Vec<crate::format::Chunk>) {
            self.each_chunk(region, &mut |chunk| chunks.push(*chunk));
        }

        fn problems(&self) -> Vec<crate::volume::Problem> {
            super::joint::problems(&self.inputs)
        }

        fn inspect(&self) {
            super::joint::inspect(&self.inputs);
        }

        fn files(&self) -> Vec<crate::volume::Location> {
            super::joint::files(&self.inputs)
        }

        fn locations(&self) -> Vec<crate::volume::Location> {
            super::joint::locations(&self.inputs)
        }

        fn forget_failures(&self) {
            super::joint::forget_failures(&self.inputs);
        }
    };
}
pub(super) use of_inputs;

/// Those of a source whose chunks are the ones of its first input, at the same timepoints.
macro_rules! laid_as_input {
    () => {
        fn each_chunk(&self, region: &crate::volume::Region, visit: &mut dyn FnMut(&crate::format::Chunk)) {
            self.inputs[0].source.each_chunk(region, visit);
        }

        fn region_of(&self, indices: &std::ops::Range<u64>) -> crate::volume::Region {
            self.inputs[0].source.region_of(indices)
        }

        fn pieces(&self) -> Vec<crate::volume::Piece> {
            self.inputs[0].source.pieces()
        }

        fn times_s(&self) -> Option<Vec<f64>> {
            self.inputs[0].source.times_s()
        }
    };
}
pub(super) use laid_as_input;

/// Those of a source that is cut into cells of its own.
macro_rules! laid_in_cells {
    () => {
        fn each_chunk(&self, region: &crate::volume::Region, visit: &mut dyn FnMut(&crate::format::Chunk)) {
            self.cells.each(region, visit);
        }

        fn region_of(&self, indices: &std::ops::Range<u64>) -> crate::volume::Region {
            self.cells.region_of(indices)
        }
    };
}
pub(super) use laid_in_cells;
