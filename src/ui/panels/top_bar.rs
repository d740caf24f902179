//! What is open, how it is looked at, and how it is doing: the bar along the top. Its controls are made
//! from left to right, which is the order the keyboard goes through them.

use egui::{Align2, Popup, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{
    self, Button, Fill, elided, grade_mark, hint, icon_button, menu_action, pill, pill_width, segmented,
    segmented_width,
};
use super::super::{Command, Mode, Model, Overlay, Quality, Section, Theme, format, icons, live_text, notes};
use super::chips;
use crate::qc::Grade;
use crate::volume::Severity;

/// Height of the bar.
pub const HEIGHT: f32 = 40.0;
const ICON: f32 = 28.0;
const GAP: f32 = 16.0;
/// A name is never cut to less than this.
const LEAST_NAME: f32 = 120.0;

/// A thing to do that stands as an icon in a wide bar, as a line of the menu in a narrow one.
struct Tool {
    icon: &'static str,
    name: &'static str,
    key: &'static str,
    is_enabled: bool,
    command: Command,
}

fn tools(model: &Model<'_>, has_notes: bool) -> Vec<Tool> {
    let (theme_icon, theme_name) = other_theme(model.state.panels.theme);
    let tool = |icon, name, key, is_enabled, command| Tool { icon, name, key, is_enabled, command };
    let mut tools = vec![
        tool(icons::ARROW_U_UP_LEFT, "Undo", "Ctrl Z", model.can_undo, Command::Undo),
        tool(icons::ARROW_U_UP_RIGHT, "Redo", "Ctrl Shift Z", model.can_redo, Command::Redo),
        tool(theme_icon, theme_name, "", true, Command::ToggleTheme),
        tool(icons::KEYBOARD, "Keys", "?", true, Command::ToggleOverlay(Overlay::Keys)),
        tool(icons::FLOPPY_DISK, "Save the picture", "Ctrl S", true, Command::ToggleOverlay(Overlay::Save)),
    ];
    if has_notes {
        tools.insert(2, tool(icons::BELL, "Notes", "", true, Command::ToggleOverlay(Overlay::Notes)));
    }
    tools
}

fn other_theme(theme: Theme) -> (&'static str, &'static str) {
    match theme {
        Theme::Dark => (icons::SUN, "Light theme"),
        Theme::Light => (icons::MOON, "Dark theme"),
    }
}

/// Draws the bar; where the window `is_narrow`, what is seldom needed goes into a menu.
pub fn top_bar_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, is_narrow: bool, commands: &mut Vec<Command>) {
    let y = rect.center().y;
    let left = rect.left() + 12.0;
    paint_logo(ui, pos2(left + 10.0, y));
    let text_left = left + 32.0;

    // The places from the right, then the controls from the left.
    let tools = tools(model, !notes::published(ui.ctx()).is_empty());
    let open = open_button(is_narrow);
    let tools_width = if is_narrow { 2.0 * ICON } else { tools.len() as f32 * ICON + 8.0 + open.width(ui) + 4.0 };
    let tools_left = rect.right() - 12.0 - tools_width;
    let pills = pills(model);
    let pills_width: f32 = pills.iter().map(|pill| pill.width(ui) + 8.0).sum();
    let badge = model.quality.and_then(|quality| Badge::of(&quality));
    let badge_width = badge.as_ref().map_or(0.0, |badge| badge.width(ui) + 8.0);
    let pills_left = tools_left - 8.0 - pills_width - badge_width;

    let has_depth = super::super::num_depths(model.info, model.view.orientation) > 1;
    let width = segmented_width(ui, &["Plane", "Projection"]);
    let name_width = widgets::text_width(ui, model.name, font(13.0, Weight::SemiBold));
    // In the middle of the window, or as near to it as the title and the pills leave.
    let middle =
        (rect.center().x - width / 2.0).min(pills_left - width - 8.0).max(text_left + name_width.min(LEAST_NAME) + GAP);
    let has_segments = has_depth && middle + width < pills_left;
    let text_right = if has_segments { middle - GAP } else { pills_left - 8.0 };
    let chips = chips::fitting(ui, model, text_right - text_left - name_width.min(LEAST_NAME) - GAP);
    let title_right = text_right - if chips.width > 0.0 { chips.width + GAP } else { 0.0 };
    let title = Rect::from_x_y_ranges(text_left..=title_right.max(text_left), rect.y_range());
    let drawn_right = paint_title(ui, title, model);
    if chips.width > 0.0 {
        let left = drawn_right.min(title.right()) + GAP;
        let place = Rect::from_x_y_ranges(left..=left + chips.width, rect.y_range());
        chips::chips_ui(ui, place, &chips, model, commands);
    }

    if has_segments {
        let options = [("Plane", "One plane of the volume", "P"), ("Projection", "Planes folded into one", "P")];
        let segments = Rect::from_min_size(pos2(middle, y - 14.0), vec2(width, 28.0));
        let selected = usize::from(model.view.mode == Mode::Projection);
        if let Some(index) = segmented(ui, segments, &options, selected) {
            commands.push(Command::SetMode(if index == 0 { Mode::Plane } else { Mode::Projection }));
        }
    }
    let mut x = pills_left;
    for pill in pills {
        x += pill.width(ui);
        pill.show(ui, x, y, commands);
        x += 8.0;
    }
    if let Some(badge) = badge {
        badge.show(ui, x, y, model, is_narrow, commands);
    }
    let area = Rect::from_x_y_ranges(tools_left..=rect.right() - 12.0, rect.y_range());
    if is_narrow {
        narrow_tools_ui(ui, area, &tools, commands);
    } else {
        tools_ui(ui, area, &tools, &open, commands);
    }
}

