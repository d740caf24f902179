//! What the commands say of files, in the same words everywhere.

use std::path::Path;
use std::time::Instant;

use crate::format::Source;
use crate::text;
use crate::volume::codes;

/// What is said of a file once it is there.
pub fn written(path: &Path, what: &str, num_bytes: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    format!("{}: {what}, {} written in {seconds:.1} s\n", path.display(), text::size(num_bytes))
}

/// Says of a source that is to be written where it ends before it was meant to: nobody sees that in what is written.
pub fn stopped_early(source: &dyn Source) {
    for problem in source.problems().iter().filter(|problem| problem.code == codes::STOPPED_EARLY) {
        let file = problem.file.as_ref().unwrap_or(&source.info().location);
        note(&format!("{file}: {}", problem.message));
    }
}

/// Something worth knowing beside what was asked for, on stderr.
pub fn note(text: &str) {
    use std::io::Write;
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "note: {text}");
}
