//! Everything a user, a key, a test or a running playback can ask for, in one enum.

use std::path::PathBuf;

use super::{Camera, Loop, Mode, Overlay, PlayMode, Section};
use crate::volume::{Colormap, Interpolation, Orientation, Projection};

/// One wish. Panels and keys return commands; [`super::ViewState::apply`] is the only thing that changes
/// the view, and the app carries out those that concern files (see [`Command::is_for_app`]).
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
    /// Filtering of the picture.
    SetInterpolation(Interpolation),
    /// Contrast limits, lower first.
    SetLimits([f32; 2]),
    /// Back to the limits measured over the whole recording.
    AutoContrast,
    /// Those limits have been measured. Sets the contrast only if nobody has yet. Not an undo step.
    LimitsMeasured([f32; 2]),
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
    /// Let the user choose a folder.
    BrowseFolder,
    /// Let the user choose a file.
    BrowseFile,
    /// Open a path.
    OpenPath(PathBuf),
    /// Write the demo recording if it is not there, and open it.
    OpenDemo,
    /// Abandon the opening that is under way.
    CancelOpening,
    /// Go back to the welcome screen.
    CloseDataset,
    /// Show another array of the same file.
    ChooseDataset(usize),
    /// Take a path off the list of recent ones.
    RemoveRecent(PathBuf),
    /// Try to read again what could not be read.
    RetryFailures,
}

impl Command {
    /// Whether the app has to carry it out, because it concerns files and not the view.
    pub fn is_for_app(&self) -> bool {
        matches!(
            self,
            Self::BrowseFolder
                | Self::BrowseFile
                | Self::OpenPath(_)
                | Self::OpenDemo
                | Self::CancelOpening
                | Self::CloseDataset
                | Self::ChooseDataset(_)
                | Self::RemoveRecent(_)
                | Self::RetryFailures
        )
    }
}
