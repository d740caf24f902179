//! Sources that lie afar, and sources that are made of sources: sums, and what an expression computes.

use std::path::Path;
use std::sync::Arc;

use tectum::array::delayed::{delayed, filled, open_operand};
use tectum::format::memory::{RemoteSource, SumSource};
use tectum::format::{FormatError, Input, OpenOptions, Source};
use tectum::volume::{LayerId, Region, Shape};

use crate::memory::{InMemory, RECORDING};
use crate::suite::{State, Subject, Truth, contract};

/// An array in memory that has to be fetched.
struct Remote(InMemory);

impl Subject for Remote {
    fn write(&self, _: &Path) -> Truth {
        self.0.truth()
    }

    fn open(&self, _: &Path, _: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        Ok(RemoteSource::open(self.0.source()))
    }

    fn grow(&self, _: &Path) -> Vec<State> {
        self.0.growing(|source| RemoteSource::open(source))
    }
}

/// A sum of the recording with itself, fetched for one of the two, in chunks of its own.
struct Sum(&'static [usize]);

impl Sum {
    fn of(&self, first: Arc<dyn Source>, second: Arc<dyn Source>) -> Arc<dyn Source> {
        let input = |source| Input { source, layer: LayerId::next(), level: 0 };
        Arc::new(SumSource::new([input(first), input(second)], self.0).unwrap())
    }

    /// Voxel by voxel; a gap of either is a gap of the sum.
    fn truth(&self, of: &Truth) -> Truth {
        let timepoint = of.bytes.len() / of.shape.dims()[0];
        let value = |i: usize| u16::from_le_bytes([of.bytes[i], of.bytes[i + 1]]);
        let sum = |i: usize| match i.checked_sub(timepoint) {
            Some(earlier) => value(i).wrapping_add(value(earlier)),
            None => value(i),
        };
        let bytes = (0..of.bytes.len()).step_by(2).flat_map(|i| sum(i).to_le_bytes()).collect();
        let later = |gap: &Region| gap.with_axis(0, gap.start()[0] + 1, gap.stop()[0] + 1);
        let whole = Region::whole(&of.shape);
        let missing = of.missing.iter().flat_map(|gap| [Some(*gap), later(gap).intersect(&whole)]).flatten().collect();
        Truth { dtype: of.dtype, shape: of.shape, bytes, missing }
    }
}

impl Subject for Sum {
    fn write(&self, _: &Path) -> Truth {
        self.truth(&RECORDING.truth())
    }

    fn open(&self, _: &Path, _: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        Ok(self.of(Arc::new(RECORDING.source()), RemoteSource::open(RECORDING.source())))
    }

    fn grow(&self, _: &Path) -> Vec<State> {
        let states = RECORDING.growing(|source| Arc::new(source));
        let sum = |state: State| State {
            source: self.of(Arc::clone(&state.source), state.source),
            truth: self.truth(&state.truth),
            stale: state.stale,
        };
        states.into_iter().map(sum).collect()
    }
}

contract!(remote, Remote(RECORDING));
contract!(sum, Sum(&[1, 3, 5, 8]));
contract!(sum_in_odd_chunks, Sum(&[3, 2, 2, 8]));

/// What an expression makes of the recording: each voxel of one, by the index of where that lies.
struct Computed {
    text: &'static str,
    /// Extents and where a voxel comes from, for a recording of so many timepoints.
    dims: fn(usize) -> Vec<usize>,
    of: fn(&[usize]) -> [usize; 4],
    value: fn(u16) -> u16,
}

impl Computed {
    fn over(&self, source: Arc<dyn Source>) -> Arc<dyn Source> {
        let open = |name: &str| open_operand(name, &OpenOptions::default());
        delayed(source, LayerId::next(), 0, &self.text.parse().unwrap(), &open).unwrap()
    }

    fn truth(&self, of: &Truth) -> Truth {
        let shape = Shape::new(&(self.dims)(of.shape.dims()[0])).unwrap();
        let (mut bytes, mut missing) = (Vec::new(), Vec::new());
        for index in crate::common::indices(shape.dims()) {
            let from = (self.of)(&index);
            let at = of.shape.offset(&from).unwrap() * 2;
            bytes.extend((self.value)(u16::from_le_bytes([of.bytes[at], of.bytes[at + 1]])).to_le_bytes());
            if of.missing.iter().any(|gap| gap.contains(&from)) {
                missing.push(Region::new(&index, &index.iter().map(|i| i + 1).collect::<Vec<_>>()).unwrap());
            }
        }
        Truth { dtype: of.dtype, shape, bytes, missing }
    }
}

impl Subject for Computed {
    fn write(&self, _: &Path) -> Truth {
        self.truth(&RECORDING.truth())
    }

    fn open(&self, _: &Path, _: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        Ok(self.over(Arc::new(RECORDING.source())))
    }

    fn grow(&self, _: &Path) -> Vec<State> {
        let state = |state: State| State {
            source: self.over(state.source),
            truth: self.truth(&state.truth),
            stale: state.stale,
        };
        RECORDING.growing(|source| Arc::new(source)).into_iter().map(state).collect()
    }
}

/// Voxel by voxel, in the chunks of the recording.
const CALCULATED: Computed = Computed {
    text: "add 7 | multiply 3",
    dims: |num_t| vec![num_t, 3, 5, 8],
    of: |i| [i[0], i[1], i[2], i[3]],
    value: |value| value.wrapping_add(7).wrapping_mul(3),
};

/// In another order and only some of it, in chunks of its own.
const ARRANGED: Computed = Computed {
    text: "transpose 0, 2, 3, 1 | subtract 1 | subset [:, ::-2, [5, 0, 5, 2]]",
    dims: |num_t| vec![num_t, 3, 4, 3],
    of: |i| [i[0], i[3], 4 - 2 * i[1], [5, 0, 5, 2][i[2]]],
    value: |value| value.wrapping_sub(1),
};

/// The recording with a value in place of its gaps.
struct FilledIn;

impl Subject for FilledIn {
    fn write(&self, _: &Path) -> Truth {
        let mut truth = RECORDING.truth();
        for (at, index) in crate::common::indices(truth.shape.dims()).enumerate() {
            if truth.missing.iter().any(|gap| gap.contains(&index)) {
                truth.bytes[2 * at..2 * at + 2].copy_from_slice(&77u16.to_le_bytes());
            }
        }
        Truth { missing: Vec::new(), ..truth }
    }

    fn open(&self, _: &Path, _: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        let source: Arc<dyn Source> = Arc::new(RECORDING.source());
        Ok(filled(&source, &77u16.to_le_bytes()).unwrap())
    }
}

contract!(calculated, CALCULATED);
contract!(arranged, ARRANGED);
contract!(filled_in, FilledIn);
