//! The thin line at the bottom: what the pointer is on, and how the program is doing. Every item has a
//! fixed place, so that nothing moves when a value does.

use egui::{Rect, Sense, Stroke, Ui, WidgetInfo, pos2};

use super::super::format::zeros;
use super::super::theme::{Tokens, Weight, fill, font};
use super::super::widgets::{Run, runs};
use super::super::{Command, Model, Quality, Value, format};
use super::canvas::Readout;
use super::save_running;
use crate::live::{LiveState, LiveStatus};
use crate::volume::{Axis, DType, Picture, Projection};

/// Height of the line.
pub const HEIGHT: f32 = 24.0;
const SIZE: f32 = 11.5;
const GAP: f32 = 18.0;

/// One item: an accessible name, its pieces with whether each is a value, and its explanation.
struct Item {
    name: &'static str,
    pieces: Vec<(String, Kind)>,
    /// The widest text it will ever be, which reserves its place.
    template: String,
    hint: &'static str,
    is_right_aligned: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Label,
    Value,
    Warning,
}

/// Draws the line.
pub fn status_bar_ui(
    ui: &mut Ui,
    rect: Rect,
    model: &Model<'_>,
    readout: Option<&Readout>,
    commands: &mut Vec<Command>,
) {
    let tokens = Tokens::get(ui);
    fill(ui, rect, tokens.bg0);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, tokens.line));
    let mut left = rect.left() + 12.0;
    for item in left_items(model, readout, rect.width()) {
        // A small window has room for what was measured, not for where.
        if item.name == "Position" && rect.width() < 820.0 {
            continue;
        }
        left = show(ui, rect, left, &item, false) + GAP;
    }
    if let Some(running) = &model.saving.data.running {
        save_running::running_ui(ui, rect, running, commands);
    }
    let mut right = rect.right() - 12.0 - save_running::width(model);
    for item in right_items(model) {
        // Nor for what the rest of the program takes, where its own measuring has to be told of.
        if model.quality.is_some() && rect.width() < 1200.0 && matches!(item.name, "GPU" | "Lag") {
            continue;
        }
        let width = width(ui, &item);
        if right - width < left {
            break;
        }
        show(ui, rect, right - width, &item, true);
        right -= width + GAP;
    }
}

fn width(ui: &Ui, item: &Item) -> f32 {
    // Medium is the wider weight.
    ui.painter().layout_no_wrap(item.template.clone(), font(SIZE, Weight::Medium), egui::Color32::WHITE).size().x
}

fn show(ui: &mut Ui, bar: Rect, left: f32, item: &Item, is_right: bool) -> f32 {
    let tokens = Tokens::get(ui);
    let width = width(ui, item);
    let rect = Rect::from_x_y_ranges(left..=left + width, bar.y_range());
    let pieces: Vec<Run<'_>> = item
        .pieces
        .iter()
        .map(|(text, kind)| match kind {
            Kind::Label => (text.as_str(), Weight::Regular, tokens.t2),
            Kind::Value => (text.as_str(), Weight::Medium, tokens.t1),
            Kind::Warning => (text.as_str(), Weight::Medium, tokens.warn),
        })
        .collect();
    let galley = runs(ui.painter(), SIZE, f32::INFINITY, &pieces);
    let x = if is_right && item.is_right_aligned { rect.right() - galley.size().x } else { rect.left() };
    let pos = pos2(x, rect.center().y - galley.size().y / 2.0);
    ui.painter_at(bar).galley(pos, galley, tokens.t2);
    let response = ui.interact(rect, ui.make_persistent_id(("status", item.name)), Sense::hover());
    response.widget_info(|| {
        let text: String = item.pieces.iter().map(|(text, _)| text.as_str()).collect();
        let mut info = WidgetInfo::labeled(egui::accesskit::Role::Status, true, item.name);
        info.current_text_value = Some(text);
        info
    });
    if !item.hint.is_empty() && !item.pieces.is_empty() {
        response.on_hover_text(item.hint);
    }
    rect.right()
}