fn open_button(is_narrow: bool) -> Button<'static> {
    let text = if is_narrow { "" } else { "Open…" };
    Button { text, icon: icons::FOLDER_OPEN, hint: "Open a recording", key: "Ctrl O", ..Button::default() }
}

fn tools_ui(ui: &mut Ui, area: Rect, tools: &[Tool], open: &Button<'_>, commands: &mut Vec<Command>) {
    let y = area.center().y;
    let mut left = area.left();
    for tool in tools {
        let place = Rect::from_center_size(pos2(left + ICON / 2.0, y), vec2(26.0, 26.0));
        ui.scope_builder(egui::UiBuilder::new().max_rect(place).id_salt(tool.name), |ui| {
            ui.add_enabled_ui(tool.is_enabled, |ui| {
                if icon_button(ui, place, tool.icon, false, Fill::None, tool.name, tool.key).clicked() {
                    commands.push(tool.command.clone());
                }
            });
        });
        left += ICON;
    }
    let place = Rect::from_min_max(pos2(left + 8.0, y - 13.0), pos2(area.right(), y + 13.0));
    if open.show(ui, place) {
        commands.push(Command::ToggleOverlay(Overlay::Open));
    }
}

/// The folder, and the rest behind three dots.
fn narrow_tools_ui(ui: &mut Ui, area: Rect, tools: &[Tool], commands: &mut Vec<Command>) {
    let place = |index: f32| {
        Rect::from_center_size(pos2(area.left() + ICON * (index + 0.5), area.center().y), vec2(26.0, 26.0))
    };
    if icon_button(ui, place(0.0), icons::FOLDER_OPEN, false, Fill::None, "Open…", "Ctrl O").clicked() {
        commands.push(Command::ToggleOverlay(Overlay::Open));
    }
    let more = icon_button(ui, place(1.0), icons::DOTS_THREE_VERTICAL, false, Fill::None, "More", "");
    Popup::menu(&more).gap(4.0).width(220.0).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for tool in tools {
            if menu_action(ui, tool.icon, tool.name, tool.key, tool.is_enabled) {
                commands.push(tool.command.clone());
                ui.close();
            }
        }
    });
}

