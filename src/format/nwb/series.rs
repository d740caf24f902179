//! The image series of an NWB file and what the file says of each: pure functions over its tree.

use crate::format::tree::{Listing, Node, NodeKind, Tree, numbers, texts};
use crate::format::units::micrometres;
use crate::volume::{Axis, DType, ValueScale, VoxelSize};

/// Where series stand.
const ROOMS: [&str; 5] = ["acquisition", "processing", "stimulus", "analysis", "scratch"];

/// Types of series that are images, the likelier recordings first.
const IMAGES: [&str; 5] = ["TwoPhotonSeries", "OnePhotonSeries", "OpticalSeries", "ImageSeries", "ImageMaskSeries"];

/// Types whose data have as many axes and are none.
const NO_IMAGES: [&str; 5] =
    ["ElectricalSeries", "SpikeEventSeries", "DecompositionSeries", "SpatialSeries", "FeatureExtraction"];

/// Said of something that is linked from another file as a whole.
pub(super) const LINK: &str = "link";

/// Single pictures.
const PICTURES: [&str; 4] = ["GrayscaleImage", "RGBImage", "RGBAImage", "Image"];

/// Where the frames of a series lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Frames {
    /// In an array of this file, at this path.
    Here(String),
    /// In an array of another HDF5 file.
    Elsewhere {
        /// The file as it is named here.
        file: String,
        /// The path in it.
        path: String,
    },
    /// In files of any format, one after the other.
    External(Vec<String>),
}

/// An image series, or a single picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// Path of the group (of the array itself for a picture).
    pub path: String,
    /// Its `neurodata_type`.
    pub kind: String,
    /// Where its frames lie.
    pub frames: Frames,
    /// Extent and type of the array, where it lies in this file.
    pub array: Option<(Vec<u64>, DType)>,
}

impl Series {
    /// How likely it is meant when a file is opened: larger is likelier.
    pub fn likeness(&self) -> (bool, usize, bool, u64) {
        let rank = IMAGES.iter().rev().position(|kind| *kind == self.kind).map_or(0, |at| at + 1);
        let num = self.array.as_ref().map_or(0, |(shape, _)| shape.iter().fold(1u64, |n, &dim| n.saturating_mul(dim)));
        (!matches!(self.frames, Frames::External(_)), rank, self.path.starts_with(ROOMS[0]), num)
    }

    /// What its axes are in letters, as `--axes` takes them: x before y and z last, as NWB has it.
    pub fn axes(&self, shape: &[usize]) -> Option<&'static str> {
        let is_picture = PICTURES.contains(&self.kind.as_str());
        let is_colored = |dim: usize| dim == 3 || dim == 4;
        Some(match *shape {
            [_, _] => "xy",
            [_, _, colors] if is_picture && is_colored(colors) => "xyc",
            [_, _, _] if is_picture => "xyz",
            [_, _, _] => "txy",
            // A microscope's z; but where nothing is said of planes, three or four of the last are colours.
            [_, _, _, colors] if is_colored(colors) && !self.kind.ends_with("PhotonSeries") => "txyc",
            [_, _, _, _] => "txyz",
            _ => return None,
        })
    }
}

/// Whether a tree is an NWB file.
pub(super) fn is_nwb(root: &Node) -> bool {
    root.text("nwb_version").is_some() || root.text("neurodata_type") == Some("NWBFile")
}

