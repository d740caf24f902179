//! Where a target lies: under its final name only when it is whole, and until then in a folder beside it.

use std::fs::{File, ReadDir, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::output::folder_of;
use super::sync_folder;
use crate::volume::Location;

/// What marks a folder as one that this program, or another of its kind, has written as a whole.
const MARKS: [&str; 5] = ["zarr.json", ".zgroup", ".zarray", "stack_metadata.json", "lindi.json"];

/// What lies in the folder of work, as nobody else calls it, and beside that.
const OWN: [&str; 4] = ["lock", "plan.part", "pieces", "records"];
const HELD: [&str; 6] = ["data", "data.former", "journal", "journal.former", "former", "tasks"];

/// How work begins where some may have been done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the beginning; refused where somebody else's work lies there, unless it is to be replaced.
    New,
    /// The same, but what a former run of the same plan left is taken away unasked.
    Over,
    /// Where a former run of the same plan stopped.
    Resumed,
}

/// As long as it lives, nobody else works at the same place through [`Place::begin`].
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// The final name of a file or folder, and the folder `NAME.part` beside it, which holds the data while they are not
/// whole (`data`), the plan they are written by and the records of the pieces that are. It lies beside the final
/// name so that a rename makes it whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
    is_forced: bool,
    /// Where the data go, where that is not beside the work.
    afar: Option<Location>,
}

impl Place {
    /// With `is_forced` it replaces what has that name.
    pub fn new(path: &Path, is_forced: bool) -> Self {
        Self { path: path.to_owned(), is_forced, afar: None }
    }

    /// The same for data that go to a location afar, and lie there all the time; only the plan and the records are
    /// beside `path` until all is whole.
    #[must_use]
    pub fn afar(self, location: &Location) -> Self {
        Self { afar: Some(location.clone()), ..self }
    }

    /// Where the data go, where that is not on this machine.
    pub fn location(&self) -> Option<&Location> {
        self.afar.as_ref()
    }

    /// Whether it replaces what has that name.
    pub fn is_forced(&self) -> bool {
        self.is_forced
    }

    /// The final name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What holds all of the work: data, plan, records.
    pub fn work(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        self.path.with_file_name(name)
    }

    /// The file or folder that gets the final name.
    pub fn data(&self) -> PathBuf {
        self.work().join("data")
    }

    /// The plan that is followed.
    pub fn plan(&self) -> PathBuf {
        self.work().join("plan.json")
    }

    /// For a target that is one file: which chunks it holds so far.
    pub fn journal(&self) -> PathBuf {
        self.work().join("journal")
    }

    /// One file for each piece that is whole.
    pub fn records(&self) -> PathBuf {
        self.work().join("records")
    }

    /// Whether the final name can be had, asked before hours are spent.
    ///
    /// # Errors
    /// If its folder does not exist, or something has that name which is not to be replaced: anything without force,
    /// and with it a folder that holds something else than what is written here.
    pub fn check(&self) -> Result<()> {
        let shown = self.path.display();
        let folder = folder_of(&self.path);
        if self.path.file_name().is_none() {
            bail!("{shown}: names no file or folder to write");
        }
        if !folder.is_dir() {
            bail!("{shown}: there is no folder {}", folder.display());
        }
        if self.afar.is_some() {
            return Ok(());
        }
        let Ok(there) = self.path.symlink_metadata() else { return Ok(()) };
        let is_ours = || MARKS.iter().any(|mark| self.path.join(mark).exists());
        let is_empty = || self.path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        match () {
            () if !self.is_forced => bail!("{shown}: exists already; --force replaces it"),
            () if there.is_dir() && !is_ours() && !is_empty() => {
                bail!("{shown}: is a folder that holds other things; it is not replaced, choose another name")
            }
            // A device or a pipe cannot be replaced by a file.
            () if !there.is_dir() && !there.is_file() && !there.is_symlink() => bail!("{shown}: is no file"),
            () => Ok(()),
        }
    }

    /// Whether [`Start::Over`] can begin by a plan, asked before; nothing is written.
    ///
    /// # Errors
    /// If it is being worked at, or something else lies there.
    pub fn check_work(&self, plan: &str) -> Result<()> {
        let work = self.work();
        let shown = work.display();
        if work.symlink_metadata().is_err() {
            return Ok(());
        }
        self.refuse_foreign()?;
        let is_held = |lock: File| matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
        if File::open(work.join("lock")).is_ok_and(is_held) {
            bail!("{shown}: another process is working at it");
        }
        match std::fs::read_to_string(self.plan()) {
            Ok(former) if former != plan => bail!(
                "{shown}: is of a run that did not end; `tectum convert --resume` goes on with it, or choose another name"
            ),
            _ => Ok(()),
        }
    }

