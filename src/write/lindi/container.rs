//! The three forms of a reference file: JSON, a folder, and a tar archive with its own list of files, which is read by
//! offset. In the last two, chunks of a thousand bytes and more are files of their own.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::document::{Entry, Index};
use super::former::Former;
use crate::write::{Held, Output, Place, Start, check_name};

/// Content of so many bytes gets a file of its own.
const MIN_BLOB_BYTES: usize = 1000;

/// Bytes of the file that says where the archive's list of files is.
const ENTRY_BYTES: usize = 1024;

/// Room for the list of files, and for the reference file, at first.
const LEAST_ROOM: usize = 8192;

/// Longest name in a tar archive.
const MAX_NAME_BYTES: usize = 100;

/// The reference file, in a folder or archive.
const LINDI: &str = "lindi.json";

/// Writes a reference file in the form that its name ends in: `.json`, `.tar` or `.d`. Returns its size in bytes.
///
/// # Errors
/// When it has another name, exists already, or cannot be written; nothing is left then.
pub fn write_index(index: Index, out: &Path, is_forced: bool) -> Result<u64> {
    Writer::begin(out, is_forced, None)?.finish(index)
}

/// A reference file that is being written. Large content goes to disk as it is put; the file, or what it replaces, is
/// whole at every moment.
pub struct Writer {
    shown: String,
    form: Form,
    /// The index that it takes the place of, and goes on with.
    former: Option<Former>,
    /// Names of files that are in use.
    names: HashSet<String>,
}

enum Form {
    Json(Output),
    Tar(Archive),
    Folder(Folder),
}

/// A folder that is made under another name; or, for one that is brought up to date, the folder itself, to which files
/// are added before the references to them are there.
struct Folder {
    path: PathBuf,
    place: Place,
    is_new: bool,
    num_bytes: u64,
    /// Files that nothing refers to yet.
    added: Vec<PathBuf>,
    /// Whether the work has been taken away: what has its name from then on is somebody else's.
    is_over: bool,
    /// Nobody else of this program writes it.
    _held: Held,
}

impl Writer {
    /// Begins one under a name that ends in `.lindi.json`, `.lindi.tar` or `.lindi.d`; with `former` it takes its place.
    ///
    /// # Errors
    /// When it has another name, exists already and is not to be replaced, or cannot be written here.
    pub fn begin(out: &Path, is_forced: bool, former: Option<Former>) -> Result<Self> {
        let shown = out.display().to_string();
        let is_forced = is_forced || former.is_some();
        let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let form = match name.rsplit_once(".lindi.").map(|(_, form)| form) {
            Some(form @ ("json" | "tar")) => {
                check_name(out, form, is_forced)?;
                let output = Output::create(out, is_forced)?;
                if form == "json" { Form::Json(output) } else { Form::Tar(Archive::begin(output)?) }
            }
            Some("d") => Form::Folder(Folder::begin(out, is_forced, former.is_none())?),
            _ => bail!("{shown}: the name must end in .lindi.json, .lindi.tar or .lindi.d"),
        };
        let names = former.as_ref().map(Former::names_inside).unwrap_or_default();
        Ok(Self { shown, form, former, names })
    }

    /// Stores content that belongs under a key: what is to stand there. Small content stands there itself.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn put(&mut self, key: &str, bytes: Vec<u8>) -> Result<Entry> {
        if bytes.len() < MIN_BLOB_BYTES || matches!(self.form, Form::Json(_)) {
            return Ok(Entry::Bytes(bytes));
        }
        let name = self.fresh(key);
        let written = match &mut self.form {
            Form::Json(_) => Ok(()),
            Form::Tar(archive) => archive.add(&name, bytes.len() as u64, &mut &bytes[..]),
            Form::Folder(folder) => folder.add(&name, &bytes).map_err(Into::into),
        };
        written.with_context(|| format!("{}: cannot write", self.shown))?;
        Ok(Entry::Piece { name: format!("./{name}"), offset: 0, num_bytes: bytes.len() as u64 })
    }

    /// A name for content that no file has yet: as `lindi` gives them.
    fn fresh(&mut self, key: &str) -> String {
        let longest = if matches!(self.form, Form::Tar(_)) { MAX_NAME_BYTES } else { usize::MAX };
        let is_plain = !key.split('/').any(|part| matches!(part, "" | "." | ".."));
        let versions = std::iter::once(format!("blobs/{key}")).chain((2..1000).map(|v| format!("blobs/{key}.v{v}")));
        let numbers = (0..).map(|number| format!("blobs/{number}"));
        let is_free = |name: &String| {
            let is_there = match &self.form {
                Form::Folder(folder) if !folder.is_new => folder.path.join(name).symlink_metadata().is_ok(),
                _ => false,
            };
            name.len() < longest && !self.names.contains(name) && !is_there
        };
        let name = versions.filter(|_| is_plain).chain(numbers).find(is_free).unwrap_or_default();
        self.names.insert(name.clone());
        name
    }

    /// Writes the rest, and gives it its name. Returns how many bytes were written.
    ///
    /// # Errors
    /// When it cannot be written, or what it takes the place of was written to meanwhile; that is as it was then.
    pub fn finish(mut self, mut index: Index) -> Result<u64> {
        for (key, entry) in &mut index.refs {
            if let Entry::Bytes(bytes) = entry {
                *entry = self.put(key, std::mem::take(bytes))?;
            }
        }
        let Self { shown, form, former, .. } = self;
        let cannot_write = || format!("{shown}: cannot write");
        let document = index.json();
        let refuse_changed = || former.as_ref().map_or(Ok(()), Former::refuse_changed);
        match form {
            Form::Json(mut output) => {
                output.file().write_all(&document).with_context(cannot_write)?;
                refuse_changed()?;
                output.finish()
            }
            Form::Tar(mut archive) => {
                if let Some(former) = &former {
                    archive.keep(&index, former)?;
                }
                let output = archive.finish(document).with_context(cannot_write)?;
                refuse_changed()?;
                output.finish()
            }
            Form::Folder(folder) => {
                refuse_changed()?;
                folder.finish(&document).with_context(cannot_write)
            }
        }
    }
}

