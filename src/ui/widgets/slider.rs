//! A thin track with a round handle, lying or standing, and on it perhaps a range of its own.

use egui::accesskit::{Action, ActionData, Role};
use egui::{Color32, Id, Key, Pos2, Rect, Response, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::super::Theme;
use super::super::theme::Tokens;
use super::{arrow_steps, hint, ring};

const HANDLE_RADIUS: f32 = 7.0;
const TRACK: f32 = 4.0;
const SLAB_ENDS: [&str; 2] = ["start", "end"];

/// Which way values grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// To the right.
    #[default]
    Right,
    /// Downwards: depth, as on the stage.
    Down,
}

/// A slider over a range of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Slider<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// Where the handle is.
    pub value: f64,
    /// First and last value.
    pub range: [f64; 2],
    /// Distance of an arrow key, and the grid values snap to; 0 for none.
    pub step: f64,
    /// Which way values grow.
    pub direction: Direction,
    /// A range drawn on the track, its ends to be dragged; in place of the fill from the start.
    pub slab: Option<[f64; 2]>,
    /// Whether there is a handle to drag.
    pub has_handle: bool,
    /// Whether the track lies on the black canvas.
    pub on_canvas: bool,
    /// Value a double click goes back to.
    pub reset: Option<f64>,
    /// Explanation in one line.
    pub hint: &'a str,
    /// Its keys.
    pub key: &'a str,
}

impl Default for Slider<'_> {
    fn default() -> Self {
        Self {
            name: "",
            value: 0.0,
            range: [0.0, 1.0],
            step: 0.0,
            direction: Direction::Right,
            slab: None,
            has_handle: true,
            on_canvas: false,
            reset: None,
            hint: "",
            key: "",
        }
    }
}

/// What a slider was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// The handle's new value.
    pub value: Option<f64>,
    /// The slab's new ends.
    pub slab: Option<[f64; 2]>,
    /// Whether it was double-clicked.
    pub is_reset: bool,
}

