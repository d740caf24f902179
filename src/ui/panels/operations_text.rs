//! Steps as the panel shows them: in words, and with the numbers in their texts taken out to be dragged.

use super::super::{Step, absolute, texts};
use crate::array::delayed::Operations;

/// All steps that are carried out as one text.
pub fn expression(steps: &[Step]) -> String {
    texts(steps).join(" | ")
}

/// The same in quotes for a command line.
pub fn quoted(steps: &[Step]) -> String {
    let text = expression(steps);
    text.parse::<Operations>().map_or(text, |operations| operations.quoted())
}

/// A step in words; as it was written where it cannot be understood.
pub fn said(text: &str) -> String {
    text.parse::<Operations>().map_or_else(|_| text.to_owned(), |operations| operations.words())
}

/// The steps of a text, each in its canonical form. What was copied for a command line is understood as well.
///
/// # Errors
/// What is wrong with it, in a line.
pub fn steps_of(text: &str) -> Result<Vec<Step>, String> {
    let text = unquoted(text.trim());
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let operations: Operations = text.parse().map_err(|error| format!("{error}"))?;
    Ok(absolute(operations).steps.iter().map(|step| Step::new(step.to_string())).collect())
}

/// What stands in the quotes of `--op '…'`.
fn unquoted(text: &str) -> String {
    let text = text.strip_prefix("--op").map_or(text, |rest| rest.trim_start_matches('=').trim());
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(inner) => inner.replace("'\\''", "'"),
        None => text.to_owned(),
    }
}

/// A number in the text of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberAt {
    /// It.
    pub value: f64,
    /// Whether it has no point, and gets none.
    pub is_integer: bool,
    /// Smallest and largest that make sense.
    pub range: [f64; 2],
    /// Change for each point of a drag.
    pub step: f64,
    /// Where it stands in the text.
    at: [usize; 2],
    is_odd: bool,
}

/// The text of a step and the numbers in it.
pub struct Numbers {
    text: String,
    /// They, in order; none where there are more than fit into a row.
    pub all: Vec<NumberAt>,
    /// What is left of the text without them.
    pub shown: String,
}

impl Numbers {
    /// Finds them.
    pub fn of(text: &str) -> Self {
        let name = text.split_whitespace().next().unwrap_or_default();
        if text.contains('@') {
            // Where an array lies is longer than any row; what it is called is said.
            return Self { text: text.to_owned(), all: Vec::new(), shown: said(text) };
        }
        let mut all = Vec::new();
        let mut depth = 0i32;
        let mut is_quoted = false;
        for (at, word) in words(text) {
            let begins_inside = depth > 0 || is_quoted;
            depth += word.matches('[').count() as i32 - word.matches(']').count() as i32;
            is_quoted ^= word.matches('"').count() % 2 == 1;
            let bare = word.trim_end_matches(',');
            if begins_inside || bare.starts_with(['[', '@', '"']) || is_axis(text, at) {
                continue;
            }
            let Some(value) = bare.parse::<f64>().ok().filter(|value| value.is_finite() && value.abs() < 1e15) else {
                continue;
            };
            let is_integer = bare.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
            let before = text[..at].split_whitespace().last().unwrap_or_default();
            all.push(number(name, before, value, is_integer, [at, at + bare.len()]));
        }
        if all.len() > 2 {
            all.clear();
        }
        let mut shown = text.to_owned();
        for number in all.iter().rev() {
            shown.replace_range(number.at[0]..number.at[1], "");
        }
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ").replace('_', " ");
        Self { text: text.to_owned(), all, shown }
    }

    /// The text with another number in a place.
    pub fn with(&self, place: usize, value: f64) -> String {
        let mut text = self.text.clone();
        if let Some(number) = self.all.get(place) {
            text.replace_range(number.at[0]..number.at[1], &number.written(value));
        }
        text
    }
}

impl NumberAt {
    fn written(&self, value: f64) -> String {
        match (self.is_integer, self.is_odd) {
            // The next one in the direction it was changed.
            (true, true) if value.round() % 2.0 == 0.0 => {
                let value = value.round() + if value > self.value { 1.0 } else { -1.0 };
                format!("{}", value.max(1.0) as i64)
            }
            (true, _) => format!("{}", value.round() as i64),
            (false, _) => {
                // No more digits than anybody set by dragging.
                let value = (value * 1e6).round() / 1e6;
                format!("{value:?}")
            }
        }
    }
}

