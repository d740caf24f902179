//! The reference file: keys as in a Zarr store, each with text, JSON, or the place of its bytes. Read in one pass,
//! in memory that its length bounds.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Largest file of references that is read. They take about four times as much in memory.
pub(super) const MAX_JSON_BYTES: u64 = 256 << 20;

/// Longest name that templates may grow to.
const MAX_NAME_BYTES: usize = 64 << 10;

/// A reference file. Other JSON has no `refs`.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    /// What stands under each key.
    pub refs: BTreeMap<String, Entry>,
    #[serde(default)]
    templates: HashMap<String, String>,
    /// What whoever wrote it says of that.
    #[serde(default, rename = "generationMetadata")]
    pub made_by: Value,
}

/// What stands under a key.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    /// The content itself.
    Text(Box<str>),
    /// Metadata.
    Json(Value),
    /// The content is so many bytes of a file.
    Piece {
        /// The file, perhaps by a template.
        name: Box<str>,
        /// Its first byte there.
        offset: u64,
        /// How many.
        num_bytes: u64,
    },
    /// Something else, which is an error where it is needed.
    Nonsense,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, an object, or a file with an offset and a length")
    }

    fn visit_str<E>(self, text: &str) -> Result<Entry, E> {
        Ok(Entry::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Entry, E> {
        Ok(Entry::Text(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Entry::Json)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Entry, A::Error> {
        let values = Vec::<Value>::deserialize(SeqAccessDeserializer::new(sequence))?;
        let piece = || match values.as_slice() {
            [Value::String(name), offset, num_bytes] => Some(Entry::Piece {
                name: name.as_str().into(),
                offset: offset.as_u64()?,
                num_bytes: num_bytes.as_u64()?,
            }),
            _ => None,
        };
        Ok(piece().unwrap_or(Entry::Nonsense))
    }

    fn visit_unit<E>(self) -> Result<Entry, E> {
        Ok(Entry::Nonsense)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Entry, E> {
        Ok(Entry::Nonsense)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Entry, E> {
        Ok(Entry::Nonsense)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Entry, E> {
        Ok(Entry::Nonsense)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Entry, E> {
        Ok(Entry::Nonsense)
    }
}

impl Document {
    /// Parses a file; spaces may follow it. `Ok(None)` where it is JSON of another kind.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, String> {
        // Files inside archives are padded to leave room.
        let end =
            bytes.iter().rposition(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0)).map_or(0, |at| at + 1);
        match serde_json::from_slice(&bytes[..end]) {
            Ok(document) => Ok(Some(document)),
            Err(error) if error.is_data() && error.to_string().starts_with("missing field `refs`") => Ok(None),
            Err(error) => Err(format!("is damaged, or no file of references: {error}")),
        }
    }

    /// The metadata under a key, which may be an object or text that holds one.
    pub fn json(&self, key: &str) -> Option<Value> {
        match self.refs.get(key)? {
            Entry::Json(value) => Some(value.clone()),
            Entry::Text(_) => serde_json::from_slice(&self.inline(key)?.ok()?).ok(),
            Entry::Piece { .. } | Entry::Nonsense => None,
        }
    }

    /// The bytes that stand in the file itself; `None` where they do not.
    pub fn inline(&self, key: &str) -> Option<Result<Vec<u8>, String>> {
        let Entry::Text(text) = self.refs.get(key)? else { return None };
        Some(match text.strip_prefix("base64:") {
            Some(coded) => STANDARD.decode(coded).map_err(|error| format!("{key} is no base64: {error}")),
            None => Ok(text.as_bytes().to_vec()),
        })
    }

    /// The name of a file with its templates filled in.
    pub fn filled_in(&self, name: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = name;
        while let Some((before, after)) = rest.split_once("{{") {
            let (template, behind) = after.split_once("}}").ok_or_else(|| format!("{name}: a template has no end"))?;
            let text = self.templates.get(template.trim());
            let text = text.ok_or_else(|| format!("{name}: there is no template {template}"))?;
            filled.push_str(before);
            filled.push_str(text);
            rest = behind;
            if filled.len() > MAX_NAME_BYTES {
                return Err(format!("a template makes a name of more than {MAX_NAME_BYTES} bytes"));
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Document {
        Document::parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn every_kind_of_value_is_told_apart() {
        let document = parsed(
            r#"{"version": 1, "refs": {"a/.zarray": {"shape": [2]}, "b/.zattrs": "{\"x\": 1}", "raw": "\u0002\u0001!",
            "coded": "base64:AAH/", "bad": "base64:*", "far": ["{{u}}/x", 10, 20], "whole": ["x"], "odd": ["x", -1, 2],
            "n": null, "i": 3, "f": [1.5, 2, "x"]}, "templates": {"u": "https://host"}}  "#,
        );
        assert_eq!(document.json("a/.zarray").unwrap()["shape"][0], 2);
        assert_eq!(document.json("b/.zattrs").unwrap()["x"], 1);
        assert_eq!(document.inline("raw"), Some(Ok(vec![2, 1, b'!'])));
        assert_eq!(document.inline("coded"), Some(Ok(vec![0, 1, 255])));
        assert!(document.inline("bad").unwrap().is_err() && document.inline("far").is_none());
        let far = Entry::Piece { name: "{{u}}/x".into(), offset: 10, num_bytes: 20 };
        assert_eq!(document.refs["far"], far);
        for key in ["whole", "odd", "n", "i", "f"] {
            assert_eq!(document.refs[key], Entry::Nonsense, "{key}");
        }
        assert_eq!(document.filled_in("{{u}}/x"), Ok("https://host/x".to_owned()));
        assert_eq!(document.filled_in("plain"), Ok("plain".to_owned()));
        assert!(document.filled_in("{{v}}").is_err() && document.filled_in("{{u").is_err());
    }

    #[test]
    fn templates_are_filled_in_once() {
        let document = parsed(r#"{"refs": {}, "templates": {"a": "{{a}}{{a}}"}}"#);
        assert_eq!(document.filled_in("{{a}}"), Ok("{{a}}{{a}}".to_owned()));
        let long = format!(r#"{{"refs": {{}}, "templates": {{"a": "{}"}}}}"#, "x".repeat(40_000));
        assert!(parsed(&long).filled_in("{{a}}{{a}}").is_err());
    }

    #[test]
    fn other_json_is_none_and_damaged_json_says_so() {
        assert!(Document::parse(br#"{"shape_full": [1, 2]}"#).unwrap().is_none());
        for bad in [r#"{"refs": {"a": "#, r#"{"refs": 3}"#, r#"{"refs": {}, "templates": [1]}"#, "{", ""] {
            assert!(Document::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        // As deep as a machine may be made to follow.
        let deep = format!(r#"{{"refs": {{"a": {}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Document::parse(deep.as_bytes()).is_err());
    }
}
