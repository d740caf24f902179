//! `tectum info`: what a recording is, in words or as JSON.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::OpenArgs;
use super::ops::OpsArgs;
use crate::format::{Channel, FileState, Opened, StoredFile, stored_files};
use crate::text::{self, FilesText};
use crate::volume::{ArrayInfo, Axis, AxisFrom, Location, Piece, Problem, Severity, VoxelSize, count_states};

/// Arguments of `tectum info`.
#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// Folder, file or URL of a recording.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// What is computed from it.
    #[command(flatten)]
    pub ops: OpsArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Looks at every block and prints what was found.
///
/// # Errors
/// When nothing of the recording can be viewed.
pub fn run(args: &InfoArgs) -> Result<()> {
    let options = args.open.options();
    let opened = args.ops.done(crate::format::open(&args.path, &options)?, &options)?;
    opened.sources().iter().for_each(|source| source.inspect());
    let text = if args.json {
        let mut text = serde_json::to_string_pretty(&as_json(&opened))?;
        text.push('\n');
        text
    } else {
        as_text(&opened)
    };
    super::print(&text)
}

fn num_timepoints(info: &ArrayInfo) -> Option<usize> {
    let axis = info.axes.iter().position(|axis| *axis == Some(Axis::T))?;
    info.shape.dims().get(axis).copied()
}

/// From the first timepoint to the end of the last.
fn duration_s(info: &ArrayInfo) -> Option<f64> {
    let rate = info.rate_hz.filter(|rate| *rate > 0.0)?;
    num_timepoints(info).map(|num| num as f64 / rate)
}

/// What the files take that the array is read from.
fn bytes_on_disk(files: &[StoredFile]) -> Option<u64> {
    let len = |file: &StoredFile| match file.state {
        FileState::There(len) => len,
        FileState::Missing | FileState::Unknown => None,
    };
    // Some of a recording's files may be missing, but not all.
    files.iter().filter_map(len).reduce(|a, b| a + b)
}

/// What an axis is: t, z, y, x or c; `None` for one that is held at an index.
fn axis_letter(info: &ArrayInfo, axis: usize) -> Option<String> {
    let named = info.axes.get(axis).copied().flatten().map(|axis| axis.to_string());
    named.or_else(|| (info.channel_axis == Some(axis)).then(|| "c".to_owned()))
}

/// Why the axes are taken for what they are: "z by its length (a guess), y and x by the format".
fn axes_from(info: &ArrayInfo) -> String {
    let mut groups: Vec<(AxisFrom, Vec<String>)> = Vec::new();
    for i in 0..info.axes.len() {
        let (from, letter) = (info.axis_from(i), axis_letter(info, i).unwrap_or_else(|| format!("axis {i}")));
        match groups.iter_mut().find(|(known, _)| *known == from) {
            Some((_, letters)) => letters.push(letter),
            None => groups.push((from, vec![letter])),
        }
    }
    let words = groups.iter().map(|(from, letters)| {
        format!("{} {}{}", letters.join(" "), from.words, if from.is_guess { " (a guess)" } else { "" })
    });
    words.collect::<Vec<_>>().join(", ")
}

/// "GFP (#00ff00)".
fn in_words(channel: &Channel) -> String {
    let color = channel.color.map(|color| format!(" ({})", color_code(color))).unwrap_or_default();
    format!("{}{color}{}", channel.name, if channel.is_visible { "" } else { ", hidden at first" })
}

