//! A split dataset as one array: which parts of which block a region touches, and reading them.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::block::{Block, Key, OpenBlock};
use super::convert::convert_exactly;
use super::discover::Listing;
use super::former::Sign;
use super::identity::Identity;
use super::indexes::Indexes;
use super::layout::Geometry;
use super::metadata::Claim;
use super::place::Place;
use super::rig::Rig;
use super::seen::Seen;
use crate::format::hdf5::{Header, read_attributes};
use crate::format::{Chunk, Filled, ReadError, ReadErrorCode, ReadErrorKind, Source, StoredPart};
use crate::volume::{
    ArrayInfo, Axis, DType, Grid, Location, MAX_RANK, Piece, PieceState, Problem, Region, Severity, Shape, Span, codes,
    copy_region,
};

/// An open split dataset. Holds no file open; blocks are indexed when first read.
///
/// A chunk's index is the position of its block in the recording times [`SplitSource::chunks_per_block`]
/// plus its place in the block, so it keeps its meaning while the recording grows.
pub(super) struct SplitSource {
    pub(super) info: Arc<ArrayInfo>,
    pub(super) place: Arc<Place>,
    pub(super) geometry: Geometry,
    /// The chunks inside a block.
    pub(super) parts: Grid,
    /// Which array of each block is read.
    pub(super) key: Key,
    /// Which of the interleaved channels.
    pub(super) channel: usize,
    /// One for each position, missing ones too.
    pub(super) blocks: Vec<Arc<Block>>,
    pub(super) indexes: Arc<Indexes>,
    /// The newest timepoint of which all was written.
    pub(super) newest_readable: Option<usize>,
    /// Blocks that are perhaps left over from a former recording.
    pub(super) suspects: Option<Suspects>,
    /// Known since opening.
    pub(super) problems: Vec<Problem>,
    /// Found while reading.
    pub(super) found: Mutex<Found>,
    /// Whether the metadata, which the rigs write last, are there.
    pub(super) is_finished: bool,
    pub(super) claim: Claim,
    pub(super) claim_problems: Vec<Problem>,
    pub(super) rig: Rig,
    /// Header of the block whose layout stands for all.
    pub(super) reference: Reference,
    /// Blocks after the last one that is shown: being written, or given up.
    pub(super) beyond: Vec<Piece>,
    /// Blocks at the end that are left out as not complete.
    pub(super) tail: Vec<Arc<Path>>,
    /// Whether they have been still long enough to be given up.
    pub(super) is_tail_judged: bool,
    /// The first of the blocks left out as a former recording's, as they are: the next to be overwritten.
    pub(super) left_over: Vec<(Arc<Path>, Option<Identity>)>,
    /// The folder when it was listed.
    pub(super) listed: Arc<Listing>,
    /// What is remembered between looks at the folder.
    pub(super) seen: Arc<Mutex<Seen>>,
}

/// Problems by the id of their block and their code.
pub(super) type Found = BTreeMap<(u64, &'static str), Problem>;

/// Blocks that are shown and perhaps left over from a former recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suspects {
    /// Position of the first; all after it are as well.
    pub from: usize,
    /// Why.
    pub sign: Sign,
}

/// What the reference block told.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    /// Number of the block.
    pub number: u64,
    /// Extent and type.
    pub header: Header,
    /// Its grid of cheap reads.
    pub parts: Shape,
}

/// How a block's stored array answers for its region.
pub(super) struct Fit {
    /// The voxels it holds, in the dataset's coordinates.
    pub have: Region,
    /// How they are stored.
    pub dtype: DType,
}

impl SplitSource {
    /// Chunk indices from `k * n` to `(k + 1) * n` belong to block `k`.
    pub(super) fn chunks_per_block(&self) -> u64 {
        self.parts.num_cells()
    }

    /// The axis along which the recording grows, an index into the shape.
    pub(super) fn growth_axis(&self) -> usize {
        self.geometry.layout.growth
    }

