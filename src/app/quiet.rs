//! Graphics drivers and the libraries under them print to stderr what concerns nobody who wants a picture:
//! that there is no Wayland here, or that one of several drivers could not be loaded.

use std::fs::File;

/// While this lives, what is printed to stderr goes nowhere; if it ends in a panic, it is printed then.
/// `TECTUM_LOG` asks for everything, and gets it.
pub struct Quiet(Option<Aside>);

/// The true stderr, and what was printed meanwhile.
struct Aside {
    stderr: File,
    printed: File,
}

impl Quiet {
    /// From here on.
    pub fn begin() -> Self {
        match std::env::var_os("TECTUM_LOG") {
            Some(_) => Self(None),
            // A driver that can be heard is better than none.
            None => Self(turn_aside()),
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        use std::io::{Read, Seek, Write};
        let Some(mut aside) = self.0.take() else { return };
        turn_back(&aside.stderr);
        if std::thread::panicking() {
            let mut printed = Vec::new();
            // Nobody is left to tell where this fails.
            let _ = aside.printed.rewind().and_then(|()| aside.printed.read_to_end(&mut printed));
            let _ = aside.stderr.write_all(&printed);
        }
    }
}

#[cfg(unix)]
fn turn_aside() -> Option<Aside> {
    use std::os::fd::AsFd;
    let stderr = File::from(std::io::stderr().as_fd().try_clone_to_owned().ok()?);
    let printed = tempfile::tempfile().ok()?;
    become_stderr(&printed).then_some(Aside { stderr, printed })
}

#[cfg(unix)]
fn turn_back(stderr: &File) {
    become_stderr(stderr);
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "the call of the system that makes a file the one of a fixed number")]
fn become_stderr(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    // SAFETY: both numbers are open files; the second stays one and is nobody's to close.
    unsafe { libc::dup2(file.as_raw_fd(), libc::STDERR_FILENO) >= 0 }
}

#[cfg(not(unix))]
fn turn_aside() -> Option<Aside> {
    None
}

#[cfg(not(unix))]
fn turn_back(_stderr: &File) {}
