//! The histogram of the recording with the contrast limits and the gamma curve on it.

use egui::accesskit::{Action, ActionData, Role};
use egui::{
    Align2, Color32, CursorIcon, Id, Key, Mesh, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::super::format;
use super::super::theme::{self, Tokens, Weight, font};
use super::{arrow_steps, dotted_vline, hint, ring};

/// What the histogram shows.
#[derive(Clone, Copy, Debug)]
pub struct Histogram<'a> {
    /// Counts from the first to the last value of `range`.
    pub bins: &'a [u64],
    /// What is said where there are no counts.
    pub placeholder: &'a str,
    /// Values at the first bin's start and the last bin's end.
    pub range: [f64; 2],
    /// Contrast limits.
    pub limits: [f64; 2],
    /// Smallest and largest the limits may become.
    pub bounds: [f64; 2],
    /// Exponent of the curve.
    pub gamma: f32,
    /// What the values are, in a word or two.
    pub of: &'a str,
    /// Values of the camera to be marked: its dark level, and its full scale.
    pub camera: [Option<f64>; 2],
}

/// What was asked of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked {
    /// New limits.
    Limits([f64; 2]),
    /// Back to the measured ones.
    Auto,
}

/// Distance of the bars from the edge.
const INSET: egui::Vec2 = vec2(8.0, 4.0);
const LIMITS: [&str; 2] = ["Lower contrast limit", "Upper contrast limit"];

impl Axis {
    fn new(ui: &Ui, id: Id, rect: Rect, shown: &Histogram<'_>) -> Self {
        let plot = rect.shrink2(INSET);
        Self { range: frozen_range(ui, id, shown), left: plot.left(), width: plot.width() }
    }
}

/// What is asked on the histogram of a name, as it lay in the last frame: the limits can be dragged one by
/// one, or together from between them.
pub fn histogram_asked(ui: &Ui, id: Id, shown: &Histogram<'_>) -> Option<Asked> {
    let whole = ui.ctx().read_response(id)?;
    let axis = Axis::new(ui, id, whole.rect, shown);
    let mut asked = None;
    if whole.double_clicked() {
        asked = Some(Asked::Auto);
    } else if whole.dragged() && shown.limits[1] > shown.limits[0] {
        let by = f64::from(whole.drag_delta().x / axis.width) * (axis.range[1] - axis.range[0]);
        let by = by.clamp(shown.bounds[0] - shown.limits[0], shown.bounds[1] - shown.limits[1]);
        asked = (by != 0.0).then(|| Asked::Limits(shown.limits.map(|limit| limit + by)));
    }
    for (index, name) in LIMITS.into_iter().enumerate() {
        let Some(response) = ui.ctx().read_response(id.with(name)) else { continue };
        if let Some(value) = moved(ui, &response, &axis, shown, index) {
            let mut limits = shown.limits;
            limits[index] = value;
            asked = Some(Asked::Limits(limits));
        }
    }
    asked
}

/// Draws it into a rectangle.
pub fn histogram(ui: &mut Ui, rect: Rect, id: Id, shown: &Histogram<'_>) {
    let tokens = Tokens::get(ui);
    let plot = rect.shrink2(INSET);
    let axis = Axis::new(ui, id, rect, shown);
    let whole = ui.interact(rect, id, Sense::CLICK | Sense::DRAG);
    whole.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Histogram"));
    ui.ctx().accesskit_node_builder(whole.id, |node| node.set_value(shown.of));
    theme::fill(ui, rect, tokens.bg0);
    if shown.bins.is_empty() {
        let color = tokens.t3;
        let font = font(11.5, Weight::Regular);
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, shown.placeholder, font, color);
        ui.ctx().accesskit_node_builder(id, |node| node.set_description(shown.placeholder));
    }
    paint_bars(ui, plot, &axis, shown, tokens.bars);
    paint_camera(ui, rect, &axis, shown.camera);
    paint_curve(ui, plot, &axis, shown);
    for (index, name) in LIMITS.into_iter().enumerate() {
        let x = axis.x(shown.limits[index]);
        let grip = Rect::from_x_y_ranges(x - 5.0..=x + 5.0, rect.y_range());
        let response = ui.interact(grip, id.with(name), Sense::click_and_drag());
        describe(ui, &response, name, shown, index);
        let is_hot = response.hovered() || response.dragged() || response.has_focus();
        let stroke = Stroke::new(if is_hot { 3.0 } else { 2.0 }, tokens.accent);
        ui.painter().vline(x, rect.shrink(2.0).y_range(), stroke);
        let knob = Rect::from_center_size(pos2(x, rect.bottom() - 6.0), vec2(7.0, 8.0));
        ui.painter().rect_filled(knob, 2.0, tokens.accent);
        if response.has_focus() {
            ring(ui, knob, 2.0, tokens.accent);
        }
        let response = response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
        hint(response, "Drag the contrast limit; double-click the histogram for automatic contrast", "A");
    }
}

