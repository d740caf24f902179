//! The window: opening, sessions, snapshots.
