//! HDF5 files that no convention describes: one of the arrays they hold is the recording.

mod describe;
mod growing;
mod offers;
mod reversed;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hdf5::{H5Array, VirtualLayout, contents, follow};
use super::look::Look;
use super::open::REVERSED;
use super::sparse::{Matrix, SparseSource};
use super::vds;
use super::{DatasetEntry, FormatError, FormatErrorCode, Growing, OpenOptions, Opened, Source};
use offers::{Offer, What, offers};
use reversed::Reversed;
use source::PlainSource;

/// Most names in the message that none of them was meant.
const MAX_NAMES: usize = 20;

/// Opens an array of a file that holds HDF5, whatever it is called.
pub fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    let path = look.hdf5_path()?;
    Some(open_file(path, options))
}

/// Opens one array of a file: the one asked for, or the most image-like.
///
/// # Errors
/// When it holds none, the one asked for is not there or is no image, or it cannot be read.
pub fn open_file(path: &Path, options: &OpenOptions) -> Result<Opened, FormatError> {
    let contents = contents(path)?;
    if options.is_cancelled() {
        return Err(FormatError::cancelled(path));
    }
    let arrays = contents.arrays.clone();
    let (mut offers, notes) = offers(path, contents);
    let wanted = options.dataset.as_deref().map(|name| name.trim_start_matches('/'));
    let (name, is_reversed) = match wanted {
        Some(name) => name.strip_suffix(REVERSED).map_or((Some(name), false), |name| (Some(name), true)),
        None => (None, false),
    };
    let chosen = match name {
        Some(name) => match offers.iter().position(|offer| offer.is_called(name)) {
            Some(chosen) => chosen,
            None => {
                let offer = match name.split_once('#') {
                    Some((group, words)) => {
                        Offer::of_matrix(name.to_owned(), Matrix::told(path, group, words)?, &arrays)
                    }
                    None => found_by_path(path, name, &offers)?,
                };
                offers.push(offer);
                offers.len() - 1
            }
        },
        None => first_image(path, &offers, &notes)?,
    };
    let (source, growing) = open_offer(path, &offers[chosen], &notes, options)?;
    let (datasets, chosen) = entries(offers, chosen, is_reversed);
    if is_reversed {
        let source: Arc<dyn Source> = Arc::new(Reversed::new(source, options)?);
        return Ok(Opened { datasets, chosen, ..Opened::of(source, None) });
    }
    Ok(Opened { datasets, chosen, ..Opened::of(source, growing) })
}

/// What is offered, and which of that was chosen: an array that R has written, or that was asked for like that,
/// also with its axes in the opposite order.
fn entries(offers: Vec<Offer>, chosen: usize, is_reversed: bool) -> (Vec<DatasetEntry>, usize) {
    let (mut entries, mut at) = (Vec::with_capacity(offers.len()), 0);
    for (i, offer) in offers.into_iter().enumerate() {
        if i == chosen {
            at = entries.len() + usize::from(is_reversed);
        }
        let is_both = offer.is_by_r || i == chosen && is_reversed;
        let reversed = is_both.then(|| reversed_entry(&offer.entry));
        entries.push(offer.entry);
        entries.extend(reversed);
    }
    (entries, at)
}

/// An array with its axes in the opposite order, beside itself.
fn reversed_entry(entry: &DatasetEntry) -> DatasetEntry {
    DatasetEntry {
        name: format!("{}{REVERSED}", entry.name),
        summary: format!("{}, axes in the opposite order, as R counts them", entry.summary),
        shape: entry.shape.iter().rev().copied().collect(),
        ..entry.clone()
    }
}

/// Opens an array of numbers by its path in the file, without looking at what else there is.
///
/// # Errors
/// When the array cannot be read.
pub fn open_source(path: &Path, name: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
    open_array(path, path, name, &[], options).map(|(source, _)| source)
}

/// Opens an array of numbers of `file`, stored there or made of others, for who opened `path`.
fn open_array(
    path: &Path,
    file: &Path,
    name: &str,
    notes: &[String],
    options: &OpenOptions,
) -> Result<Both, FormatError> {
    let array = match H5Array::open(file, name) {
        Ok(array) => array.with_fill(),
        Err(error) => {
            let opened = vds::open(file, name, options)?.ok_or(error)?;
            return Ok((opened.source, opened.growing));
        }
    };
    let source = Arc::new(PlainSource::new(path, array, options, notes.to_vec())?);
    let growing = source.may_grow().then(|| Arc::clone(&source) as Arc<dyn Growing>);
    Ok((source, growing))
}

