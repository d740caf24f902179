//! The axes of an array as fields, slowest first: each a length and a letter, which is dragged onto another axis,
//! chosen from a list, or typed.

use egui::accesskit::Role;
use egui::{
    Align2, CursorIcon, EventFilter, Key, Popup, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::super::theme::{Tokens, Weight, filled_icon_font, font, icon_font};
use super::super::widgets::{Number, elided, focus_ring, hint, menu_row, text};
use super::super::{AxisRole, Command, Draft, SheetCommand, format, icons};
use super::axes::say;
use crate::volume::Axis;

const WIDTH: f32 = 92.0;
const HEIGHT: f32 = 28.0;
const GAP: f32 = 8.0;

/// The fields, and below each why the axis is taken for that.
pub fn axis_fields(ui: &mut Ui, area: Rect, draft: &Draft, commands: &mut Vec<Command>) {
    let num = draft.dims.len().max(1);
    let width = ((area.width() + GAP) / num as f32 - GAP).min(WIDTH);
    let field =
        |i: usize| Rect::from_min_size(pos2(area.left() + (width + GAP) * i as f32, area.top()), vec2(width, HEIGHT));
    let responses: Vec<Response> = (0..draft.dims.len()).map(|i| field_ui(ui, field(i), draft, i, commands)).collect();
    for (i, response) in responses.iter().enumerate() {
        let below = Rect::from_min_size(field(i).left_bottom() + vec2(0.0, 3.0), vec2(width, 18.0));
        match draft.roles[i] {
            AxisRole::Held(index) => held_ui(ui, below, draft, i, index, commands),
            _ => reason_ui(ui, below, draft, i),
        }
        drag(ui, response, i, &responses, draft, commands);
    }
}

fn field_ui(ui: &mut Ui, rect: Rect, draft: &Draft, axis: usize, commands: &mut Vec<Command>) -> Response {
    let tokens = Tokens::get(ui);
    let role = draft.roles[axis];
    let response = ui.interact(rect, ui.make_persistent_id(("axis", axis)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(role.letter()),
        ..WidgetInfo::labeled(Role::ComboBox, true, format!("Axis {axis}, {} long", draft.dims[axis]))
    });
    let is_open = Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response));
    let fill = if response.hovered() || is_open { tokens.bg3 } else { tokens.bg2 };
    ui.painter().rect_filled(rect, 4.0, fill);
    let painter = ui.painter_at(rect);
    let caret = rect.right_center() - vec2(12.0, 0.0);
    text(&painter, caret, Align2::CENTER_CENTER, icons::CARET_DOWN, icon_font(11.0), tokens.t3);
    let at = caret - vec2(9.0, 0.0);
    let letter =
        text(&painter, at, Align2::RIGHT_CENTER, &role.letter(), font(13.0, Weight::SemiBold), tokens.accent_text);
    let length = format::integer(draft.dims[axis] as i64);
    let shown = elided(ui, &length, font(13.0, Weight::Regular), letter.left() - rect.left() - 12.0);
    text(
        &painter,
        rect.left_center() + vec2(8.0, 0.0),
        Align2::LEFT_CENTER,
        &shown,
        font(13.0, Weight::Regular),
        tokens.t1,
    );
    focus_ring(ui, &response, 4.0);
    Popup::menu(&response).gap(4.0).width(170.0).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for option in AxisRole::ALL {
            let is_chosen = option.label() == role.label();
            if menu_row(ui, option.label(), is_chosen) {
                if !is_chosen {
                    say(commands, SheetCommand::SetRole { axis, role: option });
                }
                ui.close();
            }
        }
    });
    keys(ui, &response, axis, draft, commands);
    if is_open {
        return response;
    }
    let why = "What this axis is: click for a list, drag onto another axis, or type t z y x c; ← → exchange neighbours";
    hint(response.clone().on_hover_cursor(CursorIcon::Grab), why, "");
    response
}

