//! The pages of a TIFF file: the chain of its directories, followed to its end, and where the data of each
//! page lie. Directories at even distances are read many at once, so that a file far away, too, is indexed in
//! a few round trips; each is still checked to be the one its predecessor names.

use std::collections::HashSet;
use std::time::Instant;

use super::ifd::{Ask, Directory, TiffFile, Window};
use super::layout::{Compression, Layout, STRIP_COUNTS, STRIP_OFFSETS, TILE_COUNTS, TILE_OFFSETS};
use crate::format::hdf5::check_chunk_bytes;
use crate::format::{Cancel, FetchError, FormatError, store};

/// Pages beyond this are left out, and said to be.
pub const MAX_PAGES: usize = 4 << 20;

/// Directories read at once, where they lie at even distances: of a disk, which reads them one after the other,
/// few enough that somebody who waits or gives up is soon heard.
const MAX_BATCH: usize = 64;
/// The same of what is fetched from afar, all in one round trip.
const MAX_BATCH_AFAR: usize = 256;

/// Bytes of a list of strips or tiles that are believed.
const MAX_LIST_BYTES: u64 = 256 << 20;

/// One page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where its directory is.
    pub at: u64,
    /// Position of its layout in [`Index::layouts`].
    pub layout: u32,
    /// Where its data are.
    pub data: Data,
}

/// Where the data of a page are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// In one piece, of so many bytes from here on.
    At(u64, u64),
    /// In strips or tiles that the directory lists.
    Listed,
}

/// Where the chain of directories ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Not yet followed to its end.
    Open,
    /// After the last page.
    Last,
    /// It leads beyond the end of the file: cut off, or being written.
    Beyond,
    /// It makes no sense from here on.
    Damaged(String),
}

/// The pages of a file, as far as its chain was followed.
#[derive(Clone, Debug)]
pub struct Index {
    /// In the order of the chain.
    pub pages: Vec<Page>,
    /// How their pictures are stored, each kind once; or why they cannot be read.
    pub layouts: Vec<Result<Layout, String>>,
    /// Where the next directory is said to be.
    pub next: u64,
    /// Where that is written: there the chain goes on when the file grows.
    pub next_at: u64,
    /// How it ended.
    pub end: End,
}

impl Index {
    /// Of a file whose chain was not followed yet.
    pub fn begun(file: &TiffFile) -> Self {
        Self { next: file.header.first, end: End::Open, ..Self::empty() }
    }

    /// Without pages.
    pub fn empty() -> Self {
        Self { pages: Vec::new(), layouts: Vec::new(), next: 0, next_at: 0, end: End::Last }
    }

    /// Adds the page whose directory is at a place, or one that says why there is none.
    ///
    /// # Errors
    /// What kept it from being read.
    pub fn add(&mut self, file: &TiffFile, at: u64, ask: Ask<'_>) -> Result<(), FetchError> {
        let (layout, data) = match file.directory(at, ask)? {
            Err(why) => (Err(why), Data::Listed),
            Ok(directory) => {
                let layout = Layout::of(file, &directory, ask)?;
                let data = layout.as_ref().map_or(Data::Listed, |layout| data_at_hand(file, &directory, layout));
                (layout, data)
            }
        };
        self.push(at, layout, data);
        Ok(())
    }

    fn push(&mut self, at: u64, layout: Result<Layout, String>, data: Data) {
        let layout = layout.and_then(|layout| check(&layout).map(|()| layout));
        let known = self.pages.last().map(|page| page.layout as usize).filter(|last| self.layouts[*last] == layout);
        let known = known.or_else(|| self.layouts.iter().position(|known| *known == layout));
        let layout = known.unwrap_or_else(|| {
            self.layouts.push(layout);
            self.layouts.len() - 1
        });
        self.pages.push(Page { at, layout: layout as u32, data });
    }

    /// Goes on from where the chain ended, in a file that has grown.
    ///
    /// # Errors
    /// As [`Index::follow`].
    pub fn go_on(&mut self, file: &TiffFile, cancel: &Cancel) -> Result<(), FormatError> {
        let len = if file.header.is_big { 8 } else { 4 };
        let bytes = store::tried(&*file.store, &file.name, cancel, &mut |until| {
            file.range(self.next_at..self.next_at + len, Ask { until, cancel })
        })?;
        self.next = file.header.number(&bytes, 0, len as usize).unwrap_or_default();
        self.end = End::Open;
        self.follow(file, None, cancel)
    }

    /// Follows the chain to its end, or until a moment, though not before there is a page. Blocks.
    ///
    /// # Errors
    /// When the file could not be read, or nobody wants it any more.
    pub fn follow(&mut self, file: &TiffFile, until: Option<Instant>, cancel: &Cancel) -> Result<(), FormatError> {
        let mut seen = self.seen();
        while self.end == End::Open && (self.pages.is_empty() || until.is_none_or(|until| Instant::now() < until)) {
            let further = further(file, &self.expected(file), cancel)?;
            self.take_in(further, &mut seen);
        }
        Ok(())
    }

