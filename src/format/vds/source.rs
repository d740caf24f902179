//! A virtual dataset as a recording.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::array::VirtualArray;
use super::cuts::Cuts;
use super::far::Way;
use super::slots::Slot;
use crate::format::axes::{self, Axes};
use crate::format::hdf5::Stamp;
use crate::format::{
    Cancel, Chunk, FetchError, Fetched, Fetching, Filled, FormatError, FormatErrorCode, HeldPart, OpenOptions,
    ReadError, ReadErrorCode, ReadErrorKind, Source, StoredPart, fetch_and_decode, told,
};
use crate::volume::{ArrayInfo, Location, Piece, Problem, Region, Severity, Span, codes};

/// Time that an opening takes to ask which sources are there; the rest is asked for when it is read.
const LOOK_FOR: Duration = Duration::from_millis(150);

/// Problems that are named one by one.
const MAX_PROBLEMS: usize = 1000;

/// An open virtual dataset. Holds no file open.
pub(super) struct VirtualSource {
    pub info: Arc<ArrayInfo>,
    pub array: VirtualArray,
    pub cuts: Arc<Cuts>,
    /// The axis along which it grows, or is cut up.
    pub axis: usize,
    pub is_finished: bool,
    pub options: OpenOptions,
    /// Known since opening.
    problems: Vec<Problem>,
    /// Found while reading, by file and code.
    found: Mutex<BTreeMap<(String, &'static str), Problem>>,
    /// The sources along the axis without end as this state saw them.
    pub seen: Vec<Seen>,
}

/// A source along the axis without end as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub stamp: Option<Stamp>,
    /// How many of the picked indices it held.
    pub held: usize,
    /// Of how many all was written.
    pub written: usize,
}

impl VirtualSource {
    /// Describes an open array. `before` is the state that it was in.
    ///
    /// # Errors
    /// When nothing of it is there, or the user's axes do not fit.
    pub fn new(array: VirtualArray, options: &OpenOptions, before: Option<&Self>) -> Result<Self, FormatError> {
        let path = Arc::clone(&array.path);
        let (shape, table) = (array.shape, Arc::clone(&array.table));
        let name = &table.layout.header.name;
        if shape.num_voxels().is_none_or(|num| num == 0) {
            let place = array.slots().next().map(|slot| slot.place(&array.context).display().to_string());
            let awaited = place.unwrap_or_else(|| "nothing".into());
            return Err(FormatError::new(
                &path,
                format!("{name}: nothing of its sources is there yet (the first: {awaited})"),
            ));
        }
        let growth = table.growth_axis();
        let axis = growth.unwrap_or(table.main);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut problems = Vec::new();
        let mut problem = |code, severity, message| {
            problems.push(Problem { code, severity, file: Some((&path).into()), span: None, message });
        };
        let dtype = array.dtype();
        let size = told::voxel_size(&path, name);
        let resolution = size.map(|size| size.edges());
        let hints = axes::Hints {
            names: &[&stem, name],
            dtype,
            num_blocks: 1,
            resolution: resolution.as_ref().map(<[f64; 3]>::as_slice),
        };
        // One that has grown has the axes it had, whatever its extent would suggest now.
        let known = before.map(|before| (Axes::of(&before.info), before.note_on_axes()));
        let labelled = || told::axes(&path, name, &shape).map(|axes| (axes, None));
        let guess = || known.or_else(labelled).unwrap_or_else(|| axes::guess_of_file(&shape, &hints));
        let (axes, note) = Axes::told_or(options.axes.as_deref(), &shape, guess)
            .map_err(|error| FormatError::new(&path, error).with_code(FormatErrorCode::WrongOption))?;
        if let Some(message) = note {
            problem(codes::AXES_GUESSED, Severity::Note, message);
        }
        if table.layout.is_cut {
            let text = "shorter than it says: cut off, or not all of it written yet";
            problem(codes::UNWRITTEN, Severity::Error, text.to_owned());
        }
        if let Some(message) = &array.beyond {
            problem(codes::MISSING_SOURCE, Severity::Warning, message.clone());
        }
        let cuts = match before {
            Some(before) => Arc::clone(&before.cuts),
            None => Arc::new(Cuts::new(&table, &array.parts(), axis)),
        };
        let seen = seen(&array);
        let is_finished = growth.is_none() || array.is_still();
        let info = ArrayInfo {
            axes: axes.names,
            channel_axis: axes.channel,
            held: axes.held,
            axes_from: axes.from,
            num_blocks: match growth {
                Some(axis) => shape.dims()[axis].div_ceil(piece_len(&array, axis)),
                None => table.parts.len().max(1),
            },
            facts: facts(&array),
            voxel_size: size,
            rate_hz: told::rate_hz(&path, name),
            ..ArrayInfo::new(stem, &path, "HDF5 virtual dataset", shape, dtype)
        };
        let (info, options) = (Arc::new(info), options.clone());
        // What is not there is asked for anew.
        let mut found = before.map(|before| before.found.lock().clone()).unwrap_or_default();
        found.retain(|(_, code), _| *code != codes::MISSING_SOURCE);
        let found = Mutex::new(found);
        let source = Self { info, array, cuts, axis, is_finished, options, problems, found, seen };
        source.look(Some(LOOK_FOR));
        Ok(source)
    }

