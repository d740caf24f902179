//! NWB: recordings of neurophysiology in a tree of typed groups, in HDF5 files and in what refers to them. The
//! image series are shown with what the file says of them; its other arrays are there to be chosen.

mod external;
mod rois;
mod series;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

pub use rois::{Roi, RoiTable, RoiVoxel, read_rois};
use series::{Frames, Series};

use super::described::Described;
use super::hdf5::{H5Tree, read_attributes};
use super::look::Look;
use super::open::open_linked;
use super::store::may_follow;
use super::tree::{Node, NodeKind, Shown, Tree, arrays, dims_in_words, first_of};
use super::{DatasetEntry, FormatError, OpenOptions, Opened};
use crate::volume::{ArrayInfo, AxisFrom, Location, Problem, Severity, codes};

/// Opens an NWB file that has image series. Others are opened as what they are besides: HDF5.
pub(super) fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    let path = look.hdf5_path()?;
    // What cannot be read is told by those who read plain HDF5.
    let mut root = Node::new(NodeKind::Group);
    root.attributes = read_attributes(path, "").ok()?;
    if !series::is_nwb(&root) {
        return None;
    }
    if options.is_cancelled() {
        return Some(Err(FormatError::cancelled(path)));
    }
    let tree = H5Tree::read(path).map(|tree| Arc::new(tree.at(&look.location)) as Arc<dyn Tree>);
    tree.map_or_else(|error| Some(Err(error)), |tree| open_tree(&tree, options))
}

/// Opens a tree that is NWB and has image series; `None` where it is not.
pub(super) fn open_tree(tree: &Arc<dyn Tree>, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    let listing = tree.listing();
    let all =
        listing.at("").filter(|root| series::is_nwb(root)).map(|_| series::find(tree.as_ref())).unwrap_or_default();
    (!all.is_empty()).then(|| open_one(tree.as_ref(), &all, options))
}

/// What is offered: a series, or another array of the file.
enum Offer<'a> {
    Series(&'a Series),
    Array(String),
}

