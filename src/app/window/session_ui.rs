//! Drawing an open recording: the session's state as the panels want it, and the picture on the canvas.

use std::sync::Arc;
use std::time::Instant;

use crate::app::session::{CanvasSize, Layer, OnScreen, Pane, Session, voxel_of};
use crate::app::still::Still;
use crate::format::store::{Traffic, traffic};
use crate::render::{Drawn, PlaneDraw, RendererHandle, Tile, Wanted, WantedTile};
use crate::ui::place::image_size;
use crate::ui::{
    Canvas, CanvasState, Command, Figures, LayerInfo, Model, Placement, Saving, Shown, Value, View, steer, window_ui,
};
use crate::volume::{LayerId, Location, PictureKey, ViewId};

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
    steer(ui, &model(session, &canvas_states(session), &layer_infos(session), &[], &figures, &saving))
}

/// Draws the whole window of a recording whose pictures have been chosen, and returns what else the user asked
/// for.
pub fn session_ui(
    ui: &mut egui::Ui,
    session: &mut Session,
    renderer: &RendererHandle,
    state: &mut SessionUi,
    recent: &[Location],
    now: Instant,
) -> Vec<Command> {
    let drawn = show_panes(ui.ctx(), session, renderer);
    session.note_newest_shown();
    let figures = figures(session, renderer, now);
    let cached = session.cached_ranges();
    let preview = state.preview(ui.ctx(), session.saver.still());
    let saving = Saving { preview, data: session.data_saver.shown.clone(), ..session.saver.shown.clone() };
    let (canvases, layers) = (canvas_states(session), layer_infos(session));
    let model = model(session, &canvases, &layers, &cached, &figures, &saving);
    let scale = ui.ctx().pixels_per_point();
    let mut canvas = PictureCanvas { session, drawn, scale, sizes: Vec::new(), probes: Vec::new() };
    let commands = window_ui(ui, &model, recent, &mut canvas);
    let PictureCanvas { sizes, probes, .. } = canvas;
    session.probe(probes, now);
    if let Some((_, points)) = sizes.iter().find(|(view, _)| *view == session.view.active().id) {
        session.canvas = CanvasSize { points: *points, pixels_per_point: scale };
    }
    session.canvases_px = sizes.into_iter().map(|(view, points)| (view, points * scale)).collect();
    commands
}

/// Uploads what is on the canvases, and has the session name what is really drawn; returns that of each pane.
fn show_panes(ctx: &egui::Context, session: &mut Session, renderer: &RendererHandle) -> Vec<Vec<Option<Drawn>>> {
    let mut drawn = vec![Vec::new(); session.panes().len()];
    let views: Vec<ViewId> = session.view.views.iter().map(|view| view.id).collect();
    for view in views {
        let panes = session.panes().iter().enumerate().filter(|(_, pane)| pane.view == view);
        let (at, wanted): (Vec<usize>, Vec<WantedTile>) =
            panes.flat_map(|(at, pane)| wanted_of(pane).into_iter().map(move |wanted| (at, wanted))).unzip();
        let answers = renderer.show_tiles(ctx, view, &wanted);
        at.iter().zip(answers).for_each(|(at, answer)| drawn[*at].push(answer));
        for at in 0..drawn.len() {
            let pane = &session.panes()[at];
            if pane.view != view {
                continue;
            }
            let (layer, is_tiled) = (pane.asked.layer, !pane.tiles.is_empty());
            if is_tiled {
                session.note_drawn_tiles(view, layer, &drawn[at]);
            } else if let Some(answer) = drawn[at].first() {
                let whole = answer.as_ref().filter(|drawn| drawn.is_whole).map(|drawn| drawn.key);
                session.note_drawn(view, layer, whole);
            }
        }
    }
    drawn
}

/// What a pane wants to show.
fn wanted_of(pane: &Pane) -> Vec<WantedTile> {
    let whole = |chosen: &OnScreen| {
        let size = <[usize; 2]>::try_from(chosen.voxels.shape().dims()).unwrap_or_default();
        let wanted = Wanted { key: chosen.key, voxels: Arc::clone(&chosen.voxels) };
        WantedTile { wanted, tile: Tile::whole(size), is_backdrop: false }
    };
    let tiles = pane.tiles.iter().map(|tile| WantedTile {
        // Tiles of one picture go by its name.
        wanted: Wanted { key: PictureKey { tile: None, ..tile.chosen.key }, voxels: Arc::clone(&tile.chosen.voxels) },
        tile: tile.tile,
        is_backdrop: tile.is_backdrop,
    });
    pane.on_screen.iter().map(whole).chain(tiles).collect()
}

/// What is on each canvas: it is as far from what was asked for as that layer of it which is farthest.
fn canvas_states(session: &Session) -> Vec<CanvasState<'_>> {
    let rank = |shown: &Shown| match shown {
        Shown::Exact => 0,
        Shown::Coarse => 1,
        Shown::Preview => 2,
        Shown::Nearest { .. } => 3,
        Shown::Nothing => 4,
        Shown::Missing(_) => 5,
    };
    let state = |view: ViewId| {
        let farthest = session.panes_of(view).map(|pane| &pane.shown).max_by_key(|shown| rank(shown));
        // Where every layer is hidden there is nothing to wait for, once that has been asked for.
        let shown = farthest.unwrap_or(if session.is_settled() { &Shown::Exact } else { &Shown::Nothing });
        let gaps = session.panes_of(view).find_map(|pane| pane.on_screen.as_ref()?.voxels.gaps());
        CanvasState { view, shown, gaps }
    };
    session.view.views.iter().map(|view| state(view.id)).collect()
}

