//! The window around the program, drawn off screen: input reaches the program, and its effects the toolkit.

use egui::accesskit::{self, Role};

use super::*;
use crate::app::memory::Memory;
use crate::app::program::{Beginning, Screen};
use crate::app::stage::{PATIENCE, fixture};
use crate::render::{self, GpuConfig, OffscreenTarget};
use crate::stream::StreamConfig;
use crate::ui::{AppCommand, Command, Overlay, Shown};

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
        let window = TectumApp::new(&ctx, program, renderer, wake);
        Self { ctx, target, window, start: Instant::now() }
    }

    /// A frame of a window that is seen, not drawn yet.
    fn run(&mut self, events: Vec<egui::Event>) -> egui::FullOutput {
        let now = Instant::now();
        let mut input = self.target.raw_input(now.duration_since(self.start).as_secs_f64());
        input.events = events;
        let (ctx, window) = (&self.ctx, &mut self.window);
        ctx.run_ui(input, |ui| {
            window.step(ui.ctx(), now);
            window.frame(ui, now);
        })
    }

    /// A frame of a window that is seen; returns what it asked of the system.
    fn frame(&mut self, events: Vec<egui::Event>) -> Vec<egui::ViewportCommand> {
        let mut output = self.run(events);
        let asked = output.viewport_output.values_mut().flat_map(|viewport| std::mem::take(&mut viewport.commands));
        let asked = asked.collect();
        self.target.advance(&self.ctx, output);
        asked
    }

    /// A frame as it is seen, and the value of each widget of a role and a name.
    fn picture(&mut self, events: Vec<egui::Event>) -> (image::RgbaImage, Vec<(Role, String, String)>) {
        let mut output = self.run(events);
        let nodes = output.platform_output.accesskit_update.take().map(|update| update.nodes).unwrap_or_default();
        let told = |node: &accesskit::Node| {
            (node.role(), node.label().unwrap_or_default().to_owned(), node.value().unwrap_or_default().to_owned())
        };
        let told = nodes.iter().map(|(_, node)| told(node)).collect();
        (self.target.paint(&self.ctx, output).unwrap(), told)
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
    stage.window.program.open(fixture("a_4d_default"), OpenOptions::default());
    let mut titles = Vec::new();
    stage.frames_until(|stage, asked| {
        titles.extend(asked.into_iter().filter_map(|command| match command {
            egui::ViewportCommand::Title(title) => Some(title),
            _ => None,
        }));
        stage.shown() == Some(&Shown::Exact)
    });
    assert!(titles.last().is_some_and(|title| title.ends_with("data – Tectum")), "{titles:?}");
    stage.frame(press(egui::Key::ArrowRight));
    let session = stage.window.program.session().unwrap();
    assert_eq!((session.view.cursor.t, session.asked().t()), (1, 1), "in the very frame");
    stage.window.program.open(fixture("no_such_fixture"), OpenOptions::default());
    stage.frames_until(|stage, _| matches!(stage.window.program.screen().0, Screen::Session { failure: Some(_), .. }));
    assert_eq!(stage.window.program.session().unwrap().view.panels.overlay, Some(Overlay::NotOpened));
    stage.frame(press(egui::Key::Escape));
    stage.frame(Vec::new());
    assert!(matches!(stage.window.program.screen().0, Screen::Session { failure: None, .. }));
    let session = stage.window.program.session().unwrap();
    assert_eq!((session.view.cursor.t, session.view.panels.overlay), (1, None));
    // What is closed leaves the welcome screen behind, and nothing on it of the recording.
    stage.window.program.carry_out(&[Command::App(AppCommand::CloseDataset)], Instant::now());
    stage.frame(Vec::new());
    assert!(matches!(stage.window.program.screen().0, Screen::Welcome(_)));
}

#[test]
fn the_frame_of_a_key_shows_its_answer_everywhere_and_is_drawn_once() {
    let mut stage = Stage::new();
    stage.ctx.enable_accesskit();
    stage.window.program.open(fixture("a_4d_default"), OpenOptions::default());
    let is_there = |stage: &mut Stage, t: usize| {
        stage.frames_until(|stage, _| {
            let session = stage.window.program.session();
            session.is_some_and(|session| {
                // Traces go on moving until the quality of all of it is known.
                let is_still = session.is_measured() && session.checked().1;
                session.shown() == &Shown::Exact && session.asked().t() == t && is_still
            })
        });
    };
    is_there(&mut stage, 0);
    stage.frame(press(egui::Key::ArrowRight));
    is_there(&mut stage, 1);
    // Both timepoints are in memory now, and each has been drawn.
    stage.frame(press(egui::Key::ArrowLeft));
    is_there(&mut stage, 0);
    for (key, t) in [(egui::Key::ArrowRight, 1), (egui::Key::ArrowLeft, 0)] {
        // What else is on its way has come: two pictures in a row are the same.
        let mut before = stage.picture(Vec::new()).0;
        for _ in 0..50 {
            let next = stage.picture(Vec::new()).0;
            if std::mem::replace(&mut before, next) == before {
                break;
            }
        }
        let passes = stage.ctx.cumulative_pass_nr();
        let (image, told) = stage.picture(press(key));
        assert_eq!(stage.ctx.cumulative_pass_nr() - passes, 1);
        assert_eq!(stage.shown(), Some(&Shown::Exact));
        let value = |role: Role, name: &str| {
            let found = told.iter().find(|(of, label, _)| *of == role && label == name);
            found.unwrap_or_else(|| panic!("{name}: {told:?}")).2.clone()
        };
        assert!(value(Role::Slider, "Time").starts_with(&format!("t {t}")), "{:?}", value(Role::Slider, "Time"));
        assert!(
            value(Role::Status, "Picture shown").starts_with(&format!("t {t}")),
            "the mark on the picture: {told:?}"
        );
        // The picture and the playhead are those that stay.
        let (rest, _) = stage.picture(Vec::new());
        let regions = crate::ui::Regions::new(stage.target.screen_rect(), crate::ui::Regions::TIME);
        for (what, region) in [("canvas", regions.canvas), ("time", regions.time)] {
            let pixels = |image: &image::RgbaImage| -> Vec<image::Rgba<u8>> {
                let (x, y) = (region.left() as u32..region.right() as u32, region.top() as u32..region.bottom() as u32);
                y.flat_map(|y| x.clone().map(move |x| (x, y))).map(|(x, y)| *image.get_pixel(x, y)).collect()
            };
            assert!(pixels(&image) == pixels(&rest), "{what} is settled at t {t}");
            assert!(pixels(&image) != pixels(&before), "{what} has moved to t {t}");
        }
    }
}
