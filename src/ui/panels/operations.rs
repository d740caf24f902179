//! What is computed of a layer before it is shown: the list of steps, and the whole of it as text.

use egui::accesskit::Role;
use egui::{Align2, CursorIcon, EventFilter, Id, Key, Modifiers, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::super::theme::{Tokens, Weight, font, icon_font};
use super::super::widgets::{self, Button, Fill, Number, elided, focus_ring, icon_button, text, text_width};
use super::super::{Command, Model, Step, icons, texts};
use super::operations_menu::add_menu;
use super::operations_text::{Numbers, expression, quoted, said, steps_of};
use super::text_field::{TextField, Typed};
use crate::volume::Location;

const ROW: f32 = 28.0;
const SMALL: f32 = 22.0;

/// What stands beside the folded heading.
pub fn summary(model: &Model<'_>) -> String {
    model.computed().map_or_else(|| "none".to_owned(), str::to_owned)
}

/// The rows of the section.
pub fn operations_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let steps = &model.layer.operations;
    if let Some(name) = model.layer_name() {
        note(ui, &format!("Of channel {name} alone"), Tokens::get(ui).t3);
    }
    let rows: Vec<Rect> = (0..steps.len()).map(|index| step_row(ui, index, steps, commands)).collect();
    move_dragged(ui, &rows, steps, commands);
    buttons_row(ui, steps, commands);
    expression_row(ui, model, commands);
}

fn set(steps: Vec<Step>) -> Command {
    Command::SetOperations(steps)
}

fn grip_id(ui: &Ui, index: usize) -> Id {
    ui.make_persistent_id(("step grip", index))
}

