//! The regions of the window, one file each. Every one is a function from a rectangle and the model to
//! commands.

pub mod axes;
mod axes_said;
mod axis_fields;
pub mod canvas;
pub mod canvas_marks;
pub mod canvas_menu;
pub mod canvases;
pub mod chips;
pub mod contrast;
pub mod dataset;
pub mod depth;
mod limits_menu;
mod operations;
mod operations_menu;
mod operations_text;
pub mod problems;
pub mod quality;
pub mod save;
pub mod side;
pub mod status_bar;
mod text_field;
pub(super) mod time_area;
pub mod time_bar;
mod time_gutter;
mod time_heat;
mod time_lanes;
pub(super) mod time_map;
mod time_marks;
mod time_told;
pub mod told;
pub mod top_bar;
mod trace_limits;
mod trace_names;
mod traces;
mod transport;
