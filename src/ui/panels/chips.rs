//! The channels of a recording as chips beside its name: each says what it is called and in which colour it is
//! drawn, shows or hides it, makes it the one the panels are about, and offers other colours. One channel alone
//! needs none.

use egui::accesskit::Role;
use egui::{Align2, Color32, Popup, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::super::icons;
use super::super::model::{LayerInfo, LayerState};
use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{self, hint, menu_row, swatch};
use super::super::{Command, LIGHTS, LayerView, Model};
use crate::volume::{Blend, Colormap};

const HEIGHT: f32 = 24.0;
const GAP: f32 = 6.0;
/// Room of the swatch, and of the caret.
const EYE: f32 = 24.0;
const CARET: f32 = 18.0;
/// A name is cut to this.
const LONGEST: f32 = 84.0;
/// Room of the chip that stands for those there is no room for.
const MORE: f32 = 36.0;

/// The chips in the room there is for them.
pub struct Fitting {
    /// How many of them there is room for.
    num: usize,
    /// The width they take, that of the chip for the others included; nought where there is one layer.
    pub width: f32,
}

/// How many chips there is room for. Asked once a frame: what was reserved is what is drawn.
pub fn fitting(ui: &Ui, model: &Model<'_>, room: f32) -> Fitting {
    let num = model.layers.len();
    let (mut fitting, mut taken) = (0, 0.0);
    for (index, layer) in model.layers.iter().enumerate().filter(|_| num > 1) {
        let width = taken + chip_width(ui, layer) + GAP;
        let rest = if index + 1 < num { MORE + GAP } else { 0.0 };
        if width + rest > room {
            break;
        }
        (fitting, taken) = (index + 1, width);
    }
    Fitting { num: fitting, width: if num > 1 && fitting < num { taken + MORE } else { taken } }
}

/// Draws the chips from the left end of a rectangle that is as wide as they take.
pub fn chips_ui(ui: &mut Ui, rect: Rect, fitting: &Fitting, model: &Model<'_>, commands: &mut Vec<Command>) {
    let num = fitting.num;
    let mut left = rect.left();
    for index in 0..num {
        let width = chip_width(ui, &model.layers[index]);
        let place = Rect::from_min_size(pos2(left, rect.center().y - HEIGHT / 2.0), vec2(width, HEIGHT));
        chip_ui(ui, place, index, model, commands);
        left += width + GAP;
    }
    if (1..model.layers.len()).contains(&num) || num == 0 && model.layers.len() > 1 {
        let place = Rect::from_min_size(pos2(left, rect.center().y - HEIGHT / 2.0), vec2(MORE, HEIGHT));
        more_ui(ui, place, num, model, commands);
    }
}

fn chip_width(ui: &Ui, layer: &LayerInfo<'_>) -> f32 {
    let name = widgets::elided(ui, layer.name, font(12.0, Weight::Medium), LONGEST);
    EYE + widgets::text_width(ui, &name, font(12.0, Weight::Medium)) + 4.0 + CARET
}

fn chip_ui(ui: &mut Ui, rect: Rect, index: usize, model: &Model<'_>, commands: &mut Vec<Command>) {
    let (layer, shown) = (&model.layers[index], &model.state.layers[index]);
    let tokens = Tokens::get(ui);
    let is_chosen = index == model.state.active_layer;
    ui.painter().rect_filled(rect, 12.0, tokens.bg2);
    if is_chosen {
        ui.painter().rect_stroke(rect, 12.0, Stroke::new(1.0, tokens.accent), StrokeKind::Inside);
    }
    let [eye, rest] = split_at(rect, rect.left() + EYE);
    let [name, caret] = split_at(rest, rect.right() - CARET);
    if eye_ui(ui, eye, index, layer, shown) {
        commands.push(Command::ToggleLayer(index));
    }
    if name_ui(ui, name, index, layer, shown, is_chosen) {
        commands.push(Command::SetActiveLayer(index));
    }
    let response = caret_ui(ui, caret, layer);
    Popup::menu(&response).gap(4.0).width(232.0).show(|ui| colors_ui(ui, index, model, commands));
}

fn split_at(rect: Rect, x: f32) -> [Rect; 2] {
    [Rect::from_x_y_ranges(rect.left()..=x, rect.y_range()), Rect::from_x_y_ranges(x..=rect.right(), rect.y_range())]
}

/// The swatch that is the eye: full while the channel is shown, a ring while it is not.
fn eye_ui(ui: &mut Ui, rect: Rect, index: usize, layer: &LayerInfo<'_>, shown: &LayerView) -> bool {
    let response = ui.interact(rect, ui.make_persistent_id(("show channel", index)), Sense::click());
    let label = format!("Show {}", layer.name);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, shown.visible, &label));
    let center = rect.center() + vec2(1.0, 0.0);
    dot(ui, center, shown, response.hovered());
    widgets::focus_ring(ui, &response, 8.0);
    let words = if shown.visible { "Shown; hide it" } else { "Hidden; show it" };
    let key = format!("Ctrl {}", index + 1);
    hint(response, words, if index < 9 { &key } else { "" }).clicked()
}

