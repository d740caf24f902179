//! Results kept from one run to the next, in a cache folder of the user's and never beside the recording. They are
//! of no use once the recording's files, the program or the measures are others; a folder that is full, read-only
//! or damaged costs the time of measuring again, and nothing else.

mod decode;
mod encode;

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(super) use self::decode::decode;
pub(super) use self::encode::encode;
use crate::array::LazyArray;
use crate::format::Source;
use crate::qc::{Codes, Missing, Row, State, Table};
use crate::volume::Location;

/// What a file of this program begins with.
const MAGIC: &[u8; 8] = b"TECTUMQ1";
/// Its extension.
const EXTENSION: &str = "quality";
/// No file is larger.
const MAX_BYTES: u64 = 1 << 30;
/// Files and bytes that stay in the folder, the newest first.
const MAX_FILES: usize = 200;
const MAX_FOLDER_BYTES: u64 = 1 << 30;

/// Where the results of one recording are kept, and what has to be the same for them to be true.
pub(super) struct Place {
    path: PathBuf,
    head: Head,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Head {
    /// The very program that wrote it.
    program: Option<Stamp>,
    /// The files of the recording, in order.
    files: Vec<Option<Stamp>>,
}

/// Tells one content of a file from another: its length and the time of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Stamp {
    num_bytes: u64,
    modified_ns: u64,
}

/// What is kept: rows and state of the timepoints before `next`.
pub(super) struct Results {
    pub(super) next: usize,
    pub(super) rows: Vec<Option<Row>>,
    pub(super) missing: Vec<Missing>,
    pub(super) state: State,
}

impl Place {
    /// The place of a recording as it is now. `None` for what does not lie in files. Asks the disk for each file.
    pub(super) fn of(folder: &Path, array: &LazyArray, wanted: Codes) -> Option<Self> {
        let files: Vec<Option<Stamp>> = array.source().files().iter().map(stamp).collect();
        if !files.iter().any(Option::is_some) {
            return None;
        }
        let path = folder.join(key(array, wanted)).with_extension(EXTENSION);
        let program = std::env::current_exe().ok().and_then(|path| stamp(&path.into()));
        Some(Self { path, head: Head { program, files } })
    }

    /// What is kept of it, if that is still true: a recording that has only grown keeps what it had.
    pub(super) fn load(&self, array: &LazyArray) -> Option<Results> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(&self.path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().ok()?;
        let (digest, packed) = bytes.strip_prefix(MAGIC)?.split_at_checked(32)?;
        if Sha256::digest(packed)[..] != *digest {
            tracing::debug!("{}: is damaged; the recording is measured again", self.path.display());
            return None;
        }
        let bytes = zstd::decode_all(packed).ok()?;
        let (head, next, rows, missing, state): (Head, usize, Vec<Option<Row>>, Vec<Missing>, State) =
            decode(&bytes).ok()?;
        let [num_t, num_z, ..] = array.info().shape;
        let is_true = head.program.is_some()
            && head.program == self.head.program
            && self.head.files.starts_with(&head.files)
            && next.max(rows.len()) <= num_t
            && rows.iter().flatten().all(|row| row.planes.len() == num_z);
        is_true.then_some(Results { next, rows, missing, state })
    }

    /// Keeps results. What goes wrong is told in the log and changes nothing.
    pub(super) fn save(&self, next: usize, table: &Table, missing: &[Missing], state: &State) {
        if let Err(error) = self.try_save(next, table, missing, state) {
            tracing::debug!("{}: results cannot be kept: {error}", self.path.display());
        }
    }

    fn try_save(&self, next: usize, table: &Table, missing: &[Missing], state: &State) -> io::Result<()> {
        let rows: Vec<Option<&Row>> = (0..next).map(|t| table.row(t).map(|row| &**row)).collect();
        let bytes = encode(&(&self.head, next, rows, missing, state)).map_err(io::Error::other)?;
        let packed = zstd::encode_all(&bytes[..], 1)?;
        drop(bytes);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Under another name first: half a file is never taken for a whole one.
        let part = self.path.with_extension("part");
        let write = || -> io::Result<()> {
            let mut file = File::create(&part)?;
            file.write_all(MAGIC)?;
            file.write_all(&Sha256::digest(&packed))?;
            file.write_all(&packed)?;
            fs::rename(&part, &self.path)
        };
        let outcome = write();
        if outcome.is_err() {
            // On a full disk the half of it must not stay.
            let _ = fs::remove_file(&part);
        }
        tidy(folder, MAX_FILES);
        outcome
    }
}

fn stamp(file: &Location) -> Option<Stamp> {
    let metadata: Metadata = file.path()?.metadata().ok().filter(Metadata::is_file)?;
    let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Stamp { num_bytes: metadata.len(), modified_ns: u64::try_from(modified.as_nanos()).ok()? })
}

/// A name for what is measured: where it lies, which array of it, how it is seen, and which measures.
fn key(array: &LazyArray, wanted: Codes) -> String {
    let source: &dyn Source = &**array.source();
    let info = source.info();
    let place = match info.location.path() {
        Some(path) => std::path::absolute(path).map_or_else(|_| path.as_os_str().to_owned(), OsString::from),
        None => OsString::from(info.location.to_string()),
    };
    let axes: Vec<String> = info.axes.iter().map(|axis| axis.map_or("?".to_owned(), |axis| axis.to_string())).collect();
    let seen = format!("{:?} {:?} {} {:?}", &array.info().shape[1..], axes, info.dtype.name(), array.held());
    let mut hash = Sha256::new();
    for part in [place.as_encoded_bytes(), info.name.as_bytes(), seen.as_bytes(), format!("{wanted:?}").as_bytes()] {
        // The length keeps neighbouring parts apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes away all that is kept in a folder.
pub fn forget(folder: &Path) {
    tidy(folder, 0);
}

/// Takes away the oldest files of this program beyond what may stay.
fn tidy(folder: &Path, max_files: usize) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == EXTENSION))
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    files.sort_by_key(|(modified, ..)| std::cmp::Reverse(*modified));
    let mut num_bytes = 0;
    for (i, (_, len, path)) in files.into_iter().enumerate() {
        num_bytes += len;
        if i >= max_files || i > 0 && num_bytes > MAX_FOLDER_BYTES {
            // What cannot be taken away stays.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests;
