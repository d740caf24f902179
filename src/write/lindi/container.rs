//! The three forms of a reference file: JSON, a folder, and a tar archive with its own list of files, which is read by
//! offset. In the last two, chunks of a thousand bytes and more are files of their own.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::document::{Entry, Index};
use crate::write::{Output, Place, check_name};

/// Content of so many bytes gets a file of its own.
const MIN_BLOB_BYTES: usize = 1000;

/// Bytes of the file that says where the archive's list of files is.
const ENTRY_BYTES: usize = 1024;

/// Room for the list of files, and for the reference file, at first.
const LEAST_ROOM: usize = 8192;

/// Longest name in a tar archive.
const MAX_NAME_BYTES: usize = 100;

/// Writes a reference file in the form that its name ends in: `.json`, `.tar` or `.d`. Returns its size in bytes.
///
/// # Errors
/// When it has another name, exists already, or cannot be written; nothing is left then.
pub fn write_index(mut index: Index, out: &Path, is_forced: bool) -> Result<u64> {
    let shown = out.display();
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match name.rsplit_once(".lindi.").map(|(_, form)| form) {
        Some(form @ ("json" | "tar")) => {
            check_name(out, form, is_forced)?;
            let bytes = if form == "json" { index.json() } else { archive(index)? };
            let mut output = Output::create(out, is_forced)?;
            output.file().write_all(&bytes).with_context(|| format!("{shown}: cannot write"))?;
            output.finish()
        }
        Some("d") => {
            if out.symlink_metadata().is_ok() && !is_forced {
                bail!("{shown}: exists already; --force replaces it");
            }
            let place = Place::new(out, is_forced);
            let written = folder(&mut index, &place.data()).with_context(|| format!("{shown}: cannot write"));
            match written {
                Ok(num_bytes) => place.finish().map(|()| num_bytes),
                Err(error) => {
                    // Nothing of it is of use.
                    let _ = std::fs::remove_dir_all(place.work());
                    Err(error)
                }
            }
        }
        _ => bail!("{shown}: the name must end in .lindi.json, .lindi.tar or .lindi.d"),
    }
}

/// Takes large content out of an index, each under the name by which it is referred to.
fn blobs(index: &mut Index, max_name: usize) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for (key, entry) in &mut index.refs {
        let Entry::Bytes(bytes) = entry else { continue };
        if bytes.len() < MIN_BLOB_BYTES {
            continue;
        }
        let name = match format!("blobs/{key}") {
            name if name.len() < max_name && !key.split('/').any(|part| part == "..") => name,
            _ => format!("blobs/{}", found.len()),
        };
        let piece = Entry::Piece { name: format!("./{name}"), offset: 0, num_bytes: bytes.len() as u64 };
        if let Entry::Bytes(bytes) = std::mem::replace(entry, piece) {
            found.push((name, bytes));
        }
    }
    found
}

fn folder(index: &mut Index, folder: &Path) -> Result<u64> {
    std::fs::create_dir_all(folder)?;
    let mut num_bytes = 0;
    let mut write = |name: &str, bytes: &[u8]| -> Result<()> {
        let path = folder.join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let mut file = std::fs::File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        num_bytes += bytes.len() as u64;
        Ok(())
    };
    for (name, bytes) in blobs(index, usize::MAX) {
        write(&name, &bytes)?;
    }
    write("lindi.json", &index.json())?;
    Ok(num_bytes)
}

/// The bytes of an archive: where its list of files is, the list, the reference file, the rest.
fn archive(mut index: Index) -> Result<Vec<u8>> {
    let mut files = blobs(&mut index, MAX_NAME_BYTES);
    let document = index.json();
    // Room to grow in place, as lindi leaves it.
    let room = |len: usize| (0..).map(|i| LEAST_ROOM << i).find(|room| *room >= 4 * len).unwrap_or(len);
    files.insert(0, ("lindi.json".to_owned(), padded(document.clone(), room(document.len()))));
    // The list says how long it is itself, which the room for it does not depend on.
    let names: usize = files.iter().map(|(name, _)| name.len() + 80).sum();
    let list_bytes = room(names + 400);
    let mut offset = 0;
    let mut place = |name: &str, num_bytes: usize| {
        let placed = json!({ "n": name, "o": offset, "d": offset + 512, "s": num_bytes });
        offset += 512 + num_bytes.div_ceil(512) * 512;
        placed
    };
    let mut list: Vec<Value> = vec![place(".tar_entry.json", ENTRY_BYTES), place(".tar_index.json", list_bytes)];
    list.extend(files.iter().map(|(name, bytes)| place(name, bytes.len())));
    let entry = json!({ "index": list[1] }).to_string().into_bytes();
    let list = json!({ "files": list }).to_string().into_bytes();
    if list.len() > list_bytes {
        bail!("the list of files of the archive is longer than its room");
    }
    let front = [
        (".tar_entry.json".to_owned(), padded(entry, ENTRY_BYTES)),
        (".tar_index.json".to_owned(), padded(list, list_bytes)),
    ];
    let mut archive = Vec::new();
    for (name, bytes) in front.iter().chain(&files) {
        archive.extend_from_slice(&header(name, bytes.len())?);
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().div_ceil(512) * 512, 0);
    }
    archive.resize(archive.len() + 1024, 0);
    Ok(archive)
}

fn padded(mut text: Vec<u8>, len: usize) -> Vec<u8> {
    text.resize(len.max(text.len()), b' ');
    text
}

/// The header of a file in a tar archive (USTAR).
fn header(name: &str, num_bytes: usize) -> Result<[u8; 512]> {
    let mut header = [0u8; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    if name.len() >= MAX_NAME_BYTES || num_bytes >= 1 << 33 {
        bail!("{name}: has too long a name, or is too large, for a tar archive");
    }
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{num_bytes:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}
