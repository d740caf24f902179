//! The quality of a recording, measured in cuts that know nothing of one another: the references once, then each range
//! of timepoints by itself, in any order and on any machine, then all of them together. What lies between are bytes
//! that only the same version of the program reads. Any cut gives what [`super::check()`] gives.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::check::broken_blocks;
use super::feed::{Feed, Reader};
use super::kept::{decode, encode};
use super::shard::{Shard, prepare};
use super::threads::{num_cores, threads};
use super::{CheckOptions, Checked, Lender, NoLender, missing};
use crate::array::LazyArray;
use crate::format::{ReadError, ReadErrorKind};
use crate::qc::{Figures, Missing, Pictures, References, Row, State, Subject, Table};

/// Why a cut was not measured.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// Disk or network failed in a way that may pass: what would be measured now would be missing without being so.
    #[error(transparent)]
    Passing(#[from] ReadError),
    /// It was ended.
    #[error("was given up")]
    GivenUp,
    /// Something was kept by another version of the program, or is damaged.
    #[error("{0}")]
    Unusable(String),
}

/// What is kept of a cut.
#[derive(Serialize, Deserialize)]
struct Cut {
    range: [usize; 2],
    rows: Vec<(usize, Row)>,
    missing: Vec<Missing>,
    broken_blocks: Vec<usize>,
    state: State,
}

fn pack(value: &impl Serialize) -> Result<Vec<u8>, CutError> {
    let bytes = encode(value).map_err(|error| CutError::Unusable(error.to_string()))?;
    zstd::encode_all(&bytes[..], 1).map_err(|error| CutError::Unusable(error.to_string()))
}

fn unpack<T: for<'a> Deserialize<'a>>(packed: &[u8]) -> Result<T, CutError> {
    let bytes = zstd::decode_all(packed).map_err(|error| CutError::Unusable(format!("is damaged: {error}")))?;
    decode(&bytes).map_err(|error| CutError::Unusable(format!("is damaged, or of another version: {error}")))
}

fn reader(array: &LazyArray, options: &CheckOptions) -> Result<Arc<Reader>, CutError> {
    let num_cores = options.num_cores.unwrap_or_else(num_cores).max(1);
    let threads = threads(num_cores, false).map_err(|error| CutError::Unusable(error.to_string()))?;
    let lender: Arc<dyn Lender> = Arc::new(NoLender);
    Ok(Arc::new(Reader::new(Arc::new(array.clone()), lender, threads, options.budget_bytes, None)))
}

/// The timepoints that are measured of an array.
fn range_of(array: &LazyArray, options: &CheckOptions) -> Range<usize> {
    let num_t = array.info().shape[0];
    let range = options.range.clone().unwrap_or(0..num_t);
    range.start.min(num_t)..range.end.min(num_t)
}

/// What every timepoint of a recording is compared with, made of the first volumes of the options' range.
///
/// # Errors
/// If there are no threads for it.
pub fn cut_references(array: &LazyArray, subject: &Subject, options: &CheckOptions) -> Result<Vec<u8>, CutError> {
    let reader = reader(array, options)?;
    let references = prepare(&reader, subject, options.wanted, range_of(array, options), || true);
    pack(&*references.ok_or(CutError::GivenUp)?)
}

/// Measures the timepoints of `cut`, which lie in the options' range, against these references. `goes_on` is told how
/// many of them are done, and ends it by `false`.
///
/// # Errors
/// If disk or network fail in a way that may pass, if it was ended, or if the references are of another version.
pub fn measure_cut(
    array: &LazyArray,
    subject: &Subject,
    options: &CheckOptions,
    references: &[u8],
    cut: Range<usize>,
    mut goes_on: impl FnMut(usize) -> bool,
) -> Result<Vec<u8>, CutError> {
    let references: Arc<References> = Arc::new(unpack(references)?);
    let (reader, all) = (reader(array, options)?, range_of(array, options));
    let cut = cut.start.max(all.start)..cut.end.min(all.end);
    let mut shard = Shard::new(subject, Some(references), options.wanted);
    let mut feed = Feed::new(Arc::clone(&reader), cut.clone(), cut.start > all.start);
    let mut rows = Vec::with_capacity(cut.len());
    while let Some(piece) = feed.next() {
        let failed = piece.slab.losses().into_iter().filter_map(|(_, error)| error);
        if let Some(error) = failed.into_iter().find(|error| error.kind == ReadErrorKind::Io) {
            return Err(CutError::Passing(error));
        }
        if !goes_on(piece.slab.t.saturating_sub(cut.start)) {
            return Err(CutError::GivenUp);
        }
        rows.extend(shard.take(&piece, &reader.threads));
    }
    let state = shard.state().clone();
    let broken_blocks = broken_blocks(&**array.source());
    pack(&Cut { range: [cut.start, cut.end], rows, missing: shard.missing, broken_blocks, state })
}