    fn note_on_axes(&self) -> Option<String> {
        let note = self.problems.iter().find(|problem| problem.code == codes::AXES_GUESSED);
        note.map(|problem| problem.message.clone())
    }

    /// Asks which of the sources are there, for no longer than that.
    fn look(&self, at_most: Option<Duration>) {
        let begin = Instant::now();
        if at_most.is_none() {
            self.array.context.search.look_for(self.array.slots().map(|slot| slot.file.as_path()));
        }
        let mut known: BTreeMap<&Path, bool> = BTreeMap::new();
        for slot in self.array.slots() {
            if at_most.is_some_and(|time| begin.elapsed() > time) {
                break;
            }
            let context = &self.array.context;
            // Many arrays may lie in one file.
            let is_there = match known.get(slot.file.as_path()) {
                Some(true) => true,
                _ => slot.look(context),
            };
            known.insert(&slot.file, is_there);
            if !is_there && let Err(error) = slot.open(context) {
                self.note(&error);
            }
        }
    }

    fn noted(&self, result: Result<Filled, ReadError>) -> Result<Filled, ReadError> {
        match &result {
            Ok(Filled::All) => {}
            Ok(Filled::Except(_, error)) | Err(error) => self.note(error),
        }
        result
    }

    /// Records why something could not be had, once for each file and kind.
    fn note(&self, error: &ReadError) {
        let (code, severity) = match (error.kind, error.code) {
            (ReadErrorKind::NotYetWritten, _) => return,
            (_, Some(ReadErrorCode::Gone)) => (codes::MISSING_SOURCE, Severity::Error),
            (_, Some(ReadErrorCode::Short)) => (codes::SHORT_SOURCE, Severity::Error),
            (ReadErrorKind::Missing, _) => (codes::UNWRITTEN, Severity::Error),
            (ReadErrorKind::Corrupt, _) => (codes::BAD_CHUNK, Severity::Error),
            (ReadErrorKind::Io, _) => (codes::UNREADABLE, Severity::Error),
            (ReadErrorKind::Unsupported, _) => (codes::UNSUPPORTED, Severity::Error),
        };
        let mut found = self.found.lock();
        let key = (error.file.to_string(), code);
        if found.len() >= MAX_PROBLEMS || found.contains_key(&key) {
            return;
        }
        let (file, span) = (Some(error.file.clone()), self.span_of(&error.file));
        found.insert(key, Problem { code, severity, file, span, message: error.message.to_string() });
    }

