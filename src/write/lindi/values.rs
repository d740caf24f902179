//! Attributes, texts, tables, references and single values as `lindi` encodes them.

use serde_json::{Map, Value, json};

use super::document::Array;
use super::own::own_array;
use crate::format::hdf5::{Objects, TypedValue, TypedValues, ValueKind};
use crate::volume::DType;

/// An attribute in JSON.
///
/// # Errors
/// When it has no form there, in words.
pub fn attribute(values: &TypedValues, objects: &Objects) -> Result<Value, String> {
    if matches!(values.kind, ValueKind::Row(_)) {
        return Err("is a table, which attributes of Zarr cannot be".into());
    }
    if matches!(values.kind, ValueKind::Reference) && !values.dims.is_empty() {
        return Err("is a list of references, which attributes cannot be".into());
    }
    let mut all = values.values.iter().map(|value| in_attribute(value, objects)).collect::<Result<Vec<_>, _>>()?;
    if values.dims.is_empty() {
        return all.pop().ok_or_else(|| "holds nothing".into());
    }
    Ok(nested(&values.dims, &mut all.into_iter()))
}

fn in_attribute(value: &TypedValue, objects: &Objects) -> Result<Value, String> {
    Ok(match value {
        TypedValue::Integer(number) => integer(*number),
        TypedValue::Float(number) => float(*number),
        TypedValue::Bool(value) => json!(value),
        TypedValue::Text(bytes) => match text(bytes)? {
            "NaN" | "Infinity" | "-Infinity" => return Err("is a text that stands for a number".into()),
            text => json!(text),
        },
        TypedValue::Reference(reference) => referred(*reference, objects)?,
        TypedValue::Row(_) => return Err("is a table".into()),
    })
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "is a text that is not Unicode".into())
}

fn integer(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| json!(u64::try_from(number).unwrap_or(u64::MAX)), |number| json!(number))
}

/// A number; what JSON has no number for, in words.
pub fn float(number: f64) -> Value {
    match number {
        number if number.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        number => json!(number),
    }
}

/// A reference as hdmf-zarr writes it.
fn referred(reference: u64, objects: &Objects) -> Result<Value, String> {
    let path = objects.path_of(reference).ok_or("is a reference to nothing in the file")?;
    Ok(json!({ "_REFERENCE": {
        "object_id": objects.text_of(path, "object_id"),
        "path": path,
        "source": ".",
        "source_object_id": objects.text_of("", "object_id"),
    }}))
}

/// Lists in lists.
fn nested(dims: &[u64], values: &mut impl Iterator<Item = Value>) -> Value {
    match dims {
        [] => values.next().unwrap_or_default(),
        [dim, rest @ ..] => Value::Array((0..*dim).map(|_| nested(rest, values)).collect()),
    }
}

/// A dataset that is no array of numbers, with all its values; notes beside it what says how to read them.
///
/// # Errors
/// When it has no form there, in words.
pub fn inline(values: &TypedValues, objects: &Objects, attributes: &mut Map<String, Value>) -> Result<Array, String> {
    let is_single = values.dims.is_empty();
    let dims = if is_single { vec![1] } else { values.dims.clone() };
    if is_single {
        attributes.insert("_SCALAR".to_owned(), json!(true));
    }
    match &values.kind {
        ValueKind::Number(dtype) => {
            let bytes: Vec<u8> = values.values.iter().flat_map(|value| number_bytes(*dtype, value)).collect();
            let fill = if *dtype == DType::Bool { json!(false) } else { json!(0) };
            own_array(&dims, dtype.npy_descr(), dtype.num_bytes(), fill, Value::Null, &bytes)
        }
        ValueKind::Text(_) if is_single => {
            let Some(TypedValue::Text(bytes)) = values.values.first() else { return Err("holds no text".into()) };
            // numpy's texts have four bytes a letter, and one letter at least.
            let letters: Vec<u32> = text(bytes)?.chars().map(u32::from).collect();
            let len = letters.len().max(1);
            let mut bytes: Vec<u8> = letters.iter().flat_map(|letter| letter.to_le_bytes()).collect();
            bytes.resize(4 * len, 0);
            own_array(&dims, &format!("<U{len}"), bytes.len(), json!(""), Value::Null, &bytes)
        }
        ValueKind::Text(Some(len)) => {
            let len = (*len).max(1);
            let mut bytes = Vec::with_capacity(len * values.values.len());
            for value in &values.values {
                let TypedValue::Text(text) = value else { return Err("holds no text".into()) };
                bytes.extend_from_slice(text);
                bytes.resize(bytes.len() + len.saturating_sub(text.len()), 0);
            }
            own_array(&dims, &format!("|S{len}"), len, json!(""), Value::Null, &bytes)
        }
        // As h5py stores complex numbers.
        ValueKind::Row(fields) if fields.len() == 2 && fields[0].0 == "r" && fields[1].0 == "i" => {
            Err("holds complex numbers, which lindi does not read".into())
        }
        ValueKind::Row(fields) => {
            let described: Vec<Value> =
                fields.iter().map(|(name, kind)| Ok(json!([name, word(kind)?]))).collect::<Result<_, String>>()?;
            attributes.insert("_COMPOUND_DTYPE".to_owned(), Value::Array(described));
            objects_array(values, &dims, objects)
        }
        ValueKind::Text(None) | ValueKind::Reference => objects_array(values, &dims, objects),
    }
}

