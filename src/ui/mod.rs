//! View state, commands and panels. Panels are plain functions of a [`Model`] that draw and return
//! [`Command`]s; [`ViewState::apply`] is the only thing that changes the view; [`ViewState::picture`]
//! says which picture it asks for.

mod apply;
mod choices;
mod command;
mod data;
mod gaps_text;
mod heat;
mod history;
pub mod icons;
pub mod keys;
mod layer_view;
mod layout;
mod limits;
mod live_text;
mod model;
pub mod notes;
mod operations;
mod overlay;
pub mod panels;
mod piece_runs;
pub mod place;
mod playback;
mod quality;
mod quality_text;
mod recall;
mod resolve;
mod screens;
mod sheet;
mod state;
mod steer;
mod still;
pub mod theme;
mod time_axis;
mod view;
pub mod widgets;
mod window;

pub use crate::text::{self as format, FilesText};
pub use choices::{
    Camera, GAMMA_RANGE, Loop, MapMeasure, Mode, Overlay, PLAY_RATE_RANGE, PLAY_SPEED_RANGE, Panels, Play, PlayMode,
    Section, Theme,
};
pub use command::{AppCommand, Command, Forget, Leave, SessionCommand, SheetCommand, Tell};
pub use data::{DataFormat, DataOptions, DataResult, Missing, Running, SaveKind, SavingData, What};
pub use gaps_text::gaps_text;
pub use heat::Trace;
pub use history::History;
pub use layer_view::{LIGHTS, LayerView};
pub use layout::Layout;
pub use limits::{Limits, LimitsOf, is_integer, value_range};
pub use model::{
    Canvas, CanvasState, Figures, HistogramData, LayerInfo, LayerState, Model, OpenError, Opening, Placement, Saving,
    Shown, Value, Welcome,
};
pub use notes::Note;
pub use operations::{Step, absolute, texts, with_array};
pub use panels::axes::axes_ui;
pub use panels::operations::type_operation;
pub use panels::save_running::writing_ui;
pub use playback::Playback;
pub use quality::Quality;
pub use quality_text::letter;
pub use recall::{KeptLayer, KeptPreferences, KeptView};
pub use resolve::resolve;
pub use screens::{
    Completion, clear_typed_path, complete_path, error_ui, focus_path_field, keep_typed_path, not_opened_ui,
    opening_ui, typed_location, waiting_ui, welcome_ui,
};
pub use sheet::{AxisRole, Draft, Level, Sheet, Thumbnail};
pub use state::ViewState;
pub use steer::steer;
pub use still::{Extent, StillFrame, StillOptions, file_name, still_ui};
pub use view::{Cursor, View, num_depths};
pub use window::{Regions, drop_hint, window_ui};
