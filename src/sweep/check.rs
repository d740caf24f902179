//! The quality of a recording, measured in one go: prepare, sweep, merge. Blocks until it is done.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::feed::{Feed, Reader};
use super::shard::{Shard, prepare};
use super::threads::{num_cores, threads};
use super::{Lender, NoLender};
use crate::array::LazyArray;
use crate::format::Source;
use crate::qc::{Codes, Figures, Missing, Pictures, Subject, Table};
use crate::volume::{Piece, PieceState};

/// What is measured, and of what.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Timepoints, cut to what there is; all without it.
    pub range: Option<Range<usize>>,
    /// Measures.
    pub wanted: Codes,
    /// Bytes of decoded data held ahead of the timepoint that is being measured.
    pub budget_bytes: usize,
    /// Threads; all cores without it.
    pub num_cores: Option<usize>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { range: None, wanted: Codes::ALL, budget_bytes: AHEAD_BYTES, num_cores: None }
    }
}

/// Decoded bytes held ahead, where nothing else was said: two volumes of a usual recording.
pub(super) const AHEAD_BYTES: usize = 32 << 20;

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
    /// Blocks of the recording that were found not to be whole, by number, ascending.
    pub broken_blocks: Vec<usize>,
    /// Decoded bytes.
    pub num_bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// Measures a recording on all cores. `goes_on` is told how many of how many timepoints are done, and ends it by
/// `false`: then, and where the system gives no threads, there is no result.
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
    let num_cores = options.num_cores.unwrap_or_else(num_cores).max(1);
    let lender: Arc<dyn Lender> = Arc::new(NoLender);
    let (array, threads) = (Arc::new(array.clone()), threads(num_cores, false).ok()?);
    let reader = Arc::new(Reader::new(Arc::clone(&array), lender, threads, options.budget_bytes, None));
    let references = prepare(&reader, subject, options.wanted, range.clone(), || goes_on(0, range.len()))?;
    let mut shard = Shard::new(subject, Some(Arc::clone(&references)), options.wanted);
    let mut table = Table::new(num_t, subject.num_z());
    let mut feed = Feed::new(Arc::clone(&reader), range.clone(), false);
    while let Some(piece) = feed.next() {
        if !goes_on(piece.slab.t - range.start, range.len()) {
            return None;
        }
        if let Some((t, row)) = shard.take(&piece, &reader.threads) {
            table.set(t, row);
        }
    }
    let figures = reader.threads.install(|| Figures::of(subject, Some(&references), &table, shard.state()));
    let pictures = reader.threads.install(|| Pictures::of(&references, shard.state()));
    let voxel = array.info().dtype.num_bytes() as u64;
    let num_bytes = range.len() as u64 * subject.shape[1..].iter().product::<usize>() as u64 * voxel;
    let seconds = begin.elapsed().as_secs_f64();
    let (subject, missing) = (subject.clone(), shard.missing);
    let broken_blocks = broken_blocks(&**array.source());
    Some(Checked { subject, table, figures, missing, pictures, broken_blocks, num_bytes, seconds })
}

/// The blocks that reading has found not to be whole.
pub fn broken_blocks(source: &dyn Source) -> Vec<usize> {
    let is_broken = |piece: &Piece| !matches!(piece.state, PieceState::Whole | PieceState::Unseen);
    let pieces = source.pieces();
    pieces.iter().enumerate().filter(|(_, piece)| is_broken(piece)).map(|(i, _)| i).collect()
}
