//! The files of a recording with their indexes, as one sequence of pages, and reading boxes of them.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::ifd::{Ask, TiffFile};
use super::index::{Data, Index, Listed, Page};
use super::indexing::Indexing;
use super::layout::Layout;
use super::packing::Memory;
use super::parts::{Box2, CUT_OFF, Lost, Part, Parts, is_direct, place, put_in_order, range_of};
use super::said::Texts;
use crate::format::hdf5::Stamp;
use crate::format::{Cancel, FetchError, Fetched, ReadError, ReadErrorKind};

/// One file and its pages.
#[derive(Clone)]
pub struct Volume {
    /// The file.
    pub file: TiffFile,
    /// Its pages.
    pub index: Arc<Index>,
    /// State of the file when it was indexed, where it is of this machine.
    pub stamp: Option<Stamp>,
    /// What stands in its first page.
    pub texts: Arc<Texts>,
    /// Whether each page has a directory.
    pub has_directories: bool,
    /// Where the pages beyond `index` come from, while these are still looked up.
    pub indexing: Option<Arc<Indexing>>,
    /// How many pages it is taken to have: those that were found, or that it says it has where the others are still
    /// looked up. What was said once stays, so that the array keeps its extent.
    pub claimed: Option<usize>,
}

impl Volume {
    /// Pages that were found, or are said to be there and still looked up.
    pub fn num_pages(&self) -> usize {
        self.index.pages.len().max(self.claimed.filter(|_| self.indexing.is_some()).unwrap_or_default())
    }

    /// A page and how it is stored, where it was found.
    fn page(&self, number: usize) -> Option<(Page, Result<Layout, String>)> {
        match self.index.pages.get(number) {
            Some(page) => Some((*page, self.index.layouts[page.layout as usize].clone())),
            None => self.indexing.as_ref()?.page(number),
        }
    }
}

/// Files in the order of their pages.
pub struct Book {
    volumes: Vec<Volume>,
    /// Number of the first page of each.
    starts: Vec<usize>,
    /// Lists of strips and tiles that were read.
    lists: Mutex<Vec<(usize, Arc<Listed>)>>,
}

/// Memory for lists that are kept: the pages around the one on screen.
const MAX_LIST_BYTES: usize = 16 << 20;
/// Memory that a thread keeps between reads.
const MAX_KEPT_BYTES: usize = 48 << 20;

thread_local! {
    static MEMORY: RefCell<(Memory, Vec<u8>)> = RefCell::default();
}

/// A box of the picture of a page.
pub struct Wanted<'a> {
    /// Number of the page.
    pub page: usize,
    /// How the pictures of the array are stored: those of another kind do not belong to it.
    pub like: &'a Layout,
    /// Whether its number is its place among the pages of its kind.
    pub is_in_order: bool,
    /// Which of several planes.
    pub plane: usize,
    /// The box.
    pub part: Box2,
}

/// A page that was found to be what is wanted.
struct Found<'a> {
    volume: &'a Volume,
    layout: Layout,
    parts: Parts,
}

impl Book {
    /// Of files in the order of their pages.
    pub fn new(volumes: Vec<Volume>) -> Self {
        let starts = volumes.iter().scan(0, |next, volume| {
            let start = *next;
            *next += volume.num_pages();
            Some(start)
        });
        Self { starts: starts.collect(), volumes, lists: Mutex::default() }
    }

    /// The files.
    pub fn volumes(&self) -> &[Volume] {
        &self.volumes
    }

    /// Number of the first page of each file.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The file of a page, and its number there.
    fn place(&self, number: usize) -> Option<(&Volume, usize)> {
        let at = self.starts.partition_point(|start| *start <= number).checked_sub(1)?;
        Some((&self.volumes[at], number - self.starts[at]))
    }