    /// Where its directories are: one that is met again leads in a ring.
    pub fn seen(&self) -> HashSet<u64> {
        self.pages.iter().map(|page| page.at).collect()
    }

    /// The places where the next directories are if they go on at even distances; the first is certain.
    pub fn expected(&self, file: &TiffFile) -> Vec<u64> {
        let mut places = vec![self.next];
        let [.., before, last] = &self.pages[..] else { return places };
        let step = last.at.saturating_sub(before.at);
        if step > 0 && last.at.checked_add(step) == Some(self.next) {
            // As many as came as expected until now: a guess that fails has cost little.
            let most = if file.store.is_remote() { MAX_BATCH_AFAR } else { MAX_BATCH };
            let num = most.min(self.pages.len());
            let further = (1..num as u64).map_while(|i| self.next.checked_add(step.checked_mul(i)?));
            places.extend(further.take_while(|at| *at < file.num_bytes));
        }
        places
    }

    /// Takes in what was found where the chain goes on.
    pub fn take_in(&mut self, further: Further, seen: &mut HashSet<u64>) {
        for step in further.steps {
            if !seen.insert(step.at) {
                self.end = End::Damaged("its pages lead back to an earlier one".into());
                return;
            }
            self.push(step.at, step.layout, step.data);
            (self.next, self.next_at) = (step.next, step.next_at);
            if self.pages.len() >= MAX_PAGES && self.next != 0 {
                self.end = End::Damaged(format!("has more than {MAX_PAGES} pages; the others are left out"));
                return;
            }
            if self.layouts.len() > MAX_LAYOUTS {
                self.end = End::Damaged("hardly two of its pages are stored alike".into());
                return;
            }
        }
        if let Some(end) = further.end {
            self.end = end;
        }
    }

    /// The layout of a page, or why it cannot be read.
    pub fn layout(&self, page: &Page) -> Result<&Layout, &String> {
        self.layouts[page.layout as usize].as_ref()
    }

    /// Pages that lie one behind the other from where the first page's data are, without directories of their
    /// own. Only where the first page is stored in one piece.
    pub fn continued(&self, num_pages: usize) -> Option<Vec<Page>> {
        let first = *self.pages.first()?;
        let layout = self.layout(&first).ok()?;
        let Data::At(start, _) = first.data else { return None };
        if layout.compression != Compression::None || layout.num_planes() != 1 || layout.is_tiled {
            return None;
        }
        let len = layout.plane_bytes();
        let page = |i: usize| Page { data: Data::At(start.saturating_add(len.saturating_mul(i as u64)), len), ..first };
        Some((0..num_pages.min(MAX_PAGES)).map(page).collect())
    }
}

/// What was found where a chain goes on.
#[derive(Default)]
pub struct Further {
    /// Pages, in the order of the chain.
    steps: Vec<Step>,
    /// How it ended behind them, where it did.
    end: Option<End>,
}

/// A page as it was found.
struct Step {
    at: u64,
    layout: Result<Layout, String>,
    data: Data,
    next: u64,
    next_at: u64,
}

/// Reads the directories at places where they are expected, as far as the chain leads to them. Blocks.
///
/// # Errors
/// When the file could not be read, or nobody wants it any more.
pub fn further(file: &TiffFile, places: &[u64], cancel: &Cancel) -> Result<Further, FormatError> {
    if cancel.is_cancelled() {
        return Err(FormatError::cancelled(file.store.location(&file.name)));
    }
    store::tried(&*file.store, &file.name, cancel, &mut |until| look_ahead(file, places, Ask { until, cancel }))
}

fn look_ahead(file: &TiffFile, places: &[u64], ask: Ask<'_>) -> Result<Further, FetchError> {
    let mut found = Further::default();
    let Some(mut next) = places.first().copied() else { return Ok(found) };
    let end_at = |next: u64| match next {
        0 => Some(End::Last),
        next if next >= file.num_bytes => Some(End::Beyond),
        _ => None,
    };
    found.end = end_at(next);
    if found.end.is_some() {
        return Ok(found);
    }
    let ranges: Vec<_> = places.iter().map(|at| file.window(*at)).collect();
    for (&at, bytes) in places.iter().zip(file.ranges(&ranges, ask)?) {
        if at != next || found.end.is_some() {
            break;
        }
        let directory = match file.directory_in(Window { at, bytes }, ask)? {
            Ok(directory) => directory,
            Err(why) => {
                found.end = Some(End::Damaged(why));
                break;
            }
        };
        let layout = Layout::of(file, &directory, ask)?;
        let data = layout.as_ref().map_or(Data::Listed, |layout| data_at_hand(file, &directory, layout));
        next = directory.next;
        found.steps.push(Step { at, layout, data, next, next_at: directory.next_at });
        found.end = end_at(next);
    }
    Ok(found)
}