struct Axis {
    range: [f64; 2],
    left: f32,
    width: f32,
}

impl Axis {
    fn x(&self, value: f64) -> f32 {
        let [low, high] = self.range;
        self.left + (((value - low) / (high - low)).clamp(0.0, 1.0) as f32) * self.width
    }

    fn value(&self, x: f32) -> f64 {
        let fraction = f64::from((x - self.left) / self.width);
        self.range[0] + fraction * (self.range[1] - self.range[0])
    }
}

/// The range of values in view: where the counts are, and the limits. It stands still during a drag, or
/// the limit would run away from the pointer.
fn frozen_range(ui: &Ui, id: Id, shown: &Histogram<'_>) -> [f64; 2] {
    let range_id = id.with("range");
    let is_dragging = ui.input(|input| input.pointer.any_down());
    if is_dragging && let Some(range) = ui.data(|data| data.get_temp::<[f64; 2]>(range_id)) {
        return range;
    }
    let range = value_range(shown);
    ui.data_mut(|data| data.insert_temp(range_id, range));
    range
}

fn value_range(shown: &Histogram<'_>) -> [f64; 2] {
    let total: u64 = shown.bins.iter().sum();
    let [low, high] = shown.range;
    let width = (high - low) / shown.bins.len().max(1) as f64;
    // A hot pixel must not squeeze the rest into a corner: the thinnest 1/20 000 above is left out.
    let mut above = 0;
    let last = shown.bins.iter().rposition(|&count| {
        above += count;
        above > total / 20_000
    });
    let first = shown.bins.iter().position(|&count| count > 0);
    let mut view = match (first, last) {
        (Some(first), Some(last)) => [low + first as f64 * width, low + (last + 1) as f64 * width],
        _ => shown.limits,
    };
    view = [view[0].min(shown.limits[0]), view[1].max(shown.limits[1])];
    // One next to a large number is nothing.
    if view[1] > view[0] { view } else { [view[0], view[0] + (view[0].abs() * 1e-6).max(1.0)] }
}

fn moved(ui: &Ui, response: &Response, axis: &Axis, shown: &Histogram<'_>, index: usize) -> Option<f64> {
    let bounds = if index == 0 { [shown.bounds[0], shown.limits[1]] } else { [shown.limits[0], shown.bounds[1]] };
    let mut value = response.interact_pointer_pos().filter(|_| response.dragged()).map(|_| {
        shown.limits[index] + f64::from(response.drag_delta().x / axis.width) * (axis.range[1] - axis.range[0])
    });
    if value.is_some() && response.drag_delta().x == 0.0 {
        value = None;
    }
    if let Some(pos) = response.interact_pointer_pos().filter(|_| response.dragged())
        && (axis.x(shown.limits[index]) - pos.x).abs() > 8.0
    {
        value = Some(axis.value(pos.x));
    }
    let step = (axis.range[1] - axis.range[0]) / 200.0;
    let mut steps = 0.0;
    let arrows = [(Key::ArrowRight, 1.0), (Key::ArrowLeft, -1.0), (Key::ArrowUp, 1.0), (Key::ArrowDown, -1.0)];
    value = arrow_steps(ui, response, &arrows, shown.limits[index], step, bounds).or(value);
    ui.input(|input| {
        steps += input.num_accesskit_action_requests(response.id, Action::Increment) as f64;
        steps -= input.num_accesskit_action_requests(response.id, Action::Decrement) as f64;
        for request in input.accesskit_action_requests(response.id, Action::SetValue) {
            if let Some(ActionData::NumericValue(target)) = request.data {
                value = Some(target);
            }
        }
    });
    if steps != 0.0 {
        value = Some(shown.limits[index] + steps * step);
    }
    value.map(|value| value.clamp(bounds[0], bounds[1])).filter(|value| *value != shown.limits[index])
}

