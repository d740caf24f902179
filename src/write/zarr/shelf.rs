//! Where the objects of a hierarchy are put: each of them appears as a whole or not at all. A folder of this machine;
//! a bucket is in [`crate::write::remote`].

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use tempfile::{NamedTempFile, TempPath};

use crate::volume::Location;
use crate::write::{Place, sync_folder};

/// Files that are brought to disk at once.
const SYNCING: usize = 8;

/// Takes objects by name, parts divided by `/`. All methods may be called from any thread, and by many processes at
/// once.
pub trait Shelf: Send + Sync {
    /// Where an object lies while all is not whole yet.
    fn location(&self, name: &str) -> Location;

    /// Whether there is room, as [`Shelf::prepare`] asks; nothing is changed.
    ///
    /// # Errors
    /// If there is something else, or it cannot be told.
    fn check(&self, _mark: (&str, &[u8])) -> Result<()> {
        Ok(())
    }

    /// Makes room, once and before everything else. Done again it changes nothing. By `mark`, the name and the bytes of
    /// an object that is put first of all, it is known whether what lies there belongs to this work.
    ///
    /// # Errors
    /// If there is something else, or it cannot be written.
    fn prepare(&self, mark: (&str, &[u8])) -> Result<()>;

    /// Puts one object, in the place of another one.
    ///
    /// # Errors
    /// If it cannot be written.
    fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()>;

    /// Takes an object away, if it is there.
    ///
    /// # Errors
    /// If it cannot be taken away.
    fn remove(&self, name: &str) -> Result<()>;

    /// Begins an object that is written from its beginning to its end, of at most about so many bytes.
    ///
    /// # Errors
    /// If it cannot be written.
    fn long(&self, name: &str, max_bytes: u64) -> Result<Box<dyn Long>>;

    /// Begins to put many objects.
    fn many(&self) -> Box<dyn Many>;

    /// Gives all of it its final name.
    ///
    /// # Errors
    /// If it cannot be written, or something has that name.
    fn finish(&self) -> Result<()>;
}

/// An object that is written from its beginning to its end. Dropped before it is finished, it leaves nothing.
pub trait Long: Send {
    /// Writes what comes next.
    ///
    /// # Errors
    /// If it cannot be written.
    fn append(&mut self, bytes: Vec<u8>) -> Result<()>;

    /// Lets it appear, brought to disk.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Many objects that are put, or taken away, one after the other and brought to disk together.
pub trait Many: Send {
    /// Puts one. It may appear later.
    ///
    /// # Errors
    /// If it, or one before it, cannot be written.
    fn put(&mut self, name: String, bytes: Vec<u8>) -> Result<()>;

    /// Takes one away, if it is there. It may be there for a while.
    ///
    /// # Errors
    /// If it, or one before it, cannot be taken away.
    fn remove(&mut self, name: String) -> Result<()>;

    /// Waits until all are there, brought to disk.
    ///
    /// # Errors
    /// If one of them cannot be written.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// The data of a place on this machine.
pub struct LocalShelf {
    place: Place,
}

impl LocalShelf {
    /// What is put lies in the place's data until it is finished.
    pub fn new(place: &Place) -> Self {
        Self { place: place.clone() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.data().join(name)
    }

    /// Objects that are not whole lie beside the data, where nobody takes them for anything, and are gone with the
    /// rest of the work.
    fn begin(&self) -> Result<NamedTempFile> {
        let folder = self.place.work().join("pieces");
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any newly created file; the user's mask is applied by the system.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = std::fs::create_dir_all(&folder).and_then(|()| builder.tempfile_in(&folder));
        file.with_context(|| cannot_write(self.place.path()))
    }
}

fn cannot_write(path: &Path) -> String {
    format!("{}: cannot write", path.display())
}

/// Brings a file to disk and gives it its name.
fn publish(file: TempPath, path: &Path) -> io::Result<()> {
    File::open(&file)?.sync_all()?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    file.persist(path).map_err(|error| error.error)
}

/// Brings the names in folders to disk.
fn sync_folders<'a>(paths: impl Iterator<Item = &'a Path>) -> io::Result<()> {
    let folders: BTreeSet<&Path> = paths.filter_map(Path::parent).collect();
    folders.into_iter().try_for_each(sync_folder)
}

impl Shelf for LocalShelf {
    fn location(&self, name: &str) -> Location {
        Location::from(self.path(name))
    }

    fn prepare(&self, _: (&str, &[u8])) -> Result<()> {
        std::fs::create_dir_all(self.place.data()).with_context(|| cannot_write(self.place.path()))
    }

    fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let mut many = self.many();
        many.put(name.to_owned(), bytes)?;
        many.finish()
    }

    fn remove(&self, name: &str) -> Result<()> {
        match std::fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| cannot_write(&self.path(name)))
            }
            _ => Ok(()),
        }
    }

    fn long(&self, name: &str, _: u64) -> Result<Box<dyn Long>> {
        Ok(Box::new(LongFile { file: self.begin()?, path: self.path(name) }))
    }

    fn many(&self) -> Box<dyn Many> {
        Box::new(ManyFiles { shelf: Self { place: self.place.clone() }, files: Vec::new() })
    }

    fn finish(&self) -> Result<()> {
        self.place.finish()
    }
}

struct LongFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl Long for LongFile {
    fn append(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.file.write_all(&bytes).with_context(|| cannot_write(&self.path))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { file, path } = *self;
        let published = publish(file.into_temp_path(), &path);
        published.and_then(|()| sync_folders(std::iter::once(path.as_path()))).with_context(|| cannot_write(&path))
    }
}

struct ManyFiles {
    shelf: LocalShelf,
    files: Vec<(TempPath, PathBuf)>,
}

impl Many for ManyFiles {
    fn put(&mut self, name: String, bytes: Vec<u8>) -> Result<()> {
        let path = self.shelf.path(&name);
        let mut file = self.shelf.begin()?;
        file.write_all(&bytes).with_context(|| cannot_write(&path))?;
        // Closed at once: there are more of them than a process may hold open.
        self.files.push((file.into_temp_path(), path));
        Ok(())
    }

    fn remove(&mut self, name: String) -> Result<()> {
        self.shelf.remove(&name)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let mut files = self.files;
        let paths: Vec<PathBuf> = files.iter().map(|(_, path)| path.clone()).collect();
        // Bringing a file to disk is mostly waiting.
        let of_thread = files.len().div_ceil(SYNCING).max(1);
        std::thread::scope(|scope| -> Result<()> {
            let mut threads = Vec::new();
            while !files.is_empty() {
                let part = files.split_off(files.len().saturating_sub(of_thread));
                threads.push(scope.spawn(move || {
                    part.into_iter()
                        .try_for_each(|(file, path)| publish(file, &path).with_context(|| cannot_write(&path)))
                }));
            }
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread has failed"))?)
        })?;
        sync_folders(paths.iter().map(PathBuf::as_path)).with_context(|| cannot_write(first_of(&paths)))
    }
}

fn first_of(paths: &[PathBuf]) -> &Path {
    paths.first().map_or(Path::new(""), PathBuf::as_path)
}