fn label(text: impl Into<String>) -> (String, Kind) {
    (text.into(), Kind::Label)
}

fn value(text: impl Into<String>) -> (String, Kind) {
    (text.into(), Kind::Value)
}

fn left_items(model: &Model<'_>, readout: Option<&Readout>, width: f32) -> Vec<Item> {
    let shape = model.info.shape;
    let orientation = model.view.orientation;
    let (rows, columns) = orientation.plane_axes();
    let [start, stop] = model.picture().depth_range();
    let is_folded = matches!(model.picture(), Picture::Projection { .. });
    let mut pieces = Vec::new();
    let mut template = String::new();
    for axis in [Axis::Z, Axis::Y, Axis::X] {
        if !model.info.has_axis[axis.index()] {
            continue;
        }
        let at = readout.map(|readout| {
            if axis == rows {
                format::integer(readout.row as i64)
            } else if axis == columns {
                format::integer(readout.column as i64)
            } else if is_folded {
                format!("{start}–{}", stop - 1)
            } else {
                format::integer(start as i64)
            }
        });
        let widest = zeros(&format::integer(shape[axis.index()].saturating_sub(1) as i64));
        let widest =
            if is_folded && axis == orientation.depth_axis() { format!("{widest}–{widest}") } else { widest };
        if let Some(at) = at {
            pieces.extend([label(format!("{axis} ")), value(at), label("  ")]);
        }
        template += &format!("{axis} {widest}  ");
    }
    pieces.pop();
    let template = template.trim_end().to_owned();
    let mut items =
        vec![Item { name: "Voxel", pieces, template, hint: "Voxel under the pointer", is_right_aligned: false }];
    items.extend(position_item(model, readout));
    items.push(if model.layers.len() > 1 { values_item(model, readout, width) } else { value_item(model, readout) });
    if model.layers.len() < 2 {
        items.extend(quantity_item(model, readout));
    }
    items
}

/// Where the pointer is in µm, down and across.
fn position_item(model: &Model<'_>, readout: Option<&Readout>) -> Option<Item> {
    let size = model.info.voxel_size?;
    let (rows, columns) = model.view.orientation.plane_axes();
    let along = |axis: Axis, at: usize| size.along(axis).unwrap_or(1.0) * at as f64;
    let widest = [rows, columns].map(|axis| format::decimal(along(axis, model.info.shape[axis.index()]), 1));
    let text = readout
        .map(|readout| [along(rows, readout.row), along(columns, readout.column)].map(|um| format::decimal(um, 1)))
        .map(|[down, across]| format!("{down} µm · {across} µm"));
    Some(Item {
        name: "Position",
        pieces: text.into_iter().map(label).collect(),
        template: format!("{} µm · {} µm", zeros(&widest[0]), zeros(&widest[1])),
        hint: "Position under the pointer, down and across",
        is_right_aligned: false,
    })
}

fn shown_value(value: &Value) -> (String, Kind) {
    match value {
        Value::Exact(text) => (format::exact(text), Kind::Value),
        Value::Missing => ("missing".to_owned(), Kind::Warning),
        Value::Unknown => ("…".to_owned(), Kind::Label),
    }
}

