//! View state, commands and panels.
