//! Arithmetic of one voxel, as numpy does it: integers wrap, a remainder has the sign of its divisor, an
//! integer divided by zero is 0, floating point follows IEEE 754. Half precision is computed in single
//! precision and rounded after every operation.

use half::f16;

use crate::volume::Voxel;

/// A voxel that can be computed with.
pub(super) trait Number: Voxel {
    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    /// Only for floating point: of integers numpy makes doubles first.
    fn divide(self, other: Self) -> Self;
    fn floor_divide(self, other: Self) -> Self;
    fn remainder(self, other: Self) -> Self;
    /// Of an integer to a negative power, which numpy refuses, nothing is made: 0.
    fn power(self, other: Self) -> Self;
    fn is_true(self) -> bool;
    fn abs(self) -> Self;
    fn sign(self) -> Self;
    /// numpy's `astype`.
    fn cast<T: Number>(self) -> T;
    /// The nearest value of a double; numpy's `astype` (see [`super::convert`]).
    fn of_f64(value: f64) -> Self;
    fn of_f32(value: f32) -> Self;
    fn of_i64(value: i64) -> Self;
    fn of_u64(value: u64) -> Self;
    /// Exact for integers of at most 64 bits with a sign; only they are asked.
    fn to_i64(self) -> i64;
    /// Exact for integers without a sign; only they are asked.
    fn to_u64(self) -> u64;
}

/// By repeated squaring, wrapping as the multiplications do.
macro_rules! integer_power {
    ($base:expr, $exponent:expr) => {{
        let (mut base, mut exponent, mut product) = ($base, $exponent, 1);
        while exponent != 0 {
            if exponent & 1 == 1 {
                product = Self::wrapping_mul(product, base);
            }
            base = base.wrapping_mul(base);
            exponent >>= 1;
        }
        product
    }};
}

/// What the language converts by itself.
macro_rules! as_the_language_does {
    () => {
        #[inline(always)]
        fn of_i64(value: i64) -> Self {
            value as Self
        }
        #[inline(always)]
        fn of_u64(value: u64) -> Self {
            value as Self
        }
        #[inline(always)]
        fn to_i64(self) -> i64 {
            self as i64
        }
        #[inline(always)]
        fn to_u64(self) -> u64 {
            self as u64
        }
    };
}

macro_rules! common_of_integers {
    ($convert:expr) => {
        as_the_language_does!();
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            self.wrapping_add(other)
        }
        #[inline(always)]
        fn subtract(self, other: Self) -> Self {
            self.wrapping_sub(other)
        }
        #[inline(always)]
        fn multiply(self, other: Self) -> Self {
            self.wrapping_mul(other)
        }
        #[inline(always)]
        fn divide(self, other: Self) -> Self {
            self.floor_divide(other)
        }
        #[inline(always)]
        fn is_true(self) -> bool {
            self != 0
        }
        #[inline(always)]
        fn of_f64(value: f64) -> Self {
            $convert(value) as Self
        }
        #[inline(always)]
        fn of_f32(value: f32) -> Self {
            $convert(f64::from(value)) as Self
        }
    };
}

/// What a processor makes of a double beyond the integers it converts to.
#[inline(always)]
fn to_i32(value: f64) -> i32 {
    if value > -2_147_483_649.0 && value < 2_147_483_648.0 { value as i32 } else { i32::MIN }
}

