//! Looking for recordings below a folder that is none: somebody chose the folder of the day, or of the
//! wrong level. Bounded in depth, in folders and in time, and abandoned when nobody wants it any more.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::discover::Listing;
use super::names::Group;
use crate::format::kinds::{kind_of_folder_with, kind_of_name};
use crate::volume::Location;

/// How far is looked, so that a search comes to an end wherever it was begun.
#[derive(Clone, Copy, Debug)]
pub struct SearchBounds {
    /// Levels of folders looked into.
    pub max_depth: usize,
    /// Folders looked into.
    pub max_folders: usize,
    /// Recordings found.
    pub max_found: usize,
    /// Time spent on it.
    pub max_time: Duration,
}

impl SearchBounds {
    /// For somebody who waits for a few recordings to choose from.
    pub const NEAR: Self = Self { max_depth: 6, max_folders: 5000, max_found: 40, max_time: Duration::from_secs(20) };
    /// For all of them.
    pub const WIDE: Self =
        Self { max_depth: 16, max_folders: 200_000, max_found: 10_000, max_time: Duration::from_secs(600) };
}

/// Entries counted in words of a folder.
const MAX_COUNTED: usize = 20_000;

/// A recording somebody may have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRecording {
    /// What to open.
    pub location: Location,
    /// Where it lies, seen from the folder that was searched.
    pub name: String,
    /// What it is, in a few words.
    pub summary: String,
}

/// Goes through the folders below `root`, the nearest first, and calls `found` for each recording. Blocks;
/// `cancel` ends it. Returns whether every folder was looked into.
pub fn search(root: &Path, bounds: SearchBounds, cancel: &AtomicBool, mut found: impl FnMut(FoundRecording)) -> bool {
    let deadline = Instant::now() + bounds.max_time;
    let mut waiting = VecDeque::from([(root.to_owned(), 0)]);
    let (mut num_folders, mut num_found, mut is_complete) = (0, 0, true);
    while let Some((folder, depth)) = waiting.pop_front() {
        if cancel.load(Ordering::Relaxed) || Instant::now() > deadline || num_found >= bounds.max_found {
            return false;
        }
        num_folders += 1;
        // What may not be read holds nothing that could be opened.
        let Ok(listing) = Listing::of(&folder) else { continue };
        let mut here = recordings(root, &folder, &listing);
        here.extend(of_other_kinds(root, &folder));
        let is_recording = !here.is_empty();
        for recording in here.into_iter().take(bounds.max_found - num_found) {
            num_found += 1;
            found(recording);
        }
        if is_recording && depth > 0 {
            continue;
        }
        for name in &listing.folders {
            let inner = folder.join(name);
            // A link may lead back up.
            let is_link = std::fs::symlink_metadata(&inner).is_ok_and(|metadata| metadata.is_symlink());
            if is_link || depth >= bounds.max_depth || num_folders + waiting.len() >= bounds.max_folders {
                is_complete = false;
                continue;
            }
            waiting.push_back((inner, depth + 1));
        }
    }
    is_complete
}

/// The recordings whose files lie in `folder` itself.
fn recordings(root: &Path, folder: &Path, listing: &Listing) -> Vec<FoundRecording> {
    let place = folder.strip_prefix(root).unwrap_or(folder).display().to_string();
    let name = |file: Option<&str>| match (place.as_str(), file) {
        ("", None) => ".".to_owned(),
        ("", Some(file)) => file.to_owned(),
        (place, None) => place.to_owned(),
        (place, Some(file)) => format!("{place}/{file}"),
    };
    let blocks: Vec<&Group> = listing.groups.iter().filter(|group| group.is_asked_for(None)).collect();
    if !blocks.is_empty() {
        let num: usize = blocks.iter().map(|group| group.blocks.len()).sum();
        let summary = match (blocks.len(), num) {
            (1, 1) => "1 block".to_owned(),
            (1, num) => format!("{num} blocks"),
            (kinds, num) => format!("{kinds} recordings, {num} blocks"),
        };
        return vec![FoundRecording { location: folder.into(), name: name(None), summary }];
    }
    let files = listing.h5.iter().filter(|file| *file != "time.h5");
    files
        .map(|file| FoundRecording {
            location: folder.join(file).into(),
            name: name(Some(file)),
            summary: "HDF5 file".to_owned(),
        })
        .collect()
}

