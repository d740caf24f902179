//! The metadata of one node, an array or a group, of a Zarr hierarchy of either version.

use serde_json::{Map, Value};

use crate::format::store::{ByteStore, read_whole};
use crate::format::{Cancel, FormatError};

/// Longer metadata than this are not read.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// What lies at a path of a hierarchy.
pub struct Node {
    /// Version of Zarr: 2 or 3.
    pub version: u8,
    /// What the user's programs have said of it.
    pub attributes: Map<String, Value>,
    /// Metadata of an array; `None` for a group.
    pub array: Option<Value>,
    /// Metadata of the nodes below, by path, where the writer has gathered them.
    pub gathered: Map<String, Value>,
    /// Why the attributes of it could not be read.
    pub unread: Option<String>,
}

/// The name of something below a path.
pub fn join(path: &str, name: &str) -> String {
    let (path, name) = (path.trim_matches('/'), name.trim_matches('/'));
    match (path.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => path.to_owned(),
        _ => format!("{path}/{name}"),
    }
}

/// Reads the metadata of a node; `None` where there is none. Blocks.
///
/// # Errors
/// When they do not come or make no sense.
pub fn read(store: &dyn ByteStore, path: &str, cancel: &Cancel) -> Result<Option<Node>, FormatError> {
    let json = |name: &str| -> Result<Option<Value>, FormatError> {
        let name = join(path, name);
        let Some(bytes) = read_whole(store, &name, MAX_JSON_BYTES, cancel)? else { return Ok(None) };
        parse(&bytes).map(Some).map_err(|error| {
            FormatError::new(store.location(&name), format!("these metadata are damaged, or not whole: {error}"))
        })
    };
    // A store that does not list its objects to everybody refuses those it does not have: that counts only where
    // nothing else is there.
    let refused = match json("zarr.json") {
        Ok(None) => None,
        Ok(Some(metadata)) => {
            return of_version_3(metadata).map(Some).map_err(|what| {
                let file = store.location(&join(path, "zarr.json"));
                FormatError::new(file, format!("these are no metadata of Zarr 3: {what}"))
            });
        }
        Err(error) if store.is_remote() => Some(error),
        Err(error) => return Err(error),
    };
    let found = read_version_2(&json);
    match (refused, found) {
        (Some(refused), Ok(None) | Err(_)) => Err(refused),
        (_, found) => found,
    }
}

type Json<'a> = dyn Fn(&str) -> Result<Option<Value>, FormatError> + 'a;

fn read_version_2(json: &Json<'_>) -> Result<Option<Node>, FormatError> {
    let array = json(".zarray")?;
    let group = if array.is_none() { json(".zgroup")? } else { None };
    // Attributes that nobody can parse lose what they say, not the voxels.
    let (attributes, unread) = match json(".zattrs") {
        Ok(attributes) => (attributes, None),
        Err(error) if array.is_some() || group.is_some() => (None, Some(error.message)),
        Err(error) => return Err(error),
    };
    let attributes = match attributes {
        Some(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    };
    // Some writers leave out the mark of a group.
    let is_marked = array.is_some() || group.is_some();
    if !is_marked && !["multiscales", "plate", "well"].iter().any(|key| attributes.contains_key(*key)) {
        return Ok(None);
    }
    Ok(Some(Node { version: 2, attributes, array, gathered: Map::new(), unread }))
}

/// Metadata of the nodes below a group of version 2, where the writer has gathered them in a file of their own.
///
/// # Errors
/// When they do not come or make no sense.
pub fn gathered(store: &dyn ByteStore, path: &str, cancel: &Cancel) -> Result<Map<String, Value>, FormatError> {
    let name = join(path, ".zmetadata");
    let Some(bytes) = read_whole(store, &name, MAX_JSON_BYTES, cancel)? else { return Ok(Map::new()) };
    let metadata = parse(&bytes).map_err(|error| FormatError::new(store.location(&name), error.to_string()))?;
    let mut nodes = Map::new();
    for (key, value) in metadata.get("metadata").and_then(Value::as_object).into_iter().flatten() {
        if let Some(path) = key.strip_suffix("/.zarray") {
            nodes.insert(path.to_owned(), value.clone());
        }
    }
    Ok(nodes)
}

fn of_version_3(metadata: Value) -> Result<Node, String> {
    let Value::Object(mut fields) = metadata else { return Err("no object".into()) };
    match fields.get("zarr_format").and_then(Value::as_u64) {
        Some(3) => {}
        Some(other) => return Err(format!("zarr_format is {other}")),
        None => return Err("zarr_format is not there".into()),
    }
    let attributes = match fields.get("attributes") {
        Some(Value::Object(attributes)) => attributes.clone(),
        _ => Map::new(),
    };
    let mut gathered = fields.remove("consolidated_metadata");
    let gathered = match gathered.as_mut().and_then(|gathered| gathered.get_mut("metadata")).map(Value::take) {
        Some(Value::Object(nodes)) => nodes,
        _ => Map::new(),
    };
    let array = match fields.get("node_type").and_then(Value::as_str) {
        Some("array") => Some(Value::Object(fields)),
        Some("group") => None,
        _ => return Err("node_type is neither array nor group".into()),
    };
    Ok(Node { version: 3, attributes, array, gathered, unread: None })
}

/// JSON, and what Python writes for numbers that JSON does not have.
fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(error) };
    serde_json::from_str(&without_nans(text)).map_err(|_| error)
}

/// The text with `NaN` and `Infinity` outside of strings as strings, which is how Zarr writes them.
fn without_nans(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut is_string = false;
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| !is_string && rest.starts_with(word));
        if let Some(word) = word {
            out.extend(["\"", word, "\""]);
            rest = &rest[word.len()..];
            continue;
        }
        let len =
            if is_string && c == '\\' { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
        is_string ^= c == '"';
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_lacks_are_read_and_strings_stay() {
        let value = parse(br#"{"a": NaN, "b": [-Infinity, Infinity], "NaN": "a \" NaN \\", "c": 1}"#).unwrap();
        assert_eq!(value["a"], "NaN");
        assert_eq!(value["b"], serde_json::json!(["-Infinity", "Infinity"]));
        assert_eq!(value["NaN"], "a \" NaN \\");
        for bad in ["{", "{\"a\": NaNs}", "\"\\", "{\"a\": \"é\\", "[NaN"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse("[".repeat(100_000).as_bytes()).is_err(), "no stack is that deep");
    }

    #[test]
    fn paths_are_joined_without_empty_parts() {
        assert_eq!((join("", "a"), join("/a/", "/b/"), join("a", "")), ("a".into(), "a/b".into(), "a".into()));
    }
}