fn open_one(tree: &dyn Tree, all: &[Series], options: &OpenOptions) -> Result<Opened, FormatError> {
    let mut offers: Vec<(DatasetEntry, Offer<'_>)> =
        all.iter().map(|series| (entry_of(series), Offer::Series(series))).collect();
    let taken: HashSet<&str> = all
        .iter()
        .filter_map(|series| match &series.frames {
            Frames::Here(path) => Some(path.as_str()),
            _ => None,
        })
        .collect();
    let others = arrays(tree.listing()).into_iter().filter(|entry| !taken.contains(entry.name.as_str()));
    offers.extend(others.map(|entry| {
        let path = entry.name.clone();
        (DatasetEntry { is_no_image: true, ..entry }, Offer::Array(path))
    }));
    let mut open = |at: usize| match &offers[at].1 {
        Offer::Series(series) => open_series(tree, series, options),
        Offer::Array(path) => tree.open_growing(path, options),
    };
    let (chosen, (source, growing)) = match options.dataset.as_deref() {
        None => first_of(all.len(), &mut open)?,
        Some(wanted) => {
            let chosen = choose(tree.location(), &offers, wanted)?;
            (chosen, open(chosen)?)
        }
    };
    let datasets = offers.into_iter().map(|(entry, _)| entry).collect();
    Ok(Opened { datasets, chosen, ..Opened::of(source, growing) })
}

/// A series may be named by its group or by the array in it.
fn choose(location: &Location, offers: &[(DatasetEntry, Offer<'_>)], wanted: &str) -> Result<usize, FormatError> {
    let plain = wanted.trim_matches('/');
    let is_it = |name: &str| name == plain || plain.strip_suffix("/data") == Some(name);
    let names = || offers.iter().map(|(entry, _)| entry.name.as_str());
    let found = offers.iter().position(|(entry, _)| is_it(&entry.name));
    found.ok_or_else(|| FormatError::no_dataset(location, wanted, names()))
}

fn entry_of(series: &Series) -> DatasetEntry {
    let kind = &series.kind;
    let summary = match (&series.frames, &series.array) {
        (Frames::External(files), _) => match files.as_slice() {
            [] => format!("{kind}, its frames lie in files that it does not name"),
            [file] => format!("{kind}, frames in {file}"),
            [first, .., last] => format!("{kind}, frames in {first} … {last}"),
        },
        (Frames::Elsewhere { file, .. }, _) => format!("{kind}, in {file}"),
        (Frames::Here(_), Some((shape, dtype))) => format!("{}, {dtype}, {kind}", dims_in_words(shape)),
        (Frames::Here(_), None) => kind.clone(),
    };
    DatasetEntry {
        name: series.path.clone(),
        summary,
        shape: series.array.as_ref().map(|(shape, _)| shape.clone()).unwrap_or_default(),
        dtype: series.array.as_ref().map(|(_, dtype)| *dtype),
        ..DatasetEntry::default()
    }
}

/// A series as a source under what the file says of it.
fn open_series(tree: &dyn Tree, series: &Series, options: &OpenOptions) -> Result<Shown, FormatError> {
    let (source, growing) = match &series.frames {
        Frames::Here(path) => {
            let dims =
                series.array.as_ref().map(|(shape, _)| shape.iter().map(|&dim| dim as usize).collect::<Vec<_>>());
            let letters = dims.and_then(|dims| series.axes(&dims)).map(str::to_owned);
            tree.open_growing(path, &OpenOptions { axes: options.axes.clone().or(letters), ..options.clone() })?
        }
        Frames::Elsewhere { file, path } => {
            let options = OpenOptions { dataset: Some(path.clone()), ..options.clone() };
            let opened = linked(tree.location(), file, &options)?;
            (opened.source, opened.growing)
        }
        Frames::External(files) => (external::open(tree, series, files, options)?, None),
    };
    let shape = source.info().shape;
    let mut told = series::told_of(tree, series, shape.dims());
    let problem =
        |message: String| Problem::of(codes::METADATA_UNREADABLE, Severity::Warning, tree.location(), message);
    let cut = tree.listing().cut.iter().map(|why| format!("not all of the file is listed: {why}"));
    let problems = told.faults.iter().cloned().chain(cut).map(problem).collect();
    let times_s = told.times_s.take();
    let (location, series, axes_are_told) = (tree.location().clone(), series.clone(), options.axes.is_some());
    let described = Described::new(source, growing, move |info| {
        info.location = location.clone();
        info.name = stem(&location);
        if series.kind != series::LINK {
            info.format = format!("NWB ({})", series.kind);
        }
        info.voxel_size = told.voxel_size.or(info.voxel_size);
        info.rate_hz = told.rate_hz.or(info.rate_hz);
        info.value_scale = told.scale.clone().or(info.value_scale.take());
        info.facts.splice(0..0, told.facts.iter().cloned());
        if !axes_are_told {
            name_axes(info, &series);
        }
    });
    Ok(described.with_times(times_s).with_problems(problems).shared())
}

fn name_axes(info: &mut ArrayInfo, series: &Series) {
    // A file of frames knows its own order, and so does one that is linked as a whole.
    let is_of_others = matches!(series.frames, Frames::External(_)) || series.kind == series::LINK;
    let letters = series.axes(info.shape.dims()).filter(|_| !is_of_others);
    let Some(letters) = letters else { return };
    info.axes = series::named(letters);
    info.channel_axis = letters.find('c');
    info.held = Vec::new();
    let from = |letter| match letter {
        'c' => AxisFrom::guess("perhaps colours"),
        _ => AxisFrom::FORMAT,
    };
    info.axes_from = if info.channel_axis.is_some() { letters.chars().map(from).collect() } else { Vec::new() };
}

/// The name without what formats are told by.
fn stem(location: &Location) -> String {
    let name = location.short();
    let ends = [".nwb.lindi.json", ".nwb.lindi.tar", ".nwb.lindi.d", ".lindi.json", ".lindi.tar", ".lindi.d", ".nwb"];
    let stem = ends.iter().find_map(|end| name.strip_suffix(end).filter(|stem| !stem.is_empty()));
    stem.map_or_else(|| Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned(), str::to_owned)
}

/// Opens what a file names: beside it, unless the name says where.
fn linked(from: &Location, file: &str, options: &OpenOptions) -> Result<Opened, FormatError> {
    let to = beside(from, file)?;
    may_follow(from, &to, options)?;
    let found = open_linked(&to, options);
    found.map_err(|error| FormatError { message: format!("{} (named by {from})", error.message), ..error })
}

/// Where a file lies that another one names.
fn beside(from: &Location, file: &str) -> Result<Location, FormatError> {
    let named = Location::parse(file);
    let is_absolute = named.path().is_none_or(Path::is_absolute);
    match from.path() {
        Some(path) => Ok(if is_absolute { named } else { path.parent().unwrap_or(Path::new("")).join(file).into() }),
        None if is_absolute => {
            let text = format!("names {file}, which a file from elsewhere may not; copy it beside this one");
            Err(FormatError::new(from, text))
        }
        None => Ok(from.parent().unwrap_or_else(|| from.clone()).join(file)),
    }
}
