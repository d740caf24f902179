//! The facts of the dataset, and the choice among the arrays of its file.

use egui::{Sense, Ui, vec2};

use super::super::widgets::{Button, choice, label_row};
use super::super::{AppCommand, Command, Forget, Model, format};
use super::side::{field, row, value_row};
use super::told::told_rows;
use crate::format::DatasetEntry;
use crate::volume::{PieceState, count_states};

/// The rows of the Dataset section.
pub fn dataset_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let has_picker = model.datasets.len() > 1 && !model.datasets_are_layers();
    if has_picker {
        let rect = row(ui, ARRAY);
        let names: Vec<_> = model.datasets.iter().map(DatasetEntry::title).collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let hint = model.datasets.get(model.chosen_dataset).map_or("", |entry| entry.summary.as_str());
        if let Some(index) = choice(ui, field(rect, 168.0, 0.0), ARRAY, &names, model.chosen_dataset, hint, "") {
            commands.push(Command::App(AppCommand::ChooseDataset(index)));
        }
    }
    told_rows(ui, model, commands);
    remembered_row(ui, commands);
    if let Some(rate) = model.info.rate_hz.filter(|rate| *rate > 0.0 && model.info.shape[0] > 1) {
        value_row(ui, "Duration", &format::duration_s(model.info.shape[0] as f64 / rate));
    }
    // The format's own words about its blocks, unless the state of some of them says more.
    let state = blocks(model);
    let has_own_words = model.array.facts.iter().any(|(label, _)| label == BLOCKS);
    if state.is_some() || !has_own_words && !model.pieces.is_empty() {
        value_row(ui, BLOCKS, &state.clone().unwrap_or_else(|| format::integer(model.array.num_blocks as i64)));
    }
    files_row(ui, model);
    value_row(ui, "Format", &model.array.format);
    let size = model.array.shape.num_bytes(model.array.dtype).unwrap_or(usize::MAX);
    value_row(ui, "Size decoded", &format::size(size as u64));
    if let Some(claimed) = &model.array.claimed_shape {
        let dims: Vec<String> = claimed.iter().map(|&dim| format::integer(dim)).collect();
        value_row(ui, "Claimed shape", &dims.join(" × "));
    }
    let is_told = |label: &str| {
        let is_picked_above = label == ARRAY && has_picker;
        is_picked_above || label == BLOCKS && state.is_some()
    };
    let facts = model.array.facts.iter().filter(|(label, _)| !is_told(label));
    for (label, value) in facts {
        value_row(ui, label, value);
    }
}

/// Where the pieces are and which are missing, for what is read from several files whose blocks are not told.
fn files_row(ui: &mut Ui, model: &Model<'_>) {
    let Some(files) = model.files.filter(|files| model.pieces.is_empty() && !files.num.is_empty()) else { return };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::hover());
    let response = label_row(ui, rect, "Files", &files.num);
    if response.hovered() {
        response.on_hover_text(files.named.join("\n"));
    }
}

/// The format tells it as a fact where there is nothing to choose.
const ARRAY: &str = "Array";

/// What is kept of this recording in the user's own folder, and the way to be rid of it.
fn remembered_row(ui: &mut Ui, commands: &mut Vec<Command>) {
    let rect = row(ui, "View and facts");
    let forget = Button {
        text: "Forget",
        name: "Forget this recording",
        hint: "Forget contrast, position and what was typed here; kept on this computer, never beside the recording",
        ..Button::default()
    };
    let width = forget.width(ui);
    if forget.show(ui, field(rect, width, 0.0)) {
        commands.push(Command::App(AppCommand::Forget(Forget::Recording)));
    }
}

/// "19 whole · 1 being written", or how many blocks there are; the format's name where it has none.
pub fn summary(model: &Model<'_>) -> String {
    if model.pieces.is_empty() {
        return model.array.format.clone();
    }
    let num = model.array.num_blocks;
    blocks(model).unwrap_or_else(|| match num {
        1 => "1 block".to_owned(),
        _ => format!("{} blocks", format::integer(num as i64)),
    })
}

const BLOCKS: &str = "Blocks";

/// "19 whole · 1 damaged · 1 being written"; `None` where all are sound or not looked at yet.
fn blocks(model: &Model<'_>) -> Option<String> {
    let counts = count_states(model.pieces);
    if counts.iter().all(|(state, _)| matches!(state, PieceState::Whole | PieceState::Unseen)) {
        return None;
    }
    let words = counts.iter().map(|(state, count)| format!("{} {}", format::integer(*count as i64), state.words()));
    Some(words.collect::<Vec<_>>().join(" · "))
}
