//! The three forms of a reference file: JSON alone, a tar archive and a folder, and where `./name` leads in each.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::document::{Document, MAX_JSON_BYTES};
use crate::format::look::{Kind, Look};
use crate::format::store::{ByteStore, read_whole, tried};
use crate::format::{Cancel, FetchError, FormatError, ReadError, ReadErrorKind};

/// Name of the reference file in a folder or an archive.
const LINDI: &str = "lindi.json";

/// Where the parts of a reference file lie that are named by `./name`.
pub(super) enum Container {
    /// Beside the file.
    Json,
    /// In the archive: offset and length of each.
    Tar(HashMap<String, (u64, u64)>),
    /// In the folder.
    Folder,
}

impl Container {
    /// In words, for the facts.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Json => "reference file (JSON)",
            Self::Tar(_) => "reference file in a tar archive",
            Self::Folder => "reference file in a folder",
        }
    }
}

/// What was looked at as a reference file; `None` where it is none.
pub(super) fn open(look: &Look, cancel: &Cancel) -> Option<Result<(Container, Document), FormatError>> {
    match &look.kind {
        Kind::Folder => folder(look, cancel).transpose(),
        Kind::File { head, .. } if head.starts_with(b".tar_entry.json\0") && head.get(257..262) == Some(b"ustar") => {
            Some(archive(look, cancel))
        }
        Kind::File { head, .. } if look.is_json() => json(look, head, cancel).transpose(),
        Kind::File { .. } | Kind::Other => None,
    }
}

fn parsed(look: &Look, bytes: &[u8]) -> Result<Option<Document>, FormatError> {
    Document::parse(bytes).map_err(|message| FormatError::new(&look.location, message))
}

fn json(look: &Look, head: &[u8], cancel: &Cancel) -> Result<Option<(Container, Document)>, FormatError> {
    let text = String::from_utf8_lossy(head);
    let is_certain = text.contains("\"refs\"") || look.location.short().contains(".lindi.");
    let bytes = match read_whole(look.store.as_ref(), "", MAX_JSON_BYTES, cancel) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) if is_certain => return Err(error),
        // Whose file it is, others may know.
        Err(_) => return Ok(None),
    };
    match parsed(look, &bytes) {
        Ok(document) => Ok(document.map(|document| (Container::Json, document))),
        Err(error) if is_certain => Err(error),
        Err(_) => Ok(None),
    }
}

fn folder(look: &Look, cancel: &Cancel) -> Result<Option<(Container, Document)>, FormatError> {
    // Asked of every folder there is: only one that says what it is may be wrong.
    let is_certain = look.location.short().ends_with(".lindi.d");
    let bytes = match read_whole(look.store.as_ref(), LINDI, MAX_JSON_BYTES, cancel) {
        Ok(Some(bytes)) => bytes,
        Ok(None) if is_certain => {
            return Err(FormatError::new(&look.location, format!("holds no {LINDI}")));
        }
        Ok(None) => return Ok(None),
        Err(error) if is_certain => return Err(error),
        Err(_) => return Ok(None),
    };
    Ok(parsed(look, &bytes)?.map(|document| (Container::Folder, document)))
}

/// Where a file lies in the archive, as its lists have it.
fn placed(entry: &Value) -> Option<(String, u64, u64)> {
    Some((entry["n"].as_str()?.to_owned(), entry["d"].as_u64()?, entry["s"].as_u64()?))
}

fn archive(look: &Look, cancel: &Cancel) -> Result<(Container, Document), FormatError> {
    const ENTRY: (u64, u64) = (512, 1024);
    let failed = |what: &str| FormatError::new(&look.location, what);
    let read = |offset: u64, num_bytes: u64| bytes_of(look, offset, num_bytes, cancel);
    let list = |bytes: &[u8], what: &str| {
        serde_json::from_slice::<Value>(bytes).map_err(|error| failed(&format!("{what} is damaged: {error}")))
    };
    let entry = list(&read(ENTRY.0, ENTRY.1)?, "the beginning of its list of files")?;
    let (_, offset, num_bytes) =
        placed(&entry["index"]).ok_or_else(|| failed("does not say where its list of files is"))?;
    let index = list(&read(offset, num_bytes)?, "its list of files")?;
    let files = index["files"].as_array().ok_or_else(|| failed("has no list of files"))?;
    // Of files of one name the last is the newest.
    let files: HashMap<String, (u64, u64)> =
        files.iter().filter_map(placed).map(|(name, offset, num_bytes)| (name, (offset, num_bytes))).collect();
    let &(offset, num_bytes) = files.get(LINDI).ok_or_else(|| failed(&format!("holds no {LINDI}")))?;
    let document = parsed(look, &read(offset, num_bytes)?)?;
    let document = document.ok_or_else(|| failed(&format!("its {LINDI} has no references")))?;
    Ok((Container::Tar(files), document))
}

fn bytes_of(look: &Look, offset: u64, num_bytes: u64, cancel: &Cancel) -> Result<Vec<u8>, FormatError> {
    let store: &Arc<dyn ByteStore> = &look.store;
    let end = offset.checked_add(num_bytes).filter(|_| num_bytes <= MAX_JSON_BYTES);
    let end = end.ok_or_else(|| {
        FormatError::new(&look.location, format!("lists a file of {num_bytes} bytes; up to {MAX_JSON_BYTES} are read"))
    })?;
    let found = tried(store.as_ref(), "", cancel, &mut |until| {
        let gone = || FetchError::Lasting(ReadError::new(ReadErrorKind::Missing, &look.location, "the file is gone"));
        store.ranges("", &[offset..end], until, cancel)?.ok_or_else(gone)
    })?;
    Ok(found.into_iter().next().unwrap_or_default())
}
