//! What the panels show: plain data, borrowed for one frame. The app fills it in; nothing here knows
//! the stream, the GPU or a file.

use std::path::PathBuf;

use egui::Rect;

use super::{FilesText, LayerView, Quality, SavingData, View, ViewState};
use crate::array::ViewInfo;
use crate::format::{DatasetEntry, FoundRecording};
use crate::live::LiveStatus;
use crate::volume::{ArrayInfo, Display, Gaps, Location, Picture, PictureValues, Piece, Problem, ViewId};

/// One frame's worth of everything the window shows of an open dataset.
#[derive(Clone, Copy)]
pub struct Model<'a> {
    /// Everything that is the user's choice.
    pub state: &'a ViewState,
    /// The canvas that is drawn, or that the panels are about.
    pub view: &'a View,
    /// The layer that the panels are about.
    pub layer: &'a LayerView,
    /// The array as (t, z, y, x).
    pub info: &'a ViewInfo,
    /// What the recording is called, of all its channels.
    pub name: &'a str,
    /// The layers, in the order of the state's.
    pub layers: &'a [LayerInfo<'a>],
    /// Facts of the dataset as recorded: of the layer that the panels are about.
    pub array: &'a ArrayInfo,
    /// What is shown of that layer, as (t, z, y, x).
    pub layer_info: &'a ViewInfo,
    /// Why what was asked last is not computed.
    pub operations_fault: Option<&'a str>,
    /// An array that is being opened before something is computed with it, by its name.
    pub awaited_array: Option<&'a str>,
    /// Whether what is shown of it lies elsewhere than it was recorded: then the pieces, and what was measured of the
    /// recording's timepoints and planes, have no place in its picture.
    pub is_moved: bool,
    /// The arrays the path offers.
    pub datasets: &'a [DatasetEntry],
    /// Which of them is shown.
    pub chosen_dataset: usize,
    /// Whether somebody said what the axes are.
    pub axes_are_given: bool,
    /// How what is on the canvas relates to what was asked for.
    pub shown: &'a Shown,
    /// What the projection on the canvas lacks where it shows something.
    pub gaps: Option<&'a Gaps>,
    /// The same of every canvas, in any order.
    pub canvases: &'a [CanvasState<'a>],
    /// Counts of values over the whole recording, once sampled.
    pub histogram: Option<HistogramData<'a>>,
    /// Why there will be no such counts, in words, once that is certain.
    pub no_histogram: Option<&'a str>,
    /// The stored pieces and the state of each, along the axis they carry.
    pub pieces: &'a [Piece],
    /// The files it is read from, once somebody has looked which of them are there.
    pub files: Option<&'a FilesText>,
    /// Timepoints whose picture is in memory.
    pub cached: &'a [[usize; 2]],
    /// Everything found wrong.
    pub problems: &'a [Problem],
    /// For a recording that is being watched.
    pub live: Option<&'a LiveStatus>,
    /// What is known of its quality, where that is measured.
    pub quality: Option<Quality<'a>>,
    /// Figures of the status bar.
    pub figures: &'a Figures,
    /// How saving the picture stands.
    pub saving: &'a Saving,
    /// Whether there is a view to go back to.
    pub can_undo: bool,
    /// Whether there is one to go forward to.
    pub can_redo: bool,
}

/// A layer as the panels name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerInfo<'a> {
    /// What its files call it.
    pub name: &'a str,
    /// Whether it has anything where the views stand.
    pub state: LayerState,
    /// What is computed of it before it is shown, in words; `None`: it is shown as recorded.
    pub computed: Option<&'a str>,
}

/// Whether a layer has anything where the views stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayerState {
    /// It has.
    #[default]
    Here,
    /// It ends before.
    Ended,
    /// Its files are those of a recording in whose place there is another one.
    Former,
}

/// What is on one canvas.
#[derive(Clone, Copy, Debug)]
pub struct CanvasState<'a> {
    /// Which one.
    pub view: ViewId,
    /// How what is on it relates to what was asked for.
    pub shown: &'a Shown,
    /// What the projection on it lacks where it shows something.
    pub gaps: Option<&'a Gaps>,
}

impl<'a> Model<'a> {
    /// The same about another canvas.
    pub fn of_view(&self, id: ViewId) -> Option<Model<'a>> {
        let view = self.state.view(id)?;
        let state = self.canvases.iter().find(|canvas| canvas.view == id);
        let (shown, gaps) = match state {
            Some(state) => (state.shown, state.gaps),
            None if id == self.view.id => (self.shown, self.gaps),
            None => (&Shown::Nothing, None),
        };
        Some(Model { view, shown, gaps, ..*self })
    }

    /// The layer that the panels are about by its name, where there are several.
    pub fn layer_name(&self) -> Option<&'a str> {
        self.layers.get(self.state.active_layer).filter(|_| self.layers.len() > 1).map(|layer| layer.name)
    }

    /// What is computed of the layer that the panels are about, in words; `None`: it is shown as recorded.
    pub fn computed(&self) -> Option<&'a str> {
        self.layers.get(self.state.active_layer)?.computed
    }

    /// The same without what lies elsewhere in the recording than in the picture, where what is shown was moved.
    pub fn in_place(&self) -> Model<'a> {
        match self.is_moved {
            true => Model { pieces: &[], quality: None, ..*self },
            false => *self,
        }
    }

    /// Whether the arrays the path offers are nothing but the layers that are shown.
    pub fn datasets_are_layers(&self) -> bool {
        // `--dataset` takes names without spaces.
        let is_same = |layer: &str, entry: &str| layer.chars().filter(|c| *c != ' ').eq(entry.chars());
        let is_layer = |entry: &DatasetEntry| self.layers.iter().any(|layer| is_same(layer.name, &entry.name));
        self.layers.len() > 1 && self.datasets.iter().all(is_layer)
    }

    /// The picture the view asks for.
    pub fn picture(&self) -> Picture {
        self.view.picture(self.state.cursor, self.info)
    }

    /// What its values are.
    pub fn values(&self) -> PictureValues {
        self.picture().values()
    }

    /// Plane along the view's depth axis.
    pub fn depth_index(&self) -> usize {
        self.view.depth(self.state.cursor)
    }

    /// How the layer is coloured in the view.
    pub fn display(&self) -> Display {
        self.layer.display(self.values(), self.layer_info)
    }
}

