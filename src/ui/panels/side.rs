//! The right panel: how the picture is made and coloured, and what the dataset is. Where the window is
//! narrow it is a column of icons, each with its section in a drawer beside it.

use egui::{Rect, ScrollArea, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use super::super::theme::Tokens;
use super::super::widgets::{
    self, Button, Fill, Number, choice, choice_width, gradient, icon_button, section_header, segmented, severity_mark,
    text_width,
};
use super::super::{Camera, Command, Mode, Model, Section, format, icons, num_depths, place};
use super::dataset::dataset_rows;
use super::limits_menu::limits_menu;
use super::{contrast, operations, quality};
use crate::ui::theme::{Weight, fill, font};
use crate::volume::{Interpolation, Orientation, Projection};

/// Width of the panel.
pub const WIDTH: f32 = 288.0;
/// Width where it is folded to icons.
pub const ICONS_WIDTH: f32 = 44.0;
const PADDING: f32 = 16.0;

/// The whole panel, its sections one below the other.
pub fn side_ui(ui: &mut Ui, rect: Rect, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    fill(ui, rect, tokens.bg1);
    ui.painter().vline(rect.left() + 0.5, rect.y_range(), Stroke::new(1.0, tokens.line));
    let inner =
        Rect::from_min_max(pos2(rect.left() + PADDING, rect.top() + 4.0), pos2(rect.right() - 2.0, rect.bottom()));
    scrolled(ui, inner, "side", |ui| {
        for section in shown_sections(model) {
            section_ui(ui, section, canvas, model, commands);
        }
        ui.add_space(12.0);
    });
}

/// The panel as a column of icons.
pub fn icons_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    fill(ui, rect, tokens.bg1);
    ui.painter().vline(rect.left() + 0.5, rect.y_range(), Stroke::new(1.0, tokens.line));
    for (index, section) in shown_sections(model).enumerate() {
        let center = pos2(rect.center().x, rect.top() + 24.0 + 36.0 * index as f32);
        let area = Rect::from_center_size(center, vec2(32.0, 32.0));
        let icon = match section {
            Section::View => icons::EYE,
            Section::Contrast => icons::CIRCLE_HALF,
            Section::Colormap => icons::PALETTE,
            Section::Operations => icons::FUNCTION,
            Section::Quality => icons::PULSE,
            Section::Dataset => icons::DATABASE,
        };
        let fill = if model.state.panels.drawer == Some(section) { Fill::Field } else { Fill::None };
        if icon_button(ui, area, icon, false, fill, section.label(), "").clicked() {
            commands.push(Command::ToggleDrawer(section));
        }
        if let Some(gravity) = model.quality.and_then(|quality| quality.worst()).filter(|_| section == Section::Quality)
        {
            let at = area.right_top() + vec2(-6.0, 6.0);
            ui.painter().circle_filled(at, 6.5, tokens.bg1);
            severity_mark(ui.painter(), at, 8.0, quality::severity(gravity), tokens);
        }
    }
}

/// All, but what is not measured.
fn shown_sections(model: &Model<'_>) -> impl Iterator<Item = Section> {
    let has_quality = model.quality.is_some();
    Section::ALL.into_iter().filter(move |section| has_quality || *section != Section::Quality)
}

/// The section an icon opened, over the canvas beside the icons.
pub fn drawer_ui(ui: &mut Ui, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let Some(section) = model.state.panels.drawer else { return };
    let tokens = Tokens::get(ui);
    let width = WIDTH.min(canvas.width() - 16.0);
    let id = ui.make_persistent_id("drawer height");
    let wanted = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(260.0);
    let height = wanted.min(canvas.height() - 16.0);
    // Beside the depth slider, not over it.
    let right =
        if canvas.width() > width + 80.0 { super::depth::left_edge(canvas, model) } else { canvas.right() - 8.0 };
    let rect = Rect::from_min_size(pos2(right - width, canvas.top() + 8.0), vec2(width, height));
    ui.painter().add(ui.visuals().popup_shadow.as_shape(rect, 6.0));
    ui.painter().rect(rect, 6.0, tokens.bg1, Stroke::new(1.0, tokens.line), egui::StrokeKind::Inside);
    // Takes the pointer, so that what is below does not.
    ui.interact(rect, ui.make_persistent_id("drawer ground"), Sense::CLICK | Sense::DRAG);
    let inner = Rect::from_min_max(
        pos2(rect.left() + PADDING, rect.top() + 4.0),
        pos2(rect.right() - 2.0, rect.bottom() - 4.0),
    );
    let content = scrolled(ui, inner, ("drawer", section), |ui| {
        header(ui, section, None, model, commands);
        section_rows(ui, section, canvas, model, commands);
        ui.add_space(10.0);
    });
    ui.data_mut(|data| data.insert_temp(id, content + 10.0));
}