    /// Number of the block in the first place.
    pub(super) fn first_number(&self) -> Option<u64> {
        self.blocks.first().map(|block| block.number)
    }

    /// Channels interleaved in each file.
    pub(super) fn num_channels(&self) -> usize {
        self.geometry.layout.channels
    }

    /// Asks the files at the end that are not whole.
    pub(super) fn find_newest(&self) -> Option<usize> {
        let time = self.info.axes.iter().position(|axis| *axis == Some(Axis::T))?;
        let growth = self.growth_axis();
        if growth != time {
            return self.info.shape.dims()[time].checked_sub(1);
        }
        let inner = (self.blocks.len() / self.geometry.grid()[growth].max(1)).max(1);
        for (i, row) in self.blocks.chunks(inner).enumerate().rev() {
            let region = self.geometry.region(i * inner);
            let len = region.stop()[growth] - region.start()[growth];
            let written = |block: &Arc<Block>| match block.state() {
                PieceState::Whole | PieceState::Unseen => len,
                PieceState::Missing => 0,
                _ => block.open(&self.key, &self.indexes).map_or(0, |open| open.array.written_len(growth).min(len)),
            };
            match row.iter().map(written).min() {
                None | Some(0) => {}
                Some(written) => return Some(region.start()[growth] + written - 1),
            }
        }
        None
    }

    /// What the growth axis is, where it has a meaning.
    fn axis(&self) -> Option<Axis> {
        self.info.axes.get(self.growth_axis()).copied().flatten()
    }

    /// What a block covers of the growth axis.
    fn span(&self, ordinal: usize) -> Option<Span> {
        let (region, growth) = (self.geometry.region(ordinal), self.growth_axis());
        Some(Span { axis: self.axis()?, range: [region.start()[growth], region.stop()[growth]] })
    }

    /// Whether a block is complete and has not changed for a while: then what reads as zero is zero.
    pub(super) fn is_settled(&self, block: &Block) -> bool {
        block.is_complete() && block.identity().is_some_and(|file| self.seen.lock().is_still(&block.path, &file))
    }

    /// Whether a block's file carries all that the file of the reference block carries beside the array: one
    /// whose writer was cut off may not.
    fn carries_marks(&self, block: &Block) -> bool {
        let marks = |path: &Path| read_attributes(path, "").map(|all| all.into_keys().collect::<Vec<_>>());
        let reference = self.blocks.iter().find(|other| other.number == self.reference.number);
        let wanted = reference.and_then(|reference| marks(&reference.path).ok()).unwrap_or_default();
        let has = marks(&block.path).unwrap_or_default();
        let is_complete = wanted.iter().all(|mark| has.contains(mark));
        if !is_complete {
            block.set_incomplete();
        }
        is_complete
    }

    /// Records a problem of a block, once for each block and code, and that the block is no better.
    pub(super) fn note(&self, ordinal: usize, code: &'static str, message: impl Into<String>) {
        let Some(block) = self.blocks.get(ordinal) else { return };
        let (severity, state) = match code {
            codes::OTHER_DTYPE => (Severity::Warning, None),
            codes::SHORT_BLOCK | codes::UNWRITTEN => (Severity::Error, Some(PieceState::Partial)),
            codes::MISSING_BLOCK => (Severity::Error, Some(PieceState::Missing)),
            _ => (Severity::Error, Some(PieceState::Damaged)),
        };
        if let Some(state) = state {
            block.worsen(state);
        }
        let mut found = self.found.lock();
        if found.contains_key(&(block.id(), code)) {
            return;
        }
        let file = Some((&block.path).into());
        let problem = Problem { code, severity, file, span: self.span(ordinal), message: message.into() };
        found.insert((block.id(), code), problem);
    }

