//! Pages that are looked up while the recording is open already, over a file that is slow, breaks, or goes.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use super::ifd::Header;
use super::open::open_within;
use super::{files, numbers};
use crate::format::store::{ByteStore, LocalStore, ObjectInfo, Seen};
use crate::format::{
    Cancel, Chunk, FetchError, Filled, Growing, OpenOptions, Opened, ReadError, ReadErrorKind, Refresh, Source,
};
use crate::volume::{Location, Region};

#[path = "../../../tests/common/tiff.rs"]
#[allow(clippy::duplicate_mod)]
mod tiff_writer;
use tiff_writer::{Kind, Writer};

const SOON: Duration = Duration::from_secs(20);

/// A file or folder whose bytes beyond a place do not come until they are let through.
struct Slow {
    inner: LocalStore,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    open_to: u64,
    is_broken: bool,
    /// Reads of each file, and after how many it has gone.
    reads: HashMap<String, usize>,
    goes_after: HashMap<String, usize>,
}

impl Slow {
    fn of(path: &Path, open_to: u64) -> Arc<Self> {
        let state = State { open_to, is_broken: false, reads: HashMap::new(), goes_after: HashMap::new() };
        Arc::new(Self { inner: LocalStore::new(path), state: Mutex::new(state), changed: Condvar::new() })
    }

    fn open_to(&self, place: u64) {
        self.state.lock().open_to = place;
        self.changed.notify_all();
    }

    fn set_broken(&self, is_broken: bool) {
        self.state.lock().is_broken = is_broken;
        self.changed.notify_all();
    }
}

impl ByteStore for Slow {
    fn location(&self, name: &str) -> Location {
        self.inner.location(name)
    }

    fn head(&self, name: &str, until: Instant, cancel: &Cancel) -> Result<Option<ObjectInfo>, FetchError> {
        self.inner.head(name, until, cancel)
    }

