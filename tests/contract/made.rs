//! Sources that lie afar, and sources that are made of sources.

use std::path::Path;
use std::sync::Arc;

use tectum::format::memory::{RemoteSource, SumSource};
use tectum::format::{FormatError, Input, OpenOptions, Source};
use tectum::volume::{LayerId, Region};

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
