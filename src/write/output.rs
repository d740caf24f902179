//! Output files: nameless until they are finished, never written over another without being told to, and
//! never in a recording's folder.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use super::interrupt::{self, Unfinished};
use crate::format::Source;
use crate::volume::{ArrayInfo, Location};

/// Whether a file can be written, asked before hours are spent on what goes into it. `suffix` is the only
/// one that is written.
///
/// # Errors
/// For another suffix, a folder that does not exist, and a file that does unless it is to be replaced.
pub fn check_name(out: &Path, suffix: &str, is_forced: bool) -> Result<()> {
    let shown = out.display();
    if out.is_dir() {
        bail!("{shown}: is a folder; name the file to write");
    }
    if out.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case(suffix)) {
        bail!("{shown}: only .{suffix} files are written; give a name that ends in .{suffix}");
    }
    let folder = folder_of(out);
    if !folder.is_dir() {
        bail!("{shown}: there is no folder {}", folder.display());
    }
    match out.symlink_metadata() {
        // A device or a pipe cannot be replaced by a file.
        Ok(there) if !there.is_file() && !there.is_symlink() => bail!("{shown}: is no file"),
        Ok(_) if !is_forced => bail!("{}", exists(out)),
        _ => Ok(()),
    }
}

/// Refuses an output that would lie in the folder of the recording it is made from, or replace it.
///
/// # Errors
/// If `out` lies there, or its folder does not exist.
pub fn refuse_inside(out: &Path, info: &ArrayInfo) -> Result<()> {
    refuse_at(out, &info.location)
}

/// The same for what is computed: of the recording and of every array that it is computed with.
///
/// # Errors
/// If `out` lies in a folder of one of them, or its folder does not exist.
pub fn refuse_inside_all(out: &Path, source: &dyn Source) -> Result<()> {
    source.locations().iter().try_for_each(|location| refuse_at(out, location))
}

fn refuse_at(out: &Path, location: &Location) -> Result<()> {
    let folder = folder_of(out);
    let folder = folder.canonicalize().with_context(|| format!("{}: cannot write here", folder.display()))?;
    let target = out.file_name().map_or_else(|| folder.clone(), |name| folder.join(name));
    // What lies elsewhere cannot be hit from here.
    let Some(dataset) = location.path() else { return Ok(()) };
    let dataset = dataset.canonicalize().unwrap_or_else(|_| dataset.to_owned());
    if dataset.starts_with(&target) && dataset != target {
        bail!("{}: holds the recording itself; choose another name", out.display());
    }
    if target == dataset {
        bail!("{}: is the recording itself, which is never written to; choose another name", out.display());
    }
    if target.starts_with(&dataset) || target.canonicalize().is_ok_and(|t| t.starts_with(&dataset)) {
        bail!("{}: lies in the recording's own folder, which is never written to; choose another place", out.display());
    }
    Ok(())
}

/// Refuses an output that would harm anything it is made from: as [`refuse_inside`] of the source and of all that it is
/// computed from, and in the place of none of their files; and one that would be taken for a block of any split dataset.
///
/// # Errors
/// If `out` lies, or would lie, where it must not.
pub fn refuse_harm(out: &Path, source: &dyn Source) -> Result<()> {
    let shown = out.display();
    refuse_inside_all(out, source)?;
    let is_block = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("h5"));
    if is_block && folder_of(out).join("stack_metadata.json").is_file() {
        bail!(
            "{shown}: would be taken for a block of the recording there, which is never written to; choose another place"
        );
    }
    let Ok(there) = out.canonicalize() else { return Ok(()) };
    let is_hit = |file: &&Location| {
        let file = file.path().and_then(|file| file.canonicalize().ok());
        file.is_some_and(|file| file.starts_with(&there))
    };
    match source.files().iter().find(is_hit) {
        Some(file) => bail!("{shown}: {file} is read from there, which is never written to; choose another name"),
        None => Ok(()),
    }
}

fn exists(path: &Path) -> String {
    format!("{}: exists already; --force replaces it", path.display())
}

/// A file that appears under its name only when it is finished. Ended before that, in whatever way, it
/// leaves nothing where the file system can hold a file without a name; elsewhere a part file is left by
/// what cannot be caught (`kill -9`, a power cut).
pub struct Output {
    path: PathBuf,
    is_forced: bool,
    part: Part,
}

enum Part {
    /// No name in any folder: gone with the process.
    #[cfg(target_os = "linux")]
    Nameless(File),
    /// Under a hidden name beside the final one.
    Named(NamedTempFile, Unfinished),
}

impl Output {
    /// Begins a file that will be called `path`. With `is_forced` it replaces what has that name.
    ///
    /// # Errors
    /// If its folder does not exist or can not be written to.
    pub fn create(path: &Path, is_forced: bool) -> Result<Self> {
        interrupt::watch();
        #[cfg(target_os = "linux")]
        let part = nameless(folder_of(path)).map_or_else(|| named(path), |file| Ok(Part::Nameless(file)));
        #[cfg(not(target_os = "linux"))]
        let part = named(path);
        let part = part.with_context(|| format!("{}: cannot write here", path.display()))?;
        Ok(Self { path: path.to_owned(), is_forced, part })
    }

    /// The same for libraries that open files themselves: under a hidden name from the beginning.
    ///
    /// # Errors
    /// As [`Output::create`].
    pub fn create_named(path: &Path, is_forced: bool) -> Result<Self> {
        interrupt::watch();
        let part = named(path).with_context(|| format!("{}: cannot write here", path.display()))?;
        Ok(Self { path: path.to_owned(), is_forced, part })
    }

