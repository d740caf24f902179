//! Watching a recording that is still being written, or that may be.
//!
//! A [`Watcher`] looks at the folder from a thread of its own: told by the system's notifications where
//! those work, and by a listing now and then everywhere. It opens nothing that has not changed, keeps no
//! file open and never writes, so that the program that records does not notice it.

mod news;
mod notice;
mod pace;
mod state;
mod status;
mod watcher;

pub use news::LiveEvent;
pub use pace::Pace;
pub use status::{LiveState, LiveStatus};
pub use watcher::{WatchConfig, Watcher};
