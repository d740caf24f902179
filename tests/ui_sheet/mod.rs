//! The sheet of arrays and axes, driven by role and name: what is chosen, dragged, typed and pressed there is
//! what it says.

use egui::accesskit::Role;
use egui::{Key, TextureOptions};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use tectum::format::DatasetEntry;
use tectum::ui::{AppCommand, AxisRole, Command, Draft, Level, Sheet, SheetCommand, Theme, Thumbnail, axes_ui, theme};
use tectum::volume::{ArrayInfo, Axis, AxisFrom, DType, Shape, VoxelSize};

/// The sheet of an NWB file, which carries out what is said in it as the program does.
struct Bench {
    entries: Vec<DatasetEntry>,
    chosen: usize,
    draft: Option<Draft>,
    is_remembered: bool,
    plane: Thumbnail,
    commands: Vec<Command>,
}

fn entry(name: &str, shape: &[u64], dtype: DType, is_no_image: bool) -> DatasetEntry {
    DatasetEntry {
        name: name.to_owned(),
        summary: String::new(),
        shape: shape.to_vec(),
        dtype: Some(dtype),
        stored_bytes: Some(shape.iter().product::<u64>()),
        compression: "gzip".to_owned(),
        is_no_image,
    }
}

fn draft() -> Draft {
    let shape = Shape::from([1800, 512, 512, 20]);
    let twin = AxisFrom::guess("same length");
    let length = AxisFrom::known("from its length");
    let info = ArrayInfo {
        axes: [Axis::T, Axis::X, Axis::Y, Axis::Z].map(Some).to_vec(),
        axes_from: vec![length, twin, twin, length],
        voxel_size: Some(VoxelSize { z_um: 8.0, y_um: 0.6, x_um: 0.6 }),
        ..ArrayInfo::new("session", "/data/session.nwb", "NWB 2.6", shape, DType::U16)
    };
    Draft::of(&info)
}

impl Default for Bench {
    fn default() -> Self {
        let entries = vec![
            entry("acquisition/TwoPhotonSeries", &[1800, 512, 512, 20], DType::U16, false),
            entry("acquisition/anatomy", &[512, 512, 120], DType::U16, false),
            entry("processing/ophys/Fluorescence", &[1800, 412], DType::F32, true),
        ];
        let (plane, commands) = (Thumbnail::Waiting, Vec::new());
        Self { entries, chosen: 0, draft: Some(draft()), is_remembered: true, plane, commands }
    }
}

impl Bench {
    fn ui(&mut self, ui: &mut egui::Ui) {
        if matches!(self.plane, Thumbnail::Waiting) {
            let pixels = (0..100 * 60).map(|i| egui::Color32::from_gray((i % 100) as u8 * 2)).collect();
            let image = egui::ColorImage::new([100, 60], pixels);
            let texture = ui.ctx().load_texture("plane", image, TextureOptions::LINEAR);
            self.plane = Thumbnail::Picture { texture, axes: [2, 1] };
        }
        let mut thumbnails = vec![Thumbnail::Waiting; self.entries.len()];
        thumbnails[0] = self.plane.clone();
        thumbnails[1] = Thumbnail::None("no permission to read it".to_owned());
        let sheet = Sheet {
            file: "session.nwb",
            facts: "NWB 2.6 · 18.9 GB · 3 arrays",
            entries: &self.entries,
            chosen: self.chosen,
            thumbnails: &thumbnails,
            draft: self.draft.as_ref(),
            plane: &self.plane,
            is_remembered: self.is_remembered,
        };
        let mut commands = Vec::new();
        axes_ui(ui, &sheet, &mut commands);
        for command in &commands {
            let (Command::App(AppCommand::Sheet(said)), Some(draft)) = (command, &mut self.draft) else { continue };
            match said {
                SheetCommand::Choose(index) => self.chosen = *index,
                SheetCommand::SetRole { axis, role } => draft.set_role(*axis, *role),
                SheetCommand::SwapAxes(axes) => draft.swap(*axes),
                SheetCommand::SetEdge { axis, um } => draft.voxel_um[*axis] = *um,
                SheetCommand::SetRate(rate) => draft.rate_hz = *rate,
                SheetCommand::SetLevel(level) => draft.set_level(*level),
                SheetCommand::ToggleRemembered => self.is_remembered = !self.is_remembered,
                SheetCommand::Open => {}
            }
        }
        self.commands.extend(commands);
    }
}

