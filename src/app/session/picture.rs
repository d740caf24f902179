//! Which pictures there are of a session: those asked for, one for each layer on each canvas, or what stands
//! in for them and is called so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use super::tiles::TileOnScreen;
use crate::app::effects::Effect;
use crate::array::MAX_TILE_VOXELS;
use crate::format::ReadError;
use crate::stream::{PictureRequest, PictureState};
use crate::ui::Shown;
use crate::volume::{LayerId, Picture, PictureKey, ViewId, Voxels};

/// Tiles are put together from what has been read for so long in a frame, one at least.
const TILES_PER_FRAME: Duration = Duration::from_millis(4);
/// Where they would not be kept until the next frame: all at once.
const NEVER: Duration = Duration::from_secs(3600);

/// The voxels to be drawn.
pub struct OnScreen {
    /// Which picture they are.
    pub key: PictureKey,
    /// Its values.
    pub voxels: Arc<Voxels>,
    /// Whether they are a small preview of it.
    pub is_preview: bool,
}

/// One layer on one canvas: what is drawn there, and how that relates to what was asked for.
pub struct Pane {
    /// The canvas.
    pub view: ViewId,
    /// What was asked for.
    pub asked: PictureKey,
    /// What is to be drawn.
    pub on_screen: Option<OnScreen>,
    /// What is to be drawn in the place of that where the picture is a large plane.
    pub tiles: Vec<TileOnScreen>,
    /// What it is called.
    pub shown: Shown,
}

impl Pane {
    /// Whether the picture asked for will not come: it failed, or is there.
    fn is_settled(&self) -> bool {
        matches!(self.shown, Shown::Exact | Shown::Coarse | Shown::Missing(_))
    }
}

/// The canvas as it was last drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CanvasSize {
    /// In points.
    pub points: egui::Vec2,
    /// Of the screen it is on.
    pub pixels_per_point: f32,
}

impl Default for CanvasSize {
    fn default() -> Self {
        Self { points: egui::Vec2::splat(1.0), pixels_per_point: 1.0 }
    }
}

impl Session {
    /// Chooses the best there is of each picture asked for: itself, a preview, or its nearest neighbour in
    /// time.
    pub fn choose_pictures(&mut self, now: Instant) {
        self.ask(now);
        let mut former = std::mem::take(&mut self.panes);
        let is_spread = self.stream.keeps_planes(self.tile_bytes());
        for index in 0..self.request.views.len() {
            let PictureRequest { view, layer, picture, .. } = self.request.views[index];
            let asked = PictureKey::finest(layer, picture);
            let same = former.iter().position(|pane| pane.view == view && pane.asked.layer == layer);
            let former = same.map(|at| former.swap_remove(at));
            let keys = self.stream.keys(&self.request.views[index]);
            if keys.iter().any(|key| *key != asked) {
                let deadline = if is_spread { Instant::now() + TILES_PER_FRAME } else { Instant::now() + NEVER };
                let pane = self.tiled_pane(view, asked, &keys, former, deadline);
                if pane.shown != Shown::Exact && Instant::now() >= deadline {
                    // The others are put together in the next frame.
                    self.effects.push(Effect::RepaintAfter(Duration::ZERO));
                }
                if index == 0 && pane.shown == Shown::Exact {
                    self.measure.shown(picture, now_after(now));
                }
                if let (Shown::Exact, Some(central)) = (&pane.shown, pane.tiles.first()) {
                    self.guess_contrast(&asked, &Arc::clone(&central.chosen.voxels));
                }
                self.panes.push(pane);
                continue;
            }
            let before = former.and_then(|pane| pane.on_screen);
            let pane = match self.stream.picture(&asked) {
                PictureState::Ready(voxels) => {
                    if index == 0 {
                        self.measure.shown(picture, now_after(now));
                    }
                    self.guess_contrast(&asked, &voxels);
                    let on_screen = Some(OnScreen { key: asked, voxels, is_preview: false });
                    Pane { view, asked, on_screen, tiles: Vec::new(), shown: Shown::Exact }
                }
                // An old picture would be taken for this timepoint's: better none.
                PictureState::Failed(error) => {
                    let shown = Shown::Missing(self.said_of(layer, &error));
                    Pane { view, asked, on_screen: None, tiles: Vec::new(), shown }
                }
                PictureState::Refused(error) => self.coarse(view, asked, &error),
                PictureState::Loading => self.stand_in(view, asked, before),
            };
            self.panes.push(pane);
        }
    }

    /// Bytes of all tiles in view.
    fn tile_bytes(&self) -> usize {
        let bytes = |request: &PictureRequest| {
            let item = self.stream.image(request.layer).map_or(0, |image| image.info().dtype.num_bytes());
            self.stream.keys(request).len() * MAX_TILE_VOXELS * item
        };
        self.request.views.iter().map(bytes).sum()
    }

    /// What is wrong with a layer, by its name where there are several.
    pub(super) fn said_of(&self, layer: LayerId, error: &ReadError) -> String {
        let named = self.layers.iter().find(|known| known.id() == layer).filter(|_| self.layers.len() > 1);
        named.map_or_else(|| error.to_string(), |layer| format!("{}: {error}", self.name_of(layer)))
    }