/// The same, and where the array may grow, that too.
///
/// # Errors
/// As [`open_source`].
pub fn open_shown(path: &Path, name: &str, options: &OpenOptions) -> Result<Both, FormatError> {
    open_array(path, path, name, &[], options)
}

type Both = (Arc<dyn Source>, Option<Arc<dyn Growing>>);

fn open_offer(path: &Path, offer: &Offer, notes: &[String], options: &OpenOptions) -> Result<Both, FormatError> {
    let name = &offer.entry.name;
    match &offer.what {
        What::Array { path: file, name } => open_array(path, file, name, notes, options),
        What::Sparse(matrix) => Ok((Arc::new(SparseSource::open(path, matrix, options)?), None)),
        What::Empty { shape, may_grow: true } => {
            Err(FormatError::beginning(path, format!("{name} is empty ({shape}): nothing has been written yet"), name))
        }
        What::Empty { shape, .. } => Err(FormatError::new(path, format!("{name} is empty ({shape})"))),
        What::Unread(why) => Err(FormatError::new(path, format!("{name}: {why}"))),
    }
}

/// The array that is most likely meant.
fn first_image(path: &Path, offers: &[Offer], notes: &[String]) -> Result<usize, FormatError> {
    let is_image = |offer: &Offer| !offer.entry.is_no_image;
    if let Some(first) = offers.iter().position(is_image) {
        return Ok(first);
    }
    // A recorder makes its array before the first frame.
    let begins = |offer: &Offer| matches!(offer.what, What::Empty { may_grow: true, .. });
    if let Some(begun) = offers.iter().position(begins) {
        return Ok(begun);
    }
    // A table is looked at where there is nothing else.
    let is_table = |offer: &Offer| matches!(offer.what, What::Array { .. }) && offer.entry.shape.len() >= 2;
    if let Some(table) = offers.iter().position(is_table) {
        return Ok(table);
    }
    let unread = |offer: &Offer| match &offer.what {
        What::Unread(why) => Some(format!("{}: {why}", offer.entry.name)),
        _ => None,
    };
    let mut reasons: Vec<String> = offers.iter().filter_map(unread).chain(notes.iter().cloned()).collect();
    reasons.truncate(MAX_NAMES);
    if reasons.is_empty() {
        let lines = offers.iter().filter(|offer| matches!(offer.what, What::Array { .. }));
        let names: Vec<&str> = lines.map(|offer| offer.entry.name.as_str()).take(MAX_NAMES).collect();
        let found = if names.is_empty() { String::new() } else { format!("; of one axis: {}", names.join(", ")) };
        reasons.push(format!("holds no array of two or more axes{found}"));
    }
    Err(FormatError::new(path, reasons.join("; ")))
}

/// An array by a path that leads to it through links.
fn found_by_path(path: &Path, name: &str, offers: &[Offer]) -> Result<Offer, FormatError> {
    let found: Result<(PathBuf, String), FormatError> = follow(path, name);
    if let Ok((file, object)) = found {
        let stored = H5Array::open(&file, &object).map(|array| array.header().clone()).ok();
        let header = stored.or_else(|| VirtualLayout::read(&file, &object).ok()?.map(|layout| layout.header));
        if let Some(header) = header {
            return Ok(Offer::of_array(name, &file, &header, path));
        }
    }
    let packed: Vec<&str> = offers
        .iter()
        .filter(|offer| matches!(offer.what, What::Sparse(_)) && offer.entry.name.split('#').next() == Some(name))
        .map(|offer| offer.entry.name.as_str())
        .collect();
    if !packed.is_empty() {
        let text = format!("the file does not say how the sparse matrix {name} is packed: {}", packed.join(" or "));
        return Err(FormatError::new(path, text).with_code(FormatErrorCode::WrongOption));
    }
    Err(FormatError::no_dataset(path, name, offers.iter().map(|offer| offer.entry.name.as_str())))
}
