//! Ctrl-C, a closed terminal, a scheduler that ends a job: nothing half-written stays behind, and the exit
//! code tells which it was.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

/// How often signals are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The last signal; 0 while there was none. All that a signal handler may do is store it.
static ARRIVED: AtomicUsize = AtomicUsize::new(0);
/// Files and folders that are taken away unless they are finished.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// What is kept when a signal ends the program, in words; empty where nothing is.
static KEPT: Mutex<String> = Mutex::new(String::new());

/// From here on a signal that ends the program leaves what is said here, beside what is taken away.
pub fn keep(words: &str) {
    watch();
    words.clone_into(&mut KEPT.lock());
}

/// From here on a signal that ends the program does so in good order, with 128 and its number as the exit
/// code. What the caller has chosen to ignore (`nohup`) stays ignored.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in SIGNALS.into_iter().filter(|&signal| !is_ignored(signal)) {
            // Where a handler cannot be had the system ends the program, as it always did.
            let _ = signal_hook::flag::register_usize(signal, &ARRIVED, signal as usize);
        }
        thread::spawn(|| {
            loop {
                thread::sleep(LOOK_EVERY);
                match ARRIVED.load(Ordering::Relaxed) {
                    0 => {}
                    signal => end(signal as i32),
                }
            }
        });
    });
}

/// Takes away what is unfinished and ends the program, whatever its other threads are waiting for.
fn end(signal: i32) -> ! {
    // Nothing is finished from here on: either it is whole, or it is gone.
    let unfinished = UNFINISHED.lock();
    for path in &*unfinished {
        // Files may appear in a folder while it is being removed.
        let _ = (0..5).find(|_| remove(path).is_ok());
    }
    let mut stderr = io::stderr().lock();
    let erase = if stderr.is_terminal() { "\r\x1b[K" } else { "" };
    // Nobody is left to tell when stderr is closed.
    let kept = KEPT.lock();
    let left = if kept.is_empty() { "what was not finished has been taken away" } else { &kept };
    let _ = writeln!(stderr, "{erase}error: interrupted; {left}");
    signal_hook::low_level::exit(128 + signal)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
}

/// A path that is taken away if a signal ends the program before it is finished or dropped.
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Makes a file or folder and watches over it, undisturbed by signals.
    ///
    /// # Errors
    /// Those of making it.
    pub fn begin<T: AsRef<Path>>(make: impl FnOnce() -> io::Result<T>) -> io::Result<(T, Self)> {
        watch();
        let mut unfinished = UNFINISHED.lock();
        let made = make()?;
        let path = made.as_ref().to_owned();
        unfinished.push(path.clone());
        Ok((made, Self(path)))
    }

    /// Does what makes the path whole, undisturbed by signals.
    pub fn finish<T>(self, make_whole: impl FnOnce() -> T) -> T {
        let mut unfinished = UNFINISHED.lock();
        let made = make_whole();
        unfinished.retain(|path| *path != self.0);
        made
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        UNFINISHED.lock().retain(|path| *path != self.0);
    }
}

#[cfg(unix)]
const SIGNALS: [i32; 3] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];

#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];

#[cfg(unix)]
#[allow(unsafe_code, reason = "the call of the system that tells what a signal does")]
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call writes the present one to memory of ours and changes nothing;
    // where it fails the zeroed action is a valid one.
    let action = unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

#[cfg(not(unix))]
fn is_ignored(_signal: i32) -> bool {
    false
}