    /// What is drawn while a picture is on its way; `before` was there last.
    fn stand_in(&self, view: ViewId, asked: PictureKey, before: Option<OnScreen>) -> Pane {
        if let Some(tiles) = self.coarser(&asked) {
            return Pane { view, asked, on_screen: None, tiles, shown: Shown::Preview };
        }
        if let Some(voxels) = self.stream.preview(&asked) {
            let on_screen = Some(OnScreen { key: asked, voxels, is_preview: true });
            return Pane { view, asked, on_screen, tiles: Vec::new(), shown: Shown::Preview };
        }
        let nearest = self.stream.nearest(&asked).map(|(key, voxels)| OnScreen { key, voxels, is_preview: false });
        let on_screen = nearest.or_else(|| before.filter(|before| before.key.is_like(&asked)));
        let t = on_screen.as_ref().map(|on_screen| on_screen.key.picture.t());
        let tiles = Vec::new();
        Pane { view, asked, on_screen, tiles, shown: t.map_or(Shown::Nothing, |t| Shown::Nearest { t }) }
    }

    /// What is drawn where a projection does not fit into memory: that of coarser voxels, which is called so.
    fn coarse(&self, view: ViewId, asked: PictureKey, error: &ReadError) -> Pane {
        let pane = |tiles, shown| Pane { view, asked, on_screen: None, tiles, shown };
        let stand_in = self.stream.image(asked.layer).and_then(|image| image.stand_in(&asked));
        match stand_in.map(|key| self.stream.picture(&key)) {
            Some(PictureState::Ready(_)) => pane(self.coarser(&asked).unwrap_or_default(), Shown::Coarse),
            Some(PictureState::Loading) => pane(Vec::new(), Shown::Nothing),
            _ => pane(Vec::new(), Shown::Missing(self.said_of(asked.layer, error))),
        }
    }

    /// The projection of coarser voxels that stands in for one of very many, where it is there.
    fn coarser(&self, asked: &PictureKey) -> Option<Vec<TileOnScreen>> {
        let image = self.stream.image(asked.layer)?;
        let key = image.stand_in(asked)?;
        let voxels = self.stream.picture(&key).ready()?;
        TileOnScreen::new(&image, key, voxels, false).map(|tile| vec![tile])
    }

    /// Says which picture is really drawn on a canvas in place of a layer's chosen one: while a large one is
    /// uploaded the one before it stays on screen, and is called what it is.
    pub(in crate::app) fn note_drawn(&mut self, view: ViewId, layer: LayerId, drawn: Option<PictureKey>) {
        let Some(pane) = self.pane_mut(view, layer) else { return };
        if pane.on_screen.as_ref().is_some_and(|chosen| drawn != Some(chosen.key)) {
            pane.shown = drawn.map_or(Shown::Nothing, |drawn| Shown::Nearest { t: drawn.picture.t() });
        }
    }

    pub(super) fn pane_mut(&mut self, view: ViewId, layer: LayerId) -> Option<&mut Pane> {
        self.panes.iter_mut().find(|pane| pane.view == view && pane.asked.layer == layer)
    }

    /// Takes everything off the canvases: it is not true any more.
    pub(in crate::app) fn clear_panes(&mut self) {
        self.panes.clear();
    }

    /// What is drawn, the most important first: the active layer on the active canvas.
    pub fn panes(&self) -> &[Pane] {
        &self.panes
    }

    /// The picture asked for last.
    pub fn asked(&self) -> Picture {
        self.request.first().map_or_else(|| self.view.picture(self.info()), |first| first.picture)
    }

    /// Its name: of the chosen layer as it is now.
    pub fn asked_key(&self) -> PictureKey {
        self.layer().image.finest().picture_key(self.asked())
    }

    /// What is drawn of the active layer on the active canvas; of a large plane the tile in the middle.
    pub fn on_screen(&self) -> Option<&OnScreen> {
        let pane = self.panes.first()?;
        pane.on_screen.as_ref().or_else(|| pane.tiles.first().map(|tile| &tile.chosen))
    }

    /// The layers on a canvas, that which the readout is of first.
    pub fn panes_of(&self, view: ViewId) -> impl Iterator<Item = &Pane> {
        self.panes.iter().filter(move |pane| pane.view == view)
    }

    /// How that relates to what was asked for.
    pub fn shown(&self) -> &Shown {
        self.panes.first().map_or(&Shown::Nothing, |pane| &pane.shown)
    }

    /// Whether no picture that was asked for is on its way: each failed, or is on screen.
    pub fn is_settled(&self) -> bool {
        self.panes.len() == self.request.views.len() && self.panes.iter().all(Pane::is_settled)
    }

    /// Whether the contrast has been measured, or never will be.
    pub fn is_measured(&self) -> bool {
        let kind = self.asked().values().kind;
        self.layers.iter().zip(&self.view.layers).all(|(data, layer)| !layer.visible || data.contrast.is_known(kind))
    }

    /// A number that changes as long as something is being loaded.
    pub fn progress(&self) -> u64 {
        let stats = self.stream.stats();
        stats.num_reads + stats.num_previews as u64 + stats.picture_bytes as u64
    }
}

/// The picture is handed over now, not at the start of the frame.
fn now_after(frame_start: Instant) -> Instant {
    Instant::now().max(frame_start)
}
