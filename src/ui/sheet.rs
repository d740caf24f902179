//! What the axes sheet shows and what can be said in it: which array of a file, what its axes are, how large a
//! voxel is and how fast it was recorded.

use egui::TextureHandle;

use crate::format::{DatasetEntry, check_axes};
use crate::volume::{ArrayInfo, Axis, AxisFrom, DType};

/// The sheet.
pub struct Sheet<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// Its format, size and number of arrays, in words.
    pub facts: &'a str,
    /// The arrays it offers.
    pub entries: &'a [DatasetEntry],
    /// Which of them is chosen.
    pub chosen: usize,
    /// A small picture of each.
    pub thumbnails: &'a [Thumbnail],
    /// What is said of the chosen one, once it has been looked into.
    pub draft: Option<&'a Draft>,
    /// A plane of it, cut by the axes of the draft, and which of the array's axes are its rows and columns.
    pub plane: &'a Thumbnail,
    /// Whether what is said is remembered.
    pub is_remembered: bool,
}

/// A small picture of an array.
#[derive(Clone, Default)]
pub enum Thumbnail {
    /// Not read yet.
    #[default]
    Waiting,
    /// A plane.
    Picture {
        /// Its pixels.
        texture: TextureHandle,
        /// Which of the array's axes are its rows and columns.
        axes: [usize; 2],
    },
    /// There is none, for this reason.
    None(String),
}

/// What an axis is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisRole {
    /// One of t, z, y, x.
    Axis(Axis),
    /// Images that are shown together.
    Channel,
    /// Held at an index.
    Held(usize),
}

impl AxisRole {
    /// All that can be chosen, an axis held at its first index last.
    pub const ALL: [Self; 6] = [
        Self::Axis(Axis::T),
        Self::Axis(Axis::Z),
        Self::Axis(Axis::Y),
        Self::Axis(Axis::X),
        Self::Channel,
        Self::Held(0),
    ];

    /// As a field shows it: "t", "c", "at 3".
    pub fn letter(self) -> String {
        match self {
            Self::Axis(axis) => axis.letter().to_string(),
            Self::Channel => "c".to_owned(),
            Self::Held(index) => format!("at {index}"),
        }
    }

    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Axis(Axis::T) => "t, time",
            Self::Axis(Axis::Z) => "z, depth",
            Self::Axis(Axis::Y) => "y, rows",
            Self::Axis(Axis::X) => "x, columns",
            Self::Channel => "c, channels",
            Self::Held(_) => "held at one index",
        }
    }
}

/// What is said of an array: at first what its file says and what is remembered, then what the user makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Extent of each axis.
    pub dims: Vec<usize>,
    /// Storage type.
    pub dtype: DType,
    /// What each axis is.
    pub roles: Vec<AxisRole>,
    /// Why.
    pub from: Vec<AxisFrom>,
    /// What each was taken for before the user changed it.
    pub first: Vec<AxisRole>,
    /// Voxel edges along z, y and x in µm.
    pub voxel_um: [Option<f64>; 3],
    /// Those the file says.
    pub file_voxel_um: Option<[f64; 3]>,
    /// Volumes per second.
    pub rate_hz: Option<f64>,
    /// That the file says.
    pub file_rate_hz: Option<f64>,
    /// Each resolution, the finest first; one where there is but one, none while nobody has looked.
    pub levels: Vec<Level>,
    /// Which of them is opened as the finest.
    pub level: usize,
}

/// One resolution of an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Extent of each axis.
    pub dims: Vec<usize>,
    /// Voxel edges along z, y and x in µm that the file says.
    pub voxel_um: Option<[f64; 3]>,
}