impl Slider<'_> {
    /// Draws it into a rectangle. Returns what was moved.
    pub fn show(&self, ui: &mut Ui, rect: Rect) -> Moved {
        let id = ui.make_persistent_id(("slider", self.name));
        self.draw(ui, rect, id);
        self.asked(ui, id).unwrap_or(Moved { value: None, slab: None, is_reset: false })
    }

    /// What was moved of the slider of a name, where it lay in the last frame if it has not been drawn in
    /// this one; `None` if it was not there.
    pub fn asked(&self, ui: &Ui, id: Id) -> Option<Moved> {
        let response = ui.ctx().read_response(id)?;
        let rect = response.rect;
        let mut value = self.has_handle.then(|| self.drag(ui, rect, &response, id, self.value)).flatten();
        if response.double_clicked() && self.reset.is_some() {
            value = self.reset;
        }
        value = self.keys(ui, &response, self.value, self.range).or(value);
        let slab = self.slab.and_then(|slab| self.slab_asked(ui, rect, id, slab));
        Some(Moved { value: value.filter(|value| *value != self.value), slab, is_reset: response.double_clicked() })
    }

    /// Draws it, and asks nothing.
    pub fn draw(&self, ui: &mut Ui, rect: Rect, id: Id) {
        let response = ui.interact(rect, id, Sense::click_and_drag());
        self.describe(ui, &response, self.name, self.value, self.range);
        if let Some(slab) = self.slab {
            self.draw_slab_ends(ui, rect, id, slab);
        }
        self.paint(ui, rect, &response);
        hint(response, self.hint, self.key);
    }

    fn is_standing(&self) -> bool {
        self.direction == Direction::Down
    }

    /// Distance along the track, inside the ends by the handle's radius.
    fn position(&self, rect: Rect, value: f64) -> f32 {
        let [low, high] = self.range;
        let fraction = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) as f32 } else { 0.5 };
        let (start, end) = self.ends(rect);
        start + fraction * (end - start)
    }

    fn ends(&self, rect: Rect) -> (f32, f32) {
        let rect = rect.shrink(HANDLE_RADIUS.min(rect.width() / 2.0).min(rect.height() / 2.0));
        if self.is_standing() { (rect.top(), rect.bottom()) } else { (rect.left(), rect.right()) }
    }

    fn along(&self, pos: Pos2) -> f32 {
        if self.is_standing() { pos.y } else { pos.x }
    }

    fn value_at(&self, rect: Rect, position: f32) -> f64 {
        let (start, end) = self.ends(rect);
        let fraction = f64::from(((position - start) / (end - start).max(1.0)).clamp(0.0, 1.0));
        let [low, high] = self.range;
        let value = low + fraction * (high - low);
        if self.step > 0.0 { low + ((value - low) / self.step).round() * self.step } else { value }.clamp(low, high)
    }

    /// The value the pointer drags to. A handle that is grabbed off its middle does not jump.
    fn drag(&self, ui: &Ui, rect: Rect, response: &Response, id: Id, current: f64) -> Option<f64> {
        let pointer = self.along(response.interact_pointer_pos()?);
        let grip_id = id.with("grip");
        if response.is_pointer_button_down_on() && ui.input(|input| input.pointer.any_pressed()) {
            let offset = self.position(rect, current) - pointer;
            let offset = if offset.abs() <= HANDLE_RADIUS { offset } else { 0.0 };
            ui.data_mut(|data| data.insert_temp(grip_id, offset));
            if offset != 0.0 {
                return None;
            }
        }
        if !(response.dragged() || response.is_pointer_button_down_on() || response.clicked()) {
            return None;
        }
        let offset = ui.data(|data| data.get_temp::<f32>(grip_id)).unwrap_or(0.0);
        if response.clicked() && offset != 0.0 {
            return None;
        }
        Some(self.value_at(rect, pointer + offset))
    }

    /// The value asked for by the keys of the focused response, or by a screen reader.
    pub fn keys(&self, ui: &Ui, response: &Response, current: f64, [low, high]: [f64; 2]) -> Option<f64> {
        let step = if self.step > 0.0 { self.step } else { (self.range[1] - self.range[0]) / 100.0 };
        let up = if self.is_standing() { -1.0 } else { 1.0 };
        let arrows = [
            (Key::ArrowRight, 1.0),
            (Key::ArrowLeft, -1.0),
            (Key::ArrowUp, up),
            (Key::ArrowDown, -up),
            (Key::PageUp, 10.0 * up),
            (Key::PageDown, -10.0 * up),
            (Key::Home, f64::NEG_INFINITY),
            (Key::End, f64::INFINITY),
        ];
        let mut steps = 0.0;
        let mut target = arrow_steps(ui, response, &arrows, current, step, [low, high]);
        ui.input(|input| {
            steps += input.num_accesskit_action_requests(response.id, Action::Increment) as f64;
            steps -= input.num_accesskit_action_requests(response.id, Action::Decrement) as f64;
            for request in input.accesskit_action_requests(response.id, Action::SetValue) {
                if let Some(ActionData::NumericValue(value)) = request.data {
                    target = Some(value);
                }
            }
        });
        let target = target.or((steps != 0.0).then_some(current + steps * step))?;
        target.is_finite().then(|| target.clamp(low, high))
    }

    /// Names a response for screen readers as a slider.
    pub fn describe(&self, ui: &Ui, response: &Response, name: &str, value: f64, [low, high]: [f64; 2]) {
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), value, name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_role(Role::Slider);
            node.set_min_numeric_value(low);
            node.set_max_numeric_value(high);
            if self.step > 0.0 {
                node.set_numeric_value_step(self.step);
            }
            node.add_action(Action::SetValue);
            node.add_action(Action::Increment);
            node.add_action(Action::Decrement);
        });
    }

    /// Where the ends of the slab are asked to be.
    fn slab_asked(&self, ui: &Ui, rect: Rect, id: Id, slab: [f64; 2]) -> Option<[f64; 2]> {
        let mut moved = None;
        for (index, end) in SLAB_ENDS.into_iter().enumerate() {
            let Some(response) = ui.ctx().read_response(id.with(end)) else { continue };
            let limits = self.slab_limits(slab, index);
            let dragged = response
                .interact_pointer_pos()
                .filter(|_| response.dragged())
                .map(|pos| self.value_at(rect, self.along(pos - self.outward(index))).clamp(limits[0], limits[1]));
            if let Some(value) = self.keys(ui, &response, slab[index], limits).or(dragged)
                && value != slab[index]
            {
                let mut ends = slab;
                ends[index] = value;
                moved = Some(ends);
            }
        }
        moved
    }

    fn draw_slab_ends(&self, ui: &mut Ui, rect: Rect, id: Id, slab: [f64; 2]) {
        for (index, end) in SLAB_ENDS.into_iter().enumerate() {
            let center = self.point(rect, self.position(rect, slab[index]));
            let size = if self.is_standing() { vec2(26.0, 10.0) } else { vec2(10.0, 26.0) };
            let grip = Rect::from_center_size(center + self.outward(index), size);
            let response = ui.interact(grip, id.with(end), Sense::click_and_drag());
            let name = format!("{} {end}", self.name.replace("Depth", "Slab"));
            self.describe(ui, &response, &name, slab[index], self.slab_limits(slab, index));
            let tokens = self.tokens(ui);
            let bar = if self.is_standing() { vec2(14.0, 3.0) } else { vec2(3.0, 14.0) };
            let is_hot = response.hovered() || response.dragged() || response.has_focus();
            let color = if is_hot { tokens.handle } else { tokens.accent };
            let bar = Rect::from_center_size(center, bar);
            ui.painter().rect_filled(bar, 1.5, color);
            if response.has_focus() {
                ring(ui, bar, 1.5, tokens.accent);
            }
            let cursor =
                if self.is_standing() { egui::CursorIcon::ResizeVertical } else { egui::CursorIcon::ResizeHorizontal };
            response.on_hover_and_drag_cursor(cursor);
        }
    }

    /// How far one end may go.
    fn slab_limits(&self, slab: [f64; 2], index: usize) -> [f64; 2] {
        if index == 0 { [self.range[0], slab[1]] } else { [slab[0], self.range[1]] }
    }

    /// From the end of a slab to the middle of what it is grabbed by.
    fn outward(&self, index: usize) -> Vec2 {
        let outward = if index == 0 { -4.0 } else { 4.0 };
        if self.is_standing() { vec2(0.0, outward) } else { vec2(outward, 0.0) }
    }

    /// The canvas, and the scrim on it, is dark in both themes.
    fn tokens(&self, ui: &Ui) -> &'static Tokens {
        if self.on_canvas { Tokens::of(Theme::Dark) } else { Tokens::get(ui) }
    }

    fn point(&self, rect: Rect, along: f32) -> Pos2 {
        if self.is_standing() { pos2(rect.center().x, along) } else { pos2(along, rect.center().y) }
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response) {
        let tokens = self.tokens(ui);
        let painter = ui.painter();
        let (start, end) = self.ends(rect);
        let segment = |from: f32, to: f32| {
            let half = TRACK / 2.0;
            Rect::from_two_pos(self.point(rect, from), self.point(rect, to)).expand2(if self.is_standing() {
                vec2(half, 0.0)
            } else {
                vec2(0.0, half)
            })
        };
        let (track, handle) = if self.on_canvas {
            (Color32::from_white_alpha(40), Color32::from_rgb(0xe8, 0xea, 0xed))
        } else {
            (tokens.bg3, tokens.handle)
        };
        let at = self.position(rect, self.value);
        painter.rect_filled(segment(start, end), 2.0, track);
        let filled = match self.slab {
            Some([low, high]) => Some((self.position(rect, low), self.position(rect, high))),
            None if !self.is_standing() => Some((start, at)),
            None => None,
        };
        if let Some((from, to)) = filled {
            painter.rect_filled(segment(from, to), 2.0, tokens.accent);
        }
        if !self.has_handle {
            return;
        }
        let center = self.point(rect, at);
        let is_hot = response.hovered() || response.dragged();
        let radius = if is_hot { HANDLE_RADIUS + 0.5 } else { HANDLE_RADIUS };
        painter.circle_filled(center + vec2(0.0, 1.0), radius + 0.5, Color32::from_black_alpha(70));
        painter.circle_filled(center, radius, handle);
        if !ui.visuals().dark_mode && !self.on_canvas {
            painter.circle_stroke(center, radius, egui::Stroke::new(1.0, tokens.t3.gamma_multiply(0.6)));
        }
        if response.has_focus() {
            painter.circle_stroke(center, radius + 2.0, egui::Stroke::new(2.0, tokens.accent));
        }
    }
}