    fn ranges(
        &self,
        name: &str,
        ranges: &[Range<u64>],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Vec<Vec<u8>>>, FetchError> {
        let mut state = self.state.lock();
        let reads = state.reads.entry(name.to_owned()).or_default();
        *reads += 1;
        let reads = *reads;
        if state.goes_after.get(name).is_some_and(|most| reads > *most) {
            return Ok(None);
        }
        while ranges.iter().any(|range| range.start >= state.open_to) {
            let error = |message: &str| ReadError::new(ReadErrorKind::Io, self.location(name), message);
            if state.is_broken {
                return Err(FetchError::Lasting(error("the disk is broken")));
            }
            if cancel.is_cancelled() || Instant::now() > until {
                return Err(FetchError::Passing { error: error("too late"), after: None });
            }
            self.changed.wait_for(&mut state, Duration::from_millis(5));
        }
        drop(state);
        self.inner.ranges(name, ranges, until, cancel)
    }

    fn fill(
        &self,
        name: &str,
        wanted: &mut [(u64, &mut [u8])],
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Seen>, FetchError> {
        self.inner.fill(name, wanted, until, cancel)
    }

    fn whole(&self, name: &str, max: u64, until: Instant, cancel: &Cancel) -> Result<Option<Vec<u8>>, FetchError> {
        self.inner.whole(name, max, until, cancel)
    }

    fn list(&self, folder: &str, until: Instant, cancel: &Cancel) -> Result<Option<Vec<String>>, FetchError> {
        self.inner.list(folder, until, cancel)
    }

    fn is_remote(&self) -> bool {
        false
    }
}

/// The voxel at the beginning of a page.
fn value(page: usize) -> u16 {
    (page * 3 + 1) as u16
}

/// A file of pages of 2 × 3 voxels, written long ago, and where each page begins.
struct Pages {
    folder: tempfile::TempDir,
    writer: Writer,
    places: Vec<u64>,
}

impl Pages {
    fn new(num: usize, description: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut pages = Self { folder, writer: Writer::new(Kind::PLAIN), places: Vec::new() };
        (0..num).for_each(|i| pages.add(if i == 0 { description } else { "" }));
        pages.write();
        pages
    }

    fn add(&mut self, description: &str) {
        let number = self.places.len();
        self.places.push(self.writer.bytes.len() as u64);
        let bytes: Vec<u8> = (0..6).flat_map(|voxel| (value(number) + voxel).to_le_bytes()).collect();
        self.writer.page(2, 3, &bytes, description);
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("pages.tif")
    }

    fn write(&self) {
        self.writer.write_on(&self.path());
        let file = std::fs::File::options().write(true).open(self.path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }

    /// Opened with the first page alone, the others behind `open_pages` held back.
    fn open(&self, open_pages: usize, options: &OpenOptions) -> (Opened, Arc<Slow>) {
        let end = self.places.get(open_pages).copied().unwrap_or(u64::MAX);
        let slow = Slow::of(&self.path(), end);
        let store: Arc<dyn ByteStore> = Arc::clone(&slow) as _;
        let header = Header::of(&self.writer.bytes[..16]).unwrap();
        let opened = open_within(&self.path().into(), store, header, Some(Duration::ZERO), options);
        (opened.unwrap_or_else(|error| panic!("{error}")), slow)
    }
}

fn chunks(source: &dyn Source) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    source.chunks(&Region::whole(&source.info().shape), &mut chunks);
    chunks
}

fn read(source: &dyn Source, page: usize) -> Result<u16, ReadError> {
    let mut buffer = [0; 12];
    let filled = source.read(&chunks(source)[page], &mut buffer)?;
    assert_eq!(filled, Filled::All);
    Ok(u16::from_le_bytes([buffer[0], buffer[1]]))
}

/// What looking again finds, as soon as it finds something.
fn next(growing: &dyn Growing) -> (Arc<dyn Growing>, Vec<Range<u64>>) {
    let begin = Instant::now();
    while begin.elapsed() < SOON {
        match growing.refresh(&[]).unwrap_or_else(|error| panic!("{error}")) {
            Refresh::Changed { source, stale } => return (source, stale),
            Refresh::Unchanged => std::thread::sleep(Duration::from_millis(5)),
            Refresh::Replaced(_) => panic!("another one"),
            Refresh::Gone(why) => panic!("{why}"),
        }
    }
    panic!("nothing new");
}

/// The state in which nothing is looked up any more.
fn last(growing: &Arc<dyn Growing>) -> Arc<dyn Growing> {
    let mut growing = Arc::clone(growing);
    while growing.searching().is_some() || growing.fetching().is_some() {
        growing = next(growing.as_ref()).0;
    }
    growing
}

fn hyperstack(num: usize) -> String {
    format!("ImageJ=1.53t\nimages={num}\nframes={}\nslices=4\nhyperstack=true\n", num / 4)
}

#[test]
fn a_recording_whose_pages_are_not_known_yet_has_its_extent_and_a_read_waits() {
    let (pages, cache) = (Pages::new(1200, &hyperstack(1200)), tempfile::tempdir().unwrap());
    let options = OpenOptions { cache: Some(cache.path().to_owned()), ..OpenOptions::default() };
    let (opened, slow) = pages.open(500, &options);
    let source = Arc::clone(&opened.source);
    assert_eq!(source.info().shape.dims(), [300, 4, 2, 3]);
    assert!(source.info().facts.iter().any(|(label, _)| label == "Pages looked up"), "{:?}", source.info().facts);
    assert_eq!(read(source.as_ref(), 20).unwrap(), value(20));
    // Nobody writes; the newest timepoint is the last.
    let growing = opened.growing.as_ref().unwrap();
    assert!(growing.growth().is_finished && growing.growth().writing.is_none());
    assert_eq!(growing.growth().newest_readable, Some(299));
    assert!(growing.searching().is_some_and(|text| text.ends_with("of 1200")));
    // In vain at first, cancelled, and then until it is there.
    let (late, fetching) = (chunks(source.as_ref())[900], source.fetching().unwrap());
    let short = fetching.fetch(&late, Instant::now() + Duration::from_millis(30), &Cancel::new());
    let Err(FetchError::Passing { error, .. }) = short else { panic!("{short:?}") };
    assert!(error.message.contains("still being looked up"), "{error}");
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fetching.fetch(&late, Instant::now() + SOON, &cancel));
        cancel.cancel();
        assert!(waiting.join().unwrap().is_err());
        let reading = scope.spawn(|| read(source.as_ref(), 1100));
        std::thread::sleep(Duration::from_millis(30));
        assert!(!reading.is_finished());
        slow.open_to(u64::MAX);
        assert_eq!(reading.join().unwrap().unwrap(), value(1100));
    });
    // What failed meanwhile is tried again; the array is as it was.
    let (whole, mut stale) = next(growing.as_ref());
    let mut now = Arc::clone(&whole);
    while now.fetching().is_some() {
        let (later, more) = next(now.as_ref());
        (now, _) = (later, stale.extend(more));
    }
    assert_eq!(stale, [late.index..late.index + 1]);
    assert_eq!((now.info().shape, now.problems().len()), (source.info().shape, source.problems().len()));
    assert!((0..1200).all(|page| read(now.as_ref(), page).unwrap() == value(page)));
    assert!(matches!(now.refresh(&[]), Ok(Refresh::Unchanged)));
    // Kept: the next opening needs one page.
    let (again, _) = pages.open(1, &options);
    assert!(again.growing.is_some_and(|growing| growing.searching().is_none()));
    assert_eq!(read(again.source.as_ref(), 1199).unwrap(), value(1199));
}

