//! What of a recording is saved as data: which part of what is shown, in which format.

use serde::{Deserialize, Serialize};

use super::ViewState;
use super::view::num_depths;
use crate::array::ViewInfo;
use crate::volume::{Axis, Projection};

/// What the sheet saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum SaveKind {
    #[default]
    Picture,
    Data,
}

/// Which part is saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// The plane on screen.
    Plane,
    /// The planes of the slab.
    Slab,
    /// All of the timepoint.
    #[default]
    Volume,
    /// What is typed.
    Selection,
    /// The projection on screen.
    Projection,
    /// All of it.
    Recording,
}

impl What {
    /// All, in the order they are offered, with what each is.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Plane, "Plane", "The plane on screen"),
        (Self::Slab, "Slab", "The planes of the slab, at this timepoint"),
        (Self::Volume, "Volume", "All of this timepoint"),
        (Self::Selection, "Selection", "The ranges below"),
        (Self::Projection, "Projection", "The planes of the slab folded into one, as numpy does"),
        (Self::Recording, "Recording", "All timepoints"),
    ];
}

/// A format that may be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum DataFormat {
    Tiff,
    #[default]
    Npy,
    Zarr,
    Hdf5,
    Split,
}

impl DataFormat {
    /// All, in the order they are offered.
    pub const ALL: [Self; 5] = [Self::Tiff, Self::Npy, Self::Zarr, Self::Hdf5, Self::Split];

    /// As the sheet calls it, and what it is.
    pub fn label(self) -> [&'static str; 2] {
        match self {
            Self::Tiff => ["TIFF hyperstack", "One file as ImageJ opens it"],
            Self::Npy => [".npy", "One file for numpy"],
            Self::Zarr => ["OME-Zarr", "A folder of chunks, in several resolutions"],
            Self::Hdf5 => ["HDF5", "One file"],
            Self::Split => ["Split", "A folder of HDF5 blocks, as split_dataset reads it"],
        }
    }

    /// As a command line names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiff => "tiff",
            Self::Npy => "npy",
            Self::Zarr => "zarr",
            Self::Hdf5 => "hdf5",
            Self::Split => "split",
        }
    }

    /// What its names end in; empty for a folder.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Tiff => ".tif",
            Self::Npy => ".npy",
            Self::Zarr => ".ome.zarr",
            Self::Hdf5 => ".h5",
            Self::Split => "",
        }
    }
}

/// What becomes of voxels that are missing or damaged where data are saved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Missing {
    /// Nothing is saved with them.
    #[default]
    Refuse,
    /// This stands for them.
    Fill(f64),
    /// Timepoints of which that is known are left out; of others they are refused.
    LeaveOut,
}

/// What is saved of the data, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataOptions {
    /// Whether the sheet is about data.
    pub kind: SaveKind,
    /// Which part.
    pub what: What,
    /// Half-open ranges along t, z, y and x that were typed.
    #[serde(skip)]
    pub ranges: Option<[[usize; 2]; 4]>,
    /// In which format.
    pub format: DataFormat,
    /// What becomes of voxels that are missing.
    #[serde(skip)]
    pub missing: Missing,
}

impl DataOptions {
    /// Half-open ranges along t, z, y and x, none of them empty. `info` is what is shown.
    pub fn ranges(&self, state: &ViewState, info: &ViewInfo) -> [[usize; 2]; 4] {
        let whole = info.shape.map(|len| [0, len.max(1)]);
        let (view, cursor) = (state.active(), state.cursor.clamped(info));
        let now = [cursor.t, cursor.t + 1];
        let depth = view.orientation.depth_axis().index();
        let mut ranges = whole;
        ranges[Axis::T.index()] = now;
        match self.what {
            What::Plane => ranges[depth] = [view.depth(cursor), view.depth(cursor) + 1],
            What::Slab | What::Projection => ranges[depth] = view.slab(info),
            What::Volume => {}
            What::Selection => {
                let clamp = |[start, stop]: [usize; 2], len: usize| {
                    let start = start.min(len.saturating_sub(1));
                    [start, stop.clamp(start + 1, len.max(start + 1))]
                };
                let typed = self.ranges.unwrap_or(ranges);
                ranges = [0, 1, 2, 3].map(|axis| clamp(typed[axis], info.shape[axis]));
            }
            What::Recording => ranges = whole,
        }
        ranges
    }

    /// How the depth is folded, and along which axis, where it is.
    pub fn folds(&self, state: &ViewState, info: &ViewInfo) -> Option<(Projection, Axis)> {
        let view = state.active();
        let is_folded = self.what == What::Projection && num_depths(info, view.orientation) > 1;
        is_folded.then(|| (view.op, view.orientation.depth_axis()))
    }

