//! What the program asks of its window, as data: whoever draws it carries them out, tests read them.

use std::path::PathBuf;
use std::time::Duration;

use crate::ui::{Completion, Note};

/// One thing for the window to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The window's title is this now.
    Title(String),
    /// Another frame is worth drawing after this long.
    RepaintAfter(Duration),
    /// These are the notes to show, the newest first.
    Notes(Vec<Note>),
    /// Something about the field a path is typed into.
    PathField(PathField),
    /// Show one of the system's dialogs, starting at a place; [`super::Program::answer`] takes its result.
    Dialog(Ask, Option<PathBuf>),
    /// Have an operation typed, beginning like this, for this reason.
    TypeOperation(String, &'static str),
    /// Put this picture on the clipboard.
    CopyPicture(image::RgbaImage),
    /// Tell of this on the desktop.
    Notify {
        /// In a few words.
        title: String,
        /// In full.
        body: String,
    },
    /// Close the window.
    Close,
    /// Show this folder in the system's own program.
    ShowFolder(PathBuf),
}

/// What becomes of the field a path is typed into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathField {
    /// Empty it: what was typed is open.
    Clear,
    /// Put a path in that could not be opened, unless something else is typed there.
    Keep(String),
    /// Put the cursor in, and say why below it.
    Focus(&'static str),
    /// How what was typed may go on.
    Complete(Completion),
}

/// What a dialog of the system asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The folder of a recording.
    Folder,
    /// A file.
    File,
    /// Where the picture is to be saved.
    StillPath,
    /// Where data are to be saved.
    DataPath,
    /// An array for this operation, in a file or a folder.
    Array {
        /// By its name.
        operation: &'static str,
        /// Whether it is a folder.
        is_folder: bool,
    },
}