/// What stands in each channel that is shown, as many as there is room for; that which the panels are about is
/// always among them.
fn values_item(model: &Model<'_>, readout: Option<&Readout>, width: f32) -> Item {
    let shown: Vec<usize> = (0..model.layers.len()).filter(|layer| model.state.layers[*layer].visible).collect();
    let most = (((width - 620.0) / 130.0) as usize).clamp(2, 8);
    let mut told: Vec<usize> = shown.iter().copied().take(most).collect();
    if shown.contains(&model.state.active_layer) && !told.contains(&model.state.active_layer) {
        told.pop();
        told.push(model.state.active_layer);
    }
    let widest = widest_value(model.info.dtype);
    let (mut pieces, mut template) = (Vec::new(), String::new());
    for layer in &told {
        let name: String = model.layers[*layer].name.chars().take(12).collect();
        template += &format!("{name} {widest}  ");
        let value = readout.and_then(|readout| readout.values.iter().find(|(of, _)| of == layer));
        if let Some((_, value)) = value {
            pieces.extend([label(format!("{name} ")), shown_value(value), label("  ")]);
        }
    }
    pieces.pop();
    if told.len() < shown.len() {
        let more = format!("  +{}", shown.len() - told.len());
        template += &more;
        pieces.extend(readout.map(|_| label(more)));
    }
    let template = template.trim_end().to_owned();
    let hint = "Exact values under the pointer of the channels that are shown; a right click offers all";
    Item { name: "Value", pieces, template, hint, is_right_aligned: false }
}

fn value_item(model: &Model<'_>, readout: Option<&Readout>) -> Item {
    let (what, hint) = match model.computed() {
        None => ("value", "Exact value under the pointer, as stored"),
        Some(_) => ("computed", "Exact value of what is computed, under the pointer"),
    };
    let shown = readout.map(|readout| match readout.values.first() {
        Some((_, value)) => shown_value(value),
        None => shown_value(&Value::Unknown),
    });
    Item {
        name: "Value",
        pieces: shown.map_or(Vec::new(), |shown| vec![label(format!("{what} ")), shown]),
        template: format!("{what} {}", widest_value(model.layer_info.dtype)),
        hint,
        is_right_aligned: false,
    }
}

/// What the value under the pointer stands for, where the file says so. Of a projection only those that are
/// values themselves, or their mean, stand for a quantity in the same way.
fn quantity_item(model: &Model<'_>, readout: Option<&Readout>) -> Option<Item> {
    let scale = model.array.value_scale.as_ref().filter(|_| model.computed().is_none())?;
    if matches!(model.picture(), Picture::Projection { op: Projection::Std | Projection::Sum, .. }) {
        return None;
    }
    let written = |value: f64| {
        let text = format::value_in_steps(value, scale.factor);
        format!("= {text} {}", scale.unit).trim_end().to_owned()
    };
    let value = readout.and_then(|readout| match readout.values.first() {
        Some((_, Value::Exact(text))) => text.parse::<f64>().ok(),
        _ => None,
    });
    Some(Item {
        name: "Quantity",
        pieces: value.map_or(Vec::new(), |value| vec![label(written(scale.physical(value)))]),
        template: written(-123_456.7),
        hint: "What the stored value stands for, as the file says",
        is_right_aligned: false,
    })
}

/// The longest a value of a type is written.
fn widest_value(dtype: DType) -> String {
    match dtype.integer_range() {
        Some(range) => {
            let ends = range.map(|end| zeros(&format::decimal(end, 0)));
            ends.into_iter().max_by_key(|text| text.chars().count()).unwrap_or_default()
        }
        None if dtype.num_bytes() > 4 => "−0.0000000000000000".to_owned(),
        None => "−0.000000000".to_owned(),
    }
}

