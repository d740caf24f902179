//! What is known of an array before a voxel is read: from its header and from the attributes that programs in
//! use write beside it.

use std::path::Path;

use crate::format::axes::{self, Axes};
use crate::format::hdf5::{AttributeValue, H5Array, Header, Layout, read_attributes, read_texts};
use crate::format::{FormatError, FormatErrorCode, OpenOptions};
use crate::volume::{ArrayInfo, Axis, AxisFrom, Problem, Severity, VoxelSize, codes};

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
    let size = element_size(array);
    let resolution = size.map(|size| size.edges());
    let resolution = resolution.as_ref().map(<[f64; 3]>::as_slice);
    let hints = axes::Hints { names: &[&stem, &header.name], dtype: header.dtype, num_blocks: 1, resolution };
    let guess = || labelled(array).map_or_else(|| axes::guess_of_file(&shape, &hints), |axes| (axes, None));
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

/// The axes as the labels of the array's dimensions name them; `None` where they do not name all.
fn labelled(array: &H5Array) -> Option<Axes> {
    let header: &Header = array.header();
    let labels = read_texts(array.path(), &header.name, "DIMENSION_LABELS").ok()?;
    let mut axes = Axes::known(Vec::new(), None, AxisFrom::FILE);
    for (i, label) in labels.iter().enumerate() {
        let label = label.trim().to_ascii_lowercase();
        let axis = match label.as_str() {
            "t" | "time" => Some(Axis::T),
            "z" | "depth" => Some(Axis::Z),
            "y" | "row" | "height" => Some(Axis::Y),
            "x" | "column" | "width" => Some(Axis::X),
            "c" | "channel" if axes.channel.is_none() => {
                axes.channel = Some(i);
                None
            }
            _ => return None,
        };
        axes.names.push(axis);
    }
    let count = |axis: Axis| axes.names.iter().filter(|name| **name == Some(axis)).count();
    let is_picture = count(Axis::Y) == 1 && count(Axis::X) == 1 && count(Axis::T) <= 1 && count(Axis::Z) <= 1;
    axes.from = vec![AxisFrom::FILE; labels.len()];
    (labels.len() == header.shape.rank() && is_picture).then_some(axes)
}

/// Edges of a voxel in micrometres, as Fiji's and ilastik's writers say them: z, y, x.
fn element_size(array: &H5Array) -> Option<VoxelSize> {
    let attributes = read_attributes(array.path(), &array.header().name).ok()?;
    let sizes: Vec<f64> = match attributes.get("element_size_um")? {
        AttributeValue::Floats(values) => values.clone(),
        AttributeValue::Integers(values) => values.iter().map(|&value| value as f64).collect(),
        AttributeValue::Text(_) => return None,
    };
    let [z_um, y_um, x_um] = sizes[..] else { return None };
    let is_length = |um: f64| um.is_finite() && um > 0.0;
    sizes.iter().all(|&um| is_length(um)).then_some(VoxelSize { z_um, y_um, x_um })
}