/// Kinds of pages of one file; a file of more is no recording.
const MAX_LAYOUTS: usize = 1024;

/// Whether a strip or tile, where it has to be decoded whole, is of a size that can be.
fn check(layout: &Layout) -> Result<(), String> {
    if layout.is_plain() && !layout.is_tiled {
        return Ok(());
    }
    let bytes = layout.piece[0].saturating_mul(layout.row_bytes(layout.piece[1]));
    let shown = layout.piece[0].saturating_mul(layout.piece[1] * layout.interleaved() * layout.dtype.num_bytes());
    check_chunk_bytes(bytes.max(shown))
}

/// Where the data of a page are, if all of it is said in the directory itself and they lie in one piece.
fn data_at_hand(file: &TiffFile, directory: &Directory, layout: &Layout) -> Data {
    let [down, across] = layout.num_pieces();
    let num = down.saturating_mul(across).saturating_mul(layout.num_planes());
    let can_join = layout.is_plain() && !layout.is_tiled && !layout.is_planar;
    if num != 1 && !can_join {
        return Data::Listed;
    }
    let (offsets, counts) = if layout.is_tiled { (TILE_OFFSETS, TILE_COUNTS) } else { (STRIP_OFFSETS, STRIP_COUNTS) };
    let Some(offsets) = file.value_at_hand(directory, offsets).map(|value| value.numbers()) else {
        return Data::Listed;
    };
    let counts = match file.value_at_hand(directory, counts) {
        Some(counts) => counts.numbers(),
        // Written by some for what is not compressed.
        None if directory.entry(counts).is_none() && num == 1 && layout.is_plain() => vec![layout.plane_bytes()],
        None => return Data::Listed,
    };
    if offsets.len() != num || counts.len() != num {
        return Data::Listed;
    }
    let follow = offsets.windows(2).zip(&counts).all(|(pair, count)| pair[0].checked_add(*count) == Some(pair[1]));
    let sum = counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    // Strips that are shorter or longer than their rows are looked at one by one.
    if num > 1 && !(follow && offsets[0] > 0 && sum == layout.plane_bytes() && rows_fit(layout, &counts)) {
        return Data::Listed;
    }
    Data::At(offsets[0], sum)
}

fn rows_fit(layout: &Layout, counts: &[u64]) -> bool {
    let whole = (layout.piece[0] * layout.row_bytes(layout.width)) as u64;
    counts[..counts.len() - 1].iter().all(|count| *count == whole)
}

/// Where the strips or tiles of a page are and how many bytes each has, in the order of the file.
pub struct Listed {
    /// Places.
    pub offsets: Vec<u64>,
    /// Bytes.
    pub counts: Vec<u64>,
}

impl Listed {
    /// Reads the lists of a page.
    ///
    /// # Errors
    /// What kept them from being read; inside, what is wrong with them.
    pub fn of(file: &TiffFile, page: &Page, layout: &Layout, ask: Ask<'_>) -> Result<Result<Self, String>, FetchError> {
        let directory = match file.directory(page.at, ask)? {
            Ok(directory) => directory,
            Err(why) => return Ok(Err(why)),
        };
        let [down, across] = layout.num_pieces();
        let num = down.saturating_mul(across).saturating_mul(layout.num_planes());
        if num as u64 > MAX_LIST_BYTES / 8 {
            return Ok(Err(format!("a page of {num} strips or tiles makes no sense")));
        }
        let (at, len) = if layout.is_tiled { (TILE_OFFSETS, TILE_COUNTS) } else { (STRIP_OFFSETS, STRIP_COUNTS) };
        let numbers = |tag: u16| -> Result<Vec<u64>, FetchError> {
            Ok(file.value(&directory, tag, MAX_LIST_BYTES, ask)?.map_or_else(Vec::new, |value| value.numbers()))
        };
        let (offsets, mut counts) = (numbers(at)?, numbers(len)?);
        if counts.is_empty() && directory.entry(len).is_none() && layout.is_plain() {
            let whole = layout.piece[0] as u64 * layout.row_bytes(layout.piece[1]) as u64;
            counts = vec![whole; num];
        }
        if offsets.len() < num || counts.len() < num {
            let have = offsets.len().min(counts.len());
            return Ok(Err(format!("its directory lists {have} of {num} strips or tiles")));
        }
        Ok(Ok(Self { offsets, counts }))
    }

    /// Memory held.
    pub fn num_bytes(&self) -> usize {
        (self.offsets.capacity() + self.counts.capacity()) * 8
    }
}
