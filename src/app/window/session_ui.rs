//! Drawing an open recording: the session's state as the panels want it, and the picture on the canvas.

use std::sync::Arc;
use std::time::Instant;

use crate::app::session::{CanvasSize, OnScreen, Session};
use crate::app::still::Still;
use crate::render::{Drawn, PlaneDraw, RendererHandle, Wanted};
use crate::ui::{Canvas, Command, Figures, Model, Placement, Saving, Shown, Value, steer, window_ui};
use crate::volume::{Display, Location, ViewId};

/// What drawing keeps from one frame to the next.
#[derive(Default)]
pub struct SessionUi {
    /// The still in the sheet and its texture.
    preview: Option<(Arc<Still>, egui::TextureHandle)>,
}

impl SessionUi {
    /// The texture of a still, made where it is another than before.
    fn preview(&mut self, ctx: &egui::Context, still: Option<&Arc<Still>>) -> Option<egui::TextureHandle> {
        let is_same = |(known, _): &&(Arc<Still>, _)| still.is_some_and(|still| Arc::ptr_eq(known, still));
        if self.preview.as_ref().filter(is_same).is_none() {
            let load = |still: &Arc<Still>| {
                let texture = ctx.load_texture("still", still.preview.clone(), egui::TextureOptions::LINEAR);
                (Arc::clone(still), texture)
            };
            self.preview = still.map(load);
        }
        self.preview.as_ref().map(|(_, texture)| texture.clone())
    }
}

/// What the user asks of the view before anything is drawn; to be carried out before the picture is chosen.
pub fn session_steer(ui: &egui::Ui, session: &Session) -> Vec<Command> {
    // What moves in the status bar and the sheets is not asked for here.
    let (figures, saving) = (Figures::default(), Saving::default());
    steer(ui, &model(session, &[], &figures, &saving))
}

/// Draws the whole window of a recording whose picture has been chosen, and returns what else the user asked
/// for.
pub fn session_ui(
    ui: &mut egui::Ui,
    session: &mut Session,
    renderer: &RendererHandle,
    state: &mut SessionUi,
    recent: &[Location],
    now: Instant,
) -> Vec<Command> {
    let chosen = session.on_screen();
    let wanted = chosen.map(|chosen| Wanted { key: chosen.key, voxels: Arc::clone(&chosen.voxels) });
    let drawn = renderer.show(ui.ctx(), ViewId::default(), wanted.as_slice()).into_iter().next().flatten();
    let layer = session.array.id();
    session.note_drawn(ViewId::default(), layer, drawn.filter(|drawn| drawn.is_whole).map(|drawn| drawn.key));
    session.note_newest_shown();
    let figures = figures(session, renderer, now);
    let cached = session.stream.cached_ranges(&session.asked_key());
    let preview = state.preview(ui.ctx(), session.saver.still());
    let saving = Saving { preview, ..session.saver.shown.clone() };
    let model = model(session, &cached, &figures, &saving);
    let mut canvas = PictureCanvas {
        on_screen: session.on_screen(),
        drawn,
        is_exact: *session.shown() == Shown::Exact,
        is_missing: matches!(session.shown(), Shown::Missing(_)),
        display: model.display(),
        size: CanvasSize { pixels_per_point: ui.ctx().pixels_per_point(), ..session.canvas },
    };
    let commands = window_ui(ui, &model, recent, &mut canvas);
    let size = canvas.size;
    session.canvas = size;
    session.canvases_px = vec![(session.view.active().id, size.points * size.pixels_per_point)];
    commands
}

/// What the panels show of a session.
fn model<'a>(session: &'a Session, cached: &'a [[usize; 2]], figures: &'a Figures, saving: &'a Saving) -> Model<'a> {
    let state = &session.view;
    let info = session.array.info();
    let values = state.values(info);
    Model {
        state,
        view: state.active(),
        layer: state.layer(),
        info,
        array: session.array.source().info(),
        datasets: &session.datasets,
        chosen_dataset: session.chosen,
        axes_are_given: session.options.axes.is_some(),
        shown: session.shown(),
        gaps: session.on_screen().and_then(|shown| shown.voxels.gaps()),
        histogram: session.contrast.histogram(values),
        no_histogram: session.contrast.why_none(values.kind),
        pieces: &session.facts.pieces,
        cached,
        problems: &session.facts.problems,
        live: session.live.as_ref(),
        figures,
        saving,
        can_undo: session.history.can_undo(),
        can_redo: session.history.can_redo(),
    }
}

/// The numbers of the status bar.
fn figures(session: &mut Session, renderer: &RendererHandle, now: Instant) -> Figures {
    let stats = session.stream.stats();
    let gpu = renderer.stats();
    Figures {
        image_ms: session.measure.image_ms,
        fps: session.measure.pictures_per_s(now),
        num_skipped: session.playback.num_skipped(),
        ram_bytes: stats.used_bytes(),
        ram_budget_bytes: stats.total_budget_bytes,
        gpu_bytes: gpu.texture_bytes,
        gpu_budget_bytes: gpu.budget_bytes,
        note: gpu.is_software.then(|| "Software rendering".to_owned()),
    }
}

/// The session's side of the canvas panel.
struct PictureCanvas<'a> {
    on_screen: Option<&'a OnScreen>,
    drawn: Option<Drawn>,
    is_exact: bool,
    is_missing: bool,
    display: Display,
    /// Noted where it is drawn.
    size: CanvasSize,
}

impl Canvas for PictureCanvas<'_> {
    fn image(&mut self, placement: &Placement) -> Option<egui::Shape> {
        self.size.points = placement.canvas.size();
        let shown = self.on_screen?;
        let scale = self.size.pixels_per_point;
        let image = placement.image;
        let draw = PlaneDraw {
            drawn: self.drawn?,
            image_px: [image.min.x * scale, image.min.y * scale, image.width() * scale, image.height() * scale],
            display: self.display,
            is_preview: shown.is_preview,
        };
        Some(crate::render::canvas_shape(placement.canvas, vec![draw]))
    }

    fn value_at(&mut self, row: usize, column: usize) -> Value {
        if self.is_missing {
            return Value::Missing;
        }
        let Some(shown) = self.on_screen.filter(|shown| self.is_exact && !shown.is_preview) else {
            return Value::Unknown;
        };
        match shown.voxels.format_value(&[row, column]) {
            Some(text) => Value::Exact(text),
            None => Value::Missing,
        }
    }
}
