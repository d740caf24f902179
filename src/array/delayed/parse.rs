//! From text to an expression.

use std::str::FromStr;

use super::operator::{Binary, Unary};
use super::step::{AxisName, Background, Filter, Frames, Level, Number, Operand, Reduction, Step};
use super::text::is_plain;
use super::words::{
    PERCENT, PLANE, axis, decimals, dtype, number, percent, range, size, unknown, width, within_brackets,
};
use super::{OperationError, Operations};
use crate::volume::Selection;

/// Steps of one expression, at most.
pub(super) const MAX_STEPS: usize = 64;
/// Bytes of its text, at most.
const MAX_TEXT: usize = 1 << 20;

impl FromStr for Operations {
    type Err = OperationError;

    fn from_str(text: &str) -> Result<Self, OperationError> {
        if text.len() > MAX_TEXT {
            return Err(OperationError::whole(format!(
                "an expression of {} bytes; {MAX_TEXT} are the most",
                text.len()
            )));
        }
        let texts = parts(text).map_err(OperationError::whole)?;
        if texts.len() > MAX_STEPS {
            return Err(OperationError::whole(format!("{} steps; {MAX_STEPS} are the most", texts.len())));
        }
        let mut steps = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let step =
                Scanner { rest: text }.step().map_err(|message| OperationError::of(number, text.trim(), message))?;
            steps.push(step);
        }
        Ok(Self { steps })
    }
}