    /// What the mappings of one file cover of the axis on which the dataset is cut up.
    fn span_of(&self, file: &Location) -> Option<Span> {
        let axis = self.info.axes.get(self.axis).copied().flatten()?;
        let table = &self.array.table;
        let is_it = |slot: &Arc<Slot>| Location::from(slot.place(&self.array.context)) == *file;
        let parts = table.parts.iter().filter(|part| is_it(&table.slots[part.slot]));
        let ranges = parts.map(|part| [part.bounds.start()[self.axis], part.bounds.stop()[self.axis]]);
        let ranges: Vec<[usize; 2]> = ranges.take(2).collect();
        let [[from, to]] = ranges[..] else { return None };
        Some(Span { axis, range: [from, to.min(self.info.shape.dims()[self.axis])] })
    }

    /// What a mapping or numbered source covers of the axis, and its source.
    fn ranges(&self) -> impl Iterator<Item = ([usize; 2], &Arc<Slot>)> {
        let (table, axis) = (&self.array.table, self.axis);
        let len = self.info.shape.dims().get(axis).copied().unwrap_or(0);
        let parts = table.parts.iter().map(move |part| {
            let range = [part.bounds.start()[axis].min(len), part.bounds.stop()[axis].min(len)];
            (range, &table.slots[part.slot])
        });
        let numbered = table.families.iter().zip(&self.array.numbered).flat_map(move |(family, slots)| {
            slots.iter().enumerate().map(move |(number, slot)| {
                let start = family.start_of(number);
                let range =
                    if family.axis == axis { [start, start.saturating_add(family.steps()[0])] } else { [0, len] };
                (range.map(|end| end.min(len)), slot)
            })
        });
        parts.chain(numbered)
    }
}

/// How many indices come at once along an axis.
pub(super) fn piece_len(array: &VirtualArray, axis: usize) -> usize {
    let family = array.table.families.iter().find(|family| family.axis == axis);
    family.map_or_else(|| array.parts().dims()[axis], |family| family.steps()[1]).max(1)
}

/// The sources along the axis without end as they are now.
pub(super) fn seen(array: &VirtualArray) -> Vec<Seen> {
    let (table, context) = (&array.table, &array.context);
    let endless = table.parts.iter().filter(|part| part.selection.endless_axis().is_some());
    let see = |part: &super::table::Part| {
        let held = part.slot_held(table, context);
        let open = table.slots[part.slot].open(context).ok();
        let written = part.of_source.as_ref().zip(open.as_ref()).and_then(|(of_source, open)| {
            let super::selection::Selection::Product(axes) = of_source else { return None };
            let axis = of_source.endless_axis()?;
            Some(axes[axis].count_below(open.written_len(axis)))
        });
        Seen { stamp: open.and_then(|open| open.stamp), held, written: written.unwrap_or(0) }
    };
    endless.map(see).collect()
}

impl VirtualArray {
    /// Whether nobody writes to the sources along the axis without end.
    pub fn is_still(&self) -> bool {
        let table = &self.table;
        let endless = table.parts.iter().filter(|part| part.selection.endless_axis().is_some());
        let endless = endless.map(|part| &table.slots[part.slot]);
        let last = self.numbered.iter().filter_map(|slots| slots.last());
        endless.chain(last).all(|slot| slot.open(&self.context).is_ok_and(|open| open.is_closed()))
    }
}

/// When the newest of the sources along the axis without end was written.
pub(super) fn newest(array: &VirtualArray) -> Option<SystemTime> {
    const MAX_ASKED: usize = 64;
    let table = &array.table;
    let endless = table.parts.iter().filter(|part| part.selection.endless_axis().is_some());
    let endless = endless.map(|part| &table.slots[part.slot]);
    let last = array.numbered.iter().filter_map(|slots| slots.last());
    endless.chain(last).take(MAX_ASKED).filter_map(|slot| slot.modified(&array.context)).max()
}

