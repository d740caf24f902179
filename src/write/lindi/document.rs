//! The keys of a Zarr store and what stands under each.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// So often a file is named before a template stands for its name.
const MIN_FOR_TEMPLATE: usize = 5;

/// What stands under a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// Metadata.
    Json(Value),
    /// The content itself.
    Bytes(Vec<u8>),
    /// So many bytes of a file.
    Piece {
        /// The file.
        name: String,
        /// Its first byte there.
        offset: u64,
        /// How many.
        num_bytes: u64,
    },
}

/// An array: what `.zarray` says, and its chunks by the ends of their keys.
pub(super) struct Array {
    pub metadata: Value,
    pub chunks: Vec<(String, Entry)>,
}

/// A reference file.
pub struct Index {
    pub(super) refs: BTreeMap<String, Entry>,
    source: String,
    left_out: Vec<(String, String)>,
}

impl Index {
    pub(super) fn new(source: &Path) -> Self {
        let source = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { refs: BTreeMap::new(), source, left_out: Vec::new() }
    }

    pub(super) fn set(&mut self, key: String, entry: Entry) {
        self.refs.insert(key, entry);
    }

    pub(super) fn set_json(&mut self, key: String, value: Value) {
        self.set(key, Entry::Json(value));
    }

    pub(super) fn leave_out(&mut self, what: &str, why: &str) {
        self.left_out.push((what.to_owned(), why.to_owned()));
    }

    /// What could not be described, an attribute as `PATH@NAME`, and why.
    pub fn left_out(&self) -> &[(String, String)] {
        &self.left_out
    }

    /// Number of arrays, and of chunks that lie in other files.
    pub fn counts(&self) -> (usize, usize) {
        let arrays = self.refs.keys().filter(|key| key.ends_with(".zarray")).count();
        let pieces = self.refs.values().filter(|entry| matches!(entry, Entry::Piece { .. })).count();
        (arrays, pieces)
    }

    /// The content of `lindi.json`.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for entry in self.refs.values() {
            if let Entry::Piece { name, .. } = entry {
                *counts.entry(name).or_default() += 1;
            }
        }
        let is_inside = |name: &str| name.starts_with("./blobs/");
        let mut often: Vec<&str> =
            counts.iter().filter(|(_, num)| **num >= MIN_FOR_TEMPLATE).map(|(name, _)| *name).collect();
        often.retain(|name| !is_inside(name));
        often.sort_unstable();
        let templates: HashMap<&str, String> =
            often.iter().enumerate().map(|(i, name)| (*name, format!("u{}", i + 1))).collect();
        let value = |entry: &Entry| match entry {
            Entry::Json(value) => value.clone(),
            Entry::Bytes(bytes) => text_of(bytes),
            Entry::Piece { name, offset, num_bytes } => match templates.get(name.as_str()) {
                Some(template) => json!([format!("{{{{{template}}}}}"), offset, num_bytes]),
                None => json!([name, offset, num_bytes]),
            },
        };
        let refs: Map<String, Value> = self.refs.iter().map(|(key, entry)| (key.clone(), value(entry))).collect();
        let mut document = json!({
            "generationMetadata": {
                "generatedBy": format!("tectum {}", env!("CARGO_PKG_VERSION")),
                "source": self.source,
            },
            "refs": refs,
        });
        if !templates.is_empty() {
            let templates: BTreeMap<&String, &&str> =
                templates.iter().map(|(name, template)| (template, name)).collect();
            document["templates"] = json!(templates);
        }
        document["version"] = json!(1);
        document.to_string().into_bytes()
    }
}

/// Content as it stands in JSON: as text where it is ASCII, else in base64.
fn text_of(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii() && !text.starts_with("base64:")) {
        Some(text) => Value::String(text.to_owned()),
        None => Value::String(format!("base64:{}", STANDARD.encode(bytes))),
    }
}
