//! The transport in one row: stepping and playing, the timepoint and its time to type, and how playing
//! goes on. Every place is as wide as the widest thing it will ever show.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::icons;
use super::super::theme::{Tokens, Weight, font};
use super::super::widgets::{
    Button, Fill, Number, choice, choice_width, focus_ring, hint, icon_button, keycap, keycap_width, severity_mark,
    text, text_width,
};
use super::super::{Command, Loop, Model, PLAY_RATE_RANGE, PlayMode, SessionCommand, format};
use crate::live::LiveState;
use crate::volume::Severity;

const GAP: f32 = 8.0;
/// Below this width what can be seen elsewhere is left out.
const NARROW: f32 = 620.0;
/// Speeds offered in real time.
const SPEEDS: [f32; 6] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
const MODES: [PlayMode; 3] = [PlayMode::EveryFrame, PlayMode::KeepPace, PlayMode::RealTime];

/// Draws the row.
pub fn transport_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let left = buttons_ui(ui, rect, model, commands);
    let left = place_ui(ui, rect, left, model, commands);
    let left = quality_ui(ui, rect, left, model, commands);
    options_ui(ui, rect, left, model, commands);
}

fn buttons_ui(ui: &mut Ui, rect: Rect, model: &Model<'_>, commands: &mut Vec<Command>) -> f32 {
    let is_running = model.state.play.is_running;
    let (play_icon, play_name) = if is_running { (icons::PAUSE, "Pause") } else { (icons::PLAY, "Play") };
    let buttons = [
        (icons::SKIP_BACK, "First timepoint", "Home", Command::ScrubTo(0)),
        (icons::CARET_LEFT, "Previous timepoint", "←", Command::StepT(-1)),
        (play_icon, play_name, "Space", Command::TogglePlay),
        (icons::CARET_RIGHT, "Next timepoint", "→", Command::StepT(1)),
        (icons::SKIP_FORWARD, "Last timepoint", "End", Command::ScrubTo(usize::MAX)),
    ];
    let mut left = rect.left();
    for (icon, name, key, command) in buttons {
        let is_play = command == Command::TogglePlay;
        let area = Rect::from_min_size(pos2(left, rect.center().y - 13.0), vec2(26.0, 26.0));
        let fill = if is_play { Fill::Accent } else { Fill::None };
        if icon_button(ui, area, icon, true, fill, name, key).clicked() {
            commands.push(command);
        }
        left += if is_play { 30.0 } else { 28.0 };
    }
    left + 4.0
}

/// The timepoint of how many, and its time: both can be typed.
fn place_ui(ui: &mut Ui, rect: Rect, left: f32, model: &Model<'_>, commands: &mut Vec<Command>) -> f32 {
    let tokens = Tokens::get(ui);
    let (t, last) = (model.state.cursor.t, model.info.shape[0].saturating_sub(1));
    let y = rect.center().y;
    let regular = font(13.0, Weight::Regular);
    // A recording that grows gets more digits: there is room for them from the start.
    let end =
        model.live.and_then(|live| live.expected_end).unwrap_or(0).max(if model.live.is_some() { 9999 } else { last });
    let digits = format::zeros(&format::integer(end.max(last) as i64));
    let width = (text_width(ui, &digits, regular.clone()) + 22.0).max(56.0);
    let number = Number {
        name: "Timepoint",
        value: t as f64,
        range: [0.0, last as f64],
        decimals: Some(0),
        step: (last as f64 / 400.0).max(0.25),
        unit: "",
        hint: "Timepoint: drag or type",
        key: "← →",
    };
    if let Some(t) = number.show(ui, Rect::from_min_size(pos2(left, y - 12.0), vec2(width, 24.0))) {
        commands.push(Command::ScrubTo(t as usize));
    }
    let mut left = left + width + 6.0;
    if rect.width() >= NARROW {
        let total = format!("/ {}", format::integer(last as i64));
        text(ui.painter(), pos2(left, y), Align2::LEFT_CENTER, &total, regular.clone(), tokens.t2);
        left += text_width(ui, &format!("/ {digits}"), regular.clone()) + GAP;
    }
    let Some(rate) = model.info.rate_hz.filter(|rate| *rate > 0.0 && rate.is_finite()) else { return left };
    let decimals = format::decimals_of_step(1.0 / rate);
    let width = text_width(ui, &format::widest_timepoint(end.max(last), rate), regular) + 22.0;
    let moment = Number {
        name: "Time",
        value: t as f64 / rate,
        range: [0.0, last as f64 / rate],
        decimals: None,
        step: (last as f64 / 400.0).max(0.25) / rate,
        unit: "",
        hint: "Time since the recording began: drag or type, such as 1:30",
        key: "",
    };
    if let Some(seconds) =
        moment.show_moment(ui, Rect::from_min_size(pos2(left, y - 12.0), vec2(width, 24.0)), decimals)
    {
        commands.push(Command::ScrubTo((seconds * rate).round() as usize));
    }
    left + width + GAP
}

