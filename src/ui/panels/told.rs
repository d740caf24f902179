//! The facts of a recording that the user may say: voxel size, rate, axes. They are remembered for its
//! folder and never written into it.

use egui::{Rect, Ui, vec2};

use super::super::widgets::{Button, Entered, Entry};
use super::super::{AppCommand, Command, Model, Overlay, Tell, format};
use super::side::{field, row};
use crate::format::check_axes;

/// The rows.
pub fn told_rows(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    voxel_row(ui, model, commands);
    if model.info.shape[0] > 1 {
        rate_row(ui, model, commands);
    }
    axes_row(ui, model, commands);
}

fn voxel_row(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let size = model.info.voxel_size;
    // The scanner's step alone makes no voxel, but it need not be typed.
    let step = plane_distance_um(model);
    let edges = size.map(|size| size.edges());
    let shown = match (edges, step) {
        (Some(edges), _) => format!("{} µm", edges.map(format::length_um).join(" × ")),
        (None, Some(step)) => format!("{} × ? × ? µm", format::length_um(step)),
        (None, None) => "unknown".to_owned(),
    };
    let draft = match (edges, step) {
        (Some(edges), _) => edges.map(|edge| edge.to_string()).join(" × "),
        (None, Some(step)) => format!("{step} × "),
        (None, None) => String::new(),
    };
    let entry = Entry {
        name: "Voxel z y x",
        shown: &shown,
        is_known: size.is_some(),
        is_given: size != model.array.voxel_size,
        draft: &draft,
        hint: "Edges of a voxel in µm, z × y × x: click to type them",
    };
    let rect = row(ui, "Voxel z y x");
    match entry.show(ui, rect, |text| parse_edges(text, step, model.info.shape[1] > 1)) {
        Some(Entered::Value(edges)) => commands.push(Command::App(AppCommand::Tell(Tell::VoxelSize(Some(edges))))),
        Some(Entered::TakenBack) => commands.push(Command::App(AppCommand::Tell(Tell::VoxelSize(None)))),
        None => {}
    }
}

fn rate_row(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let rate = model.info.rate_hz.filter(|rate| *rate > 0.0);
    let shown = rate.map_or("unknown".to_owned(), |rate| format!("{} volumes / s", format::value(rate)));
    let draft = rate.map_or(String::new(), |rate| rate.to_string());
    let entry = Entry {
        name: "Rate",
        shown: &shown,
        is_known: rate.is_some(),
        is_given: model.info.rate_hz != model.array.rate_hz,
        draft: &draft,
        hint: "Volumes per second (3) or seconds per volume (0.33 s): click to type",
    };
    let rect = row(ui, "Rate");
    match entry.show(ui, rect, parse_rate) {
        Some(Entered::Value(rate)) => commands.push(Command::App(AppCommand::Tell(Tell::Rate(Some(rate))))),
        Some(Entered::TakenBack) => commands.push(Command::App(AppCommand::Tell(Tell::Rate(None)))),
        None => {}
    }
}

fn axes_row(ui: &mut Ui, model: &Model<'_>, commands: &mut Vec<Command>) {
    let rank = model.array.shape.rank();
    if rank < 2 {
        return;
    }
    let letters = model.array.axes_in_letters();
    let shown = match letters.contains(',') {
        true => letters.replace(',', " "),
        false => letters.chars().map(String::from).collect::<Vec<_>>().join(" "),
    };
    let why = model.array.axes_from.iter().find(|from| from.is_guess);
    let hint = match why {
        Some(from) => {
            format!("What the axes of the file are, slowest first; a guess {}: click to type them", from.words)
        }
        None => "What the axes of the file are, slowest first: click to type them".to_owned(),
    };
    let entry = Entry {
        name: "Axes",
        shown: &shown,
        is_known: why.is_none(),
        is_given: model.axes_are_given,
        draft: &letters,
        hint: &hint,
    };
    let rect = row(ui, "Axes");
    let sheet = Button {
        text: "…",
        name: "Array and axes",
        hint: "Look at the arrays of the file and say what their axes are",
        ..Button::default()
    };
    let room = Rect::from_min_max(rect.min, rect.max - vec2(32.0, 0.0));
    match entry.show(ui, room, |text| parse_axes(text, rank)) {
        Some(Entered::Value(axes)) => commands.push(Command::App(AppCommand::Tell(Tell::Axes(Some(axes))))),
        Some(Entered::TakenBack) => commands.push(Command::App(AppCommand::Tell(Tell::Axes(None)))),
        None => {}
    }
    if sheet.show(ui, field(rect, 26.0, 0.0)) {
        commands.push(Command::ToggleOverlay(Overlay::Axes));
    }
}

/// Distance of the planes by the rig's own files, which say nothing of y and x.
fn plane_distance_um(model: &Model<'_>) -> Option<f64> {
    let (_, value) = model.array.facts.iter().find(|(label, _)| label == "Plane distance")?;
    value.trim_end_matches("µm").trim().parse().ok().filter(|step: &f64| step.is_finite() && *step > 0.0)
}

