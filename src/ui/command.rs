//! Everything a user, a key, a test or a running playback can ask for, in one enum.

use std::path::PathBuf;

use super::{Camera, Layout, Loop, Mode, Overlay, PlayMode, Section, StillOptions};
use crate::volume::{Blend, Colormap, Interpolation, Location, Orientation, PictureValues, Projection, ViewId};

/// One wish. Panels and keys return commands; [`super::ViewState::apply`] is the only thing that changes
/// the view; what concerns more than the view goes on to whom [`Command::route`] names.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Show a timepoint; beyond the end means the last one. Lets go of the newest.
    ScrubTo(usize),
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
    /// Draw a layer, by its position, or leave it out.
    ToggleLayer(usize),
    /// How much of the active layer is seen, 0 to 1.
    SetOpacity(f32),
    /// How the active layer comes over those below it.
    SetBlend(Blend),
    /// Filtering of the picture.
    SetInterpolation(Interpolation),
    /// Contrast limits of the kind of picture shown, lower first.
    SetLimits([f64; 2]),
    /// Back to the limits measured over the whole recording.
    AutoContrast,
    /// Limits that fit the picture on screen.
    FitContrast,
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
    /// Where the picture will be saved, as typed.
    SetStillPath(String),
    /// Let the user choose where the picture is saved.
    BrowseStillPath,
    /// Save the picture as chosen, replacing a file of that name.
    SavePicture(PathBuf),
    /// Put the picture as chosen on the clipboard.
    CopyPicture,
    /// Show the folder of the picture saved last.
    ShowSaved,
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
    /// Leave out the blocks that may be of an earlier recording, or show them.
    LeaveOutSuspects(bool),
    /// Show another array of the same file.
    ChooseDataset(usize),
    /// Take a path off the list of recent ones.
    RemoveRecent(Location),
    /// Try to read again what could not be read.
    RetryFailures,
    /// Open again what could not be opened.
    TryAgain,
    /// Wait for a recording where there is none.
    WaitForRecording,
    /// Find out how a typed path may go on.
    CompletePath(String),
    /// Say something of the recording that its files do not say, or take it back.
    Tell(Tell),
    /// Forget what is remembered from one run to the next.
    Forget(Forget),
    /// Take all notes off the list.
    ClearNotes,
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

/// Who carries a command out beyond the view. Exhaustive on either side, so that none can be dropped.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// A change of the view and nothing else.
    View,
    /// The open dataset.
    Session(SessionCommand),
    /// The app.
    App(AppCommand),
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
    /// Copy it.
    CopyPicture,
    /// Show the folder of the one saved last.
    ShowSaved,
    /// Try to read again what could not be read.
    RetryFailures,
}

/// What concerns files, dialogs and which dataset is open.
#[derive(Clone, Debug, PartialEq)]
pub enum AppCommand {
    /// Let the user choose where the picture is saved.
    BrowseStillPath,
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
    /// Take all notes off the list.
    ClearNotes,
}

impl Command {
    /// What the app has to do of it.
    pub fn for_app(&self) -> Option<AppCommand> {
        match self.route() {
            Route::App(command) => Some(command),
            Route::View | Route::Session(_) => None,
        }
    }

    /// Who carries it out. The view sees every command: an opening, for one, takes its dialog away.
    pub fn route(&self) -> Route {
        match self {
            Self::FitContrast => Route::Session(SessionCommand::FitContrast),
            Self::RetryFailures => Route::Session(SessionCommand::RetryFailures),
            Self::SetStillPath(path) => Route::Session(SessionCommand::SetStillPath(path.clone())),
            Self::SavePicture(path) => Route::Session(SessionCommand::SavePicture(path.clone())),
            Self::CopyPicture => Route::Session(SessionCommand::CopyPicture),
            Self::ShowSaved => Route::Session(SessionCommand::ShowSaved),
            Self::BrowseStillPath => Route::App(AppCommand::BrowseStillPath),
            Self::BrowseFolder => Route::App(AppCommand::BrowseFolder),
            Self::BrowseFile => Route::App(AppCommand::BrowseFile),
            Self::OpenPath(path) => Route::App(AppCommand::OpenPath(path.clone())),
            Self::OpenDemo => Route::App(AppCommand::OpenDemo),
            Self::CancelOpening => Route::App(AppCommand::CancelOpening),
            Self::CloseDataset => Route::App(AppCommand::CloseDataset),
            Self::LeaveOutSuspects(is_left_out) => Route::App(AppCommand::LeaveOutSuspects(*is_left_out)),
            Self::ChooseDataset(index) => Route::App(AppCommand::ChooseDataset(*index)),
            Self::RemoveRecent(path) => Route::App(AppCommand::RemoveRecent(path.clone())),
            Self::TryAgain => Route::App(AppCommand::TryAgain),
            Self::WaitForRecording => Route::App(AppCommand::WaitForRecording),
            Self::CompletePath(typed) => Route::App(AppCommand::CompletePath(typed.clone())),
            Self::Tell(tell) => Route::App(AppCommand::Tell(tell.clone())),
            Self::Forget(what) => Route::App(AppCommand::Forget(*what)),
            Self::ClearNotes => Route::App(AppCommand::ClearNotes),
            Self::ScrubTo(_)
            | Self::StepT(_)
            | Self::PlayTo { .. }
            | Self::FollowTo(_)
            | Self::DepthTo(_)
            | Self::StepDepth(_)
            | Self::SetOrientation(_)
            | Self::SetMode(_)
            | Self::ToggleMode
            | Self::SetProjection(_)
            | Self::SetSlab(_)
            | Self::AddView { .. }
            | Self::CloseView(_)
            | Self::SetLayout(_)
            | Self::SetOpacity(_)
            | Self::SetBlend(_)
            | Self::SetActiveView(_)
            | Self::SetActiveLayer(_)
            | Self::ToggleLayer(_)
            | Self::SetInterpolation(_)
            | Self::SetLimits(_)
            | Self::AutoContrast
            | Self::LimitsOfPicture { .. }
            | Self::LimitsMeasured { .. }
            | Self::LimitsGuessed { .. }
            | Self::SetGamma(_)
            | Self::SetColormap(_)
            | Self::ToggleInvert
            | Self::ToggleSaturation
            | Self::ToggleColorBar
            | Self::SetCamera(_)
            | Self::ZoomBy(_)
            | Self::SetStill(_)
            | Self::Fit
            | Self::TogglePlay
            | Self::StopPlay
            | Self::SetPlayMode(_)
            | Self::SetPlayRate(_)
            | Self::SetPlaySpeed(_)
            | Self::SetTimeZoom(_)
            | Self::SetLoop(_)
            | Self::ToggleFollow
            | Self::ToggleTheme
            | Self::ToggleSection(_)
            | Self::ToggleDrawer(_)
            | Self::ToggleOverlay(_)
            | Self::CloseOverlay
            | Self::Undo
            | Self::Redo => Route::View,
        }
    }
}
