//! What is wrong with a recording as far as a source knows: what its opening found, and what comes to light while
//! it is read, each kind once for each file and no more than a bounded number of them.

use parking_lot::Mutex;

use super::{Filled, ReadError, ReadErrorCode, ReadErrorKind};
use crate::volume::{Location, Problem, Severity, codes};

/// Of more problems that reading finds, only those that were first are told.
const MAX_FOUND: usize = 256;

impl Problem {
    /// Something that is wrong with a file.
    pub(super) fn of(code: &'static str, severity: Severity, file: &Location, message: impl Into<String>) -> Self {
        Self { code, severity, file: Some(file.clone()), span: None, message: message.into() }
    }

    /// What kept something from being read; `None` where nothing is wrong but that it is not written yet.
    pub(super) fn of_read(error: &ReadError) -> Option<Self> {
        let code = match error.kind {
            ReadErrorKind::NotYetWritten => return None,
            ReadErrorKind::Missing if error.code == Some(ReadErrorCode::Gone) => codes::MISSING_BLOCK,
            ReadErrorKind::Missing => codes::UNWRITTEN,
            ReadErrorKind::Corrupt => codes::BAD_CHUNK,
            ReadErrorKind::Unsupported => codes::UNSUPPORTED,
            ReadErrorKind::Io => codes::UNREADABLE,
        };
        Some(Self::of(code, Severity::Error, &error.file, &*error.message))
    }
}

/// The problems of one state of a source.
#[derive(Debug, Default)]
pub(super) struct Found {
    opening: Vec<Problem>,
    reading: Mutex<Vec<Problem>>,
}

impl Found {
    /// What the opening found.
    pub fn new(opening: Vec<Problem>) -> Self {
        Self { opening, reading: Mutex::default() }
    }

    /// Notes what kept something from being read.
    pub fn note(&self, error: &ReadError) {
        let Some(problem) = Problem::of_read(error) else { return };
        let mut reading = self.reading.lock();
        let is_known = |known: &Problem| known.code == problem.code && known.file == problem.file;
        // What the opening remarked may be as a note what is now an error.
        let is_said = self.opening.iter().any(|known| is_known(known) && known.severity >= problem.severity);
        if !is_said && reading.len() < MAX_FOUND && !reading.iter().any(is_known) {
            reading.push(problem);
        }
    }

    /// Notes what a read did not give.
    pub fn look_at(&self, result: &Result<Filled, ReadError>) {
        if let Err(error) | Ok(Filled::Except(_, error)) = result {
            self.note(error);
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<Problem> {
        self.opening.iter().chain(self.reading.lock().iter()).cloned().collect()
    }

    /// The same of another state of the source, of which nothing was read yet.
    pub fn anew(&self) -> Self {
        Self::new(self.opening.clone())
    }

    /// Forgets what reading found: it is tried again.
    pub fn forget(&self) {
        self.reading.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Region;

    fn error(kind: ReadErrorKind, file: &str) -> ReadError {
        ReadError::new(kind, Location::parse(file), "is damaged")
    }

    #[test]
    fn a_problem_is_told_once_for_each_file_and_kind() {
        let noticed = Problem::of(codes::UNREADABLE, Severity::Note, &Location::parse("a"), "one link is broken");
        let found = Found::new(vec![noticed]);
        for (kind, file) in [
            (ReadErrorKind::Corrupt, "a"),
            (ReadErrorKind::Corrupt, "a"),
            (ReadErrorKind::Corrupt, "b"),
            (ReadErrorKind::Io, "a"),
            (ReadErrorKind::NotYetWritten, "a"),
        ] {
            found.note(&error(kind, file));
        }
        let told: Vec<_> = found.all().iter().map(|problem| (problem.code, problem.severity)).collect();
        let (note, error_) = (Severity::Note, Severity::Error);
        let bad = (codes::BAD_CHUNK, error_);
        assert_eq!(told, [(codes::UNREADABLE, note), bad, bad, (codes::UNREADABLE, error_)]);
        found.forget();
        assert_eq!(found.all().len(), 1, "what the opening found stays");
    }

    #[test]
    fn what_part_of_a_chunk_lacks_is_told_too_and_their_number_is_bounded() {
        let found = Found::default();
        let region = Region::new(&[0], &[1]).expect("a box");
        found.look_at(&Ok(Filled::All));
        assert_eq!(found.all(), []);
        found.look_at(&Ok(Filled::Except(vec![region], error(ReadErrorKind::Missing, "a"))));
        assert_eq!(found.all()[0].code, codes::UNWRITTEN);
        let gone = error(ReadErrorKind::Missing, "b").with_code(ReadErrorCode::Gone);
        found.look_at(&Err(gone));
        assert_eq!(found.all()[1].code, codes::MISSING_BLOCK);
        (0..10 * MAX_FOUND).for_each(|i| found.note(&error(ReadErrorKind::Corrupt, &format!("file {i}"))));
        assert_eq!(found.all().len(), MAX_FOUND);
    }
}