/// "5 × 0.6 × 0.6", with any signs between the numbers; without z where there is none or it is known, and
/// one number for a square.
fn parse_edges(text: &str, step: Option<f64>, has_depth: bool) -> Result<[f64; 3], String> {
    let text = text.trim_end_matches("um").trim_end_matches("µm");
    let numbers: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "×x*;".contains(c)).filter(|part| !part.is_empty()).collect();
    let numbers: Option<Vec<f64>> = numbers.into_iter().map(positive).collect();
    let z = step.or((!has_depth).then_some(1.0));
    match (numbers.as_deref(), z) {
        // The scanner's step stood there already and was left.
        (Some(&[first, side]), Some(z)) if first == z => Ok([z, side, side]),
        (Some(&[z, y, x]), _) | (Some(&[y, x]), Some(z)) => Ok([z, y, x]),
        (Some(&[side]), Some(z)) => Ok([z, side, side]),
        (Some(&[z, side]), None) => Ok([z, side, side]),
        _ if has_depth => Err("three numbers in µm: z y x".to_owned()),
        _ => Err("two numbers in µm: y x".to_owned()),
    }
}

/// "3", "3 Hz", "0.33 s", "330 ms".
fn parse_rate(text: &str) -> Result<f64, String> {
    let fault = || "a number: volumes per second".to_owned();
    let text = text.trim().to_lowercase();
    let unit_at = text.find(|c: char| c.is_alphabetic() || c == '/').unwrap_or(text.len());
    let number = positive(text[..unit_at].trim()).ok_or_else(fault)?;
    let rate = match text[unit_at..].trim() {
        "" | "hz" | "/s" | "/ s" | "volumes / s" | "volumes/s" | "vps" => number,
        "s" => 1.0 / number,
        "ms" => 1000.0 / number,
        "min" => 1.0 / (60.0 * number),
        _ => return Err(fault()),
    };
    Some(rate).filter(|rate| rate.is_finite() && *rate > 0.0).ok_or_else(fault)
}

fn parse_axes(text: &str, rank: usize) -> Result<String, String> {
    let fault = || format!("{rank} letters of t z y x c, or an index");
    let axes = check_axes(&text.replace('×', " ")).map_err(|_| fault())?;
    let num = if axes.contains(',') { axes.split(',').count() } else { axes.len() };
    (num == rank).then_some(axes).ok_or_else(fault)
}

/// A number above zero; a comma may stand for the point.
fn positive(text: &str) -> Option<f64> {
    text.trim_end_matches(',').replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_understood_as_people_write_them() {
        for text in ["5 0.6 0.7", "5 × 0.6 × 0.7", "5x0.6x0.7 µm", "5, 0.6, 0.7", "5 0,6 0,7 um"] {
            assert_eq!(parse_edges(text, None, true), Ok([5.0, 0.6, 0.7]), "{text}");
        }
        assert_eq!(parse_edges("8 × 0.6", None, true), Ok([8.0, 0.6, 0.6]));
        assert_eq!(parse_edges("0.6 0.7", Some(10.0), true), Ok([10.0, 0.6, 0.7]));
        for text in ["0.6", "10 × 0.6", "10 × 0.6 × 0.6"] {
            assert_eq!(parse_edges(text, Some(10.0), true), Ok([10.0, 0.6, 0.6]), "{text}");
        }
        assert_eq!(parse_edges("0.6", None, false), Ok([1.0, 0.6, 0.6]));
        for text in ["", "0.6", "0 1 1", "1 2 3 4", "a b c", "-1 1 1", "inf 1 1", "nan 1 1"] {
            assert!(parse_edges(text, None, true).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_understood_as_rates_and_as_periods() {
        assert_eq!(parse_rate("3"), Ok(3.0));
        assert_eq!(parse_rate("2,5 Hz"), Ok(2.5));
        assert_eq!(parse_rate("3 volumes / s"), Ok(3.0));
        assert_eq!(parse_rate("0.5 s"), Ok(2.0));
        assert_eq!(parse_rate("250ms"), Ok(4.0));
        for text in ["", "0", "-2", "fast", "3 kg", "1e999", "1e-320 s"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn axes_are_letters_once_each() {
        assert_eq!(parse_axes("t z y x", 4), Ok("tzyx".to_owned()));
        assert_eq!(parse_axes("ZYX", 3), Ok("zyx".to_owned()));
        assert_eq!(parse_axes("t c y x", 4), Ok("tcyx".to_owned()));
        assert_eq!(parse_axes("t 2 y x", 4), Ok("t,2,y,x".to_owned()));
        for text in ["", "tzy", "ttyx", "tccx", "tzyxt", "µzyx"] {
            assert!(parse_axes(text, 4).is_err(), "{text}");
        }
    }
}
