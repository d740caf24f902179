//! What is open, how it is looked at, and how it is doing: the bar along the top.

use egui::{Align2, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{self, Button, Fill, hint, icon_button, pill, segmented, segmented_width};
use super::super::{Command, Mode, Model, Overlay, Theme, live_text};
use crate::volume::Severity;

/// Height of the bar.
pub const HEIGHT: f32 = 40.0;

/// Draws the bar.
pub fn top_bar_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let y = rect.center().y;
    let right = right_side(ui, rect, model, commands);
    let left = rect.left() + 12.0;
    paint_logo(ui, pos2(left + 10.0, y));

    let options = [("Plane", "One plane of the volume", "P"), ("Projection", "Planes folded into one", "P")];
    let has_depth = super::super::num_depths(model.info, model.view.orientation) > 1;
    let width = segmented_width(ui, &["Plane", "Projection"]);
    let name_width = title_width(ui, model);
    let text_left = left + 32.0;
    // In the middle of the window, or as near to it as the title and the pills leave.
    let middle =
        (rect.center().x - width / 2.0).min(right - width - 16.0).max(text_left + name_width.min(140.0) + 16.0);
    let mut text_right = right - 12.0;
    if has_depth && middle + width < right {
        let segments = Rect::from_min_size(pos2(middle, y - 14.0), vec2(width, 28.0));
        let selected = usize::from(model.view.mode == Mode::Projection);
        if let Some(index) = segmented(ui, segments, &options, selected) {
            commands.push(Command::SetMode(if index == 0 { Mode::Plane } else { Mode::Projection }));
        }
        text_right = middle - 16.0;
    }
    paint_title(ui, Rect::from_x_y_ranges(text_left..=text_right.max(text_left), rect.y_range()), model);
}

fn title_width(ui: &Ui, model: &Model<'_>) -> f32 {
    widgets::text_width(ui, &model.array.name, font(13.0, Weight::SemiBold))
}

fn paint_title(ui: &mut Ui, rect: Rect, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let facts = format!("   {}", facts(model));
    let runs = [(model.array.name.as_str(), Weight::SemiBold, tokens.t1), (facts.as_str(), Weight::Regular, tokens.t3)];
    let galley = widgets::runs(ui.painter(), 13.0, rect.width(), &runs);
    let pos = pos2(rect.left(), rect.center().y - galley.size().y / 2.0);
    let area = Rect::from_min_size(pos, galley.size());
    ui.painter_at(rect).galley(pos, galley, tokens.t1);
    let response = ui.interact(area, ui.make_persistent_id("title"), egui::Sense::hover());
    response.widget_info(|| {
        let label = format!("{} {}", model.array.name, facts.trim());
        egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, label)
    });
    response.on_hover_text(model.array.path.display().to_string());
}

/// "240 t × 24 z × 1024 × 1024 · u16", the axes the dataset has.
fn facts(model: &Model<'_>) -> String {
    let shape = model.info.shape;
    let mut parts = Vec::new();
    for (index, letter) in [" t", " z", "", ""].into_iter().enumerate() {
        if model.info.has_axis[index] {
            parts.push(format!("{}{letter}", shape[index]));
        }
    }
    format!("{} · {}", parts.join(" × "), model.info.dtype.short_name())
}

