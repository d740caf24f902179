//! What stands in a reference file, entry by entry, for whoever writes the one that takes its place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::container::{self, Container};
use super::document::{Document, Entry};
use crate::format::look::Look;
use crate::format::{Cancel, FormatError, OpenOptions};

/// A reference file of this machine.
pub struct References {
    path: PathBuf,
    container: Container,
    document: Document,
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// Metadata.
    Json(Value),
    /// The content itself.
    Bytes(Vec<u8>),
    /// So many bytes of a file.
    Piece {
        /// The file; `./` in front of those that lie in the reference file's own folder or archive.
        name: String,
        /// Its first byte there.
        offset: u64,
        /// How many.
        num_bytes: u64,
    },
}

impl References {
    /// Reads a reference file: JSON, a tar archive, or a folder.
    ///
    /// # Errors
    /// When it is none, or damaged.
    pub fn read(path: &Path) -> Result<Self, FormatError> {
        let look = Look::at(&path.into(), &OpenOptions::default())?;
        let none = || Err(FormatError::new(path, "is no reference file"));
        let (container, document) = container::open(&look, &Cancel::new()).unwrap_or_else(none)?;
        Ok(Self { path: path.to_owned(), container, document })
    }

    /// What whoever wrote it says of that.
    pub fn made_by(&self) -> &Value {
        &self.document.made_by
    }

    /// All entries by their keys, templates filled in. Metadata that stand as text are told as what they say.
    ///
    /// # Errors
    /// When one of them makes no sense.
    pub fn entries(&self) -> Result<BTreeMap<String, Reference>, FormatError> {
        let failed = |message: String| FormatError::new(self.path.as_path(), message);
        let entry = |(key, entry): (&String, &Entry)| {
            let is_metadata = key.rsplit('/').next().is_some_and(|name| name.starts_with(".z"));
            let reference = match entry {
                Entry::Json(value) => Reference::Json(value.clone()),
                Entry::Text(_) if is_metadata => {
                    Reference::Json(self.document.json(key).ok_or_else(|| failed(format!("{key} is damaged")))?)
                }
                Entry::Text(_) => {
                    Reference::Bytes(self.document.inline(key).unwrap_or_else(|| Ok(Vec::new())).map_err(failed)?)
                }
                Entry::Piece { name, offset, num_bytes } => Reference::Piece {
                    name: self.document.filled_in(name).map_err(failed)?,
                    offset: *offset,
                    num_bytes: *num_bytes,
                },
                Entry::Nonsense => return Err(failed(format!("{key} names no bytes"))),
            };
            Ok((key.clone(), reference))
        };
        self.document.refs.iter().map(entry).collect()
    }

    /// The file in which something lies that is called `./…`, its first byte there and its length.
    ///
    /// # Errors
    /// When it is not there.
    pub fn inside(&self, name: &str) -> Result<(PathBuf, u64, u64), FormatError> {
        let failed = |message: String| FormatError::new(self.path.as_path(), message);
        let inner = name.strip_prefix("./").unwrap_or(name);
        let place = match &self.container {
            Container::Tar(files) => files.get(inner).map(|&(offset, len)| (self.path.clone(), offset, len)),
            Container::Folder if !inner.split('/').any(|part| matches!(part, "" | "." | "..")) => {
                let path = self.path.join(inner);
                let there = path.metadata().ok().filter(std::fs::Metadata::is_file);
                there.map(|there| (path, 0, there.len()))
            }
            Container::Folder | Container::Json => None,
        };
        place.ok_or_else(|| failed(format!("holds no file {inner}, which it refers to")))
    }
}
