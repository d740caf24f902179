//! Logarithms of many values in single precision, without a branch, so that a processor takes several at once, and right
//! to the last digit of single precision but one.

use std::f64::consts::{LN_2, LN_10};

/// ln 2 in two parts, the first of which times any exponent is exact.
const LN_2_PARTS: [f32; 2] = [0.693_138_1, 9.058_001e-6];

/// The natural logarithm.
#[inline(always)]
pub(super) fn log(value: f32) -> f32 {
    // What is less than the smallest number with all of its digits is made larger first.
    let is_small = value < f32::MIN_POSITIVE;
    let (k, m) = exponent_and_mantissa(if is_small { value * 33_554_432.0 } else { value });
    let k = if is_small { k - 25.0 } else { k };
    with_ends(value, ln_of_parts(k, m - 1.0, 0.0))
}

/// That of 1 + the value, also of values near 0.
#[inline(always)]
pub(super) fn log1p(value: f32) -> f32 {
    let sum = 1.0 + value;
    let (k, m) = exponent_and_mantissa(sum);
    // What was lost of the sum to rounding; beyond 2^24 nothing that can be told.
    let lost = if k >= 2.0 { 1.0 - (sum - value) } else { value - (sum - 1.0) };
    let lost = if k < 25.0 { lost / sum } else { 0.0 };
    let is_near = k == 0.0;
    let (f, lost) = (if is_near { value } else { m - 1.0 }, if is_near { 0.0 } else { lost });
    with_ends(sum, ln_of_parts(k, f, lost))
}

/// A number above 0 as 2^k m with m from √½ to √2.
#[inline(always)]
fn exponent_and_mantissa(value: f32) -> (f32, f32) {
    const ONE: u32 = 0x3f80_0000;
    const ROOT_OF_HALF: u32 = 0x3f35_04f3;
    const MANTISSA: u32 = 0x007f_ffff;
    let shifted = value.to_bits().wrapping_add(ONE - ROOT_OF_HALF);
    let k = ((shifted >> 23) as i32).wrapping_sub(0x7f);
    (k as f32, f32::from_bits((shifted & MANTISSA).wrapping_add(ROOT_OF_HALF)))
}

/// k ln 2 + ln (1 + f) + lost, for f from √½ - 1 to √2 - 1: with s = f / (2 + f), ln (1 + f) is f - f²/2 + s (f²/2 + R),
/// where R is 2 artanh s / s - 2 as a polynomial of s². The coefficients and the order are those of `logf` in FreeBSD's
/// mathematical library, which is right to less than one unit of the last place.
#[inline(always)]
fn ln_of_parts(k: f32, f: f32, lost: f32) -> f32 {
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let rest = w * (0.400_009_72 + w * 0.242_790_79) + z * (0.666_666_6 + w * 0.284_987_87);
    let half = 0.5 * f * f;
    s * (half + rest) + (k * LN_2_PARTS[1] + lost) - half + f + k * LN_2_PARTS[0]
}

/// The logarithm of a value where it is no number with one: of 0, below 0, of infinity.
#[inline(always)]
fn with_ends(value: f32, finite: f32) -> f32 {
    let special = if value == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    let special = if value == f32::INFINITY { value } else { special };
    if value > 0.0 && value < f32::INFINITY { finite } else { special }
}

/// To base 2.
#[inline(always)]
pub(super) fn log2(value: f32) -> f32 {
    let value = f64::from(value);
    (ln(value) * (1.0 / LN_2)) as f32
}

/// To base 10.
#[inline(always)]
pub(super) fn log10(value: f32) -> f32 {
    let value = f64::from(value);
    (ln(value) * (1.0 / LN_10)) as f32
}

/// The logarithm in double precision, whose multiples are exact in single precision where they are whole.
///
/// value = 2^k m with m from √½ to √2; ln m = 2 artanh s, s = (m - 1) / (m + 1), of which s is at most 0.172: the
/// series of artanh is cut after s^15, where it is right to 1e-14.
#[inline(always)]
fn ln(value: f64) -> f64 {
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const ROOT_OF_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
    let shifted = value.to_bits().wrapping_add(ONE - ROOT_OF_HALF);
    let k = ((shifted >> 52) as i32).wrapping_sub(0x3ff);
    let m = f64::from_bits((shifted & MANTISSA).wrapping_add(ROOT_OF_HALF));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let rest = 1.0 / 11.0 + z * (1.0 / 13.0 + z * (1.0 / 15.0));
    let series = 1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * rest)));
    let finite = f64::from(k) * LN_2 + 2.0 * s * (1.0 + z * series);
    let special = if value == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    let special = if value == f64::INFINITY { value } else { special };
    if value > 0.0 && value < f64::INFINITY { finite } else { special }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_library() {
        let mut value = f32::MIN_POSITIVE / 1024.0;
        let is_alike = |got: f32, wanted: f64| (f64::from(got) - wanted).abs() <= 1.2e-7 * wanted.abs();
        while value < f32::MAX / 2.0 {
            let double = f64::from(value);
            assert!(is_alike(log(value), double.ln()), "{value}");
            assert!(is_alike(log1p(value), double.ln_1p()), "{value}");
            assert!(is_alike(log2(value), double.log2()), "{value}");
            assert!(is_alike(log10(value), double.log10()), "{value}");
            if value < 1.0 {
                assert!(is_alike(log1p(-value), (-double).ln_1p()), "{value}");
            }
            value *= 1.000_37;
        }
        assert_eq!([log(0.0), log1p(-1.0), log2(8.0), log10(1000.0)], [f32::NEG_INFINITY, f32::NEG_INFINITY, 3.0, 3.0]);
        assert_eq!([log(f32::INFINITY), log1p(0.0), log(1.0)], [f32::INFINITY, 0.0, 0.0]);
        assert!([log(-1.0), log1p(-1.5), log2(f32::NAN), log10(f32::NEG_INFINITY)].iter().all(|value| value.is_nan()));
    }
}
