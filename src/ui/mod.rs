//! View state, commands and panels. Panels are plain functions of a [`Model`] that draw and return
//! [`Command`]s; [`ViewState::apply`] is the only thing that changes the view; [`ViewState::picture`]
//! says which picture it asks for.

mod choices;
mod command;
pub mod format;
mod gaps_text;
mod history;
pub mod icons;
pub mod keys;
mod limits;
mod live_text;
mod model;
mod overlay;
pub mod panels;
mod piece_runs;
pub mod place;
mod playback;
mod resolve;
mod screens;
mod state;
mod still;
pub mod theme;
mod time_axis;
pub mod widgets;
mod window;

pub use choices::{
    Camera, GAMMA_RANGE, Loop, Mode, Overlay, PLAY_RATE_RANGE, PLAY_SPEED_RANGE, Play, PlayMode, Section, Theme,
};
pub use command::{AppCommand, Command, Route, SessionCommand};
pub use gaps_text::gaps_text;
pub use history::History;
pub use limits::{Limits, LimitsOf, is_integer, value_range};
pub use model::{Canvas, Figures, HistogramData, Model, OpenError, Opening, Placement, Saving, Shown, Value, Welcome};
pub use playback::Playback;
pub use resolve::resolve;
pub use screens::{error_ui, opening_ui, waiting_ui, welcome_ui};
pub use state::{ViewState, num_depths};
pub use still::{Extent, StillFrame, StillOptions, file_name, still_ui};
pub use window::{Regions, drop_hint, window_ui};
