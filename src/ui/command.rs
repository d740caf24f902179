//! Everything a user, a key, a test or a running playback can ask for, by who carries it out: the view, the
//! open dataset or the app.

use std::path::PathBuf;

use super::{
    AxisRole, Camera, DataOptions, Layout, Loop, MapMeasure, Mode, Overlay, PlayMode, Section, Step, StillOptions,
    Trace,
};
use crate::qc::Code;
use crate::volume::{Blend, Colormap, Interpolation, Location, Orientation, PictureValues, Projection, ViewId};

/// One wish. Panels and keys return commands; [`super::ViewState::apply`] is the only thing that changes
/// the view, and sees all of them: an opening, for one, takes its dialog away. What concerns more than the
/// view says so by its type, and goes on to the session or the app.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Show a timepoint; beyond the end means the last one. Lets go of the newest.
    ScrubTo(usize),
    /// Show a timepoint and, where one is meant, a plane: what a click on the map or on an alarm asks for. Lets
    /// go of the newest.
    GoTo {
        /// Timepoint; beyond the end means the last one.
        t: usize,
        /// Plane as recorded, along z, however the view is cut.
        z: Option<usize>,
    },
    /// Move by timepoints.
    StepT(isize),
    /// Show the timepoint playback came to, playing on in a direction. Not an undo step.
    PlayTo {
        /// Timepoint.
        t: usize,
        /// 1 forward, -1 backward.
        direction: i8,
    },
    /// Show the newest timepoint of a growing recording, if it is being followed. Not an undo step.
    FollowTo(usize),
    /// Show a plane; beyond the end means the last one. In a projection, moves the slab's centre.
    DepthTo(usize),
    /// Move by planes.
    StepDepth(isize),
    /// Cut another way.
    SetOrientation(Orientation),
    /// A plane or a projection.
    SetMode(Mode),
    /// The other of the two.
    ToggleMode,
    /// How a projection folds.
    SetProjection(Projection),
    /// Half-open depth range of the projection; `None` for the whole depth.
    SetSlab(Option<[usize; 2]>),
    /// One more view, like the active one but cut in this way, beside or below it; it is the active one then.
    AddView {
        /// How its picture lies.
        orientation: Orientation,
        /// Below the active one, not beside it.
        is_below: bool,
    },
    /// Take a view away; the last one stays.
    CloseView(ViewId),
    /// Divide the room among the views in this way.
    SetLayout(Layout),
    /// Make a view the one that keys and panels are about.
    SetActiveView(ViewId),
    /// Make a layer, by its position, the one that the panels are about.
    SetActiveLayer(usize),
    /// Make another layer that one: the next for 1, the one before for -1, round the ends.
    StepLayer(isize),
    /// Draw a layer, by its position, or leave it out. One alone stays.
    ToggleLayer(usize),
    /// How much of the active layer is seen, 0 to 1.
    SetOpacity(f32),
    /// How the active layer comes over those below it.
    SetBlend(Blend),
    /// Compute this of the active layer, step by step, and show what comes of it.
    SetOperations(Vec<Step>),
    /// The same with another text for one step of those there are: a number of it is dragged.
    SetStep {
        /// Its position.
        index: usize,
        /// In the grammar of `--op`.
        text: String,
    },
    /// Filtering of the picture.
    SetInterpolation(Interpolation),
    /// Contrast limits of the kind of picture shown, lower first.
    SetLimits([f64; 2]),
    /// Back to the limits measured over the whole recording.
    AutoContrast,
    /// Those are these.
    LimitsOfPicture {
        /// Of which pictures.
        values: PictureValues,
        /// Lower first.
        limits: [f64; 2],
    },
    /// Those of the recording have been measured. Sets the contrast only if nobody has yet, or where the
    /// user wished for it. Not an undo step.
    LimitsMeasured {
        /// Of which layer, by its position.
        layer: usize,
        /// Of which pictures.
        values: PictureValues,
        /// Lower first.
        limits: [f64; 2],
        /// Whether they replace what was chosen.
        is_wished: bool,
    },
    /// Limits of the first picture, until those of the recording are measured. Not an undo step.
    LimitsGuessed {
        /// Of which layer, by its position.
        layer: usize,
        /// Of which pictures.
        values: PictureValues,
        /// Lower first.
        limits: [f64; 2],
    },
    /// A camera of fewer bits than its storage type was recognised by its full scale, or is not any more. Not an
    /// undo step.
    FullScaleDetected {
        /// Of which layer, by its position.
        layer: usize,
        /// The value.
        value: Option<f64>,
    },
    /// Exponent of the normalised value.
    SetGamma(f32),
    /// The gradient.
    SetColormap(Colormap),
    /// Turn the gradient round.
    ToggleInvert,
    /// Paint full-scale voxels red and zero blue.
    ToggleSaturation,
    /// Show the gradient and its limits on the picture, or hide them.
    ToggleColorBar,
    /// Zoom and pan.
    SetCamera(Camera),
    /// Zoom by a factor about the middle of the canvas.
    ZoomBy(f32),
    /// Show the whole picture.
    Fit,
    /// Start or stop playing.
    TogglePlay,
    /// Stop playing, at the end or at a scrub.
    StopPlay,
    /// Wait for data or keep the clock.
    SetPlayMode(PlayMode),
    /// Timepoints per second.
    SetPlayRate(f32),
    /// Multiple of the recording's own rate.
    SetPlaySpeed(f32),
    /// The part of time the time area shows, in timepoints; `None` for all of it.
    SetTimeZoom(Option<[f64; 2]>),
    /// Show the traces under the map, or fold them away.
    ToggleTraces,
    /// What the map shows.
    SetMapMeasure(MapMeasure),
    /// The traces from the top down; those there is no room for are not shown.
    SetTraceOrder([Trace; Trace::ALL.len()]),
    /// Height of the time area in points; `None` for that of its rows.
    SetTimeAreaHeight(Option<f32>),
    /// Tell of new alarms while the window is not in front, or do not.
    ToggleNotify,
    /// What happens at the end.
    SetLoop(Loop),
    /// Keep the newest timepoint on screen, or let go.
    ToggleFollow,
    /// Dark or light.
    ToggleTheme,
    /// Fold or unfold a section of the side panel.
    ToggleSection(Section),
    /// Show a section of the folded side panel beside its icon, or hide it.
    ToggleDrawer(Section),
    /// Put something over the window, or take the same thing away.
    ToggleOverlay(Overlay),
    /// Take away whatever lies over the window.
    CloseOverlay,
    /// One step back among the view's changes.
    Undo,
    /// One step forward again.
    Redo,
    /// What a saved or copied picture is made of.
    SetStill(StillOptions),
    /// What is saved of the data, and how.
    SetData(DataOptions),
    /// What an open dataset carries out that is no change of its view.
    Session(SessionCommand),
    /// What concerns files, dialogs and which dataset is open.
    App(AppCommand),
}

