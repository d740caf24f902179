//! What lies at a path, looked at once: formats are told apart by it, not by what it is called.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hdf5::{has_signature, known_as, open_shared, read_at};
use super::store::{self, ByteStore, LocalStore};
use super::{FormatError, OpenOptions, io_error};
use crate::volume::Location;

/// Bytes at the beginning of a file that formats are told by.
const HEAD_BYTES: usize = 4096;

/// A location and what is there.
pub(super) struct Look {
    /// The location.
    pub location: Location,
    /// What is there.
    pub kind: Kind,
    /// What is there as bytes: the folder's files by their names, or the file by the empty name.
    pub store: Arc<dyn ByteStore>,
    /// By which path the reader of HDF5 knows it, where it holds that.
    hdf5: Option<PathBuf>,
}

/// What a location can be.
pub(super) enum Kind {
    /// A folder. A format that is a folder asks for the files it is known by.
    Folder,
    /// A file.
    File {
        /// How it begins; shorter only where the file is.
        head: Vec<u8>,
        /// Whether it holds HDF5, perhaps behind a user block.
        is_hdf5: bool,
    },
    /// A pipe, a device: nothing to read, though it may be named like a part of a recording.
    Other,
}

impl Look {
    /// Looks at a location. Blocks.
    ///
    /// # Errors
    /// When nothing is there, or it may not be read.
    pub fn at(location: &Location, options: &OpenOptions) -> Result<Self, FormatError> {
        let Some(path) = location.path() else { return Self::afar(location, options) };
        let failed = |error: std::io::Error| io_error(path, &error);
        let metadata = std::fs::metadata(path).map_err(failed)?;
        let kind = if metadata.is_dir() {
            Kind::Folder
        } else if metadata.is_file() {
            let file = open_shared(path).map_err(failed)?;
            let is_hdf5 = has_signature(&file, metadata.len()).map_err(failed)?;
            Kind::File { head: head_of(&file, metadata.len()), is_hdf5 }
        } else {
            Kind::Other
        };
        let hdf5 = matches!(kind, Kind::File { is_hdf5: true, .. }).then(|| path.to_owned());
        Ok(Self { location: location.clone(), kind, store: Arc::new(LocalStore::new(path)), hdf5 })
    }

    /// Looks at a URL. A server has no folders: where it has no file of this name, or a web page about it, there
    /// may be files below it.
    fn afar(location: &Location, options: &OpenOptions) -> Result<Self, FormatError> {
        let store = store::open(location, options)?;
        let is_folder = location.url_path().is_none_or(|path| path.is_empty()) && location.scheme() == Some("s3");
        let head = match is_folder {
            true => None,
            false => store::beginning(store.as_ref(), "", HEAD_BYTES as u64, &options.cancel)?,
        };
        let mut hdf5 = None;
        let kind = match head {
            Some((info, head)) if !is_web_page(&head) => {
                let is_hdf5 = holds_signature(&head);
                hdf5 = is_hdf5.then(|| known_as(location, &store, info, options));
                Kind::File { is_hdf5, head }
            }
            _ => Kind::Folder,
        };
        Ok(Self { location: location.clone(), kind, store, hdf5 })
    }

    /// By which path the reader of HDF5 knows it, of this machine or not; `None` where it holds no HDF5.
    pub fn hdf5_path(&self) -> Option<&Path> {
        self.hdf5.as_deref()
    }

    /// Its path, where it is of this machine.
    pub fn path(&self) -> Option<&Path> {
        self.location.path()
    }

    /// Whether it is a file that holds HDF5.
    pub fn is_hdf5(&self) -> bool {
        matches!(self.kind, Kind::File { is_hdf5: true, .. })
    }

    /// Whether it is a file that begins as a JSON object does.
    pub fn is_json(&self) -> bool {
        matches!(&self.kind, Kind::File { head, .. } if head.trim_ascii_start().starts_with(b"{"))
    }

    /// What it is, for who has to be told that nothing here reads it.
    pub fn in_words(&self) -> String {
        let Kind::File { head, .. } = &self.kind else {
            let is_afar = self.store.is_remote() && matches!(self.kind, Kind::Folder);
            let afar = "the server has no file of this name, and below it nothing that this program reads";
            return if is_afar { afar } else { "is no file" }.to_owned();
        };
        if let Some((_, name)) = KNOWN.iter().find(|(beginning, _)| head.starts_with(beginning)) {
            return format!("is {name}, which this program does not read");
        }
        let name = self.location.short();
        let is_called_hdf5 = name.ends_with(".h5") || name.ends_with(".hdf5");
        let text = std::str::from_utf8(head).or_else(|error| std::str::from_utf8(&head[..error.valid_up_to()]));
        let is_text = text.is_ok_and(|text| {
            text.len() + 3 >= head.len() && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
        });
        match () {
            () if head.is_empty() => "is empty (0 bytes): not written yet, or its writer was stopped".to_owned(),
            () if head.iter().all(|byte| *byte == 0) => {
                "begins with zeros: not copied to its end yet, or damaged".to_owned()
            }
            () if self.is_json() => "is JSON, but not the metadata of a recording".to_owned(),
            () if is_text => "is text, not a recording".to_owned(),
            () if is_called_hdf5 => "is not HDF5, or its beginning is damaged".to_owned(),
            () => "is of no format that this program reads".to_owned(),
        }
    }
}

/// How files begin that people have beside their recordings.
const KNOWN: [(&[u8], &str); 7] = [
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"MATLAB 5.0", "a Matlab file"),
    (b"%PDF", "a PDF document"),
];

/// Whether a server has answered with a page for people.
fn is_web_page(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let begins = |text: &str| head.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()));
    begins("<!doctype html") || begins("<html")
}

/// Whether HDF5 begins here, perhaps behind a user block.
fn holds_signature(head: &[u8]) -> bool {
    [0, 512, 1024, 2048].iter().any(|&at| head.get(at..).is_some_and(|rest| rest.starts_with(b"\x89HDF\r\n\x1a\n")))
}

fn head_of(file: &File, num_bytes: u64) -> Vec<u8> {
    let mut head = vec![0; num_bytes.min(HEAD_BYTES as u64) as usize];
    // Cut off at this moment: nothing is known of it.
    if read_at(file, &mut head, 0).is_err() {
        head.clear();
    }
    head
}