/// A column that scrolls if it must. Returns the height of its content.
fn scrolled(ui: &mut Ui, rect: Rect, salt: impl std::hash::Hash + std::fmt::Debug, add: impl FnOnce(&mut Ui)) -> f32 {
    let salt = egui::IdSalt::new(salt);
    ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(salt), |ui| {
        ui.set_clip_rect(rect.expand2(vec2(6.0, 0.0)).intersect(ui.clip_rect()));
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        let output = ScrollArea::vertical().id_salt(salt).auto_shrink([false, false]).show(ui, |ui| {
            ui.set_width(rect.width() - PADDING + 2.0);
            add(ui);
            widgets::scroll_to_focus(ui);
        });
        output.content_size.y
    })
    .inner
}

fn section_ui(ui: &mut Ui, section: Section, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let is_folded = model.state.panels.folded[section as usize];
    header(ui, section, Some(is_folded), model, commands);
    if !is_folded {
        section_rows(ui, section, canvas, model, commands);
    }
}

fn header(ui: &mut Ui, section: Section, is_folded: Option<bool>, model: &Model<'_>, commands: &mut Vec<Command>) {
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), 38.0), Sense::hover());
    let rect = Rect::from_center_size(pos2(area.center().x, area.top() + 22.0), vec2(area.width(), 20.0));
    if section_header(ui, rect, section.label(), is_folded.unwrap_or(false)) {
        commands.push(match is_folded {
            Some(_) => Command::ToggleSection(section),
            None => Command::ToggleDrawer(section),
        });
    }
    if is_folded == Some(true) {
        summary_ui(ui, section, rect, model);
    } else if section == Section::Quality {
        limits_menu(ui, rect, model, commands);
    }
}

/// What a folded section is about, at the right end of its heading.
fn summary_ui(ui: &Ui, section: Section, rect: Rect, model: &Model<'_>) {
    let tokens = Tokens::get(ui);
    let mut at = rect.right_center();
    let text = match section {
        Section::View => place_text(model),
        Section::Contrast => {
            let limits = model.layer.limits_or_default(model.values(), model.layer_info);
            limits.map(format::value).join(" – ")
        }
        Section::Colormap => {
            let colors = Rect::from_center_size(at - vec2(32.0, 0.0), vec2(64.0, 10.0));
            let display = model.display();
            gradient(ui.painter(), colors, display.colormap, display.invert, display.gamma);
            at.x = colors.left() - 8.0;
            model.display().colormap.name().to_owned()
        }
        Section::Operations => operations::summary(model),
        Section::Quality => model.quality.map_or(String::new(), |quality| quality::summary(&quality)),
        Section::Dataset => super::dataset::summary(model),
    };
    let size = font(12.0, Weight::Regular);
    let text = widgets::elided(ui, &text, size.clone(), at.x - rect.left() - 90.0);
    widgets::text(ui.painter(), at, egui::Align2::RIGHT_CENTER, &text, size, tokens.t2);
}

/// "XY · plane 12".
fn place_text(model: &Model<'_>) -> String {
    let view = model.view;
    let axis = ["XY", "XZ", "YZ"][view.orientation as usize];
    match view.mode {
        Mode::Plane => format!("{axis} · plane {}", format::integer(model.depth_index() as i64)),
        Mode::Projection => format!("{axis} · {}", view.op.label()),
    }
}