    /// The file and page of a number, and how that is stored; `None` where there is none, or it was not found yet.
    pub fn page(&self, number: usize) -> Option<(&Volume, Page, Result<Layout, String>)> {
        let (volume, number) = self.place(number)?;
        let (page, layout) = volume.page(number)?;
        Some((volume, page, layout))
    }

    /// Waits until a page was found, or is known not to be there.
    ///
    /// # Errors
    /// As [`Indexing::wait`].
    pub fn wait(&self, number: usize, is_in_order: bool, ask: Ask<'_>) -> Result<(), FetchError> {
        match self.place(number) {
            Some((Volume { index, indexing: Some(indexing), .. }, number)) if number >= index.pages.len() => {
                indexing.wait(number, is_in_order, ask)
            }
            _ => Ok(()),
        }
    }

    /// The file whose pages are still looked up, or were when this was made.
    pub fn indexing(&self) -> Option<&Arc<Indexing>> {
        self.volumes.iter().find_map(|volume| volume.indexing.as_ref())
    }

    fn find<'a>(&'a self, wanted: &Wanted<'a>, ask: Ask<'_>) -> Result<Found<'a>, FetchError> {
        let lasting = |error: ReadError| Err(FetchError::Lasting(error));
        self.wait(wanted.page, wanted.is_in_order, ask)?;
        let Some((volume, page, layout)) = self.page(wanted.page) else {
            let file = &self.volumes[0].file;
            return lasting(file.error(ReadErrorKind::Missing, "the file ends before this page"));
        };
        let number = wanted.page;
        let layout = match layout {
            Ok(layout) if layout.is_like(wanted.like) => layout,
            Ok(other) => {
                let text = format!(
                    "its page is {} × {} × {} {}, not {} × {} × {} {}",
                    other.height,
                    other.width,
                    other.samples,
                    other.dtype,
                    wanted.like.height,
                    wanted.like.width,
                    wanted.like.samples,
                    wanted.like.dtype
                );
                return lasting(volume.file.error(ReadErrorKind::Corrupt, text));
            }
            Err(why) => return lasting(volume.file.error(ReadErrorKind::Unsupported, why.as_str())),
        };
        let listed = match page.data {
            Data::At(..) => None,
            Data::Listed => Some(self.listed(number, volume, &page, &layout, ask)?),
        };
        let end = volume.file.num_bytes;
        let parts = Parts::of(&layout, page.data, listed.as_deref(), wanted.plane, &wanted.part, end);
        Ok(Found { volume, layout, parts })
    }

    /// The list of a page's strips or tiles.
    fn listed(
        &self,
        number: usize,
        volume: &Volume,
        page: &Page,
        layout: &Layout,
        ask: Ask<'_>,
    ) -> Result<Arc<Listed>, FetchError> {
        if let Some((_, listed)) = self.lists.lock().iter().find(|(of, _)| *of == number) {
            return Ok(Arc::clone(listed));
        }
        let listed = Listed::of(&volume.file, page, layout, ask)?;
        let corrupt = |why: String| FetchError::Lasting(volume.file.error(ReadErrorKind::Corrupt, why));
        let listed = Arc::new(listed.map_err(corrupt)?);
        let mut lists = self.lists.lock();
        lists.push((number, Arc::clone(&listed)));
        let mut held: usize = lists.iter().map(|(_, listed)| listed.num_bytes()).sum();
        while held > MAX_LIST_BYTES || lists.len() > 64 {
            held -= lists.remove(0).1.num_bytes();
        }
        Ok(listed)
    }

    /// Whether all data of a page are surely in the file. Those of a page that lists them are taken to be, unless
    /// it is the last.
    pub fn is_complete(&self, number: usize) -> bool {
        let Some((volume, page, _)) = self.page(number) else { return false };
        match page.data {
            Data::At(at, len) => at.saturating_add(len) <= volume.file.num_bytes,
            Data::Listed => self.page(number + 1).is_some_and(|(other, ..)| other.file.name == volume.file.name),
        }
    }

    /// Reads a box into `buffer`, from files of this machine, and tells what of it is not there.
    ///
    /// # Errors
    /// When nothing of it can be had.
    pub fn read(&self, wanted: &Wanted<'_>, buffer: &mut [u8]) -> Result<Vec<Lost>, ReadError> {
        let cancel = Cancel::new();
        let ask = Ask { until: Instant::now() + Duration::from_secs(3600), cancel: &cancel };
        let read = |found: &Found<'_>, buffer: &mut [u8]| {
            MEMORY.with_borrow_mut(|(memory, decoded)| {
                let result = read_parts(found, &wanted.part, buffer, memory, decoded, ask);
                memory.shrink(MAX_KEPT_BYTES);
                if decoded.capacity() > MAX_KEPT_BYTES {
                    *decoded = Vec::new();
                }
                result
            })
        };
        let found = self.find(wanted, ask).map_err(reason)?;
        let mut lost = read(&found, buffer).map_err(reason)?;
        lost.extend(found.parts.lost);
        Ok(lost)
    }

    /// The most bytes a box needs.
    pub fn max_bytes(&self, wanted: &Wanted<'_>) -> usize {
        let shown = wanted.part.rows.len() * wanted.like.row_bytes(wanted.part.columns.len());
        // Pieces at the edges are fetched whole; what is compressed may be longer than what it stands for.
        let piece = wanted.like.piece[0].saturating_mul(wanted.like.row_bytes(wanted.like.piece[1]));
        let pieces = (shown / piece.max(1)).saturating_add(4);
        shown.saturating_mul(2).saturating_add(piece.saturating_mul(2)).saturating_add(pieces.saturating_mul(65536))
    }

    /// Fetches what a box is made of.
    ///
    /// # Errors
    /// What kept it from coming.
    pub fn fetch(&self, wanted: &Wanted<'_>, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        let found = self.find(wanted, ask)?;
        let ranges: Vec<_> = found.parts.parts.iter().map(|part| part.bytes.clone()).collect();
        if ranges.is_empty() {
            return Ok(Fetched::default());
        }
        if found.volume.file.store.is_remote() {
            return Ok(Fetched { pieces: found.volume.file.ranges(&ranges, ask)? });
        }
        // Of this machine, where its page had to be waited for: the file must still be the one that is indexed.
        let mut pieces: Vec<Vec<u8>> = ranges.iter().map(|range| vec![0; (range.end - range.start) as usize]).collect();
        let starts = ranges.iter().map(|range| range.start);
        let mut targets: Vec<_> = starts.zip(pieces.iter_mut().map(Vec::as_mut_slice)).collect();
        fill(&found, &mut targets, ask)?;
        Ok(Fetched { pieces })
    }

    /// Puts together what was fetched; no more is read than a list that is no longer kept.
    ///
    /// # Errors
    /// As [`Book::read`].
    pub fn decode(&self, wanted: &Wanted<'_>, fetched: &Fetched, buffer: &mut [u8]) -> Result<Vec<Lost>, ReadError> {
        let cancel = Cancel::new();
        let ask = Ask { until: Instant::now() + Duration::from_secs(10), cancel: &cancel };
        let found = self.find(wanted, ask).map_err(reason)?;
        let mut lost = Vec::new();
        MEMORY.with_borrow_mut(|(memory, decoded)| {
            for (part, stored) in found.parts.parts.iter().zip(&fetched.pieces) {
                if let Err(why) = place(&found.layout, part, stored, &wanted.part, buffer, memory, decoded) {
                    lost.push(damaged(part, &wanted.part, why));
                }
            }
        });
        lost.extend(found.parts.lost);
        Ok(lost)
    }
}

