//! An expression as text, in its one canonical form, and in words.

use std::fmt;

use super::Operations;
use super::step::{AxisName, Background, Filter, Frames, Level, Number, Operand, Reduction, Step};

impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if number == 0 { "" } else { " | " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unary(op) => f.write_str(op.name()),
            Self::Negate => f.write_str("negate"),
            Self::Binary { op, operand, is_left } => {
                write!(f, "{}{} {operand}", if *is_left { "r" } else { "" }, op.name())
            }
            Self::Round(decimals) => write!(f, "round {decimals}"),
            Self::Cast(dtype) => write!(f, "cast {}", short(*dtype)),
            Self::Transpose(None) => f.write_str("transpose"),
            Self::Transpose(Some(order)) => write!(f, "transpose {}", listed(order, ", ")),
            Self::Subset(selection) => write!(f, "subset [{selection}]"),
            Self::Cross(selection) => write!(f, "cross [{selection}]"),
            Self::Concatenate { names, over } => {
                let names: Vec<String> = names.iter().map(|name| quoted_name(name)).collect();
                write!(f, "concatenate {} over {over}", names.join(", "))
            }
            Self::Reduce { how, over } => {
                match how {
                    Reduction::Percentile(percent) => write!(f, "percentile {}", Number::Float(*percent))?,
                    _ => f.write_str(how.name())?,
                }
                if !over.is_empty() {
                    write!(f, " over {}", listed(over, ", "))?;
                }
                match how {
                    Reduction::Var(ddof) | Reduction::Std(ddof) if *ddof > 0 => write!(f, " ddof {ddof}"),
                    _ => Ok(()),
                }
            }
            Self::Filter { how: Filter::Median(size), over } => {
                write!(f, "median_filter {} over {}", listed(size, ", "), listed(over, ", "))
            }
            Self::Filter { how: Filter::Gaussian(sigma), over } => {
                let sigma: Vec<Number> = sigma.iter().map(|sigma| Number::Float(*sigma)).collect();
                write!(f, "gaussian_filter {} over {}", listed(&sigma, ", "), listed(over, ", "))
            }
            Self::Dff { level, of } => {
                f.write_str("dff ")?;
                match level {
                    Level::Mean => f.write_str("mean")?,
                    Level::Percentile(percent) => write!(f, "percentile {}", Number::Float(*percent))?,
                }
                match of {
                    Frames::Range(start, stop) => write!(f, " of {}:{}", bound(*start), bound(*stop)),
                    Frames::Window(num) => write!(f, " window {num}"),
                }
            }
            Self::Background(Background::Value(value)) => write!(f, "background {value}"),
            Self::Background(Background::Percentile(percent, over)) => {
                write!(f, "background percentile {} over {}", Number::Float(*percent), listed(over, ", "))
            }
        }
    }
}

fn bound(index: Option<usize>) -> String {
    index.map_or(String::new(), |index| index.to_string())
}

/// numpy's short name of a type, as an array-protocol string has it without the byte order: "u2".
fn short(dtype: crate::volume::DType) -> &'static str {
    &dtype.npy_descr()[1..]
}

fn listed<T: fmt::Display>(items: &[T], between: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = match self {
            Self::Number(number) => return write!(f, "{number}"),
            Self::List(numbers, over) => {
                write!(f, "[{}]", listed(numbers, ", "))?;
                over
            }
            Self::Array(name, over) => {
                f.write_str(&quoted_name(name))?;
                over
            }
        };
        over.map_or(Ok(()), |over| write!(f, " over {over}"))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) if value.is_nan() => f.write_str("nan"),
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl fmt::Display for AxisName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(axis) => write!(f, "{axis}"),
            Self::Channels => f.write_str("c"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Whether a name of an array needs no quotes.
pub(super) fn is_plain(letter: char) -> bool {
    !letter.is_whitespace() && !letter.is_control() && !matches!(letter, ',' | '|' | '"' | '[' | ']' | '\'')
}

/// What an array is called, without where it lies.
fn short_name(name: &str) -> &str {
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    name.rsplit('/').next().unwrap_or(name)
}

fn quoted_name(name: &str) -> String {
    if !name.is_empty() && name.chars().all(is_plain) {
        return format!("@{name}");
    }
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("@\"{escaped}\"")
}

impl Reduction {
    /// numpy's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Var(_) => "var",
            Self::Std(_) => "std",
            Self::Any => "any",
            Self::All => "all",
            Self::Median => "median",
            Self::Percentile(_) => "percentile",
        }
    }

    fn words(self) -> String {
        match self {
            Self::Sum => "sum".to_owned(),
            Self::Mean => "mean".to_owned(),
            Self::Min => "smallest value".to_owned(),
            Self::Max => "largest value".to_owned(),
            Self::Var(0) => "variance".to_owned(),
            Self::Var(ddof) => format!("variance (of the number of values less {ddof})"),
            Self::Std(0) => "standard deviation".to_owned(),
            Self::Std(ddof) => format!("standard deviation (of the number of values less {ddof})"),
            Self::Any => "whether any is not zero".to_owned(),
            Self::All => "whether all are not zero".to_owned(),
            Self::Median => "median".to_owned(),
            Self::Percentile(percent) => format!("percentile {percent}"),
        }
    }
}

