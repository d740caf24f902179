//! Time in words: a moment of the recording with as many digits as tell it from its neighbours, and how
//! long something took.

use std::time::Duration;

use super::{THIN_SPACE, integer, parse};

/// Beyond this no clock of a microscope tells anything.
const MAX_DECIMALS: usize = 9;

/// Digits after the point that tell moments `step_s` apart: never two alike, and as evenly spaced as they
/// are. 0.2 s needs one, a third of a second two.
pub fn decimals_of_step(step_s: f64) -> usize {
    let step = step_s.abs();
    if !(step.is_finite() && step > 0.0) {
        return 1;
    }
    (0..MAX_DECIMALS)
        .find(|decimals| {
            let scale = 10f64.powi(*decimals as i32);
            let rounded = (step * scale).round() / scale;
            step * scale >= 1.0 - 1e-9 && (rounded - step).abs() <= 0.05 * step
        })
        .unwrap_or(MAX_DECIMALS)
}

/// A moment since the recording began: "22.8 s", "20:42.2", "1:17:45.33".
pub fn clock(seconds: f64, decimals: usize) -> String {
    if !seconds.is_finite() {
        return "–".to_owned();
    }
    let decimals = decimals.min(MAX_DECIMALS);
    // Rounded first: 59.97 s is a minute, not 60.0 s.
    let unit = 10u64.pow(decimals as u32);
    let total = (seconds.abs() * unit as f64).round() as u64;
    let sign = if seconds < 0.0 && total > 0 { "−" } else { "" };
    let (whole, part) = (total / unit, total % unit);
    let fraction = if decimals > 0 { format!(".{part:0decimals$}") } else { String::new() };
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}{fraction}{THIN_SPACE}s"),
        (0, _) => format!("{sign}{minutes}:{seconds:02}{fraction}"),
        _ => format!("{sign}{hours}:{minutes:02}:{seconds:02}{fraction}"),
    }
}

/// When timepoint `t` was recorded, told from its neighbours.
pub fn timepoint(t: usize, rate_hz: f64) -> String {
    clock(t as f64 / rate_hz, decimals_of_step(1.0 / rate_hz))
}

/// The widest text [`timepoint`] gives up to `last`, to reserve its place.
pub fn widest_timepoint(last: usize, rate_hz: f64) -> String {
    // Just below a minute the text may be wider than above it.
    let early = ((59.0 * rate_hz) as usize).min(last);
    let texts = [timepoint(last, rate_hz), timepoint(early, rate_hz)];
    let widest = if texts[0].chars().count() >= texts[1].chars().count() { &texts[0] } else { &texts[1] };
    super::zeros(widest)
}

/// How long something lasts: "0.6 s", "42 s", "3 min 05 s", "1 h 02 min", "2 d 03 h".
pub fn duration_s(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    let thin = THIN_SPACE;
    if seconds < 9.95 {
        return format!("{seconds:.1}{thin}s");
    }
    let whole = seconds.round() as u64;
    if whole < 60 {
        return format!("{whole}{thin}s");
    }
    if whole < 3600 {
        return format!("{}{thin}min {:02}{thin}s", whole / 60, whole % 60);
    }
    let minutes = (seconds / 60.0).round() as u64;
    if minutes < 1440 {
        return format!("{}{thin}h {:02}{thin}min", minutes / 60, minutes % 60);
    }
    let hours = (seconds / 3600.0).round() as u64;
    format!("{}{thin}d {:02}{thin}h", integer(hours / 24), hours % 24)
}

/// How long ago: "0.6 s ago".
pub fn age(age: Duration) -> String {
    if age < Duration::from_millis(50) {
        "just now".to_owned()
    } else {
        format!("{} ago", duration_s(age.as_secs_f64()))
    }
}

