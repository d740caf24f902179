//! Parts of the JSON: values, and series of values that are written as they are made.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::qc::{PlaneRow, Row, Table};

/// One entry of an object.
pub enum Field<'a> {
    /// As it is.
    Value(Value),
    /// Values over time.
    Series(Series<'a>),
    /// An object of them.
    Group(Vec<(&'static str, Field<'a>)>),
}

impl<'a> Field<'a> {
    /// Series under their names; null where none of them holds a value.
    pub fn group<const N: usize>(series: [(&'static str, Series<'a>); N]) -> Self {
        let fields: Vec<(&str, Self)> = series.into_iter().map(|(name, series)| (name, series.into())).collect();
        if fields.iter().all(|(_, field)| field.is_null()) { Self::Value(Value::Null) } else { Self::Group(fields) }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }
}

impl From<Value> for Field<'_> {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl<'a> From<Series<'a>> for Field<'a> {
    /// Null where it holds no value at all.
    fn from(series: Series<'a>) -> Self {
        if series.holds_any() { Self::Series(series) } else { Self::Value(Value::Null) }
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Series(series) => series.serialize(serializer),
            Self::Group(fields) => serializer.collect_map(fields.iter().map(|(name, field)| (name, field))),
        }
    }
}

/// Values over time, one for each timepoint or one for each plane of it.
pub struct Series<'a> {
    table: &'a Table,
    of: Of<'a>,
}

enum Of<'a> {
    Volumes(fn(&Row) -> f32),
    Planes(Box<dyn Fn(&PlaneRow) -> f64 + 'a>),
}

impl<'a> Series<'a> {
    /// A value of each timepoint.
    pub fn volumes(table: &'a Table, of: fn(&Row) -> f32) -> Self {
        Self { table, of: Of::Volumes(of) }
    }

    /// A value of each plane of each timepoint.
    pub fn planes(table: &'a Table, of: Box<dyn Fn(&PlaneRow) -> f64 + 'a>) -> Self {
        Self { table, of: Of::Planes(of) }
    }

    fn holds_any(&self) -> bool {
        let mut rows = (0..self.table.num_t()).filter_map(|t| self.table.row(t));
        match &self.of {
            Of::Volumes(of) => rows.any(|row| of(row).is_finite()),
            Of::Planes(of) => rows.any(|row| row.planes.iter().any(|plane| of(plane).is_finite())),
        }
    }
}

impl Serialize for Series<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = (0..self.table.num_t()).map(|t| self.table.row(t));
        match &self.of {
            Of::Volumes(of) => {
                serializer.collect_seq(rows.map(|row| row.map_or(Value::Null, |row| number(f64::from(of(row))))))
            }
            Of::Planes(of) => serializer.collect_seq(rows.map(|row| {
                let plane = |z| row.and_then(|row| row.planes.get(z)).map_or(Value::Null, |plane| number(of(plane)));
                (0..self.table.num_z()).map(plane).collect::<Vec<Value>>()
            })),
        }
    }
}

/// A number with six digits that say something; null for what is none.
pub fn number(value: f64) -> Value {
    let rounded = format!("{value:.5e}").parse().unwrap_or(value);
    if !value.is_finite() {
        Value::Null
    } else if rounded == f64::trunc(rounded) && rounded.abs() < 1e15 {
        json!(rounded as i64)
    } else {
        json!(rounded)
    }
}

/// Numbers of planes.
pub fn numbers(values: &[f64]) -> Value {
    values.iter().map(|value| number(*value)).collect()
}