#[test]
fn pages_that_are_not_known_yet_are_not_read_again_when_others_come() {
    let pages = Pages::new(1200, &hyperstack(1200));
    let (opened, slow) = pages.open(500, &OpenOptions::default());
    let (source, mut now) = (opened.source, opened.growing.unwrap());
    let chunks = chunks(source.as_ref());
    let mut told = Vec::new();
    for late in [900, 1100] {
        let soon = Instant::now() + Duration::from_millis(30);
        assert!(source.fetching().unwrap().fetch(&chunks[late], soon, &Cancel::new()).is_err());
        slow.open_to(pages.places[late + 50]);
        let (later, stale) = next(now.as_ref());
        assert!(later.searching().is_some(), "{:?}", later.searching());
        told.extend(stale);
        now = later;
        assert_eq!(read(now.as_ref(), late).unwrap(), value(late));
    }
    slow.open_to(u64::MAX);
    while now.fetching().is_some() {
        let (later, stale) = next(now.as_ref());
        told.extend(stale);
        now = later;
    }
    assert_eq!(told, [900, 1100].map(|late| chunks[late].index..chunks[late].index + 1));
}

#[test]
fn where_nothing_tells_how_many_pages_there_are_more_come_though_nobody_writes() {
    let pages = Pages::new(900, "");
    let (opened, slow) = pages.open(40, &OpenOptions::default());
    let mut growing = opened.growing.unwrap();
    let axes = growing.info().axes_in_letters();
    assert_eq!(axes, "tyx", "by what the file has room for");
    let mut lengths = vec![growing.info().shape.dims()[0]];
    for open_pages in [100, 300, 900] {
        slow.open_to(pages.places.get(open_pages).copied().unwrap_or(u64::MAX));
        growing = next(growing.as_ref()).0;
        lengths.push(growing.info().shape.dims()[0]);
        assert_eq!((growing.info().axes_in_letters(), growing.growth().is_finished), (axes.clone(), true));
    }
    growing = last(&growing);
    lengths.push(growing.info().shape.dims()[0]);
    assert!(lengths[0] < 40 && lengths.is_sorted(), "{lengths:?}");
    assert_eq!(*lengths.last().unwrap(), 900);
    assert!((0..900).all(|page| read(growing.as_ref(), page).unwrap() == value(page)));
    assert!(growing.problems().iter().all(|problem| problem.message.contains("taken for")), "{:?}", growing.problems());
}

