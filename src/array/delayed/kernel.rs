//! The operators over runs of voxels of one type.

use half::f16;

use super::convert::{Block, map, of, of_mut, zip};
use super::logarithm;
use super::number::Number;
use super::operator::{Binary, Unary};
use crate::dispatch_dtype;
use crate::volume::{DType, Voxel};

/// What processors do in one step is compiled into the loop; other functions are called.
macro_rules! quick {
    ($T:ident, $function:ident, $op:expr, $source:expr, $target:expr) => {
        match $op {
            Unary::Sqrt => map($source, $target, |value| $T::sqrt(value)),
            Unary::Ceil => map($source, $target, |value| $T::ceil(value)),
            Unary::Floor => map($source, $target, |value| $T::floor(value)),
            Unary::Trunc => map($source, $target, |value| $T::trunc(value)),
            op => map($source, $target, $function(op)),
        }
    };
}

/// `target = op(source)`, computed in `dtype`.
pub(super) fn unary(op: Unary, dtype: DType, source: &Block, target: &mut Block, len: usize) {
    match op {
        Unary::LogicalNot => dispatch_dtype!(dtype, T => {
            map(of::<T>(source, len), of_mut::<u8>(target, len), |value| u8::from(!value.is_true()));
        }),
        Unary::Isnan => dispatch_dtype!(dtype, T => {
            // Only no number is not equal to itself.
            #[allow(clippy::eq_op, reason = "that is how one knows it")]
            map(of::<T>(source, len), of_mut::<u8>(target, len), |value| u8::from(value != value));
        }),
        Unary::Abs => same(dtype, source, target, len, &Abs),
        Unary::Sign => same(dtype, source, target, len, &Sign),
        _ => match dtype {
            DType::F64 => quick!(f64, function64, op, of::<f64>(source, len), of_mut::<f64>(target, len)),
            DType::F32 if op == Unary::Log => map(of::<f32>(source, len), of_mut::<f32>(target, len), logarithm::log),
            DType::F32 if op == Unary::Log1p => {
                map(of::<f32>(source, len), of_mut::<f32>(target, len), logarithm::log1p)
            }
            DType::F32 if op == Unary::Log2 => map(of::<f32>(source, len), of_mut::<f32>(target, len), logarithm::log2),
            DType::F32 if op == Unary::Log10 => {
                map(of::<f32>(source, len), of_mut::<f32>(target, len), logarithm::log10)
            }
            DType::F32 => quick!(f32, function32, op, of::<f32>(source, len), of_mut::<f32>(target, len)),
            DType::F16 => {
                let function = function32(op);
                map(of::<f16>(source, len), of_mut::<f16>(target, len), |value| {
                    f16::from_f32(function(value.to_f32()))
                });
            }
            // Integers are whole already.
            _ => target.copy_from_slice(source),
        },
    }
}

trait Same {
    fn apply<T: Number>(&self, value: T) -> T;
}

struct Abs;
struct Sign;

impl Same for Abs {
    #[inline(always)]
    fn apply<T: Number>(&self, value: T) -> T {
        value.abs()
    }
}

impl Same for Sign {
    #[inline(always)]
    fn apply<T: Number>(&self, value: T) -> T {
        value.sign()
    }
}

fn same(dtype: DType, source: &Block, target: &mut Block, len: usize, op: &impl Same) {
    dispatch_dtype!(dtype, T => map(of::<T>(source, len), of_mut::<T>(target, len), |value| op.apply(value)));
}

macro_rules! functions {
    ($name:ident, $T:ty) => {
        fn $name(op: Unary) -> fn($T) -> $T {
            match op {
                Unary::Log => <$T>::ln,
                Unary::Log1p => <$T>::ln_1p,
                Unary::Log2 => <$T>::log2,
                Unary::Log10 => <$T>::log10,
                Unary::Exp => <$T>::exp,
                Unary::Expm1 => <$T>::exp_m1,
                Unary::Sqrt => <$T>::sqrt,
                Unary::Abs => <$T>::abs,
                Unary::Sin => <$T>::sin,
                Unary::Cos => <$T>::cos,
                Unary::Tan => <$T>::tan,
                Unary::Sinh => <$T>::sinh,
                Unary::Cosh => <$T>::cosh,
                Unary::Tanh => <$T>::tanh,
                Unary::Arcsin => <$T>::asin,
                Unary::Arccos => <$T>::acos,
                Unary::Arctan => <$T>::atan,
                Unary::Arcsinh => <$T>::asinh,
                Unary::Arccosh => <$T>::acosh,
                Unary::Arctanh => <$T>::atanh,
                Unary::Ceil => <$T>::ceil,
                Unary::Floor => <$T>::floor,
                Unary::Trunc => <$T>::trunc,
                Unary::Sign | Unary::Isnan | Unary::LogicalNot => |value| value,
            }
        }
    };
}

functions!(function32, f32);
functions!(function64, f64);

/// `target = op(left, right)`, computed in `dtype`.
pub(super) fn binary(op: Binary, dtype: DType, left: &Block, right: &Block, target: &mut Block, len: usize) {
    if dtype == DType::Bool {
        return of_bools(op, of(left, len), of(right, len), of_mut(target, len));
    }
    dispatch_dtype!(dtype, T => of_numbers::<T>(op, left, right, target, len));
}

