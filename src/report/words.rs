//! How numbers, times and spans are written on a page. Separators are no-break spaces, so that no number is
//! broken at the end of a line.

use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde::Serialize;

use crate::qc::{Grade, Gravity, Subject, Usable, whole_percent};

/// Thin no-break space between groups of three digits.
const GROUP: char = '\u{202f}';

/// "9 000".
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 3 {
            text.push(GROUP);
        }
        text.push(digit);
    }
    text
}

/// A measure to two or three digits: "0.05", "6.8", "93", "4 095". What is not a number is "–".
pub fn number(value: f64) -> String {
    let size = value.abs();
    let sign = if value < 0.0 { "−" } else { "" };
    match size {
        _ if !value.is_finite() => "–".to_owned(),
        0.0 => "0".to_owned(),
        _ if size >= 1e7 => format!("{sign}{size:.2e}"),
        _ if size >= 1000.0 => format!("{sign}{}", grouped(size.round() as usize)),
        _ if size >= 20.0 => format!("{sign}{size:.0}"),
        _ if size >= 0.195 => format!("{sign}{size:.1}"),
        _ if size >= 0.0095 => format!("{sign}{size:.2}"),
        _ if size >= 0.00095 => format!("{sign}{size:.3}"),
        _ => format!("{sign}{size:.1e}"),
    }
}

/// A limit, as it was set: "0.01", "5". None is "–".
pub fn limit(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value}"))
}

/// Seconds as on a clock, with so many decimals: "4:56.0", "1:02:03".
pub fn clock(seconds: f64, decimals: usize) -> String {
    let scale = 10_u64.pow(decimals as u32);
    let units = (seconds.max(0.0) * scale as f64).round() as u64;
    let (whole, part) = (units / scale, units % scale);
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let fraction = if decimals == 0 { String::new() } else { format!(".{part:0decimals$}") };
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}{fraction}")
    } else {
        format!("{minutes}:{seconds:02}{fraction}")
    }
}

