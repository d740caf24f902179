//! The quality of a recording, measured in one go: prepare, sweep, merge. Blocks until it is done.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::{Planes, Slab};
use crate::array::LazyArray;
use crate::format::ReadError;
use crate::qc::{Codes, Figures, Measurer, Missing, Pictures, Preparation, REFERENCE_VOLUMES, State, Subject, Table};
use crate::volume::{Pool, Region, Shape, Voxels};

/// What is measured, and of what.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Timepoints, cut to what there is; all without it.
    pub range: Option<Range<usize>>,
    /// Measures.
    pub wanted: Codes,
    /// Bytes of decoded data held at any moment, beside the state of the measures.
    pub budget_bytes: usize,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { range: None, wanted: Codes::ALL, budget_bytes: 64 << 20 }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The recording, as it was measured.
    pub subject: Subject,
    /// What was measured of each timepoint.
    pub table: Table,
    /// What was measured of the whole.
    pub figures: Figures,
    /// What is not there.
    pub missing: Vec<Missing>,
    /// Pictures of the middle plane.
    pub pictures: Option<Pictures>,
    /// Decoded bytes.
    pub num_bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// Measures a recording on all cores. `goes_on` is told how many of how many timepoints are done, and ends it by
/// `false`: then there is no result.
pub fn check(
    array: &LazyArray,
    subject: &Subject,
    options: &CheckOptions,
    mut goes_on: impl FnMut(usize, usize) -> bool,
) -> Option<Checked> {
    let begin = Instant::now();
    let num_t = array.info().shape[0];
    let range = options.range.clone().unwrap_or(0..num_t);
    let range = range.start.min(num_t)..range.end.min(num_t);
    let pool = Pool::new(options.budget_bytes);
    let mut preparation = Preparation::new(subject, options.wanted);
    for t in range.clone().take(REFERENCE_VOLUMES) {
        preparation.planes(t, 0, &Planes::new(&read(array, t, &pool)).planes());
        preparation.end();
    }
    let references = preparation.finish();
    let mut measurer = Measurer::new(subject, Some(Arc::clone(&references)), options.wanted);
    let mut table = Table::new(num_t, subject.num_z());
    let mut missing = Vec::new();
    let mut before: Option<Planes> = None;
    for t in range.clone() {
        if !goes_on(t - range.start, range.len()) {
            return None;
        }
        let slab = read(array, t, &pool);
        note_missing(&slab, &mut missing);
        let planes = Planes::new(&slab);
        measurer.planes(0, &planes.planes(), before.as_ref().map(Planes::planes).as_deref());
        table.set(t, measurer.end());
        before = Some(planes);
    }
    let state: &State = measurer.state();
    let figures = Figures::of(subject, Some(&references), &table, state);
    let voxel = array.info().dtype.num_bytes() as u64;
    let num_bytes = range.len() as u64 * subject.shape[1..].iter().product::<usize>() as u64 * voxel;
    let seconds = begin.elapsed().as_secs_f64();
    Some(Checked { subject: subject.clone(), table, figures, missing, pictures: None, num_bytes, seconds })
}

fn read(array: &LazyArray, t: usize, pool: &Pool) -> Slab {
    let region = array.whole().with_axis(0, t, t + 1);
    let [_, z, y, x] = array.info().shape;
    let shape = [z, y, x];
    let (voxels, reason) = match array.read_region(&region, pool) {
        Ok(loaded) => (volume_of(&loaded.voxels, shape, pool), loaded.reason),
        Err(error) => (None, Some::<ReadError>(error)),
    };
    Slab { t, first_z: 0, voxels, shape, reason }
}

/// The same without its axis of time.
fn volume_of(voxels: &Voxels, shape: [usize; 3], pool: &Pool) -> Option<Arc<Voxels>> {
    let mut buffer = pool.take(voxels.bytes().len());
    buffer.bytes_mut().copy_from_slice(voxels.bytes());
    let cut = |part: &Region| Region::new(&part.start()[1..], &part.stop()[1..]);
    let missing = voxels.missing().iter().filter_map(cut).collect();
    Some(Arc::new(Voxels::new(voxels.dtype(), Shape::from(shape), buffer, missing)))
}

fn note_missing(slab: &Slab, missing: &mut Vec<Missing>) {
    let absent: Vec<usize> = (0..slab.shape[0]).filter(|z| !slab.is_plane_there(*z)).collect();
    let (Some(first), Some(last)) = (absent.first(), absent.last()) else { return };
    let z = (absent.len() < slab.shape[0]).then_some([*first, *last]);
    let reason = slab.reason.as_ref().map_or_else(|| "was never written".to_owned(), |error| error.to_string());
    match missing.last_mut() {
        Some(known) if known.t[1] + 1 == slab.t && known.z == z && known.reason == reason => known.t[1] = slab.t,
        _ => missing.push(Missing { t: [slab.t, slab.t], z, file: None, reason }),
    }
}
