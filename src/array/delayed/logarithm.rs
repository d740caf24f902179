//! Logarithms of many values in single precision: computed in double precision without a branch, so that a processor
//! takes several at once, and right to the last digit of single precision but one.

use std::f64::consts::{LN_2, LN_10};

/// The natural logarithm.
#[inline(always)]
pub(super) fn log(value: f32) -> f32 {
    let value = f64::from(value);
    ln(value, value - 1.0) as f32
}

/// That of 1 + the value, also of values near 0.
#[inline(always)]
pub(super) fn log1p(value: f32) -> f32 {
    let value = f64::from(value);
    ln(1.0 + value, value) as f32
}

/// To base 2.
#[inline(always)]
pub(super) fn log2(value: f32) -> f32 {
    let value = f64::from(value);
    (ln(value, value - 1.0) * (1.0 / LN_2)) as f32
}

/// To base 10.
#[inline(always)]
pub(super) fn log10(value: f32) -> f32 {
    let value = f64::from(value);
    (ln(value, value - 1.0) * (1.0 / LN_10)) as f32
}

/// The logarithm of `value`, of which `above_one` is what it is more than 1.
///
/// value = 2^k m with m from √½ to √2; ln m = 2 artanh s, s = (m - 1) / (m + 1), of which s is at most 0.172: the
/// series of artanh is cut after s^15, where it is right to 1e-14.
#[inline(always)]
fn ln(value: f64, above_one: f64) -> f64 {
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const ROOT_OF_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
    let shifted = value.to_bits().wrapping_add(ONE - ROOT_OF_HALF);
    let k = ((shifted >> 52) as i32).wrapping_sub(0x3ff);
    let m = f64::from_bits((shifted & MANTISSA).wrapping_add(ROOT_OF_HALF));
    let f = if k == 0 { above_one } else { m - 1.0 };
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