/// The image series of a file, the likeliest first.
pub(super) fn find(tree: &dyn Tree) -> Vec<Series> {
    let mut found: Vec<Series> = tree
        .listing()
        .iter()
        .filter(|(path, _)| ROOMS.iter().any(|room| path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/'))))
        .filter_map(|(path, node)| series_at(tree, path, node))
        .collect();
    found.sort_by_key(|series| std::cmp::Reverse(series.likeness()));
    found
}

fn series_at(tree: &dyn Tree, path: &str, node: &Node) -> Option<Series> {
    let listing = tree.listing();
    if let NodeKind::Elsewhere { file, path: there } = &node.kind {
        // In a room or a module; links below a series are for it to follow.
        let (parent, _) = path.rsplit_once('/')?;
        let parent_kind = listing.at(parent)?.text("neurodata_type").unwrap_or_default();
        let frames = Frames::Elsewhere { file: file.clone(), path: there.clone() };
        let whole = || Series { path: path.to_owned(), kind: LINK.to_owned(), frames, array: None };
        return matches!(parent_kind, "" | "ProcessingModule" | "LabelledDict").then(whole);
    }
    let kind = node.text("neurodata_type")?;
    let series = |frames, array| Series { path: path.to_owned(), kind: kind.to_owned(), frames, array };
    if let NodeKind::Array { shape, dtype: Some(dtype) } = &node.kind {
        let is_one = PICTURES.contains(&kind) && (2..=4).contains(&shape.len()) && !shape.contains(&0);
        return is_one.then(|| series(Frames::Here(path.to_owned()), Some((shape.clone(), *dtype))));
    }
    if node.kind != NodeKind::Group || NO_IMAGES.contains(&kind) {
        return None;
    }
    let is_image = IMAGES.contains(&kind);
    let (data_path, data) = listing.find(&format!("{path}/data"))?;
    match data.kind {
        NodeKind::Array { shape, dtype: Some(dtype) } if !shape.contains(&0) => {
            let fits = matches!(shape.len(), 3 | 4) || is_image && shape.len() == 2;
            fits.then(|| series(Frames::Here(data_path), Some((shape, dtype))))
        }
        NodeKind::Elsewhere { file, path: there } if is_image => {
            Some(series(Frames::Elsewhere { file, path: there }, None))
        }
        // Nothing in it: the frames lie in files.
        NodeKind::Array { .. } if is_image => {
            listing.find(&format!("{path}/external_file"))?;
            Some(series(Frames::External(external_files(tree, path)), None))
        }
        _ => None,
    }
}

/// The files a series names, where its frames lie in files.
fn external_files(tree: &dyn Tree, series: &str) -> Vec<String> {
    const MAX_FILES: usize = 100_000;
    texts(tree, &format!("{series}/external_file"), MAX_FILES).unwrap_or_default()
}

/// What a file says of a series beside its frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    pub voxel_size: Option<VoxelSize>,
    pub rate_hz: Option<f64>,
    /// When each timepoint was taken, where they are listed.
    pub times_s: Option<Vec<f64>>,
    pub scale: Option<ValueScale>,
    pub facts: Vec<(String, String)>,
    /// What cannot be read of all this.
    pub faults: Vec<String>,
}

/// Everything that is said of a series whose array has this extent.
pub(super) fn told_of(tree: &dyn Tree, series: &Series, shape: &[usize]) -> Told {
    let mut told =
        Told { facts: vec![("Series".to_owned(), format!("{} ({})", series.path, series.kind))], ..Told::default() };
    let listing = tree.listing();
    told.scale = scale_of(listing, &series.path);
    if let Some(scale) = &told.scale {
        told.facts.push(("Values".to_owned(), in_words(scale)));
    }
    times(tree, &series.path, &mut told);
    let plane = format!("{}/imaging_plane", series.path);
    told.voxel_size = grid_spacing(tree, &plane, &mut told)
        .or_else(|| field_of_view(tree, &series.path, shape))
        .or_else(|| manifold(tree, &plane));
    for (place, name, label) in FACTS {
        let group = if place.is_empty() { series.path.clone() } else { format!("{}/{place}", series.path) };
        if let Some(value) = fact(tree, &group, name) {
            told.facts.push(((*label).to_owned(), value));
        }
    }
    for (path, num) in super::rois::counts(tree) {
        told.facts.push(("Regions".to_owned(), format!("{num} in {path}")));
    }
    if let Some(value) = fact(tree, "", "session_start_time") {
        told.facts.push(("Session".to_owned(), value));
    }
    told
}

/// Where a fact stands (below the series), its name there, and what it is called here.
const FACTS: &[(&str, &str, &str)] = &[
    ("", "description", "Description"),
    ("", "comments", "Comments"),
    ("", "scan_line_rate", "Scan line rate (Hz)"),
    ("", "exposure_time", "Exposure (s)"),
    ("", "binning", "Binning"),
    ("", "pmt_gain", "PMT gain"),
    ("", "power", "Power (W)"),
    ("", "intensity", "Intensity (mW/mm²)"),
    ("", "dimension", "Dimension"),
    ("", "distance", "Distance (m)"),
    ("", "orientation", "Orientation"),
    ("imaging_plane", "description", "Imaging plane"),
    ("imaging_plane", "location", "Location"),
    ("imaging_plane", "indicator", "Indicator"),
    ("imaging_plane", "excitation_lambda", "Excitation (nm)"),
    ("imaging_plane", "imaging_rate", "Imaging rate (Hz)"),
];

/// A fact as an attribute of a group or as a small array in it; `None` where nothing is said.
fn fact(tree: &dyn Tree, group: &str, name: &str) -> Option<String> {
    const MAX_VALUES: usize = 16;
    let (_, node) = tree.listing().find(group)?;
    let path = if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
    let text = match (node.text(name), node.number(name)) {
        (Some(text), _) => text.to_owned(),
        (_, Some(number)) => number.to_string(),
        _ => match texts(tree, &path, MAX_VALUES) {
            Ok(texts) => texts.join(", "),
            Err(_) => {
                let numbers = numbers(tree, &path, MAX_VALUES).ok()?;
                numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
            }
        },
    };
    let says_nothing = ["", "no description", "no comments", "unknown", "NaN"].contains(&text.trim());
    (!says_nothing).then(|| text.trim().to_owned())
}

fn in_words(scale: &ValueScale) -> String {
    let unit = if scale.unit.is_empty() { String::new() } else { format!(" {}", scale.unit) };
    let ValueScale { factor, offset, .. } = *scale;
    let sign = if offset < 0.0 { "−" } else { "+" };
    match offset == 0.0 {
        true if factor == 1.0 => format!("in{unit}"),
        true => format!("stored × {factor}{unit}"),
        false => format!("stored × {factor} {sign} {}{unit}", offset.abs()),
    }
}

/// What a stored value means; `None` where the file says no more than that it is a number.
fn scale_of(listing: &Listing, series: &str) -> Option<ValueScale> {
    let (_, data) = listing.find(&format!("{series}/data"))?;
    let number = |name: &str, default: f64| data.number(name).filter(|value| value.is_finite()).unwrap_or(default);
    let (factor, offset) = (number("conversion", 1.0), number("offset", 0.0));
    let unit = data.text("unit").unwrap_or_default().trim();
    let unit = match unit.to_ascii_lowercase().as_str() {
        "n.a." | "n.a" | "na" | "n/a" | "none" | "unknown" | "a.u." | "a.u" | "au" | "arbitrary" | "-" => "",
        _ => unit,
    };
    let says_nothing = factor == 1.0 && offset == 0.0 && unit.is_empty() || factor == 0.0;
    (!says_nothing).then(|| ValueScale { factor, offset, unit: unit.to_owned() })
}

/// Rate and times of the timepoints.
fn times(tree: &dyn Tree, series: &str, told: &mut Told) {
    const MAX_TIMES: usize = 32 << 20;
    if let Some((path, node)) = tree.listing().find(&format!("{series}/starting_time")) {
        told.rate_hz = node.number("rate").filter(|rate| rate.is_finite() && *rate > 0.0);
        match numbers(tree, &path, 1).as_deref() {
            Ok([start]) => told.facts.push(("Starts at (s)".to_owned(), start.to_string())),
            Ok(_) => {}
            Err(error) => told.faults.push(error.message.clone()),
        }
    }
    let path = format!("{series}/timestamps");
    if tree.listing().find(&path).is_none() {
        return;
    }
    match numbers(tree, &path, MAX_TIMES) {
        Ok(times) => {
            told.rate_hz = told.rate_hz.or_else(|| rate_of(&times));
            told.times_s = Some(times);
        }
        Err(error) => told.faults.push(error.message),
    }
}

/// Timepoints per second: by the middle one of the steps, which a pause does not change.
fn rate_of(times: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).collect();
    let middle = (!steps.is_empty()).then_some(steps.len() / 2)?;
    let (_, step, _) = steps.select_nth_unstable_by(middle, f64::total_cmp);
    Some(1.0 / *step).filter(|rate| rate.is_finite())
}