    /// The hidden name, of a file that has one.
    pub fn part_path(&self) -> Option<&Path> {
        match &self.part {
            #[cfg(target_os = "linux")]
            Part::Nameless(_) => None,
            Part::Named(file, _) => Some(file.path()),
        }
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        match &mut self.part {
            #[cfg(target_os = "linux")]
            Part::Nameless(file) => file,
            Part::Named(file, _) => file.as_file_mut(),
        }
    }

    /// Gives the file its name; returns its size in bytes.
    ///
    /// # Errors
    /// If the data can not be brought to disk, or another file has the name meanwhile; nothing is left then.
    pub fn finish(mut self) -> Result<u64> {
        let path = self.path.clone();
        let cannot_write = || format!("{}: cannot write", path.display());
        let file = self.file();
        let num_bytes = file.sync_all().and_then(|()| file.metadata()).with_context(cannot_write)?.len();
        let named = match self.part {
            #[cfg(target_os = "linux")]
            Part::Nameless(file) => link(&file, &path, self.is_forced),
            Part::Named(file, unfinished) => unfinished.finish(|| match self.is_forced {
                true => file.persist(&path).map(drop).map_err(|error| error.error),
                false => file.persist_noclobber(&path).map(drop).map_err(|error| error.error),
            }),
        };
        match named {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!("{}", exists(&path)),
            named => named.with_context(cannot_write)?,
        }
        Ok(num_bytes)
    }
}

/// A hidden file beside `path`.
fn named(path: &Path) -> io::Result<Part> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any newly created file; the user's mask is applied by the system.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let (file, unfinished) = Unfinished::begin(|| builder.tempfile_in(folder_of(path)))?;
    Ok(Part::Named(file, unfinished))
}

/// A file in `folder` without a name, where the file system has such.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // It is named through this folder.
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    File::options().read(true).write(true).custom_flags(libc::O_TMPFILE).mode(0o666).open(folder).ok()
}

/// Gives a nameless file its name. A name that is taken can only be taken over by a rename, so the file
/// then has a hidden name for an instant.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path, is_forced: bool) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link_to = |path: &Path| linkat(CWD, own.as_str(), CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
    match link_to(path) {
        Err(error) if is_forced && error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => return linked,
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    let (linked, unfinished) = Unfinished::begin(|| builder.make_in(folder_of(path), link_to))?;
    unfinished.finish(|| linked.persist(path).map_err(|error| error.error))
}

/// The folder that something lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Both kinds of files, whatever this file system can do.
    fn outputs(out: &Path, is_forced: bool) -> Vec<Output> {
        let output = |part| Output { path: out.to_owned(), is_forced, part };
        vec![Output::create(out, is_forced).unwrap(), output(named(out).unwrap())]
    }

    fn names_in(folder: &Path) -> Vec<std::ffi::OsString> {
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_appears_only_when_finished() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.npy");
        for output in outputs(&out, false) {
            assert!(!out.exists());
            drop(output);
        }
        assert_eq!(names_in(folder.path()).len(), 0);
        for mut output in outputs(&out, false) {
            output.file().write_all(b"new").unwrap();
            assert_eq!(output.finish().unwrap(), 3);
            assert!(out.exists());
            std::fs::remove_file(&out).unwrap();
        }
    }

    #[test]
    fn a_file_that_appeared_meanwhile_is_replaced_by_force_only() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.npy");
        for is_forced in [false, true] {
            for mut output in outputs(&out, is_forced) {
                std::fs::write(&out, "former").unwrap();
                output.file().write_all(b"new").unwrap();
                let finished = output.finish();
                if is_forced {
                    assert_eq!(std::fs::read(&out).unwrap(), b"new");
                } else {
                    assert!(finished.unwrap_err().to_string().contains("--force"));
                    assert_eq!(std::fs::read(&out).unwrap(), b"former");
                }
            }
        }
        assert_eq!(names_in(folder.path()), ["out.npy"]);
    }

    /// The child of the test below: begins a file and waits to be killed.
    #[test]
    #[ignore = "is run by another test"]
    fn waits_with_an_unfinished_file() {
        let out = PathBuf::from(std::env::var_os("TECTUM_TEST_OUT").unwrap());
        let Part::Named(_file, _unfinished) = named(&out).unwrap() else { unreachable!() };
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    #[cfg(unix)]
    /// Whether this process was started with a signal ignored, as under nohup or behind `&`: its children then
    /// ignore it too, as they should.
    fn is_ignored(signal: u32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    }

    #[cfg(unix)]
    #[test]
    fn a_named_part_is_taken_away_by_the_signals_that_can_be_caught() {
        use std::process::{Command, Stdio};
        for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
            if is_ignored(number) {
                continue;
            }
            let code = 128 + number as i32;
            let folder = tempfile::tempdir().unwrap();
            let name = concat!(module_path!(), "::waits_with_an_unfinished_file");
            let name = name.split_once("::").unwrap().1;
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([name, "--exact", "--ignored"])
                .env("TECTUM_TEST_OUT", folder.path().join("out.npy"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            while names_in(folder.path()).is_empty() {
                assert_eq!(child.try_wait().unwrap(), None);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
            assert_eq!(names_in(folder.path()).len(), 0, "{signal}");
        }
    }
}