/// The recordings of other kinds than HDF5 whose files lie in `folder` itself, or which it is.
fn of_other_kinds(root: &Path, folder: &Path) -> Vec<FoundRecording> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let place = folder.strip_prefix(root).unwrap_or(folder);
    let found = |location: &Path, name: &Path, summary: &str| FoundRecording {
        location: location.into(),
        name: if name.as_os_str().is_empty() { ".".to_owned() } else { name.display().to_string() },
        summary: summary.to_owned(),
    };
    let (mut files, mut series) = (Vec::new(), BTreeMap::<String, usize>::new());
    for entry in entries.take(MAX_COUNTED).flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if let Some(kind) = kind_of_folder_with(&name) {
            return vec![found(folder, place, kind)];
        }
        // HDF5 files are told apart from blocks by their names.
        let Some(kind) = kind_of_name(&name).filter(|_| !name.ends_with(".h5") && !name.ends_with(".json")) else {
            continue;
        };
        if kind == "TIFF file" {
            *series.entry(name.replace(|c: char| c.is_ascii_digit(), "")).or_default() += 1;
        }
        files.push((name, kind));
    }
    // Numbered files are one recording.
    let num_of = |name: &str| series.get(&name.replace(|c: char| c.is_ascii_digit(), "")).copied().unwrap_or(0);
    let mut recordings = Vec::new();
    if let Some(num) = series.values().copied().max().filter(|num| *num > MAX_SINGLE) {
        recordings.push(found(folder, place, &format!("{num} numbered TIFF files")));
    }
    files.retain(|(name, _)| num_of(name) <= MAX_SINGLE);
    files.sort();
    recordings.extend(files.iter().map(|(name, kind)| found(&folder.join(name), &place.join(name), kind)));
    recordings
}

/// More TIFF files than this whose names differ in a number alone are a series.
const MAX_SINGLE: usize = 3;

/// What lies at a path, in one sentence, and the folder worth searching: the path itself, or the nearest
/// there is above it. Blocks.
pub fn what_is_at(path: &Path) -> (String, Option<PathBuf>) {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => (words_of_folder(path), Some(path.to_owned())),
        Ok(metadata) => {
            let kind = path.extension().map_or("file".to_owned(), |e| format!(".{} file", e.to_string_lossy()));
            let text = format!("It is a {kind} of {} bytes.", metadata.len());
            (text, path.parent().filter(|parent| parent.is_dir()).map(Path::to_owned))
        }
        Err(_) => {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            match absolute.ancestors().skip(1).find(|above| above.is_dir()) {
                // Below the root of the system everything lies.
                Some(above) if above.parent().is_some() => {
                    (format!("The nearest folder there is: {}", above.display()), Some(above.to_owned()))
                }
                _ => ("Nothing of this path is there: perhaps a disk or a share is not connected.".to_owned(), None),
            }
        }
    }
}