/// What can be said of a recording; `None` leaves it to the files again. Remembered for its folder.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {
    /// Edges of a voxel along z, y, x in µm.
    VoxelSize(Option<[f64; 3]>),
    /// Volumes per second.
    Rate(Option<f64>),
    /// Names of the axes, slowest first.
    Axes(Option<String>),
}

/// What can be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forget {
    /// How this recording was looked at, and what was said of it.
    Recording,
    /// All recordings and preferences.
    Everything,
}

/// What an open dataset carries out that is no change of its view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCommand {
    /// Limits that fit the picture on screen.
    FitContrast,
    /// Where the picture will be saved, as typed.
    SetStillPath(String),
    /// Save the picture.
    SavePicture(PathBuf),
    /// Where the data will be saved, as typed.
    SetDataPath(String),
    /// Save the data there.
    SaveData,
    /// Stop saving data; nothing is left of what was written.
    CancelSaving,
    /// Copy it.
    CopyPicture,
    /// Show the folder of the one saved last.
    ShowSaved,
    /// Try to read again what could not be read.
    RetryFailures,
    /// Show where the next alarm after the timepoint shown begins, or the one before it.
    GoToAlarm {
        /// The next, not the one before.
        is_next: bool,
    },
    /// Hold the measuring of its quality, or go on.
    ToggleChecking,
}

/// What becomes of data that are being written when the window is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// They are written, and the window stays.
    Stay,
    /// It is closed when they are written.
    WhenWritten,
    /// It is closed, and nothing is left of them.
    Stop,
}

/// What concerns files, dialogs and which dataset is open.
#[derive(Clone, Debug, PartialEq)]
pub enum AppCommand {
    /// Let the user choose where the picture is saved.
    BrowseStillPath,
    /// Let the user choose where the data are saved.
    BrowseDataPath,
    /// Let the user choose an array that the active layer is computed with.
    BrowseArray {
        /// What is done with it: the name of an operation.
        operation: &'static str,
        /// Whether it is a folder.
        is_folder: bool,
    },
    /// Let the user choose a folder.
    BrowseFolder,
    /// Let the user choose a file.
    BrowseFile,
    /// Open a path.
    OpenPath(Location),
    /// Write the demo recording if it is not there, and open it.
    OpenDemo,
    /// Abandon the opening that is under way.
    CancelOpening,
    /// Go back to the welcome screen.
    CloseDataset,
    /// Close the window although data are being written, or do not.
    Leave(Leave),
    /// Leave out the blocks that may be of an earlier recording, or show them.
    LeaveOutSuspects(bool),
    /// Show another array of the same file.
    ChooseDataset(usize),
    /// Take a path off the list of recent ones.
    RemoveRecent(Location),
    /// Open again what could not be opened.
    TryAgain,
    /// Wait for a recording where there is none.
    WaitForRecording,
    /// Find out how a typed path may go on.
    CompletePath(String),
    /// Say something of the recording that its files do not say.
    Tell(Tell),
    /// Forget what is remembered.
    Forget(Forget),
    /// Say something in the sheet of arrays and axes.
    Sheet(SheetCommand),
    /// Take all notes off the list.
    ClearNotes,
    /// Change a limit of quality; `None`: never.
    SetLimit {
        /// Of which measure.
        code: Code,
        /// Of the alarm, not of the warning.
        is_alarm: bool,
        /// In the unit of the measure.
        value: Option<f64>,
    },
    /// Both limits of a measure as they are kept in the profile.
    ResetLimit(Code),
    /// Take the limits of a rig profile.
    ChooseLimits(String),
    /// Keep the limits as they are as a rig profile of this name, and take that.
    SaveLimits(String),
    /// Forget a rig profile.
    RemoveLimits(String),
}

/// What is said in the sheet of arrays and axes.
#[derive(Clone, Debug, PartialEq)]
pub enum SheetCommand {
    /// This array of the file.
    Choose(usize),
    /// An axis is this.
    SetRole {
        /// Which axis, slowest first.
        axis: usize,
        /// What it is.
        role: AxisRole,
    },
    /// Two axes are what the other was taken for.
    SwapAxes([usize; 2]),
    /// An edge of a voxel.
    SetEdge {
        /// 0 for z, 1 for y, 2 for x.
        axis: usize,
        /// In µm; `None`: unknown.
        um: Option<f64>,
    },
    /// The resolution that is opened as the finest.
    SetLevel(usize),
    /// Volumes per second; `None`: unknown.
    SetRate(Option<f64>),
    /// Remember what is said, or do not.
    ToggleRemembered,
    /// Open the array as it was said.
    Open,
}