/// Letters say what the axis is, arrows exchange it with its neighbour.
fn keys(ui: &Ui, response: &Response, axis: usize, draft: &Draft, commands: &mut Vec<Command>) {
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let letters = [
        (Key::T, AxisRole::Axis(Axis::T)),
        (Key::Z, AxisRole::Axis(Axis::Z)),
        (Key::Y, AxisRole::Axis(Axis::Y)),
        (Key::X, AxisRole::Axis(Axis::X)),
        (Key::C, AxisRole::Channel),
        (Key::H, AxisRole::Held(0)),
        (Key::Minus, AxisRole::Held(0)),
    ];
    let is_pressed = |key: Key| ui.input(|input| input.key_pressed(key) && !input.modifiers.any());
    if let Some((_, role)) = letters.into_iter().find(|(key, _)| is_pressed(*key)) {
        say(commands, SheetCommand::SetRole { axis, role });
    }
    let neighbour = match (is_pressed(Key::ArrowLeft), is_pressed(Key::ArrowRight)) {
        (true, false) => axis.checked_sub(1),
        (false, true) => Some(axis + 1).filter(|next| *next < draft.dims.len()),
        _ => None,
    };
    if let Some(neighbour) = neighbour {
        say(commands, SheetCommand::SwapAxes([axis, neighbour]));
    }
}

/// A letter is dragged onto another axis: the two exchange theirs.
fn drag(ui: &Ui, response: &Response, axis: usize, all: &[Response], draft: &Draft, commands: &mut Vec<Command>) {
    if !response.dragged() && !response.drag_stopped() {
        return;
    }
    let Some(pointer) = ui.input(|input| input.pointer.interact_pos()) else { return };
    let target = all.iter().position(|other| other.rect.expand(3.0).contains(pointer)).filter(|other| *other != axis);
    if response.drag_stopped() {
        if let Some(target) = target {
            say(commands, SheetCommand::SwapAxes([axis, target]));
        }
        return;
    }
    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    let tokens = Tokens::get(ui);
    if let Some(target) = target {
        ui.painter().rect_stroke(all[target].rect, 4.0, Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
    }
    let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Tooltip, egui::Id::unique("axis on its way")));
    let chip = Rect::from_center_size(pointer, vec2(34.0, 24.0));
    painter.rect(chip, 4.0, tokens.bg3, Stroke::new(1.0, tokens.accent), StrokeKind::Inside);
    let letter = draft.roles[axis].letter();
    text(&painter, chip.center(), Align2::CENTER_CENTER, &letter, font(13.0, Weight::SemiBold), tokens.accent_text);
}

fn reason_ui(ui: &mut Ui, below: Rect, draft: &Draft, axis: usize) {
    let tokens = Tokens::get(ui);
    let from = draft.from[axis];
    let (color, mut left) =
        if from.is_guess { (tokens.warn_text, below.left() + 14.0) } else { (tokens.t3, below.left()) };
    if from.is_guess {
        let at = pos2(below.left() + 6.0, below.center().y);
        text(ui.painter(), at, Align2::CENTER_CENTER, icons::WARNING, filled_icon_font(10.0), color);
    } else {
        left += 1.0;
    }
    let shown = elided(ui, from.words, font(11.0, Weight::Regular), below.right() - left);
    text(ui.painter(), pos2(left, below.center().y), Align2::LEFT_CENTER, &shown, font(11.0, Weight::Regular), color);
    let response = ui.interact(below, ui.make_persistent_id(("why", axis)), Sense::hover());
    let words = format!("Axis {axis}: {}{}", from.words, if from.is_guess { ", a guess" } else { "" });
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    hint(response, &words, "");
}

/// At which index it is held.
fn held_ui(ui: &mut Ui, below: Rect, draft: &Draft, axis: usize, index: usize, commands: &mut Vec<Command>) {
    let name = format!("Index of axis {axis}");
    let last = draft.dims[axis].saturating_sub(1);
    let number = Number {
        name: &name,
        value: index as f64,
        range: [0.0, last as f64],
        decimals: Some(0),
        step: 0.25,
        unit: "",
        hint: "The one index of this axis that is shown",
        key: "",
    };
    if let Some(index) = number.show(ui, below.translate(vec2(0.0, 1.0))) {
        say(commands, SheetCommand::SetRole { axis, role: AxisRole::Held(index as usize) });
    }
}
