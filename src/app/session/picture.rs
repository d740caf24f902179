//! Which picture there is of a session: the one asked for, or what stands in for it and is called so.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use crate::stream::PictureState;
use crate::ui::Shown;
use crate::volume::{Picture, PictureKey, Voxels};

/// The voxels to be drawn.
pub struct OnScreen {
    /// Which picture they are.
    pub key: PictureKey,
    /// Its values.
    pub voxels: Arc<Voxels>,
    /// Whether they are a small preview of it.
    pub is_preview: bool,
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
    /// Chooses the best there is of the picture asked for: itself, a preview, or its nearest neighbour in
    /// time.
    pub fn choose_picture(&mut self, now: Instant) {
        // The GPU may have been found, or have failed, since.
        self.ask(now);
        let wanted = self.asked_key();
        if self.request.want_volume {
            self.gpu_projections.advance(&wanted, &self.stream);
        }
        match self.stream.picture(&wanted) {
            PictureState::Ready(voxels) => {
                self.measure.shown(wanted.picture, now_after(now));
                self.guess_contrast(&wanted.picture, &voxels);
                self.put_on_screen(wanted, voxels, false);
                self.shown = Shown::Exact;
            }
            PictureState::Failed(error) => {
                // An old picture would be taken for this timepoint's: better none.
                self.on_screen = None;
                self.shown = Shown::Missing(error.to_string());
            }
            PictureState::Loading => self.choose_stand_in(wanted),
        }
    }

    fn choose_stand_in(&mut self, wanted: PictureKey) {
        if let Some(voxels) = self.stream.preview(&wanted) {
            self.put_on_screen(wanted, voxels, true);
            self.shown = Shown::Preview;
        } else if let Some((nearest, voxels)) = self.stream.nearest(&wanted) {
            self.shown = Shown::Nearest { t: nearest.picture.t() };
            self.put_on_screen(nearest, voxels, false);
        } else {
            self.on_screen = self.on_screen.take().filter(|shown| shown.key.is_like(&wanted));
            let t = self.on_screen.as_ref().map(|shown| shown.key.picture.t());
            self.shown = t.map_or(Shown::Nothing, |t| Shown::Nearest { t });
        }
    }

    /// Says which picture is really drawn in place of the chosen one: while a large one is uploaded the one
    /// before it stays on screen, and is called what it is.
    pub(in crate::app) fn note_drawn(&mut self, drawn: Option<PictureKey>) {
        if self.on_screen.as_ref().is_some_and(|chosen| drawn != Some(chosen.key)) {
            self.shown = drawn.map_or(Shown::Nothing, |drawn| Shown::Nearest { t: drawn.picture.t() });
        }
    }

    fn put_on_screen(&mut self, key: PictureKey, voxels: Arc<Voxels>, is_preview: bool) {
        self.on_screen = Some(OnScreen { key, voxels, is_preview });
    }

    /// The picture asked for last.
    pub fn asked(&self) -> Picture {
        self.request.first().map_or_else(|| self.view.picture(self.array.info()), |first| first.picture)
    }

    /// Its name: of the recording that is open now.
    pub fn asked_key(&self) -> PictureKey {
        self.array.picture_key(self.asked())
    }

    /// What is drawn.
    pub fn on_screen(&self) -> Option<&OnScreen> {
        self.on_screen.as_ref()
    }

    /// How what is drawn relates to what was asked for.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Whether the picture asked for will not come: it failed, or is on screen.
    pub fn is_settled(&self) -> bool {
        matches!(self.shown, Shown::Exact | Shown::Missing(_))
    }

    /// Whether the contrast has been measured, or never will be.
    pub fn is_measured(&self) -> bool {
        self.contrast.is_known(self.asked().values().kind)
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
