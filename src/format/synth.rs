//! The demo recording.
