//! A stack of TIFF pages as a source.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::book::{Book, Wanted};
use super::growing::{Place, growth_of};
use super::ifd::{Ask, TiffFile};
use super::index::End;
use super::layout::{Compression, Layout};
use super::parts::{Box2, Lost};
use super::stack::{Stack, axes_of};
use super::times;
use crate::format::axes::{Axes, Hints};
use crate::format::{
    Cancel, Chunk, FetchError, Fetched, Fetching, Filled, FormatError, FormatErrorCode, Found, Growth, OpenOptions,
    ReadError, ReadErrorKind, Source, fetch_and_decode,
};
use crate::volume::{
    ArrayInfo, DType, Grid, Location, MAX_RANK, Problem, Region, Severity, Shape, VoxelSize, codes, unravel,
};

/// Bytes of a chunk that is aimed at: pages up to this are read whole, larger ones in bands or groups of tiles.
const CHUNK_BYTES: usize = 2 << 20;

/// An array made of the pages of TIFF files.
pub struct TiffSource {
    pub info: Arc<ArrayInfo>,
    pub book: Arc<Book>,
    pub stack: Stack,
    grid: Grid,
    is_remote: bool,
    /// Arrays that its files were found to hold when it was opened.
    pub num_stacks: usize,
    found: Found,
    /// Where it is looked for again, and what was said beside the path.
    pub place: Option<(Place, OpenOptions)>,
    /// How far it has come.
    pub growth: Growth,
}

impl TiffSource {
    /// The array of a stack.
    ///
    /// # Errors
    /// When it is of more axes than are read, or the axes that were asked for do not fit.
    pub fn new(book: Arc<Book>, stack: Stack, location: &Location, options: &OpenOptions) -> Result<Self, FormatError> {
        let failed = |text: String| FormatError::new(location, text);
        let layout = &stack.layout;
        let mut dims: Vec<usize> = stack.dims.iter().map(|(_, len)| *len).collect();
        let mut letters: Vec<char> = stack.dims.iter().map(|(letter, _)| *letter).collect();
        let mut cell = vec![1; dims.len()];
        let [rows, columns] = cell_of(layout);
        let inner = [('Y', layout.height, rows), ('X', layout.width, columns)];
        let samples = (layout.samples > 1).then_some((stack.samples_are, layout.samples, layout.interleaved()));
        let planes = samples.filter(|_| layout.is_planar);
        let all = planes.into_iter().chain(inner).chain(samples.filter(|_| !layout.is_planar));
        for (letter, len, step) in all {
            letters.push(letter);
            dims.push(len);
            cell.push(step);
        }
        let too_many = || failed(format!("has {} axes; up to {MAX_RANK} are read", letters.len()));
        let shape = Shape::new(&dims).ok_or_else(too_many)?;
        if shape.num_bytes(layout.dtype).is_none() {
            return Err(failed("says that it is larger than any memory".into()));
        }
        let cell = Shape::new(&cell).ok_or_else(too_many)?;
        let grid = Grid::new(shape, cell).ok_or_else(|| failed("has no extent".into()))?;
        let name = name_of(location);
        let mut problems = problems_of(&book, &stack, location);
        let names = [name.as_str()];
        let hints = Hints { names: &names, dtype: layout.dtype, num_blocks: book.volumes().len(), resolution: None };
        let guess = || axes_of(&stack, &letters, &shape, &hints);
        let (axes, note) = Axes::told_or(options.axes.as_deref(), &shape, guess)
            .map_err(|error| failed(error).with_code(FormatErrorCode::WrongOption))?;
        problems.extend(note.map(|text| Problem::of(codes::AXES_GUESSED, Severity::Note, location, text)));
        let claimed_shape = stack.claimed.map(|claimed| {
            let mut dims: Vec<u64> = dims.iter().map(|dim| *dim as u64).collect();
            dims[0] = claimed as u64;
            dims
        });
        let info = ArrayInfo {
            axes: axes.names,
            channel_axis: axes.channel,
            held: axes.held,
            axes_from: axes.from,
            voxel_size: voxel_size(&stack, &letters),
            rate_hz: stack.interval_s.map(|interval| 1.0 / interval).filter(|rate| rate.is_finite()),
            claimed_shape,
            num_blocks: book.volumes().len(),
            facts: facts(&book, &stack),
            ..ArrayInfo::new(name, location, stack.format, shape, layout.dtype)
        };
        let is_remote = book.volumes().iter().any(|volume| volume.file.store.is_remote());
        let growth = growth_of(&book, &stack);
        let (info, found, num_stacks) = (Arc::new(info), Found::new(problems), 1);
        Ok(Self { info, book, stack, grid, is_remote, num_stacks, found, place: None, growth })
    }

