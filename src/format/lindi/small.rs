//! Texts and tables of a reference file: one chunk each, packed by blosc.

use serde_json::Value;

use super::metadata::{Kind, Metadata};
use super::tree::float_of;
use crate::codec::{self, Filter, Scratch};
use crate::format::tree::Values;

/// Most bytes that are unpacked.
pub(super) const MAX_BYTES: usize = 256 << 20;

/// The values of a chunk; `fields` are those of a table, null where it is none.
pub(super) fn values(metadata: &Metadata, stored: &[u8], fields: &Value, num: usize) -> Result<Values, String> {
    let bytes = unpacked(&metadata.filters, stored)?;
    match metadata.kind {
        Kind::Numbers { .. } => Err("holds numbers".into()),
        Kind::Unicode(len) => items(&bytes, len.saturating_mul(4), num, unicode).map(Values::Texts),
        Kind::Bytes(len) => items(&bytes, len, num, ascii).map(Values::Texts),
        Kind::Objects => {
            let list: Value = serde_json::from_slice(&bytes).map_err(|error| format!("holds no list: {error}"))?;
            let Value::Array(mut list) = list else { return Err("holds no list".into()) };
            // Behind the values stand their type and their extent.
            list.truncate(list.len().saturating_sub(2));
            match fields.as_array() {
                Some(fields) => columns(fields, &list),
                None => texts(&list, num).map(Values::Texts),
            }
        }
    }
}

/// What was packed, whose size only the packed bytes tell.
fn unpacked(filters: &[Filter], stored: &[u8]) -> Result<Vec<u8>, String> {
    let num_bytes = match filters {
        [] => return Ok(stored.to_vec()),
        [.., Filter::Blosc] => {
            let size = stored.get(4..8).ok_or("its packed text ends too early")?;
            u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize
        }
        _ => return Err("is packed in a way that is not read".into()),
    };
    if num_bytes > MAX_BYTES {
        return Err(format!("has {num_bytes} bytes; up to {MAX_BYTES} are read"));
    }
    let mut bytes = vec![0; num_bytes];
    codec::decode(filters, 0, stored, &mut bytes, &mut Scratch::default()).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn items(bytes: &[u8], len: usize, num: usize, text: fn(&[u8]) -> String) -> Result<Vec<String>, String> {
    if len == 0 {
        return Ok(vec![String::new(); num]);
    }
    let texts: Vec<String> = bytes.chunks_exact(len).take(num).map(text).collect();
    if texts.len() == num { Ok(texts) } else { Err("has fewer texts than it says".into()) }
}

fn unicode(item: &[u8]) -> String {
    let letter = |code: &[u8]| char::from_u32(u32::from_le_bytes([code[0], code[1], code[2], code[3]]));
    let letters = item.chunks_exact(4).map(|code| letter(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    letters.collect::<String>().trim_end_matches('\0').to_owned()
}

fn ascii(item: &[u8]) -> String {
    String::from_utf8_lossy(item).trim_end_matches('\0').to_owned()
}

/// The texts of a list, however deep it is nested.
fn texts(list: &[Value], num: usize) -> Result<Vec<String>, String> {
    fn add(value: &Value, found: &mut Vec<String>) -> bool {
        match value {
            Value::Array(values) => values.iter().all(|value| add(value, found)),
            Value::String(text) => {
                found.push(text.clone());
                true
            }
            _ => false,
        }
    }
    let mut found = Vec::new();
    let is_text = list.iter().all(|value| add(value, &mut found));
    if is_text && found.len() == num { Ok(found) } else { Err("holds neither numbers nor text".into()) }
}

/// The fields of a table that are numbers.
fn columns(fields: &[Value], rows: &[Value]) -> Result<Values, String> {
    let column = |(i, field): (usize, &Value)| {
        let name = field[0].as_str()?.to_owned();
        let values: Option<Vec<f64>> = rows.iter().map(|row| float_of(row.get(i)?)).collect();
        Some((name, values?))
    };
    Ok(Values::Columns(fields.iter().enumerate().filter_map(column).collect()))
}
