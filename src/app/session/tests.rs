//! A session with a real stream and a real device, driven without a window.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Session;
use crate::app::wake::Wake;
use crate::format::memory::MemorySource;
use crate::format::{OpenOptions, Opened};
use crate::render::{self, GpuConfig, OffscreenTarget, RendererHandle};
use crate::stream::{PictureState, StreamConfig};
use crate::ui::{Command, Shown, ViewState};
use crate::volume::{DType, Orientation, Picture, Shape};

const SIDE: usize = 1024;

struct Stage {
    ctx: egui::Context,
    target: OffscreenTarget,
    renderer: RendererHandle,
    session: Session,
    start: Instant,
}

/// Four timepoints of one plane of 1 MiB each.
fn stage(upload_bytes_per_frame: usize) -> Stage {
    let bytes = (0..4).flat_map(|t| vec![10 + 50 * t; SIDE * SIDE]).collect();
    let source = MemorySource::new(DType::U8, Shape::from([4, 1, SIDE, SIDE]), "tzyx", &[1, 1, SIDE, SIDE], bytes);
    let opened = Opened { source: Arc::new(source.unwrap()), split: None, datasets: Vec::new(), chosen: 0 };
    let target = OffscreenTarget::new(640, 480, 1.0).unwrap();
    let config = GpuConfig { upload_bytes_per_frame, ..GpuConfig::default() };
    let renderer = render::install(target.render_state(), config);
    let (options, preferences, start) = (OpenOptions::default(), ViewState::default(), Instant::now());
    let wake = Wake::default().callback();
    let config = StreamConfig::default();
    let session = Session::new(opened, PathBuf::from("memory"), options, &preferences, config, wake, start).unwrap();
    Stage { ctx: egui::Context::default(), target, renderer, session, start }
}

impl Stage {
    fn frame(&mut self) {
        let now = Instant::now();
        let now_s = now.duration_since(self.start).as_secs_f64();
        self.session.advance(now, now_s);
        let output = self.ctx.run_ui(self.target.raw_input(now_s), |ui| {
            self.session.show(ui, &self.renderer, now, &[]);
        });
        self.target.advance(&self.ctx, output);
    }

    /// Draws frames until one satisfies the condition, and checks every one.
    fn frames_until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.frame();
            // What is called exact has been seen whole.
            assert!(self.session.shown != Shown::Exact || !self.renderer.stats().pending_uploads);
            if done(self) {
                return;
            }
            assert!(Instant::now() < deadline, "{:?}", self.session.shown);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn apply(&mut self, command: &Command) {
        let now = Instant::now();
        self.session.apply(command, now, now.duration_since(self.start).as_secs_f64());
    }
}

#[test]
fn a_picture_on_its_way_to_the_gpu_is_called_by_the_one_on_screen() {
    let mut stage = stage(128 << 10);
    stage.frames_until(|stage| stage.session.shown == Shown::Exact);
    let next = Picture::Plane { t: 1, orientation: Orientation::Xy, index: 0 };
    stage.apply(&Command::ScrubTo(1));
    stage.frames_until(|stage| matches!(stage.session.stream.picture(&next), PictureState::Ready(_)));
    let mut num_uploading = 0;
    stage.frames_until(|stage| match stage.session.shown {
        Shown::Exact => true,
        Shown::Nearest { t: 0 } => {
            num_uploading += 1;
            false
        }
        ref shown => panic!("{shown:?}"),
    });
    assert!(num_uploading >= 4, "{num_uploading} of eight frames were marked");
}

#[test]
fn once_a_motion_is_over_the_stream_is_asked_to_look_both_ways() {
    let mut stage = stage(16 << 20);
    stage.frames_until(|stage| stage.session.shown == Shown::Exact);
    for t in [1, 2, 3] {
        stage.apply(&Command::ScrubTo(t));
        stage.frame();
    }
    let moving = stage.session.stream.stats().num_plans;
    stage.frames_until(|stage| stage.session.moved.is_none());
    assert_eq!(stage.session.stream.stats().num_plans, moving + 1);
    assert_eq!(stage.session.advance(Instant::now(), 1.0), None, "and the window sleeps");
}