    /// The same, to be looked for again.
    #[must_use]
    pub fn at(self, place: Place, options: &OpenOptions) -> Self {
        // What abandons the opening says nothing of looking again.
        let options = OpenOptions { cancel: Cancel::new(), ..options.clone() };
        Self { place: Some((place, options)), ..self }
    }

    /// The same, as one of so many arrays of its files.
    #[must_use]
    pub fn of_stacks(self, num_stacks: usize) -> Self {
        Self { num_stacks, ..self }
    }

    /// Whether its files are fetched from afar.
    pub fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// What of which page a chunk is; or why there is no such page.
    fn wanted(&self, chunk: &Chunk) -> Result<Wanted<'_>, ReadError> {
        let outer = self.stack.dims.len();
        let start = chunk.region.start();
        let position = self.stack.dims.iter().zip(start).fold(0, |n, ((_, len), at)| n * len + at);
        let number = self.stack.frames.get(position).copied().unwrap_or(u32::MAX);
        if let Some(why) = self.stack.absence(number) {
            return Err(ReadError::new(ReadErrorKind::Missing, &self.info.location, why));
        }
        let layout = &self.stack.layout;
        let is_planar = layout.is_planar && layout.samples > 1;
        let rows = outer + usize::from(is_planar);
        let plane = if is_planar { start[outer] } else { 0 };
        let range = |axis: usize| chunk.region.start()[axis]..chunk.region.stop()[axis];
        let part = Box2 { rows: range(rows), columns: range(rows + 1) };
        Ok(Wanted { page: number as usize, like: layout, is_in_order: self.stack.is_in_order, plane, part })
    }

    /// What was not there of a chunk, in the axes of the array.
    fn filled(&self, chunk: &Chunk, lost: Vec<Lost>, file: &Location) -> Result<Filled, ReadError> {
        let Some(first) = lost.first() else { return Ok(Filled::All) };
        let error = ReadError::new(first.kind, file, first.why.as_str());
        self.found.note(&error);
        let rows = self.stack.dims.len() + usize::from(self.stack.layout.is_planar);
        let regions: Vec<Region> = lost
            .iter()
            .map(|lost| {
                let part = chunk.region.with_axis(rows, lost.what.rows.start, lost.what.rows.end);
                part.with_axis(rows + 1, lost.what.columns.start, lost.what.columns.end)
            })
            .collect();
        if regions == [chunk.region] {
            return Err(error);
        }
        Ok(Filled::Except(regions, error))
    }

    fn result(&self, chunk: &Chunk, result: Result<Vec<Lost>, ReadError>, page: usize) -> Result<Filled, ReadError> {
        match result {
            Ok(lost) if lost.is_empty() => Ok(Filled::All),
            Ok(lost) => {
                let volume = self.book.page(page).map(|(volume, ..)| volume.file.store.location(&volume.file.name));
                self.filled(chunk, lost, &volume.unwrap_or_else(|| self.info.location.clone()))
            }
            Err(error) => {
                self.found.note(&error);
                Err(error)
            }
        }
    }

    /// Chunks of one place of the counted dimensions.
    pub fn chunks_of(&self, place: usize) -> Range<u64> {
        let inner = self.grid.counts().dims().iter().skip(self.stack.dims.len());
        let each = inner.fold(1u64, |n, count| n.saturating_mul(*count as u64));
        place as u64 * each..(place as u64 + 1) * each
    }
}

