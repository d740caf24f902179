//! Numbers, times and files in words: thin spaces between thousands, units, no digit that says nothing.
//! Whatever shows a number takes it from here, so that the same one reads the same everywhere.

mod clock;
mod files;

pub use clock::{age, clock, decimals_of_step, duration_s, parse_time, timepoint, widest_timepoint};
pub use files::FilesText;

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

/// A value of the data, as short as it can be said: integers whole, others to four digits, zeros at the
/// end left out.
pub fn value(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    if value.fract() == 0.0 && size < LARGEST_WHOLE {
        return integer(value as i64);
    }
    if !(1e-3..1e7).contains(&size) {
        return format!("{value:.3e}").replace('-', "−");
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
    trimmed(&decimal(value, decimals)).to_owned()
}

/// Beyond it whole numbers are told by their powers of ten: neighbours are the same double.
const LARGEST_WHOLE: f64 = 1e15;

/// A value of the data with as many digits as tell it from one that is `step` away: "1 000 000 010.25",
/// "1.00025e300".
pub fn value_in_steps(value: f64, step: f64) -> String {
    let (size, step) = (value.abs(), step.abs());
    let is_plain = (1e-4..LARGEST_WHOLE).contains(&size) || size == 0.0;
    if !value.is_finite() || !step.is_finite() || step == 0.0 || (is_plain && value.fract() == 0.0) {
        return self::value(value);
    }
    let digit_of = |number: f64| number.log10().floor() as i32;
    if is_plain {
        let decimals = (-digit_of(step)).max(3 - digit_of(size)).clamp(0, 15 - digit_of(size).max(0));
        return trimmed(&decimal(value, decimals as usize)).to_owned();
    }
    let decimals = (digit_of(size) - digit_of(step)).clamp(3, 16) as usize;
    let text = format!("{value:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", trimmed(mantissa)).replace('-', "−")
}

/// A number with so many digits after the point and its thousands apart.
pub fn decimal(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    let whole = group(whole, value < 0.0 && !is_zero);
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// The same without zeros at the end of its fraction.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The same text with the widest digit everywhere, to reserve the place of what changes.
pub fn zeros(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
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

const BYTE_UNITS: [(f64, &str); 4] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];

/// Bytes as number and unit, in powers of ten: ("212", "MB"), ("1.9", "GB"). Nothing is 0 that is not.
pub fn bytes(num_bytes: usize) -> (String, &'static str) {
    let num = num_bytes as f64;
    match BYTE_UNITS.into_iter().find(|(size, _)| num >= size * 0.9995) {
        Some((size, unit)) => (bytes_in(num_bytes, size), unit),
        None => (num_bytes.to_string(), "B"),
    }
}

/// The same in one piece: "1.9 GB".
pub fn size(num_bytes: u64) -> String {
    let (number, unit) = bytes(usize::try_from(num_bytes).unwrap_or(usize::MAX));
    format!("{number} {unit}")
}

/// What is used of a budget, both in the budget's unit: ("1.9", "6.0", "GB").
pub fn bytes_of(used: usize, budget: usize) -> (String, String, &'static str) {
    let (of, unit) = bytes(budget);
    let size = BYTE_UNITS.into_iter().find(|(_, name)| *name == unit).map_or(1.0, |(size, _)| size);
    (bytes_in(used, size), of, unit)
}

fn bytes_in(num_bytes: usize, size: f64) -> String {
    let num = num_bytes as f64 / size;
    match num {
        _ if num_bytes == 0 => "0".to_owned(),
        num if size > 1.0 && num < 0.05 => "<0.1".to_owned(),
        num if size > 1.0 && num < 99.95 => format!("{num:.1}"),
        num => decimal(num, 0),
    }
}

/// A length given in µm, the number only: "215.3", "0.52", "8", "0.0012".
pub fn length_um(length: f64) -> String {
    let size = length.abs();
    if size > 0.0 && size < 0.1 {
        return value(length);
    }
    trimmed(&decimal(length, if size < 10.0 { 2 } else { 1 })).to_owned()
}

/// A length given in µm, in the unit it is read best in: ("96", "µm"), ("1.2", "mm"), ("65", "nm").
pub fn length(um: f64) -> (String, &'static str) {
    let size = um.abs();
    if size >= 1000.0 {
        (length_um(um / 1000.0), "mm")
    } else if size > 0.0 && size < 1.0 {
        (length_um(um * 1000.0), "nm")
    } else {
        (length_um(um), "µm")
    }
}

/// How many a second, to two digits at least: "5.0", "12.4", "0.33".
pub fn rate(per_s: f64) -> String {
    if !(per_s.is_finite() && per_s > 0.0) {
        return "–".to_owned();
    }
    let decimals = (1 - per_s.log10().floor() as i32).clamp(1, 9) as usize;
    decimal(per_s, decimals)
}

/// A wait in milliseconds: ("4.0", "ms"), ("1.2", "s").
pub fn latency_ms(ms: f64) -> (String, &'static str) {
    if ms < 0.05 {
        ("<0.1".to_owned(), "ms")
    } else if ms < 9.95 {
        (format!("{ms:.1}"), "ms")
    } else if ms < 999.5 {
        (format!("{ms:.0}"), "ms")
    } else {
        (decimal(ms / 1000.0, 1), "s")
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
    fn values_tell_as_many_digits_as_their_steps() {
        assert_eq!(value_in_steps(1_000_000_010.0, 0.25), "1\u{2009}000\u{2009}000\u{2009}010");
        assert_eq!(value_in_steps(1_000_000_010.25, 0.02), "1\u{2009}000\u{2009}000\u{2009}010.25");
        assert_eq!(value((1u64 << 40) as f64 + 1.0), "1\u{2009}099\u{2009}511\u{2009}627\u{2009}777");
        assert_eq!(value_in_steps(1e300, 1e297), "1e300");
        assert_ne!(value_in_steps(1.00025e300, 1e295), value_in_steps(1.00026e300, 1e295));
        assert_eq!(value_in_steps(-2.5e-300, 1e-302), "−2.5e−300");
        assert_eq!(value_in_steps(0.5, 2.0), "0.5");
        assert_eq!(value_in_steps(0.0, 1e-300), "0");
        assert_eq!(value_in_steps(f64::MIN_POSITIVE, f64::MIN_POSITIVE / 600.0), "2.225e−308");
    }

    #[test]
    fn values_are_short_and_right() {
        assert_eq!(value(104.0), "104");
        assert_eq!(value(0.125), "0.125");
        assert_eq!(value(95.1), "95.1", "no digit that says nothing");
        assert_eq!(value(1234.56), "1\u{2009}235");
        assert_eq!(value(-2.5), "−2.5");
        assert_eq!(decimal(-0.04, 1), "0.0", "no minus before nothing");
        assert_eq!(decimal(12_345.67, 1), "12\u{2009}345.7");
        assert_eq!(value(1e-9), "1.000e−9");
    }

    #[test]
    fn nothing_is_nought_that_is_not() {
        let told = |num| {
            let (number, unit) = bytes(num);
            format!("{number} {unit}")
        };
        for (num, text) in [
            (0, "0 B"),
            (17, "17 B"),
            (8_200, "8.2 kB"),
            (400_000, "400 kB"),
            (999_990, "1.0 MB"),
            (212_000_000, "212 MB"),
            (1_900_000_000, "1.9 GB"),
            (3_000_000_000_000, "3.0 TB"),
        ] {
            assert_eq!(told(num), text);
        }
        assert_eq!(bytes_of(3_000_000, 6_000_000_000), ("<0.1".to_owned(), "6.0".to_owned(), "GB"));
        assert_eq!(bytes_of(0, 6_000_000_000).0, "0");
        assert_eq!(latency_ms(0.01).0, "<0.1");
        assert_eq!(length_um(0.0012), "0.0012");
        assert_eq!(rate(0.04), "0.040");
    }

    #[test]
    fn lengths_and_rates_are_in_the_unit_they_are_read_best_in() {
        assert_eq!(length_um(0.52), "0.52");
        assert_eq!(length_um(8.0), "8");
        assert_eq!(length_um(12_345.67), "12\u{2009}345.7");
        assert_eq!(length(96.0), ("96".to_owned(), "µm"));
        assert_eq!(length(1234.5), ("1.23".to_owned(), "mm"));
        assert_eq!(length(0.065), ("65".to_owned(), "nm"));
        assert_eq!(rate(5.0), "5.0");
        assert_eq!(rate(1.0 / 3.0), "0.33");
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
