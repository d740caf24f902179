//! `tectum snapshot`: the real window, drawn off screen into a .png file.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;

use super::ops::OpsArgs;
use super::{OpenArgs, said, window};
use crate::volume::{Location, Projection};

/// Arguments of `tectum snapshot`.
#[derive(Clone, Debug, clap::Args)]
pub struct SnapshotArgs {
    /// Folder, file or URL of a recording.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The .png file to write.
    #[arg(short, long, value_name = "OUT.png")]
    pub out: PathBuf,
    /// Replace OUT.png if it exists.
    #[arg(long)]
    pub force: bool,
    /// Timepoint shown; negative counts from the end.
    #[arg(short, long, allow_negative_numbers = true)]
    pub t: Option<i64>,
    /// Plane shown; negative counts from the end.
    #[arg(short, long, allow_negative_numbers = true)]
    pub z: Option<i64>,
    /// What is computed of it; of several channels, of the chosen one.
    #[command(flatten)]
    pub ops: OpsArgs,
    /// Show a projection along the depth axis instead of a plane.
    #[arg(long, value_name = "OP", value_parser = parse_projection)]
    pub project: Option<Projection>,
    /// Size of the window in pixels.
    #[arg(long, value_name = "WxH", default_value = "1600x1000", value_parser = parse_size)]
    pub size: [u32; 2],
    /// Wait until nothing is left to load or to measure (histogram, cached range, quality) instead of for the
    /// picture alone.
    #[arg(long)]
    pub wait: bool,
    /// Light theme instead of dark.
    #[arg(long)]
    pub light: bool,
}

/// Draws and writes the picture.
///
/// # Errors
/// When the recording can not be opened, or the file not be written.
pub fn run(args: &SnapshotArgs) -> Result<()> {
    let start = Instant::now();
    let written = window::snapshot(args)?;
    if let Some(lacking) = written.lacking {
        // Nobody is left to tell when stderr is closed.
        let _ = writeln!(std::io::stderr(), "warning: {}: {lacking}", args.path);
    }
    let [width, height] = written.size;
    let what = format!("{width} × {height} pixels");
    super::print(&said::written(&args.out, &what, written.num_bytes, start))
}

/// An operation by its numpy name.
pub fn parse_projection(text: &str) -> Result<Projection, String> {
    Projection::ALL
        .into_iter()
        .find(|op| op.name() == text.to_ascii_lowercase())
        .ok_or_else(|| format!("one of {}", Projection::ALL.map(Projection::name).join(", ")))
}

fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let parsed =
        text.split_once(['x', 'X', '×']).and_then(|(w, h)| Some([w.trim().parse().ok()?, h.trim().parse().ok()?]));
    match parsed {
        Some([w, h]) if (200..=8192).contains(&w) && (150..=8192).contains(&h) => Ok([w, h]),
        _ => Err("width and height in pixels, like 1600x1000, up to 8192".to_owned()),
    }
}