/// What came of all cuts, in order of time.
///
/// # Errors
/// If one cannot be read, or of another version, or they do not follow one another.
pub fn join_cuts(
    array: &LazyArray,
    subject: &Subject,
    options: &CheckOptions,
    references: &[u8],
    cuts: impl IntoIterator<Item = Vec<u8>>,
) -> Result<Checked, CutError> {
    let references: Arc<References> = Arc::new(unpack(references)?);
    let (range, num_z) = (range_of(array, options), subject.num_z());
    let mut table = Table::new(array.info().shape[0], num_z);
    let (mut state, mut missing, mut next) = (State::default(), Vec::new(), range.start);
    let mut broken = BTreeSet::new();
    for packed in cuts {
        let cut: Cut = unpack(&packed)?;
        let is_whole = cut.rows.iter().map(|(t, _)| *t).eq(cut.range[0]..cut.range[1]);
        if cut.range[0] != next || !is_whole || cut.rows.iter().any(|(_, row)| row.planes.len() != num_z) {
            return Err(CutError::Unusable(format!("does not hold the timepoints from {next} on")));
        }
        missing::join(&mut missing, cut.missing, next, num_z);
        next = cut.range[1];
        broken.extend(cut.broken_blocks);
        cut.rows.into_iter().for_each(|(t, row)| table.set(t, row));
        state.merge(&cut.state);
    }
    if next != range.end {
        return Err(CutError::Unusable(format!("timepoints from {next} on are not there")));
    }
    let threads = threads(options.num_cores.unwrap_or_else(num_cores).max(1), false);
    let threads = threads.map_err(|error| CutError::Unusable(error.to_string()))?;
    let figures = threads.install(|| Figures::of(subject, Some(&references), &table, &state));
    let pictures = threads.install(|| Pictures::of(&references, &state));
    let voxel = array.info().dtype.num_bytes() as u64;
    let num_bytes = range.len() as u64 * subject.shape[1..].iter().product::<usize>() as u64 * voxel;
    let (subject, broken_blocks) = (subject.clone(), broken.into_iter().collect());
    Ok(Checked { subject, table, figures, missing, pictures, broken_blocks, num_bytes, seconds: 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{Recipe, write};
    use crate::format::{OpenOptions, open};
    use crate::sweep::{check, subject_of};

    #[test]
    fn cuts_of_a_recording_in_any_place_give_what_one_pass_gives() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe { shape: [30, 4, 48, 64], block_len: 7, ..Recipe::default() };
        let original = write(folder.path(), &recipe, |_, _| true).unwrap();
        // One block is gone, so that something is missing across cuts.
        std::fs::remove_file(original.join("0002.h5")).unwrap();
        let array = LazyArray::new(open(&original, &OpenOptions::default()).unwrap().source);
        let subject = subject_of(&array, None);
        for (range, ends) in [
            (None, vec![0, 1, 12, 16, 29, 30]),
            (Some(5..28), vec![5, 15, 28]),
            (Some(0..15), vec![0, 7, 15]),
            (None, vec![0, 30]),
        ] {
            let options = CheckOptions { range, num_cores: Some(2), ..CheckOptions::default() };
            let all = check(&array, &subject, &options, |_, _| true).unwrap();
            let references = cut_references(&array, &subject, &options).unwrap();
            let cut = |pair: &[usize]| {
                measure_cut(&array, &subject, &options, &references, pair[0]..pair[1], |_| true).unwrap()
            };
            let cuts: Vec<Vec<u8>> = ends.windows(2).map(cut).collect();
            let joined = join_cuts(&array, &subject, &options, &references, cuts.clone()).unwrap();
            assert_eq!(joined.missing, all.missing);
            assert!(!all.missing.is_empty());
            assert_eq!(joined.broken_blocks, all.broken_blocks);
            assert_eq!(all.broken_blocks, [2]);
            // What was not measured is NaN, which is equal to nothing.
            assert_eq!(format!("{:?}", joined.table), format!("{:?}", all.table));
            assert_eq!(format!("{:?}", joined.figures), format!("{:?}", all.figures));
            assert_eq!(format!("{:?}", joined.pictures), format!("{:?}", all.pictures));
            let lacking = cuts.into_iter().skip(1);
            assert!(join_cuts(&array, &subject, &options, &references, lacking).is_err());
        }
        assert!(matches!(
            join_cuts(&array, &subject, &CheckOptions::default(), &[1, 2], []),
            Err(CutError::Unusable(_))
        ));
    }
}