/// Edges along x, y and, where there is one, z, in micrometres. The distance of planes where there is only one is
/// not known, and nothing shows it.
fn edges(x_um: f64, y_um: f64, z_um: Option<f64>) -> Option<VoxelSize> {
    let is_length = |edge: f64| edge.is_finite() && edge > 0.0;
    let size = VoxelSize { z_um: z_um.filter(|&z_um| is_length(z_um)).unwrap_or(1.0), y_um, x_um };
    (is_length(x_um) && is_length(y_um)).then_some(size)
}

fn grid_spacing(tree: &dyn Tree, plane: &str, told: &mut Told) -> Option<VoxelSize> {
    let (path, node) = tree.listing().find(&format!("{plane}/grid_spacing"))?;
    let spacing = numbers(tree, &path, 3).ok()?;
    let unit = node.text("unit").unwrap_or("meters");
    let Some(um) = micrometres(unit) else {
        told.facts.push(("Grid spacing".to_owned(), format!("{spacing:?} {unit}")));
        return None;
    };
    edges(spacing.first()? * um, spacing.get(1)? * um, spacing.get(2).map(|z| z * um))
}

/// The width of a voxel where the file gives that of the picture, in metres.
fn field_of_view(tree: &dyn Tree, series: &str, shape: &[usize]) -> Option<VoxelSize> {
    let field = numbers(tree, &format!("{series}/field_of_view"), 3).ok()?;
    let along = |i: usize| Some(field.get(i)? * 1e6 / *shape.get(i + 1)? as f64);
    edges(along(0)?, along(1)?, along(2))
}

