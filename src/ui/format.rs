//! Numbers as the window writes them: thin spaces between thousands, units, sensible digits.

use std::time::Duration;

/// U+2009, between thousands and before units.
pub const THIN_SPACE: char = '\u{2009}';

/// An integer with its thousands apart: "1 830".
pub fn integer(value: impl Into<i128>) -> String {
    let value = value.into();
    group(&value.unsigned_abs().to_string(), value < 0)
}

fn group(digits: &str, is_negative: bool) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if is_negative {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(THIN_SPACE);
        }
        text.push(digit);
    }
    text
}

/// A value of the data, as short as it can be said: integers whole, others to four digits.
pub fn value(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e12 {
        return integer(value as i64);
    }
    if !(1e-3..1e7).contains(&size) {
        return format!("{value:.3e}").replace('-', "−");
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{size:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = group(whole, value < 0.0);
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// The exact value a voxel holds, as the array wrote it, with its thousands apart.
pub fn exact(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let whole = group(whole, sign);
    fraction.map_or(whole.clone(), |fraction| format!("{whole}.{fraction}"))
}

/// Bytes as number and unit, in powers of ten: ("212", "MB").
pub fn bytes(num_bytes: usize) -> (String, &'static str) {
    let num = num_bytes as f64;
    if num >= 99.95e9 {
        (format!("{:.0}", num / 1e9), "GB")
    } else if num >= 999.5e6 {
        (format!("{:.1}", num / 1e9), "GB")
    } else {
        (format!("{:.0}", num / 1e6), "MB")
    }
}

/// A time since the recording began: "22.8 s", "3 min 05 s", "1 h 02 min".
pub fn time_s(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "—".to_owned();
    }
    if seconds < 100.0 {
        format!("{seconds:.1}{THIN_SPACE}s")
    } else if seconds < 3600.0 {
        let whole = seconds.round() as u64;
        format!("{} min {:02}{THIN_SPACE}s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        format!("{} h {:02}{THIN_SPACE}min", minutes / 60, minutes % 60)
    }
}

/// How long ago: "0.6 s ago".
pub fn age(age: Duration) -> String {
    format!("{} ago", time_s(age.as_secs_f64()))
}

/// A length in µm with two significant decimals at most: "215.3", "0.52", "8".
pub fn length_um(length: f64) -> String {
    let text = if length.abs() < 10.0 { format!("{length:.2}") } else { format!("{length:.1}") };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

/// A duration in milliseconds, as the status bar shows it: ("4", "ms"), ("1.2", "s").
pub fn latency_ms(ms: f64) -> (String, &'static str) {
    if ms < 10.0 {
        (format!("{ms:.1}"), "ms")
    } else if ms < 999.5 {
        (format!("{ms:.0}"), "ms")
    } else {
        (format!("{:.1}", ms / 1000.0), "s")
    }
}

/// The numbers a user typed: spaces of any width, a comma for the decimal point, and the proper minus
/// are understood.
pub fn parse(text: &str) -> Option<f64> {
    let cleaned: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            ',' => '.',
            '−' => '-',
            other => other,
        })
        .collect();
    cleaned.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A length of 1, 2 or 5 times a power of ten that is at most `longest`.
pub fn round_length(longest: f64) -> f64 {
    if !(longest.is_finite() && longest > 0.0) {
        return 1.0;
    }
    let decade = 10f64.powi(longest.log10().floor() as i32);
    let factor = [5.0, 2.0, 1.0].into_iter().find(|factor| factor * decade <= longest * (1.0 + 1e-9));
    factor.unwrap_or(1.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(integer(1830), "1\u{2009}830");
        assert_eq!(integer(-1_234_567), "−1\u{2009}234\u{2009}567");
        assert_eq!(integer(999), "999");
        assert_eq!(exact("1204"), "1\u{2009}204");
        assert_eq!(exact("-1204.25"), "−1\u{2009}204.25");
        assert_eq!(exact("NaN"), "NaN");
        assert_eq!(exact("true"), "true");
        assert_eq!(exact("1e30"), "1e30");
    }

    #[test]
    fn values_are_short_and_right() {
        assert_eq!(value(104.0), "104");
        assert_eq!(value(0.125), "0.1250");
        assert_eq!(value(1234.56), "1\u{2009}235");
        assert_eq!(value(-2.5), "−2.500");
        assert_eq!(value(1e-9), "1.000e−9");
        assert_eq!(bytes(212_000_000), ("212".to_owned(), "MB"));
        assert_eq!(bytes(1_900_000_000), ("1.9".to_owned(), "GB"));
        assert_eq!(time_s(22.8), "22.8\u{2009}s");
        assert_eq!(time_s(185.0), "3 min 05\u{2009}s");
        assert_eq!(length_um(0.52), "0.52");
        assert_eq!(length_um(8.0), "8");
    }

    #[test]
    fn what_is_typed_is_understood() {
        assert_eq!(parse(" 1 830 "), Some(1830.0));
        assert_eq!(parse("1\u{2009}830"), Some(1830.0));
        assert_eq!(parse("−0,5"), Some(-0.5));
        assert_eq!(parse("inf"), None);
        assert_eq!(parse("x"), None);
    }

    #[test]
    fn scale_bars_are_round() {
        assert_eq!(round_length(73.0), 50.0);
        assert_eq!(round_length(0.0123), 0.01);
        assert_eq!(round_length(100.0), 100.0);
        assert_eq!(round_length(f64::NAN), 1.0);
    }
}