#[inline(always)]
fn to_i64(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

#[inline(always)]
fn to_u64(value: f64) -> u64 {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    match value {
        _ if (0.0..LIMIT).contains(&value) => value as u64,
        _ if value >= LIMIT => 0,
        _ => to_i64(value) as u64,
    }
}

macro_rules! unsigned {
    ($($T:ty: $convert:expr),*) => {$(
        impl Number for $T {
            common_of_integers!($convert);
            #[inline(always)]
            fn cast<T: Number>(self) -> T {
                T::of_u64(self as u64)
            }
            #[inline(always)]
            fn floor_divide(self, other: Self) -> Self {
                self.checked_div(other).unwrap_or(0)
            }
            #[inline(always)]
            fn remainder(self, other: Self) -> Self {
                self.checked_rem(other).unwrap_or(0)
            }
            fn power(self, other: Self) -> Self {
                integer_power!(self, other)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self
            }
            #[inline(always)]
            fn sign(self) -> Self {
                Self::from(self != 0)
            }
        }
    )*};
}

macro_rules! signed {
    ($($T:ty: $convert:expr),*) => {$(
        impl Number for $T {
            common_of_integers!($convert);
            #[inline(always)]
            fn cast<T: Number>(self) -> T {
                T::of_i64(self as i64)
            }
            #[inline(always)]
            fn floor_divide(self, other: Self) -> Self {
                if other == 0 {
                    return 0;
                }
                let is_inexact = self.wrapping_rem(other) != 0 && (self < 0) != (other < 0);
                self.wrapping_div(other).wrapping_sub(Self::from(is_inexact))
            }
            #[inline(always)]
            fn remainder(self, other: Self) -> Self {
                if other == 0 {
                    return 0;
                }
                let rest = self.wrapping_rem(other);
                if rest != 0 && (rest < 0) != (other < 0) { rest + other } else { rest }
            }
            fn power(self, other: Self) -> Self {
                if other < 0 { 0 } else { integer_power!(self, other) }
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.wrapping_abs()
            }
            #[inline(always)]
            fn sign(self) -> Self {
                self.signum()
            }
        }
    )*};
}

unsigned!(u8: to_i32, u16: to_i32, u32: to_i64, u64: to_u64);
signed!(i8: to_i32, i16: to_i32, i32: to_i32, i64: to_i64);

macro_rules! floats {
    ($($T:ty: $of:ident),*) => {$(
        impl Number for $T {
            as_the_language_does!();
            #[inline(always)]
            fn cast<T: Number>(self) -> T {
                T::$of(self)
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn subtract(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn multiply(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn divide(self, other: Self) -> Self {
                self / other
            }
            /// numpy's `npy_divmod`.
            #[inline(always)]
            fn floor_divide(self, other: Self) -> Self {
                if other == 0.0 {
                    return self / other;
                }
                let rest = self % other;
                let mut quotient = (self - rest) / other;
                if rest != 0.0 && (other < 0.0) != (rest < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return <$T>::copysign(0.0, self / other);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }
            #[inline(always)]
            fn remainder(self, other: Self) -> Self {
                let rest = self % other;
                if other == 0.0 {
                    return rest;
                }
                match rest {
                    _ if rest == 0.0 => <$T>::copysign(0.0, other),
                    _ if (other < 0.0) != (rest < 0.0) => rest + other,
                    _ => rest,
                }
            }
            fn power(self, other: Self) -> Self {
                self.powf(other)
            }
            #[inline(always)]
            fn is_true(self) -> bool {
                self != 0.0
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$T>::abs(self)
            }
            #[inline(always)]
            fn sign(self) -> Self {
                match self {
                    _ if self > 0.0 => 1.0,
                    _ if self < 0.0 => -1.0,
                    _ if self == 0.0 => 0.0,
                    _ => self,
                }
            }
            #[inline(always)]
            fn of_f64(value: f64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn of_f32(value: f32) -> Self {
                value as Self
            }
        }
    )*};
}

floats!(f32: of_f32, f64: of_f64);

/// A double in single precision such that rounding it once more gives what rounding the double does: where digits
/// are lost, the last one that is kept is odd, and lies on no tie. Processors go to half precision by way of single.
#[inline(always)]
fn rounded_to_odd(value: f64) -> f32 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    if back == value || !back.is_finite() {
        return nearest;
    }
    // Towards zero, then the last digit.
    let bits = nearest.to_bits() - u32::from(back.abs() > value.abs());
    f32::from_bits(bits | 1)
}

macro_rules! by_single_precision {
    ($($name:ident),*) => {$(
        fn $name(self, other: Self) -> Self {
            f16::from_f32(self.to_f32().$name(other.to_f32()))
        }
    )*};
}

impl Number for f16 {
    #[inline(always)]
    fn cast<T: Number>(self) -> T {
        T::of_f32(f16::to_f32(self))
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        f16::from_f32(f16::to_f32(self) + f16::to_f32(other))
    }
    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        f16::from_f32(f16::to_f32(self) - f16::to_f32(other))
    }
    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        f16::from_f32(f16::to_f32(self) * f16::to_f32(other))
    }
    #[inline(always)]
    fn divide(self, other: Self) -> Self {
        f16::from_f32(f16::to_f32(self) / f16::to_f32(other))
    }
    by_single_precision!(floor_divide, remainder, power);
    #[inline(always)]
    fn is_true(self) -> bool {
        self.to_f32() != 0.0
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f16::from_bits(self.to_bits() & 0x7FFF)
    }
    #[inline(always)]
    fn sign(self) -> Self {
        f16::from_f32(Number::sign(self.to_f32()))
    }
    #[inline(always)]
    fn of_f64(value: f64) -> Self {
        f16::from_f32(rounded_to_odd(value))
    }
    #[inline(always)]
    fn of_f32(value: f32) -> Self {
        f16::from_f32(value)
    }
    #[inline(always)]
    fn of_i64(value: i64) -> Self {
        f16::from_f32(value as f32)
    }
    #[inline(always)]
    fn of_u64(value: u64) -> Self {
        f16::from_f32(value as f32)
    }
    #[inline(always)]
    fn to_i64(self) -> i64 {
        self.to_f32() as i64
    }
    #[inline(always)]
    fn to_u64(self) -> u64 {
        self.to_f32() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_divide_as_numpy_does() {
        let all = [(7i8, 2), (-7, 2), (7, -2), (-7, -2), (5, 0), (-128, -1), (0, -3)];
        let floors = all.map(|(a, b)| a.floor_divide(b));
        assert_eq!(floors, [3, -4, -4, 3, 0, -128, 0]);
        assert_eq!(all.map(|(a, b)| a.remainder(b)), [1, 1, -1, -1, 0, 0, 0]);
        assert_eq!((3u8.power(5), 2i8.power(7), 2i8.power(-1), 0u16.power(0)), (243, -128, 0, 1));
    }

    #[test]
    fn floats_divide_as_numpy_does() {
        assert_eq!((-7.5f64).floor_divide(2.0), -4.0);
        assert_eq!((-7.5f64).remainder(2.0), 0.5);
        assert!(1.0f64.remainder(0.0).is_nan() && 1.0f64.floor_divide(0.0) == f64::INFINITY);
        assert!(Number::sign(f64::NAN).is_nan());
        assert_eq!(f16::from_f32(5.5).remainder(f16::from_f32(-2.0)).to_f32(), -0.5);
    }

    #[test]
    fn doubles_become_halves_in_one_rounding() {
        // 1 + 2^-11 lies between two halves, and these a little beside it.
        for (value, half) in [
            (1.000_488_281_25, 1.0),
            (1.000_488_281_250_909_5, 1.000_976_562_5),
            (-1.000_488_281_250_909_5, -1.000_976_562_5),
            (1.000_488_281_249, 1.0),
            (65_519.999_999_999, 65_504.0),
            (1e300, f64::INFINITY),
            (2.980_232_238_769_531e-8, 0.0),
            (2.980_232_238_769_532e-8, 5.960_464_477_539_063e-8),
            (1e-300, 0.0),
        ] {
            assert_eq!(f64::from(<f16 as Number>::of_f64(value)), half, "{value}");
        }
        assert!(<f16 as Number>::of_f64(f64::NAN).is_nan());
    }

    #[test]
    fn doubles_become_integers_as_a_processor_makes_them() {
        assert_eq!([300.7, -1.5, f64::NAN, 1e20, 3e9].map(u8::of_f64), [44, 255, 0, 0, 0]);
        assert_eq!([-1.5, 3e9, -3e9].map(u32::of_f64), [4_294_967_295, 3_000_000_000, 1_294_967_296]);
        assert_eq!([1e20, f64::NAN, 3e9].map(i32::of_f64), [i32::MIN; 3]);
        assert_eq!([-1.5, 1e19, 1e20].map(u64::of_f64), [u64::MAX, 10_000_000_000_000_000_000, 0]);
    }
}
