//! What of the command line needs the window; in a build without one, each says so in a line.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::{BudgetArgs, SnapshotArgs};
use crate::format::OpenOptions;
use crate::volume::Location;

/// What the window is opened with.
#[cfg_attr(not(feature = "window"), expect(dead_code, reason = "said to a window that is not there"))]
#[derive(Clone, Debug, Default)]
pub struct Show {
    /// What to open; the welcome screen without it.
    pub location: Option<Location>,
    /// What was said beside it.
    pub options: OpenOptions,
    /// How much memory it may take.
    pub budgets: BudgetArgs,
    /// Where to keep what is worth it for the next time.
    pub settings: Option<PathBuf>,
    /// Whether a recording is waited for where there is none yet.
    pub is_expected: bool,
}

/// A picture that was written.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Width and height, pixels.
    pub size: [u32; 2],
    /// Bytes of the file.
    pub num_bytes: u64,
    /// What the picture lacks, in words.
    pub lacking: Option<String>,
}

/// # Errors
/// When this program was built without its window.
pub fn is_built() -> Result<()> {
    if cfg!(feature = "window") { Ok(()) } else { Err(none()) }
}

fn none() -> anyhow::Error {
    anyhow!("this build of tectum has no window: it is the command line alone (`tectum --help` lists what it does)")
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When no window can be opened here.
#[cfg(feature = "window")]
pub fn show(show: Show) -> Result<()> {
    let bytes = |mb: Option<u32>| mb.map(|mb| mb as usize * 1_000_000);
    crate::app::run_window(crate::app::WindowArgs {
        location: show.location,
        options: show.options,
        budgets: crate::app::Budgets { ram_bytes: bytes(show.budgets.ram), gpu_bytes: bytes(show.budgets.gpu) },
        settings: show.settings,
        is_expected: show.is_expected,
    })
}

/// Draws the window into a file.
///
/// # Errors
/// When the recording can not be opened, or the file not be written.
#[cfg(feature = "window")]
pub fn snapshot(args: &SnapshotArgs) -> Result<Drawn> {
    let operations = args.ops.operations()?;
    let written = crate::app::snapshot(&crate::app::SnapshotRequest {
        location: args.path.clone(),
        options: args.open.options(),
        out: args.out.clone(),
        is_forced: args.force,
        t: args.t,
        z: args.z,
        project: args.project,
        operations: operations.steps.iter().map(ToString::to_string).collect(),
        size: args.size,
        waits: args.wait,
        is_light: args.light,
    })?;
    Ok(Drawn { size: written.size, num_bytes: written.num_bytes, lacking: written.lacking })
}

/// Forgets what the window remembers of a recording, or everything; returns what that was, in words.
///
/// # Errors
/// When the recording cannot be opened, and so is not known.
#[cfg(feature = "window")]
pub fn forget(location: Option<&Location>, options: &OpenOptions, settings: Option<&Path>) -> Result<String> {
    crate::app::forget(location, options, settings)
}

/// Says that there is no window.
///
/// # Errors
/// Always.
#[cfg(not(feature = "window"))]
pub fn show(_: Show) -> Result<()> {
    is_built()
}

/// Says that there is no window that could be drawn.
///
/// # Errors
/// Always.
#[cfg(not(feature = "window"))]
pub fn snapshot(_: &SnapshotArgs) -> Result<Drawn> {
    Err(none())
}

/// Says that nothing is remembered without a window.
///
/// # Errors
/// Always.
#[cfg(not(feature = "window"))]
pub fn forget(_: Option<&Location>, _: &OpenOptions, _: Option<&Path>) -> Result<String> {
    Err(none())
}
