//! Watching a recording that is still being written.
