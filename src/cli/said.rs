//! What the commands say of files, in the same words everywhere.

use std::path::Path;
use std::time::Instant;

use crate::text;

/// What is said of a file once it is there.
pub fn written(path: &Path, what: &str, num_bytes: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    format!("{}: {what}, {} written in {seconds:.1} s\n", path.display(), text::size(num_bytes))
}

/// Something worth knowing beside what was asked for, on stderr.
pub fn note(text: &str) {
    use std::io::Write;
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "note: {text}");
}
