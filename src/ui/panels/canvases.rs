//! The canvases in the room there is for them, and the dividers between them. A single one fills it.

use egui::{Rect, Stroke, StrokeKind, Ui, UiBuilder};
use egui_tiles::{Behavior, EditAction, ResizeState, SimplificationOptions, TileId, Tiles, UiResponse};

use super::super::theme::Tokens;
use super::super::{Canvas, Command, Layout, Model};
use super::canvas::{self, Readout};
use super::depth;
use crate::volume::ViewId;

/// Width of a divider.
const DIVIDER: f32 = 1.0;

/// What the pointer asks for on the canvases and their depth sliders. The one that is touched is the active
/// one from then on.
pub fn steer(ui: &Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    for view in &model.state.views {
        let Some(model) = model.of_view(view.id) else { continue };
        let mut asked = Vec::new();
        canvas::steer(ui, &model, &mut asked);
        depth::steer(ui, &model, &mut asked);
        let is_touched = !asked.is_empty() || canvas::is_pressed(ui, view.id);
        if is_touched && view.id != model.state.active().id {
            commands.push(Command::SetActiveView(view.id));
        }
        commands.append(&mut asked);
    }
}

/// Draws them, and says what the pointer is on.
pub fn canvases_ui(
    ui: &mut Ui,
    rect: Rect,
    model: &Model<'_>,
    canvas: &mut dyn Canvas,
    commands: &mut Vec<Command>,
) -> Option<Readout> {
    let mut tree = model.state.layout.to_tree();
    let tokens = Tokens::get(ui);
    let mut canvases = Canvases { model, canvas, commands, readout: None, is_edited: false, tokens };
    let mut room = ui.new_child(UiBuilder::new().max_rect(rect).id_salt("canvases"));
    tree.ui(&mut canvases, &mut room);
    let Canvases { readout, is_edited, .. } = canvases;
    if is_edited && let Some(layout) = Layout::of_tree(&tree) {
        commands.push(Command::SetLayout(layout));
    }
    readout
}

struct Canvases<'a, 'm> {
    model: &'a Model<'m>,
    canvas: &'a mut dyn Canvas,
    commands: &'a mut Vec<Command>,
    readout: Option<Readout>,
    is_edited: bool,
    tokens: &'static Tokens,
}

impl Behavior<ViewId> for Canvases<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, view: &mut ViewId) -> UiResponse {
        let Some(model) = self.model.of_view(*view) else { return UiResponse::None };
        let rect = ui.max_rect();
        let readout = canvas::canvas_ui(ui, rect, &model, self.canvas, self.commands);
        self.readout = readout.or(self.readout.take());
        depth::depth_ui(ui, rect, &model);
        if model.state.views.len() > 1 && *view == model.state.active().id {
            ui.painter().rect_stroke(rect, 0.0, Stroke::new(1.0, self.tokens.accent), StrokeKind::Inside);
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, view: &ViewId) -> egui::WidgetText {
        let view = self.model.state.view(*view);
        view.map_or("", |view| view.orientation.label()).into()
    }

    fn is_tile_draggable(&self, _tiles: &Tiles<ViewId>, _tile: TileId) -> bool {
        false
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        DIVIDER
    }

    fn min_size(&self) -> f32 {
        96.0
    }

    fn resize_stroke(&self, _style: &egui::Style, state: ResizeState) -> Stroke {
        let color = match state {
            ResizeState::Idle => self.tokens.line,
            ResizeState::Hovering | ResizeState::Dragging => self.tokens.accent,
        };
        Stroke::new(DIVIDER, color)
    }

    /// The layout is plain already, and stays as it was asked for.
    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions::OFF
    }

    fn cycle_tabs_with_keyboard(&self) -> bool {
        false
    }

    fn on_edit(&mut self, action: EditAction) {
        self.is_edited |= action == EditAction::TileResized;
    }
}