/// From alarm to alarm, and the traces. Where there is no room for both, the keys are there.
fn quality_ui(ui: &mut Ui, rect: Rect, left: f32, model: &Model<'_>, commands: &mut Vec<Command>) -> f32 {
    let Some(quality) = model.quality.filter(|_| rect.width() >= NARROW) else { return left };
    let y = rect.center().y - 12.0..=rect.center().y + 12.0;
    let is_wide = rect.width() >= 960.0;
    let left = stepper_ui(ui, left + GAP, y.clone(), quality.counts(), is_wide, commands);
    let traces = Button {
        text: "Traces",
        is_on: Some(model.state.panels.traces),
        has_keycap: true,
        hint: "Measures over time, under the map",
        key: "T",
        ..Button::default()
    };
    let width = traces.width(ui);
    if traces.show(ui, Rect::from_x_y_ranges(left..=left + width, y)) {
        commands.push(Command::ToggleTraces);
    }
    left + width + GAP
}

/// How many alarms and warnings there are; pressed, it goes to the next. In a wide row with arrows both ways.
fn stepper_ui(
    ui: &mut Ui,
    left: f32,
    y: std::ops::RangeInclusive<f32>,
    [num_warnings, num_alarms]: [usize; 2],
    is_wide: bool,
    commands: &mut Vec<Command>,
) -> f32 {
    let tokens = Tokens::get(ui);
    let size = font(12.0, Weight::Regular);
    let shown = |num: usize| if num > 99 { "99+".to_owned() } else { num.to_string() };
    let number_width = text_width(ui, "00", size.clone());
    let arrow = if is_wide { 20.0 } else { 0.0 };
    let inner = 2.0 * (15.0 + number_width) + 18.0 + keycap_width(ui, "N") + 6.0;
    let whole = Rect::from_x_y_ranges(left..=left + inner + 2.0 * arrow + 16.0, y);
    ui.painter().rect_filled(whole, 4.0, tokens.bg2);
    let step = |is_next| Command::Session(SessionCommand::GoToAlarm { is_next });
    ui.add_enabled_ui(num_warnings + num_alarms > 0, |ui| {
        if is_wide {
            let place = |x: f32| Rect::from_center_size(pos2(x, whole.center().y), vec2(20.0, 22.0));
            let back = place(whole.left() + 12.0);
            if icon_button(ui, back, icons::CARET_LEFT, false, Fill::None, "Previous alarm", "Shift N").clicked() {
                commands.push(step(false));
            }
            let on = place(whole.right() - 14.0 - keycap_width(ui, "N") - 10.0);
            if icon_button(ui, on, icons::CARET_RIGHT, false, Fill::None, "Next alarm", "N").clicked() {
                commands.push(step(true));
            }
        }
        let counts = Rect::from_x_y_ranges(
            whole.left() + 8.0 + arrow
                ..=whole.right() - if is_wide { arrow + keycap_width(ui, "N") + 14.0 } else { 0.0 },
            whole.y_range(),
        );
        let response = ui.interact(counts, ui.make_persistent_id("alarms"), Sense::click());
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, ui.is_enabled(), "Alarms");
            info.current_text_value = Some(format!("{num_alarms} alarms, {num_warnings} warnings"));
            info
        });
        let mut x = counts.left();
        for (num, severity) in [(num_alarms, Severity::Error), (num_warnings, Severity::Warning)] {
            let at = pos2(x + 5.0, whole.center().y);
            severity_mark(ui.painter(), at, 10.0, severity, tokens);
            let color = if num > 0 { tokens.t1 } else { tokens.t3 };
            text(ui.painter(), at + vec2(10.0, 0.0), Align2::LEFT_CENTER, &shown(num), size.clone(), color);
            x += 15.0 + number_width + 8.0;
        }
        let cap = pos2(whole.right() - 8.0 - keycap_width(ui, "N") / 2.0, whole.center().y);
        keycap(ui, cap, "N", Some(tokens.bg1), tokens.t3);
        focus_ring(ui, &response, 4.0);
        if hint(response, "Alarms ■ and warnings ▲: go to the next", "N").clicked() {
            commands.push(step(true));
        }
    });
    whole.right() + GAP
}