/// From the right edge inwards: what finds no room is left out, the least telling first. What comes and goes
/// keeps its place while it is away, so that nothing else slides.
fn right_items(model: &Model<'_>) -> Vec<Item> {
    let figures = model.figures;
    let mut items: Vec<Item> = model.live.map_or(Vec::new(), |live| live_items(live).into());
    items.push(memory("GPU", figures.gpu_bytes, figures.gpu_budget_bytes, "Textures, and their budget"));
    items.push(memory("RAM", figures.ram_bytes, figures.ram_budget_bytes, "Caches in memory, and their budget"));
    items.push(Item {
        name: "Image time",
        pieces: figures.image_ms.map_or(Vec::new(), |ms| latency("image in ", ms)),
        template: "image in 000 ms".to_owned(),
        hint: "From the last input to the exact picture",
        is_right_aligned: true,
    });
    items.extend(model.quality.map(|quality| checking_item(&quality, model.live.is_some())));
    let fps = figures.fps.filter(|_| model.state.play.is_running);
    items.push(Item {
        name: "Effective rate",
        pieces: fps.map_or(Vec::new(), |fps| vec![value(format::decimal(fps, 1)), label(" fps")]),
        template: "000.0 fps".to_owned(),
        hint: "Exact timepoints shown a second",
        is_right_aligned: true,
    });
    let skipped = Some(figures.num_skipped).filter(|num| *num > 0 && model.state.play.is_running);
    items.push(Item {
        name: "Skipped",
        pieces: skipped.map_or(Vec::new(), |num| vec![value(format::integer(num as i64)), label(" skipped")]),
        template: "00 000 skipped".to_owned(),
        hint: "Timepoints left out to keep the clock",
        is_right_aligned: true,
    });
    if let Some(num) = figures.num_requests {
        items.push(Item {
            name: "Network",
            pieces: match num {
                0 => Vec::new(),
                num => vec![value(format::integer(num as i64)), label(" on the way")],
            },
            template: "00 on the way".to_owned(),
            hint: "Parts asked of a server that have not come yet",
            is_right_aligned: true,
        });
    }
    if let Some(note) = &figures.note {
        items.push(Item {
            name: "Note",
            pieces: vec![label(note.clone())],
            template: note.clone(),
            hint: "",
            is_right_aligned: true,
        });
    }
    items
}

/// How far measuring the quality is.
fn checking_item(quality: &Quality<'_>, is_live: bool) -> Item {
    let pieces = quality.checking(is_live).into_iter();
    Item {
        name: "Checking",
        pieces: pieces.map(|(text, is_value)| (text, if is_value { Kind::Value } else { Kind::Label })).collect(),
        template: if is_live { "checking live, 00.0 s behind" } else { "checking paused, 000\u{2009}%" }.to_owned(),
        hint: "Measuring the quality of the recording, behind everything else",
        is_right_aligned: true,
    }
}

/// How a watched recording is doing.
fn live_items(live: &LiveStatus) -> [Item; 2] {
    let is_growing = !matches!(live.state, LiveState::Finished);
    let newest = if is_growing { format!("newest block {}", format::age(live.newest_age)) } else { String::new() };
    let newest = Item {
        name: "Newest block",
        pieces: vec![label(newest)],
        template: "newest block 00 min 00 s ago".to_owned(),
        hint: "Time since the newest block was closed",
        is_right_aligned: true,
    };
    let lag = Item {
        name: "Lag",
        pieces: live.lag_ms.filter(|_| is_growing).map_or(Vec::new(), |ms| latency("lag ", ms)),
        template: "lag 000 ms".to_owned(),
        hint: "From the landing of a block to its picture on screen, while the newest is followed",
        is_right_aligned: true,
    };
    [newest, lag]
}

fn latency(what: &str, ms: f64) -> Vec<(String, Kind)> {
    let (number, unit) = format::latency_ms(ms);
    vec![label(what), value(number), label(format!(" {unit}"))]
}

fn memory(name: &'static str, used: usize, budget: usize, hint: &'static str) -> Item {
    // Both in the budget's unit, so that they can be compared at a glance.
    let (used, of, unit) = format::bytes_of(used, budget);
    let digits = used.trim_start_matches('<');
    let digits = zeros(if digits.len() > of.len() { digits } else { &of });
    Item {
        name,
        // What is nearly nothing takes a sign before its digits.
        template: format!("{name} <{digits} / {of} {unit}"),
        pieces: vec![label(format!("{name} ")), value(used), label(format!(" / {of} {unit}"))],
        hint,
        is_right_aligned: true,
    }
}