    /// Refuses to take what has the name of the work, and is none: nobody else's folder is ever cleared.
    fn refuse_foreign(&self) -> Result<()> {
        let work = self.work();
        let is_foreign = match work.read_dir() {
            Ok(entries) => !self.is_of_work(&work, entries),
            Err(_) => work.symlink_metadata().is_ok_and(|there| !there.is_dir()),
        };
        if is_foreign {
            bail!("{}: is in the way, and not of this program; take it away, or choose another name", work.display());
        }
        Ok(())
    }

    /// Begins the work, or goes on with it, by a plan as its JSON text.
    ///
    /// # Errors
    /// If it is being worked at, if there is other work that is not to be replaced, or it was begun by another plan;
    /// if it cannot be written.
    pub fn begin(&self, plan: &str, start: Start) -> Result<Held> {
        self.check()?;
        self.refuse_foreign()?;
        let work = self.work();
        let shown = work.display();
        let cannot_write = || format!("{shown}: cannot write");
        std::fs::create_dir_all(&work).with_context(cannot_write)?;
        let lock = File::create(work.join("lock")).with_context(cannot_write)?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            bail!("{shown}: another process is working at it");
        }
        match (std::fs::read_to_string(self.plan()), start) {
            (Ok(former), Start::Resumed) if former == plan => {}
            (Ok(_), Start::Resumed) => {
                bail!(
                    "{shown}: was begun from another source or with other options; without --resume, --force begins anew"
                )
            }
            (Ok(former), Start::New | Start::Over) if !(self.is_forced || start == Start::Over && former == plan) => {
                bail!("{shown}: a run that did not end is there; --resume goes on with it, --force begins anew")
            }
            _ => {
                self.clear(&work).with_context(cannot_write)?;
                let part = work.join("plan.part");
                std::fs::write(&part, plan)
                    .and_then(|()| std::fs::rename(&part, self.plan()))
                    .with_context(cannot_write)?;
            }
        }
        Ok(Held { _lock: lock })
    }

    /// Whether there is nothing, or what a former run left, or what it made anew of a folder that was taken away under
    /// it.
    fn is_of_work(&self, work: &Path, entries: ReadDir) -> bool {
        let was_begun = work.join("lock").is_file() && self.plan().is_file();
        let names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        let has = |known: &[&str]| names.iter().any(|name| known.iter().any(|known| name == known));
        let are_known = names.iter().all(|name| OWN.iter().chain(&HELD).any(|known| name == known));
        was_begun || names.is_empty() || are_known && has(&OWN)
    }

    /// Takes away all that a former run left but the lock.
    fn clear(&self, work: &Path) -> io::Result<()> {
        // The plan last: as long as it is there, what is left is known for what it is.
        let plan = self.plan();
        for entry in work.read_dir()? {
            let path = entry?.path();
            match path.is_dir() && !path.is_symlink() {
                true => std::fs::remove_dir_all(&path)?,
                false if path == plan || path.ends_with("lock") => {}
                false => std::fs::remove_file(&path)?,
            }
        }
        if plan.exists() { std::fs::remove_file(plan) } else { Ok(()) }
    }

    /// Gives the data their final name and takes the rest of the work away.
    ///
    /// # Errors
    /// If something has that name and is not to be replaced, or the system refuses.
    pub fn finish(&self) -> Result<()> {
        let shown = self.path.display();
        if self.afar.is_none() && self.data().symlink_metadata().is_err() {
            // The records speak of nothing any more.
            let _ = std::fs::remove_dir_all(self.records());
            bail!("{shown}: what was written of it is gone from {}; --resume writes it again", self.work().display());
        }
        match self.path.symlink_metadata() {
            _ if self.afar.is_some() => {}
            Ok(_) if !self.is_forced => bail!("{shown}: exists already; --force replaces it"),
            Ok(_) => replace(&self.data(), &self.path, &self.work().join("former"))
                .with_context(|| format!("{shown}: cannot replace it"))?,
            Err(_) => std::fs::rename(self.data(), &self.path).with_context(|| format!("{shown}: cannot write"))?,
        }
        // What is left tells how to go on as long as the name may be lost with the power.
        sync_folder(folder_of(&self.path)).with_context(|| format!("{shown}: cannot write"))?;
        // What is left is of no use to anybody, and no harm.
        let _ = self.discard();
        Ok(())
    }

    /// Takes the work away: all of it that was begun by [`Place::begin`]. What tells that it is work goes last.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn discard(&self) -> io::Result<()> {
        let work = self.work();
        self.clear(&work)?;
        std::fs::remove_dir_all(work)
    }
}