/// The seconds somebody typed: "1:17:45.33", "20:42,2", "22.8", "22.8 s", "3 min 5 s", "1 h".
pub fn parse_time(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.contains(':') {
        let parts: Option<Vec<f64>> =
            text.trim_end_matches(|c: char| c.is_alphabetic()).split(':').map(parse).collect();
        let parts = parts.filter(|parts| parts.len() <= 3 && parts.iter().all(|part| *part >= 0.0))?;
        return Some(parts.iter().fold(0.0, |sum, part| sum * 60.0 + part));
    }
    let mut sum = None;
    let mut rest = text;
    while !rest.is_empty() {
        let number_end = rest.find(char::is_alphabetic).unwrap_or(rest.len());
        let number = parse(&rest[..number_end]).filter(|number| *number >= 0.0)?;
        let after = &rest[number_end..];
        let unit_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let seconds = match &after[..unit_end] {
            "" | "s" | "sec" => 1.0,
            "ms" => 1e-3,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        sum = Some(sum.unwrap_or(0.0) + number * seconds);
        rest = after[unit_end..].trim_start();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_timepoints_never_read_alike() {
        for rate_hz in
            [0.01, 0.333, 0.5, 1.0, 1.0 / 1.04, 2.0, 3.0, 1.0 / 0.333, 5.0, 7.0, 30.0, 33.3, 80.0, 997.0, 1e5]
        {
            for t in [0, 1, 59, 100, 599, 2_000, 13_996, 100_000] {
                let texts = [t, t + 1, t + 2].map(|t| timepoint(t, rate_hz));
                assert!(texts[0] != texts[1] && texts[1] != texts[2], "t {t} at {rate_hz} Hz: {texts:?}");
            }
        }
        assert_eq!(timepoint(2_000, 3.0), "11:06.67");
        assert_eq!(timepoint(2_001, 3.0), "11:07.00");
        assert_eq!(timepoint(13_996, 3.0), "1:17:45.33");
        assert_eq!(timepoint(6_211, 5.0), "20:42.2", "no more digits than it takes");
        assert_eq!(timepoint(114, 5.0), "22.8\u{2009}s");
        assert_eq!(timepoint(7_200, 1.0), "2:00:00");
    }

    #[test]
    fn a_moment_is_rounded_before_it_is_split() {
        assert_eq!(clock(59.97, 1), "1:00.0");
        assert_eq!(clock(3599.96, 1), "1:00:00.0");
        assert_eq!(clock(0.0, 1), "0.0\u{2009}s");
        assert_eq!(clock(f64::NAN, 1), "–");
        assert_eq!(duration_s(59.7), "1\u{2009}min 00\u{2009}s");
        assert_eq!(duration_s(3599.7), "1\u{2009}h 00\u{2009}min");
        assert_eq!(duration_s(9.96), "10\u{2009}s");
        assert_eq!(duration_s(185.0), "3\u{2009}min 05\u{2009}s");
        assert_eq!(duration_s(49.0 * 3600.0), "2\u{2009}d 01\u{2009}h");
        assert_eq!(age(Duration::from_millis(600)), "0.6\u{2009}s ago");
    }

    #[test]
    fn a_typed_moment_is_understood_as_it_is_written() {
        for rate_hz in [0.4, 3.0, 5.0, 30.0] {
            for t in [0, 7, 300, 13_996, 500_000] {
                let seconds = parse_time(&timepoint(t, rate_hz)).expect("what is written can be typed");
                assert_eq!((seconds * rate_hz).round() as usize, t, "{rate_hz} Hz");
            }
        }
        assert_eq!(parse_time("22,8"), Some(22.8));
        assert_eq!(parse_time("3 min 5 s"), Some(185.0));
        assert_eq!(parse_time("1 h"), Some(3600.0));
        assert_eq!(parse_time("1:30 min"), Some(90.0));
        for nonsense in ["", "x", "1:x", "5 fish", "-3", "1:2:3:4"] {
            assert_eq!(parse_time(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn a_place_wide_enough_is_reserved() {
        for (last, rate_hz) in [(10, 5.0), (299, 5.0), (301, 5.0), (9_000, 5.0), (100_000, 3.0)] {
            let widest = widest_timepoint(last, rate_hz).chars().count();
            let longest = (0..=last).map(|t| timepoint(t, rate_hz).chars().count()).max().unwrap_or_default();
            assert_eq!(widest, longest, "{last} at {rate_hz} Hz");
        }
    }
}
