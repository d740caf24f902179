//! Opening a TIFF file: its pages, what is said of them, and the arrays they make.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::book::{Book, Volume};
use super::growing::Place;
use super::ifd::{Ask, Header, TiffFile};
use super::index::{End, Index};
use super::layout::Layout;
use super::levels::levels_of;
use super::looking::look_within;
use super::said::{Said, SaidChannel, said};
use super::source::TiffSource;
use super::stack::{Stack, stacks};
use super::{files, numbers, ome};
use crate::format::look::{Kind, Look};
use crate::format::split;
use crate::format::store::{self, ByteStore};
use crate::format::{
    Channel, DatasetEntry, FormatError, FormatErrorCode, Growing, MAX_CHANNELS, OpenOptions, Opened, Source,
};
use crate::volume::{Location, Severity, codes};

/// Opens a file that begins as TIFF files do, whatever it is called.
pub fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    match &look.kind {
        Kind::File { head, .. } => {
            let header = Header::of(head)?;
            Some(open_file(&look.location, Arc::clone(&look.store), header, options))
        }
        Kind::Folder => open_folder(look, options),
        Kind::Other => None,
    }
}

fn open_file(
    location: &Location,
    store: Arc<dyn ByteStore>,
    header: Header,
    options: &OpenOptions,
) -> Result<Opened, FormatError> {
    if options.is_cancelled() {
        return Err(FormatError::cancelled(location));
    }
    let at_first = options.in_background.then_some(AT_FIRST);
    open_within(location, store, header, at_first, options)
}

/// Pages are looked up for so long before a recording is shown, where it can be without the others.
const AT_FIRST: Duration = Duration::from_secs(1);

/// As [`open`], with pages that were not found within a time looked up afterwards.
pub fn open_within(
    location: &Location,
    store: Arc<dyn ByteStore>,
    header: Header,
    at_first: Option<Duration>,
    options: &OpenOptions,
) -> Result<Opened, FormatError> {
    let volume = look_within(store, String::new(), header, (None, at_first), options)?;
    let (book, stacks) = arrange(location, volume, &HashMap::new(), options)?;
    opened(location, Arc::new(book), stacks, Place::File, options)
}

/// Opens a folder of TIFF files, unless there is something of another format in it.
fn open_folder(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    if options.prefix.is_some() {
        // Blocks of a split dataset are meant.
        return None;
    }
    let (location, cancel) = (&look.location, &options.cancel);
    let listed = store::tried(&*look.store, "", cancel, &mut |until| look.store.list("", until, cancel));
    // What cannot be listed is for others to say something of.
    let names = listed.ok()??;
    let is_other = |name: &String| name.ends_with(".h5") || name == "stack_metadata.json";
    if names.iter().any(is_other) {
        return None;
    }
    let groups = numbers::numbered(&names);
    let num = groups.first()?.names.len();
    if names.iter().any(|name| name.ends_with('/')) {
        // A picture beside the folder of a recording, or in the folder of the day, is not what was meant.
        let beside = split::open(look, options);
        if num == 1 || matches!(beside, Some(Ok(_))) {
            return beside;
        }
    }
    Some(open_numbered(location, &look.store, &groups, options))
}

/// Opens the files of a folder that differ in their numbers alone: the largest group of them, or another one.
fn open_numbered(
    location: &Location,
    store: &Arc<dyn ByteStore>,
    groups: &[numbers::Numbered],
    options: &OpenOptions,
) -> Result<Opened, FormatError> {
    if options.is_cancelled() {
        return Err(FormatError::cancelled(location));
    }
    let entry = |group: &numbers::Numbered| DatasetEntry {
        name: group.pattern.clone(),
        summary: format!("{} TIFF file{}", group.names.len(), if group.names.len() == 1 { "" } else { "s" }),
        ..DatasetEntry::default()
    };
    let mut datasets: Vec<DatasetEntry> = groups.iter().map(entry).collect();
    let chosen = match options.dataset.as_deref() {
        None => 0,
        Some(wanted) => datasets.iter().position(|entry| entry.name == wanted).ok_or_else(|| {
            let names: Vec<&str> = datasets.iter().map(|entry| entry.name.as_str()).collect();
            let text = format!("no files called {wanted}; there are {}", names.join(", "));
            FormatError::new(location, text).with_code(FormatErrorCode::WrongOption)
        })?,
    };
    let group = &groups[chosen];
    let (book, stacks) = files::of_numbered(location, store, group, &HashMap::new(), options)?;
    let own = OpenOptions { dataset: None, ..options.clone() };
    let place = Place::Folder(Arc::clone(store), group.pattern.clone());
    let opened = opened(location, Arc::new(book), stacks, place, &own)?;
    if datasets.len() == 1 {
        datasets.clear();
    }
    Ok(Opened { datasets, chosen, ..opened })
}