    fn region_of(&self, index: u64) -> Option<(usize, Region)> {
        let ordinal = usize::try_from(index / self.chunks_per_block()).ok()?;
        (ordinal < self.blocks.len()).then(|| (ordinal, self.geometry.region(ordinal)))
    }

    /// What of its region a block's array can answer.
    pub(super) fn fit(&self, ordinal: usize, region: &Region, header: &Header) -> Result<Fit, String> {
        let (want, layout) = (region.shape(), &self.geometry.layout);
        let dims = header.shape.dims();
        if dims.len() != want.rank() {
            return Err(format!("its array has {} axes, the recording {}", dims.len(), want.rank()));
        }
        let mut stop = [0; MAX_RANK];
        for axis in 0..dims.len() {
            let channels = if axis == 1 { layout.channels } else { 1 };
            let len = dims[axis] / channels;
            let longest = want.dims()[axis].max(layout.block[axis]) + layout.padding[axis];
            let is_growth = axis == layout.growth;
            let fits = dims[axis].is_multiple_of(channels) && len <= longest && (is_growth || len >= want.dims()[axis]);
            if !fits {
                let expected = self.geometry.region(ordinal).shape();
                return Err(format!("its array is {}, expected {expected}", header.shape));
            }
            stop[axis] = region.start()[axis] + len.min(want.dims()[axis]);
        }
        let have = Region::new(region.start(), &stop[..dims.len()]).ok_or("its shape makes no sense")?;
        Ok(Fit { have, dtype: header.dtype })
    }

    /// Names a block that holds less than its place asks for.
    pub(super) fn note_short(&self, ordinal: usize, region: &Region, fit: &Fit) {
        if fit.have.stop() != region.stop() {
            let axis = self.growth_axis();
            let (have, want) = (fit.have.shape().dims()[axis], region.shape().dims()[axis]);
            self.note(ordinal, codes::SHORT_BLOCK, format!("holds {have} of the {want} it should"));
        }
    }