/// The name, cut in its middle where it must be, and the facts, which keep their room: they are cut at their
/// end only where the name is already as short as it may become. Returns where it ends.
fn paint_title(ui: &mut Ui, rect: Rect, model: &Model<'_>) -> f32 {
    let tokens = Tokens::get(ui);
    let (name, facts) = (model.name, facts(model));
    let name_font = font(13.0, Weight::SemiBold);
    let facts_width = widgets::text_width(ui, &facts, font(13.0, Weight::Regular));
    let room = (rect.width() - 12.0 - facts_width).max(LEAST_NAME).min(rect.width());
    let shown = elided(ui, name, name_font.clone(), room);
    let y = rect.center().y;
    let painter = ui.painter_at(rect);
    let drawn = widgets::text(&painter, pos2(rect.left(), y), Align2::LEFT_CENTER, &shown, name_font, tokens.t1);
    let left = drawn.right() + 12.0;
    let galley = widgets::runs(&painter, 13.0, rect.right() - left, &[(&facts, Weight::Regular, tokens.t3)]);
    let has_facts = rect.right() - left >= 40.0;
    let (right, is_cut) = (if has_facts { left + galley.size().x } else { drawn.right() }, galley.elided);
    if has_facts {
        painter.galley(pos2(left, y - galley.size().y / 2.0), galley, tokens.t3);
    }
    let area = Rect::from_x_y_ranges(rect.left()..=right.min(rect.right()), drawn.y_range());
    let response = ui.interact(area, ui.make_persistent_id("title"), egui::Sense::hover());
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::accesskit::Role::Heading, true, format!("{name} {facts}"));
        info.current_text_value = Some(format!("{shown} {}", if is_cut { "…" } else { &facts }));
        info
    });
    response.on_hover_text(format!("{name}\n{facts}\n{}", model.array.location));
    right
}

/// "240 t × 24 z × 1024 × 1024 · u16", the axes the dataset has; of a growing one also how long it will be.
fn facts(model: &Model<'_>) -> String {
    let shape = model.info.shape;
    let expected = model.live.and_then(|live| live.expected_end).filter(|end| *end > shape[0]);
    let mut parts = Vec::new();
    for (index, letter) in [" t", " z", "", ""].into_iter().enumerate() {
        if model.info.has_axis[index] {
            let of = expected.filter(|_| index == 0).map(|end| format!(" of {}", format::integer(end as i64)));
            parts.push(format!("{}{}{letter}", format::integer(shape[index] as i64), of.unwrap_or_default()));
        }
    }
    let is_computed = model.layers.first().is_some_and(|first| first.computed.is_some());
    let computed = if is_computed { ", computed" } else { "" };
    format!("{} · {}{computed}", parts.join(" × "), model.info.dtype.short_name())
}

/// How much can be used, to be read from across the room.
struct Badge {
    grade: Grade,
    text: String,
    sentence: String,
}

impl Badge {
    fn of(quality: &Quality<'_>) -> Option<Self> {
        let (grade, text) = quality.badge()?;
        Some(Self { grade, text, sentence: quality.sentence() })
    }

    /// As wide as it will be once all of the recording counts.
    fn width(&self, ui: &Ui) -> f32 {
        let of = self.text.split(' ').nth(3).unwrap_or_default();
        let amount = if of.contains('.') { of.to_owned() } else { format!("{of}.0") };
        let words: Vec<&str> = self.text.split(' ').collect();
        let widest =
            words.iter().enumerate().map(|(i, word)| if i == 1 && amount.len() > word.len() { &amount } else { *word });
        let widest = format::zeros(&widest.collect::<Vec<_>>().join(" "));
        widgets::text_width(ui, &widest, font(13.0, Weight::SemiBold)) + 12.0 + 6.0 + 24.0
    }

    fn show(&self, ui: &mut Ui, left: f32, y: f32, model: &Model<'_>, is_narrow: bool, commands: &mut Vec<Command>) {
        let tokens = Tokens::get(ui);
        let rect = Rect::from_min_size(pos2(left, y - 12.0), vec2(self.width(ui), 24.0));
        let response = ui.interact(rect, ui.make_persistent_id("badge"), egui::Sense::click());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, format!("Quality: {}", self.text))
        });
        // Good is quiet.
        let (fill, color) = match self.grade {
            Grade::Good => (Tokens::wash(tokens.ok), tokens.ok_text),
            Grade::InPart => (tokens.warn, tokens.badge_ink),
            Grade::Lost => (tokens.bad, tokens.badge_ink),
        };
        let fill = if response.hovered() { fill.gamma_multiply(0.9) } else { fill };
        ui.painter().rect_filled(rect, 12.0, fill);
        grade_mark(ui.painter(), rect.left_center() + vec2(18.0, 0.0), 12.0, self.grade, color);
        let at = rect.left_center() + vec2(30.0, 0.0);
        widgets::text(ui.painter(), at, Align2::LEFT_CENTER, &self.text, font(13.0, Weight::SemiBold), color);
        widgets::focus_ring(ui, &response, 12.0);
        if hint(response, &self.sentence, "").clicked() {
            commands.extend(show_section(model, is_narrow));
        }
    }
}