/// One step: grip, name, its numbers, a switch, and a way to be rid of it.
fn step_row(ui: &mut Ui, index: usize, steps: &[Step], commands: &mut Vec<Command>) -> Rect {
    let tokens = Tokens::get(ui);
    let step = &steps[index];
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let words = said(&step.text);
    let name = format!("step {}: {words}", index + 1);
    grip_ui(ui, rect, index, steps, &name, commands);
    let button = |place: f32| {
        Rect::from_center_size(pos2(rect.right() - SMALL * (place + 0.5), rect.center().y), vec2(SMALL, SMALL))
    };
    if icon_button(ui, button(0.0), icons::X, false, Fill::None, &format!("Remove {name}"), "Del").clicked() {
        let left = steps.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, step)| step.clone());
        commands.push(set(left.collect()));
    }
    let (icon, what) = if step.is_on { (icons::EYE, "Leave out") } else { (icons::EYE_SLASH, "Carry out") };
    if icon_button(ui, button(1.0), icon, false, Fill::None, &format!("{what} {name}"), "").clicked() {
        let mut steps = steps.to_vec();
        steps[index].is_on ^= true;
        commands.push(set(steps));
    }
    let field = TextField { name: &format!("Text of {name}"), id: Id::unique(("step text", index)), ghost: "" };
    let area = Rect::from_min_max(rect.min + vec2(16.0, 3.0), pos2(button(1.0).left() - 4.0, rect.bottom() - 3.0));
    if field.is_open(ui) {
        let typed = field.show(ui, area, &step.text);
        if let Some(Typed::Entered(text)) = typed {
            match steps_of(&text) {
                // One step may become several, and none takes it away.
                Ok(new) => commands.push(set([&steps[..index], &new, &steps[index + 1..]].concat())),
                Err(_) => commands.push(Command::SetStep { index, text }),
            }
        }
        return rect;
    }
    let numbers = Numbers::of(&step.text);
    let right = numbers_ui(ui, area, index, &numbers, commands);
    let room = Rect::from_min_max(area.min, pos2(right - 4.0, area.bottom()));
    let response = ui.interact(room, ui.make_persistent_id(("step words", index)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Edit {name}")));
    let color = match (step.is_on, response.hovered()) {
        (false, _) => tokens.t3,
        (true, false) => tokens.t2,
        (true, true) => tokens.t1,
    };
    let size = font(13.0, Weight::Regular);
    // Where there is no room for all of it, its name tells more than what is left of the rest.
    let is_cut = text_width(ui, &numbers.shown, size.clone()) > room.width();
    let short = format!("{} …", step.name().replace('_', " "));
    let shown = elided(ui, if is_cut { &short } else { &numbers.shown }, size, room.width());
    let drawn = text(ui.painter(), room.left_center(), Align2::LEFT_CENTER, &shown, font(13.0, Weight::Regular), color);
    if !step.is_on {
        ui.painter().hline(drawn.x_range(), drawn.center().y, Stroke::new(1.0, tokens.t3));
    }
    focus_ring(ui, &response, 3.0);
    if response.clicked() {
        field.open(ui, &step.text);
    }
    response.on_hover_text(format!("{words}\n{}", step.text));
    rect
}

/// The numbers of a step as fields at the right of an area; returns where they begin.
fn numbers_ui(ui: &mut Ui, area: Rect, index: usize, numbers: &Numbers, commands: &mut Vec<Command>) -> f32 {
    let mut right = area.right();
    for (place, number) in numbers.all.iter().enumerate().rev() {
        let name = match numbers.all.len() {
            1 => format!("Number of step {}", index + 1),
            _ => format!("Number {} of step {}", place + 1, index + 1),
        };
        let field = Number {
            name: &name,
            value: number.value,
            range: number.range,
            decimals: number.is_integer.then_some(0),
            step: number.step,
            unit: "",
            hint: "Drag or type",
            key: "",
        };
        let width = super::side::number_width(ui, number.value.abs().clamp(99.0, 99_999.0), 0).max(48.0);
        let rect = Rect::from_min_max(pos2(right - width, area.top()), pos2(right, area.bottom()));
        if let Some(value) = field.show(ui, rect) {
            commands.push(Command::SetStep { index, text: numbers.with(place, value) });
        }
        right -= width + 4.0;
    }
    right
}

/// What a step is moved by: dragged, or with the arrow keys.
fn grip_ui(ui: &mut Ui, row: Rect, index: usize, steps: &[Step], name: &str, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let area = Rect::from_center_size(pos2(row.left() + 5.0, row.center().y), vec2(14.0, 20.0));
    let response = ui.interact(area, grip_id(ui, index), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Move {name}")));
    let color = if response.hovered() || response.has_focus() { tokens.t1 } else { tokens.t3 };
    text(ui.painter(), area.center(), Align2::CENTER_CENTER, icons::DOTS_SIX_VERTICAL, icon_font(14.0), color);
    focus_ring(ui, &response, 3.0);
    if response.has_focus() {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        // Taken: the one that gets the focus now is drawn behind it.
        let is_pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let to = match (is_pressed(Key::ArrowUp), is_pressed(Key::ArrowDown)) {
            (true, false) => index.checked_sub(1),
            (false, true) => Some(index + 1).filter(|to| *to < steps.len()),
            _ => None,
        };
        if let Some(to) = to {
            commands.push(set(moved(steps, index, to)));
            ui.memory_mut(|memory| memory.request_focus(grip_id(ui, to)));
        }
        if is_pressed(Key::Delete) {
            let left = steps.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, step)| step.clone());
            commands.push(set(left.collect()));
        }
    }
    widgets::hint(response.on_hover_cursor(CursorIcon::Grab), "Drag to another place, or ↑ ↓", "");
}

/// The steps with one of them at another place.
fn moved(steps: &[Step], from: usize, to: usize) -> Vec<Step> {
    let mut steps = steps.to_vec();
    let step = steps.remove(from);
    steps.insert(to.min(steps.len()), step);
    steps
}

/// Shows where a dragged step would go, and moves it when it is let go.
fn move_dragged(ui: &Ui, rows: &[Rect], steps: &[Step], commands: &mut Vec<Command>) {
    for from in 0..rows.len() {
        let Some(response) = ui.ctx().read_response(grip_id(ui, from)) else { continue };
        if !response.dragged() && !response.drag_stopped() {
            continue;
        }
        let Some(pointer) = ui.input(|input| input.pointer.interact_pos()) else { continue };
        let to = rows.iter().filter(|row| row.center().y < pointer.y).count();
        // Between two rows; taken away first, it is one row less above those behind.
        let place = if to > from { to - 1 } else { to };
        if response.drag_stopped() {
            if place != from {
                commands.push(set(moved(steps, from, place)));
            }
            return;
        }
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        if place != from {
            let y = rows.get(to).map_or_else(|| rows[rows.len() - 1].bottom(), |row| row.top());
            ui.painter().hline(rows[0].x_range(), y, Stroke::new(2.0, Tokens::get(ui).accent));
        }
    }
}