/// "#00ff00".
fn color_code([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Of all channels, worst first.
fn problems_of(opened: &Opened) -> Vec<Problem> {
    let mut problems: Vec<Problem> = opened.sources().iter().flat_map(|source| source.problems()).collect();
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    problems
}

fn as_json(opened: &Opened) -> Value {
    let info = opened.source.info();
    let files = stored_files(opened.sources());
    let pieces = opened.source.pieces();
    let blocks: Vec<Value> = pieces
        .iter()
        .map(|piece| json!({ "axis": piece.axis, "range": piece.range, "state": piece.state.words() }))
        .collect();
    let counts: serde_json::Map<String, Value> =
        count_states(&pieces).into_iter().map(|(state, count)| (state.words().to_owned(), count.into())).collect();
    let datasets: Vec<Value> = opened
        .datasets
        .iter()
        .enumerate()
        .map(|(i, entry)| json!({ "name": entry.name, "summary": entry.summary, "chosen": i == opened.chosen }))
        .collect();
    let channels: Vec<Value> = opened
        .channels
        .iter()
        .map(|channel| {
            let (visible, levels) = (channel.is_visible, channel.levels.len());
            json!({
                "name": channel.name, "color": channel.color.map(color_code), "limits": channel.limits,
                "visible": visible, "levels": levels, "held": channel.held,
            })
        })
        .collect();
    let facts: serde_json::Map<String, Value> =
        info.facts.iter().map(|(label, value)| (label.clone(), Value::from(value.as_str()))).collect();
    let problems: Vec<Value> = problems_of(opened)
        .iter()
        .map(|problem| {
            json!({
                "code": problem.code,
                "severity": problem.severity,
                "file": problem.file.as_ref().map(|file| file.to_string()),
                "axis": problem.span.map(|span| span.axis),
                "range": problem.span.map(|span| span.range),
                // As it was called before other axes could be named.
                "t": problem.span.filter(|span| span.axis == Axis::T).map(|span| span.range),
                "message": problem.message,
            })
        })
        .collect();
    json!({
        "name": info.name,
        "path": info.location.to_string(),
        "format": info.format,
        "shape": info.shape.dims(),
        "axes": (0..info.axes.len()).map(|i| axis_letter(info, i)).collect::<Vec<_>>(),
        "axes_from": (0..info.axes.len()).map(|i| info.axis_from(i).words).collect::<Vec<_>>(),
        "axes_guessed": (0..info.axes.len()).map(|i| info.axis_from(i).is_guess).collect::<Vec<_>>(),
        "held": info.held,
        "dtype": info.dtype.name(),
        "num_bytes": info.shape.num_bytes(info.dtype),
        "num_bytes_on_disk": bytes_on_disk(&files),
        "voxel_size_um": info.voxel_size.map(|size| size.edges()),
        "rate_hz": info.rate_hz,
        "duration_s": duration_s(info),
        "claimed_shape": info.claimed_shape,
        "value_scale": info.value_scale.as_ref().map(|scale| json!({
            "factor": scale.factor,
            "offset": scale.offset,
            "unit": scale.unit,
        })),
        "files": files.iter().map(file_as_json).collect::<Vec<_>>(),
        "num_blocks": info.num_blocks,
        "blocks": blocks,
        "block_states": counts,
        "datasets": datasets,
        "channels": channels,
        "facts": facts,
        "problems": problems,
    })
}

fn file_as_json(file: &StoredFile) -> Value {
    let (is_there, num_bytes) = match file.state {
        FileState::There(len) => (Some(true), len),
        FileState::Missing => (Some(false), None),
        FileState::Unknown => (None, None),
    };
    json!({ "path": file.location.to_string(), "is_there": is_there, "num_bytes": num_bytes })
}

fn as_text(opened: &Opened) -> String {
    let info: &ArrayInfo = opened.source.info();
    let files = stored_files(opened.sources());
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut line = |label: &str, value: String| lines.push((label.to_owned(), value));
    line("path", info.location.to_string());
    line("format", info.format.clone());
    let dims: Vec<String> = info
        .shape
        .dims()
        .iter()
        .enumerate()
        .map(|(i, dim)| axis_letter(info, i).map_or(format!("? {dim}"), |letter| format!("{letter} {dim}")))
        .collect();
    line("shape", dims.join(" × "));
    line("axes", axes_from(info));
    line("dtype", info.dtype.to_string());
    let unknown = || "unknown".to_owned();
    let num_bytes = info.shape.num_bytes(info.dtype).map(|num_bytes| text::size(num_bytes as u64));
    let on_disk = bytes_on_disk(&files).map_or_else(unknown, text::size);
    line("size", format!("{} decoded, {on_disk} on disk", num_bytes.unwrap_or_else(unknown)));
    let edges =
        |size: VoxelSize| format!("{} × {} × {} µm (z, y, x)", round(size.z_um), round(size.y_um), round(size.x_um));
    line("voxel size", info.voxel_size.map_or_else(unknown, edges));
    if num_timepoints(info).is_some() {
        line("rate", info.rate_hz.map_or_else(unknown, |rate| format!("{} volumes per second", round(rate))));
        let duration = duration_s(info).map(|seconds| text::duration_s(seconds).replace(text::THIN_SPACE, " "));
        line("duration", duration.unwrap_or_else(unknown));
    }
    if let Some(claimed) = &info.claimed_shape {
        let claimed: Vec<String> = claimed.iter().map(ToString::to_string).collect();
        line("claimed", format!("{} by the metadata", claimed.join(" × ")));
    }
    line("state", blocks_text(opened.source.files().len(), &opened.source.pieces()));
    // A single file, or a folder, has been named above.
    if files.len() > 1 {
        let text = FilesText::of(&files, "--json lists them");
        let lines = std::iter::once(text.num).chain(text.named);
        for (i, text) in lines.enumerate() {
            line(if i == 0 { "files" } else { "" }, text.replace(text::THIN_SPACE, ""));
        }
    }
    for (label, value) in &info.facts {
        line(&label.to_lowercase(), value.clone());
    }
    if opened.channels.len() > 1 {
        let names: Vec<String> = opened.channels.iter().map(in_words).collect();
        line("channels", names.join(", "));
    }
    if opened.datasets.len() > 1 {
        for (i, entry) in opened.datasets.iter().enumerate() {
            let mark = if i == opened.chosen { "*" } else { " " };
            line(if i == 0 { "datasets" } else { "" }, format!("{mark} {}  {}", entry.name, entry.summary));
        }
    }
    let width = lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut text = format!("{}\n", info.name);
    for (label, value) in &lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {label:width$}  {value}");
    }
    let problems = problems_of(opened);
    if problems.is_empty() {
        text.push_str("  no problems found\n");
    }
    for problem in &problems {
        let severity = match problem.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let file = problem.file.as_ref().map(|file| format!("{file}: ")).unwrap_or_default();
        let t = problem.span.map(|span| format!(" ({span})")).unwrap_or_default();
        let _ = writeln!(text, "{severity}: {file}{}{t}", problem.message);
    }
    text
}

/// "10 blocks whole, 2 missing"
fn blocks_text(num_files: usize, pieces: &[Piece]) -> String {
    let counts = count_states(pieces).into_iter().enumerate().map(|(i, (state, count))| {
        let unit = match (i, count) {
            (0, 1) => " block",
            (0, _) => " blocks",
            _ => "",
        };
        format!("{count}{unit} {}", state.words())
    });
    // A single file has no blocks to be in a state.
    match num_files {
        1 if pieces.is_empty() => "1 file".to_owned(),
        _ if pieces.is_empty() => format!("{num_files} files"),
        _ => counts.collect::<Vec<_>>().join(", "),
    }
}

/// Four significant digits, without trailing zeros.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    if scale.is_finite() && scale > 0.0 { (value * scale).round() / scale } else { value }
}
