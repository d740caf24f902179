//! An index that is there already: what others have changed in it since it was written goes along into the one that
//! takes its place. `lindi` opens an index to be written to; the chunks, attributes and arrays that it changes then lie
//! in the index itself, beside references into the file that is described, which stays as it is.
//!
//! An index holds digests of what the source said when it was written ([`Index::described`]). What is something else
//! now was changed; so was a chunk that lies in the index where the source's own chunks are referred to.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Naming;
use super::document::{Entry, Index, digest_of, ordered};
use crate::format::References;

/// An index as it was when it was looked at.
pub struct Former {
    path: PathBuf,
    references: References,
    refs: BTreeMap<String, Entry>,
    described: BTreeMap<String, String>,
    source: String,
    stamp: Stamp,
}

/// Length and time of the file that holds the references.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(u64, Option<SystemTime>);

impl Former {
    /// Reads an index that was written by [`super::Writer`], and perhaps changed by others. Blocks.
    ///
    /// # Errors
    /// When it is none, or does not tell what the source said.
    pub fn read(path: &Path) -> Result<Self> {
        let stamp = stamp_of(path)?;
        let references = References::read(path)?;
        let made_by = references.made_by();
        let (described, source) = (&made_by["described"], made_by["source"].as_str());
        let (Some(described), Some(source)) = (described.as_object(), source) else {
            bail!(
                "{}: was not written by `tectum index`, so that what was changed in it cannot be told from what the source \
                 said; --force writes it anew",
                path.display()
            );
        };
        let digest = |(key, digest): (&String, &Value)| Some((key.clone(), digest.as_str()?.to_owned()));
        let (described, source) = (described.iter().filter_map(digest).collect(), source.to_owned());
        let refs = references.entries()?;
        Ok(Self { path: path.to_owned(), references, refs, described, source, stamp })
    }

    /// How it names files.
    pub fn naming(&self) -> Naming {
        let word = self.references.made_by()["files"].as_str().unwrap_or("absolute");
        Naming::parse(word, self.path.parent().unwrap_or(Path::new("")))
    }

    /// What it calls the array of a recording.
    pub fn array(&self) -> Option<&str> {
        self.references.made_by()["array"].as_str()
    }

    /// The file in which something lies that is called `./…`, its first byte there and its length.
    ///
    /// # Errors
    /// When it is not there.
    pub(super) fn inside(&self, name: &str) -> Result<(PathBuf, u64, u64)> {
        Ok(self.references.inside(name)?)
    }

    /// Names of files that it refers to in its own folder or archive.
    pub(super) fn names_inside(&self) -> HashSet<String> {
        let name = |entry: &Entry| match entry {
            Entry::Piece { name, .. } => name.strip_prefix("./").map(str::to_owned),
            _ => None,
        };
        self.refs.values().filter_map(name).collect()
    }

    /// Forgets which chunks of an array were changed: they are to be told anew.
    pub fn forget_chunks(&mut self, array: &str) {
        let is_one = |key: &String| node_of(key) == array && is_chunk(key);
        self.refs.retain(|key, _| !is_one(key));
        self.described.retain(|key, _| !is_one(key));
    }

    /// Refuses to go on if somebody has written to it since it was looked at.
    ///
    /// # Errors
    /// Then.
    pub(super) fn refuse_changed(&self) -> Result<()> {
        if stamp_of(&self.path)? != self.stamp {
            bail!("{}: was written to meanwhile; nothing of it was changed, try again", self.path.display());
        }
        Ok(())
    }

