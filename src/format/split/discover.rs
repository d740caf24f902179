//! From the path a user gives to the folder and prefix of a recording.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::metadata;
use super::names::{self, Group};
use crate::format::look::{Kind, Look};
use crate::format::{FormatError, OpenOptions, io_error};

/// Most sub-folders looked into.
const MAX_FOLDERS: usize = 256;

/// The names in one folder that matter, from one directory listing.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The groups of blocks, the likeliest first.
    pub groups: Vec<Group>,
    /// Other files ending in `.h5`.
    pub h5: Vec<String>,
    /// Files ending in `stack_metadata.json`.
    pub json: Vec<String>,
    /// Files ending in `_metadata.json` that are not those: the rig's own.
    pub rig: Vec<String>,
    /// Sub-folders.
    pub folders: Vec<String>,
}

impl Listing {
    /// Lists a folder once. Names that are not Unicode cannot be blocks.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        let mut h5 = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.ends_with(".h5") {
                h5.push(name);
            } else if name.ends_with("stack_metadata.json") {
                listing.json.push(name);
            } else if name.ends_with("_metadata.json") {
                listing.rig.push(name);
            } else if !name.starts_with('.') && entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink()) {
                listing.folders.push(name);
            }
        }
        (listing.groups, listing.h5) = names::group(h5);
        for names in [&mut listing.h5, &mut listing.json, &mut listing.rig, &mut listing.folders] {
            names.sort_unstable();
        }
        Ok(listing)
    }

    /// The blocks of exactly this prefix.
    pub fn group(&self, prefix: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.prefix == prefix)
    }

    /// The metadata file of a prefix: its own, else the plain one, else the only one.
    pub fn metadata(&self, prefix: &str) -> Option<&str> {
        let own = format!("{prefix}stack_metadata.json");
        let named = |wanted: &str| self.json.iter().find(|name| *name == wanted).map(String::as_str);
        named(&own).or_else(|| named("stack_metadata.json")).or_else(|| match self.json.as_slice() {
            [only] if prefix.is_empty() => Some(only),
            _ => None,
        })
    }
}

/// One recording a path offers.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// What `--dataset` calls it.
    pub name: String,
    /// Where its blocks lie.
    pub folder: PathBuf,
    /// What its block names start with.
    pub prefix: String,
    /// The folder's names.
    pub listing: Arc<Listing>,
    /// Number of blocks.
    pub num_blocks: usize,
}

/// What a path turned out to be.
pub(super) enum Found {
    /// Split datasets, the likeliest first.
    Split(Vec<Candidate>),
    /// The only HDF5 file of a folder, which is no block.
    File(PathBuf),
}

