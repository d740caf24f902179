//! The window around the program, drawn off screen: input reaches the program, and its effects the toolkit.

use super::*;
use crate::app::memory::Memory;
use crate::app::program::{Beginning, Screen};
use crate::app::stage::{PATIENCE, fixture};
use crate::render::{self, GpuConfig, OffscreenTarget};
use crate::stream::StreamConfig;
use crate::ui::{Command, Overlay, Shown};

struct Stage {
    ctx: egui::Context,
    target: OffscreenTarget,
    window: TectumApp,
    start: Instant,
}

impl Stage {
    fn new() -> Self {
        let target = OffscreenTarget::new(900, 600, 1.0).unwrap();
        let renderer = render::install(target.render_state(), GpuConfig::default());
        let (ctx, wake) = (egui::Context::default(), Wake::default());
        let config = StreamConfig::with_ram_budget(64 << 20);
        let program = Program::new(Beginning::new(Memory::none(), config, wake.callback()));
        let window = TectumApp::new(&ctx, program, renderer, wake, None);
        Self { ctx, target, window, start: Instant::now() }
    }

    /// A frame of a window that is seen; returns what it asked of the system.
    fn frame(&mut self, events: Vec<egui::Event>) -> Vec<egui::ViewportCommand> {
        let now = Instant::now();
        let mut input = self.target.raw_input(now.duration_since(self.start).as_secs_f64());
        input.events = events;
        let (ctx, window) = (&self.ctx, &mut self.window);
        let mut output = ctx.run_ui(input, |ui| {
            window.step(ui.ctx(), now);
            window.frame(ui, now);
        });
        let asked = output.viewport_output.values_mut().flat_map(|viewport| std::mem::take(&mut viewport.commands));
        let asked = asked.collect();
        self.target.advance(&self.ctx, output);
        asked
    }

    fn frames_until(&mut self, mut done: impl FnMut(&mut Self, Vec<egui::ViewportCommand>) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = self.frame(Vec::new());
            if done(self, asked) {
                return;
            }
            assert!(Instant::now() < deadline, "it never happened");
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn shown(&self) -> Option<&Shown> {
        self.window.program.session().map(|session| session.shown())
    }
}

fn press(key: egui::Key) -> Vec<egui::Event> {
    let modifiers = egui::Modifiers::NONE;
    vec![egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }]
}

#[test]
fn a_key_is_answered_by_the_picture_and_what_failed_is_taken_away_by_esc() {
    let mut stage = Stage::new();
    stage.window.program.open(&fixture("a_4d_default"), OpenOptions::default());
    let mut titles = Vec::new();
    stage.frames_until(|stage, asked| {
        titles.extend(asked.into_iter().filter_map(|command| match command {
            egui::ViewportCommand::Title(title) => Some(title),
            _ => None,
        }));
        stage.shown() == Some(&Shown::Exact)
    });
    assert_eq!(titles.last().map(String::as_str), Some("data – Tectum"));
    stage.frame(press(egui::Key::ArrowRight));
    let session = stage.window.program.session().unwrap();
    assert_eq!((session.view.cursor.t, session.asked().t()), (1, 1), "in the very frame");
    stage.window.program.open(&fixture("no_such_fixture"), OpenOptions::default());
    stage.frames_until(|stage, _| matches!(stage.window.program.screen().0, Screen::Session { failure: Some(_), .. }));
    assert_eq!(stage.window.program.session().unwrap().view.panels.overlay, Some(Overlay::NotOpened));
    stage.frame(press(egui::Key::Escape));
    stage.frame(Vec::new());
    assert!(matches!(stage.window.program.screen().0, Screen::Session { failure: None, .. }));
    let session = stage.window.program.session().unwrap();
    assert_eq!((session.view.cursor.t, session.view.panels.overlay), (1, None));
    // What is closed leaves the welcome screen behind, and nothing on it of the recording.
    stage.window.program.carry_out(&[Command::CloseDataset], Instant::now());
    stage.frame(Vec::new());
    assert!(matches!(stage.window.program.screen().0, Screen::Welcome(_)));
}
