//! The files of a recording as they were when a plan was made, so that the first that has changed can be named.

use std::time::SystemTime;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::format::Source;
use crate::volume::Location;

/// One content of a file, told from others. Written as a list: name, bytes, nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp(String, u64, u64);

fn stamp(file: &Location) -> Option<FileStamp> {
    let path = std::path::absolute(file.path()?).ok()?;
    let there = path.metadata().ok().filter(|there| there.is_file())?;
    let modified = there.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(FileStamp(path.to_str()?.to_owned(), there.len(), u64::try_from(modified.as_nanos()).ok()?))
}

/// The files that sources are read from, those of the present machine. Asks the disk for each.
pub fn stamps(sources: &[&dyn Source]) -> Vec<FileStamp> {
    let mut stamps: Vec<FileStamp> = Vec::new();
    for source in sources {
        stamps.extend(source.files().iter().filter_map(stamp));
    }
    stamps.sort_by(|a, b| a.0.cmp(&b.0));
    stamps.dedup();
    stamps
}

/// Refuses files that are not what they were.
///
/// # Errors
/// Names the first.
pub fn refuse_changed(stamps: &[FileStamp]) -> Result<()> {
    for known in stamps {
        let now = match std::path::Path::new(&known.0).metadata() {
            Ok(_) => stamp(&known.0.as_str().into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("{}: was there when the plan was made, and is gone; make the plan anew", known.0)
            }
            // A server that is busy at this moment has not changed the recording.
            Err(error) => return Err(anyhow::Error::new(error).context(known.0.clone())),
        };
        if now.as_ref() != Some(known) {
            bail!("{}: has changed since the plan was made; make the plan anew", known.0);
        }
    }
    Ok(())
}