fn of_bools(op: Binary, left: &[u8], right: &[u8], target: &mut [u8]) {
    match op {
        Binary::Multiply | Binary::LogicalAnd => zip(left, right, target, |a, b| a & b),
        Binary::Add | Binary::LogicalOr => zip(left, right, target, |a, b| a | b),
        Binary::Equal => zip(left, right, target, |a, b| u8::from(a == b)),
        Binary::Greater => zip(left, right, target, |a, b| u8::from(a > b)),
        Binary::GreaterEqual => zip(left, right, target, |a, b| u8::from(a >= b)),
        Binary::Less => zip(left, right, target, |a, b| u8::from(a < b)),
        Binary::LessEqual => zip(left, right, target, |a, b| u8::from(a <= b)),
        // Not equal; the others are not computed in bool.
        _ => zip(left, right, target, |a, b| a ^ b),
    }
}

fn of_numbers<T: Number>(op: Binary, left: &Block, right: &Block, target: &mut Block, len: usize) {
    let (a, b) = (of::<T>(left, len), of::<T>(right, len));
    match op {
        Binary::Add => zip(a, b, of_mut::<T>(target, len), T::add),
        Binary::Subtract => zip(a, b, of_mut::<T>(target, len), T::subtract),
        Binary::Multiply => zip(a, b, of_mut::<T>(target, len), T::multiply),
        Binary::Divide => zip(a, b, of_mut::<T>(target, len), T::divide),
        Binary::Remainder => zip(a, b, of_mut::<T>(target, len), T::remainder),
        Binary::FloorDivide => zip(a, b, of_mut::<T>(target, len), T::floor_divide),
        Binary::Power => zip(a, b, of_mut::<T>(target, len), T::power),
        Binary::Equal => zip(a, b, of_mut::<u8>(target, len), |a, b| u8::from(a == b)),
        Binary::NotEqual => zip(a, b, of_mut::<u8>(target, len), |a, b| u8::from(a != b)),
        Binary::Greater => zip(a, b, of_mut::<u8>(target, len), |a, b| u8::from(a > b)),
        Binary::GreaterEqual => zip(a, b, of_mut::<u8>(target, len), |a, b| u8::from(a >= b)),
        Binary::Less => zip(a, b, of_mut::<u8>(target, len), |a, b| u8::from(a < b)),
        Binary::LessEqual => zip(a, b, of_mut::<u8>(target, len), |a, b| u8::from(a <= b)),
        // Computed in bool.
        Binary::LogicalAnd | Binary::LogicalOr | Binary::LogicalXor => {}
    }
}

/// Compares signed with unsigned integers of 64 bits exactly, as numpy does.
pub(super) fn compare_mixed(
    op: Binary,
    signed: &Block,
    unsigned: &Block,
    is_swapped: bool,
    target: &mut Block,
    len: usize,
) {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = |a: i64, b: u64| {
        let order = i128::from(a).cmp(&i128::from(b));
        if is_swapped { order.reverse() } else { order }
    };
    let holds = |order| match op {
        Binary::Equal => order == Equal,
        Binary::NotEqual => order != Equal,
        Binary::Greater => order == Greater,
        Binary::GreaterEqual => order != Less,
        Binary::Less => order == Less,
        _ => order != Greater,
    };
    let target = of_mut::<u8>(target, len);
    for ((target, a), b) in target.iter_mut().zip(of::<i64>(signed, len)).zip(of::<u64>(unsigned, len)) {
        *target = u8::from(holds(order(*a, *b)));
    }
}

/// Rounds to so many decimals, half to even, as numpy does: multiplied, rounded, divided, in the type itself.
/// Integers are rounded to tens and more by way of doubles.
pub(super) fn round(decimals: i32, dtype: DType, source: &Block, target: &mut Block, len: usize) {
    // As numpy makes it, which is not the nearest double from 10^23 on.
    let power = (0..decimals.abs()).fold(1.0, |power: f64, _| power * 10.0);
    // One loop for each kind, which a processor goes through several values at a time.
    macro_rules! rounded {
        ($T:ident) => {{
            let (source, target, power) = (of::<$T>(source, len), of_mut::<$T>(target, len), power as $T);
            match decimals {
                0 => map(source, target, |value: $T| value.round_ties_even()),
                1.. => map(source, target, move |value: $T| (value * power).round_ties_even() / power),
                _ => map(source, target, move |value: $T| (value / power).round_ties_even() * power),
            }
        }};
    }
    match dtype {
        DType::F64 => rounded!(f64),
        DType::F32 => rounded!(f32),
        DType::F16 => map(of::<f16>(source, len), of_mut::<f16>(target, len), |value| {
            let power = f16::from_f64(power);
            let even = |value: f16| f16::from_f32(f16::to_f32(value).round_ties_even());
            match decimals {
                0 => even(value),
                1.. => even(value.multiply(power)).divide(power),
                _ => even(value.divide(power)).multiply(power),
            }
        }),
        _ if decimals >= 0 => target.copy_from_slice(source),
        _ => dispatch_dtype!(dtype, T => map(of::<T>(source, len), of_mut::<T>(target, len), |value| {
            T::of_f64((Voxel::to_f64(value) / power).round_ties_even() * power)
        })),
    }
}