fn section_rows(ui: &mut Ui, section: Section, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    match section {
        Section::View => view_rows(ui, canvas, model, commands),
        Section::Contrast => contrast::contrast_rows(ui, model, commands),
        Section::Colormap => contrast::colormap_rows(ui, model, commands),
        Section::Operations => operations::operations_rows(ui, model, commands),
        Section::Quality => quality::quality_rows(ui, model, commands),
        Section::Dataset => dataset_rows(ui, model, commands),
    }
}

/// A row of 24 points with a label on its left.
pub fn row(ui: &mut Ui, label: &str) -> Rect {
    let tokens = Tokens::get(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::hover());
    widgets::text(
        ui.painter(),
        rect.left_center(),
        egui::Align2::LEFT_CENTER,
        label,
        font(13.0, Weight::Regular),
        tokens.t2,
    );
    rect
}

/// A field of `width` at the right of a row, `inset` from its end.
pub fn field(row: Rect, width: f32, inset: f32) -> Rect {
    let right = row.right() - inset;
    Rect::from_min_max(pos2(right - width, row.top() + 1.0), pos2(right, row.bottom() - 1.0))
}

fn view_rows(ui: &mut Ui, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let view = model.view;
    let num = num_depths(model.info, view.orientation);
    let last = num.saturating_sub(1);
    if model.info.shape[1] > 1 {
        let rect = row(ui, "Orientation");
        let options = [("XY", "Planes as recorded", ""), ("XZ", "Cut across y", ""), ("YZ", "Cut across x", "")];
        if let Some(index) =
            segmented(ui, field(rect, 122.0, 0.0).expand2(vec2(0.0, 1.0)), &options, view.orientation as usize)
        {
            commands.push(Command::SetOrientation(Orientation::ALL[index]));
        }
    }
    let digits = number_width(ui, last as f64, 0);
    match view.mode {
        Mode::Plane if num > 1 => {
            let rect = row(ui, "Plane");
            let number = Number {
                name: "Plane",
                value: model.depth_index() as f64,
                range: [0.0, last as f64],
                decimals: Some(0),
                step: 0.25_f64.max(last as f64 / 400.0),
                unit: "",
                hint: "Plane shown: drag or type",
                key: "↑ ↓",
            };
            if let Some(depth) = number.show(ui, field(rect, digits, 0.0)) {
                commands.push(Command::DepthTo(depth as usize));
            }
            let axis = view.orientation.depth_axis();
            if let Some(edge) = model.info.voxel_size.and_then(|size| size.along(axis)) {
                value_row(ui, "Depth", &format!("{} µm", format::length_um(edge * model.depth_index() as f64)));
            }
        }
        Mode::Projection if num > 1 => {
            let rect = row(ui, "Projection");
            let labels = Projection::ALL.map(Projection::label);
            let width = choice_width(ui, &labels);
            let hint = "How the planes are folded into one";
            if let Some(index) = choice(ui, field(rect, width, 0.0), "Projection", &labels, view.op as usize, hint, "")
            {
                commands.push(Command::SetProjection(Projection::ALL[index]));
            }
            slab_row(ui, model, digits, commands);
        }
        _ => {}
    }
    let rect = row(ui, "Interpolation");
    let labels = Interpolation::ALL.map(Interpolation::label);
    let width = choice_width(ui, &labels);
    let hint = "How voxels larger than a pixel are drawn";
    if let Some(index) =
        choice(ui, field(rect, width, 0.0), "Interpolation", &labels, model.layer.interpolation as usize, hint, "")
    {
        commands.push(Command::SetInterpolation(Interpolation::ALL[index]));
    }
    zoom_row(ui, canvas, model, commands);
}

