//! Recordings of several TIFF files: those that an OME-XML names, and those that are numbered in a folder.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use rayon::prelude::*;

use super::book::{Book, Volume};
use super::growing::QUIET;
use super::looking::{header_of, look_into};
use super::numbers::Numbered;
use super::ome::{self, Ome};
use super::open::{describe, go_on_without_directories};
use super::said::{MAX_TEXT_BYTES, Said, at_hand};
use super::stack::{FIRST_ABSENT, MAX_PLANES, Stack, stacks};
use crate::format::store::{self, ByteStore};
use crate::format::{FormatError, FormatErrorCode, OpenOptions};
use crate::volume::{Location, Severity, codes};

/// Files that one recording may consist of.
pub const MAX_FILES: usize = 1 << 17;

/// The folder that a file lies in, as a store; `None` where it cannot be asked.
fn beside(location: &Location, options: &OpenOptions) -> Option<Arc<dyn ByteStore>> {
    store::open(&location.parent()?, options).ok()
}

/// The arrays that an OME-XML describes, of its own file and those beside it.
///
/// # Errors
/// When nothing of it can be shown.
pub fn of_ome(
    location: &Location,
    volume: Volume,
    mut ome: Ome,
    former: &HashMap<String, Volume>,
    options: &OpenOptions,
) -> Result<(Book, Vec<Stack>), FormatError> {
    let own = location.name().unwrap_or_default();
    let folder = beside(location, options);
    if let Some(name) = ome.elsewhere.clone() {
        let text = match &folder {
            Some(folder) => store::read_whole(&**folder, &name, MAX_TEXT_BYTES, &options.cancel)?,
            None => None,
        };
        let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let missing =
            || FormatError::new(location, format!("says that it is described by {name}, which is not beside it"));
        ome = ome::parse(&text.ok_or_else(missing)?)
            .ok_or_else(missing)?
            .map_err(|why| FormatError::new(location, why))?;
    }
    let names = ome.other_files(&own);
    if names.len() > MAX_FILES {
        let text = format!("names {} files; up to {MAX_FILES} are read", names.len());
        return Err(FormatError::new(location, text));
    }
    let mut places = HashMap::new();
    let mut volumes = vec![volume];
    for (name, found) in names.iter().zip(look_into_all(folder.as_ref(), &names, former, options)?) {
        let place = found.map(|volume| {
            volumes.push(volume);
            volumes.len() - 1
        });
        places.insert(name.clone(), place);
    }
    let book = Book::new(volumes);
    let stacks = ome.stacks(&book, &own, &places).map_err(|why| FormatError::new(location, why))?;
    Ok((book, stacks))
}

type LookedInto = Result<Volume, String>;

/// Files of a folder with their pages; inside, why one is not there.
fn look_into_all(
    folder: Option<&Arc<dyn ByteStore>>,
    names: &[String],
    former: &HashMap<String, Volume>,
    options: &OpenOptions,
) -> Result<Vec<LookedInto>, FormatError> {
    let one = |name: &String| -> Result<LookedInto, FormatError> {
        let Some(folder) = folder else {
            return Ok(Err(format!("{name} lies beside it, where nothing can be read")));
        };
        if name.split(['/', '\\']).any(|part| part == ".." || part.is_empty()) {
            return Ok(Err(format!("{name} lies outside of its folder, and is not read")));
        }
        let found = header_of(&**folder, name, options).and_then(|header| match header {
            Some(header) => look_into(Arc::clone(folder), name.clone(), header, former.get(name), options).map(Some),
            None => Ok(None),
        });
        match found {
            Ok(Some(found)) => Ok(Ok(found)),
            Ok(None) => Ok(Err(format!("{name} is not there, or no TIFF file"))),
            Err(error) if error.code == FormatErrorCode::Cancelled => Err(error),
            Err(error) => Ok(Err(format!("{name}: {}", error.message))),
        }
    };
    names.par_iter().map(one).collect()
}

