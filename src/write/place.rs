//! Where a target lies: under its final name only when it is whole, and until then in a folder beside it.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The final name of a file or folder, and the folder `NAME.part` beside it, which holds the data while they are not
/// whole (`data`), the plan they are written by and the records of the pieces that are. It lies beside the final
/// name so that a rename makes it whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
    is_forced: bool,
}

impl Place {
    /// With `is_forced` it replaces what has that name.
    pub fn new(path: &Path, is_forced: bool) -> Self {
        Self { path: path.to_owned(), is_forced }
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

    /// One file for each piece that is whole.
    pub fn records(&self) -> PathBuf {
        self.work().join("records")
    }

    /// Gives the data their final name and takes the rest of the work away.
    ///
    /// # Errors
    /// If something has that name and is not to be replaced, or the system refuses.
    pub fn finish(&self) -> Result<()> {
        let shown = self.path.display();
        match self.path.symlink_metadata() {
            Ok(_) if !self.is_forced => bail!("{shown}: exists already; --force replaces it"),
            Ok(_) => replace(&self.data(), &self.path, &self.work().join("former"))
                .with_context(|| format!("{shown}: cannot replace it"))?,
            Err(_) => std::fs::rename(self.data(), &self.path).with_context(|| format!("{shown}: cannot write"))?,
        }
        // What is left is of no use to anybody, and no harm.
        let _ = std::fs::remove_dir_all(self.work());
        Ok(())
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
