//! The system's file dialog on a thread of its own, polled once a frame. Where none can be shown (no
//! portal, no zenity), that is told from a dialog that was closed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use super::effects::Ask;
use super::wake::WakeFn;

/// Nobody closes a dialog as fast as this: it was never there.
const TOO_FAST: Duration = Duration::from_millis(250);

/// What became of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// The user chose this.
    Path(PathBuf),
    /// The user closed the dialog.
    Nothing,
    /// None could be shown.
    NoDialog,
}

/// A dialog that is open.
pub struct FileDialog {
    result: Receiver<Picked>,
}

impl FileDialog {
    /// Shows the dialog that asks for this, starting at a path, and calls `wake` when it closes.
    pub fn show(ask: Ask, start: Option<PathBuf>, wake: WakeFn) -> Self {
        listen();
        let pick = move || match ask {
            Ask::Folder => recording(start).pick_folder(),
            Ask::File => recording(start).pick_file(),
            Ask::StillPath => still(start).save_file(),
            Ask::DataPath => data(start).save_file(),
            Ask::Array { is_folder: true, .. } => array(start).pick_folder(),
            Ask::Array { is_folder: false, .. } => array(start).pick_file(),
        };
        Self::run(pick, wake)
    }

    fn run(pick: impl FnOnce() -> Option<PathBuf> + Send + 'static, wake: WakeFn) -> Self {
        let (sender, result) = bounded(1);
        let run = move || {
            let (begin, faults) = (Instant::now(), NUM_FAULTS.load(Ordering::Relaxed));
            let picked = match pick() {
                Some(path) => Picked::Path(path),
                None if NUM_FAULTS.load(Ordering::Relaxed) != faults || begin.elapsed() < TOO_FAST => Picked::NoDialog,
                None => Picked::Nothing,
            };
            // The window may have closed meanwhile.
            let _unwanted = sender.send(picked);
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
            Ok(picked) => Some(picked),
            Err(TryRecvError::Disconnected) => Some(Picked::NoDialog),
            Err(TryRecvError::Empty) => None,
        }
    }
}

/// The dialog for a recording, beginning in a folder.
fn recording(folder: Option<PathBuf>) -> rfd::FileDialog {
    beginning(rfd::FileDialog::new().set_title("Open a recording"), folder)
}

/// The same for an array that is computed with.
fn array(folder: Option<PathBuf>) -> rfd::FileDialog {
    beginning(rfd::FileDialog::new().set_title("Compute with an array"), folder)
}

fn beginning(dialog: rfd::FileDialog, folder: Option<PathBuf>) -> rfd::FileDialog {
    match folder {
        Some(folder) => dialog.set_directory(folder),
        None => dialog,
    }
}

/// The dialog for where a picture is saved, which proposes a path.
fn still(path: Option<PathBuf>) -> rfd::FileDialog {
    proposing(rfd::FileDialog::new().set_title("Save the picture").add_filter("PNG picture", &["png"]), path)
}

/// The same for data.
fn data(path: Option<PathBuf>) -> rfd::FileDialog {
    proposing(rfd::FileDialog::new().set_title("Save the data"), path)
}

fn proposing(mut dialog: rfd::FileDialog, path: Option<PathBuf>) -> rfd::FileDialog {
    if let Some(folder) = path.as_deref().and_then(Path::parent) {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = path.as_deref().and_then(Path::file_name) {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    dialog
}

/// How often the dialog's library has said that it failed. It answers a failure as it answers a dialog
/// that was closed, and tells the difference to its log alone.
static NUM_FAULTS: AtomicU64 = AtomicU64::new(0);

/// Hears what the dialog's library logs as an error, and nothing else.
struct Listener;

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Error && metadata.target().starts_with("rfd")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            NUM_FAULTS.fetch_add(1, Ordering::Relaxed);
            tracing::warn!("no file dialog can be shown: {}", record.args());
        }
    }

    fn flush(&self) {}
}

fn listen() {
    static LISTENER: Listener = Listener;
    // Somebody else may listen already: then only the time tells.
    if log::set_logger(&LISTENER).is_ok() {
        log::set_max_level(log::LevelFilter::Error);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn picked(pick: impl FnOnce() -> Option<PathBuf> + Send + 'static) -> Picked {
        let (sender, woken) = bounded(1);
        let dialog = FileDialog::run(pick, Arc::new(move || sender.send(()).unwrap_or_default()));
        woken.recv_timeout(Duration::from_secs(10)).unwrap();
        dialog.try_result().unwrap()
    }

    #[test]
    fn a_dialog_that_cannot_be_shown_is_told_from_one_that_was_closed() {
        let slowly = |result: Option<PathBuf>| {
            move || {
                std::thread::sleep(TOO_FAST + Duration::from_millis(50));
                result
            }
        };
        assert_eq!(picked(slowly(None)), Picked::Nothing);
        assert_eq!(picked(|| None), Picked::NoDialog, "it was never there");
        assert_eq!(picked(|| Some("/data".into())), Picked::Path("/data".into()));
        let fails_late = || {
            std::thread::sleep(TOO_FAST + Duration::from_millis(50));
            let record = log::Record::builder()
                .level(log::Level::Error)
                .target("rfd::backend::xdg_desktop_portal")
                .args(format_args!("Failed to pick folder with zenity: No such file"))
                .build();
            log::Log::log(&Listener, &record);
            None
        };
        assert_eq!(picked(fails_late), Picked::NoDialog);
    }
}