/// The layers as the panels name them.
fn layer_infos(session: &Session) -> Vec<LayerInfo<'_>> {
    let info = |layer| LayerInfo {
        name: session.name_of(layer),
        state: session.state_of(layer),
        computed: session.computed_words(layer),
    };
    session.layers().iter().map(info).collect()
}

/// What the panels show of a session.
fn model<'a>(
    session: &'a Session,
    canvases: &'a [CanvasState<'a>],
    layers: &'a [LayerInfo<'a>],
    cached: &'a [[usize; 2]],
    figures: &'a Figures,
    saving: &'a Saving,
) -> Model<'a> {
    let state = &session.view;
    let info = session.info();
    let values = state.values(info);
    let active = canvases.iter().find(|canvas| canvas.view == state.active().id);
    Model {
        state,
        view: state.active(),
        layer: state.layer(),
        info,
        name: session.name(),
        layers,
        array: session.layer().array().source().info(),
        layer_info: session.layer().info(),
        operations_fault: session.operations_fault(),
        awaited_array: session.awaited_array(),
        is_moved: session.is_moved(),
        datasets: &session.datasets,
        chosen_dataset: session.chosen,
        axes_are_given: session.options.axes.is_some(),
        shown: active.map_or(&Shown::Nothing, |active| active.shown),
        gaps: active.and_then(|active| active.gaps),
        canvases,
        histogram: session.contrast().histogram(values),
        no_histogram: session.contrast().why_none(values.kind),
        pieces: &session.facts.pieces,
        files: session.files.get(),
        cached,
        problems: &session.facts.problems,
        live: session.live.as_ref(),
        quality: session.quality(),
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
        num_requests: Some(traffic())
            .filter(|traffic| *traffic != Traffic::default())
            .map(|traffic| traffic.num_requests),
        ram_bytes: stats.used_bytes(),
        ram_budget_bytes: stats.total_budget_bytes,
        gpu_bytes: gpu.texture_bytes,
        gpu_budget_bytes: gpu.budget_bytes,
        note: session.searching().or_else(|| gpu.is_software.then(|| "Software rendering".to_owned())),
    }
}

/// The session's side of the canvases.
struct PictureCanvas<'a> {
    session: &'a Session,
    /// What is drawn of each pane, one or several tiles.
    drawn: Vec<Vec<Option<Drawn>>>,
    /// Pixels for each point.
    scale: f32,
    /// Size of each canvas in points, noted where it is drawn.
    sizes: Vec<(ViewId, egui::Vec2)>,
    /// Voxels whose values were asked for and are not in memory.
    probes: Vec<(LayerId, [usize; 4])>,
}

impl Canvas for PictureCanvas<'_> {
    fn image(&mut self, view: &View, placement: &Placement) -> Option<egui::Shape> {
        self.sizes.push((view.id, placement.canvas.size()));
        let session = self.session;
        // What is missing in one layer is missing on the canvas.
        if session.panes_of(view.id).any(|pane| matches!(pane.shown, Shown::Missing(_))) {
            return None;
        }
        let image = placement.image;
        let whole = image_size(session.info(), view.orientation);
        let mut draws = Vec::new();
        for (data, layer) in session.layers().iter().zip(&session.view.layers) {
            let pane = session.panes().iter().position(|pane| pane.view == view.id && pane.asked.layer == data.id());
            let Some((pane, drawn)) = pane.map(|at| (&session.panes()[at], &self.drawn[at])) else { continue };
            // It lies at the beginning of the recording where it has less than that.
            let own = image_size(data.info(), view.orientation);
            let part = [0, 1].map(|i| own[i] as f32 / whole[i].max(1) as f32);
            let image_px = [image.min.x, image.min.y, image.width() * part[0], image.height() * part[1]];
            let image_px = image_px.map(|length| length * self.scale);
            let display = layer.display(pane.asked.picture.values(), data.info());
            let is_preview = pane.on_screen.as_ref().is_some_and(|chosen| chosen.is_preview);
            draws.extend(drawn.iter().flatten().map(|drawn| PlaneDraw {
                drawn: *drawn,
                image_px,
                display,
                is_preview,
            }));
        }
        (!draws.is_empty()).then(|| crate::render::canvas_shape(placement.canvas, draws))
    }

    fn value_at(&mut self, view: ViewId, layer: usize, row: usize, column: usize) -> Value {
        let Some(layer) = self.session.layers().get(layer).map(Layer::id) else { return Value::Unknown };
        let Some(pane) = self.session.panes_of(view).find(|pane| pane.asked.layer == layer) else {
            // Of a layer that ends before this place nothing was asked for.
            return Value::Missing;
        };
        match (&pane.shown, &pane.on_screen) {
            (Shown::Exact, _) if !pane.tiles.is_empty() => {
                let value = self.session.value_in_tiles(pane, [row, column]);
                if value == Value::Unknown {
                    self.probes.push((layer, voxel_of(pane, [row, column])));
                }
                value
            }
            (Shown::Missing(_) | Shown::Coarse, _) => Value::Missing,
            (Shown::Exact, Some(OnScreen { voxels, is_preview: false, .. })) => {
                voxels.format_value(&[row, column]).map_or(Value::Missing, Value::Exact)
            }
            _ => Value::Unknown,
        }
    }
}