/// What is on the canvas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The picture asked for.
    Exact,
    /// The nearest timepoint there is, while the one asked for loads.
    Nearest {
        /// The timepoint on screen.
        t: usize,
    },
    /// A small preview of the timepoint asked for, while it loads.
    Preview,
    /// The same of coarser voxels, marked as that: in full resolution it does not fit into memory.
    Coarse,
    /// Nothing can be had; why, in words.
    Missing(String),
    /// Nothing yet.
    #[default]
    Nothing,
}

/// The histogram to draw.
#[derive(Clone, Copy, Debug)]
pub struct HistogramData<'a> {
    /// Counts.
    pub bins: &'a [u64],
    /// Values at the start of the first and the end of the last bin.
    pub range: [f64; 2],
}

/// Numbers of the status bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// From the last input to its exact picture.
    pub image_ms: Option<f64>,
    /// Exact pictures a second while playing.
    pub fps: Option<f64>,
    /// Timepoints playing has left out.
    pub num_skipped: u64,
    /// Bytes in the RAM caches.
    pub ram_bytes: usize,
    /// Their budget.
    pub ram_budget_bytes: usize,
    /// Bytes in textures.
    pub gpu_bytes: usize,
    /// Their budget.
    pub gpu_budget_bytes: usize,
    /// Requests to servers without a whole answer yet; `None` where nothing has been asked for in this run.
    pub num_requests: Option<usize>,
    /// A quiet note, such as that there is no GPU.
    pub note: Option<String>,
}

/// How saving the picture stands: what the sheet shows beside the options, which are the view's.
#[derive(Clone, Default)]
pub struct Saving {
    /// Where it will be saved.
    pub path: String,
    /// The finished picture, reduced, as a texture.
    pub preview: Option<egui::TextureHandle>,
    /// Size of the finished file.
    pub num_bytes: Option<u64>,
    /// Room left where it will be saved.
    pub free_bytes: Option<u64>,
    /// When the file that has this name was written, in words: saving replaces it.
    pub replaces: Option<String>,
    /// Why it cannot be saved as things are.
    pub refusal: Option<String>,
    /// Whether it is being made or written.
    pub is_busy: bool,
    /// How saving data stands.
    pub data: SavingData,
    /// Said for a while after it was done: what was done, and the file if there is one.
    pub done: Option<(String, Option<PathBuf>)>,
}

/// Where the picture lies on the canvas, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// The whole picture; may reach beyond the canvas.
    pub image: Rect,
    /// The canvas, which clips it.
    pub canvas: Rect,
}

/// What stands at a voxel of the picture on screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// Its exact value.
    Exact(String),
    /// It was not measured or could not be read.
    Missing,
    /// The picture asked for is not on screen, so nothing is said about it.
    #[default]
    Unknown,
}

/// The app's part of the canvas: drawing the voxels and reading them.
pub trait Canvas {
    /// The shape that draws a view's picture (through the renderer), or `None` if there is none to draw.
    fn image(&mut self, view: &View, placement: &Placement) -> Option<egui::Shape>;

    /// The value of a layer, by its position, at a row and a column of a view's picture, of the exact one alone.
    fn value_at(&mut self, view: ViewId, layer: usize, row: usize, column: usize) -> Value;
}

/// What the welcome screen shows.
#[derive(Clone, Copy, Debug)]
pub struct Welcome<'a> {
    /// Paths opened before, newest first.
    pub recent: &'a [Location],
    /// Whether the folder dialog is up.
    pub is_browsing: bool,
}

/// What the opening screen shows.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// What is being opened.
    pub location: &'a Location,
    /// Seconds since it began.
    pub elapsed_s: f64,
    /// Part done, 0 to 1, where known.
    pub progress: Option<f32>,
    /// What is going on, in a few words.
    pub step: &'a str,
}

/// What the error screen shows.
#[derive(Clone, Copy, Debug)]
pub struct OpenError<'a> {
    /// The file at fault.
    pub file: &'a Location,
    /// What is wrong and what to do.
    pub message: &'a str,
    /// What the user had asked to open.
    pub location: &'a Location,
    /// Nothing is wrong but that nothing is there.
    pub is_absent: bool,
    /// Whether a recording may yet appear there.
    pub can_wait: bool,
    /// What there is instead, in a sentence, once it is known.
    pub there: Option<&'a str>,
    /// Recordings that may have been meant.
    pub found: &'a [FoundRecording],
    /// Whether they are still being looked for.
    pub is_searching: bool,
}