fn facts(array: &VirtualArray) -> Vec<(String, String)> {
    let (table, layout) = (&array.table, &array.table.layout);
    let mut facts = vec![("Array".to_owned(), layout.header.name.clone())];
    let files: BTreeSet<&Path> = array.slots().map(|slot| slot.file.as_path()).collect();
    let own = Path::new(".");
    let words = match files.len() {
        0 => "none".to_owned(),
        1 if files.contains(own) => "in the same file".to_owned(),
        1 => files.iter().map(|file| file.display().to_string()).collect(),
        num => {
            let first = files.iter().find(|file| **file != own).map(|file| file.display().to_string());
            format!("{num} files, {} and others", first.unwrap_or_default())
        }
    };
    facts.push(("Sources".to_owned(), words));
    if let Some((_, open)) = array.reference() {
        facts.push(("Stored".to_owned(), open.filters_in_words()));
    }
    let value = layout.header.fill_in_words();
    facts.push(("Not mapped".to_owned(), value.map_or("missing".into(), |value| format!("has the value {value}"))));
    if table.growth_axis().is_some() {
        let words = match array.context.options.ends_at_first_missing {
            true => "before the first that a source lacks",
            false => "with the last that a source holds",
        };
        facts.push(("Ends".to_owned(), words.to_owned()));
    }
    facts
}

impl Fetching for VirtualSource {
    fn max_fetched_bytes(&self, chunk: &Chunk) -> usize {
        self.array.max_fetched_bytes(&chunk.region)
    }

    fn fetch(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        self.array.fetch(&chunk.region, until, cancel)
    }

    fn decode(&self, chunk: &Chunk, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.noted(self.array.decode(&chunk.region, fetched, buffer))
    }
}

impl Source for VirtualSource {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.each_chunk(region, &mut |chunk| chunks.push(*chunk));
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.cuts.each(&self.info.shape, region, visit);
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        self.cuts.region_of(&self.info.shape, indices)
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        if self.array.context.search.is_far() {
            return fetch_and_decode(self, chunk, buffer);
        }
        self.noted(self.array.read(&chunk.region, buffer, &Way::Read))
    }

    fn problems(&self) -> Vec<Problem> {
        let mut all = self.problems.clone();
        all.extend(self.found.lock().values().cloned());
        all
    }

    fn pieces(&self) -> Vec<Piece> {
        let axis = self.info.axes.get(self.axis).copied().flatten();
        let mut pieces: Vec<Piece> =
            self.ranges().map(|(range, slot)| Piece { axis, range, state: slot.state() }).collect();
        pieces.sort_by_key(|piece| piece.range);
        pieces
    }

    fn stored_parts(&self) -> Vec<StoredPart> {
        if self.array.context.search.is_far() {
            return Vec::new();
        }
        let (region, dataset) = (Region::whole(&self.array.shape), self.array.table.layout.header.name.clone());
        let held = HeldPart { dataset, shape: self.array.shape, dtype: self.array.dtype(), region };
        vec![StoredPart { region, file: self.array.path.to_path_buf(), held: Ok(held) }]
    }

    fn inspect(&self) {
        self.look(None);
        for slot in self.array.slots() {
            if let Err(error) = slot.open(&self.array.context) {
                self.note(&error);
            }
        }
    }

    fn files(&self) -> Vec<Location> {
        let mut files = vec![self.info.location.clone()];
        let mut known: BTreeSet<&Path> = BTreeSet::from([Path::new(".")]);
        for slot in self.array.slots() {
            if known.insert(&slot.file) {
                files.push(Location::from(slot.place(&self.array.context)));
            }
        }
        files
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        self.array.context.search.is_far().then_some(self as &dyn Fetching)
    }

    fn forget_failures(&self) {
        self.array.context.search.forget_absent();
        self.array.slots().for_each(|slot| slot.forget_failure());
        self.found.lock().clear();
    }
}
