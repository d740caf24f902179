//! How values become colours: the histogram with its limits, gamma, and the colormap.

use egui::{Id, Rect, Sense, Ui, pos2, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{self, Button, Number, Slider, histogram, histogram_asked, swatch};
use super::super::{Command, GAMMA_RANGE, LayerView, Model, SessionCommand, is_integer, value_range};
use super::chips;
use super::side::{field, number_width, row};
use crate::volume::{PictureValues, ValueKind};

fn histogram_id() -> Id {
    Id::unique("histogram")
}

fn shown<'a>(model: &'a Model<'_>, of: &'a str) -> widgets::Histogram<'a> {
    let (data, values) = (model.histogram, model.values());
    let limits = model.layer.limits_or_default(values, model.layer_info);
    widgets::Histogram {
        bins: data.map_or(&[], |data| data.bins),
        placeholder: model.no_histogram.unwrap_or("Measuring the whole recording…"),
        range: data.map_or(limits, |data| data.range),
        limits,
        bounds: bounds(model),
        gamma: model.layer.gamma,
        of,
        camera: camera(model),
    }
}

/// The camera's dark level and full scale, where pictures are of its own values.
fn camera(model: &Model<'_>) -> [Option<f64>; 2] {
    let is_own = matches!(model.values().kind, ValueKind::Voxels | ValueKind::Max) && model.computed().is_none();
    let figures = model.quality.filter(|_| is_own).map(|quality| &quality.snapshot.figures);
    let full_scale = figures.and_then(|figures| figures.full_scale);
    [figures.and_then(|figures| figures.offset), full_scale.map(|full_scale| full_scale.value)]
}

/// Smallest and largest the limits may become.
fn bounds(model: &Model<'_>) -> [f64; 2] {
    value_range(model.layer_info, model.values()).unwrap_or([f64::MIN, f64::MAX])
}

/// What is asked on the histogram.
pub fn steer(ui: &Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    match histogram_asked(ui, histogram_id(), &shown(model, "")) {
        Some(widgets::Asked::Limits(asked)) => {
            let is_integer = is_integer(model.layer_info, model.values());
            commands.push(Command::SetLimits(if is_integer { asked.map(f64::round) } else { asked }));
        }
        Some(widgets::Asked::Auto) => commands.push(Command::AutoContrast),
        None => {}
    }
}

/// The rows of the Contrast section.
pub fn contrast_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let (layer, values) = (model.layer, model.values());
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), 86.0), Sense::hover());
    let plot = Rect::from_min_size(area.min, vec2(area.width(), 78.0));
    let what = model.layer_name().map_or(String::new(), |name| format!("{name} · ")) + &what_of(values);
    let shown = shown(model, &what);
    // Beside the heading: over the bars it would be in the way of the limits.
    let corner = pos2(area.right(), area.top() - 16.0);
    let color = Tokens::get(ui).t2;
    widgets::text(ui.painter(), corner, egui::Align2::RIGHT_CENTER, shown.of, font(11.0, Weight::Regular), color);
    histogram(ui, plot, histogram_id(), &shown);
    limits_rows(ui, model, shown.limits, shown.bounds, is_integer(model.layer_info, values), commands);
    gamma_row(ui, layer.gamma, commands);
    button_rows(ui, layer, commands);
}

fn gamma_row(ui: &mut Ui, gamma: f32, commands: &mut Vec<Command>) {
    let rect = row(ui, "Gamma");
    let track = Rect::from_x_y_ranges(rect.left() + 50.0..=rect.right() - 60.0, rect.y_range());
    // Logarithmic, so that halving and doubling lie equally far from 1.
    let moved = Slider {
        name: "Gamma curve",
        value: f64::from(gamma).log2(),
        range: GAMMA_RANGE.map(|gamma| f64::from(gamma).log2()),
        reset: Some(0.0),
        hint: "Gamma; double-click for 1",
        ..Slider::default()
    }
    .show(ui, track);
    if let Some(log2) = moved.value {
        let gamma = (log2.exp2() * 100.0).round() / 100.0;
        commands.push(Command::SetGamma(if (0.97..1.03).contains(&gamma) { 1.0 } else { gamma as f32 }));
    }
    let number = Number {
        name: "Gamma",
        value: f64::from(gamma),
        range: GAMMA_RANGE.map(f64::from),
        decimals: Some(2),
        step: 0.01,
        unit: "",
        hint: "Below 1 brightens the middle, above 1 darkens it",
        key: "",
    };
    if let Some(gamma) = number.show(ui, field(rect, 56.0, 0.0)) {
        commands.push(Command::SetGamma(gamma as f32));
    }
}