/// The array of numbered files.
///
/// # Errors
/// When nothing of it can be shown.
pub fn of_numbered(
    location: &Location,
    folder: &Arc<dyn ByteStore>,
    group: &Numbered,
    former: &HashMap<String, Volume>,
    options: &OpenOptions,
) -> Result<(Book, Vec<Stack>), FormatError> {
    let mut found = look_into_all(Some(folder), &group.names, former, options)?;
    if let Some(Ok(first)) = found.first()
        && let Some(Ok(ome)) = ome::parse(&first.texts.description)
        && !ome.other_files(&first.file.name).is_empty()
    {
        // They say themselves how they belong together.
        return of_ome(&folder.location(&first.file.name), first.clone(), ome, former, options);
    }
    // What comes last and is no file yet is being written.
    while let Some(Err(_)) = found.last()
        && found.len() > 1
        && is_recent(&folder.location(&group.names[found.len() - 1]))
    {
        found.pop();
    }
    let order = order_of(group, found.len());
    let mut first = None;
    let mut problems = Vec::new();
    let (mut volumes, mut places) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(mut volume) => match describe_like(first.as_ref(), &mut volume, options) {
                Ok(said) => {
                    first.get_or_insert(said);
                    places.push(Some(volumes.len()));
                    volumes.push(volume);
                }
                Err(error) if error.code == FormatErrorCode::Cancelled => return Err(error),
                // It has gone since it was looked into.
                Err(error) => {
                    places.push(None);
                    problems.push((codes::MISSING_BLOCK, Severity::Error, error.to_string()));
                }
            },
            Err(why) => {
                places.push(None);
                problems.push((codes::MISSING_BLOCK, Severity::Error, why));
            }
        }
    }
    let Some(said) = first else {
        let why = problems.into_iter().next().map_or_else(|| "holds no TIFF file".to_owned(), |(_, _, why)| why);
        return Err(FormatError::new(location, why));
    };
    // What one file holds, as it says itself; the others are taken to be like it.
    let single = Book::new(volumes[..1].to_vec());
    let one = stacks(&single, &said).map_err(|why| FormatError::new(location, why))?;
    let one = one.into_iter().next().ok_or_else(|| FormatError::new(location, "holds no picture"))?;
    let book = Book::new(volumes);
    let num_gone = order.iter().filter(|place| place.is_none()).count();
    if num_gone > 0 {
        let text = format!("{num_gone} of the files called {} are not there", group.pattern);
        problems.push((codes::MISSING_BLOCK, Severity::Error, text));
    }
    if let Some(first) = group.begins_at.filter(|first| *first > 1) {
        let text = format!("the numbers of its files begin at {first}; whether there were others is not known");
        problems.push((codes::MISSING_BLOCK, Severity::Note, text));
    }
    let mut stack = together(&book, &one, (group, &order), &places, options).ok_or_else(|| {
        FormatError::new(location, format!("the files called {} say that they have more pages than any", group.pattern))
    })?;
    stack.facts.insert(0, ("Files called".to_owned(), group.pattern.clone()));
    stack.problems.extend(problems);
    stack.name.clone_from(&group.pattern);
    Ok((book, vec![stack]))
}

/// What is said of a file of a series: of the first one all that it says; of the others, which are taken to be like
/// it until they are read, only how far they go, from what is at hand of them.
fn describe_like(first: Option<&Said>, volume: &mut Volume, options: &OpenOptions) -> Result<Said, FormatError> {
    if first.is_none() {
        return describe(volume, options);
    }
    let said = at_hand(&volume.texts);
    go_on_without_directories(volume, &said);
    Ok(said)
}

/// Which file belongs to each place, of the first so many that are counted.
fn order_of(group: &Numbered, num_files: usize) -> Vec<Option<usize>> {
    let mut order = group.places.clone();
    while group.dims.is_none() && order.last().is_some_and(|place| place.is_none_or(|place| place >= num_files)) {
        order.pop();
    }
    order.into_iter().map(|place| place.filter(|place| *place < num_files)).collect()
}

/// Whether a file was written to a short time ago.
fn is_recent(location: &Location) -> bool {
    let modified = location.path().and_then(|path| std::fs::metadata(path).ok()?.modified().ok());
    modified.and_then(|time| SystemTime::now().duration_since(time).ok()).is_some_and(|age| age < QUIET)
}