/// Older files give the place of every voxel: the first steps are the edges.
fn manifold(tree: &dyn Tree, plane: &str) -> Option<VoxelSize> {
    const MAX_VALUES: usize = 32 << 20;
    let (path, node) = tree.listing().find(&format!("{plane}/manifold"))?;
    let NodeKind::Array { shape, .. } = &node.kind else { return None };
    let factor = node.number("conversion").unwrap_or(1.0) * micrometres(node.text("unit").unwrap_or("meters"))?;
    let dims: Vec<usize> = shape.iter().map(|&dim| usize::try_from(dim).unwrap_or(usize::MAX)).collect();
    let places = numbers(tree, &path, MAX_VALUES).ok()?;
    let (&components, axes) = dims.split_last()?;
    let step = |axis: usize| {
        let stride: usize = dims.get(axis + 1..)?.iter().product();
        let is_there = axes.get(axis).is_some_and(|&dim| dim > 1) && components == 3;
        let distance = (0..components).map(|i| Some(places.get(stride + i)? - places.get(i)?));
        let squares = distance.map(|d| d.map(|d| d * d)).sum::<Option<f64>>().filter(|_| is_there)?;
        Some(squares.sqrt() * factor.abs())
    };
    edges(step(0)?, step(1)?, step(2))
}

/// Which of t, z, y and x these letters name, in their order.
pub(super) fn named(letters: &str) -> Vec<Option<Axis>> {
    letters.chars().map(Axis::from_letter).collect()
}
