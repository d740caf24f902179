//! The sheet's side of data, driven by role and name: what is chosen, typed and dragged there is what is saved; and
//! the line at the bottom tells how far that is.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tectum::ui::{
    AppCommand, Command, DataFormat, DataOptions, DataResult, Missing, Overlay, Running, SaveKind, SavingData,
    SessionCommand, What,
};

use super::ui_bench::{Bench, harness_of};
use super::{Window, click, drag, press, press_with, type_number};

fn bench() -> Bench {
    let mut bench = Bench::default();
    bench.saving.data = SavingData {
        formats: vec![DataFormat::Tiff, DataFormat::Npy, DataFormat::Zarr],
        path: "/data/fish3_t0.npy".to_owned(),
        result: Some(DataResult {
            dims: vec![24, 1024, 1024],
            axes: "zyx".to_owned(),
            dtype: "uint16".to_owned(),
            num_bytes: 50_331_648,
            seconds: Some(3.2),
        }),
        is_ready: true,
        free_bytes: Some(412_000_000_000),
        ..SavingData::default()
    };
    bench
}

fn open(bench: Bench, size: [f32; 2]) -> Window {
    let mut window = harness_of(bench, size, 1.0);
    press_with(&mut window, Modifiers::COMMAND, Key::S);
    click(&mut window, Role::RadioButton, "Data");
    assert_eq!(window.state().view.data.kind, SaveKind::Data);
    window.state_mut().take();
    window
}

#[test]
fn a_part_is_chosen_and_saved() {
    let mut window = open(bench(), [1280.0, 800.0]);
    let data = |window: &Window| window.state().view.data;
    let ranges = |window: &Window| data(window).ranges(&window.state().view, &window.state().info);
    let (y, x) = ([0, 1024], [0, 1024]);
    assert_eq!(ranges(&window), [[0, 1], [0, 24], y, x], "the volume on screen");
    // Not that of the top bar, which lies below.
    let plane = window.query_all_by_role_and_label(Role::RadioButton, "Plane").last();
    plane.expect("a choice of the sheet").click();
    window.run();
    assert_eq!((data(&window).what, ranges(&window)), (What::Plane, [[0, 1], [12, 13], y, x]));
    type_number(&mut window, "Last z", "15");
    assert_eq!((data(&window).what, ranges(&window)[1]), (What::Selection, [12, 16]), "what is typed is a selection");
    type_number(&mut window, "First t", "99");
    assert_eq!(ranges(&window)[0], [0, 100], "typed the wrong way round, the ends change places");
    type_number(&mut window, "Last t", "20");
    assert_eq!(ranges(&window)[0], [0, 21]);
    assert!(!window.state_mut().take().contains(&Command::CloseOverlay), "a number that is entered saves nothing");
    let preview = window.get_by_role_and_label(Role::Image, "Preview").rect();
    drag(&mut window, preview.left_top() + egui::vec2(4.0, 4.0), preview.center());
    let [_, _, rows, columns] = ranges(&window);
    assert!(rows[0].abs_diff(512) < 24 && columns[0].abs_diff(512) < 24, "{rows:?} {columns:?}");
    assert_eq!((rows[1], columns[1]), (1024, 1024));
    // All of the frame is moved by its inside.
    drag(&mut window, preview.center() + egui::vec2(50.0, 50.0), preview.center() - egui::vec2(30.0, 30.0));
    let [_, _, moved, _] = ranges(&window);
    assert!((moved[1] - moved[0]).abs_diff(rows[1] - rows[0]) <= 1, "{moved:?} {rows:?}");
    assert!(moved[0] < rows[0] - 200, "{moved:?}");
    click(&mut window, Role::RadioButton, "OME-Zarr");
    assert_eq!(data(&window).format, DataFormat::Zarr);
    click(&mut window, Role::RadioButton, "Leave out");
    assert_eq!(data(&window).missing, Missing::LeaveOut);
    assert!(window.query_by_label("Fill value").is_none());
    click(&mut window, Role::RadioButton, "Fill with");
    type_number(&mut window, "Fill value", "7");
    assert_eq!(data(&window).missing, Missing::Fill(7.0));
    window.state_mut().take();
    click(&mut window, Role::Button, "Choose…");
    assert_eq!(window.state_mut().take(), [Command::App(AppCommand::BrowseDataPath)]);
    let saved = [Command::Session(SessionCommand::SaveData), Command::CloseOverlay];
    click(&mut window, Role::Button, "Save data");
    assert_eq!(window.state_mut().take(), saved);
    press_with(&mut window, Modifiers::COMMAND, Key::S);
    assert_eq!(press(&mut window, Key::Enter), saved, "the sheet opens as it was left");
    press_with(&mut window, Modifiers::COMMAND, Key::S);
    press(&mut window, Key::Escape);
    assert_eq!(window.state().view.panels.overlay, None);
}

#[test]
fn size_time_room_and_what_is_replaced_are_told_or_why_it_cannot_be() {
    let mut bench = bench();
    bench.saving.data.replaces = Some("3 min ago".to_owned());
    bench.saving.data.missing = Some("10 timepoints missing or damaged: refused".to_owned());
    let mut window = open(bench, [1024.0, 700.0]);
    window.get_by_role_and_label(Role::Button, "Replace data");
    let told: Vec<String> =
        window.query_all_by_role(Role::Status).filter_map(|node| node.accesskit_node().label()).collect();
    let told = told.join(" ");
    for words in
        ["Result: 24 × 1", "z y x", "uint16, as recorded", "MB", "about 3", "free", "replaces that of 3 min ago"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(window.get_by_role(Role::Alert).accesskit_node().label().is_some_and(|text| text.starts_with("10 time")));
    window.check_accessibility();
    let data = &mut window.state_mut().saving.data;
    (data.refusal, data.missing) = (Some("there is no folder /data".to_owned()), None);
    window.run();
    assert!(press(&mut window, Key::Enter).is_empty(), "nothing is saved that is refused");
    let alert = window.get_by_role(Role::Alert).accesskit_node().label();
    assert_eq!(alert.as_deref(), Some("there is no folder /data"));
}

#[test]
fn what_is_being_written_is_told_and_can_be_stopped() {
    let mut bench = bench();
    bench.view.data = DataOptions { kind: SaveKind::Data, ..DataOptions::default() };
    bench.saving.data.running =
        Some(Running { name: "a.npy".to_owned(), fraction: 0.64, seconds_left: Some(11.3), ..Running::default() });
    let mut window = harness_of(bench, [1280.0, 800.0], 1.0);
    let told = window.get_by_role_and_label(Role::ProgressIndicator, "Writing a.npy").value();
    assert_eq!(told.as_deref(), Some("64\u{2009}% · 12\u{2009}s left"));
    click(&mut window, Role::Button, "Stop writing a.npy");
    assert_eq!(window.state_mut().take(), [Command::Session(SessionCommand::CancelSaving)]);
    press_with(&mut window, Modifiers::COMMAND, Key::S);
    assert_eq!(window.state().view.panels.overlay, Some(Overlay::Save));
    window.state_mut().take();
    assert!(press(&mut window, Key::Enter).is_empty(), "one at a time");
}