/// What brings the section about quality to sight.
fn show_section(model: &Model<'_>, is_narrow: bool) -> Option<Command> {
    let panels = &model.state.panels;
    match is_narrow {
        true => (panels.drawer != Some(Section::Quality)).then_some(Command::ToggleDrawer(Section::Quality)),
        false => panels.folded[Section::Quality as usize].then_some(Command::ToggleSection(Section::Quality)),
    }
}

/// A state in the bar.
struct Pill {
    shape: &'static str,
    label: String,
    /// The widest label that is likely, which reserves its room.
    widest: String,
    name: &'static str,
    color: [egui::Color32; 2],
    hover: String,
    command: Command,
}

impl Pill {
    fn width(&self, ui: &Ui) -> f32 {
        pill_width(ui, &self.label).max(pill_width(ui, &self.widest))
    }

    fn show(&self, ui: &mut Ui, right: f32, y: f32, commands: &mut Vec<Command>) {
        let rect = Rect::from_min_max(pos2(right - self.width(ui), y - 10.0), pos2(right, y + 10.0));
        let response = pill(ui, rect, self.shape, &self.label, self.name, self.color);
        if hint(response, &self.hover, "").clicked() {
            commands.push(self.command.clone());
        }
    }
}

fn pills(model: &Model<'_>) -> Vec<Pill> {
    let tokens = Tokens::of(model.state.panels.theme);
    let live = model.live.map(|live| {
        let text = live_text::pill(live, model.problems.iter().map(|problem| problem.severity).max());
        let color = match text.tone {
            live_text::Tone::Live => [tokens.bad, tokens.bad_text],
            live_text::Tone::Good => [tokens.ok, tokens.ok_text],
            live_text::Tone::Plain => [tokens.t2, tokens.t2],
            live_text::Tone::Warning => [tokens.warn, tokens.warn_text],
        };
        Pill {
            shape: text.icon,
            widest: format::zeros(&text.label),
            label: text.label,
            name: "Recording",
            color,
            hover: live_text::sentence(live),
            command: Command::ToggleFollow,
        }
    });
    let problems = problem_summary(model).map(|(label, severity)| {
        let (shape, color) = match severity {
            Severity::Note => (icons::INFO, [tokens.t2, tokens.t2]),
            Severity::Warning => (icons::WARNING, [tokens.warn, tokens.warn_text]),
            Severity::Error => (icons::WARNING_OCTAGON, [tokens.bad, tokens.bad_text]),
        };
        Pill {
            shape,
            widest: label.split_once(' ').map_or(String::new(), |(_, word)| format!("00 {word}")),
            label,
            name: "Problems",
            color,
            hover: "What is wrong with this recording".to_owned(),
            command: Command::ToggleOverlay(Overlay::Problems),
        }
    });
    live.into_iter().chain(problems).collect()
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
    let y = rect.center().y;
    paint_logo(ui, pos2(rect.left() + 22.0, y));
    let at = pos2(rect.left() + 44.0, y);
    widgets::text(ui.painter(), at, Align2::LEFT_CENTER, "Tectum", font(13.0, Weight::SemiBold), tokens.t1);
    let (icon, name) = other_theme(theme);
    let mut buttons = vec![
        (icon, name, "", Command::ToggleTheme),
        (icons::KEYBOARD, "Keys", "?", Command::ToggleOverlay(Overlay::Keys)),
    ];
    if !notes::published(ui.ctx()).is_empty() {
        buttons.insert(0, (icons::BELL, "Notes", "", Command::ToggleOverlay(Overlay::Notes)));
    }
    let mut left = rect.right() - 12.0 - buttons.len() as f32 * ICON;
    for (icon, name, key, command) in buttons {
        let area = Rect::from_center_size(pos2(left + ICON / 2.0, y), vec2(26.0, 26.0));
        if icon_button(ui, area, icon, false, Fill::None, name, key).clicked() {
            commands.push(command);
        }
        left += ICON;
    }
}