fn buttons_row(ui: &mut Ui, steps: &[Step], commands: &mut Vec<Command>) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
    let at = |left: f32, width: f32| Rect::from_min_size(pos2(left, rect.top() + 3.0), vec2(width, 24.0));
    let copy = Button {
        text: "Copy",
        name: "Copy operations",
        icon: icons::COPY,
        hint: "As it is typed on a command line: --op '…'",
        ..Button::default()
    };
    let copy_width = copy.width(ui);
    let has_steps = steps.iter().any(|step| step.is_on);
    let width = if has_steps { rect.width() - copy_width - 6.0 } else { rect.width() };
    add_menu(ui, at(rect.left(), width), steps, commands);
    if has_steps && copy.show(ui, at(rect.right() - copy_width, copy_width)) {
        ui.ctx().copy_text(format!("--op {}", quoted(steps)));
    }
}

/// The field that holds all of it as text.
fn expression_field() -> TextField<'static> {
    TextField { name: "Operations as text", id: Id::unique("operations as text"), ghost: "Type: - 100 | log1p" }
}

/// Has a step typed behind those there are, beginning like this, and says why.
pub fn type_operation(ctx: &egui::Context, steps: &[Step], begin: &str, why: &str) {
    let field = expression_field();
    let text = [texts(steps).as_slice(), &[begin]].concat().join(" | ");
    field.reopen(ctx, &text);
    ctx.data_mut(|data| data.insert_temp(field.id.with("wrong"), (text, why.to_owned())));
    ctx.request_repaint();
}

/// All of it as text.
fn expression_row(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let (steps, fault) = (&model.layer.operations, model.operations_fault);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
    let area = rect.shrink2(vec2(0.0, 3.0));
    let field = expression_field();
    let known = expression(steps);
    let (wrong_id, sent_id) = (field.id.with("wrong"), field.id.with("sent"));
    // What was refused can be mended, also where that takes a while to be known.
    if model.awaited_array.is_none()
        && let Some(text) = ui.data_mut(|data| data.remove_temp::<String>(sent_id)).filter(|_| fault.is_some())
    {
        field.reopen(ui.ctx(), &text);
    }
    match field.show(ui, area, &known) {
        Some(Typed::Entered(text)) => match steps_of(&text) {
            Ok(new) => {
                ui.data_mut(|data| {
                    data.remove_temp::<(String, String)>(wrong_id);
                    data.insert_temp(sent_id, text);
                });
                commands.push(set(new));
            }
            Err(message) => {
                ui.data_mut(|data| data.insert_temp(wrong_id, (text.clone(), message)));
                field.reopen(ui.ctx(), &text);
            }
        },
        Some(Typed::Left) => {
            ui.data_mut(|data| data.remove_temp::<(String, String)>(wrong_id));
            // What was said to be wrong is not asked any more.
            if fault.is_some() {
                commands.push(set(steps.to_vec()));
            }
        }
        None => {}
    }
    if let Some(name) = model.awaited_array {
        note(ui, &format!("Opening {}…", Location::parse(name).short()), tokens.t3);
    }
    let wrong = ui.data(|data| data.get_temp::<(String, String)>(wrong_id)).map(|(_, message)| message);
    if let Some(message) = wrong.as_deref().or(fault) {
        let response = note(ui, message, tokens.warn_text);
        response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, message));
    }
}

/// A few quiet words, in as many lines as they take.
fn note(ui: &mut Ui, words: &str, color: egui::Color32) -> egui::Response {
    let width = ui.available_width();
    let galley = ui.painter().layout(words.to_owned(), font(12.0, Weight::Regular), color, width);
    let (rect, response) = ui.allocate_exact_size(vec2(width, (galley.size().y + 4.0).max(20.0)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, color);
    response
}