/// The arrays of a file and of those that it names.
pub fn arrange(
    location: &Location,
    mut volume: Volume,
    former: &HashMap<String, Volume>,
    options: &OpenOptions,
) -> Result<(Book, Vec<Stack>), FormatError> {
    let mut damaged = None;
    match ome::parse(&volume.texts.description) {
        Some(Ok(found)) => {
            if volume.indexing.is_some() && volume.claimed.is_none() {
                let own = location.name().unwrap_or_default();
                let layout = volume.index.pages.first().and_then(|page| volume.index.layout(page).ok());
                volume.claimed =
                    layout.and_then(|layout| believable(found.one_image(&own, layout.samples), layout, &volume.file));
            }
            return files::of_ome(location, volume, found, former, options);
        }
        Some(Err(why)) => damaged = Some(why),
        None => {}
    }
    let said = describe(&mut volume, options)?;
    if volume.indexing.is_some() && volume.claimed.is_none() {
        let layout = volume.index.pages.first().and_then(|page| volume.index.layout(page).ok());
        volume.claimed = layout.and_then(|layout| believable(said_pages(&said, layout, &volume), layout, &volume.file));
    }
    let book = Book::new(vec![volume]);
    let mut stacks = stacks(&book, &said).map_err(|why| FormatError::new(location, why))?;
    if let (Some(why), Some(first)) = (damaged, stacks.first_mut()) {
        first.problems.push((codes::METADATA_UNREADABLE, Severity::Warning, why));
    }
    Ok((book, stacks))
}

/// How many pages a file says that it has, before any was left out. What was only planned counts where the file is
/// about as long as that.
fn said_pages(said: &Said, layout: &Layout, volume: &Volume) -> Option<usize> {
    let estimate = super::stack::estimate(volume) as f64;
    let planned = said.num_pages.filter(|num| (estimate / *num as f64 - 1.0).abs() < 0.02);
    planned.or_else(|| super::stack::num_pages(said, layout).filter(|num| *num > 0))
}

/// A number of pages, if the file has room for so many and would not be mostly something else.
fn believable(num: Option<usize>, layout: &Layout, file: &TiffFile) -> Option<usize> {
    // The shortest directory there can be.
    let each = if layout.is_plain() { layout.plane_bytes() * layout.num_planes() as u64 } else { 18 };
    num.filter(|num| (*num as u64).checked_mul(each).is_some_and(|bytes| bytes <= file.num_bytes))
}

/// What is said of a file's pages; those that have no directories of their own are added to it.
pub fn describe(volume: &mut Volume, options: &OpenOptions) -> Result<Said, FormatError> {
    let (file, texts, cancel) = (&volume.file, &volume.texts, &options.cancel);
    let Some(first) = volume.index.pages.first().copied() else { return Ok(Said::default()) };
    let said = store::tried(&*file.store, &file.name, cancel, &mut |until| {
        let ask = Ask { until, cancel };
        match file.directory(first.at, ask)? {
            Ok(directory) => said(file, &directory, texts, ask),
            Err(_) => Ok(Said::default()),
        }
    })?;
    go_on_without_directories(volume, &said);
    Ok(said)
}

/// Adds the pages beyond the first that have no directories: as many as are said and as there is room for.
/// Without IO.
pub fn go_on_without_directories(volume: &mut Volume, said: &Said) {
    let index = &volume.index;
    // Not where the others were not looked up yet.
    let is_alone = index.pages.len() == 1 && index.end != End::Open;
    let Some(num) = said.continued.filter(|_| is_alone) else { return };
    let Some(layout) = index.pages.first().and_then(|page| index.layout(page).ok()) else { return };
    let claimed = super::stack::num_pages(said, layout).unwrap_or(1);
    let num = if num == usize::MAX { claimed } else { num.max(claimed) };
    let super::index::Data::At(start, _) = index.pages[0].data else { return };
    // Beyond the end of the file, pages are not said to be lost one by one.
    let room = volume.file.num_bytes.saturating_sub(start).div_ceil(layout.plane_bytes().max(1));
    let num = num.min(usize::try_from(room).unwrap_or(usize::MAX));
    if let Some(pages) = index.continued(num.max(1)) {
        volume.has_directories = pages.len() == 1;
        volume.index = Arc::new(Index { pages, ..Index::clone(index) });
    }
}

