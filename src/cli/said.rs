//! What the commands say of files, in the same words everywhere.

use std::path::Path;
use std::time::Instant;

use crate::text;

/// What is said of a file once it is there.
pub fn written(path: &Path, what: &str, num_bytes: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    format!("{}: {what}, {} written in {seconds:.1} s\n", path.display(), text::size(num_bytes))
}