/// A channel's colour as a disc, or as a ring where it is hidden: the shape tells it too.
fn dot(ui: &Ui, center: egui::Pos2, shown: &LayerView, is_hovered: bool) {
    let [r, g, b, _] = shown.colormap.color(if shown.colormap == Colormap::Labels { 7 } else { 235 });
    let color = Color32::from_rgb(r, g, b);
    let tokens = Tokens::get(ui);
    if shown.visible {
        ui.painter().circle_filled(center, 6.0, color);
    } else {
        ui.painter().circle_stroke(center, 5.0, Stroke::new(2.0, color));
    }
    // Seen on any ground, and in any colour.
    let edge = if is_hovered { tokens.t1 } else { tokens.line };
    ui.painter().circle_stroke(center, 6.5, Stroke::new(1.0, edge));
}

fn name_ui(ui: &mut Ui, rect: Rect, index: usize, layer: &LayerInfo<'_>, shown: &LayerView, is_chosen: bool) -> bool {
    let tokens = Tokens::get(ui);
    let response = ui.interact(rect, ui.make_persistent_id(("choose channel", index)), Sense::click());
    response.widget_info(|| {
        let mut info = WidgetInfo::selected(Role::RadioButton, true, is_chosen, layer.name);
        info.current_text_value = words(layer.state).map(str::to_owned);
        info
    });
    let color = match (layer.state, shown.visible) {
        (LayerState::Here, true) if is_chosen || response.hovered() => tokens.t1,
        (LayerState::Here, true) => tokens.t2,
        (LayerState::Here, false) => tokens.t3,
        _ => tokens.warn_text,
    };
    let name = widgets::elided(ui, layer.name, font(12.0, Weight::Medium), LONGEST);
    widgets::text(ui.painter(), rect.left_center(), Align2::LEFT_CENTER, &name, font(12.0, Weight::Medium), color);
    widgets::focus_ring(ui, &response, 4.0);
    let words = words(layer.state).unwrap_or("Contrast, colour and quality of this channel");
    let text = if name == layer.name { words.to_owned() } else { format!("{}\n{words}", layer.name) };
    hint(response, &text, ", .").clicked()
}

/// Why a channel is not seen although it is shown.
fn words(state: LayerState) -> Option<&'static str> {
    match state {
        LayerState::Here => None,
        LayerState::Ended => Some("It has nothing here: it ends before this place"),
        LayerState::Former => Some("Its files are those of the recording before: they are not shown with this one"),
    }
}

