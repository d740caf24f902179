//! The whole window of an open dataset: where each region lies, and in what order they are drawn.

use egui::{Rect, Stroke, Ui, pos2};

use super::keys::{key_commands, take_copy};
use super::panels::{canvas, canvases, problems, save, side, status_bar, time_area, time_bar, top_bar};
use super::steer::one_to_one;
use super::theme::{self, Tokens};
use super::{Canvas, Command, Model, Overlay, SaveKind, SessionCommand, notes, overlay, screens};
use crate::volume::Location;

/// Below this width the side panel is a column of icons.
const WIDE: f32 = 1100.0;

/// The regions of a window of some size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regions {
    /// Bar along the top.
    pub top: Rect,
    /// The picture.
    pub canvas: Rect,
    /// The side panel, or its icons.
    pub side: Rect,
    /// Time.
    pub time: Rect,
    /// Line at the bottom.
    pub status: Rect,
    /// Whether the side panel is folded to icons.
    pub is_narrow: bool,
}

impl Regions {
    /// Height of the time area without traces.
    pub const TIME: f32 = time_area::FOLDED;

    /// Divides a window. Depends on nothing but its size and the height of the time area, nought where there is
    /// no time at all.
    pub fn new(window: Rect, time_height: f32) -> Self {
        let is_narrow = window.width() < WIDE;
        let top_bottom = window.top() + top_bar::HEIGHT;
        let status_top = window.bottom() - status_bar::HEIGHT;
        let side_left = window.right() - if is_narrow { side::ICONS_WIDTH } else { side::WIDTH };
        let time_top = status_top - time_height;
        let area = |left, top, right, bottom| Rect::from_min_max(pos2(left, top), pos2(right, bottom));
        Self {
            top: area(window.left(), window.top(), window.right(), top_bottom),
            canvas: area(window.left(), top_bottom, side_left, time_top),
            side: area(side_left, top_bottom, window.right(), status_top),
            time: area(window.left(), time_top, side_left, status_top),
            status: area(window.left(), status_top, window.right(), window.bottom()),
            is_narrow,
        }
    }
}

/// Draws the window and returns what the user asked for beside what [`super::steer()`] found first. It is
/// carried out after the frame, which shows one state of the view from end to end.
pub fn window_ui(ui: &mut Ui, model: &Model<'_>, recent: &[Location], picture: &mut dyn Canvas) -> Vec<Command> {
    let theme = model.state.panels.theme;
    theme::choose(ui.ctx(), theme);
    let mut commands = Vec::new();
    let tokens = Tokens::of(theme);
    let has_time = model.info.shape[0] > 1 || model.live.is_some();
    let time_height = if has_time { time_area::height(&model.in_place(), ui.max_rect().height()) } else { 0.0 };
    let regions = Regions::new(ui.max_rect(), time_height);

    // In the order in which the keyboard goes through them: from the top, left to right.
    overlay::within(ui, regions.top, "top", |ui| {
        theme::fill(ui, regions.top, tokens.bg1);
        top_bar::top_bar_ui(ui, regions.top, model, regions.is_narrow, &mut commands);
        ui.painter().hline(regions.top.x_range(), regions.top.bottom() - 0.5, Stroke::new(1.0, tokens.line));
    });
    let readout = overlay::within(ui, regions.canvas, "canvas", |ui| {
        canvases::canvases_ui(ui, regions.canvas, model, picture, &mut commands)
    });
    overlay::within(ui, regions.side, "side", |ui| {
        if regions.is_narrow {
            side::icons_ui(ui, regions.side, model, &mut commands);
        } else {
            side::side_ui(ui, regions.side, regions.canvas, model, &mut commands);
        }
    });
    if regions.is_narrow {
        overlay::within(ui, regions.canvas, "drawer", |ui| {
            side::drawer_ui(ui, regions.canvas, model, &mut commands);
        });
    }
    if has_time {
        overlay::within(ui, regions.time, "time", |ui| {
            time_bar::time_bar_ui(ui, regions.time, &model.in_place(), &mut commands);
        });
    }
    overlay::within(ui, regions.status, "status", |ui| {
        let pointed = readout.as_ref().and_then(|readout| model.of_view(readout.view));
        status_bar::status_bar_ui(
            ui,
            regions.status,
            pointed.as_ref().unwrap_or(model),
            readout.as_ref(),
            &mut commands,
        );
    });
    save::done_ui(ui, regions.canvas, model, &mut commands);
    over_ui(ui, &regions, model, recent, &mut commands);
    keys_ui(ui, model, &mut commands);
    drop_hint(ui, regions.canvas.union(regions.side));
    commands
}

/// What lies over the window.
fn over_ui(ui: &mut Ui, regions: &Regions, model: &Model<'_>, recent: &[Location], commands: &mut Vec<Command>) {
    match model.state.panels.overlay {
        Some(Overlay::Keys) => overlay::keys_ui(ui, commands),
        Some(Overlay::Problems) => problems::problems_ui(ui, model, commands),
        Some(Overlay::Save) => save::save_ui(ui, canvas::place(ui, model, regions.canvas).size(), model, commands),
        Some(Overlay::Open) => screens::open_dialog_ui(ui, recent, commands),
        Some(Overlay::Notes) => notes::notes_ui(ui, commands),
        // The app draws it, which knows what could not be opened.
        Some(Overlay::NotOpened | Overlay::Axes) | None => {}
    }
}

/// The keys that could not be read before all was drawn.
fn keys_ui(ui: &Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    key_commands(ui, model.state, Some(one_to_one(ui, model)), commands);
    let is_about_picture =
        model.state.panels.overlay != Some(Overlay::Save) || model.state.data.kind == SaveKind::Picture;
    if matches!(model.state.panels.overlay, None | Some(Overlay::Save)) && is_about_picture && take_copy(ui) {
        commands.push(Command::Session(SessionCommand::CopyPicture));
    }
}

/// While a file hovers over the window: what letting go would do.
pub fn drop_hint(ui: &Ui, rect: Rect) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let tokens = Tokens::get(ui);
    let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop")));
    painter.rect_filled(rect, 0.0, egui::Color32::from_black_alpha(160));
    painter.rect_stroke(rect.shrink(12.0), 8.0, Stroke::new(2.0, tokens.accent), egui::StrokeKind::Inside);
    let font = theme::font(16.0, theme::Weight::SemiBold);
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, "Drop to open", font, theme::ON_CANVAS);
}
