//! Reference files as the `lindi` package reads them: an HDF5 file, or a split dataset, described as a Zarr store
//! whose chunks are named by file, offset and length. Nothing is copied but what is small.

mod arrays;
mod changed;
mod container;
mod document;
mod former;
mod own;
mod recording;
mod values;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

pub use changed::{Changed, Voxels};
pub use container::{Writer, write_index};
pub use document::Index;
pub use former::Former;

use self::arrays::numbers;
use self::own::compressor;
use self::values::{attribute, inline};
use crate::format::Source;
use crate::format::hdf5::{ObjectKind, Objects};
use crate::write::vds::{Names, attributes_of_array};

/// How chunks name their file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By its absolute path: `lindi` looks for others from wherever it was started.
    Absolute,
    /// By its path from this folder.
    RelativeTo(PathBuf),
    /// As this URL or path, whatever it is called here.
    As(String),
}

impl Naming {
    /// How it is written down in a reference file.
    fn word(&self) -> &str {
        match self {
            Self::Absolute => "absolute",
            Self::RelativeTo(_) => "relative",
            Self::As(name) => name,
        }
    }

    /// The same read again, for a reference file in `folder`.
    fn parse(word: &str, folder: &Path) -> Self {
        match word {
            "absolute" => Self::Absolute,
            "relative" => Self::RelativeTo(folder.to_owned()),
            name => Self::As(name.to_owned()),
        }
    }

    /// What names files.
    ///
    /// # Errors
    /// When it cannot be asked where the folder lies.
    fn names(&self) -> Result<FileNames> {
        Ok(match self {
            Self::As(name) => FileNames::As(name.clone()),
            Self::Absolute => FileNames::Seen(Names::from(Path::new(""), true)?),
            Self::RelativeTo(folder) => FileNames::Seen(Names::from(folder, false)?),
        })
    }
}

/// Names of files.
enum FileNames {
    As(String),
    Seen(Names),
}

impl FileNames {
    /// The name of a file.
    ///
    /// # Errors
    /// When it cannot be asked where it lies, or its name is no text.
    fn of(&mut self, file: &Path) -> Result<String> {
        match self {
            Self::As(name) => Ok(name.clone()),
            Self::Seen(names) => {
                let path = names.of(file)?;
                let name = path.to_str().with_context(|| format!("{}: its name is no text", file.display()))?;
                Ok(name.to_owned())
            }
        }
    }
}

/// Describes all of an HDF5 file: groups, attributes, links, and every array. Blocks.
///
/// # Errors
/// When it cannot be read. What of it cannot be described is left out and named ([`Index::left_out`]).
pub fn index_file(path: &Path, naming: &Naming) -> Result<Index> {
    let objects = Objects::read(path)?;
    let name = naming.names()?.of(path)?;
    let mut index = Index::new(path, naming);
    if let Some(why) = &objects.cut {
        bail!("{}: cannot be described as a whole: {why}", path.display());
    }
    for object in &objects.all {
        let key = |name: &str| if object.path.is_empty() { name.to_owned() } else { format!("{}/{name}", object.path) };
        let mut attributes = serde_json::Map::new();
        for (name, value) in &object.attributes {
            match value.clone().and_then(|value| attribute(&value, &objects)) {
                Ok(value) => drop(attributes.insert(name.clone(), value)),
                Err(why) => index.leave_out(&format!("{}@{name}", object.path), &why),
            }
        }
        let made = match &object.kind {
            ObjectKind::Group => Ok(None),
            ObjectKind::Link(target) => {
                attributes = serde_json::Map::from_iter([("_SOFT_LINK".to_owned(), json!({ "path": target }))]);
                Ok(None)
            }
            ObjectKind::Elsewhere(file, path) => Err(format!("is a link to {path} in another file ({file})")),
            ObjectKind::Numbers(_) => numbers(path, &object.path, &name).map(Some),
            ObjectKind::Values(values) => {
                values.clone().and_then(|values| inline(&values, &objects, &mut attributes)).map(Some)
            }
        };
        match made {
            Ok(None) => index.set_json(key(".zgroup"), json!({ "zarr_format": 2 })),
            Ok(Some(array)) => {
                index.set_json(key(".zarray"), array.metadata);
                array.chunks.into_iter().for_each(|(chunk, entry)| index.set(key(&chunk), entry));
            }
            Err(why) => {
                index.leave_out(&object.path, &why);
                continue;
            }
        }
        if !attributes.is_empty() {
            index.set_json(key(".zattrs"), Value::Object(attributes));
        }
    }
    Ok(index.described())
}

/// Describes the array of a recording whose blocks lie in HDF5 files, as one array under this name. Blocks: every file
/// is looked at.
///
/// # Errors
/// When the blocks are not stored alike, so that no Zarr array has their chunks; the message says which is not.
pub fn index_recording(source: &dyn Source, dataset: &str, naming: &Naming) -> Result<Index> {
    let info = source.info();
    let path = info.location.path().with_context(|| format!("{}: does not lie on this machine", info.location))?;
    let mut index = Index::new(path, naming);
    index.array = Some(dataset.to_owned());
    let array = recording::array(source, naming, &mut index)?;
    index.set_json(".zgroup".to_owned(), json!({ "zarr_format": 2 }));
    let groups = dataset.match_indices('/').map(|(at, _)| &dataset[..at]);
    groups.for_each(|group| index.set_json(format!("{group}/.zgroup"), json!({ "zarr_format": 2 })));
    index.set_json(format!("{dataset}/.zarray"), array.metadata);
    array.chunks.into_iter().for_each(|(chunk, entry)| index.set(format!("{dataset}/{chunk}"), entry));
    index.set_json(format!("{dataset}/.zattrs"), attributes_of_array(info));
    Ok(index.described())
}