/// "3 folders, 120 .tif files".
fn words_of_folder(folder: &Path) -> String {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return format!("The folder cannot be listed: {error}."),
    };
    let (mut num_folders, mut num, mut kinds) = (0, 0, BTreeMap::<String, usize>::new());
    for entry in entries.take(MAX_COUNTED).flatten() {
        num += 1;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            num_folders += 1;
        } else {
            let name = entry.file_name();
            let kind = Path::new(&name).extension().map(|e| format!(".{}", e.to_string_lossy()));
            *kinds.entry(kind.unwrap_or_default()).or_default() += 1;
        }
    }
    if num == 0 {
        return "The folder is empty.".to_owned();
    }
    let plural = |num: usize| if num == 1 { "" } else { "s" };
    let mut parts = Vec::new();
    if num_folders > 0 {
        parts.push(format!("{num_folders} folder{}", plural(num_folders)));
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, num)| std::cmp::Reverse(*num));
    let others: usize = kinds.iter().skip(3).map(|(_, num)| num).sum();
    for (kind, num) in kinds.into_iter().take(3) {
        let kind = if kind.is_empty() { String::new() } else { format!("{kind} ") };
        parts.push(format!("{num} {kind}file{}", plural(num)));
    }
    if others > 0 {
        parts.push(format!("{others} other file{}", plural(others)));
    }
    let more = if num == MAX_COUNTED { " and more" } else { "" };
    format!("It holds {}{more}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"").unwrap();
    }

    fn found_below(root: &Path) -> (Vec<String>, bool) {
        let mut found = Vec::new();
        let is_complete =
            search(root, SearchBounds::NEAR, &AtomicBool::new(false), |recording| found.push(recording.name));
        (found, is_complete)
    }

    #[test]
    fn recordings_are_found_below_the_folder_of_the_day() {
        let day = tempfile::tempdir().unwrap();
        for block in 0..3 {
            touch(&day.path().join(format!("fish1/exp/original/{block:04}.h5")));
        }
        touch(&day.path().join("fish2/0000.h5"));
        touch(&day.path().join("fish2/0001.h5"));
        touch(&day.path().join("notes/plan.txt"));
        touch(&day.path().join("anatomy/average.h5"));
        let (found, is_complete) = found_below(day.path());
        assert_eq!(found, ["anatomy/average.h5", "fish2", "fish1/exp/original"]);
        assert!(is_complete);
        let (there, folder) = what_is_at(day.path());
        assert_eq!((there.as_str(), folder.as_deref()), ("It holds 4 folders.", Some(day.path())));
        // A path that is not there leads to what is.
        let (there, folder) = what_is_at(&day.path().join("fish3/exp"));
        assert!(there.starts_with("The nearest folder there is"), "{there}");
        assert_eq!(folder.as_deref(), Some(day.path()));
    }

    #[test]
    fn recordings_of_every_kind_are_found() {
        let day = tempfile::tempdir().unwrap();
        for file in [
            "a/fish.ome.zarr/zarr.json",
            "a/fish.ome.zarr/0/c/0",
            "b/session.nwb",
            "c/scan.tif",
            "d/x.lindi.tar",
            "e/n.pdf",
        ] {
            touch(&day.path().join(file));
        }
        for number in 0..5 {
            touch(&day.path().join(format!("f/scan_{number:05}.tif")));
        }
        let (mut found, _) = found_below(day.path());
        found.sort();
        assert_eq!(found, ["a/fish.ome.zarr", "b/session.nwb", "c/scan.tif", "d/x.lindi.tar", "f"]);
    }

    #[test]
    fn a_deep_or_cancelled_search_ends() {
        let root = tempfile::tempdir().unwrap();
        let deep: PathBuf = (0..10).fold(root.path().to_owned(), |path, i| path.join(i.to_string()));
        touch(&deep.join("0000.h5"));
        let (found, is_complete) = found_below(root.path());
        assert_eq!((found.len(), is_complete), (0, false));
        assert!(!search(root.path(), SearchBounds::NEAR, &AtomicBool::new(true), |_| panic!("nobody wants it")));
    }

    #[test]
    fn a_folder_is_described_by_what_is_in_it() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(what_is_at(root.path()).0, "The folder is empty.");
        for name in ["a.tif", "b.tif", "c.txt", "README", "x.png", "y.jpg", "sub/z"] {
            touch(&root.path().join(name));
        }
        let text = what_is_at(root.path()).0;
        assert_eq!(text, "It holds 1 folder, 2 .tif files, 1 file, 1 .jpg file, 2 other files.");
        let (text, folder) = what_is_at(&root.path().join("a.tif"));
        assert_eq!((text.as_str(), folder.as_deref()), ("It is a .tif file of 0 bytes.", Some(root.path())));
    }
}