/// How long something took: "0.4 s", "24 s", "2 min 24 s", "1 h 5 min".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..10 => format!("{:.1} s", seconds.max(0.0)),
        10..60 => format!("{whole} s"),
        60..600 => format!("{} min {} s", whole / 60, whole % 60),
        600..3600 => format!("{} min", whole / 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// Decoded bytes: "113 GB".
pub fn bytes(num_bytes: u64) -> String {
    let num = num_bytes as f64;
    let (value, unit) = match num {
        _ if num >= 1e12 => (num / 1e12, "TB"),
        _ if num >= 1e9 => (num / 1e9, "GB"),
        _ if num >= 1e6 => (num / 1e6, "MB"),
        _ => (num / 1e3, "kB"),
    };
    if value >= 20.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// How much of a recording can be used, in the unit that is known: minutes, or volumes.
#[derive(Serialize)]
pub struct Amount {
    /// "18.4".
    pub usable: String,
    /// "of 30.0 min".
    pub of: String,
    /// "61 %".
    pub percent: String,
}

/// The words of the badge.
pub fn amount(usable: &Usable) -> Amount {
    let percent = format!("{} %", whole_percent(usable.share()));
    match usable.amounts() {
        (amount, of, Some(unit)) => {
            Amount { usable: format!("{amount:.1}"), of: format!("of {of:.1} {unit}"), percent }
        }
        _ => Amount { usable: grouped(usable.expected), of: format!("of {} volumes", grouped(usable.of)), percent },
    }
}

/// Seconds from the first timepoint to a timepoint, where that is known.
pub fn seconds(subject: &Subject, t: usize) -> Option<f64> {
    let measured = subject.times_s.as_ref().and_then(|times| Some(times.get(t)? - times.first()?));
    measured.or_else(|| subject.rate_hz.filter(|rate| *rate > 0.0).map(|rate| t as f64 / rate))
}

/// When something was: "4:56.0 – 5:04.4 · t 1 480 – 1 522", "from 13:50.0 · t 4 150 to the end", "t 57".
pub fn span(subject: &Subject, t: [usize; 2], end: usize) -> String {
    let clocked = |t: usize| seconds(subject, t).map(|seconds| clock(seconds, 1));
    let is_to_the_end = t[1] + 1 >= end && t[0] + 1 < end;
    let timepoints = match () {
        () if t[0] == 0 && is_to_the_end => format!("all {} t", grouped(end)),
        () if is_to_the_end => format!("t {} to the end", grouped(t[0])),
        () if t[0] == t[1] => format!("t {}", grouped(t[0])),
        () => format!("t {} – {}", grouped(t[0]), grouped(t[1])),
    };
    match (clocked(t[0]), clocked(t[1])) {
        (Some(from), Some(_)) if is_to_the_end => format!("from {from} · {timepoints}"),
        (Some(from), Some(to)) if from != to => format!("{from} – {to} · {timepoints}"),
        (Some(from), Some(_)) => format!("{from} · {timepoints}"),
        _ => timepoints,
    }
}

/// The same in few words, for a sentence: "from 18:44 to the end", "at 14:06", "from 4:56 to 5:04".
pub fn place(subject: &Subject, t: [usize; 2], end: usize) -> String {
    let at = |t: usize| match seconds(subject, t) {
        Some(seconds) => clock(seconds, 0),
        None => format!("t {}", grouped(t)),
    };
    let (from, to) = (at(t[0]), at(t[1]));
    match () {
        () if t[0] == 0 && t[1] + 1 >= end => "from beginning to end".to_owned(),
        () if t[1] + 1 >= end => format!("from {from} to the end"),
        () if from == to => format!("at {from}"),
        () => format!("from {from} to {to}"),
    }
}

/// A moment on the machine's own clock.
pub fn moment(seconds: f64) -> Option<Zoned> {
    let at = Timestamp::from_second(seconds as i64).ok()?;
    Some(at.to_zoned(TimeZone::system()))
}

/// "24 Nov 2026, 10:12 – 10:42".
pub fn recorded(span_s: [f64; 2]) -> Option<String> {
    let (from, to) = (moment(span_s[0])?, moment(span_s[1])?);
    let begin = from.strftime("%-d %b %Y, %H:%M").to_string();
    let end = match (from.date() == to.date(), to.strftime("%H:%M").to_string()) {
        (true, end) if begin.ends_with(&end) => return Some(begin),
        (true, end) => end,
        (false, end) => format!("{} {end}", to.strftime("%-d %b")),
    };
    Some(format!("{begin} – {end}"))
}

/// The class that gives a verdict its shape and its colour.
pub fn grade_class(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "ok",
        Grade::InPart => "warn",
        Grade::Lost => "bad",
    }
}

/// The class that gives an alarm its shape and its colour.
pub fn gravity_class(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Warn => "warn",
        Gravity::Alarm => "bad",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::DType;

    #[test]
    fn numbers_are_written_to_two_or_three_digits_and_never_invented() {
        let written = [4095.0, 93.2, 6.81, 0.4, 0.0519, 0.0012, 0.0, -1.43, f64::NAN].map(number);
        assert_eq!(written, ["4\u{202f}095", "93", "6.8", "0.4", "0.05", "0.001", "0", "−1.4", "–"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
        assert_eq!([limit(Some(0.01)), limit(Some(5.0)), limit(None)], ["0.01", "5", "–"]);
    }

    #[test]
    fn clocks_carry_from_the_smallest_unit_on() {
        assert_eq!(clock(296.0, 1), "4:56.0");
        assert_eq!(clock(59.96, 1), "1:00.0");
        assert_eq!(clock(3723.4, 0), "1:02:03");
        assert_eq!([0.44, 59.0, 144.0, 3900.0].map(duration), ["0.4 s", "59 s", "2 min 24 s", "1 h 5 min"]);
    }

    #[test]
    fn a_share_is_hundred_percent_only_where_all_is_usable() {
        assert_eq!([1.0, 0.9999, 0.613, 0.0001, 0.0].map(whole_percent), [100, 99, 61, 1, 0]);
    }

    #[test]
    fn spans_are_told_in_time_where_the_rate_is_known_and_in_timepoints_always() {
        let mut subject = Subject {
            shape: [9000, 1, 8, 8],
            dtype: DType::U16,
            rate_hz: Some(5.0),
            voxel_um: None,
            planned_t: None,
            times_s: None,
        };
        assert_eq!(span(&subject, [1480, 1522], 9000), "4:56.0 – 5:04.4 · t 1\u{202f}480 – 1\u{202f}522");
        assert_eq!(span(&subject, [4150, 8999], 9000), "from 13:50.0 · t 4\u{202f}150 to the end");
        assert_eq!(place(&subject, [5622, 8999], 9000), "from 18:44 to the end");
        assert_eq!(place(&subject, [57, 57], 9000), "at 0:11");
        subject.rate_hz = None;
        assert_eq!(span(&subject, [57, 57], 9000), "t 57");
        assert_eq!(span(&subject, [0, 8999], 9000), "all 9\u{202f}000 t");
        // Timepoints that say themselves when they were taken are believed.
        subject.times_s = Some((0..9000).map(|t| 100.0 + f64::from(t) * 2.0).collect());
        assert_eq!(span(&subject, [30, 60], 9000), "1:00.0 – 2:00.0 · t 30 – 60");
    }
}