type Window = Harness<'static, Bench>;

fn still_window_of(bench: Bench, size: [f32; 2]) -> Window {
    Harness::builder()
        .with_size(egui::vec2(size[0], size[1]))
        .with_step_dt(1.0 / 60.0)
        .with_max_steps(90)
        .with_context_setup(|ctx| theme::install(ctx, Theme::Dark))
        .build_ui_state(|ui, bench: &mut Bench| bench.ui(ui), bench)
}

fn window_of(bench: Bench, size: [f32; 2]) -> Window {
    let mut harness = still_window_of(bench, size);
    harness.run();
    harness
}

fn window() -> Window {
    window_of(Bench::default(), [1280.0, 800.0])
}

fn letters(window: &Window) -> String {
    window.state().draft.as_ref().map_or(String::new(), Draft::letters)
}

fn press(window: &mut Window, key: Key) {
    window.key_press(key);
    window.run();
}

fn is_opened(window: &Window) -> bool {
    window.state().commands.contains(&Command::App(AppCommand::Sheet(SheetCommand::Open)))
}

#[test]
fn what_the_file_lacks_is_asked_for_and_typed_at_once() {
    let mut window = window();
    window.get_by_role_and_label(Role::TextInput, "Rate").type_text("3");
    window.run();
    press(&mut window, Key::Enter);
    assert_eq!(window.state().draft.as_ref().unwrap().rate_hz, Some(3.0));
    assert!(!is_opened(&window), "the key that ends a field opens nothing");
    press(&mut window, Key::Enter);
    assert!(is_opened(&window));
}

#[test]
fn arrays_are_chosen_by_the_arrows_and_what_is_no_image_is_not() {
    let mut window = window();
    window.get_by_role_and_label(Role::TextInput, "Rate").type_text("3");
    window.run();
    for (key, chosen) in [(Key::ArrowDown, 1), (Key::ArrowDown, 1), (Key::ArrowUp, 0)] {
        press(&mut window, key);
        assert_eq!(window.state().chosen, chosen, "{key:?}");
    }
    assert_eq!(window.state().draft.as_ref().unwrap().rate_hz, None, "what was begun is not said of another array");
    window.get_by_role_and_label(Role::RadioButton, "acquisition / anatomy").click();
    window.run();
    assert_eq!(window.state().chosen, 1);
    window.get_by_role_and_label(Role::RadioButton, "processing / ophys / Fluorescence").click();
    window.run();
    assert_eq!(window.state().chosen, 1);
}

#[test]
fn axes_are_dragged_typed_chosen_and_held() {
    let mut window = window();
    press(&mut window, Key::Escape);
    let rect = |window: &Window, name: &str| window.get_by_role_and_label(Role::ComboBox, name).rect();
    let (first, last) = (rect(&window, "Axis 0, 1800 long"), rect(&window, "Axis 3, 20 long"));
    window.drag_at(first.center());
    window.run();
    for step in 1..=4 {
        window.hover_at(first.center() + (last.center() - first.center()) * (step as f32 / 4.0));
        window.run();
    }
    window.drop_at(last.center());
    window.run();
    assert_eq!(letters(&window), "zxyt");
    window.get_by_role_and_label(Role::ComboBox, "Axis 0, 1800 long").focus();
    window.run();
    press(&mut window, Key::T);
    assert_eq!(letters(&window), "txyz");
    press(&mut window, Key::ArrowRight);
    assert_eq!(letters(&window), "xtyz", "exchanged with its neighbour");
    press(&mut window, Key::ArrowRight);
    assert_eq!(letters(&window), "txyz");
    window.get_by_role_and_label(Role::ComboBox, "Axis 3, 20 long").click();
    window.run();
    window.get_by_role_and_label(Role::MenuItem, "held at one index").click();
    window.run();
    assert_eq!(letters(&window), "t,x,y,0");
    window.get_by_role_and_label(Role::SpinButton, "Index of axis 3").click();
    window.run();
    window.get_by_role_and_label(Role::TextInput, "Index of axis 3").type_text("7");
    press(&mut window, Key::Enter);
    assert_eq!(letters(&window), "t,x,y,7");
}

