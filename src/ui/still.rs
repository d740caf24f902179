//! A still: the picture as it is saved or copied, apart from the window. Its options, its geometry and its
//! drawing; `app` draws it off screen.

use egui::{Rect, Ui, Vec2, pos2, vec2};

use serde::{Deserialize, Serialize};

use super::panels::canvas_marks;
use super::place::{image_rect, image_size, voxel_edges};
use super::{Camera, Canvas, Model, Placement, Shown, ViewState};
use crate::array::ViewInfo;
use crate::volume::Picture;

/// Which part of the picture is saved, and at which scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Extent {
    /// What the canvas shows, zoom and pan included.
    OnScreen,
    /// The whole plane, in its true proportions.
    #[default]
    Whole,
    /// The whole plane, one pixel for each voxel.
    Voxels,
}

impl Extent {
    /// All, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::OnScreen, Self::Whole, Self::Voxels];
}

/// Largest multiple of the size that is offered.
pub const MAX_SCALE: usize = 8;

/// What a still is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct StillOptions {
    /// Which part.
    pub extent: Extent,
    /// Pixels for the shorter edge of a voxel, or for a pixel of the screen; 1 where every voxel is a pixel.
    pub scale: usize,
    /// Whether a bar of a round length is drawn in.
    pub scale_bar: bool,
    /// Whether the time is.
    pub time: bool,
    /// Whether the plane or the slab is.
    pub depth: bool,
    /// Whether the gradient with its limits is.
    pub color_bar: bool,
    /// Whether the recording's name is.
    pub name: bool,
}

impl StillOptions {
    /// All of the plane in its true proportions, and nothing drawn in.
    pub const BARE: Self = Self {
        extent: Extent::Whole,
        scale: 1,
        scale_bar: false,
        time: false,
        depth: false,
        color_bar: false,
        name: false,
    };
}

impl Default for StillOptions {
    fn default() -> Self {
        Self {
            extent: Extent::default(),
            scale: 2,
            scale_bar: true,
            time: true,
            depth: false,
            color_bar: false,
            name: false,
        }
    }
}

/// Points along the shorter side of a still, at least: marks keep their proportion to the picture.
const MIN_SIDE: f32 = 360.0;

/// How large a still is, and where the picture lies in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StillFrame {
    /// Width and height in pixels.
    pub size_px: [u32; 2],
    /// Pixels for each point of its marks.
    pub pixels_per_point: f32,
    /// Zoom and pan within it.
    pub camera: Camera,
}

impl StillFrame {
    /// The frame of a view's still. `canvas` is the size of the canvas in points, `pixels_per_point` the
    /// screen's.
    pub fn new(state: &ViewState, info: &ViewInfo, canvas: Vec2, pixels_per_point: f32) -> Self {
        let options = &state.still;
        let scale = options.scale.clamp(1, MAX_SCALE) as f64;
        let view = state.active();
        let [columns, rows] = image_size(info, view.orientation);
        let [column, row] = voxel_edges(info, view.orientation);
        let shorter = column.min(row);
        let pixels = |number: f64| number.round().clamp(1.0, f64::from(u32::MAX)) as u32;
        let (size_px, camera) = match options.extent {
            Extent::OnScreen => {
                let of = |points: f32| pixels(f64::from(points) * f64::from(pixels_per_point) * scale);
                let points = pixels_per_point * scale as f32;
                return Self { size_px: [of(canvas.x), of(canvas.y)], pixels_per_point: points, camera: view.camera };
            }
            Extent::Whole => {
                let width = pixels(columns as f64 * column / shorter * scale);
                let height = pixels(rows as f64 * row / shorter * scale);
                ([width, height], Camera::FIT)
            }
            Extent::Voxels => ([pixels(columns as f64), pixels(rows as f64)], Camera::FIT),
        };
        let side = size_px[0].min(size_px[1]) as f32;
        Self { size_px, pixels_per_point: (side / MIN_SIDE).max(1.0), camera }
    }