/// Pills and buttons from the right. Returns where they begin.
fn right_side(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) -> f32 {
    let tokens = Tokens::get(ui);
    let y = rect.center().y;
    let mut right = rect.right() - 12.0;
    let open = Button {
        text: "Open…",
        icon: icons::FOLDER_OPEN,
        hint: "Open a recording",
        key: "Ctrl O",
        ..Button::default()
    };
    let width = open.width(ui) + 4.0;
    if open.show(ui, Rect::from_min_max(pos2(right - width, y - 13.0), pos2(right, y + 13.0))) {
        commands.push(Command::ToggleOverlay(Overlay::Open));
    }
    right -= width + 8.0;
    let mut icon = |ui: &mut Ui, icon: &str, name: &str, key: &str, is_enabled: bool, command: Command| {
        let area = Rect::from_center_size(pos2(right - 13.0, y), vec2(26.0, 26.0));
        ui.scope_builder(egui::UiBuilder::new().max_rect(area).id_salt(name), |ui| {
            ui.add_enabled_ui(is_enabled, |ui| {
                if icon_button(ui, area, icon, false, Fill::None, name, key).clicked() {
                    commands.push(command);
                }
            });
        });
        right -= 28.0;
    };
    let (theme_icon, theme_name) = match model.view.theme {
        Theme::Dark => (icons::SUN, "Light theme"),
        Theme::Light => (icons::MOON, "Dark theme"),
    };
    icon(ui, icons::KEYBOARD, "Keys", "?", true, Command::ToggleOverlay(Overlay::Keys));
    icon(ui, theme_icon, theme_name, "", true, Command::ToggleTheme);
    if rect.width() >= 900.0 {
        icon(ui, icons::ARROW_U_UP_RIGHT, "Redo", "Ctrl Shift Z", model.can_redo, Command::Redo);
        icon(ui, icons::ARROW_U_UP_LEFT, "Undo", "Ctrl Z", model.can_undo, Command::Undo);
    }
    right -= 8.0;
    if let Some((label, severity)) = problem_summary(model) {
        let (shape, color) = match severity {
            Severity::Note => (icons::INFO, [tokens.t2, tokens.t2]),
            Severity::Warning => (icons::WARNING, [tokens.warn, tokens.warn]),
            Severity::Error => (icons::WARNING_OCTAGON, [tokens.bad, tokens.bad_text]),
        };
        let response = pill(ui, right, y, shape, &label, "Problems", color);
        right = response.rect.left() - 12.0;
        if hint(response, "What is wrong with this recording", "").clicked() {
            commands.push(Command::ToggleOverlay(Overlay::Problems));
        }
    }
    if let Some(live) = model.live {
        let text = live_text::pill(live);
        let color = match text.tone {
            live_text::Tone::Live => [tokens.bad, tokens.bad_text],
            live_text::Tone::Good => [tokens.ok, tokens.ok],
            live_text::Tone::Warning => [tokens.warn, tokens.warn],
        };
        let response = pill(ui, right, y, text.icon, &text.label, "Recording", color);
        right = response.rect.left() - 8.0;
        if response.on_hover_text(live_text::sentence(live)).clicked() {
            commands.push(Command::ToggleFollow);
        }
    }
    right
}

/// "2 warnings", and the worst of them.
fn problem_summary(model: &Model<'_>) -> Option<(String, Severity)> {
    let worst = model.problems.iter().map(|problem| problem.severity).max()?;
    let num = model.problems.iter().filter(|problem| problem.severity == worst).count();
    let word = match worst {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    Some((format!("{num} {word}{}", if num == 1 { "" } else { "s" }), worst))
}

/// Three planes of a stack, the mark of the program.
pub fn paint_logo(ui: &Ui, center: egui::Pos2) {
    paint_logo_sized(ui, center, 1.0);
}

/// The mark at a multiple of its size.
pub fn paint_logo_sized(ui: &Ui, center: egui::Pos2, scale: f32) {
    let accent = Tokens::get(ui).accent;
    let at = |x: f32, y: f32| center + vec2(x - 10.0, y - 10.0) * scale;
    let top = vec![at(3.0, 6.0), at(10.0, 2.0), at(17.0, 6.0), at(10.0, 10.0)];
    ui.painter().add(Shape::convex_polygon(top, accent, Stroke::NONE));
    for y in [10.0, 14.0] {
        let line = vec![at(3.0, y), at(10.0, y + 4.0), at(17.0, y)];
        ui.painter().line(line, Stroke::new(1.6 * scale, accent));
    }
}

/// The bar of the screens that show no dataset: the mark, the name, and nothing to miss.
pub fn bare_bar_ui(ui: &mut Ui, rect: Rect, theme: Theme, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    paint_logo(ui, pos2(rect.left() + 22.0, rect.center().y));
    let at = pos2(rect.left() + 44.0, rect.center().y);
    ui.painter().text(at, Align2::LEFT_CENTER, "Tectum", font(13.0, Weight::SemiBold), tokens.t1);
    let (icon, name) = match theme {
        Theme::Dark => (icons::SUN, "Light theme"),
        Theme::Light => (icons::MOON, "Dark theme"),
    };
    let mut right = rect.right() - 12.0;
    for (icon, name, key, command) in
        [(icons::KEYBOARD, "Keys", "?", Command::ToggleOverlay(Overlay::Keys)), (icon, name, "", Command::ToggleTheme)]
    {
        let area = Rect::from_center_size(pos2(right - 13.0, rect.center().y), vec2(26.0, 26.0));
        if icon_button(ui, area, icon, false, Fill::None, name, key).clicked() {
            commands.push(command);
        }
        right -= 28.0;
    }
}
