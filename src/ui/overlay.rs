//! What lies over the window until it is dismissed: a quiet ground, a heading, and a way out.

use egui::{Align2, Color32, Frame, Id, Margin, Modal, Rect, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use super::icons;
use super::keys::{BINDINGS, Binding, Group};
use super::theme::{Tokens, Weight, font};
use super::widgets::{Fill, elided, icon_button, text};
use super::{Command, Overlay};

/// A panel in the middle of the window, at most `width` wide.
pub fn dialog(
    ui: &mut Ui,
    overlay: Overlay,
    title: &str,
    width: f32,
    commands: &mut Vec<Command>,
    add: impl FnOnce(&mut Ui, &mut Vec<Command>),
) {
    dialog_about(ui, overlay, [title, "", ""], width, commands, add);
}

/// The same with what it is about beside its title, and facts of that.
pub fn dialog_about(
    ui: &mut Ui,
    overlay: Overlay,
    [title, subject, facts]: [&str; 3],
    width: f32,
    commands: &mut Vec<Command>,
    add: impl FnOnce(&mut Ui, &mut Vec<Command>),
) {
    let mut is_crossed = false;
    let is_beside = modal_ui(ui, [title, subject, facts], width, &mut is_crossed, |ui| add(ui, commands));
    if is_crossed {
        commands.push(Command::CloseOverlay);
    }
    // Esc is among the keys, which are read in the order they were typed.
    if is_beside && !commands.contains(&Command::CloseOverlay) {
        commands.push(Command::ToggleOverlay(overlay));
    }
}

/// The same where no overlay of the view is meant. Returns whether somebody wants it gone.
pub fn modal(ui: &mut Ui, heading: [&str; 3], width: f32, add: impl FnOnce(&mut Ui)) -> bool {
    let mut is_crossed = false;
    modal_ui(ui, heading, width, &mut is_crossed, add) || is_crossed
}

/// Returns whether the ground beside it was clicked.
fn modal_ui(
    ui: &mut Ui,
    [title, subject, facts]: [&str; 3],
    width: f32,
    is_crossed: &mut bool,
    add: impl FnOnce(&mut Ui),
) -> bool {
    let tokens = Tokens::get(ui);
    let screen = ui.ctx().content_rect();
    let width = width.min(screen.width() - 64.0);
    let frame = Frame::new()
        .fill(tokens.bg1)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(8.0)
        .inner_margin(Margin::same(20))
        .shadow(ui.visuals().window_shadow);
    let response = Modal::new(Id::unique(("overlay", title)))
        .frame(frame)
        .backdrop_color(Color32::from_black_alpha(120))
        .show(ui.ctx(), |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            let (rect, _) = ui.allocate_exact_size(vec2(width, 24.0), Sense::hover());
            heading(ui, rect, [title, subject, facts]);
            let close = Rect::from_center_size(rect.right_center() - vec2(12.0, 0.0), vec2(26.0, 26.0));
            *is_crossed = icon_button(ui, close, icons::X, false, Fill::None, "Close", "Esc").clicked();
            ui.add_space(14.0);
            add(ui);
        });
    response.backdrop_response.clicked()
}

/// Title, what it is about, facts of that, cut where the cross stands.
fn heading(ui: &Ui, rect: Rect, [title, subject, facts]: [&str; 3]) {
    let tokens = Tokens::get(ui);
    let mut at = rect.left_center();
    let right = rect.right() - 34.0;
    for (words, size, weight, color, gap) in [
        (title, 15.0, Weight::SemiBold, tokens.t1, 8.0),
        (subject, 15.0, Weight::Regular, tokens.t2, 14.0),
        (facts, 12.0, Weight::Regular, tokens.t3, 0.0),
    ] {
        let words = elided(ui, words, font(size, weight), (right - at.x).max(0.0));
        let drawn = text(ui.painter(), at, Align2::LEFT_CENTER, &words, font(size, weight), color);
        at.x = drawn.right() + gap;
    }
}

/// All keys, in two columns where there is room.
pub fn keys_ui(ui: &mut Ui, commands: &mut Vec<Command>) {
    dialog(ui, Overlay::Keys, "Keys", 640.0, commands, |ui, _| {
        let is_wide = ui.available_width() > 480.0;
        let columns: &[&[Group]] = if is_wide {
            &[&[Group::Time, Group::Depth, Group::Contrast], &[Group::Picture, Group::Window]]
        } else {
            &[&Group::ALL]
        };
        let gap = 32.0;
        let width = (ui.available_width() - gap * (columns.len() - 1) as f32) / columns.len() as f32;
        let max = (ui.ctx().content_rect().height() - 140.0).max(120.0);
        egui::ScrollArea::vertical().max_height(max).min_scrolled_height(max).auto_shrink([false, true]).show(
            ui,
            |ui| {
                let origin = ui.cursor().min;
                let mut bottom = origin.y;
                for (index, groups) in columns.iter().enumerate() {
                    let left = origin.x + index as f32 * (width + gap);
                    let mut y = origin.y;
                    for group in *groups {
                        y = group_ui(ui, *group, left, y, width) + 14.0;
                    }
                    bottom = bottom.max(y);
                }
                ui.allocate_rect(Rect::from_min_max(origin, pos2(origin.x + 1.0, bottom - 14.0)), Sense::hover());
            },
        );
    });
}

fn group_ui(ui: &mut Ui, group: Group, left: f32, top: f32, width: f32) -> f32 {
    let tokens = Tokens::get(ui);
    let heading = group.label().to_uppercase();
    text(ui.painter(), pos2(left, top), Align2::LEFT_TOP, &heading, font(11.0, Weight::SemiBold), tokens.t3);
    let mut y = top + 22.0;
    for binding in BINDINGS.iter().filter(|binding| binding.group == group) {
        let row = Rect::from_min_size(pos2(left, y), vec2(width, 24.0));
        binding_ui(ui, binding, row);
        y += 24.0;
    }
    y
}

fn binding_ui(ui: &mut Ui, binding: &Binding, row: Rect) {
    let tokens = Tokens::get(ui);
    text(ui.painter(), row.left_center(), Align2::LEFT_CENTER, binding.does, font(13.0, Weight::Regular), tokens.t2);
    let galley = ui.painter().layout_no_wrap(binding.keys.to_owned(), font(12.0, Weight::Medium), tokens.t1);
    let size = galley.size() + vec2(14.0, 4.0);
    let cap = Rect::from_min_size(pos2(row.right() - size.x, row.center().y - size.y / 2.0), size);
    ui.painter().rect_filled(cap, 4.0, tokens.bg2);
    ui.painter().galley(cap.min + vec2(7.0, 2.0), galley, tokens.t1);
    let response = ui.interact(row, ui.make_persistent_id(("key", binding.keys)), Sense::hover());
    response.widget_info(|| {
        let label = format!("{}: {}", binding.keys, binding.does);
        egui::WidgetInfo::labeled(egui::accesskit::Role::ListItem, true, label)
    });
}

/// A child ui over a rectangle, with ids of its own.
pub fn within<R>(ui: &mut Ui, rect: Rect, salt: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    add(&mut ui.new_child(UiBuilder::new().max_rect(rect).id_salt(salt)))
}