fn describe(ui: &Ui, response: &Response, name: &str, shown: &Histogram<'_>, index: usize) {
    response.widget_info(|| WidgetInfo::slider(true, shown.limits[index], name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(shown.bounds[0]);
        node.set_max_numeric_value(shown.bounds[1]);
        node.add_action(Action::SetValue);
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
}

/// Dotted lines where the camera's dark level and full scale lie; what lies beyond the end is told at it.
fn paint_camera(ui: &Ui, rect: Rect, axis: &Axis, camera: [Option<f64>; 2]) {
    let tokens = Tokens::get(ui);
    let size = font(10.0, Weight::Regular);
    for ((value, name), y) in camera.into_iter().zip(["Camera offset", "Full scale"]).zip([8.0, 20.0]) {
        let Some(value) = value.filter(|value| value.is_finite()) else { continue };
        let x = axis.x(value);
        let is_beyond = value > axis.range[1];
        let what = if name == "Full scale" { "full" } else { "dark" };
        let text = format!("{what} {}{}", format::value(value), if is_beyond { " →" } else { "" });
        if !is_beyond {
            dotted_vline(ui.painter(), x, rect.shrink(2.0).y_range(), tokens.t2);
        }
        let is_right = x > rect.center().x;
        let align = if is_right { Align2::RIGHT_CENTER } else { Align2::LEFT_CENTER };
        let at = pos2(if is_right { x - 4.0 } else { x + 4.0 }, rect.top() + y);
        let galley = ui.painter().layout_no_wrap(text.clone(), size.clone(), tokens.t2);
        let area = align.anchor_size(at, galley.size());
        ui.painter().rect_filled(area.expand2(vec2(2.0, 0.0)), 2.0, tokens.bg0);
        ui.painter().galley(area.min, galley, tokens.t2);
        let response = ui.interact(area, ui.make_persistent_id(name), Sense::hover());
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Status, true, name);
            info.current_text_value = Some(text.clone());
            info
        });
    }
}

fn paint_bars(ui: &Ui, plot: Rect, axis: &Axis, shown: &Histogram<'_>, color: Color32) {
    let most = shown.bins.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let num_columns = (plot.width() * ui.ctx().pixels_per_point()).round().max(1.0) as usize;
    let scale = (most as f32).ln_1p();
    let bin_of = |value: f64| {
        let fraction = (value - shown.range[0]) / (shown.range[1] - shown.range[0]).max(f64::MIN_POSITIVE);
        (fraction * shown.bins.len() as f64).floor()
    };
    let mut mesh = Mesh::default();
    for column in 0..num_columns {
        let left = plot.left() + plot.width() * column as f32 / num_columns as f32;
        let right = plot.left() + plot.width() * (column + 1) as f32 / num_columns as f32;
        let (from, to) = (bin_of(axis.value(left)).max(0.0), bin_of(axis.value(right)));
        if to < 0.0 || from >= shown.bins.len() as f64 {
            continue;
        }
        let (from, to) = (from as usize, (to as usize).min(shown.bins.len() - 1));
        let count = shown.bins[from..=to.max(from)].iter().copied().max().unwrap_or(0);
        if count == 0 {
            continue;
        }
        // Logarithmic: dim voxels outnumber bright ones a thousandfold.
        let height = ((count as f32).ln_1p() / scale * plot.height()).max(1.0);
        mesh.add_colored_rect(Rect::from_x_y_ranges(left..=right, plot.bottom() - height..=plot.bottom()), color);
    }
    ui.painter().add(Shape::mesh(mesh));
}

fn paint_curve(ui: &Ui, plot: Rect, axis: &Axis, shown: &Histogram<'_>) {
    let (left, right) = (axis.x(shown.limits[0]), axis.x(shown.limits[1]));
    let points = (0..=32)
        .map(|step| {
            let fraction = step as f32 / 32.0;
            pos2(left + fraction * (right - left), plot.bottom() - fraction.powf(shown.gamma) * plot.height())
        })
        .collect();
    let color = if ui.visuals().dark_mode { Color32::from_white_alpha(150) } else { Color32::from_black_alpha(150) };
    ui.painter().line(points, Stroke::new(1.0, color));
}