/// What a number means is told by the operation and by the word before it.
fn number(name: &str, before: &str, value: f64, is_integer: bool, at: [usize; 2]) -> NumberAt {
    let is_percent = name == "percentile" || before == "percentile";
    let is_width = name == "gaussian_filter";
    let is_odd = name == "median_filter" || before == "window";
    let range = match () {
        () if is_percent => [0.0, 100.0],
        () if is_width => [0.1, 100.0],
        () if is_odd => [1.0, 9999.0],
        () if name == "round" => [-10.0, 10.0],
        () if before == "ddof" => [0.0, 1000.0],
        () => [-1e15, 1e15],
    };
    let step = match () {
        () if is_integer => 0.25_f64.max((value.abs() / 200.0).min(1e12)),
        () if is_width => 0.05,
        () => 0.1_f64.max(value.abs() / 200.0),
    };
    NumberAt { value, is_integer, range, step, at, is_odd }
}

/// Whether a word stands among axes, which are behind "over".
fn is_axis(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end();
    before.split_whitespace().rev().take_while(|word| word.ends_with(',') || *word == "over").any(|word| word == "over")
        || text.starts_with("transpose")
}

/// The words of a text and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_where_they_are_no_axes_and_no_lists() {
        let found = |text: &str| {
            let numbers = Numbers::of(text);
            (numbers.all.iter().map(|number| number.value).collect::<Vec<_>>(), numbers.shown)
        };
        for (text, values, shown) in [
            ("subtract 100", vec![100.0], "subtract"),
            ("rdivide -2.5", vec![-2.5], "rdivide"),
            ("gaussian_filter 1.0 over y, x", vec![1.0], "gaussian filter over y, x"),
            ("median_filter 3, 5 over 0, 1", vec![3.0, 5.0], "median filter , over 0, 1"),
            ("dff percentile 10.0 window 101", vec![10.0, 101.0], "dff percentile window"),
            ("mean over 0", vec![], "mean over 0"),
            ("subset [0:10, 3]", vec![], "subset [0:10, 3]"),
            ("multiply [1, 2, 3] over z", vec![], "multiply [1, 2, 3] over z"),
            ("transpose 1, 0", vec![], "transpose 1, 0"),
            ("cast f4", vec![], "cast f4"),
            ("divide @/data/flat.npy over y", vec![], "divide by flat.npy along y"),
        ] {
            assert_eq!(found(text), (values, shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_dragged_number_leaves_a_text_that_is_understood() {
        let all =
            ["subtract 100", "divide 1.5", "median_filter 3 over y, x", "dff percentile 10.0 window 101", "round 1"];
        for text in all {
            let numbers = Numbers::of(text);
            for (place, number) in numbers.all.iter().enumerate() {
                for by in [-7.3, -1.0, 0.0, 1.0, 0.25, 1e3] {
                    let value = (number.value + by).clamp(number.range[0], number.range[1]);
                    let changed = numbers.with(place, value);
                    let steps = steps_of(&changed).unwrap_or_else(|fault| panic!("{changed}: {fault}"));
                    assert_eq!((steps.len(), steps[0].text.as_str()), (1, changed.as_str()));
                }
            }
        }
        assert_eq!(Numbers::of("median_filter 3 over y, x").with(0, 4.0), "median_filter 5 over y, x");
        assert_eq!(Numbers::of("median_filter 3 over y, x").with(0, 2.0), "median_filter 1 over y, x");
    }

    #[test]
    fn what_is_copied_can_be_pasted() {
        let steps: Vec<Step> = ["subtract 100", "log1p"].map(Step::new).to_vec();
        assert_eq!(steps_of(&format!("--op {}", quoted(&steps))), Ok(steps.clone()));
        assert_eq!(steps_of(&expression(&steps)), Ok(steps));
        assert_eq!(steps_of("  "), Ok(Vec::new()));
        assert!(steps_of("nonsense 3").is_err());
    }
}