/// How large a voxel is drawn: 100 % is one pixel of the screen.
fn zoom_row(ui: &mut Ui, canvas: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let canvas = super::canvas::place(ui, model, canvas);
    let camera = model.view.camera;
    let orientation = model.view.orientation;
    let pixels_per_point = ui.ctx().pixels_per_point();
    let percent_of =
        |camera| 100.0 * place::pixels_per_voxel(canvas, model.info, orientation, camera, pixels_per_point);
    let show_at = |percent: f64| {
        let scale = percent / 100.0;
        let camera = place::camera_of_scale(canvas, model.info, orientation, camera, pixels_per_point, scale);
        Command::SetCamera(camera)
    };
    let rect = row(ui, "Zoom");
    let fit =
        Button { text: "Fit", name: "Fit to window", hint: "Show the whole picture", key: "F", ..Button::default() };
    if fit.show(ui, field(rect, 40.0, 122.0)) {
        commands.push(Command::Fit);
    }
    let whole = Button {
        text: "1 : 1",
        name: "One voxel, one pixel",
        hint: "Draw every voxel as one pixel of the screen",
        key: "Shift F",
        ..Button::default()
    };
    if whole.show(ui, field(rect, 40.0, 78.0)) {
        commands.push(show_at(100.0));
    }
    let percent = percent_of(camera);
    let number = Number {
        name: "Zoom",
        value: percent,
        range: Camera::ZOOM_RANGE.map(|zoom| percent_of(Camera { zoom, ..camera })),
        decimals: Some(if percent < 9.95 { 1 } else { 0 }),
        step: percent * 0.01,
        unit: "%",
        hint: "Pixels of the screen for a voxel; at 100 % every voxel is one pixel",
        key: "+ −",
    };
    if let Some(percent) = number.show(ui, field(rect, 72.0, 0.0)) {
        commands.push(show_at(percent));
    }
}

fn slab_row(ui: &mut Ui, model: &Model<'_>, width: f32, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let num = num_depths(model.info, model.view.orientation);
    let [start, stop] = model.view.slab(model.info);
    let rect = row(ui, "Slab");
    let number = |name, value: usize, range: [usize; 2]| Number {
        name,
        value: value as f64,
        range: range.map(|end| end as f64),
        decimals: Some(0),
        step: 0.25,
        unit: "",
        hint: "First and last plane of the projection",
        key: "",
    };
    if model.view.has_slab() {
        let all = Button {
            text: "All",
            name: "Whole depth",
            hint: "Fold the whole depth",
            fill: Fill::None,
            ..Button::default()
        };
        if all.show(ui, field(rect, 34.0, 2.0 * width + 28.0)) {
            commands.push(Command::SetSlab(None));
        }
    }
    let last_field = field(rect, width, 0.0);
    let first_field = field(rect, width, width + 20.0);
    widgets::text(
        ui.painter(),
        pos2(rect.right() - width - 10.0, rect.center().y),
        egui::Align2::CENTER_CENTER,
        "–",
        font(13.0, Weight::Regular),
        tokens.t2,
    );
    // Typed the wrong way round, the ends change places.
    let all = [0.0, (num - 1) as f64];
    let slab = |ends: [usize; 2]| Command::SetSlab(Some([ends[0].min(ends[1]), ends[0].max(ends[1]) + 1]));
    if let Some(value) = number("Slab first plane", start, [0, stop - 1]).show_typed(ui, first_field, all) {
        commands.push(slab([value as usize, stop - 1]));
    }
    if let Some(value) = number("Slab last plane", stop - 1, [start, num - 1]).show_typed(ui, last_field, all) {
        commands.push(slab([start, value as usize]));
    }
}

/// A row of a label and a value that is only shown.
pub fn value_row(ui: &mut Ui, label: &str, value: &str) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::hover());
    widgets::label_row(ui, rect, label, value);
}

/// Width of a number field for values up to `largest`.
pub fn number_width(ui: &Ui, largest: f64, decimals: usize) -> f32 {
    let shown = format!(
        "{}{}",
        format::integer(largest as i64),
        if decimals > 0 { format!(".{}", "0".repeat(decimals)) } else { String::new() }
    );
    (text_width(ui, &shown, font(13.0, Weight::Regular)) + 18.0).max(40.0)
}
