//! Completing a typed path on a thread of its own: a share that does not answer must not hold up typing.

use std::path::Path;

use crossbeam_channel::{Receiver, bounded};

use super::wake::WakeFn;
use crate::format::kind_of_name;
use crate::ui::{Completion, typed_location};

/// Names looked at in one folder.
const MAX_ENTRIES: usize = 50_000;

/// A question that may be under way.
pub struct Completer {
    answer: Receiver<Completion>,
}

impl Completer {
    /// Asks how `typed` may go on, and calls `wake` when it is known.
    pub fn start(typed: &str, wake: WakeFn) -> Self {
        let (sender, answer) = bounded(1);
        let typed = typed.to_owned();
        let work = move || {
            // Nobody may want it any more.
            let _unwanted = sender.send(complete(&typed));
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-complete".into()).spawn(work) {
            tracing::warn!("a path cannot be completed: no thread for it: {error}");
        }
        Self { answer }
    }

    /// The answer once it is there; never blocks.
    pub fn try_answer(&self) -> Option<Completion> {
        self.answer.try_recv().ok()
    }
}

/// How a path goes on: as far as all candidates agree, as a shell does it.
fn complete(typed: &str) -> Completion {
    let at = typed.rfind(['/', std::path::MAIN_SEPARATOR]).map_or(0, |at| at + 1);
    let (before, stem) = typed.split_at(at);
    let folder = if before.is_empty() { ".".into() } else { typed_location(before) };
    // A URL is typed to its end.
    let mut names = folder.path().map(|folder| candidates(folder, stem)).unwrap_or_default();
    if names.is_empty() && typed.trim() == "~" {
        names = vec!["~/".to_owned()];
    }
    names.sort();
    let mut common = names.first().cloned().unwrap_or_else(|| stem.to_owned());
    for name in &names {
        let len = common.chars().zip(name.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        common.truncate(len);
    }
    let several = if names.len() > 1 { names } else { Vec::new() };
    Completion { asked: typed.to_owned(), completed: format!("{before}{common}"), names: several }
}

/// Folders, and files that could be opened, whose names begin with `stem`.
fn candidates(folder: &Path, stem: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names = Vec::new();
    for entry in entries.take(MAX_ENTRIES).flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.starts_with(stem) || (name.starts_with('.') && !stem.starts_with('.')) {
            continue;
        }
        // Through links, which the entry itself does not follow.
        if entry.path().is_dir() {
            names.push(format!("{name}/"));
        } else if kind_of_name(&name).is_some() {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_on_as_far_as_it_is_certain() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["fish_one/original", "fish_two", ".hidden"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in ["average.h5", "average.txt"] {
            std::fs::write(root.path().join(file), b"").unwrap();
        }
        let at = |end: &str| format!("{}/{end}", root.path().display());
        let completed = |end: &str| complete(&at(end));
        assert_eq!(completed("fi").completed, at("fish_"));
        assert_eq!(completed("fi").names, ["fish_one/", "fish_two/"]);
        assert_eq!(completed("fish_o").completed, at("fish_one/"));
        assert_eq!(completed("fish_one/").completed, at("fish_one/original/"));
        assert_eq!(completed("av").completed, at("average.h5"), "a text file is no recording");
        assert_eq!(completed(".h").completed, at(".hidden/"));
        let nothing = completed("nothing");
        assert_eq!((nothing.completed, nothing.names), (at("nothing"), vec![]));
        assert_eq!(complete("/no/such/fol").completed, "/no/such/fol");
    }
}