impl Source for TiffSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.grid.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.grid.each(region, |cell| visit(&Chunk { index: cell.position, region: cell.region }));
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        let whole = Region::whole(&self.info.shape);
        if self.stack.dims.is_empty() || indices.is_empty() {
            return whole;
        }
        let counts = self.grid.counts().dims();
        let (first, last) = (unravel(indices.start, counts)[0], unravel(indices.end - 1, counts)[0]);
        whole.with_axis(0, first.min(self.info.shape.dims()[0]), (last + 1).min(self.info.shape.dims()[0]))
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let wanted = self.wanted(chunk)?;
        if self.is_remote {
            if self.book.indexing().is_some() {
                // Nobody is there who could cancel it; the index ends by itself.
                let ask = Ask { until: Instant::now() + LONG, cancel: &Cancel::new() };
                let _ = self.book.wait(wanted.page, wanted.is_in_order, ask);
            }
            return fetch_and_decode(self, chunk, buffer);
        }
        let result = self.book.read(&wanted, buffer);
        self.result(chunk, result, wanted.page)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut all = self.found.all();
        if let Some(indexing) = self.book.indexing() {
            // What is met by now of pages that are still looked up.
            let (progress, volume) = (indexing.progress(), &self.book.volumes()[0]);
            all.extend(problem_of_end(&volume.file, &progress.end, progress.num_pages));
            if let Some(why) = progress.failure {
                let text = format!("the pages after {} could not be looked up: {why}", progress.num_pages);
                all.push(Problem::of(codes::UNREADABLE, Severity::Error, &self.info.location, text));
            }
        }
        all
    }

    fn files(&self) -> Vec<Location> {
        self.book.volumes().iter().map(|volume| volume.file.store.location(&volume.file.name)).collect()
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        if let Some(times) = &self.stack.times_s {
            return Some(times.to_vec());
        }
        let (_, options) = self.place.as_ref()?;
        times::of_pages(&self.book, &self.stack, options)
    }

    fn forget_failures(&self) {
        self.found.forget();
        if let Some(indexing) = self.book.indexing() {
            indexing.try_again();
        }
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        // A page that is waited for is fetched, wherever it lies: waiting can be cancelled, and keeps no thread from
        // decoding others.
        (self.is_remote || self.book.indexing().is_some()).then_some(self)
    }
}

impl Fetching for TiffSource {
    fn max_fetched_bytes(&self, chunk: &Chunk) -> usize {
        self.wanted(chunk).map_or(0, |wanted| self.book.max_bytes(&wanted))
    }

    fn fetch(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        // What has no page has nothing to fetch; decoding says why.
        let Ok(wanted) = self.wanted(chunk) else { return Ok(Fetched::default()) };
        let fetched = self.book.fetch(&wanted, Ask { until, cancel });
        if let Err(FetchError::Lasting(error)) = &fetched
            && !cancel.is_cancelled()
        {
            self.found.note(error);
        }
        fetched
    }

    fn decode(&self, chunk: &Chunk, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let wanted = self.wanted(chunk)?;
        let result = self.book.decode(&wanted, fetched, buffer);
        self.result(chunk, result, wanted.page)
    }
}

