//! What every computed source has in common: it is made of other sources, whose problems, files and failures are its
//! own.

use crate::format::{Filled, Input, ReadError};
use crate::volume::{Location, Problem, Region};

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
    let mut all: Vec<Location> = Vec::new();
    for file in inputs.iter().flat_map(|input| input.source.files()) {
        if !all.contains(&file) {
            all.push(file);
        }
    }
    all
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

        fn forget_failures(&self) {
            super::joint::forget_failures(&self.inputs);
        }
    };
}
pub(super) use of_inputs;