/// How playing goes on. Where there is no room for all of it, what playing does at the end goes first, then
/// the rate, the mode.
fn options_ui(ui: &mut Ui, rect: Rect, left: f32, model: &Model<'_>, commands: &mut Vec<Command>) {
    let loops = ["Once", "Loop", "Back and forth"];
    let modes = mode_names(model);
    let follow = if can_follow(model) { follow_width(ui, rect.width() < NARROW) } else { 0.0 };
    // Widths in the order they stand, and in which order they are given room.
    let wanted = [choice_width(ui, modes), rate_width(ui), choice_width(ui, &loops), follow];
    let mut widths = [0.0; 4];
    let mut room = rect.right() - left;
    for index in [3, 0, 1, 2] {
        if wanted[index] > 0.0 && room >= wanted[index] + GAP {
            widths[index] = wanted[index];
            room -= wanted[index] + GAP;
        }
    }
    let mut areas = [None; 4];
    let mut right = rect.right();
    for index in [3, 2, 1, 0] {
        if widths[index] > 0.0 {
            let y = rect.center().y - 12.0..=rect.center().y + 12.0;
            areas[index] = Some(Rect::from_x_y_ranges(right - widths[index]..=right, y));
            right -= widths[index] + GAP;
        }
    }
    let play = &model.state.play;
    if let Some(area) = areas[0] {
        let selected = MODES.iter().position(|mode| *mode == shown_mode(model)).unwrap_or(0);
        let hint = "Wait for every timepoint, or keep a clock and skip what is late";
        if let Some(index) = choice(ui, area, "Play mode", modes, selected, hint, "") {
            commands.push(Command::SetPlayMode(MODES[index]));
        }
    }
    if let Some(area) = areas[1] {
        rate_ui(ui, area, model, commands);
    }
    if let Some(area) = areas[2] {
        let hint = "What playing does at the end";
        if let Some(index) = choice(ui, area, "At the end", &loops, play.at_end as usize, hint, "") {
            commands.push(Command::SetLoop([Loop::Off, Loop::Loop, Loop::BackAndForth][index]));
        }
    }
    if let Some(area) = areas[3]
        && follow_ui(ui, area, model.state.follow)
    {
        commands.push(Command::ToggleFollow);
    }
}

/// Real time is offered where it is known.
fn mode_names(model: &Model<'_>) -> &'static [&'static str] {
    let names = &["Every frame", "Keep pace", "Real time"];
    if model.info.rate_hz.is_some_and(|rate| rate > 0.0) { names } else { &names[..2] }
}

/// The mode that playing has, in a recording whose rate may be unknown.
fn shown_mode(model: &Model<'_>) -> PlayMode {
    match model.state.play.mode {
        PlayMode::RealTime if mode_names(model).len() < MODES.len() => PlayMode::KeepPace,
        mode => mode,
    }
}

fn speed_names() -> [String; SPEEDS.len()] {
    SPEEDS.map(|speed| format!("{} ×", format::value(f64::from(speed))))
}

fn rate_width(ui: &Ui) -> f32 {
    choice_width(ui, &speed_names().each_ref().map(String::as_str)).max(72.0)
}

/// Timepoints a second, or in real time a multiple of the recording's own rate.
fn rate_ui(ui: &mut Ui, area: Rect, model: &Model<'_>, commands: &mut Vec<Command>) {
    let play = &model.state.play;
    if shown_mode(model) == PlayMode::RealTime {
        let selected = SPEEDS.iter().position(|speed| (speed - play.speed).abs() < 1e-3).unwrap_or(usize::MAX);
        let names = speed_names();
        let hint = "How many times as fast as it was recorded";
        if let Some(index) = choice(ui, area, "Play speed", &names.each_ref().map(String::as_str), selected, hint, "") {
            commands.push(Command::SetPlaySpeed(SPEEDS[index]));
        }
        return;
    }
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

/// Whether there is anything to follow: a recording that is done stays as it is.
fn can_follow(model: &Model<'_>) -> bool {
    model.live.is_some_and(|live| !matches!(live.state, LiveState::Finished | LiveState::StoppedEarly { .. }))
}

const FOLLOW: [&str; 2] = ["Follow newest", "Following"];
/// Without its words it is a circle and its key.
const FOLLOW_BARE: f32 = 52.0;

fn follow_width(ui: &Ui, is_bare: bool) -> f32 {
    if is_bare {
        return FOLLOW_BARE;
    }
    let widest = FOLLOW.map(|label| text_width(ui, label, font(12.0, Weight::SemiBold)));
    widest.into_iter().fold(0.0, f32::max) + 54.0
}

/// Plain with an open circle, or full and red while the newest is on screen.
fn follow_ui(ui: &mut Ui, rect: Rect, is_on: bool) -> bool {
    let tokens = Tokens::get(ui);
    let response = ui.interact(rect, ui.make_persistent_id("follow"), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), is_on, FOLLOW[0]));
    let is_hot = response.hovered() || response.is_pointer_button_down_on();
    let painter = ui.painter();
    painter.rect_filled(rect, 4.0, if is_hot { tokens.bg3 } else { tokens.bg2 });
    let (color, weight) = if is_on { (tokens.bad_text, Weight::SemiBold) } else { (tokens.t1, Weight::Regular) };
    let dot = rect.left_center() + vec2(14.0, 0.0);
    if is_on {
        painter.rect_filled(rect, 4.0, tokens.bad.gamma_multiply(0.22));
        painter.circle_filled(dot, 4.0, color);
    } else {
        painter.circle_stroke(dot, 3.5, egui::Stroke::new(1.2, tokens.t2));
    }
    if rect.width() > FOLLOW_BARE {
        let at = rect.left_center() + vec2(24.0, 0.0);
        text(painter, at, Align2::LEFT_CENTER, FOLLOW[usize::from(is_on)], font(12.0, weight), color);
    }
    keycap(
        ui,
        rect.right_center() - vec2(15.0, 0.0),
        "L",
        (!is_on).then_some(tokens.bg1),
        if is_on { color } else { tokens.t3 },
    );
    focus_ring(ui, &response, 4.0);
    hint(response, "Keep the newest timepoint on screen", "L").clicked()
}