impl Operations {
    /// A sentence that says what is done: "subtract 100, divide by scale_x along x, then logarithm of 1 + the value".
    pub fn words(&self) -> String {
        let words: Vec<String> = self.steps.iter().map(Step::words).collect();
        match words.as_slice() {
            [] => "nothing".to_owned(),
            [one] => one.clone(),
            [first @ .., last] => format!("{}, then {last}", first.join(", ")),
        }
    }

    /// The same text in quotes for a command line.
    pub fn quoted(&self) -> String {
        format!("'{}'", self.to_string().replace('\'', "'\\''"))
    }
}

impl Step {
    /// What it does, in a few words.
    pub fn words(&self) -> String {
        let along = |over: &Option<AxisName>| over.map_or(String::new(), |over| format!(" along {over}"));
        match self {
            Self::Unary(op) => op.words().to_owned(),
            Self::Negate => "negate".to_owned(),
            Self::Binary { op, operand, is_left } => {
                let operand = match operand {
                    Operand::Number(number) => number.to_string(),
                    Operand::List(numbers, over) if numbers.len() <= 6 => {
                        format!("[{}]{}", listed(numbers, ", "), along(over))
                    }
                    Operand::List(numbers, over) => format!("a list of {} numbers{}", numbers.len(), along(over)),
                    Operand::Array(name, over) => format!("{}{}", short_name(name), along(over)),
                };
                match is_left {
                    true => format!("{operand} {} the value", op.symbol_or_name()),
                    false => format!("{} {operand}", op.words()),
                }
            }
            Self::Round(0) => "round to whole numbers".to_owned(),
            Self::Round(decimals @ 1..) => {
                format!("round to {decimals} decimal{}", if *decimals == 1 { "" } else { "s" })
            }
            Self::Round(decimals) => format!("round to multiples of 10^{}", decimals.unsigned_abs()),
            Self::Cast(dtype) => format!("cast to {dtype}"),
            Self::Transpose(None) => "reverse the axes".to_owned(),
            Self::Transpose(Some(order)) => format!("order the axes as {}", listed(order, ", ")),
            Self::Subset(selection) => format!("take [{selection}]"),
            Self::Cross(selection) => format!("take [{selection}], each list along its axis"),
            Self::Concatenate { names, over } => {
                let names: Vec<&str> = names.iter().map(|name| short_name(name)).collect();
                format!("append {} along {over}", names.join(" and "))
            }
            Self::Reduce { how, over } if over.is_empty() => format!("{} of all values", how.words()),
            Self::Reduce { how, over } => format!("{} over {}", how.words(), listed(over, " and ")),
            Self::Filter { how: Filter::Median(size), over } => {
                format!("median filter of {} over {}", listed(size, " × "), listed(over, " and "))
            }
            Self::Filter { how: Filter::Gaussian(sigma), over } => {
                format!("Gaussian filter of width {} over {}", listed(sigma, " × "), listed(over, " and "))
            }
            Self::Dff { level, of } => {
                let level = match level {
                    Level::Mean => "the mean".to_owned(),
                    Level::Percentile(percent) => format!("percentile {percent}"),
                };
                match of {
                    Frames::Range(None, None) => format!("ΔF/F₀ with {level} of all timepoints as baseline"),
                    Frames::Range(start, stop) => {
                        format!("ΔF/F₀ with {level} of timepoints {}:{} as baseline", bound(*start), bound(*stop))
                    }
                    Frames::Window(num) => format!("ΔF/F₀ with {level} of {num} timepoints around each as baseline"),
                }
            }
            Self::Background(Background::Value(value)) => format!("subtract the background of {value}"),
            Self::Background(Background::Percentile(percent, over)) => {
                format!("subtract the background (percentile {percent} over {})", listed(over, " and "))
            }
        }
    }
}

impl super::operator::Binary {
    fn symbol_or_name(self) -> &'static str {
        if self.symbol().is_empty() { self.name() } else { self.symbol() }
    }
}