/// So long nobody waits.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Rows and columns of a chunk: whole strips or tiles, near the bytes that are aimed at.
fn cell_of(layout: &Layout) -> [usize; 2] {
    let item = layout.interleaved() * layout.dtype.num_bytes();
    let bytes = |rows: usize, columns: usize| rows.saturating_mul(columns).saturating_mul(item);
    if bytes(layout.height, layout.width) <= CHUNK_BYTES {
        return [layout.height, layout.width];
    }
    let [mut rows, mut columns] = layout.piece;
    if !layout.is_tiled {
        let row_bytes = bytes(1, layout.width).max(1);
        if layout.is_plain() {
            // What is not compressed can be cut anywhere.
            rows = (CHUNK_BYTES / row_bytes).clamp(1, layout.height);
        } else {
            rows = rows.saturating_mul((CHUNK_BYTES / row_bytes / rows.max(1)).max(1));
        }
        return [rows.min(layout.height), layout.width];
    }
    let fits = ((CHUNK_BYTES / bytes(rows, columns).max(1)) as f64).sqrt().floor().max(1.0) as usize;
    (rows, columns) = (rows.saturating_mul(fits), columns.saturating_mul(fits));
    [rows.min(layout.height), columns.min(layout.width)]
}

fn name_of(location: &Location) -> String {
    let name = location.short();
    let lower = name.to_ascii_lowercase();
    let ending = [".ome.tiff", ".ome.tif", ".ome.btf", ".tiff", ".tif", ".btf", ".tf8"];
    let len =
        ending.iter().find(|ending| lower.ends_with(*ending) && lower.len() > ending.len()).map_or(0, |end| end.len());
    name[..name.len() - len].to_owned()
}

fn voxel_size(stack: &Stack, letters: &[char]) -> Option<VoxelSize> {
    let [z, y, x] = stack.spacing_um.map(|um| um.filter(|um| um.is_finite() && *um > 0.0));
    let has_depth = letters.contains(&'Z');
    // Without planes their distance means nothing.
    let z_um = if has_depth { z? } else { z.or(y)? };
    Some(VoxelSize { z_um, y_um: y?, x_um: x? })
}

fn facts(book: &Book, stack: &Stack) -> Vec<(String, String)> {
    let layout = &stack.layout;
    let num_files = book.volumes().len();
    let mut facts = vec![("Pages".to_owned(), format!("{}", stack.frames.len()))];
    if book.indexing().is_some() {
        let found: usize = book.volumes().iter().map(|volume| volume.index.pages.len()).sum();
        facts.push(("Pages looked up".to_owned(), format!("{found} by now, the others behind everything else")));
    }
    if num_files > 1 {
        facts.push(("Files".to_owned(), num_files.to_string()));
    }
    let pieces = match layout.is_tiled {
        true => format!("tiles of {} × {}", layout.piece[0], layout.piece[1]),
        false if layout.piece[0] >= layout.height => "one strip a page".to_owned(),
        false => format!("strips of {} rows", layout.piece[0]),
    };
    let how =
        if layout.compression == Compression::None { "not compressed".into() } else { layout.compression_in_words() };
    facts.push(("Stored".to_owned(), format!("{how}, {pieces}")));
    if layout.bits != layout.dtype.num_bytes() * 8 && layout.dtype != DType::Bool {
        facts.push(("Bits".to_owned(), layout.bits.to_string()));
    }
    facts.extend(stack.facts.iter().cloned());
    facts
}

/// What is wrong with the files, as far as their pages tell.
fn problems_of(book: &Book, stack: &Stack, location: &Location) -> Vec<Problem> {
    let mut problems: Vec<Problem> = stack
        .problems
        .iter()
        .map(|(code, severity, text)| Problem::of(code, *severity, location, text.clone()))
        .collect();
    let ends = book.volumes().iter().map(|volume| (&volume.file, &volume.index));
    problems.extend(ends.filter_map(|(file, index)| problem_of_end(file, &index.end, index.pages.len())));
    problems
}

/// What is wrong with where the chain of a file's pages ended.
fn problem_of_end(file: &TiffFile, end: &End, num_pages: usize) -> Option<Problem> {
    let text = match end {
        End::Open | End::Last => return None,
        End::Beyond => "not complete: the file ends before its next page".to_owned(),
        End::Damaged(why) => format!("the pages after {num_pages} are lost: {why}"),
    };
    Some(Problem::of(codes::UNWRITTEN, Severity::Error, &file.store.location(&file.name), text))
}
