//! The words of an expression: numbers, types, axes, ranges.

use super::step::{AxisName, Frames, Number};
use crate::volume::{Axis, DType};

/// What a percentage is called.
pub(super) const PERCENT: &str = "percentage from 0 to 100";
/// The axes of a plane.
pub(super) const PLANE: [AxisName; 2] = [AxisName::Named(Axis::Y), AxisName::Named(Axis::X)];

/// What stands between a first bracket and the one that closes it, where that is the last.
pub(super) fn within_brackets(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut depth = 0i32;
    for letter in inner.chars() {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        if depth < 0 {
            return None;
        }
    }
    Some(inner)
}

pub(super) fn axis(word: &str) -> Option<AxisName> {
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some('c' | 'C'), None) => Some(AxisName::Channels),
        (Some(letter), None) if Axis::from_letter(letter).is_some() => Axis::from_letter(letter).map(AxisName::Named),
        _ => word.parse().ok().map(AxisName::Number),
    }
}

pub(super) fn decimals(word: &str) -> Option<i32> {
    word.parse().ok().filter(|decimals| (-300..=300).contains(decimals))
}

pub(super) fn size(word: &str) -> Option<usize> {
    word.parse().ok().filter(|size| size % 2 == 1)
}

pub(super) fn width(word: &str) -> Option<f64> {
    word.parse().ok().filter(|width: &f64| width.is_finite() && *width > 0.0)
}

pub(super) fn percent(word: &str) -> Option<f64> {
    word.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))
}

pub(super) fn range(word: &str) -> Option<Frames> {
    let (start, stop) = word.split_once(':')?;
    let bound = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    Some(Frames::Range(bound(start)?, bound(stop)?))
}

/// The type of that name: numpy's long and short ones.
pub(super) fn dtype(word: &str) -> Option<DType> {
    let is_it = |dtype: &DType| [dtype.name(), dtype.npy_descr(), &dtype.npy_descr()[1..]].contains(&word);
    DType::ALL.into_iter().find(is_it).or(match word {
        "bool_" | "?" => Some(DType::Bool),
        "float" => Some(DType::F64),
        "int" => Some(DType::I64),
        _ => None,
    })
}

/// The number a word is; `None` where it is none.
pub(super) fn number(word: &str) -> Result<Option<Number>, String> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let value = word.parse().map_err(|_| format!("{word} is larger than any integer here"))?;
        return Ok(Some(Number::Integer(value)));
    }
    let is_number = unsigned.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.')
        || ["inf", "nan"].contains(&unsigned.to_ascii_lowercase().as_str());
    Ok(if is_number { word.parse().ok().map(Number::Float) } else { None })
}

/// A name that no operation has, and what may have been meant.
pub(super) fn unknown(name: &str) -> String {
    let names = super::catalogue().into_iter().map(|entry| entry.name);
    let alike = names.map(|known| (distance(name, &known), known)).min();
    match alike {
        _ if name.is_empty() => "a step begins with the name of an operation or a sign such as + or >".to_owned(),
        Some((off @ 0..=2, known)) if 2 * off < name.len() => format!("no operation is named {name:?}; {known} is one"),
        _ => format!("no operation is named {name:?}"),
    }
}

/// How many letters have to be changed, added or left out.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 32 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let changed = before + usize::from(letter != *other);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