#[test]
fn of_two_equal_lengths_the_picture_is_chosen() {
    let mut window = window();
    press(&mut window, Key::Escape);
    window.get_by_role_and_label(Role::RadioButton, "y then x").click();
    window.run();
    assert_eq!(letters(&window), "tyxz");
    let draft = window.state().draft.as_ref().unwrap();
    assert_eq!((draft.from[1], draft.from[0].is_guess), (AxisFrom::USER, false));
    window.get_by_role_and_label(Role::RadioButton, "x then y").click();
    window.run();
    assert_eq!(letters(&window), "txyz");
}

#[test]
fn without_rows_or_columns_nothing_is_opened() {
    let mut window = window();
    press(&mut window, Key::Escape);
    window.state_mut().draft.as_mut().unwrap().set_role(2, AxisRole::Held(0));
    window.run();
    press(&mut window, Key::Enter);
    window.get_by_role_and_label(Role::Button, "Open the array").click();
    window.run();
    assert!(!is_opened(&window));
    window.state_mut().draft.as_mut().unwrap().set_role(2, AxisRole::Axis(Axis::Y));
    window.run();
    window.get_by_role_and_label(Role::Button, "Open the array").click();
    window.run();
    assert!(is_opened(&window));
}

#[test]
fn every_state_of_the_sheet_has_names_and_fits_its_window() {
    let many = (0..500).map(|i| entry(&format!("well/{i}"), &[2, 3, 4, 5, 60, 70], DType::U8, false)).collect();
    let shape = Shape::new(&[2, 3, 4, 5, 60, 70]).unwrap();
    let six = Draft::of(&ArrayInfo::new("a", "/a", "HDF5 file", shape, DType::U8));
    for size in [[1280.0, 800.0], [1024.0, 700.0], [640.0, 420.0]] {
        for draft in [None, Some(draft()), Some(six.clone())] {
            let window = window_of(Bench { draft, ..Bench::default() }, size);
            window.check_accessibility();
            let open = window.get_by_role_and_label(Role::Button, "Open the array").rect();
            assert!(open.bottom() <= size[1] && open.right() <= size[0], "{size:?}: {open:?}");
        }
    }
    let mut window = window_of(Bench { entries: many, ..Bench::default() }, [1024.0, 700.0]);
    press(&mut window, Key::Escape);
    press(&mut window, Key::ArrowDown);
    assert_eq!(window.state().chosen, 1);
    assert!(window.query_by_role_and_label(Role::RadioButton, "well / 400").is_none(), "what is not seen is not drawn");
}

#[test]
fn the_resolution_that_is_opened_as_the_finest_is_chosen() {
    let level = |side: usize| Level { dims: vec![1800, side, side, 20], voxel_um: None };
    let mut bench = Bench::default();
    bench.draft.as_mut().unwrap().levels = vec![level(512), level(256), level(128)];
    let mut window = window_of(bench, [1280.0, 800.0]);
    window.get_by_role_and_label(Role::RadioButton, "1  256²").click();
    window.run();
    let draft = window.state().draft.as_ref().unwrap();
    assert_eq!((draft.level, draft.dims[1]), (1, 256));
    assert_eq!(draft.voxel_um, [Some(8.0), Some(1.2), Some(1.2)], "half as many, twice as large");
    // More of them than there is room for are a list.
    let mut bench = Bench::default();
    bench.draft.as_mut().unwrap().levels = (0..9).map(|i| level(1 << (16 - i))).collect();
    let window = window_of(bench, [1024.0, 700.0]);
    assert!(window.query_by_role_and_label(Role::ComboBox, "Level").is_some());
}

#[test]
fn a_window_that_is_not_in_front_is_not_drawn_over_and_over_for_its_sheet() {
    let mut window = still_window_of(Bench::default(), [1280.0, 800.0]);
    window.input_mut().focused = false;
    // Panics where it does not come to rest.
    window.run();
    assert!(window.query_by_role_and_label(Role::TextInput, "Rate").is_some(), "it is asked for all the same");
    window.input_mut().focused = true;
    window.run();
    window.get_by_role_and_label(Role::TextInput, "Rate").type_text("3");
    window.run();
    press(&mut window, Key::Enter);
    assert_eq!(window.state().draft.as_ref().unwrap().rate_hz, Some(3.0));
}