/// Finds what a path means: the folder of blocks, a parent of it, its metadata, one of its blocks. `None` for
/// a file that is none of a split dataset.
pub(super) fn discover(look: &Look, options: &OpenOptions) -> Result<Option<Found>, FormatError> {
    let Some(path) = look.path() else { return Ok(None) };
    let prefix = options.prefix.as_deref();
    if matches!(look.kind, Kind::Folder) {
        return in_folder(path, prefix, options).map(Some);
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Damaged metadata are known by their name alone.
    let own = name.strip_suffix("stack_metadata.json");
    if own.is_some() || is_claim(look) {
        let listing = Arc::new(Listing::of(parent).map_err(|error| io_error(parent, &error))?);
        let wanted = prefix.or(own.filter(|own| !own.is_empty()));
        let mut found = candidates(parent, &listing, wanted);
        if found.is_empty() {
            found = candidates(parent, &listing, prefix);
        }
        return if found.is_empty() { Err(no_blocks(path, prefix)) } else { Ok(Some(Found::Split(found))) };
    }
    // A block is one by its number among the others, whatever has become of its content.
    if let Some((own, _)) = names::parse(name)
        && let Ok(listing) = Listing::of(parent)
    {
        let group = listing.group(own).filter(|group| group.is_asked_for(prefix));
        if let Some(group) = group.filter(|group| group.blocks.iter().any(|block| block.name == name))
            && (own.is_empty() || group.blocks.len() > 1 || !listing.json.is_empty())
        {
            return Ok(Some(Found::Split(candidates(parent, &Arc::new(listing), Some(own)))));
        }
    }
    Ok(None)
}

/// Whether a file holds what the metadata of a split dataset hold.
fn is_claim(look: &Look) -> bool {
    look.is_json() && look.path().is_some_and(is_claimed_by)
}

fn is_claimed_by(path: &Path) -> bool {
    metadata::read_value(path).is_ok_and(|value| {
        ["shape_full", "shape_block"].iter().all(|key| value.get(key).is_some_and(serde_json::Value::is_array))
    })
}

fn no_blocks(path: &Path, prefix: Option<&str>) -> FormatError {
    FormatError::new(
        path,
        match prefix {
            Some(prefix) => format!("no block named {prefix}_0000.h5 or alike here; check --prefix"),
            None => "the metadata are here, but no block (0000.h5 and so on) is".into(),
        },
    )
}

/// The recordings whose blocks lie in `folder` itself.
fn candidates(folder: &Path, listing: &Arc<Listing>, prefix: Option<&str>) -> Vec<Candidate> {
    // The exact prefix of a block that was named, empty included.
    let exactly = prefix.and_then(|prefix| listing.group(prefix));
    let groups: Vec<&Group> = match exactly {
        Some(group) => vec![group],
        None => listing.groups.iter().filter(|group| group.is_asked_for(prefix)).collect(),
    };
    let folder_name = folder.file_name().map_or_else(|| "recording".into(), |name| name.to_string_lossy().into_owned());
    groups
        .into_iter()
        .map(|group| Candidate {
            name: match group.prefix.trim_end_matches(['_', '-']) {
                "" => folder_name.clone(),
                prefix => prefix.to_owned(),
            },
            folder: folder.to_owned(),
            prefix: group.prefix.clone(),
            listing: Arc::clone(listing),
            num_blocks: group.blocks.len(),
        })
        .collect()
}

/// Looks in the folder, then one level down, `original` first and its channels with it.
fn in_folder(folder: &Path, prefix: Option<&str>, options: &OpenOptions) -> Result<Found, FormatError> {
    let listing = Arc::new(Listing::of(folder).map_err(|error| io_error(folder, &error))?);
    let mut found = candidates(folder, &listing, prefix);
    if found.is_empty() && !listing.json.is_empty() {
        return Err(no_blocks(&folder.join(&listing.json[0]), prefix));
    }
    if found.is_empty() {
        found = below(folder, &listing, prefix, options, 1);
    }
    if !found.is_empty() {
        return Ok(Found::Split(found));
    }
    let blocks = listing.groups.iter().flat_map(|group| group.names());
    let h5: Vec<&str> = listing.h5.iter().map(String::as_str).chain(blocks).collect();
    match h5.as_slice() {
        [only] => Ok(Found::File(folder.join(only))),
        [] => {
            let text = match prefix {
                Some(prefix) => format!("no blocks named {prefix}_0000.h5 and so on in this folder"),
                None => "no recording here: neither blocks (0000.h5 and so on) nor a folder that holds them".into(),
            };
            Err(FormatError::absent(folder, text))
        }
        many => {
            let names = many[..many.len().min(5)].join(", ");
            Err(FormatError::new(folder, format!("no blocks (0000.h5 and so on) here; open one of its files: {names}")))
        }
    }
}

/// Recordings in the sub-folders of `folder`, `depth` further levels deep for `original`.
fn below(
    folder: &Path,
    listing: &Listing,
    prefix: Option<&str>,
    options: &OpenOptions,
    depth: usize,
) -> Vec<Candidate> {
    let mut folders: Vec<&String> = listing.folders.iter().collect();
    folders.sort_by_key(|name| (*name != "original", *name != "green", *name != "red", name.as_str()));
    let mut found = Vec::new();
    for name in folders.into_iter().take(MAX_FOLDERS) {
        if options.is_cancelled() {
            break;
        }
        let inner = folder.join(name);
        let Ok(listing) = Listing::of(&inner).map(Arc::new) else { continue };
        let mut here = candidates(&inner, &listing, prefix);
        if here.is_empty() && depth > 0 && name == "original" {
            here = below(&inner, &listing, prefix, options, depth - 1);
        }
        let is_only = here.len() == 1;
        for mut candidate in here {
            if !is_only && name != "original" {
                candidate.name = format!("{name}/{}", candidate.name);
            }
            found.push(candidate);
        }
    }
    found
}