#[test]
fn nobody_looks_further_when_the_recording_is_closed() {
    let pages = Pages::new(300, "");
    let (opened, slow) = pages.open(40, &OpenOptions::default());
    drop(opened);
    let begin = Instant::now();
    while Arc::strong_count(&slow) > 1 {
        assert!(begin.elapsed() < SOON, "the thread goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_chain_that_is_damaged_late_keeps_what_was_found_and_says_so() {
    for description in [hyperstack(400), String::new()] {
        let mut pages = Pages::new(400, &description);
        // The link of page 299 leads into the header, to a directory of no entries.
        let next = (pages.places[300] as u32 + 12).to_le_bytes();
        let link = pages.writer.bytes.windows(4).position(|window| window == next).unwrap();
        pages.writer.bytes[link..link + 4].copy_from_slice(&6u32.to_le_bytes());
        std::fs::write(pages.path(), &pages.writer.bytes).unwrap();
        let (opened, slow) = pages.open(40, &OpenOptions::default());
        let (source, first) = (opened.source, opened.growing.unwrap());
        let shape = source.info().shape;
        slow.open_to(u64::MAX);
        let whole = last(&first);
        assert_eq!(read(whole.as_ref(), 299).unwrap(), value(299));
        let words: Vec<String> = whole.problems().iter().map(|problem| problem.message.clone()).collect();
        assert!(words.iter().any(|word| word.starts_with("the pages after 300 are lost")), "{words:?}");
        assert!(source.problems().iter().any(|problem| problem.message.starts_with("the pages after 300 are lost")));
        if description.is_empty() {
            assert_eq!(whole.info().shape.dims()[0], 300);
            continue;
        }
        assert_eq!(whole.info().shape, shape, "what was there stays");
        assert_eq!(read(whole.as_ref(), 300).unwrap_err().kind, ReadErrorKind::Missing);
        assert_eq!(read(source.as_ref(), 300).unwrap_err().kind, ReadErrorKind::Missing);
        assert!(words.iter().any(|word| word.contains("says that it has 400 pages; 300 were found")), "{words:?}");
    }
}

#[test]
fn a_disk_that_fails_meanwhile_is_named_and_tried_again() {
    let pages = Pages::new(400, &hyperstack(400));
    let (opened, slow) = pages.open(100, &OpenOptions::default());
    let source = opened.source;
    slow.set_broken(true);
    let error = read(source.as_ref(), 350).unwrap_err();
    assert!(error.message.contains("the disk is broken") && error.kind == ReadErrorKind::Io, "{error}");
    assert!(source.problems().iter().any(|problem| problem.message.contains("could not be looked up")));
    assert_eq!(read(source.as_ref(), 50).unwrap(), value(50));
    slow.set_broken(false);
    slow.open_to(u64::MAX);
    source.forget_failures();
    assert_eq!(read(source.as_ref(), 350).unwrap(), value(350));
    let stale = next(opened.growing.unwrap().as_ref()).1;
    assert!(stale.contains(&(350..351)), "what has failed is tried again: {stale:?}");
    assert!(source.problems().iter().all(|problem| !problem.message.contains("could not be looked up")));
}

#[test]
fn a_file_that_grows_while_its_pages_are_looked_up_is_followed_afterwards() {
    let mut pages = Pages::new(200, "");
    let (opened, slow) = pages.open(40, &OpenOptions::default());
    (0..30).for_each(|_| pages.add(""));
    pages.write();
    slow.open_to(u64::MAX);
    let mut growing = last(&opened.growing.unwrap());
    while growing.info().shape.dims()[0] < 230 {
        growing = next(growing.as_ref()).0;
    }
    assert!((0..230).all(|page| read(growing.as_ref(), page).unwrap() == value(page)));
}

#[test]
fn pages_of_another_kind_move_none_to_a_wrong_place() {
    let mut pages = Pages::new(100, &hyperstack(200));
    // A small picture among them: those behind it are one place further in the file than in the array.
    pages.places.push(pages.writer.bytes.len() as u64);
    pages.writer.page(1, 1, &[0, 0], "");
    (0..100).for_each(|_| pages.add(""));
    pages.write();
    let (opened, slow) = pages.open(40, &OpenOptions::default());
    let source = opened.source;
    slow.open_to(pages.places[150]);
    assert_eq!(read(source.as_ref(), 60).unwrap(), value(60));
    let behind = source.fetching().unwrap().fetch(
        &chunks(source.as_ref())[140],
        Instant::now() + Duration::from_millis(200),
        &Cancel::new(),
    );
    assert!(behind.is_err(), "its place is not known yet");
    slow.open_to(u64::MAX);
    let whole = last(&opened.growing.unwrap());
    assert_eq!(read(whole.as_ref(), 99).unwrap(), value(99));
    assert_eq!(read(whole.as_ref(), 100).unwrap(), value(101), "the page behind the small picture");
}

#[test]
fn a_file_of_a_series_that_vanishes_while_it_is_opened_is_missing_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let name = |i: usize| format!("frame_{i}.tif");
    for i in 1..=4 {
        let mut writer = Writer::new(Kind::PLAIN);
        writer.page(2, 3, &[i as u8; 12], "");
        std::fs::write(folder.path().join(name(i)), &writer.bytes).unwrap();
    }
    let open = |goes_after: &[(String, usize)]| {
        let slow = Slow::of(folder.path(), u64::MAX);
        slow.state.lock().goes_after.extend(goes_after.iter().cloned());
        let names: Vec<String> = (1..=4).map(name).collect();
        let group = numbers::numbered(&names).swap_remove(0);
        let store: Arc<dyn ByteStore> = Arc::clone(&slow) as _;
        let location = Location::from(folder.path());
        let options = OpenOptions::default();
        let opened = files::of_numbered(&location, &store, &group, &HashMap::new(), &options);
        let (book, stacks) = opened.unwrap_or_else(|error| panic!("{error}"));
        let reads = slow.state.lock().reads.clone();
        (book.volumes().len(), stacks[0].clone(), reads)
    };
    let (num, _, reads) = open(&[]);
    assert_eq!(num, 4);
    // The first one says what all of them are.
    assert!(reads[&name(1)] > reads[&name(2)] && reads[&name(2)] == reads[&name(4)], "{reads:?}");
    let (num, stack, _) = open(&[(name(1), reads[&name(2)])]);
    assert_eq!((num, stack.frames.len()), (3, 4));
    assert!(stack.absence(stack.frames[0]).is_some() && stack.absence(stack.frames[1]).is_none());
    let words: Vec<&str> = stack.problems.iter().map(|(.., text)| text.as_str()).collect();
    assert!(words.iter().any(|text| text.contains(&name(1))), "{words:?}");
}
