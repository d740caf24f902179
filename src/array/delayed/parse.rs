//! From text to an expression.

use std::str::FromStr;

use super::operator::{Binary, Unary};
use super::step::{AxisName, Background, Filter, Frames, Level, Number, Operand, Reduction, Step};
use super::text::is_plain;
use super::{OperationError, Operations};
use crate::volume::{Axis, DType, Selection};

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

const PERCENT: &str = "percentage from 0 to 100";
/// The axes of a plane.
const PLANE: [AxisName; 2] = [AxisName::Named(Axis::Y), AxisName::Named(Axis::X)];

/// What stands between a first bracket and the one that closes it, where that is the last.
fn within_brackets(text: &str) -> Option<&str> {
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

fn axis(word: &str) -> Option<AxisName> {
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some('c' | 'C'), None) => Some(AxisName::Channels),
        (Some(letter), None) if Axis::from_letter(letter).is_some() => Axis::from_letter(letter).map(AxisName::Named),
        _ => word.parse().ok().map(AxisName::Number),
    }
}

fn decimals(word: &str) -> Option<i32> {
    word.parse().ok().filter(|decimals| (-300..=300).contains(decimals))
}

fn size(word: &str) -> Option<usize> {
    word.parse().ok().filter(|size| size % 2 == 1)
}

fn width(word: &str) -> Option<f64> {
    word.parse().ok().filter(|width: &f64| width.is_finite() && *width > 0.0)
}

fn percent(word: &str) -> Option<f64> {
    word.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))
}

fn range(word: &str) -> Option<Frames> {
    let (start, stop) = word.split_once(':')?;
    let bound = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    Some(Frames::Range(bound(start)?, bound(stop)?))
}

/// The type of that name: numpy's long and short ones.
fn dtype(word: &str) -> Option<DType> {
    let is_it = |dtype: &DType| [dtype.name(), dtype.npy_descr(), &dtype.npy_descr()[1..]].contains(&word);
    DType::ALL.into_iter().find(is_it).or(match word {
        "bool_" | "?" => Some(DType::Bool),
        "float" => Some(DType::F64),
        "int" => Some(DType::I64),
        _ => None,
    })
}

/// The number a word is; `None` where it is none.
fn number(word: &str) -> Result<Option<Number>, String> {
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
fn unknown(name: &str) -> String {
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
