//! How values become colours: the histogram with its limits, gamma, and the colormap.

use egui::{Rect, Sense, Ui, pos2, vec2};

use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{self, Button, Number, Slider, histogram, swatch};
use super::super::{Command, GAMMA_RANGE, Model, is_integer, value_range};
use super::side::{field, number_width, row};
use crate::volume::Colormap;

/// The rows of the Contrast section.
pub fn contrast_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let view = model.view;
    let limits = view.limits_or_default(model.info);
    let values = view.values(model.info);
    let is_integer = is_integer(model.info, values);
    let bounds = value_range(model.info, values).unwrap_or([f64::MIN, f64::MAX]);
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), 86.0), Sense::hover());
    let plot = Rect::from_min_size(area.min, vec2(area.width(), 78.0));
    let data = model.histogram;
    let shown = widgets::Histogram {
        bins: data.map_or(&[], |data| data.bins),
        range: data.map_or(limits, |data| data.range),
        limits,
        bounds,
        gamma: view.gamma,
    };
    match histogram(ui, plot, &shown) {
        Some(widgets::Asked::Limits(asked)) => {
            let asked = if is_integer { asked.map(f64::round) } else { asked };
            commands.push(Command::SetLimits(asked));
        }
        Some(widgets::Asked::Auto) => commands.push(Command::AutoContrast),
        None => {}
    }
    limits_row(ui, limits, bounds, is_integer, data.map(|data| data.range), commands);

    let rect = row(ui, "Gamma");
    let track = Rect::from_x_y_ranges(rect.left() + 50.0..=rect.right() - 60.0, rect.y_range());
    // Logarithmic, so that halving and doubling lie equally far from 1.
    let moved = Slider {
        name: "Gamma curve",
        value: f64::from(view.gamma).log2(),
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
        value: f64::from(view.gamma),
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

    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::hover());
    let gap = 6.0;
    let buttons = [
        (
            Button {
                text: "Auto",
                has_keycap: true,
                name: "Auto contrast",
                hint: "0.1 to 99.9 percent of the whole recording",
                key: "A",
                ..Button::default()
            },
            Command::AutoContrast,
        ),
        (
            Button {
                text: "Saturation",
                has_keycap: true,
                is_on: Some(view.saturation),
                hint: "Full-scale voxels red, zero blue",
                key: "S",
                ..Button::default()
            },
            Command::ToggleSaturation,
        ),
        (
            Button {
                text: "Invert",
                has_keycap: true,
                is_on: Some(view.invert),
                hint: "Turn the colormap round",
                key: "I",
                ..Button::default()
            },
            Command::ToggleInvert,
        ),
    ];
    let wanted: f32 = buttons.iter().map(|(button, _)| button.width(ui)).sum();
    let spare = (rect.width() - 2.0 * gap - wanted) / buttons.len() as f32;
    let mut left = rect.left();
    for (button, command) in buttons {
        let width = button.width(ui) + spare;
        let area = Rect::from_min_size(pos2(left, rect.top() + 1.0), vec2(width, 24.0));
        if button.show(ui, area) {
            commands.push(command);
        }
        left += width + gap;
    }
}

fn limits_row(
    ui: &mut Ui,
    limits: [f64; 2],
    bounds: [f64; 2],
    is_integer: bool,
    range: Option<[f64; 2]>,
    commands: &mut Vec<Command>,
) {
    let tokens = Tokens::get(ui);
    let rect = row(ui, "Limits");
    let width = number_width(ui, bounds[1].min(99999.0), if is_integer { 0 } else { 4 }).max(64.0);
    let span = range.map_or(limits[1] - limits[0], |range| range[1] - range[0]).abs();
    let step = if is_integer { (span / 600.0).max(0.25) } else { (span / 600.0).max(f64::MIN_POSITIVE) };
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
    let dash = pos2(rect.right() - width - 10.0, rect.center().y);
    widgets::text(ui.painter(), dash, egui::Align2::CENTER_CENTER, "–", font(13.0, Weight::Regular), tokens.t2);
    // Typed the wrong way round, the limits change places.
    let low = number("Lower limit", limits[0], [bounds[0], limits[1]]);
    if let Some(value) = low.show_typed(ui, field(rect, width, width + 20.0), bounds) {
        commands.push(Command::SetLimits([value, limits[1]]));
    }
    let high = number("Upper limit", limits[1], [limits[0], bounds[1]]);
    if let Some(value) = high.show_typed(ui, field(rect, width, 0.0), bounds) {
        commands.push(Command::SetLimits([limits[0], value]));
    }
}

/// The rows of the Colormap section.
pub fn colormap_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let offered = Colormap::ALL.into_iter().filter(|colormap| *colormap != Colormap::Saturation);
    let (gap, num_columns) = (6.0, 3);
    let width = (ui.available_width() - gap * (num_columns - 1) as f32) / num_columns as f32;
    let num_rows = offered.clone().count().div_ceil(num_columns);
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), num_rows as f32 * 20.0), Sense::hover());
    for (index, colormap) in offered.enumerate() {
        let (line, column) = (index / num_columns, index % num_columns);
        let corner = area.min + vec2(column as f32 * (width + gap), 3.0 + line as f32 * 20.0);
        let is_selected = model.view.colormap == colormap && !model.view.saturation;
        if swatch(ui, Rect::from_min_size(corner, vec2(width, 14.0)), colormap, is_selected) {
            commands.push(Command::SetColormap(colormap));
        }
    }
    let rect = row(ui, "Color bar");
    let show = Button {
        text: "Show",
        name: "Color bar",
        has_keycap: true,
        is_on: Some(model.view.color_bar),
        hint: "The colormap and its limits on the picture",
        key: "C",
        ..Button::default()
    };
    if show.show(ui, field(rect, show.width(ui), 0.0)) {
        commands.push(Command::ToggleColorBar);
    }
}