impl Draft {
    /// As the array describes itself.
    pub fn of(info: &ArrayInfo) -> Self {
        let role = |i: usize| match info.axes.get(i).copied().flatten() {
            Some(axis) => AxisRole::Axis(axis),
            None if info.channel_axis == Some(i) => AxisRole::Channel,
            None => AxisRole::Held(info.held_at(i)),
        };
        let roles: Vec<AxisRole> = (0..info.shape.rank()).map(role).collect();
        let file_voxel_um = info.voxel_size.map(|size| size.edges());
        Self {
            dims: info.shape.dims().to_vec(),
            dtype: info.dtype,
            first: roles.clone(),
            from: (0..roles.len()).map(|i| info.axis_from(i)).collect(),
            roles,
            voxel_um: file_voxel_um.map_or([None; 3], |edges| edges.map(Some)),
            file_voxel_um,
            rate_hz: info.rate_hz,
            file_rate_hz: info.rate_hz,
            levels: Vec::new(),
            level: 0,
        }
    }

    /// Takes a resolution for the finest. Voxels are larger then; where it is the user who says how large, by as
    /// much as there are fewer of them.
    pub fn set_level(&mut self, level: usize) {
        let Some(Level { dims, voxel_um }) = self.levels.get(level).cloned() else { return };
        if dims.len() != self.dims.len() {
            return;
        }
        let said = self.voxel_um;
        for (edge, axis) in [Axis::Z, Axis::Y, Axis::X].into_iter().enumerate() {
            let is_of_file = self.file_voxel_um.is_some_and(|edges| said[edge] == Some(edges[edge]));
            self.voxel_um[edge] = match (voxel_um, self.axis_of(axis)) {
                (Some(edges), _) if is_of_file => Some(edges[edge]),
                (_, Some(i)) => said[edge].map(|um| um * self.dims[i] as f64 / dims[i].max(1) as f64),
                (_, None) => said[edge],
            };
        }
        (self.dims, self.file_voxel_um, self.level) = (dims, voxel_um, level);
    }

    /// Makes an axis this; the axis that was it becomes what this one was.
    pub fn set_role(&mut self, axis: usize, role: AxisRole) {
        let Some(&old) = self.roles.get(axis) else { return };
        let is_unique = !matches!(role, AxisRole::Held(_));
        if let Some(other) = self.roles.iter().position(|known| is_unique && *known == role).filter(|i| *i != axis) {
            self.put(other, old);
        }
        self.put(axis, role);
    }

    /// Exchanges what two axes are.
    pub fn swap(&mut self, [one, other]: [usize; 2]) {
        let (Some(&first), Some(&second)) = (self.roles.get(one), self.roles.get(other)) else { return };
        self.put(one, second);
        self.put(other, first);
    }

    fn put(&mut self, axis: usize, role: AxisRole) {
        let role = match role {
            AxisRole::Held(index) => AxisRole::Held(index.min(self.dims[axis].saturating_sub(1))),
            role => role,
        };
        if self.roles[axis] != role {
            self.roles[axis] = role;
            self.from[axis] = AxisFrom::USER;
        }
    }

    /// As `--axes` takes it.
    pub fn letters(&self) -> String {
        let words = self.roles.iter().map(|role| match role {
            AxisRole::Axis(axis) => axis.letter().to_string(),
            AxisRole::Channel => "c".to_owned(),
            AxisRole::Held(index) => index.to_string(),
        });
        let words: Vec<String> = words.collect();
        check_axes(&words.join(",")).unwrap_or_else(|_| words.join(","))
    }

    /// Why it cannot be opened like this.
    pub fn fault(&self) -> Option<String> {
        let has = |axis: Axis| self.axis_of(axis).is_some();
        (!has(Axis::Y) || !has(Axis::X)).then(|| "A picture needs one axis that is y and one that is x".to_owned())
    }

    /// Whether the axes have to be told when it is opened: they are not those of the file, or somebody had to
    /// look.
    pub fn tells_axes(&self) -> bool {
        self.roles != self.first || self.from.iter().any(|from| from.is_guess || *from == AxisFrom::USER)
    }

    /// Which axis is this one.
    pub fn axis_of(&self, axis: Axis) -> Option<usize> {
        self.roles.iter().position(|role| *role == AxisRole::Axis(axis))
    }

    /// The rows and the columns.
    pub fn plane(&self) -> Option<[usize; 2]> {
        Some([self.axis_of(Axis::Y)?, self.axis_of(Axis::X)?])
    }

