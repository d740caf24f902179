//! The keys of a Zarr store and what stands under each.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::Naming;
pub(super) use crate::format::Reference as Entry;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// So often a file is named before a template stands for its name.
const MIN_FOR_TEMPLATE: usize = 5;

impl Entry {
    /// Tells content from other content, however it is written down; `None` for what lies in a file.
    pub(super) fn digest(&self) -> Option<String> {
        match self {
            Self::Json(value) => Some(digest_of(ordered(value).as_bytes())),
            Self::Bytes(bytes) => Some(digest_of(bytes)),
            Self::Piece { .. } => None,
        }
    }

    /// Whether it lies in the folder or archive of the reference file itself.
    pub(super) fn is_inside(&self) -> bool {
        matches!(self, Self::Piece { name, .. } if name.starts_with("./"))
    }
}

/// The same for bytes.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// JSON with its fields in order, and numbers as they are once they were read from a file.
pub(super) fn ordered(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields: BTreeMap<&String, Value> =
                    fields.iter().map(|(name, value)| (name, sorted(value))).collect();
                json!(fields)
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            value => value.clone(),
        }
    }
    let read = serde_json::from_str(&value.to_string());
    sorted(&read.unwrap_or_else(|_| value.clone())).to_string()
}

/// An array: what `.zarray` says, and its chunks by the ends of their keys.
pub(super) struct Array {
    pub metadata: Value,
    pub chunks: Vec<(String, Entry)>,
}

/// A reference file.
pub struct Index {
    pub(super) refs: BTreeMap<String, Entry>,
    pub(super) source: String,
    left_out: Vec<(String, String)>,
    /// How files are named, and what the array of a recording is called: what to go by when it is brought up to date.
    pub(super) naming: Naming,
    pub(super) array: Option<String>,
    /// What the source says under each key that names no bytes of it, by digests: whoever changes the reference file
    /// later is told from the source by them.
    pub(super) described: BTreeMap<String, String>,
}

impl Index {
    pub(super) fn new(source: &Path, naming: &Naming) -> Self {
        let source = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (naming, described) = (naming.clone(), BTreeMap::new());
        Self { refs: BTreeMap::new(), source, left_out: Vec::new(), naming, array: None, described }
    }

    /// Notes what the source says, all of which is there.
    pub(super) fn described(mut self) -> Self {
        let digest = |(key, entry): (&String, &Entry)| Some((key.clone(), entry.digest()?));
        self.described = self.refs.iter().filter_map(digest).collect();
        self
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
        let is_elsewhere = |entry: &&Entry| matches!(entry, Entry::Piece { .. }) && !entry.is_inside();
        (arrays, self.refs.values().filter(is_elsewhere).count())
    }

    /// The content of `lindi.json`.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for entry in self.refs.values() {
            if let Entry::Piece { name, .. } = entry {
                *counts.entry(name).or_default() += 1;
            }
        }
        let mut often: Vec<&str> =
            counts.iter().filter(|(_, num)| **num >= MIN_FOR_TEMPLATE).map(|(name, _)| *name).collect();
        often.retain(|name| !name.starts_with("./"));
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
                "files": self.naming.word(),
                "array": self.array,
                "described": self.described,
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