fn reason(error: FetchError) -> ReadError {
    match error {
        FetchError::Lasting(error) | FetchError::Passing { error, .. } => error,
    }
}

fn damaged(part: &Part, wanted: &Box2, why: String) -> Lost {
    let cut = |a: &std::ops::Range<usize>, b: &std::ops::Range<usize>| a.start.max(b.start)..a.end.min(b.end);
    let what = Box2 { rows: cut(&part.holds.rows, &wanted.rows), columns: cut(&part.holds.columns, &wanted.columns) };
    Lost { what, kind: ReadErrorKind::Corrupt, why }
}

/// Reads the parts of a box, those that lie as they are wanted straight to where they belong.
fn read_parts(
    found: &Found<'_>,
    wanted: &Box2,
    buffer: &mut [u8],
    memory: &mut Memory,
    decoded: &mut Vec<u8>,
    ask: Ask<'_>,
) -> Result<Vec<Lost>, FetchError> {
    let (layout, file) = (&found.layout, &found.volume.file);
    let mut lost = Vec::new();
    if found.parts.parts.iter().all(|part| is_direct(layout, part, wanted)) {
        let mut rest = &mut *buffer;
        let (mut filled, mut targets) = (0, Vec::with_capacity(found.parts.parts.len()));
        for part in &found.parts.parts {
            let range = range_of(layout, &part.holds.rows, wanted);
            let (target, behind) =
                std::mem::take(&mut rest).split_at_mut(range.start - filled).1.split_at_mut(range.len());
            (rest, filled) = (behind, range.end);
            targets.push((part.bytes.start, target));
        }
        fill(found, &mut targets, ask)?;
        targets.into_iter().for_each(|(_, target)| put_in_order(layout, target));
        return Ok(lost);
    }
    let total: u64 = found.parts.parts.iter().map(|part| part.bytes.end - part.bytes.start).sum();
    let mut stored = std::mem::take(&mut memory.stored);
    let too_large = || FetchError::Lasting(file.error(ReadErrorKind::Unsupported, "not enough memory for its data"));
    let all = crate::codec::reuse(&mut stored, usize::try_from(total).map_err(|_| too_large())?);
    let mut rest = all.map_err(|_| too_large())?;
    let mut targets = Vec::with_capacity(found.parts.parts.len());
    for part in &found.parts.parts {
        let (target, behind) = rest.split_at_mut((part.bytes.end - part.bytes.start) as usize);
        rest = behind;
        targets.push((part.bytes.start, target));
    }
    fill(found, &mut targets, ask)?;
    for (part, (_, stored)) in found.parts.parts.iter().zip(&targets) {
        if let Err(why) = place(layout, part, stored, wanted, buffer, memory, decoded) {
            lost.push(damaged(part, wanted, why));
        }
    }
    memory.stored = stored;
    Ok(lost)
}

/// Fills buffers from a file, which must be the one that was indexed: places in another say nothing.
fn fill(found: &Found<'_>, targets: &mut [(u64, &mut [u8])], ask: Ask<'_>) -> Result<(), FetchError> {
    let Volume { file, stamp, .. } = found.volume;
    if targets.is_empty() {
        return Ok(());
    }
    let seen = match file.store.fill(&file.name, targets, ask.until, ask.cancel) {
        Ok(seen) => seen.ok_or_else(|| file.is_gone())?,
        Err(FetchError::Lasting(error)) if error.kind == ReadErrorKind::Corrupt => {
            return Err(FetchError::Lasting(file.error(ReadErrorKind::Corrupt, CUT_OFF)));
        }
        Err(error) => return Err(error),
    };
    if let (Some(now), Some(then)) = (seen.stamp, stamp) {
        let is_same = now.identity == then.identity
            && (now.num_bytes > then.num_bytes || (now.num_bytes == then.num_bytes && now.modified == then.modified));
        if !is_same {
            let text = "the file is another than when it was opened";
            return Err(FetchError::Lasting(file.error(ReadErrorKind::NotYetWritten, text)));
        }
    }
    Ok(())
}