/// The arrays of a recording, the one that was asked for opened.
fn opened(
    location: &Location,
    book: Arc<Book>,
    stacks: Vec<Stack>,
    place: Place,
    options: &OpenOptions,
) -> Result<Opened, FormatError> {
    let chosen = match options.dataset.as_deref() {
        None => 0,
        Some(wanted) => stacks.iter().position(|stack| stack.name == wanted).ok_or_else(|| {
            let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
            let text = format!("no dataset named {wanted}; there is {}", names.join(", "));
            FormatError::new(location, text).with_code(FormatErrorCode::WrongOption)
        })?,
    };
    let datasets: Vec<DatasetEntry> = stacks.iter().map(entry).collect();
    let num_stacks = stacks.len();
    let stack = stacks.into_iter().nth(chosen).ok_or_else(|| FormatError::new(location, "holds no picture"))?;
    let levels = levels_of(&book, &stack, location, options)?;
    let source: Arc<TiffSource> =
        Arc::new(TiffSource::new(book, stack, location, options)?.at(place, options).of_stacks(num_stacks));
    // What lies afar is not asked again and again: it grows only by pages that are still looked up.
    let can_grow = !source.is_remote() || source.book.indexing().is_some();
    let growing: Option<Arc<dyn Growing>> = can_grow.then(|| Arc::clone(&source) as Arc<dyn Growing>);
    let channels = channels(&source, &levels, growing.as_ref());
    let datasets = if datasets.len() > 1 { datasets } else { Vec::new() };
    Ok(Opened { levels, channels, datasets, chosen, ..Opened::of(source, growing) })
}

fn entry(stack: &Stack) -> DatasetEntry {
    let layout = &stack.layout;
    let mut shape: Vec<u64> = stack.dims.iter().map(|(_, len)| *len as u64).collect();
    let samples = (layout.samples > 1).then_some(layout.samples as u64);
    shape.extend(samples.filter(|_| layout.is_planar));
    shape.extend([layout.height as u64, layout.width as u64]);
    shape.extend(samples.filter(|_| !layout.is_planar));
    let words: Vec<String> = shape.iter().map(u64::to_string).collect();
    DatasetEntry {
        name: stack.name.clone(),
        summary: format!("{}, {}", words.join(" × "), layout.dtype),
        shape,
        dtype: Some(layout.dtype),
        stored_bytes: None,
        compression: layout.compression_in_words(),
        is_no_image: layout.is_reduced,
    }
}

/// The channels of an array with what is said of each: those that its pages count, those at each place of a
/// picture, or each of the one with each of the other.
fn channels(source: &Arc<TiffSource>, levels: &[Arc<dyn Source>], growing: Option<&Arc<dyn Growing>>) -> Vec<Channel> {
    let info = source.info();
    let hidden: Vec<usize> = (0..info.shape.rank()).filter(|&i| info.axes[i].is_none()).collect();
    let stack = &source.stack;
    let counted = stack.dims.iter().position(|(letter, _)| *letter == 'C');
    let samples = (stack.layout.samples > 1)
        .then(|| if stack.layout.is_planar { stack.dims.len() } else { stack.dims.len() + 2 });
    let place = |axis: Option<usize>| axis.and_then(|axis| hidden.iter().position(|i| *i == axis));
    let (counted, samples) = (place(counted), place(samples));
    let len = |place: Option<usize>| place.map_or(1, |place| info.shape.dims()[hidden[place]]);
    let (num_counted, num_samples) = (len(counted), len(samples));
    let num = num_counted * num_samples;
    let own = [counted, samples].map(|place| place.map(|place| hidden[place]));
    // The user may have said that something else counts channels.
    if info.channel_axis.is_none_or(|axis| !own.contains(&Some(axis))) {
        return Vec::new();
    }
    if !(2..=MAX_CHANNELS).contains(&num) {
        return Vec::new();
    }
    let channel = |i: usize| {
        let (c, s) = (i / num_samples, i % num_samples);
        let mut held = info.held.clone();
        held.resize(hidden.len(), 0);
        counted.into_iter().for_each(|place| held[place] = c);
        samples.into_iter().for_each(|place| held[place] = s);
        let told = stack.channels.get(if num_counted > 1 { c } else { s }).cloned().unwrap_or_default();
        let told = if num_samples > 1 { of_sample(s, num_samples, told) } else { told };
        Channel {
            name: told.name.unwrap_or_else(|| format!("Channel {}", i + 1)),
            color: told.color,
            limits: told.limits,
            is_visible: num_samples != 4 || s != 3,
            levels: std::iter::once(Arc::clone(source) as Arc<dyn Source>).chain(levels.iter().cloned()).collect(),
            growing: growing.cloned(),
            held,
        }
    };
    (0..num).map(channel).collect()
}

/// Three or four numbers at a place are red, green, blue, and how opaque it is.
fn of_sample(sample: usize, num: usize, told: SaidChannel) -> SaidChannel {
    const COLORS: [(&str, Option<[u8; 3]>); 4] =
        [("Red", Some([255, 0, 0])), ("Green", Some([0, 255, 0])), ("Blue", Some([0, 0, 255])), ("Alpha", None)];
    match COLORS.get(sample).filter(|_| num == 3 || num == 4) {
        Some((name, color)) => {
            let name = told.name.map_or((*name).to_owned(), |channel| format!("{channel} {}", name.to_lowercase()));
            SaidChannel { name: Some(name), color: *color, ..told }
        }
        None => told,
    }
}