fn button_rows(ui: &mut Ui, layer: &LayerView, commands: &mut Vec<Command>) {
    let recording = Button {
        text: "Auto",
        has_keycap: true,
        name: "Auto contrast",
        hint: "0.1 to 99.9 percent of the whole recording, shown as it is now",
        key: "A",
        ..Button::default()
    };
    let picture = Button {
        text: "This picture",
        has_keycap: true,
        name: "Auto contrast of this picture",
        hint: "0.1 to 99.9 percent of the picture on screen",
        key: "Shift A",
        ..Button::default()
    };
    button_row(
        ui,
        [(recording, Command::AutoContrast), (picture, Command::Session(SessionCommand::FitContrast))],
        commands,
    );
    let saturation = Button {
        text: "Saturation",
        has_keycap: true,
        is_on: Some(layer.saturation),
        hint: "Full-scale voxels red, zero blue",
        key: "S",
        ..Button::default()
    };
    let invert = Button {
        text: "Invert",
        has_keycap: true,
        is_on: Some(layer.invert),
        hint: "Turn the colormap round",
        key: "I",
        ..Button::default()
    };
    button_row(ui, [(saturation, Command::ToggleSaturation), (invert, Command::ToggleInvert)], commands);
}

/// What limits and histogram are of: "planes", "sum of 24".
fn what_of(values: PictureValues) -> String {
    match values.kind {
        ValueKind::Voxels => values.kind.label().to_owned(),
        kind => format!("{} of {}", kind.label(), values.num),
    }
}

/// Buttons side by side over the whole width.
fn button_row<const N: usize>(ui: &mut Ui, buttons: [(Button<'_>, Command); N], commands: &mut Vec<Command>) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let gap = 6.0;
    let wanted: f32 = buttons.iter().map(|(button, _)| button.width(ui)).sum();
    let spare = (rect.width() - gap * (N - 1) as f32 - wanted) / N as f32;
    let mut left = rect.left();
    for (button, command) in buttons {
        let width = button.width(ui) + spare;
        if button.show(ui, Rect::from_min_size(pos2(left, rect.top() + 2.0), vec2(width, 24.0))) {
            commands.push(command);
        }
        left += width + gap;
    }
}

/// The limits as numbers: in one row, or one below the other where the array's values may be long.
fn limits_rows(
    ui: &mut Ui,
    model: &Model<'_>,
    limits: [f64; 2],
    bounds: [f64; 2],
    is_integer: bool,
    commands: &mut Vec<Command>,
) {
    let range = model.histogram.map_or(limits, |data| data.range);
    // By parts, since the span of doubles may be larger than the largest.
    let step = (range[1] / 600.0 - range[0] / 600.0).abs();
    let step = if is_integer { step.max(0.25) } else { step.max(f64::MIN_POSITIVE) };
    let is_long = model.layer_info.dtype.num_bytes() >= 4 || model.values().kind == ValueKind::Sum;
    let (low_field, high_field) = if is_long {
        (field(row(ui, "Lower limit"), 150.0, 0.0), field(row(ui, "Upper limit"), 150.0, 0.0))
    } else {
        let rect = row(ui, "Limits");
        let width = number_width(ui, bounds[1].clamp(99_999.0, 9_999_999.0), if is_integer { 0 } else { 1 }).max(64.0);
        let dash = pos2(rect.right() - width - 10.0, rect.center().y);
        let color = Tokens::get(ui).t2;
        widgets::text(ui.painter(), dash, egui::Align2::CENTER_CENTER, "–", font(13.0, Weight::Regular), color);
        (field(rect, width, width + 20.0), field(rect, width, 0.0))
    };
    let number = |name, value, range| Number {
        name,
        value,
        range,
        decimals: is_integer.then_some(0),
        step,
        unit: "",
        hint: "Values drawn with the first and the last colour",
        key: "",
    };
    // Typed the wrong way round, the limits change places.
    let low = number("Lower limit", limits[0], [bounds[0], limits[1]]);
    if let Some(value) = low.show_typed(ui, low_field, bounds) {
        commands.push(Command::SetLimits([value, limits[1]]));
    }
    let high = number("Upper limit", limits[1], [limits[0], bounds[1]]);
    if let Some(value) = high.show_typed(ui, high_field, bounds) {
        commands.push(Command::SetLimits([limits[0], value]));
    }
}

/// The rows of the Colormap section.
pub fn colormap_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let offered = chips::gradients(model.layer);
    let (gap, num_columns) = (6.0, 4);
    let width = (ui.available_width() - gap * (num_columns - 1) as f32) / num_columns as f32;
    let num_rows = offered.len().div_ceil(num_columns);
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), num_rows as f32 * 20.0), Sense::hover());
    for (index, colormap) in offered.into_iter().enumerate() {
        let (line, column) = (index / num_columns, index % num_columns);
        let corner = area.min + vec2(column as f32 * (width + gap), 3.0 + line as f32 * 20.0);
        let is_selected = model.layer.colormap == colormap && !model.layer.saturation;
        if swatch(ui, Rect::from_min_size(corner, vec2(width, 14.0)), colormap, is_selected) {
            commands.push(Command::SetColormap(colormap));
        }
    }
    let rect = row(ui, "Color bar");
    let show = Button {
        text: "Show",
        name: "Color bar",
        has_keycap: true,
        is_on: Some(model.state.panels.color_bar),
        hint: "The colormap and its limits on the picture",
        key: "C",
        ..Button::default()
    };
    if show.show(ui, field(rect, show.width(ui), 0.0)) {
        commands.push(Command::ToggleColorBar);
    }
}