    fn read_open(
        &self,
        ordinal: usize,
        region: &Region,
        open: &OpenBlock,
        chunk: &Chunk,
        buffer: &mut [u8],
    ) -> Result<Filled, ReadError> {
        let block = &self.blocks[ordinal];
        let header = open.array.header();
        let unsupported = |code: &'static str, message: String| {
            self.note(ordinal, code, message.clone());
            ReadError::new(ReadErrorKind::Unsupported, &block.path, message)
        };
        let fit = self.fit(ordinal, region, header).map_err(|message| unsupported(codes::OTHER_SHAPE, message))?;
        self.note_short(ordinal, region, &fit);
        let short = || {
            let text = "the block is shorter than the others";
            ReadError::new(ReadErrorKind::Missing, &block.path, text).with_code(ReadErrorCode::Short)
        };
        let part = chunk.region.intersect(&fit.have).ok_or_else(short)?;
        let mut stored = part.relative_to(region.start());
        if self.geometry.layout.channels > 1 {
            // One plane a block, and the channels take its place in the file.
            stored = stored.with_axis(1, self.channel, self.channel + 1);
        }
        let item = self.info.dtype.num_bytes();
        let mut missing = Vec::new();
        let filled = if part == chunk.region && fit.dtype == self.info.dtype {
            open.array.read(&stored, buffer)?
        } else {
            let num_bytes = |dtype| part.shape().num_bytes(dtype).unwrap_or(0);
            let mut raw = vec![0; num_bytes(fit.dtype)];
            let filled = open.array.read(&stored, &mut raw)?;
            if fit.dtype != self.info.dtype {
                let mut converted = vec![0; num_bytes(self.info.dtype)];
                if !convert_exactly(&raw, fit.dtype, &mut converted, self.info.dtype) {
                    let text = format!("it is {}, and its values do not fit {}", fit.dtype, self.info.dtype);
                    return Err(unsupported(codes::OTHER_DTYPE_LOSSY, text));
                }
                let text = format!("it is {} where the recording is {}; shown unchanged", fit.dtype, self.info.dtype);
                self.note(ordinal, codes::OTHER_DTYPE, text);
                raw = converted;
            }
            buffer.fill(0);
            copy_region(&raw, &part, buffer, &chunk.region, item);
            if part != chunk.region {
                // The parts differ at the end of the growth axis only.
                let axis = self.growth_axis();
                missing.push(chunk.region.with_axis(axis, part.stop()[axis], chunk.region.stop()[axis]));
            }
            filled
        };
        let mut reason = short();
        if let Filled::Except(regions, error) = filled {
            // Back from the file's coordinates; of interleaved channels one plane was asked for.
            missing.extend(regions.iter().filter_map(|gap| {
                let gap = if self.geometry.layout.channels > 1 { gap.with_axis(1, 0, 1) } else { *gap };
                gap.offset_by(region.start()).intersect(&chunk.region)
            }));
            self.note(ordinal, codes::UNWRITTEN, "part of the block was never written");
            reason = error;
        }
        if !self.is_finished && ordinal + 1 == self.blocks.len() && missing.is_empty() {
            let unwritten = trailing_zeros(buffer, &chunk.region, self.growth_axis());
            let is_data = || self.is_settled(block) && self.carries_marks(block);
            if let Some(gap) = unwritten.filter(|_| !is_data()) {
                block.set_withheld();
                let text = "reads as zero at the end of the newest block of an unfinished recording: not written yet";
                reason = ReadError::new(ReadErrorKind::NotYetWritten, &block.path, text);
                missing.push(gap);
            }
        }
        Ok(if missing.is_empty() { Filled::All } else { Filled::Except(missing, reason) })
    }

    /// Records why nothing of a chunk could be had.
    pub(super) fn note_failure(&self, ordinal: usize, error: &ReadError) {
        let block = &self.blocks[ordinal];
        let code = match error.kind {
            // Those of the listing are named there.
            ReadErrorKind::Missing if !block.is_present => return,
            ReadErrorKind::Missing if error.code == Some(ReadErrorCode::Short) => return,
            ReadErrorKind::Missing if error.code == Some(ReadErrorCode::Gone) => codes::MISSING_BLOCK,
            // The file is there, and this part of it is not.
            ReadErrorKind::Missing => codes::UNWRITTEN,
            ReadErrorKind::NotYetWritten => return,
            ReadErrorKind::Io => codes::UNREADABLE_BLOCK,
            ReadErrorKind::Unsupported if block.has_failed() => codes::NO_ARRAY,
            ReadErrorKind::Unsupported => return,
            ReadErrorKind::Corrupt if error.code == Some(ReadErrorCode::Empty) => codes::EMPTY_BLOCK,
            ReadErrorKind::Corrupt if block.has_failed() => codes::UNREADABLE_BLOCK,
            ReadErrorKind::Corrupt => codes::BAD_CHUNK,
        };
        self.note(ordinal, code, &*error.message);
    }
}

/// The trailing part of a chunk, along the growth axis, that is all zero: half-flushed blocks hold such
/// parts inside chunks that count as written.
fn trailing_zeros(buffer: &[u8], region: &Region, axis: usize) -> Option<Region> {
    let shape = region.shape();
    let dims = shape.dims();
    // Only where the parts along the axis lie one after another.
    if dims[..axis].iter().any(|&dim| dim != 1) || dims[axis] == 0 {
        return None;
    }
    let step = buffer.len() / dims[axis];
    let is_zero = |slice: &&[u8]| slice.iter().all(|&byte| byte == 0);
    let num_zero = buffer.chunks_exact(step.max(1)).rev().take_while(is_zero).count();
    let stop = region.stop()[axis];
    (num_zero > 0).then(|| region.with_axis(axis, stop - num_zero, stop))
}