    /// Which axes the result does not have any more: those at one index because the view is.
    pub fn dropped(&self, state: &ViewState) -> Vec<Axis> {
        let depth = state.active().orientation.depth_axis();
        match self.what {
            What::Plane => vec![Axis::T, depth],
            What::Slab | What::Volume | What::Projection => vec![Axis::T],
            What::Selection | What::Recording => Vec::new(),
        }
    }

    /// A name that says what is in it: `fish3_t114_z8-15.tif`.
    pub fn file_name(&self, name: &str, state: &ViewState, info: &ViewInfo) -> String {
        let clean = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { '_' };
        let mut stem: String = name.chars().map(clean).collect();
        let ranges = self.ranges(state, info);
        if let Some((op, _)) = self.folds(state, info) {
            stem += &format!("_{}", op.name());
        }
        for axis in Axis::ALL {
            let [start, stop] = ranges[axis.index()];
            if info.has_axis[axis.index()] && stop - start < info.shape[axis.index()] {
                stem += &match stop - start {
                    1 => format!("_{axis}{start}"),
                    _ => format!("_{axis}{start}-{}", stop - 1),
                };
            }
        }
        // Beside the recording's own name it would be taken for that.
        if self.format == DataFormat::Split {
            stem += "_split";
        }
        stem + self.format.ending()
    }
}

/// What would be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataResult {
    /// Extent along each axis.
    pub dims: Vec<usize>,
    /// The axes in letters: "tzyx".
    pub axes: String,
    /// Type of its voxels.
    pub dtype: String,
    /// Bytes of its voxels.
    pub num_bytes: u64,
    /// How long it will take, by what reading a part of it took.
    pub seconds: Option<f64>,
}

/// How saving data stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavingData {
    /// The formats there are.
    pub formats: Vec<DataFormat>,
    /// Where it will be saved.
    pub path: String,
    /// What would be written, as far as it is known.
    pub result: Option<DataResult>,
    /// Whether that is what is asked for now, and can be written.
    pub is_ready: bool,
    /// Room left there.
    pub free_bytes: Option<u64>,
    /// When what has this name was written, in words: saving replaces it.
    pub replaces: Option<String>,
    /// Why it cannot be saved as things are.
    pub refusal: Option<String>,
    /// What of it is missing or damaged, in words.
    pub missing: Option<String>,
    /// What is being written.
    pub running: Option<Running>,
}

/// Data that are being written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    /// Name of the file or folder.
    pub name: String,
    /// Part done, 0 to 1.
    pub fraction: f32,
    /// Bytes of voxels that are written, and of all that are known to be written.
    pub done_bytes: u64,
    /// See there.
    pub num_bytes: u64,
    /// How many of them a second, once that can be told.
    pub bytes_per_s: Option<f64>,
    /// Seconds left, once that can be told.
    pub seconds_left: Option<f64>,
    /// Whether somebody has stopped it: it ends with what is being written at this moment.
    pub is_stopping: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Command;
    use crate::ui::place::tests::info;

    #[test]
    fn what_is_saved_follows_the_view() {
        let mut view = ViewState::default().for_dataset(&info());
        view.apply(&Command::ScrubTo(7), &info());
        view.apply(&Command::SetSlab(Some([4, 9])), &info());
        let of = |what| DataOptions { what, ..DataOptions::default() };
        let (y, x) = ([0, 100], [0, 200]);
        for (what, ranges, name) in [
            (What::Plane, [[7, 8], [8, 9], y, x], "a_t7_z8.npy"),
            (What::Slab, [[7, 8], [4, 9], y, x], "a_t7_z4-8.npy"),
            (What::Volume, [[7, 8], [0, 20], y, x], "a_t7.npy"),
            (What::Selection, [[7, 8], [0, 20], y, x], "a_t7.npy"),
            (What::Projection, [[7, 8], [4, 9], y, x], "a_max_t7_z4-8.npy"),
            (What::Recording, [[0, 10], [0, 20], y, x], "a.npy"),
        ] {
            assert_eq!(of(what).ranges(&view, &info()), ranges, "{what:?}");
            assert_eq!(of(what).file_name("a", &view, &info()), name);
        }
        let typed = Some([[8, 99], [19, 30], [5, 5], [150, 400]]);
        let typed = DataOptions { what: What::Selection, ranges: typed, ..DataOptions::default() };
        assert_eq!(typed.ranges(&view, &info()), [[8, 10], [19, 20], [5, 6], [150, 200]], "within what there is");
    }
}
