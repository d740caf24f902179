//! Every state of the window as a picture.

use std::path::Path;

use egui::accesskit::Role;
use egui::pos2;
use egui_kittest::kittest::Queryable as _;
use tectum::live::LiveState;
use tectum::ui::{Mode, Overlay, Section, Shown, Theme};
use tectum::volume::PieceState;

use super::{Bench, Screen, harness_of, live, problems};

/// Every state of the window as a picture.
pub fn gallery(folder: &Path) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let projection = |bench: &mut Bench| {
        bench.view.views[0].mode = Mode::Projection;
        bench.view.views[0].slabs[0] = Some([8, 15]);
        bench.view.cursor.t = 114;
        bench.view.layers[0].gamma = 0.8;
    };
    let with = |change: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::default();
        projection(&mut bench);
        change(&mut bench);
        bench
    };
    let normal = [1280.0, 800.0];
    let states: Vec<(&str, Bench, [f32; 2], f32)> = vec![
        (
            "dark",
            with(&|b| {
                b.live = Some(live(LiveState::Live));
                b.problems = problems();
            }),
            normal,
            1.0,
        ),
        (
            "light",
            with(&|b| {
                b.view.panels.theme = Theme::Light;
                b.live = Some(live(LiveState::Live));
                b.problems = problems();
            }),
            normal,
            1.0,
        ),
        (
            "plane",
            with(&|b| {
                b.view.views[0].mode = Mode::Plane;
                b.pieces.clear();
            }),
            normal,
            1.0,
        ),
        (
            "playing",
            with(&|b| {
                b.view.play.is_running = true;
                b.figures.fps = Some(20.0);
                b.figures.num_skipped = 12;
            }),
            normal,
            1.0,
        ),
        ("loading", with(&|b| b.shown = Shown::Nearest { t: 112 }), normal, 1.0),
        (
            "missing",
            with(&|b| {
                b.shown = Shown::Missing(
                    "Block 0012.h5 is not there: t 120 – 129 were never written or have been deleted.".to_owned(),
                )
            }),
            normal,
            1.0,
        ),
        (
            "narrow",
            with(&|b| {
                b.live = Some(live(LiveState::Quiet));
                b.problems = problems();
            }),
            [1024.0, 700.0],
            1.0,
        ),
        ("drawer", with(&|b| b.view.panels.drawer = Some(Section::Contrast)), [1024.0, 700.0], 1.0),
        ("scale2", with(&|b| b.live = Some(live(LiveState::Live))), [640.0, 400.0], 2.0),
        ("scale2_drawer", with(&|b| b.view.panels.drawer = Some(Section::View)), [640.0, 400.0], 2.0),
        ("hidpi", with(&|_| {}), normal, 2.0),
        (
            "problems",
            with(&|b| {
                b.problems = problems();
                b.view.panels.overlay = Some(Overlay::Problems);
            }),
            normal,
            1.0,
        ),
        ("quality", Bench::story(), [1440.0, 900.0], 1.0),
        (
            "quality_light",
            {
                let mut bench = Bench::story();
                bench.view.panels.theme = Theme::Light;
                bench
            },
            [1440.0, 900.0],
            1.0,
        ),
        (
            "quality_1024",
            {
                let mut bench = Bench::story();
                bench.view.cursor.t = 6211;
                (bench.view.follow, bench.view.panels.traces) = (true, false);
                bench.view.panels.drawer = Some(Section::Quality);
                bench
            },
            [1024.0, 700.0],
            1.0,
        ),
        ("keys", with(&|b| b.view.panels.overlay = Some(Overlay::Keys)), normal, 1.0),
        ("open", with(&|b| b.view.panels.overlay = Some(Overlay::Open)), normal, 1.0),
        ("welcome", with(&|b| b.screen = Screen::Welcome), normal, 1.0),
        (
            "welcome_light",
            with(&|b| {
                b.screen = Screen::Welcome;
                b.view.panels.theme = Theme::Light;
            }),
            normal,
            1.0,
        ),
        ("welcome_small", with(&|b| b.screen = Screen::Welcome), [640.0, 400.0], 1.0),
        ("opening", with(&|b| b.screen = Screen::Opening), normal, 1.0),
        ("absent", with(&|b| b.screen = Screen::Absent), normal, 1.0),
        ("error", with(&|b| b.screen = Screen::Error), normal, 1.0),
        ("waiting", with(&|b| b.screen = Screen::Waiting), normal, 1.0),
        (
            "finished",
            with(&|b| {
                b.live = Some(live(LiveState::Finished));
                b.pieces[20].state = PieceState::Whole;
            }),
            normal,
            1.0,
        ),
        (
            "behind",
            with(&|b| {
                b.live = Some(live(LiveState::Live));
                b.view.follow = true;
                b.view.cursor.t = 205;
                b.view.panels.color_bar = true;
                b.shown = Shown::Nearest { t: 198 };
                b.pieces.pop();
            }),
            normal,
            1.0,
        ),
        (
            "bright",
            with(&|b| {
                b.ground = Some(egui::Color32::WHITE);
                b.view.panels.color_bar = true;
                b.view.views[0].camera.zoom = 2.0;
                b.shown = Shown::Nearest { t: 112 };
            }),
            normal,
            1.0,
        ),
        (
            "small",
            with(&|b| {
                b.view.panels.theme = Theme::Light;
                b.array.name = "20240311_fish3_6dpf_huc-h2b-gcamp6s_run2_lightsheet_repeat_0007".to_owned();
                b.live = Some(live(LiveState::Live));
                b.problems = problems();
                b.ground = Some(egui::Color32::from_gray(128));
            }),
            [900.0, 600.0],
            1.0,
        ),
        ("more", with(&|b| b.live = Some(live(LiveState::Live))), [1024.0, 700.0], 1.0),
        ("restarted", with(&|b| b.live = Some(live(LiveState::Restarted))), normal, 1.0),
        ("menu", with(&|_| {}), normal, 1.0),
        ("tooltip", with(&|_| {}), normal, 1.0),
        ("focus", with(&|_| {}), normal, 1.0),
        ("typing", with(&|_| {}), normal, 1.0),
        ("drop", with(&|_| {}), normal, 1.0),
        (
            "xz",
            with(&|b| {
                b.view.views[0].orientation = tectum::volume::Orientation::Xz;
                b.figures.note = Some("no GPU: drawn by the processor".to_owned());
            }),
            normal,
            1.0,
        ),
    ];
    let only = std::env::var("TECTUM_GALLERY_ONLY").unwrap_or_default();
    for (name, bench, size, scale) in states {
        if !only.is_empty() && !only.split(',').any(|part| part == name) {
            continue;
        }
        let mut harness = harness_of(bench, size, scale);
        if name == "dark" || name == "light" {
            harness.hover_at(pos2(400.0, 300.0));
            harness.run();
        }
        match name {
            "more" => harness.get_by_role_and_label(Role::Button, "More").click(),
            "menu" => harness.get_by_role_and_label(Role::ComboBox, "Projection").click(),
            "tooltip" => harness.get_by_role_and_label(Role::Button, "Saturation").hover(),
            "focus" => harness.get_by_role_and_label(Role::ComboBox, "Projection").focus(),
            "typing" => harness.get_by_role_and_label(Role::SpinButton, "Upper limit").click(),
            "drop" => harness.input_mut().hovered_files = vec![egui::HoveredFile::default()],
            _ => {}
        }
        harness.run_steps(60);
        let image = harness.render().expect("the window can be drawn");
        image.save(folder.join(format!("{name}.png"))).expect("the picture can be written");
    }
}