    /// Takes what was changed along into an index of the same source as it is now. Returns what somebody should know:
    /// where both have changed.
    ///
    /// # Errors
    /// When it is of another source, and when a changed chunk does not go with what the source is now; the message names
    /// it.
    pub fn merge_into(&self, index: &mut Index) -> Result<Vec<String>> {
        let shown = self.path.display();
        if self.source != index.source {
            bail!("{shown}: describes {}, not {}; --force writes it anew", self.source, index.source);
        }
        let mut notes = Vec::new();
        let (made, gone) = (self.made_anew()?, self.taken_away());
        self.take_nodes(index, &made, &gone, &mut notes);
        for (key, entry) in &self.refs {
            let node = node_of(key);
            if made.contains(node) || lies_in(key, &gone) {
                continue;
            }
            let (was, is) = (self.described.get(key), index.described.get(key));
            if !self.is_changed(key, entry)? {
                // What it holds already need not be written again.
                if entry.is_inside() && was == is && index.refs.contains_key(key) {
                    index.refs.insert(key.clone(), entry.clone());
                }
                continue;
            }
            if !index.refs.contains_key(&metadata_key(node, ".zarray"))
                && !index.refs.contains_key(&metadata_key(node, ".zgroup"))
            {
                bail!(
                    "{shown}: {key} was changed in it, and /{node} is not in the source any more; --force writes it anew"
                );
            }
            if is_chunk(key) {
                self.check_chunk(key, index)?;
            }
            if was.is_some() && is.is_some() && was != is {
                notes.push(format!("{key}: has changed in {shown} and in the source; that of {shown} stays"));
            }
            index.refs.insert(key.clone(), entry.clone());
        }
        let is_erased = |key: &&String| !self.refs.contains_key(*key) && !made.contains(node_of(key));
        for key in self.described.keys().filter(is_erased) {
            index.refs.remove(key);
        }
        Ok(notes)
    }

    /// Whether somebody has changed what stands under a key.
    fn is_changed(&self, key: &str, entry: &Entry) -> Result<bool> {
        let was = self.described.get(key);
        if matches!(entry, Entry::Piece { .. }) && !entry.is_inside() {
            return Ok(was.is_some());
        }
        let Some(was) = was else { return Ok(true) };
        let is = match entry {
            Entry::Piece { name, offset, num_bytes } => digest_of(&self.bytes(name, *offset, *num_bytes)?),
            entry => entry.digest().unwrap_or_default(),
        };
        Ok(is != *was)
    }

    /// Bytes of something that lies inside.
    fn bytes(&self, name: &str, offset: u64, num_bytes: u64) -> Result<Vec<u8>> {
        let (path, start, len) = self.inside(name)?;
        let shown = || format!("{}: cannot read {name}", self.path.display());
        if offset.checked_add(num_bytes).is_none_or(|end| end > len) {
            bail!("{}: ends too early", shown());
        }
        let mut file = std::fs::File::open(path).with_context(shown)?;
        file.seek(SeekFrom::Start(start + offset)).with_context(shown)?;
        let mut bytes = Vec::new();
        file.take(num_bytes).read_to_end(&mut bytes).with_context(shown)?;
        Ok(bytes)
    }

    /// Groups and arrays that somebody has added, or made anew.
    fn made_anew(&self) -> Result<BTreeSet<&str>> {
        let mut made = BTreeSet::new();
        for (key, entry) in self.refs.iter().filter(|(key, _)| is_kind(key)) {
            if self.is_changed(key, entry)? {
                made.insert(node_of(key));
            }
        }
        Ok(made)
    }

    /// Groups and arrays that somebody has taken away.
    fn taken_away(&self) -> BTreeSet<&str> {
        let is_there =
            |node: &str| [".zarray", ".zgroup"].iter().any(|kind| self.refs.contains_key(&metadata_key(node, kind)));
        let nodes = self.described.keys().filter(|key| is_kind(key)).map(|key| node_of(key));
        nodes.filter(|node| !is_there(node)).collect()
    }

