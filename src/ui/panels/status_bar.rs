//! The thin line at the bottom: what the pointer is on, and how the program is doing. Every item has a
//! fixed place, so that nothing moves when a value does.

use egui::{Rect, Sense, Stroke, Ui, WidgetInfo, pos2};

use super::super::format::zeros;
use super::super::theme::{Tokens, Weight, fill, font};
use super::super::widgets::{Run, runs};
use super::super::{Model, Value, format};
use super::canvas::Readout;
use crate::live::LiveState;
use crate::volume::{Axis, Picture};

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
pub fn status_bar_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, readout: Option<&Readout>) {
    let tokens = Tokens::get(ui);
    fill(ui, rect, tokens.bg0);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, tokens.line));
    let mut left = rect.left() + 12.0;
    for item in left_items(model, readout) {
        // A small window has room for what was measured, not for where.
        if item.name == "Position" && rect.width() < 820.0 {
            continue;
        }
        left = show(ui, rect, left, &item, false) + GAP;
    }
    let mut right = rect.right() - 12.0;
    for item in right_items(model) {
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
    if !item.hint.is_empty() {
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

fn left_items(model: &Model<'_>, readout: Option<&Readout>) -> Vec<Item> {
    let shape = model.info.shape;
    let orientation = model.view.orientation;
    let (rows, columns) = orientation.plane_axes();
    let [start, stop] = model.view.picture(model.info).depth_range();
    let is_folded = matches!(model.view.picture(model.info), Picture::Projection { .. });
    let mut pieces = Vec::new();
    let mut template = String::new();
    for axis in [Axis::Z, Axis::Y, Axis::X] {
        if !model.info.has_axis[axis.index()] {
            continue;
        }
        let at = if axis == rows {
            readout.map(|readout| format::integer(readout.row as i64))
        } else if axis == columns {
            readout.map(|readout| format::integer(readout.column as i64))
        } else if is_folded {
            Some(format!("{start}–{}", stop - 1))
        } else {
            Some(format::integer(start as i64))
        };
        let widest = zeros(&format::integer(shape[axis.index()].saturating_sub(1) as i64));
        let widest =
            if is_folded && axis == orientation.depth_axis() { format!("{widest}–{widest}") } else { widest };
        pieces.push(label(format!("{axis} ")));
        pieces.push(value(at.unwrap_or_else(|| "–".to_owned())));
        pieces.push(label("  "));
        template += &format!("{axis} {widest}  ");
    }
    pieces.pop();
    let template = template.trim_end().to_owned();
    let mut items =
        vec![Item { name: "Voxel", pieces, template, hint: "Voxel under the pointer", is_right_aligned: false }];
    if let Some(size) = model.info.voxel_size {
        let along = |axis: Axis, at: usize| size.along(axis).unwrap_or(1.0) * at as f64;
        let widest = [rows, columns].map(|axis| format!("{:.1}", along(axis, shape[axis.index()])));
        let text = readout.map_or("–".to_owned(), |readout| {
            format!("{:.1} µm · {:.1} µm", along(rows, readout.row), along(columns, readout.column))
        });
        items.push(Item {
            name: "Position",
            pieces: vec![label(text)],
            template: format!("{} µm · {} µm", zeros(&widest[0]), zeros(&widest[1])),
            hint: "Position under the pointer, down and across",
            is_right_aligned: false,
        });
    }
    let (shown, kind) = match readout.map(|readout| &readout.value) {
        Some(Value::Exact(text)) => (format::exact(text), Kind::Value),
        Some(Value::Missing) => ("missing".to_owned(), Kind::Warning),
        Some(Value::Unknown) => ("…".to_owned(), Kind::Label),
        None => ("–".to_owned(), Kind::Label),
    };
    items.push(Item {
        name: "Value",
        pieces: vec![label("value "), (shown, kind)],
        template: "value 00 000 000".to_owned(),
        hint: "Exact value under the pointer, as stored",
        is_right_aligned: false,
    });
    items
}

/// From the right edge inwards: what finds no room is left out, the least telling first.
fn right_items(model: &Model<'_>) -> Vec<Item> {
    let figures = model.figures;
    let mut items = Vec::new();
    if let Some(live) = model.live.filter(|live| !matches!(live.state, LiveState::Finished)) {
        items.push(Item {
            name: "Newest block",
            pieces: vec![label(format!("newest block {}", format::age(live.newest_age)))],
            template: "newest block 00 min 00 s ago".to_owned(),
            hint: "Time since the newest block was closed",
            is_right_aligned: true,
        });
        let (number, unit) = live.lag_ms.map_or(("–".to_owned(), "ms"), format::latency_ms);
        items.push(Item {
            name: "Lag",
            pieces: vec![label("lag "), value(number), label(format!(" {unit}"))],
            template: "lag 000 ms".to_owned(),
            hint: "From the landing of a block to its picture on screen, while the newest is followed",
            is_right_aligned: true,
        });
    }
    let image = figures.image_ms.map(format::latency_ms);
    let (number, unit) = image.unwrap_or(("–".to_owned(), "ms"));
    let image = Item {
        name: "Image time",
        pieces: vec![label("image in "), value(number), label(format!(" {unit}"))],
        template: "image in 000 ms".to_owned(),
        hint: "From the last input to the exact picture",
        is_right_aligned: true,
    };
    items.push(memory("GPU", figures.gpu_bytes, figures.gpu_budget_bytes, "Textures, and their budget"));
    items.push(memory("RAM", figures.ram_bytes, figures.ram_budget_bytes, "Caches in memory, and their budget"));
    items.push(image);
    if let Some(rate) = figures.hit_rate {
        items.push(Item {
            name: "Hit rate",
            pieces: vec![value(format!("{:.0}", (rate * 100.0).clamp(0.0, 100.0))), label(" % hits")],
            template: "000 % hits".to_owned(),
            hint: "Chunks that were in memory when they were wanted",
            is_right_aligned: true,
        });
    }
    if model.view.play.is_running {
        let fps = figures.fps.map_or("–".to_owned(), |fps| format!("{fps:.1}"));
        items.push(Item {
            name: "Effective rate",
            pieces: vec![value(fps), label(" fps")],
            template: "000.0 fps".to_owned(),
            hint: "Exact timepoints shown a second",
            is_right_aligned: true,
        });
        if figures.num_skipped > 0 {
            items.push(Item {
                name: "Skipped",
                pieces: vec![value(format::integer(figures.num_skipped as i64)), label(" skipped")],
                template: "00 000 skipped".to_owned(),
                hint: "Timepoints left out to keep the clock",
                is_right_aligned: true,
            });
        }
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
