//! What is known of an array before any voxel is read.

use super::{Axis, DType, Location, Shape};

/// Edge lengths of a voxel in micrometres, (z, y, x).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoxelSize {
    /// Distance between planes, µm.
    pub z_um: f64,
    /// Height of a voxel, µm.
    pub y_um: f64,
    /// Width of a voxel, µm.
    pub x_um: f64,
}

impl VoxelSize {
    /// Of edges along z, y and x in µm.
    pub const fn of([z_um, y_um, x_um]: [f64; 3]) -> Self {
        Self { z_um, y_um, x_um }
    }

    /// The edges along z, y and x in µm.
    pub const fn edges(&self) -> [f64; 3] {
        [self.z_um, self.y_um, self.x_um]
    }

    /// The edge along a spatial axis in µm; `None` for time.
    pub fn along(&self, axis: Axis) -> Option<f64> {
        match axis {
            Axis::T => None,
            Axis::Z => Some(self.z_um),
            Axis::Y => Some(self.y_um),
            Axis::X => Some(self.x_um),
        }
    }
}

/// From a stored value to the quantity that was measured: `value * factor + offset` in `unit`.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueScale {
    /// Multiplied first.
    pub factor: f64,
    /// Added then.
    pub offset: f64,
    /// Unit of the result; empty where the files name none.
    pub unit: String,
}

impl ValueScale {
    /// The quantity that a stored value stands for.
    pub fn physical(&self, stored: f64) -> f64 {
        stored * self.factor + self.offset
    }
}

/// Why an axis is taken for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisFrom {
    /// In a few words: "from its length".
    pub words: &'static str,
    /// Whether somebody should look whether it is right.
    pub is_guess: bool,
}

impl AxisFrom {
    /// The file names its axes.
    pub const FILE: Self = Self::known("from the file");
    /// Every file of the format has this order.
    pub const FORMAT: Self = Self::known("by the format");
    /// The user said so.
    pub const USER: Self = Self::known("as you said");

    /// It is certain, for this reason.
    pub const fn known(words: &'static str) -> Self {
        Self { words, is_guess: false }
    }

    /// It may be wrong, for this reason.
    pub const fn guess(words: &'static str) -> Self {
        Self { words, is_guess: true }
    }
}

/// Facts of one array, immutable; a growing recording publishes a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayInfo {
    /// Short name for the title bar: the acquisition folder or the file stem.
    pub name: String,
    /// What the user opened, resolved to the dataset itself.
    pub location: Location,
    /// Name of the format in words: "split dataset (sashimi)".
    pub format: String,
    /// Extent in the dataset's own axes, as the files have it.
    pub shape: Shape,
    /// What each of those axes is. Axes without a meaning here are `None`.
    pub axes: Vec<Option<Axis>>,
    /// Which of the axes without a meaning counts channels: light of several colours, shown together.
    pub channel_axis: Option<usize>,
    /// At which index each axis without a meaning is held at first, in their order; those left out at 0.
    pub held: Vec<usize>,
    /// Why each axis is taken for what it is; empty where it is so in every file of the format.
    pub axes_from: Vec<AxisFrom>,
    /// Storage type.
    pub dtype: DType,
    /// Voxel edges, where the files say so.
    pub voxel_size: Option<VoxelSize>,
    /// Volumes per second, where the files say so.
    pub rate_hz: Option<f64>,
    /// Extent the metadata claims, where it differs from `shape`.
    pub claimed_shape: Option<Vec<u64>>,
    /// What a stored value means, where the files say so; the values that are shown stay the stored ones.
    pub value_scale: Option<ValueScale>,
    /// Number of stored pieces (blocks), 1 for a single file.
    pub num_blocks: usize,
    /// Further facts for the Dataset panel and `info`, label and value.
    pub facts: Vec<(String, String)>,
}

impl ArrayInfo {
    /// An array of which nothing else is known: no axis has a meaning. What is known is set by whoever
    /// describes it (`ArrayInfo { axes, ..ArrayInfo::new(…) }`).
    pub fn new(
        name: impl Into<String>,
        location: impl Into<Location>,
        format: &str,
        shape: Shape,
        dtype: DType,
    ) -> Self {
        Self {
            name: name.into(),
            location: location.into(),
            format: format.to_owned(),
            shape,
            axes: vec![None; shape.rank()],
            channel_axis: None,
            held: Vec::new(),
            axes_from: Vec::new(),
            dtype,
            voxel_size: None,
            rate_hz: None,
            claimed_shape: None,
            value_scale: None,
            num_blocks: 1,
            facts: Vec::new(),
        }
    }

    /// At which index an axis without a meaning is held at first; 0 for an axis that has one.
    pub fn held_at(&self, axis: usize) -> usize {
        let is_nameless = |axis: &usize| self.axes.get(*axis).copied().flatten().is_none();
        let place = (0..axis).filter(is_nameless).count();
        self.held.get(place).copied().filter(|_| is_nameless(&axis)).unwrap_or(0)
    }

    /// Why one of the axes is taken for what it is.
    pub fn axis_from(&self, axis: usize) -> AxisFrom {
        self.axes_from.get(axis).copied().unwrap_or(AxisFrom::FORMAT)
    }

    /// The axes as `--axes` takes them: "tczyx", and for an axis that is held the index, "t,3,y,x".
    pub fn axes_in_letters(&self) -> String {
        let mut num_nameless = 0;
        let words: Vec<String> = (0..self.shape.rank())
            .map(|i| match self.axes.get(i).copied().flatten() {
                Some(axis) => axis.letter().to_string(),
                None => {
                    num_nameless += 1;
                    match self.channel_axis == Some(i) {
                        true => "c".to_owned(),
                        false => self.held.get(num_nameless - 1).copied().unwrap_or(0).to_string(),
                    }
                }
            })
            .collect();
        words.join(if words.iter().all(|word| word.chars().all(char::is_alphabetic)) { "" } else { "," })
    }
}