impl Source for SplitSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.each_chunk(region, &mut |chunk| chunks.push(*chunk));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        let Some(region) = region.intersect(&Region::whole(&self.geometry.shape)) else { return };
        let rank = region.rank();
        for at in self.geometry.touched(&region).indices() {
            let ordinal = self.geometry.ordinal(&at[..rank]);
            let block = self.geometry.region(ordinal);
            let Some(wanted) = block.intersect(&region) else { continue };
            let first = ordinal as u64 * self.chunks_per_block();
            self.parts.each(&wanted.relative_to(block.start()), |part| {
                if let Some(region) = part.region.offset_by(block.start()).intersect(&block) {
                    visit(&Chunk { index: first + part.position, region });
                }
            });
        }
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        let whole = Region::whole(&self.geometry.shape);
        let growth = self.geometry.layout.growth;
        let per_block = self.chunks_per_block().max(1);
        let block = |index: u64| usize::try_from(index / per_block).unwrap_or(usize::MAX);
        let (first, last) = (block(indices.start), block(indices.end.saturating_sub(1)));
        if indices.is_empty() || first >= self.blocks.len() {
            return whole.with_axis(growth, 0, 0);
        }
        // Blocks are counted along the axis on which the recording grows.
        let start = self.geometry.region(first).start()[growth];
        whole.with_axis(growth, start, self.geometry.region(last.min(self.blocks.len() - 1)).stop()[growth])
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let beyond = || {
            let path: Arc<Path> = self.place.folder.as_path().into();
            ReadError::new(ReadErrorKind::Missing, &path, "beyond the end of the recording")
        };
        if chunk.region.shape().num_bytes(self.info.dtype) != Some(buffer.len()) {
            return Err(beyond());
        }
        let (ordinal, region) = self.region_of(chunk.index).ok_or_else(beyond)?;
        let block = &self.blocks[ordinal];
        let result = block.open(&self.key, &self.indexes).and_then(|open| {
            let filled = self.read_open(ordinal, &region, &open, chunk, buffer);
            // The array indexes a changed file again and reads what is there now. That may be another
            // recording's: it is for a refresh to say so.
            if open.array.stamp() == open.identity { filled } else { Err(block.changed()) }
        });
        if let Err(error) = &result {
            self.note_failure(ordinal, error);
        }
        result
    }

    fn problems(&self) -> Vec<Problem> {
        let mut all = self.problems.clone();
        all.extend(self.found.lock().values().cloned());
        all
    }

    fn pieces(&self) -> Vec<Piece> {
        let growth = self.growth_axis();
        let along = self.geometry.grid()[growth];
        let inner = (self.blocks.len() / along.max(1)).max(1);
        let axis = self.axis();
        // Blocks of one step along the growth axis lie together: it is the slowest that is split.
        let rows = self.blocks.chunks(inner).enumerate().map(|(i, row)| {
            let region = self.geometry.region(i * inner);
            let range = [region.start()[growth], region.stop()[growth]];
            let worst = row.iter().map(|block| block.state()).max().unwrap_or(PieceState::Unseen);
            let is_suspect = self.suspects.is_some_and(|suspects| (i + 1) * inner > suspects.from);
            let state = if is_suspect { worst.max(PieceState::Suspect) } else { worst };
            Piece { axis, range, state }
        });
        rows.chain(self.beyond.iter().copied()).collect()
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        super::rig::clock(self.rig.time_file.as_deref()?)
    }

    fn files(&self) -> Vec<Location> {
        self.blocks.iter().map(|block| (&block.path).into()).collect()
    }

    fn stored_parts(&self) -> Vec<StoredPart> {
        self.parts_in_files()
    }

    fn inspect(&self) {
        self.look_at_all();
    }

    fn forget_failures(&self) {
        let mut failed = HashSet::new();
        for block in &self.blocks {
            if block.state().is_faulty() {
                block.forget_failure();
                self.indexes.remove(block.id());
                failed.insert(block.id());
            }
        }
        self.found.lock().retain(|(id, _), _| !failed.contains(id));
    }
}
