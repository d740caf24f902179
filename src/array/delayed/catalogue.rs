//! Every operation there is, for menus and help: its name, what it does, and what it takes.

use super::operator::{Binary, Unary};

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As a step begins with it.
    pub name: String,
    /// The sign that may stand instead; empty where there is none.
    pub symbol: &'static str,
    /// What it does.
    pub words: String,
    /// With which others it stands together.
    pub group: Group,
    /// What it takes, in order.
    pub arguments: &'static [Argument],
    /// A step that can be parsed, to begin with.
    pub example: String,
}

/// What an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Calculates with what stands beside the array.
    Arithmetic,
    /// Compares and combines truths.
    Comparison,
    /// Functions of each value.
    Functions,
    /// Chooses, orders and joins.
    Arrangement,
    /// Folds axes.
    Reductions,
    /// For recordings of living cells.
    Imaging,
}

/// Something that an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// What it is called.
    pub name: &'static str,
    /// The word that stands before it; empty where none does.
    pub keyword: &'static str,
    /// What may be given.
    pub kind: ArgumentKind,
    /// Whether it may be left out.
    pub is_optional: bool,
}

/// What may be given as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A number, a list of them, or another array.
    Operand,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A number from 0 to 100.
    Percent,
    /// An odd number, or one for each axis.
    OddSizes,
    /// A number above 0, or one for each axis.
    Widths,
    /// A type of voxels.
    DType,
    /// Numbers of axes in another order.
    Order,
    /// One axis.
    Axis,
    /// Some axes.
    Axes,
    /// A numpy index in brackets.
    Selection,
    /// Other arrays.
    Arrays,
    /// `mean` or `percentile` and a number.
    Level,
    /// `of` and a range of timepoints, or `window` and an odd number of them.
    Frames,
    /// A number, or `percentile`, a number and axes.
    Background,
}

const fn needed(name: &'static str, keyword: &'static str, kind: ArgumentKind) -> Argument {
    Argument { name, keyword, kind, is_optional: false }
}

const fn optional(name: &'static str, keyword: &'static str, kind: ArgumentKind) -> Argument {
    Argument { name, keyword, kind, is_optional: true }
}

const BESIDE: &[Argument] = &[needed("value", "", ArgumentKind::Operand), optional("axis", "over", ArgumentKind::Axis)];
const FOLD: &[Argument] = &[optional("axes", "over", ArgumentKind::Axes)];
const SPREAD: &[Argument] =
    &[optional("axes", "over", ArgumentKind::Axes), optional("degrees of freedom", "ddof", ArgumentKind::Integer)];
const PERCENTILE: &[Argument] =
    &[needed("percent", "", ArgumentKind::Percent), optional("axes", "over", ArgumentKind::Axes)];

/// All of them, those that belong together side by side.
pub fn catalogue() -> Vec<Entry> {
    let mut entries = Vec::new();
    for &op in Binary::ALL {
        let is_arithmetic = !op.is_comparison() && !op.is_logical();
        let group = if is_arithmetic { Group::Arithmetic } else { Group::Comparison };
        let entry = |prefix: &str, symbol, words| Entry {
            name: format!("{prefix}{}", op.name()),
            symbol,
            words,
            group,
            arguments: BESIDE,
            example: format!("{prefix}{} 1", op.name()),
        };
        entries.push(entry("", op.symbol(), format!("{} a value", op.words())));
        let sign = if op.symbol().is_empty() { op.name() } else { op.symbol() };
        entries.push(entry("r", "", format!("a value {sign} it, the value on the left")));
    }
    let plain = |name: &str, symbol, words: &str, group| Entry {
        name: name.to_owned(),
        symbol,
        words: words.to_owned(),
        group,
        arguments: &[],
        example: name.to_owned(),
    };
    entries.push(plain("negate", "", "0 minus the value", Group::Arithmetic));
    for &op in Unary::ALL {
        let group = if op == Unary::LogicalNot { Group::Comparison } else { Group::Functions };
        entries.push(plain(op.name(), op.symbol(), op.words(), group));
    }
    entries.extend(OTHERS.iter().map(|&(name, group, arguments, example, words)| Entry {
        name: name.to_owned(),
        symbol: "",
        words: words.to_owned(),
        group,
        arguments,
        example: example.to_owned(),
    }));
    entries
}

type Other = (&'static str, Group, &'static [Argument], &'static str, &'static str);

const OTHERS: &[Other] = &[
    ("round", Group::Functions, &[optional("decimals", "", ArgumentKind::Integer)], "round 1", "round, half to even"),
    (
        "cast",
        Group::Functions,
        &[needed("type", "", ArgumentKind::DType)],
        "cast f4",
        "another type of voxel; integers wrap",
    ),
    (
        "transpose",
        Group::Arrangement,
        &[optional("order", "", ArgumentKind::Order)],
        "transpose",
        "the axes in another order",
    ),
    (
        "subset",
        Group::Arrangement,
        &[needed("index", "", ArgumentKind::Selection)],
        "subset [0:10]",
        "what a numpy index names",
    ),
    (
        "cross",
        Group::Arrangement,
        &[needed("index", "", ArgumentKind::Selection)],
        "cross [[0, 2], [1, 0]]",
        "the same, every list along its own axis",
    ),
    (
        "concatenate",
        Group::Arrangement,
        &[needed("arrays", "", ArgumentKind::Arrays), needed("axis", "over", ArgumentKind::Axis)],
        "concatenate @other.h5 over t",
        "append other arrays along an axis",
    ),
    ("sum", Group::Reductions, FOLD, "sum over t", "the sum over axes"),
    ("mean", Group::Reductions, FOLD, "mean over t", "the mean over axes"),
    ("min", Group::Reductions, FOLD, "min over t", "the smallest over axes"),
    ("max", Group::Reductions, FOLD, "max over t", "the largest over axes"),
    ("var", Group::Reductions, SPREAD, "var over t", "the variance over axes"),
    ("std", Group::Reductions, SPREAD, "std over t", "the standard deviation over axes"),
    ("any", Group::Reductions, FOLD, "any over t", "whether any is not zero"),
    ("all", Group::Reductions, FOLD, "all over t", "whether all are not zero"),
    ("median", Group::Reductions, FOLD, "median over t", "the median over axes"),
    ("percentile", Group::Reductions, PERCENTILE, "percentile 10.0 over t", "a percentile over axes"),
    (
        "median_filter",
        Group::Imaging,
        &[needed("size", "", ArgumentKind::OddSizes), optional("axes", "over", ArgumentKind::Axes)],
        "median_filter 3 over y, x",
        "the median of a box around each voxel",
    ),
    (
        "gaussian_filter",
        Group::Imaging,
        &[needed("width", "", ArgumentKind::Widths), optional("axes", "over", ArgumentKind::Axes)],
        "gaussian_filter 1.0 over y, x",
        "smoothed by a bell curve",
    ),
    (
        "dff",
        Group::Imaging,
        &[needed("baseline", "", ArgumentKind::Level), optional("timepoints", "", ArgumentKind::Frames)],
        "dff percentile 10.0 window 101",
        "ΔF/F₀: the change against a baseline, fixed or running",
    ),
    (
        "background",
        Group::Imaging,
        &[needed("background", "", ArgumentKind::Background)],
        "background percentile 5.0 over y, x",
        "subtract the background",
    ),
];