    /// The two axes of a plane, in the order of the file, where they are equally long: which is which cannot be
    /// told from that.
    pub fn twins(&self) -> Option<[usize; 2]> {
        let [rows, columns] = self.plane()?;
        (self.dims[rows] == self.dims[columns]).then_some([rows.min(columns), rows.max(columns)])
    }

    /// Voxel edges, where all three are known.
    pub fn voxel(&self) -> Option<[f64; 3]> {
        let [z, y, x] = self.voxel_um;
        // A single plane has no distance to the next.
        let z = z.or((self.axis_of(Axis::Z).is_none()).then_some(1.0));
        Some([z?, y?, x?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Shape;

    fn draft() -> Draft {
        let axes = [Axis::T, Axis::X, Axis::Y, Axis::Z].map(Some).to_vec();
        let mut from = vec![AxisFrom::FORMAT; 4];
        from[1] = AxisFrom::guess("same length");
        from[2] = from[1];
        let shape = Shape::from([1800, 512, 512, 20]);
        Draft::of(&ArrayInfo { axes, axes_from: from, ..ArrayInfo::new("a", "/a", "NWB", shape, DType::U16) })
    }

    #[test]
    fn an_axis_gives_its_meaning_to_the_one_that_had_the_other() {
        let mut draft = draft();
        assert_eq!((draft.letters().as_str(), draft.twins()), ("txyz", Some([1, 2])));
        draft.set_role(0, AxisRole::Axis(Axis::Z));
        assert_eq!(draft.letters(), "zxyt");
        assert_eq!(draft.from[3], AxisFrom::USER);
        draft.swap([1, 2]);
        assert_eq!((draft.letters().as_str(), draft.plane()), ("zyxt", Some([1, 2])));
        draft.set_role(3, AxisRole::Held(99));
        assert_eq!(draft.letters(), "z,y,x,19", "within what there is");
        draft.set_role(0, AxisRole::Channel);
        assert_eq!(draft.letters(), "c,y,x,19");
        assert_eq!(draft.fault(), None);
        draft.set_role(2, AxisRole::Held(0));
        assert!(draft.fault().is_some() && draft.twins().is_none());
    }

    #[test]
    fn what_nobody_doubts_is_not_told() {
        let mut sure = draft();
        assert!(sure.tells_axes(), "two axes were guessed: opened like this they are said");
        sure.from = vec![AxisFrom::FILE; 4];
        assert!(!sure.tells_axes());
        sure.swap([0, 3]);
        assert!(sure.tells_axes());
    }

    #[test]
    fn a_coarser_resolution_has_fewer_and_larger_voxels() {
        let level = |side: usize, um: Option<f64>| Level {
            dims: vec![1800, side, side, 20],
            voxel_um: um.map(|um| [8.0, um, um]),
        };
        let mut draft = draft();
        draft.levels = vec![level(512, Some(0.5)), level(256, Some(1.0)), level(100, None)];
        (draft.file_voxel_um, draft.voxel_um) = (Some([8.0, 0.5, 0.5]), [Some(8.0), Some(0.5), Some(0.7)]);
        draft.set_level(1);
        assert_eq!((draft.dims[1], draft.level), (256, 1));
        assert_eq!(draft.voxel_um, [Some(8.0), Some(1.0), Some(1.4)], "one edge was said by the user");
        assert_eq!(draft.file_voxel_um, Some([8.0, 1.0, 1.0]));
        draft.set_level(2);
        assert_eq!((draft.voxel_um[1], draft.file_voxel_um), (Some(2.56), None));
        draft.set_level(3);
        assert_eq!(draft.level, 2, "there is no such level");
    }

    #[test]
    fn a_voxel_has_three_edges_and_a_plane_needs_two() {
        let mut draft = draft();
        draft.voxel_um = [None, Some(0.5), Some(0.6)];
        assert_eq!(draft.voxel(), None);
        draft.set_role(3, AxisRole::Channel);
        assert_eq!(draft.voxel(), Some([1.0, 0.5, 0.6]));
    }
}
