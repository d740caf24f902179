//! Time: the strip of the recording, and below it the transport in one row.

use egui::{Align2, Rect, Stroke, Ui, pos2, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, fill, font};
use super::super::widgets::{
    self, Button, Fill, Number, Slider, Strip, choice, choice_width, icon_button, strip, text_width,
};
use super::super::{Command, Loop, Model, PLAY_RATE_RANGE, PlayMode, Shown, format};
use crate::volume::Axis;

/// Height of the area.
pub const HEIGHT: f32 = 132.0;
const GAP: f32 = 8.0;

/// Draws the area.
pub fn time_bar_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    fill(ui, rect, tokens.bg1);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, tokens.line));
    let inner = rect.shrink2(vec2(16.0, 0.0));
    let timeline = Rect::from_x_y_ranges(inner.x_range(), rect.top() + 8.0..=rect.top() + 84.0);
    let shown = Strip {
        num_t: model.info.shape[0],
        num_expected: model.live.and_then(|live| live.expected_end).unwrap_or(0),
        writing: model.live.and_then(|live| live.writing).filter(|span| span.axis == Axis::T).map(|span| span.range),
        t: model.view.t,
        rate_hz: model.info.rate_hz,
        pieces: model.pieces,
        cached: model.cached,
        stale_t: match model.shown {
            Shown::Nearest { t } => Some(*t),
            _ => None,
        },
    };
    if let Some(t) = strip(ui, timeline, &shown) {
        commands.push(Command::ScrubTo(t));
    }
    let transport = Rect::from_x_y_ranges(inner.x_range(), rect.top() + 92.0..=rect.top() + 120.0);
    transport_ui(ui, transport, model, commands);
}

fn transport_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let tokens = Tokens::get(ui);
    let view = model.view;
    let last = model.info.shape[0].saturating_sub(1);
    let y = rect.center().y;
    let mut left = rect.left();
    let (play_icon, play_name) = if view.play.is_running { (icons::PAUSE, "Pause") } else { (icons::PLAY, "Play") };
    let buttons = [
        (icons::SKIP_BACK, "First timepoint", "Home", Command::ScrubTo(0)),
        (icons::CARET_LEFT, "Previous timepoint", "←", Command::StepT(-1)),
        (play_icon, play_name, "Space", Command::TogglePlay),
        (icons::CARET_RIGHT, "Next timepoint", "→", Command::StepT(1)),
        (icons::SKIP_FORWARD, "Last timepoint", "End", Command::ScrubTo(usize::MAX)),
    ];
    for (icon, name, key, command) in buttons {
        let is_play = command == Command::TogglePlay;
        let area = Rect::from_min_size(pos2(left, y - 13.0), vec2(26.0, 26.0));
        let fill = if is_play { Fill::Accent } else { Fill::None };
        if icon_button(ui, area, icon, true, fill, name, key).clicked() {
            commands.push(command);
        }
        left += if is_play { 30.0 } else { 28.0 };
    }
    left += 4.0;
    let digits = format::integer(last as i64);
    let width = (text_width(ui, &digits, font(13.0, Weight::Regular)) + 22.0).max(56.0);
    let number = Number {
        name: "Timepoint",
        value: view.t as f64,
        range: [0.0, last as f64],
        decimals: Some(0),
        step: (last as f64 / 400.0).max(0.25),
        unit: "",
        hint: "Timepoint: drag or type",
        key: "← →",
    };
    if let Some(t) = number.show(ui, Rect::from_min_size(pos2(left, y - 11.0), vec2(width, 22.0))) {
        commands.push(Command::ScrubTo(t as usize));
    }
    left += width + 8.0;
    let total = format!("/ {digits}");
    let area =
        widgets::text(ui.painter(), pos2(left, y), Align2::LEFT_CENTER, &total, font(13.0, Weight::Regular), tokens.t2);
    left = area.right() + 8.0;

    let right = options_ui(ui, rect, left, model, commands);
    let track = Rect::from_x_y_ranges(left..=right - 8.0, rect.y_range());
    if track.width() >= 60.0 {
        let moved = Slider {
            name: "Time",
            value: view.t as f64,
            range: [0.0, last as f64],
            step: 1.0,
            hint: "Scrub through time",
            key: "← →",
            ..Slider::default()
        }
        .show(ui, track);
        if let Some(t) = moved.value {
            commands.push(Command::ScrubTo(t.round() as usize));
        }
    }
}

/// How playing goes on. Where there is no room for all of it, the slider goes first (the strip above can
/// be scrubbed as well), then what playing does at the end, the rate, the mode. Returns where it begins.
fn options_ui(ui: &mut Ui, rect: Rect, left: f32, model: &Model<'_>, commands: &mut Vec<Command>) -> f32 {
    let tokens = Tokens::get(ui);
    let play = &model.view.play;
    let modes = ["Every frame", "Keep pace"];
    let loops = ["Once", "Loop", "Back and forth"];
    let follow = Button {
        text: "Follow newest  L",
        name: "Follow newest",
        is_on: Some(model.view.follow),
        color: Some(tokens.bad_text),
        hint: "Keep the newest timepoint on screen",
        key: "L",
        ..Button::default()
    };
    let follow_width = if model.live.is_some() { follow.width(ui) } else { 0.0 };
    // Widths in the order they stand, and in which order they are given room.
    let wanted = [choice_width(ui, &modes), 68.0, choice_width(ui, &loops), follow_width];
    let mut widths = [0.0; 4];
    let mut room = rect.right() - left;
    for index in [3, 0, 1, 2] {
        if wanted[index] > 0.0 && room >= wanted[index] + GAP {
            widths[index] = wanted[index];
            room -= wanted[index] + GAP;
        }
    }
    let mut right = rect.right();
    let mut areas = [None; 4];
    for index in [3, 2, 1, 0] {
        if widths[index] > 0.0 {
            let half = vec2(0.0, 12.0);
            areas[index] = Some(Rect::from_min_max(
                pos2(right - widths[index], rect.center().y) - half,
                pos2(right, rect.center().y) + half,
            ));
            right -= widths[index] + GAP;
        }
    }
    if let Some(area) = areas[0] {
        let hint = "Every frame waits for data; real time keeps the clock and skips";
        if let Some(index) = choice(ui, area, "Play mode", &modes, play.mode as usize, hint, "") {
            commands.push(Command::SetPlayMode([PlayMode::EveryFrame, PlayMode::KeepPace][index]));
        }
    }
    if let Some(area) = areas[1] {
        let number = Number {
            name: "Play rate",
            value: f64::from(play.rate_hz),
            range: PLAY_RATE_RANGE.map(f64::from),
            decimals: Some(1),
            step: 0.25,
            unit: "fps",
            hint: "Timepoints a second",
            key: "",
        };
        if let Some(rate) = number.show(ui, area) {
            commands.push(Command::SetPlayRate(rate as f32));
        }
    }
    if let Some(area) = areas[2] {
        let hint = "What playing does at the end";
        if let Some(index) = choice(ui, area, "At the end", &loops, play.at_end as usize, hint, "") {
            commands.push(Command::SetLoop([Loop::Off, Loop::Loop, Loop::BackAndForth][index]));
        }
    }
    if let Some(area) = areas[3]
        && follow.show(ui, area)
    {
        commands.push(Command::ToggleFollow);
    }
    right
}
