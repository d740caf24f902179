//! Where the pieces of a recording are, in words: how many files, which of them are missing, the names of some.

use crate::format::{FileState, StoredFile};

/// Files that are named.
const MAX_NAMED: usize = 12;

/// The files a recording is read from, in words. Made once: there may be very many of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesText {
    /// "12, 2 missing"; empty where there is but one, and it is there.
    pub num: String,
    /// A line for each of the first, missing ones before the others, and one for how many more there are.
    pub named: Vec<String>,
    /// How many of them are missing.
    pub num_missing: usize,
}

impl FilesText {
    /// Of these files; `more` says where those are listed that are not named.
    pub fn of(files: &[StoredFile], more: &str) -> Self {
        let is_missing = |file: &&StoredFile| file.state == FileState::Missing;
        let num_missing = files.iter().filter(is_missing).count();
        let integer = |num: usize| super::integer(num as i64);
        let num = match (files.len(), num_missing) {
            (0 | 1, 0) => String::new(),
            (all, 0) => integer(all),
            (all, missing) => format!("{}, {} missing", integer(all), integer(missing)),
        };
        let others = files.iter().filter(|file| !is_missing(file));
        let named = files.iter().filter(is_missing).chain(others).take(MAX_NAMED).map(line);
        let num_more = files.len().saturating_sub(MAX_NAMED);
        let more = (num_more > 0).then(|| format!("and {} more ({more})", integer(num_more)));
        Self { num, named: named.chain(more).collect(), num_missing }
    }
}

/// "/data/3.h5  1.2 GB".
fn line(file: &StoredFile) -> String {
    match file.state {
        FileState::There(Some(len)) => format!("{}  {}", file.location, super::size(len)),
        FileState::There(None) | FileState::Unknown => file.location.to_string(),
        FileState::Missing => format!("{}  missing", file.location),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Location;

    #[test]
    fn what_is_missing_is_named_before_what_is_there() {
        let file = |index: usize, state: FileState| StoredFile {
            location: Location::parse(&format!("/data/{index}.h5")),
            state,
        };
        let mut files: Vec<StoredFile> = (0..20).map(|i| file(i, FileState::There(Some(1500)))).collect();
        assert_eq!(FilesText::of(&files[..1], "").num, "");
        files[17].state = FileState::Missing;
        files[1].state = FileState::Unknown;
        let text = FilesText::of(&files, "elsewhere");
        assert_eq!((text.num.as_str(), text.num_missing), ("20, 1 missing", 1));
        assert_eq!(text.named[..3], ["/data/17.h5  missing", "/data/0.h5  1.5 kB", "/data/1.h5"]);
        assert_eq!((text.named.len(), text.named[12].as_str()), (13, "and 8 more (elsewhere)"));
    }
}
