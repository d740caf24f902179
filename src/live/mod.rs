//! Watching a recording that is still being written.

mod status;

pub use status::{LiveState, LiveStatus};
