//! A button that drops a list of choices.

use egui::accesskit::Role;
use egui::{Align2, Key, Popup, Rect, Sense, Ui, WidgetInfo, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, font, icon_font};
use super::text::{elided, keycap, keycap_width, text, text_width};
use super::{focus_ring, hint};

/// A list drops down no wider than this; longer options are cut in their middle.
const LONGEST: f32 = 420.0;

/// Shows the chosen option; pressed, it lists them all. Returns the one chosen now.
pub fn choice(
    ui: &mut Ui,
    rect: Rect,
    name: &str,
    options: &[&str],
    selected: usize,
    explanation: &str,
    key: &str,
) -> Option<usize> {
    let tokens = Tokens::get(ui);
    let shown = options.get(selected).copied().unwrap_or("—");
    let response = ui.interact(rect, ui.make_persistent_id(("choice", name)), Sense::click());
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(shown.to_owned()),
        ..WidgetInfo::labeled(Role::ComboBox, ui.is_enabled(), name)
    });
    let is_open = Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response));
    let fill = if response.hovered() || is_open { tokens.bg3 } else { tokens.bg2 };
    ui.painter().rect_filled(rect, 4.0, fill);
    let painter = ui.painter_at(rect);
    let at = rect.left_center() + vec2(10.0, 0.0);
    let shown = elided(ui, shown, font(12.0, Weight::Regular), rect.width() - 32.0);
    text(&painter, at, Align2::LEFT_CENTER, &shown, font(12.0, Weight::Regular), tokens.t1);
    let caret_at = rect.right_center() - vec2(12.0, 0.0);
    text(&painter, caret_at, Align2::CENTER_CENTER, icons::CARET_DOWN, icon_font(11.0), tokens.t2);
    focus_ring(ui, &response, 4.0);
    let widest = options.iter().map(|option| text_width(ui, option, font(12.0, Weight::Regular))).fold(0.0, f32::max);
    let mut chosen = None;
    let width = (widest + 48.0).clamp(rect.width(), rect.width().max(LONGEST));
    Popup::menu(&response).gap(4.0).width(width).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (index, option) in options.iter().enumerate() {
            if menu_row(ui, option, index == selected) {
                chosen = Some(index);
                ui.close();
            }
        }
    });
    let is_by_key = ui.input(|input| input.key_pressed(Key::Enter) || input.key_pressed(Key::Space));
    if chosen.is_some() && is_by_key {
        response.request_focus();
    }
    if !is_open {
        hint(response, explanation, key);
    }
    chosen.filter(|index| *index != selected)
}

/// One line of a list that drops down. Returns whether it was pressed.
pub fn menu_row(ui: &mut Ui, label: &str, is_selected: bool) -> bool {
    let tokens = Tokens::get(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::MenuItem, true, is_selected, label));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, tokens.bg3);
    }
    focus_ring(ui, &response, 4.0);
    let color = if is_selected { tokens.accent_text } else { tokens.t1 };
    let left = rect.left_center() + vec2(10.0, 0.0);
    let room = rect.width() - if is_selected { 36.0 } else { 18.0 };
    let shown = elided(ui, label, font(12.0, Weight::Regular), room);
    text(ui.painter(), left, Align2::LEFT_CENTER, &shown, font(12.0, Weight::Regular), color);
    if is_selected {
        let right = rect.right_center() - vec2(14.0, 0.0);
        text(ui.painter(), right, Align2::CENTER_CENTER, icons::CHECK, icon_font(14.0), color);
    }
    if shown == label { response.clicked() } else { response.on_hover_text(label).clicked() }
}

/// One line of a menu of things to do, with its icon and key. Returns whether it was pressed.
pub fn menu_action(ui: &mut Ui, icon: &str, label: &str, key: &str, is_enabled: bool) -> bool {
    let tokens = Tokens::get(ui);
    ui.add_enabled_ui(is_enabled, |ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, is_enabled, label));
        if is_enabled && (response.hovered() || response.has_focus()) {
            ui.painter().rect_filled(rect, 4.0, tokens.bg3);
        }
        focus_ring(ui, &response, 4.0);
        let (color, icon_color) = if is_enabled { (tokens.t1, tokens.t2) } else { (tokens.t3, tokens.t3) };
        let at = rect.left_center() + vec2(18.0, 0.0);
        text(ui.painter(), at, Align2::CENTER_CENTER, icon, icon_font(16.0), icon_color);
        let at = rect.left_center() + vec2(36.0, 0.0);
        text(ui.painter(), at, Align2::LEFT_CENTER, label, font(12.0, Weight::Regular), color);
        if !key.is_empty() {
            let at = rect.right_center() - vec2(8.0 + keycap_width(ui, key) / 2.0, 0.0);
            keycap(ui, at, key, Some(tokens.bg1), tokens.t3);
        }
        response.clicked()
    })
    .inner
}

/// Width a choice needs for its widest option.
pub fn choice_width(ui: &Ui, options: &[&str]) -> f32 {
    options.iter().map(|option| text_width(ui, option, font(12.0, Weight::Regular))).fold(0.0, f32::max) + 34.0
}
