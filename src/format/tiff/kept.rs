//! Indexes of long files, kept in the user's folder for what may be kept between openings. One is of one state of
//! one file: of another state or another file it is not asked for anything. Damaged and foreign files there are
//! harmless: what does not check is indexed again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::ifd::{Ask, TiffFile};
use super::index::{Data, End, Index, MAX_PAGES, Page};
use crate::format::OpenOptions;
use crate::format::store;

/// Changes when what is kept is another thing than before.
const FORMAT: u64 = 1;
/// Shorter files are indexed faster than an index is looked for.
const LEAST_PAGES: usize = 1000;
/// All that is kept of TIFF files together.
const MAX_BYTES: u64 = 256 << 20;
/// Bytes of a page, and of the checksum.
const PAGE_BYTES: usize = 28;
const SUM_BYTES: usize = 32;

/// Where the index of a file is kept.
fn place(file: &TiffFile, folder: &Path) -> PathBuf {
    let location = file.store.location(&file.name).to_string();
    let name: String = Sha256::digest(location.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    folder.join("tiff").join(format!("{name}.index"))
}

/// What must be the same for an index to be true; `None` where the store cannot tell one state from another.
fn state(file: &TiffFile, version: Option<&str>) -> Option<Json> {
    let location = file.store.location(&file.name).to_string();
    Some(json!({ "format": FORMAT, "location": location, "num_bytes": file.num_bytes, "version": version? }))
}

/// The index of a file as it was kept; `None` where none is, or it is of another state.
pub fn recall(file: &TiffFile, version: Option<&str>, options: &OpenOptions) -> Option<Index> {
    let path = place(file, options.cache.as_deref()?);
    let state = state(file, version)?;
    let most = (MAX_PAGES * PAGE_BYTES + (1 << 20)) as u64;
    if fs::metadata(&path).ok()?.len() > most {
        return None;
    }
    let bytes = fs::read(&path).ok()?;
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM_BYTES)?)?;
    if Sha256::digest(body)[..] != *sum {
        return None;
    }
    let line = body.iter().position(|byte| *byte == b'\n')?;
    let head: Json = serde_json::from_slice(&body[..line]).ok()?;
    if head["state"] != state {
        return None;
    }
    let number = |bytes: &[u8], at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let page = |bytes: &[u8]| {
        let layout = u32::from_le_bytes(bytes.get(24..28)?.try_into().ok()?);
        let len = number(bytes, 16)?;
        let data = if len == u64::MAX { Data::Listed } else { Data::At(number(bytes, 8)?, len) };
        Some(Page { at: number(bytes, 0)?, layout, data })
    };
    let mut index = Index::empty();
    index.next_at = head["next_at"].as_u64()?;
    let pages: Vec<Page> = body[line + 1..].chunks_exact(PAGE_BYTES).map(page).collect::<Option<_>>()?;
    // How pictures are stored is read again, of one page of each kind: so the file itself says it.
    for first in head["layouts"].as_array()? {
        let example = pages.get(usize::try_from(first.as_u64()?).ok()?)?;
        let cancel = &options.cancel;
        store::tried(&*file.store, &file.name, cancel, &mut |until| index.add(file, example.at, Ask { until, cancel }))
            .ok()?;
        if index.pages.last()?.data != example.data || index.pages.last()?.layout != example.layout {
            return None;
        }
    }
    let num_layouts = index.layouts.len();
    if pages.is_empty() || pages.iter().any(|page| page.layout as usize >= num_layouts) {
        return None;
    }
    index.pages = pages;
    index.end = End::Last;
    Some(index)
}

/// Keeps the index of a file, where it is long and whole. What cannot be kept is not.
pub fn keep(file: &TiffFile, version: Option<&str>, index: &Index, options: &OpenOptions) {
    if index.pages.len() < LEAST_PAGES || index.end != End::Last {
        return;
    }
    let Some((folder, state)) = options.cache.as_deref().zip(state(file, version)) else { return };
    let path = place(file, folder);
    let first = |layout: usize| index.pages.iter().position(|page| page.layout as usize == layout);
    let layouts: Vec<Option<usize>> = (0..index.layouts.len()).map(first).collect();
    let head = json!({ "state": state, "next_at": index.next_at, "layouts": layouts });
    let mut bytes = head.to_string().into_bytes();
    bytes.push(b'\n');
    bytes.reserve(index.pages.len() * PAGE_BYTES + SUM_BYTES);
    for page in &index.pages {
        let (at, len) = match page.data {
            Data::At(at, len) => (at, len.min(u64::MAX - 1)),
            Data::Listed => (0, u64::MAX),
        };
        [page.at, at, len].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes.extend(page.layout.to_le_bytes());
    }
    let sum = Sha256::digest(&bytes);
    bytes.extend(sum);
    if let Err(error) = write(&path, &bytes) {
        tracing::debug!("the index of {} is not kept: {error}", file.store.location(&file.name));
    }
}

/// Writes a file that appears only when it is whole, and makes room for it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::create_dir_all(folder)?;
    make_room(folder, bytes.len() as u64)?;
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    let written = fs::File::create(&unfinished).and_then(|mut file| file.write_all(bytes));
    let result = written.and_then(|()| fs::rename(&unfinished, path));
    if result.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    result
}

/// Deletes the oldest until so many bytes more fit.
fn make_room(folder: &Path, num_bytes: u64) -> std::io::Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()));
        }
    }
    files.sort();
    let mut held: u64 = files.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in files {
        if held.saturating_add(num_bytes) <= MAX_BYTES {
            break;
        }
        fs::remove_file(path)?;
        held -= len;
    }
    Ok(())
}