/// The steps of a text: what stands between bars outside of quotes and brackets.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut begin, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '|' if !is_quoted => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if is_quoted {
        return Err(format!("{text:?}: a quotation mark is not closed"));
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn is_end(&mut self) -> bool {
        self.skip();
        self.rest.is_empty()
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The letters that follow, up to the first that ends a word.
    fn word(&mut self) -> &'a str {
        self.skip();
        let end = self.rest.find(|letter| !is_plain(letter)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// A word of that kind; what was expected where it is another.
    fn of<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let before = self.rest.trim_start();
        let word = self.word();
        match read(word) {
            Some(value) => Ok(value),
            None if word.is_empty() && before.is_empty() => Err(format!("{what} is missing")),
            None if word.is_empty() => Err(format!("expected {what} instead of {before:?}")),
            None => Err(format!("{word:?} is no {what}")),
        }
    }

    /// Takes a word, if it comes next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        if self.word() == keyword {
            return true;
        }
        self.rest = before;
        false
    }

    fn ended<T>(&mut self, value: T) -> Result<T, String> {
        if self.is_end() {
            Ok(value)
        } else {
            Err(format!("nothing more is expected than what stands before {:?}", self.rest))
        }
    }

    fn step(mut self) -> Result<Step, String> {
        if self.is_end() {
            return Err(
                "a step is empty; steps are separated by one `|`, each an operation such as `subtract 100`".to_owned()
            );
        }
        // The longer signs first: `>=` is not `>`.
        let mut signs: Vec<Binary> = Binary::ALL.iter().copied().filter(|op| !op.symbol().is_empty()).collect();
        signs.sort_by_key(|op| std::cmp::Reverse(op.symbol().len()));
        if let Some(op) = signs.into_iter().find(|op| self.take(op.symbol())) {
            return self.binary(op, false);
        }
        if self.take("!") {
            return self.ended(Step::Unary(Unary::LogicalNot));
        }
        let name = self.word();
        if let Some(op) = Unary::of_name(name) {
            return self.ended(Step::Unary(op));
        }
        if let Some(op) = Binary::of_name(name) {
            return self.binary(op, false);
        }
        if let Some(op) = name.strip_prefix('r').and_then(Binary::of_name) {
            return self.binary(op, true);
        }
        self.named(name)
    }

    fn named(mut self, name: &str) -> Result<Step, String> {
        let step = match name {
            "negate" => Step::Negate,
            "round" => Step::Round(if self.is_end() { 0 } else { self.of("number of decimals", decimals)? }),
            "cast" => Step::Cast(self.of("type; u2, f4 and the like are", dtype)?),
            "transpose" if self.is_end() => Step::Transpose(None),
            "transpose" => Step::Transpose(Some(self.list_of("number of an axis", |word| word.parse().ok())?)),
            "subset" => Step::Subset(self.selection()?),
            "cross" => Step::Cross(self.selection()?),
            "concatenate" => self.concatenate()?,
            "sum" => self.reduce(Reduction::Sum)?,
            "mean" => self.reduce(Reduction::Mean)?,
            "min" => self.reduce(Reduction::Min)?,
            "max" => self.reduce(Reduction::Max)?,
            "var" => self.reduce(Reduction::Var(0))?,
            "std" => self.reduce(Reduction::Std(0))?,
            "any" => self.reduce(Reduction::Any)?,
            "all" => self.reduce(Reduction::All)?,
            "median" => self.reduce(Reduction::Median)?,
            "percentile" => {
                let percent = self.of(PERCENT, percent)?;
                self.reduce(Reduction::Percentile(percent))?
            }
            "median_filter" => {
                let how = Filter::Median(self.list_of("odd size", size)?);
                self.filter(how)?
            }
            "gaussian_filter" => {
                let how = Filter::Gaussian(self.list_of("width (a number above 0)", width)?);
                self.filter(how)?
            }
            "dff" => self.dff()?,
            "background" => self.background()?,
            _ => return Err(unknown(name)),
        };
        self.ended(step)
    }

    fn binary(mut self, op: Binary, is_left: bool) -> Result<Step, String> {
        let mut operand = self.operand()?;
        if self.keyword("over") {
            let axis = self.axis()?;
            match &mut operand {
                Operand::Number(_) => {
                    return Err("a single number is the same along every axis; leave `over` out".into());
                }
                Operand::List(_, over) | Operand::Array(_, over) => *over = Some(axis),
            }
        }
        self.ended(Step::Binary { op, operand, is_left })
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if self.take("[") {
            return Ok(Operand::List(self.numbers()?, None));
        }
        self.skip();
        let before = self.rest;
        if !before.starts_with(['@', '"']) {
            let word = self.word();
            if let Some(number) = number(word)? {
                return Ok(Operand::Number(number));
            }
            self.rest = before;
        }
        Ok(Operand::Array(self.name("a number, a list such as [1, 2], or an array such as @file.npy")?, None))
    }

    /// The rest of a list of numbers.
    fn numbers(&mut self) -> Result<Vec<Number>, String> {
        let mut numbers = Vec::new();
        while !self.take("]") {
            let word = self.word();
            numbers.push(number(word)?.ok_or_else(|| match word {
                "" => "a list is not closed; it ends with `]`".to_owned(),
                _ => format!("{word:?} is no number"),
            })?);
            if !self.take(",") && !self.rest.starts_with(']') {
                return Err("a list of numbers is separated by commas and ends with `]`".to_owned());
            }
        }
        match numbers.is_empty() {
            true => Err("the list is empty".to_owned()),
            false => Ok(numbers),
        }
    }

    /// The name of an array, perhaps in quotes.
    fn name(&mut self, what: &str) -> Result<String, String> {
        let _marked = self.take("@");
        if !self.rest.starts_with('"') {
            return self.of(what, |word| (!word.is_empty()).then(|| word.to_owned()));
        }
        let (mut name, mut is_escaped) = (String::new(), false);
        for (at, letter) in self.rest.char_indices().skip(1) {
            match letter {
                _ if is_escaped => {
                    name.push(letter);
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(name);
                }
                _ => name.push(letter),
            }
        }
        Err("a quotation mark is not closed".to_owned())
    }

    fn selection(&mut self) -> Result<Selection, String> {
        let text = self.rest.trim();
        self.rest = "";
        let inner = within_brackets(text).unwrap_or(text);
        inner.parse().map_err(|error: crate::volume::SelectionError| error.to_string())
    }

    fn concatenate(&mut self) -> Result<Step, String> {
        let mut names = vec![self.name("an array such as @file.h5#name")?];
        while self.take(",") {
            names.push(self.name("an array such as @file.h5#name")?);
        }
        if !self.keyword("over") {
            return Err("say along which axis: `concatenate @file.h5#name over t`".to_owned());
        }
        Ok(Step::Concatenate { names, over: self.axis()? })
    }

    fn reduce(&mut self, how: Reduction) -> Result<Step, String> {
        let mut step = (how, Vec::new());
        loop {
            if step.1.is_empty() && self.keyword("over") {
                step.1 = self.axes()?;
                continue;
            }
            match &mut step.0 {
                Reduction::Var(ddof) | Reduction::Std(ddof) if self.keyword("ddof") => {
                    *ddof = self.of("number of degrees of freedom", |word| word.parse().ok())?;
                }
                _ => return Ok(Step::Reduce { how: step.0, over: step.1 }),
            }
        }
    }

    fn filter(&mut self, how: Filter) -> Result<Step, String> {
        let over = match self.keyword("over") {
            true => self.axes()?,
            false => PLANE.to_vec(),
        };
        Ok(Step::Filter { how, over })
    }

    fn dff(&mut self) -> Result<Step, String> {
        let level = match () {
            () if self.keyword("mean") => Level::Mean,
            () if self.keyword("percentile") => Level::Percentile(self.of(PERCENT, percent)?),
            () => {
                return Err("say what the baseline is: `dff mean of 0:100`, `dff percentile 10 window 101`".to_owned());
            }
        };
        let of = match () {
            () if self.keyword("of") => self.of("range of timepoints such as 0:100", range)?,
            () if self.keyword("window") => Frames::Window(self.of("odd number of timepoints", size)?),
            () if self.is_end() => Frames::Range(None, None),
            () => return Err("say of which timepoints: `of 0:100` or `window 101`".to_owned()),
        };
        Ok(Step::Dff { level, of })
    }

    fn background(&mut self) -> Result<Step, String> {
        if !self.keyword("percentile") {
            let value = self.of("number, or `percentile 5 over y, x`", |word| number(word).ok().flatten())?;
            return Ok(Step::Background(Background::Value(value)));
        }
        let percent = self.of(PERCENT, percent)?;
        let over = match self.keyword("over") {
            true => self.axes()?,
            false => PLANE.to_vec(),
        };
        Ok(Step::Background(Background::Percentile(percent, over)))
    }

    fn axis(&mut self) -> Result<AxisName, String> {
        self.of("axis (t, z, y, x, c or a number)", axis)
    }

    fn axes(&mut self) -> Result<Vec<AxisName>, String> {
        self.list_of("axis (t, z, y, x, c or a number)", axis)
    }

    fn list_of<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
        let mut list = vec![self.of(what, &read)?];
        while self.take(",") {
            list.push(self.of(what, &read)?);
        }
        Ok(list)
    }
}
