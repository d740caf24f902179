//! The system's file dialog on a thread of its own, polled once a frame.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// What became of a dialog.
pub enum Picked {
    /// The user chose this.
    Path(PathBuf),
    /// The user closed the dialog, or none could be shown.
    Nothing,
}

/// A dialog that is open.
pub struct FileDialog {
    result: Receiver<Option<PathBuf>>,
}

impl FileDialog {
    /// Shows the dialog for folders or for files, starting in `folder`, and calls `wake` when it closes.
    pub fn show(for_files: bool, folder: Option<PathBuf>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sender, result) = bounded(1);
        let run = move || {
            let mut dialog = rfd::FileDialog::new().set_title("Open a recording");
            if let Some(folder) = folder {
                dialog = dialog.set_directory(folder);
            }
            let picked = if for_files { dialog.pick_file() } else { dialog.pick_folder() };
            // The window may have closed meanwhile.
            let _unwanted = sender.send(picked);
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-dialog".into()).spawn(run) {
            tracing::error!("cannot start a thread for the file dialog: {error}");
        }
        Self { result }
    }

    /// Shows the dialog for where a picture is saved, starting at `path`, and calls `wake` when it closes.
    pub fn save(path: &Path, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sender, result) = bounded(1);
        let (folder, name) = (path.parent().map(Path::to_owned), path.file_name().map(ToOwned::to_owned));
        let run = move || {
            let mut dialog = rfd::FileDialog::new().set_title("Save the picture").add_filter("PNG picture", &["png"]);
            if let Some(folder) = folder {
                dialog = dialog.set_directory(folder);
            }
            if let Some(name) = name {
                dialog = dialog.set_file_name(name.to_string_lossy());
            }
            // The window may have closed meanwhile.
            let _unwanted = sender.send(dialog.save_file());
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-dialog".into()).spawn(run) {
            tracing::error!("cannot start a thread for the file dialog: {error}");
        }
        Self { result }
    }

    /// The choice once the dialog has closed; never blocks.
    pub fn try_result(&self) -> Option<Picked> {
        match self.result.try_recv() {
            Ok(Some(path)) => Some(Picked::Path(path)),
            Ok(None) | Err(TryRecvError::Disconnected) => Some(Picked::Nothing),
            Err(TryRecvError::Empty) => None,
        }
    }
}