    /// The still in points.
    pub fn rect(&self) -> Rect {
        let [width, height] = self.size_px.map(|side| side as f32 / self.pixels_per_point);
        Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height))
    }

    /// Where the picture lies in it, in points.
    pub fn image(&self, state: &ViewState, info: &ViewInfo) -> Rect {
        match state.still.extent {
            Extent::OnScreen => image_rect(self.rect(), info, state.active().orientation, self.camera),
            Extent::Whole | Extent::Voxels => self.rect(),
        }
    }
}

/// Draws the still: the picture, and the marks that were asked for.
pub fn still_ui(ui: &mut Ui, model: &Model<'_>, frame: &StillFrame, canvas: &mut dyn Canvas) {
    let rect = frame.rect();
    let image = frame.image(model.state, model.info);
    super::theme::canvas_ground(ui, rect);
    match canvas.image(model.view, &Placement { image, canvas: rect }) {
        Some(shape) => {
            ui.painter_at(rect).add(shape);
        }
        None if matches!(model.shown, Shown::Missing(_)) => canvas_marks::missing(ui, rect, image),
        None => {}
    }
    canvas_marks::still(ui, rect, image, model);
}

/// A name for the file that says what it shows: `fish3_t114_z11.png`, `fish3_t114_max_z0-23.png`.
pub fn file_name(name: &str, state: &ViewState, info: &ViewInfo) -> String {
    let clean = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { '_' };
    let mut stem: String = name.chars().map(clean).collect();
    if info.has_axis[0] {
        stem += &format!("_t{}", state.cursor.t);
    }
    let axis = state.active().orientation.depth_axis();
    if info.has_axis[axis.index()] {
        stem += &match state.picture(info) {
            Picture::Plane { index, .. } => format!("_{axis}{index}"),
            Picture::Projection { slab: [start, stop], op, .. } => {
                format!("_{}_{axis}{start}-{}", op.name(), stop - 1)
            }
        };
    }
    stem + ".png"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::place::tests::info;
    use crate::ui::{Command, Mode};
    use crate::volume::{Orientation, Projection};

    fn frame(options: StillOptions, orientation: Orientation) -> StillFrame {
        let mut view = ViewState::default().for_dataset(&info());
        view.apply(&Command::SetOrientation(orientation), &info());
        view.apply(&Command::SetStill(options), &info());
        StillFrame::new(&view, &info(), vec2(600.0, 400.0), 1.5)
    }

    #[test]
    fn a_still_has_the_size_of_what_it_shows() {
        let options = StillOptions { scale: 3, ..StillOptions::default() };
        let of = |extent, orientation| frame(StillOptions { extent, ..options }, orientation).size_px;
        assert_eq!(of(Extent::Voxels, Orientation::Xy), [200, 100]);
        assert_eq!(of(Extent::Voxels, Orientation::Xz), [200, 20], "a voxel is a pixel, whatever its shape");
        assert_eq!(of(Extent::Whole, Orientation::Xy), [600, 300]);
        assert_eq!(of(Extent::Whole, Orientation::Xz), [600, 20 * 16 * 3], "in true proportions");
        assert_eq!(of(Extent::OnScreen, Orientation::Xy), [2700, 1800]);
    }

    #[test]
    fn the_file_is_named_after_what_it_shows() {
        let mut view = ViewState::default().for_dataset(&info());
        view.apply(&Command::ScrubTo(7), &info());
        assert_eq!(file_name("fish/3", &view, &info()), "fish_3_t7_z10.png");
        view.apply(&Command::SetMode(Mode::Projection), &info());
        view.apply(&Command::SetProjection(Projection::Max), &info());
        view.apply(&Command::SetSlab(Some([4, 9])), &info());
        assert_eq!(file_name("a", &view, &info()), "a_t7_max_z4-8.png");
    }
}
