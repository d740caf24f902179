//! Split datasets: a recording as numbered HDF5 files, as written by sashimi, brunoise, split_dataset,
//! fimpy and SplitDataset.jl through the years. A *block* is one of those files; the word ends here.
//!
//! The files decide: how many there are, what they hold, how long the recording is. Metadata are a
//! claim, used as far as the files agree with it and named where they do not. Nothing is ever written,
//! and no file is open between calls.

mod block;
mod build;
mod channels;
mod convert;
mod describe;
mod discover;
mod extent;
mod far;
mod former;
mod identity;
mod indexes;
mod inspect;
mod layout;
mod metadata;
mod names;
mod place;
mod refresh;
mod rig;
mod search;
mod seen;
mod source;
mod stored;
mod whole;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use self::discover::{Candidate, Found};
use self::place::Place;
use super::look::Look;
use super::plain::open_file;
use super::{DatasetEntry, FormatError, FormatErrorCode, Growing, OpenOptions, Opened, Source};

pub use search::{FoundRecording, SearchBounds, search, what_is_at};

/// Opens a folder of blocks, its parent, its metadata file or one of its blocks; of any other folder the one
/// HDF5 file in it. `None` for a file that belongs to no split dataset, or is a recording of its own.
pub(super) fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    let found = match discover::discover(look, options) {
        Ok(found) => found?,
        Err(error) => return Some(Err(error)),
    };
    let path = look.path()?;
    Some(match found {
        Found::File(file) => open_file(&file, options),
        Found::Split(candidates) if look.is_hdf5() && whole::is_whole(path, &candidates) => return None,
        Found::Split(candidates) => open_split(&candidates, path, options).or_else(|error| {
            // One array of a file, though the file is named as blocks are.
            let is_file = options.dataset.is_some() && look.is_hdf5();
            let opened = if is_file { open_file(path, options).ok() } else { None };
            opened.ok_or(error)
        }),
    })
}

/// The folder in which blocks expected at a path will appear.
pub(super) fn expected_in(path: &Path) -> PathBuf {
    // The rigs make this folder first.
    let original = path.join("original");
    if original.is_dir() {
        original
    } else if path.is_dir() {
        path.to_owned()
    } else {
        path.parent().unwrap_or(Path::new(".")).to_owned()
    }
}

fn open_split(candidates: &[Candidate], path: &Path, options: &OpenOptions) -> Result<Opened, FormatError> {
    // A name may stand for a recording or for one of two channels inside it.
    let wanted = options.dataset.as_deref();
    let by_name = wanted.and_then(|wanted| candidates.iter().position(|candidate| candidate.name == wanted));
    let channel = wanted.and_then(|wanted| (0..2).find(|&channel| wanted == channel_name(channel)));
    let chosen = match (wanted, by_name) {
        (None, _) => 0,
        (Some(_), Some(index)) => index,
        (Some(_), None) if channel.is_some() => 0,
        (Some(wanted), None) => {
            return Err(FormatError::no_dataset(path, wanted, candidates.iter().map(|c| c.name.as_str())));
        }
    };
    let candidate = candidates.get(chosen).ok_or_else(|| FormatError::new(path, "no recording here"))?;
    let build = |candidate: &Candidate, channel: usize| {
        let place = Place {
            folder: candidate.folder.clone(),
            prefix: candidate.prefix.clone(),
            channel,
            axes: options.axes.clone(),
            leave_out_suspects: options.leave_out_suspects,
        };
        build::build(&Arc::new(place), &candidate.listing, None, &Arc::new(Mutex::default())).map(Arc::new)
    };
    let source = build(candidate, channel.unwrap_or(0))?;
    if options.is_cancelled() {
        return Err(FormatError::new(path, "opening was cancelled").with_code(FormatErrorCode::Cancelled));
    }
    let channels = channels::channels(candidates, chosen, &source, build);
    let info = source.info();
    let summary = format!("{}, {}", info.shape, info.dtype);
    let mut datasets: Vec<DatasetEntry> = candidates
        .iter()
        .enumerate()
        .map(|(i, candidate)| DatasetEntry {
            name: candidate.name.clone(),
            summary: if i == chosen { summary.clone() } else { format!("{} blocks", candidate.num_blocks) },
            ..DatasetEntry::default()
        })
        .collect();
    let mut chosen = chosen;
    if source.num_channels() > 1 && candidates.len() == 1 {
        let entry =
            |channel| DatasetEntry { name: channel_name(channel), summary: summary.clone(), ..DatasetEntry::default() };
        datasets = (0..source.num_channels()).map(entry).collect();
        chosen = source.channel;
    } else if let (Some(wanted), None) = (wanted, by_name) {
        return Err(FormatError::no_dataset(path, wanted, datasets.iter().map(|entry| entry.name.as_str())));
    }
    let growing = Some(Arc::clone(&source) as Arc<dyn Growing>);
    Ok(Opened { datasets, chosen, channels, ..Opened::of(source, growing) })
}

/// What `--dataset` calls one of the channels interleaved in a file.
fn channel_name(channel: usize) -> String {
    format!("channel{channel}")
}
