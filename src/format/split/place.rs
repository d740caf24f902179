//! Where a recording lies and how it is to be read: what stays the same while it grows.

use std::path::PathBuf;

/// The recording, before any file of it is opened.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The folder of the blocks.
    pub folder: PathBuf,
    /// What block names start with.
    pub prefix: String,
    /// Which of interleaved channels.
    pub channel: usize,
    /// What the user says the axes are.
    pub axes: Option<String>,
    /// Whether blocks that are perhaps left over from a former recording are left out.
    pub leave_out_suspects: bool,
}
