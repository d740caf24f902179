//! What is known of an array before a voxel is read: from its header and from the attributes that programs in
//! use write beside it.

use std::path::Path;

use crate::format::axes::{self, Axes};
use crate::format::hdf5::{H5Array, Layout};
use crate::format::{FormatError, FormatErrorCode, OpenOptions, told};
use crate::volume::{ArrayInfo, Problem, Severity, codes};

/// The axes of an array and what has to be said of them.
pub(super) type Told = (Axes, Option<String>);

/// Describes an array of the file that was opened at `path`, and says what has to be said of it. `before` are the
/// axes of an earlier state of it: one that has grown since has the same, whatever its extent would suggest now.
///
/// # Errors
/// When the axes that the user names do not fit.
pub(super) fn describe(
    path: &Path,
    array: &H5Array,
    options: &OpenOptions,
    before: Option<Told>,
) -> Result<(ArrayInfo, Vec<Problem>), FormatError> {
    let header = array.header();
    let shape = header.shape;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let size = told::voxel_size(array.path(), &header.name);
    let resolution = size.map(|size| size.edges());
    let resolution = resolution.as_ref().map(<[f64; 3]>::as_slice);
    let hints = axes::Hints { names: &[&stem, &header.name], dtype: header.dtype, num_blocks: 1, resolution };
    let guess = || {
        told::axes(array.path(), &header.name, &shape)
            .map_or_else(|| axes::guess_of_file(&shape, &hints), |axes| (axes, None))
    };
    let guess = || before.unwrap_or_else(guess);
    let (axes, note) = Axes::told_or(options.axes.as_deref(), &shape, guess)
        .map_err(|error| FormatError::new(path, error).with_code(FormatErrorCode::WrongOption))?;
    let mut problems = Vec::new();
    let mut problem = |code, severity, message| {
        problems.push(Problem { code, severity, file: Some(array.path().into()), span: None, message });
    };
    if let Some(message) = note {
        problem(codes::AXES_GUESSED, Severity::Note, message);
    }
    if !array.is_whole() && (header.fill.is_none() || array.is_cut_off()) {
        let (have, expected) = array.allocation();
        let text = format!("not complete: {have} of {expected} stored chunks are there, or the file is cut off");
        problem(codes::UNWRITTEN, Severity::Error, text);
    }
    if let Some(message) = array.missing_filter() {
        problem(codes::UNSUPPORTED, Severity::Error, message);
    }
    let info = ArrayInfo {
        axes: axes.names,
        channel_axis: axes.channel,
        held: axes.held,
        axes_from: axes.from,
        voxel_size: size,
        rate_hz: told::rate_hz(array.path(), &header.name),
        facts: facts(path, array),
        ..ArrayInfo::new(stem, path, "HDF5 file", shape, header.dtype)
    };
    Ok((info, problems))
}

fn facts(path: &Path, array: &H5Array) -> Vec<(String, String)> {
    let header = array.header();
    let mut facts = vec![("Array".to_owned(), header.name.clone()), ("Stored".to_owned(), header.filters_in_words())];
    let mut fact = |label: &str, value: String| facts.push((label.to_owned(), value));
    if array.path() != path {
        fact("In the file", array.path().display().to_string());
    }
    if let Layout::External(pieces) = &header.layout {
        let files: Vec<&str> = pieces.iter().map(|piece| piece.file.as_str()).take(4).collect();
        let more = if pieces.len() > files.len() { ", …" } else { "" };
        fact("Voxels in", format!("{}{more}", files.join(", ")));
    }
    if let Some(value) = header.fill_in_words() {
        let (have, expected) = array.allocation();
        if have < expected {
            fact("Never written", format!("{} of {expected} chunks; the file says {value} there", expected - have));
        }
    }
    facts
}