/// Puts a file or folder in the place of another, which is put aside first: a folder cannot be renamed over.
fn replace(new: &Path, path: &Path, former: &Path) -> io::Result<()> {
    std::fs::rename(path, former)?;
    let renamed = std::fs::rename(new, path);
    if renamed.is_err() {
        std::fs::rename(former, path)?;
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_begun_once_and_resumed_by_its_own_plan_only() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("out"), false);
        let words = |begun: Result<Held>| begun.unwrap_err().to_string();
        let held = place.begin("a", Start::New).unwrap();
        assert!(words(place.begin("a", Start::Resumed)).contains("another process"));
        std::fs::write(place.data(), "half").unwrap();
        drop(held);
        assert!(words(place.begin("a", Start::New)).contains("--resume"));
        assert!(words(place.begin("b", Start::Resumed)).contains("other options"));
        drop(place.begin("a", Start::Resumed).unwrap());
        assert!(place.data().exists());
        let forced = Place::new(place.path(), true);
        drop(forced.begin("b", Start::New).unwrap());
        assert!(!place.data().exists() && std::fs::read_to_string(place.plan()).unwrap() == "b");
    }

    #[test]
    fn work_that_nobody_goes_on_with_is_begun_anew_and_what_is_none_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("out"), false);
        let words = |result: Result<()>| result.unwrap_err().to_string();
        // Killed as it began, and later.
        for is_planned in [false, true] {
            std::fs::create_dir_all(place.records()).unwrap();
            std::fs::write(place.work().join("lock"), "").unwrap();
            if is_planned {
                std::fs::write(place.plan(), "a").unwrap();
            }
            place.check_work("a").unwrap();
            let held = place.begin("a", Start::Over).unwrap();
            assert!(words(place.check_work("a")).contains("another process"));
            assert!(!place.records().exists());
            drop(held);
        }
        assert!(words(place.check_work("b")).contains("--resume"));
        assert!(words(place.begin("b", Start::Over).map(drop)).contains("--resume"));
        std::fs::remove_dir_all(place.work()).unwrap();
        // Somebody has called a folder of his own like that.
        std::fs::create_dir(place.work()).unwrap();
        place.check_work("a").unwrap();
        let thesis = place.work().join("thesis.txt");
        std::fs::write(&thesis, "").unwrap();
        for start in [Start::New, Start::Over, Start::Resumed] {
            let forced = Place::new(place.path(), true);
            assert!(words(forced.begin("a", start).map(drop)).contains("in the way"));
        }
        assert!(words(place.check_work("a")).contains("in the way") && thesis.exists());
    }

    #[test]
    fn a_folder_of_other_things_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home");
        std::fs::create_dir(&path).unwrap();
        let forced = Place::new(&path, true);
        assert!(forced.check().is_ok() && Place::new(&path, false).check().is_err());
        std::fs::write(path.join("thesis.txt"), "").unwrap();
        assert!(forced.check().unwrap_err().to_string().contains("other things"));
        std::fs::write(path.join("zarr.json"), "").unwrap();
        assert!(forced.check().is_ok());
        assert!(
            Place::new(&folder.path().join("no/out"), false).check().unwrap_err().to_string().contains("no folder")
        );
    }

    #[test]
    fn a_folder_that_has_the_name_of_the_work_is_never_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("fish"), true);
        // As recordings are: in a folder of their own, and that with a lock of whoever writes it.
        std::fs::create_dir_all(place.data()).unwrap();
        assert!(place.begin("a", Start::New).is_err());
        std::fs::write(place.work().join("lock"), "").unwrap();
        std::fs::write(place.work().join("notes.txt"), "").unwrap();
        assert!(place.begin("a", Start::New).is_err() && place.data().exists());
        // What a process makes anew of a folder that was taken away under it.
        for name in ["lock", "notes.txt"] {
            std::fs::remove_file(place.work().join(name)).unwrap();
        }
        std::fs::create_dir(place.work().join("pieces")).unwrap();
        drop(place.begin("a", Start::Resumed).unwrap());
        assert!(!place.data().exists() && place.plan().exists());
    }

    #[test]
    fn the_final_name_is_taken_when_all_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.zarr");
        for (round, is_forced) in [(0, false), (1, false), (2, true)] {
            let place = Place::new(&path, is_forced);
            std::fs::create_dir_all(place.data()).unwrap();
            std::fs::write(place.data().join("round"), round.to_string()).unwrap();
            let finished = place.finish();
            assert_eq!(finished.is_ok(), round != 1, "{finished:?}");
            let wanted = if round == 2 { "2" } else { "0" };
            assert_eq!(std::fs::read_to_string(path.join("round")).unwrap(), wanted);
            assert_eq!(place.work().exists(), round == 1);
        }
    }
}
