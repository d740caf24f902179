//! `tectum vds --follow`: the virtual dataset of a recording that still runs, written anew as blocks come.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};

use super::{Last, VdsArgs, loose_files, opened};
use crate::format::{Growing, Source};
use crate::live::{LiveEvent, LiveState, WatchConfig, Watcher};
use crate::volume::Location;
use crate::write::interrupt;
use crate::write::vds::VirtualOptions;

/// Looked at again this often, whatever wakes or does not.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Writes OUT.h5 whenever there is more, until the recording ends.
///
/// # Errors
/// When it cannot be written the first time; later what is wrong is said, and tried again.
pub fn follow(args: &VdsArgs, options: VirtualOptions) -> Result<()> {
    let [path] = &args.paths[..] else { bail!("--follow: follows one recording, or one folder of files") };
    interrupt::keep("what was written last stays, and is whole");
    match crate::format::open(path, &args.open.options()).map(|opened| opened.growing) {
        Ok(Some(growing)) => recording(args, path, growing, &options),
        // A single file in a folder is taken for all of it, until there is another.
        _ if !loose_files(path).is_empty() => files(args, path, &options),
        Ok(None) => bail!("{path}: is none that grows; write it without --follow"),
        Err(error) => Err(error.into()),
    }
}

/// Follows a recording, which knows when it ends.
fn recording(args: &VdsArgs, path: &Location, growing: Arc<dyn Growing>, options: &VirtualOptions) -> Result<()> {
    let (waker, woken) = crossbeam_channel::bounded::<()>(1);
    let wake = Arc::new(move || {
        // One that waits already is enough.
        let _ = waker.try_send(());
    });
    let mut source: Arc<dyn Source> = growing.clone();
    let watcher = Watcher::start(path.clone(), args.open.options(), Some(growing), WatchConfig::default(), wake);
    let mut last = Last::default();
    last.write(args, &[source.clone()], options, false)?;
    loop {
        let _ = woken.recv_timeout(LOOK_EVERY);
        let mut is_new = false;
        for event in watcher.drain() {
            if let LiveEvent::Opened(now) | LiveEvent::Replaced(now) | LiveEvent::Changed { source: now, .. } = event {
                (source, is_new) = (now, true);
            }
        }
        let has_ended = matches!(watcher.status().state, LiveState::Finished | LiveState::StoppedEarly { .. });
        if has_ended {
            return last.write(args, &[source], options, true);
        }
        if is_new {
            again(last.write(args, &[source.clone()], options, false), args);
        }
    }
}

/// Follows a folder of files that follow one another, of which nobody says that it ends.
fn files(args: &VdsArgs, path: &Location, options: &VirtualOptions) -> Result<()> {
    let mut last = Last::default();
    let mut known = state(path);
    last.write(args, &opened(&args.paths, &args.open.options())?, options, false)?;
    loop {
        std::thread::sleep(LOOK_EVERY);
        let now = state(path);
        // What is being written has another size the next time.
        if now != known {
            known = now;
            continue;
        }
        let written = opened(&args.paths, &args.open.options());
        again(written.and_then(|sources| last.write(args, &sources, options, false)), args);
        while state(path) == known {
            std::thread::sleep(LOOK_EVERY);
        }
        known = state(path);
    }
}

/// Names, sizes and times of the files.
fn state(path: &Location) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let look = |file: PathBuf| {
        let there = file.metadata().ok();
        let num_bytes = there.as_ref().map_or(0, std::fs::Metadata::len);
        (file, num_bytes, there.and_then(|there| there.modified().ok()))
    };
    loose_files(path).into_iter().map(look).collect()
}

/// Says what went wrong; it is tried again when there is something new.
fn again(written: Result<()>, args: &VdsArgs) {
    if let Err(error) = written {
        eprintln!("warning: {error:#}; {} stays as it was", args.out.display());
    }
}
