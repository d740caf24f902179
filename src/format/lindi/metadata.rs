//! What `.zarray` says of an array: extent, type, chunks and filters, checked before it is believed.

use serde_json::Value;

use crate::codec::Filter;
use crate::volume::{DType, Grid, Shape};

/// What the values of an array are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Numbers.
    Numbers {
        /// Their type.
        dtype: DType,
        /// Whether they are stored most significant byte first.
        is_big_endian: bool,
    },
    /// Texts of so many characters of four bytes.
    Unicode(usize),
    /// Texts of so many bytes.
    Bytes(usize),
    /// A list in JSON.
    Objects,
}

/// The metadata of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metadata {
    /// Extent.
    pub dims: Vec<u64>,
    /// Extent of a chunk.
    pub chunks: Vec<u64>,
    /// What its values are.
    pub kind: Kind,
    /// What a chunk went through when it was written, in that order.
    pub filters: Vec<Filter>,
    /// Value of what no chunk holds.
    pub fill: Value,
    /// What stands between the numbers of a chunk's key.
    pub separator: char,
    /// Whether the first axis is the fastest within a chunk.
    pub is_by_column: bool,
    /// Why its voxels are not read though its extent is known.
    pub unread: Option<String>,
}

impl Metadata {
    /// What a `.zarray` says.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let dims = numbers(&value["shape"]).ok_or("has a shape that makes no sense")?;
        let chunks = numbers(&value["chunks"]).filter(|chunks| chunks.len() == dims.len() && !chunks.contains(&0));
        let chunks = chunks.ok_or("has chunks that make no sense")?;
        let name = value["dtype"].as_str().ok_or("has a type that is not read")?;
        let kind = kind_of(name).ok_or_else(|| format!("type {name} is not read"))?;
        let item = if let Kind::Numbers { dtype, .. } = &kind { dtype.num_bytes() } else { 1 };
        let filters = value["filters"].as_array().map_or(&[][..], Vec::as_slice).iter().chain([&value["compressor"]]);
        let filters = filters.filter(|filter| !filter.is_null() && filter["id"] != "json2");
        let filters: Vec<Filter> = filters.map(|filter| filter_of(filter, item)).collect();
        let unknown = filters.iter().find(|filter| matches!(filter, Filter::Other { .. }));
        let unread = match unknown {
            Some(Filter::Other { name, .. }) => Some(format!("is stored with {name}")),
            _ => None,
        };
        let is_by_column = value["order"] == "F" && dims.len() > 1;
        let separator = if value["dimension_separator"] == "/" { '/' } else { '.' };
        Ok(Self { dims, chunks, kind, filters, fill: value["fill_value"].clone(), separator, is_by_column, unread })
    }

    /// The grid of its chunks, where it is an array of numbers that could exist.
    pub fn grid(&self) -> Result<(DType, Grid), String> {
        let Kind::Numbers { dtype, .. } = self.kind else { return Err("holds no numbers".into()) };
        let shape = |dims: &[u64]| {
            let dims: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
            let shape = Shape::new(&dims?)?;
            shape.num_bytes(DType::F64).filter(|&num_bytes| num_bytes < isize::MAX as usize).map(|_| shape)
        };
        let (whole, chunk) = (shape(&self.dims), shape(&self.chunks));
        let grid = whole.zip(chunk).and_then(|(whole, chunk)| Grid::new(whole, chunk));
        Ok((dtype, grid.ok_or("claims more voxels than any file holds, or more axes than are read")?))
    }

    /// The bytes of a voxel that no chunk holds, little-endian.
    pub fn fill_bytes(&self, dtype: DType) -> Result<Vec<u8>, String> {
        let wrong = || format!("has a fill value that is none of its type: {}", self.fill);
        let number = match &self.fill {
            Value::Null => 0.0,
            Value::Bool(value) => f64::from(u8::from(*value)),
            Value::Number(number) if !dtype.is_float() => {
                let value = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                let value = value.or_else(|| number.as_f64().filter(|v| v.fract() == 0.0).map(|v| v as i128));
                return integer_bytes(dtype, value.ok_or_else(wrong)?).ok_or_else(wrong);
            }
            Value::Number(number) => number.as_f64().ok_or_else(wrong)?,
            Value::String(text) => match text.as_str() {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        Ok(match dtype {
            DType::F16 => half::f16::from_f64(number).to_le_bytes().to_vec(),
            DType::F32 => (number as f32).to_le_bytes().to_vec(),
            DType::F64 => number.to_le_bytes().to_vec(),
            _ if number.is_finite() => integer_bytes(dtype, number as i128).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        })
    }
}

fn integer_bytes(dtype: DType, value: i128) -> Option<Vec<u8>> {
    let (num_bits, is_signed) = match dtype {
        DType::Bool => (1, false),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => (dtype.num_bytes() as u32 * 8, false),
        _ => (dtype.num_bytes() as u32 * 8, true),
    };
    let range = if is_signed { -(1i128 << (num_bits - 1))..1i128 << (num_bits - 1) } else { 0..1i128 << num_bits };
    range.contains(&value).then(|| value.to_le_bytes()[..dtype.num_bytes()].to_vec())
}

fn numbers(value: &Value) -> Option<Vec<u64>> {
    value.as_array()?.iter().map(Value::as_u64).collect()
}

/// A type as numpy writes it: "<u2", "|b1", "<U8".
fn kind_of(name: &str) -> Option<Kind> {
    let (order, rest) = name.split_at_checked(1)?;
    let (letter, size) = rest.split_at_checked(1)?;
    let is_big_endian = match order {
        "<" | "|" | "=" => false,
        ">" => true,
        _ => return None,
    };
    let is_number = |dtype| Some(Kind::Numbers { dtype, is_big_endian });
    match (letter, size) {
        ("b", "1") => is_number(DType::Bool),
        ("u", "1") => is_number(DType::U8),
        ("u", "2") => is_number(DType::U16),
        ("u", "4") => is_number(DType::U32),
        ("u", "8") => is_number(DType::U64),
        ("i", "1") => is_number(DType::I8),
        ("i", "2") => is_number(DType::I16),
        ("i", "4") => is_number(DType::I32),
        ("i", "8") => is_number(DType::I64),
        ("f", "2") => is_number(DType::F16),
        ("f", "4") => is_number(DType::F32),
        ("f", "8") => is_number(DType::F64),
        ("U", size) if !is_big_endian => Some(Kind::Unicode(size.parse().ok()?)),
        ("S", size) => Some(Kind::Bytes(size.parse().ok()?)),
        ("O", _) => Some(Kind::Objects),
        _ => None,
    }
}

/// A filter as numcodecs names it.
fn filter_of(value: &Value, item: usize) -> Filter {
    let id = value["id"].as_str().unwrap_or_default();
    match id {
        "shuffle" => {
            let size = value["elementsize"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(item);
            Filter::Shuffle(size.clamp(1, 1 << 16))
        }
        "zlib" => Filter::Deflate,
        "fletcher32" => Filter::Fletcher32,
        "zstd" => Filter::Zstd,
        "blosc" => Filter::Blosc,
        "gzip" => Filter::Gzip,
        "lz4" => Filter::Lz4Sized,
        "bz2" => Filter::Bzip2,
        _ => Filter::Other { id: 0, name: if id.is_empty() { "a filter without a name".into() } else { id.into() } },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn array(change: impl FnOnce(&mut Value)) -> Result<Metadata, String> {
        let mut value = json!({"shape": [6, 4], "chunks": [2, 4], "dtype": "<u2", "fill_value": 7, "order": "C",
            "filters": [{"id": "shuffle", "elementsize": 2}], "compressor": {"id": "zstd"}, "zarr_format": 2});
        change(&mut value);
        Metadata::parse(&value)
    }

    #[test]
    fn filters_come_before_the_compressor() {
        let metadata = array(|_| {}).unwrap();
        assert_eq!(metadata.filters, [Filter::Shuffle(2), Filter::Zstd]);
        assert_eq!(metadata.fill_bytes(DType::U16), Ok(vec![7, 0]));
        assert_eq!(metadata.grid().unwrap().1.num_cells(), 3);
    }

    #[test]
    fn fill_values_are_those_of_the_type() {
        let fill = |fill: Value, dtype| array(|value| value["fill_value"] = fill).unwrap().fill_bytes(dtype);
        assert_eq!(fill(json!(null), DType::I32), Ok(vec![0; 4]));
        assert_eq!(fill(json!(-2), DType::I16), Ok(vec![0xfe, 0xff]));
        assert_eq!(fill(json!(u64::MAX), DType::U64), Ok(vec![0xff; 8]));
        assert_eq!(fill(json!(true), DType::Bool), Ok(vec![1]));
        assert_eq!(fill(json!("-Infinity"), DType::F32), Ok(f32::NEG_INFINITY.to_le_bytes().to_vec()));
        assert!(fill(json!("NaN"), DType::F64).is_ok_and(|bytes| bytes[7] == 0x7f));
        for (bad, dtype) in [
            (json!(300), DType::U8),
            (json!(-1), DType::U16),
            (json!("NaN"), DType::I8),
            (json!([]), DType::U8),
            (json!(0.5), DType::U8),
        ] {
            assert!(fill(bad.clone(), dtype).is_err(), "{bad} {dtype}");
        }
    }

    #[test]
    fn claims_that_make_no_sense_are_refused() {
        for (field, bad) in [
            ("shape", json!([6])),
            ("shape", json!([-1, 4])),
            ("shape", json!("big")),
            ("chunks", json!([0, 4])),
            ("chunks", json!(null)),
            ("dtype", json!("<c8")),
            ("dtype", json!("é")),
            ("dtype", json!(null)),
        ] {
            assert!(array(|value| value[field] = bad.clone()).is_err(), "{field} {bad}");
        }
        let huge = array(|value| value["shape"] = json!([u64::MAX, 4])).unwrap();
        assert!(huge.grid().is_err());
        let huge = array(|value| value["chunks"] = json!([u64::MAX / 2, u64::MAX / 2])).unwrap();
        assert!(huge.grid().is_err());
        assert!(array(|value| value["compressor"] = json!({"id": "magic"})).unwrap().unread.is_some());
        assert!(array(|value| value["order"] = json!("F")).unwrap().is_by_column);
    }
}