    /// Puts groups and arrays as they are here in the place of the source's.
    fn take_nodes(&self, index: &mut Index, made: &BTreeSet<&str>, gone: &BTreeSet<&str>, notes: &mut Vec<String>) {
        // What lies in a group that has become an array lies nowhere.
        let arrays: BTreeSet<&str> =
            made.iter().copied().filter(|node| self.refs.contains_key(&metadata_key(node, ".zarray"))).collect();
        let shown = self.path.display();
        let mut told = HashSet::new();
        index.refs.retain(|key, _| {
            let is_made = made.contains(node_of(key)) || lies_in(key, &arrays);
            let is_gone = lies_in(key, gone);
            if (is_made || is_gone) && is_kind(key) && told.insert(node_of(key).to_owned()) {
                let what = if is_made { "made anew" } else { "taken away" };
                notes.push(format!("/{}: was {what} in {shown}, and stays so", node_of(key)));
            }
            !is_made && !is_gone
        });
        let own = self.refs.iter().filter(|(key, _)| made.contains(node_of(key)));
        index.refs.extend(own.map(|(key, entry)| (key.clone(), entry.clone())));
        // Groups that they lie in may be gone from the source.
        for group in made.iter().flat_map(|node| node.match_indices('/').map(|(at, _)| &node[..at])) {
            let key = metadata_key(group, ".zgroup");
            index.refs.entry(key).or_insert_with(|| Entry::Json(serde_json::json!({ "zarr_format": 2 })));
        }
    }

    /// Refuses a changed chunk that does not go with what its array is in the source now.
    fn check_chunk(&self, key: &str, index: &Index) -> Result<()> {
        let metadata = metadata_key(node_of(key), ".zarray");
        let shown = self.path.display();
        let of = |refs: &BTreeMap<String, Entry>| match refs.get(&metadata) {
            Some(Entry::Json(value)) => Some(value.clone()),
            _ => None,
        };
        let (Some(was), Some(is)) = (of(&self.refs), of(&index.refs)) else {
            bail!("{shown}: {key} was changed in it, and is of no array in the source now; --force writes it anew");
        };
        let how = |value: &Value| {
            let mut value = value.clone();
            value.as_object_mut().map(|fields| fields.remove("shape"));
            ordered(&value)
        };
        if how(&was) != how(&is) {
            bail!(
                "{shown}: {key} was changed in it, and the source stores that array otherwise now (type, chunks or \
                 compression); --force writes it anew"
            );
        }
        if covered(key, &was) != covered(key, &is) {
            bail!(
                "{shown}: {key} was changed in it, and the source has grown into that chunk, or been cut there; --changed \
                 says anew what that array is, --force writes the index anew"
            );
        }
        Ok(())
    }
}

/// How far a chunk reaches along each axis, of what its array holds.
fn covered(key: &str, metadata: &Value) -> Option<Vec<u64>> {
    let numbers = |name: &str| -> Option<Vec<u64>> { metadata[name].as_array()?.iter().map(Value::as_u64).collect() };
    let at: Vec<u64> = key.rsplit('/').next()?.split('.').map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let (shape, chunks) = (numbers("shape")?, numbers("chunks")?);
    let end = |((at, chunk), dim): ((&u64, &u64), &u64)| {
        // A chunk that lies beyond the end covers less than nothing, wherever that is.
        Some(at.checked_add(1)?.checked_mul(*chunk)?.min(*dim))
    };
    at.iter().zip(&chunks).zip(&shape).map(end).collect()
}

fn stamp_of(path: &Path) -> Result<Stamp> {
    let file = if path.is_dir() { path.join("lindi.json") } else { path.to_owned() };
    let there = file.metadata().with_context(|| format!("{}: cannot be brought up to date", path.display()))?;
    Ok(Stamp(there.len(), there.modified().ok()))
}

/// The group or array that a key belongs to.
fn node_of(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(node, _)| node)
}

/// Whether a key says what something is.
fn is_kind(key: &str) -> bool {
    matches!(key.rsplit('/').next(), Some(".zarray" | ".zgroup"))
}

fn is_chunk(key: &str) -> bool {
    key.rsplit('/').next().is_some_and(|name| !name.starts_with(".z"))
}

fn metadata_key(node: &str, name: &str) -> String {
    if node.is_empty() { name.to_owned() } else { format!("{node}/{name}") }
}

/// Whether a key belongs to one of these, or to something that lies in one.
fn lies_in(key: &str, nodes: &BTreeSet<&str>) -> bool {
    let mut ends = key.match_indices('/').map(|(at, _)| &key[..at]);
    !nodes.is_empty() && (nodes.contains("") || ends.any(|node| nodes.contains(node)))
}