fn caret_ui(ui: &mut Ui, rect: Rect, layer: &LayerInfo<'_>) -> Response {
    let tokens = Tokens::get(ui);
    let name = format!("Colour of {}", layer.name);
    let response = ui.interact(rect, ui.make_persistent_id(&name), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let color = if response.hovered() { tokens.t1 } else { tokens.t3 };
    let at = rect.center() - vec2(2.0, 0.0);
    widgets::text(ui.painter(), at, Align2::CENTER_CENTER, icons::CARET_DOWN, icon_font(10.0), color);
    widgets::focus_ring(ui, &response, 4.0);
    response
}

/// The colours there are for a channel, and showing it alone.
fn colors_ui(ui: &mut Ui, index: usize, model: &Model<'_>, commands: &mut Vec<Command>) {
    let shown = &model.state.layers[index];
    let others = (0..model.layers.len()).filter(|other| *other != index);
    let (gap, num_columns) = (6.0, 4);
    let offered = offered(shown.colormap);
    let width = (ui.available_width() - 16.0 - gap * (num_columns - 1) as f32) / num_columns as f32;
    let num_rows = offered.len().div_ceil(num_columns);
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), num_rows as f32 * 22.0 + 8.0), Sense::hover());
    for (place, colormap) in offered.into_iter().enumerate() {
        let (line, column) = (place / num_columns, place % num_columns);
        let corner = area.min + vec2(8.0 + column as f32 * (width + gap), 6.0 + line as f32 * 22.0);
        if swatch(ui, Rect::from_min_size(corner, vec2(width, 16.0)), colormap, shown.colormap == colormap) {
            commands.extend([Command::SetActiveLayer(index), Command::SetColormap(colormap)]);
            ui.close();
        }
    }
    let is_alone = shown.visible && others.clone().all(|other| !model.state.layers[other].visible);
    if is_alone {
        if menu_row(ui, "Show all channels", false) {
            commands.extend(others.map(Command::ToggleLayer));
            ui.close();
        }
    } else if menu_row(ui, "Show it alone", false) {
        let wrong = |other: &usize| model.state.layers[*other].visible != (*other == index);
        commands.extend((0..model.layers.len()).filter(wrong).map(Command::ToggleLayer));
        ui.close();
    }
}

/// The lights, and the colour of the channel's own files.
fn offered(own: Colormap) -> Vec<Colormap> {
    let mut offered = LIGHTS.to_vec();
    if !offered.contains(&own) {
        offered.push(own);
    }
    offered
}

/// The gradients that a layer's colormap is chosen from: where it is one of several, the lights too.
pub fn gradients(layer: &LayerView) -> Vec<Colormap> {
    let mut gradients: Vec<_> = Colormap::ALL.into_iter().filter(|known| *known != Colormap::Saturation).collect();
    if layer.blend == Blend::Add {
        let more = offered(layer.colormap).into_iter().filter(|light| !Colormap::ALL.contains(light));
        gradients.extend(more);
    }
    gradients
}

/// The channels there is no room for, behind their number.
fn more_ui(ui: &mut Ui, rect: Rect, first: usize, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let label = format!("+{}", model.layers.len() - first);
    let response = ui.interact(rect, ui.make_persistent_id("more channels"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "More channels"));
    ui.painter().rect_filled(rect, 12.0, if response.hovered() { tokens.bg3 } else { tokens.bg2 });
    let is_chosen = model.state.active_layer >= first;
    if is_chosen {
        ui.painter().rect_stroke(rect, 12.0, Stroke::new(1.0, tokens.accent), StrokeKind::Inside);
    }
    widgets::text(ui.painter(), rect.center(), Align2::CENTER_CENTER, &label, font(12.0, Weight::Medium), tokens.t1);
    widgets::focus_ring(ui, &response, 12.0);
    Popup::menu(&response).gap(4.0).width(220.0).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for index in first..model.layers.len() {
            let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
            let [eye, name] = split_at(row, row.left() + EYE + 4.0);
            let (layer, shown) = (&model.layers[index], &model.state.layers[index]);
            if eye_ui(ui, eye, index, layer, shown) {
                commands.push(Command::ToggleLayer(index));
            }
            if name_ui(ui, name, index, layer, shown, index == model.state.active_layer) {
                commands.push(Command::SetActiveLayer(index));
            }
        }
    });
}
