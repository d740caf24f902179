//! Projections as a window with a GPU makes them, for `tectum bench`: read by the stream, folded by the GPU
//! and drawn, without a window.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::array::LazyArray;
use crate::render::{self, GpuConfig, OffscreenTarget, PlaneDraw, RendererHandle, Wanted};
use crate::stream::{PictureState, Stream, StreamConfig, StreamStats, ViewRequest};
use crate::volume::{Display, Picture, PictureKey, ViewId};

/// A picture that takes longer than this is taken for one that never comes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Side of the image that is drawn into, pixels.
const SIDE: u32 = 64;

/// A GPU, a stream, and nobody watching.
pub struct GpuScrubber {
    ctx: egui::Context,
    target: OffscreenTarget,
    renderer: RendererHandle,
    stream: Stream,
}

impl GpuScrubber {
    /// Begins with nothing in memory. `None` where there is no GPU, and the CPU folds.
    pub fn new(array: &Arc<LazyArray>, config: GpuConfig) -> Option<Self> {
        let target = OffscreenTarget::new(SIDE, SIDE, 1.0).ok()?;
        if render::is_software(&target.render_state().adapter) && !config.projects {
            return None;
        }
        let renderer = render::install(target.render_state(), GpuConfig { projects: true, ..config });
        let stream = Stream::new(Arc::clone(array), StreamConfig::default(), Arc::new(|| ()));
        stream.set_projector(Arc::new(renderer.clone()));
        Some(Self { ctx: egui::Context::default(), target, renderer, stream })
    }

    /// Asks for a picture and draws frames until exactly it is drawn; returns how long that took, ms.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn show(&mut self, picture: Picture) -> Result<f64> {
        let start = Instant::now();
        let array = self.stream.array();
        self.stream.request(&ViewRequest::of(array.id(), picture), start);
        let key = PictureKey::finest(array.id(), picture);
        while start.elapsed() < PATIENCE {
            let wanted = match self.stream.picture(&key) {
                PictureState::Ready(voxels) => vec![Wanted { key, voxels }],
                PictureState::Failed(error) | PictureState::Refused(error) => return Err(error.into()),
                PictureState::Loading => Vec::new(),
            };
            if self.frame(&wanted) {
                return Ok(start.elapsed().as_secs_f64() * 1e3);
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        bail!("no picture of t = {} after {} s", picture.t(), PATIENCE.as_secs())
    }

    /// What the stream holds and has done.
    pub fn stats(&self) -> StreamStats {
        self.stream.stats()
    }

    /// Draws a frame; whether exactly what was wanted is seen.
    fn frame(&self, wanted: &[Wanted]) -> bool {
        let rect = self.target.screen_rect();
        let mut is_drawn = false;
        let output = self.ctx.run_ui(self.target.raw_input(0.0), |ui| {
            let answers = self.renderer.show(ui.ctx(), ViewId::default(), wanted);
            let drawn = answers.into_iter().next().flatten();
            is_drawn = drawn.is_some_and(|drawn| drawn.is_whole && drawn.key == wanted[0].key);
            let image_px = [0.0, 0.0, SIDE as f32, SIDE as f32];
            let draw = |drawn| PlaneDraw { drawn, image_px, display: Display::default(), is_preview: false };
            ui.painter().add(render::canvas_shape(rect, drawn.map(draw).into_iter().collect()));
        });
        self.target.advance(&self.ctx, output);
        is_drawn
    }
}
