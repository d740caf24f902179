//! One step of an expression, as plain data: what is to be done, with what. Nothing here knows the array.

use super::operator::{Binary, Unary};
use crate::volume::{Axis, DType, Selection};

/// One operation. Axes of the array that it is given are counted as the step before left them.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A function of each value.
    Unary(Unary),
    /// 0 minus each value; wraps for integers without a sign.
    Negate,
    /// A function of each value and of something beside it.
    Binary {
        /// Which.
        op: Binary,
        /// What stands beside the array.
        operand: Operand,
        /// Whether it stands on the left: `rsubtract 1` is 1 minus the value.
        is_left: bool,
    },
    /// Rounds to so many decimals, half to even.
    Round(i32),
    /// numpy's `astype`: integers wrap, decimals are cut off.
    Cast(DType),
    /// The axes in another order; reversed without one.
    Transpose(Option<Vec<usize>>),
    /// What a numpy index names.
    Subset(Selection),
    /// The same, but every list is taken along its own axis, whatever the others are (`numpy.ix_`).
    Cross(Selection),
    /// The array and others, one behind the other along an axis.
    Concatenate {
        /// The others.
        names: Vec<String>,
        /// Which axis.
        over: AxisName,
    },
    /// Folds axes into one value.
    Reduce {
        /// How.
        how: Reduction,
        /// Which axes; all of them where none is named.
        over: Vec<AxisName>,
    },
    /// Each value from those around it, as `scipy.ndimage` does in its mode `reflect`.
    Filter {
        /// How.
        how: Filter,
        /// Along which axes.
        over: Vec<AxisName>,
    },
    /// (F - F0) / F0 over time, in single precision.
    Dff {
        /// What F0 is of the timepoints that are looked at.
        level: Level,
        /// Which timepoints these are.
        of: Frames,
    },
    /// Takes the background away.
    Background(Background),
}

/// What stands beside an array in an operation of two.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// One number.
    Number(Number),
    /// A number for each index of an axis; the last one where none is named.
    List(Vec<Number>, Option<AxisName>),
    /// Another array: of the same shape, or a vector along one axis.
    Array(String, Option<AxisName>),
}

/// A number as Python reads it: without a point it is an integer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Without a point.
    Integer(i128),
    /// With one.
    Float(f64),
}

/// An axis of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisName {
    /// By what it is: t, z, y or x.
    Named(Axis),
    /// That of channels: c.
    Channels,
    /// By its number; those below 0 count from the end.
    Number(i32),
}

/// How axes are folded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reduction {
    /// The sum.
    Sum,
    /// The mean.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The variance, divided by the number of values less this.
    Var(u32),
    /// The standard deviation, of the same.
    Std(u32),
    /// Whether any is not zero.
    Any,
    /// Whether all are not zero.
    All,
    /// The middle one.
    Median,
    /// This percentile, between neighbours linearly.
    Percentile(f64),
}

/// How a value is made of those around it.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// The middle one of a box of these extents, which are odd.
    Median(Vec<usize>),
    /// Weighed by a bell curve of these widths (standard deviations).
    Gaussian(Vec<f64>),
}

/// A level of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// Their mean.
    Mean,
    /// A percentile of them.
    Percentile(f64),
}

/// Some timepoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// The same for all: from this one to before that one.
    Range(Option<usize>, Option<usize>),
    /// So many around each.
    Window(usize),
}

/// What is taken for the background.
#[derive(Clone, Debug, PartialEq)]
pub enum Background {
    /// A value.
    Value(Number),
    /// A percentile of what lies together along these axes: of every plane for y, x.
    Percentile(f64, Vec<AxisName>),
}