fn number_bytes(dtype: DType, value: &TypedValue) -> Vec<u8> {
    match (value, dtype) {
        (TypedValue::Bool(value), _) => vec![u8::from(*value)],
        (TypedValue::Integer(value), _) => value.to_le_bytes()[..dtype.num_bytes()].to_vec(),
        (TypedValue::Float(value), DType::F16) => half::f16::from_f64(*value).to_le_bytes().to_vec(),
        (TypedValue::Float(value), DType::F32) => (*value as f32).to_le_bytes().to_vec(),
        (TypedValue::Float(value), _) => value.to_le_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// What numpy calls the type of a field.
fn word(kind: &ValueKind) -> Result<String, String> {
    Ok(match kind {
        ValueKind::Number(dtype) => dtype.name().to_owned(),
        ValueKind::Text(Some(len)) => format!("|S{}", (*len).max(1)),
        ValueKind::Text(None) => "object".to_owned(),
        ValueKind::Reference => "<REFERENCE>".to_owned(),
        ValueKind::Row(_) => return Err("is a table of tables".into()),
    })
}

/// Values as a list in JSON, behind which stand their type and extent: numcodecs' `json2`.
fn objects_array(values: &TypedValues, dims: &[u64], objects: &Objects) -> Result<Array, String> {
    let mut items =
        values.values.iter().map(|value| in_list(value, objects)).collect::<Result<Vec<_>, _>>()?.into_iter();
    let mut parts: Vec<String> = match dims {
        [first, rest @ ..] => (0..*first).map(|_| nested_text(rest, &mut items)).collect(),
        [] => Vec::new(),
    };
    let dims_text: Vec<String> = dims.iter().map(ToString::to_string).collect();
    parts.extend(["\"|O\"".to_owned(), format!("[{}]", dims_text.join(","))]);
    let text = format!("[{}]", parts.join(","));
    let filters = json!([{
        "id": "json2", "encoding": "utf-8", "skipkeys": false, "ensure_ascii": true, "check_circular": true,
        "allow_nan": true, "sort_keys": true, "indent": null, "separators": [",", ":"], "strict": true,
    }]);
    own_array(dims, "|O", 1, json!(0), filters, text.as_bytes())
}

fn nested_text(dims: &[u64], items: &mut impl Iterator<Item = String>) -> String {
    match dims {
        [] => items.next().unwrap_or_default(),
        [dim, rest @ ..] => {
            let inner: Vec<String> = (0..*dim).map(|_| nested_text(rest, items)).collect();
            format!("[{}]", inner.join(","))
        }
    }
}

/// A value in JSON as Python writes it, with its words for what is no number.
fn in_list(value: &TypedValue, objects: &Objects) -> Result<String, String> {
    Ok(match value {
        TypedValue::Float(number) if number.is_nan() => "NaN".to_owned(),
        TypedValue::Float(number) if number.is_infinite() => {
            if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        TypedValue::Float(number) => json!(number).to_string(),
        TypedValue::Integer(number) => number.to_string(),
        TypedValue::Bool(value) => value.to_string(),
        TypedValue::Text(bytes) => json!(text(bytes)?).to_string(),
        TypedValue::Reference(reference) => referred(*reference, objects)?.to_string(),
        TypedValue::Row(fields) => {
            let fields = fields.iter().map(|field| in_list(field, objects)).collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", fields.join(","))
        }
    })
}