/// Arrays of all files, each like `one`, as one array; `None` where that has more places than any.
fn together(
    book: &Book,
    one: &Stack,
    (group, order): (&Numbered, &[Option<usize>]),
    places: &[Option<usize>],
    options: &OpenOptions,
) -> Option<Stack> {
    let each = one.frames.len();
    let skip = |start: usize, i: usize| match one.frames[i % each] {
        // Where frames are left out in the first file, they are in the others.
        frame if frame < FIRST_ABSENT => start + frame as usize,
        _ => usize::MAX,
    };
    let has_time = one.dims.first().is_some_and(|(letter, _)| *letter == 'T');
    let is_plain = matches!(one.dims[..], [('I', _)]);
    // Pages that nobody names are planes where there are few, all files have as many, and nobody says otherwise.
    let is_even =
        places.iter().flatten().all(|at| book.volumes()[*at].index.pages.len() == book.volumes()[0].index.pages.len());
    let rank = options.axes.as_deref().map(|text| text.chars().filter(|c| c.is_alphanumeric() || *c == '_').count());
    let inner = 2 + usize::from(one.layout.samples > 1);
    let is_depth = is_plain && is_even && each <= 400 && rank.is_none_or(|rank| rank == inner + 2);
    if group.dims.is_none() && (has_time || is_plain && !is_depth) {
        return one_after_the_other(book, one, order, places);
    }
    let mut dims =
        group.dims.clone().unwrap_or_else(|| vec![(if one.dims.is_empty() { 'I' } else { 'T' }, order.len())]);
    let num_places = order.len().checked_mul(each).filter(|num| *num <= MAX_PLANES)?;
    let mut frames = Vec::with_capacity(num_places);
    for place in order {
        let volume = place.and_then(|place| places.get(place).copied().flatten());
        for i in 0..each {
            frames.push(volume.map_or(u32::MAX, |volume| {
                let number = skip(book.starts()[volume], i);
                let end = book.starts()[volume] + book.volumes()[volume].index.pages.len();
                if number < end { number as u32 } else { u32::MAX - 1 }
            }));
        }
    }
    let inner: Vec<(char, usize)> =
        one.dims.iter().map(|(letter, len)| (if is_depth { 'Z' } else { *letter }, *len)).collect();
    dims.extend(inner);
    Some(Stack { dims, frames: frames.into(), absent: absences(), claimed: None, ..one.clone() })
}

/// Files that go on in time, each where the one before it ends; `None` where that makes more places than any has.
fn one_after_the_other(book: &Book, one: &Stack, order: &[Option<usize>], places: &[Option<usize>]) -> Option<Stack> {
    let others: usize = one.dims.iter().skip(1).map(|(_, len)| *len).product();
    // Of so many pages in a row so many are shown, as in the first file.
    let stored = one.frames.get(others).filter(|_| others > 1).map_or(others, |frame| *frame as usize).max(1);
    let mut frames = Vec::new();
    // Asked before each file: what the first one claims is set aside for every one, whether it is there or not.
    let has_room = |frames: &Vec<u32>, num: usize| num <= MAX_PLANES - frames.len().min(MAX_PLANES);
    for place in order {
        let Some(volume) = place.and_then(|place| places.get(place).copied().flatten()) else {
            if !has_room(&frames, one.frames.len()) {
                return None;
            }
            // Nobody knows how much it held: as much as the first.
            frames.resize(frames.len() + one.frames.len(), u32::MAX);
            continue;
        };
        let (start, num) = (book.starts()[volume], book.volumes()[volume].index.pages.len());
        if !has_room(&frames, num.div_ceil(stored).saturating_mul(others)) {
            return None;
        }
        for step in 0..num.div_ceil(stored) {
            frames.extend((0..others).map(|i| {
                let page = step * stored + i;
                if page < num { (start + page) as u32 } else { u32::MAX - 1 }
            }));
        }
    }
    let mut dims = one.dims.clone();
    if let Some(first) = dims.first_mut() {
        first.1 = frames.len() / others.max(1);
    }
    Some(Stack { dims, frames: frames.into(), absent: absences(), claimed: None, ..one.clone() })
}

fn absences() -> Vec<String> {
    vec!["its file is not there, or cannot be read".to_owned(), "its file has fewer pages than the first".to_owned()]
}
