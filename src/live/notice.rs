//! The system's notifications of changes in a folder, where it gives any.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Sender;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecursiveMode, Watcher as _};

/// A change the system told of.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// The file.
    pub path: PathBuf,
    /// Whether something was completed (closed, made, moved, deleted) rather than written to.
    pub is_urgent: bool,
}

/// A subscription to the changes of one folder; ends when dropped.
pub(super) struct Subscription {
    _watcher: notify::RecommendedWatcher,
    folder: PathBuf,
}

impl Subscription {
    /// Subscribes to what happens in `folder` itself. `None` where the system cannot tell: then looking
    /// now and then has to do. A full channel drops notices: one look finds whatever they were about.
    pub fn new(folder: &Path, notices: &Sender<Notice>) -> Option<Self> {
        let notices = Arc::new(notices.clone());
        let handler = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let is_urgent = match event.kind {
                // Our own reads are no news.
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
                EventKind::Access(_) => return,
                EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
                EventKind::Modify(_) | EventKind::Any | EventKind::Other => false,
            };
            for path in event.paths {
                if notices.try_send(Notice { path, is_urgent }).is_err() {
                    return;
                }
            }
        };
        let mut watcher = notify::recommended_watcher(handler).ok()?;
        watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
        Some(Self { _watcher: watcher, folder: folder.to_owned() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