impl Folder {
    fn begin(out: &Path, is_forced: bool, is_new: bool) -> Result<Self> {
        let place = Place::new(out, is_forced);
        place.check()?;
        // What a former run has left is of no use to anybody.
        let held = Place::new(out, true).begin("index", Start::New)?;
        let path = if is_new { place.data() } else { out.to_owned() };
        Ok(Self { path, place, is_new, num_bytes: 0, added: Vec::new(), is_over: false, _held: held })
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let mut file = File::create_new(&path)?;
        self.added.push(path);
        file.write_all(bytes)?;
        self.num_bytes += bytes.len() as u64;
        file.sync_all()
    }

    fn finish(mut self, document: &[u8]) -> Result<u64> {
        if self.is_new {
            std::fs::create_dir_all(&self.path)?;
            self.add(LINDI, document)?;
            self.place.finish()?;
            self.is_over = true;
        } else {
            let mut output = Output::create(&self.path.join(LINDI), true)?;
            output.file().write_all(document)?;
            self.num_bytes += output.finish()?;
        }
        self.added.clear();
        Ok(self.num_bytes)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // What was not finished is of no use, and no harm.
        for path in &self.added {
            let _ = std::fs::remove_file(path);
        }
        let _ = self.place.discard();
    }
}

/// A tar archive. In front stands where its list of files is, which is written last, as it is the list that grows.
struct Archive {
    output: Output,
    /// As they stand in the list.
    files: Vec<Value>,
    offset: u64,
}

impl Archive {
    fn begin(output: Output) -> Result<Self> {
        let mut archive = Self { output, files: Vec::new(), offset: 0 };
        archive.add(".tar_entry.json", ENTRY_BYTES as u64, &mut io::repeat(b' ').take(ENTRY_BYTES as u64))?;
        Ok(archive)
    }

    fn add(&mut self, name: &str, num_bytes: u64, content: &mut dyn Read) -> Result<()> {
        const BLOCK: u64 = 512;
        let file = self.output.file();
        file.write_all(&header(name, num_bytes)?)?;
        if io::copy(content, file)? != num_bytes {
            bail!("{name} has another length than it is said to have");
        }
        let padding = num_bytes.next_multiple_of(BLOCK) - num_bytes;
        file.write_all(&[0; BLOCK as usize][..padding as usize])?;
        self.files.push(json!({ "n": name, "o": self.offset, "d": self.offset + BLOCK, "s": num_bytes }));
        self.offset += BLOCK + num_bytes + padding;
        Ok(())
    }

    /// Takes along what the index refers to that lies in the archive it takes the place of.
    fn keep(&mut self, index: &Index, former: &Former) -> Result<()> {
        let mut names: HashSet<String> =
            self.files.iter().filter_map(|file| Some(format!("./{}", file["n"].as_str()?))).collect();
        for entry in index.refs.values().filter(|entry| entry.is_inside()) {
            let Entry::Piece { name, .. } = entry else { continue };
            if names.insert(name.clone()) {
                let (path, start, len) = former.inside(name)?;
                let mut file = File::open(&path).with_context(|| format!("{}: cannot read", path.display()))?;
                file.seek(SeekFrom::Start(start))?;
                self.add(&name[2..], len, &mut file.take(len))?;
            }
        }
        Ok(())
    }

    fn finish(mut self, document: Vec<u8>) -> Result<Output> {
        // Room to grow in place, as lindi leaves it.
        let room = |len: usize| (0..).map(|i| LEAST_ROOM << i).find(|room| *room >= 4 * len).unwrap_or(len);
        let document = padded(&document, room(document.len()));
        self.add(LINDI, document.len() as u64, &mut &document[..])?;
        // The list says how long it is itself, which the room for it does not depend on.
        let list_bytes = room(json!({ "files": self.files }).to_string().len() + 200);
        let own = json!({ "n": ".tar_index.json", "o": self.offset, "d": self.offset + 512, "s": list_bytes });
        let all: Vec<&Value> = self.files.iter().chain([&own]).collect();
        let list = padded(json!({ "files": all }).to_string().as_bytes(), list_bytes);
        self.add(".tar_index.json", list.len() as u64, &mut &list[..])?;
        let file = self.output.file();
        file.write_all(&[0; 1024])?;
        file.seek(SeekFrom::Start(512))?;
        file.write_all(&padded(json!({ "index": own }).to_string().as_bytes(), ENTRY_BYTES))?;
        Ok(self.output)
    }
}

fn padded(text: &[u8], len: usize) -> Vec<u8> {
    let mut text = text.to_vec();
    text.resize(len.max(text.len()), b' ');
    text
}

/// The header of a file in a tar archive (USTAR).
fn header(name: &str, num_bytes: u64) -> Result<[u8; 512]> {
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
