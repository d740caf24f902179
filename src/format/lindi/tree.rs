//! A reference file as a tree of groups, arrays, links and attributes, and its arrays as sources.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::document::{Document, Entry};
use super::metadata::{Kind, Metadata};
use super::parts::parts_of;
use super::place::{Home, Place};
use super::small;
use super::source::{At, LindiArray, Stored};
use crate::format::axes::{self, Axes};
use crate::format::hdf5::{AttributeValue, check_chunk_bytes};
use crate::format::open::open_linked;
use crate::format::plain::open_source;
use crate::format::tree::{Listing, Node, NodeKind, Tree, Values, numbers_of};
use crate::format::{
    Cancel, FormatError, FormatErrorCode, Found, OpenOptions, Patience, ReadError, ReadErrorKind, Source, tried,
};
use crate::volume::{ArrayInfo, DType, Grid, Location, Problem, Severity, codes};

/// More chunks than this are no array that anybody has written.
const MAX_CHUNKS: u64 = 1 << 40;

/// Nobody nests groups so deep.
const MAX_DEPTH: usize = 64;

/// A reference file.
pub(super) struct LindiTree {
    home: Home,
    document: Document,
    listing: Listing,
}

impl LindiTree {
    pub fn new(home: Home, document: Document) -> Self {
        let listing = listing_of(&document);
        Self { home, document, listing }
    }

    fn failed(&self, message: impl Into<String>) -> FormatError {
        FormatError::new(&self.home.location, message)
    }

    fn metadata(&self, path: &str) -> Result<Metadata, FormatError> {
        let value =
            self.document.json(&key(path, ".zarray")).ok_or_else(|| self.failed(format!("no array named {path}")))?;
        Metadata::parse(&value).map_err(|message| self.failed(format!("{path}: {message}")))
    }

    /// The array that stands in an HDF5 file in place of so many references.
    fn linked(&self, path: &str, link: &Value, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        let failed = |message: String| self.failed(format!("{path}: {message}"));
        let (Some(url), Some(name)) = (link["url"].as_str(), link["name"].as_str()) else {
            return Err(failed("is a link that names no file or no array".to_owned()));
        };
        if link["link_type"].as_str().is_some_and(|kind| kind != "hdf5_dataset") {
            return Err(failed(format!("is a link of a kind that is not read ({})", link["link_type"])));
        }
        let url = self.document.filled_in(url).map_err(&failed)?;
        let place = Place::of(&self.home, &url, options);
        if let Some(error) = place.fault() {
            return Err(failed(error.to_string()));
        }
        let location = place.location.clone();
        let source = match location.path() {
            Some(path) => open_source(path, name.trim_start_matches('/'), options),
            None => {
                let options = OpenOptions { dataset: Some(name.to_owned()), ..options.clone() };
                open_linked(&location, &options).map(|opened| opened.source)
            }
        };
        source.map_err(|error| failed(error.to_string()))
    }

    /// The stored chunks of an array, and the places they lie in.
    fn stored(
        &self,
        path: &str,
        metadata: &Metadata,
        grid: &Grid,
        options: &OpenOptions,
    ) -> (Vec<Stored>, Vec<Place>, usize) {
        let (mut stored, mut places, mut num_strange) = (Vec::new(), Vec::new(), 0);
        let mut known: HashMap<String, u32> = HashMap::new();
        let prefix = key(path, "");
        let keys = self.document.refs.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        for (key, entry) in keys {
            let Some(rest) = key.strip_prefix(&prefix).filter(|rest| !rest.starts_with(".z")) else { continue };
            let Some(position) = position_of(rest, metadata.separator, grid) else {
                num_strange += 1;
                continue;
            };
            let at = match entry {
                Entry::Text(_) => match self.document.inline(key) {
                    Some(Ok(bytes)) => At::Inline(bytes.into()),
                    Some(Err(message)) => At::Nonsense(message),
                    None => continue,
                },
                Entry::Piece { name, offset, num_bytes } => match self.document.filled_in(name) {
                    Ok(name) => {
                        let place = *known.entry(name).or_insert_with_key(|name| {
                            places.push(Place::of(&self.home, name, options));
                            (places.len() - 1) as u32
                        });
                        At::Piece { place, offset: *offset, num_bytes: *num_bytes }
                    }
                    Err(message) => At::Nonsense(message),
                },
                Entry::Json(_) | Entry::Nonsense => At::Nonsense(format!("{key} names no bytes")),
            };
            stored.push(Stored { position, at });
        }
        // Keys are in the order of their texts; "0.10" may stand for a chunk again that "0.010" stands for.
        stored.sort_by_key(|stored| stored.position);
        stored.dedup_by_key(|stored| stored.position);
        (stored, places, num_strange)
    }

    /// What has to be said of where the chunks of an array lie.
    fn problems(&self, path: &str, places: &[Place], num_strange: usize) -> Vec<Problem> {
        const MAX_LOOKED_AT: usize = 16;
        let own = |code, severity, message: String| Problem::of(code, severity, &self.home.location, message);
        let mut problems = Vec::new();
        if num_strange > 0 {
            let text =
                format!("{path}: {num_strange} of its references are of chunks that it cannot have; they are left out");
            problems.push(own(codes::METADATA_VALUES, Severity::Warning, text));
        }
        let outside: Vec<String> =
            places.iter().filter(|place| place.is_outside).map(|place| place.location.to_string()).collect();
        if let [first, rest @ ..] = outside.as_slice() {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            let text = format!("its data are read from elsewhere: {first}{more}");
            problems.push(own(codes::DATA_ELSEWHERE, Severity::Note, text));
        }
        let faults = places.iter().take(MAX_LOOKED_AT).filter_map(Place::fault);
        problems.extend(faults.filter_map(|error| Problem::of_read(&error)));
        problems
    }

    fn info(
        &self,
        path: &str,
        metadata: &Metadata,
        array: (DType, Grid),
        options: &OpenOptions,
    ) -> Result<(ArrayInfo, Option<Problem>), FormatError> {
        let (dtype, grid) = array;
        let shape = *grid.shape();
        let location = &self.home.location;
        let stem = super::stem(location);
        let hints = axes::Hints { names: &[&stem, path], dtype, num_blocks: 1, resolution: None };
        let (axes, note) = Axes::told_or(options.axes.as_deref(), &shape, || axes::guess(&shape, &hints))
            .map_err(|error| FormatError::new(location, error).with_code(FormatErrorCode::WrongOption))?;
        let note = note.map(|message| Problem::of(codes::AXES_GUESSED, Severity::Note, location, message));
        let filters: Vec<String> = metadata.filters.iter().map(crate::codec::Filter::name).collect();
        let filters = if filters.is_empty() { "none".to_owned() } else { filters.join(", ") };
        let info = ArrayInfo {
            axes: axes.names,
            channel_axis: axes.channel,
            held: axes.held,
            axes_from: axes.from,
            facts: vec![
                ("Array".to_owned(), path.to_owned()),
                ("Stored".to_owned(), filters),
                ("References".to_owned(), self.home.container.words().to_owned()),
            ],
            ..ArrayInfo::new(stem.clone(), location, "LINDI", shape, dtype)
        };
        Ok((info, note))
    }
}

/// In few words where an array's bytes lie.
fn places_in_words(places: &[Place]) -> Option<String> {
    const MAX_NAMED: usize = 3;
    let mut words: Vec<String> = places.iter().take(MAX_NAMED).map(|place| place.location.short()).collect();
    if places.len() > MAX_NAMED {
        words.push(format!("{} more", places.len() - MAX_NAMED));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

impl Tree for LindiTree {
    fn location(&self) -> &Location {
        &self.home.location
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn open(&self, path: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        if let Some(link) = self
            .document
            .json(&key(path, ".zattrs"))
            .and_then(|attributes| attributes.get("_EXTERNAL_ARRAY_LINK").cloned())
        {
            return self.linked(path, &link, options);
        }
        let failed = |message: String| self.failed(format!("{path}: {message}"));
        let metadata = self.metadata(path)?;
        if let Some(why) = &metadata.unread {
            return Err(failed(format!("{why}, which is not read here")));
        }
        let (dtype, chunks) = metadata.grid().map_err(&failed)?;
        if chunks.num_cells() > MAX_CHUNKS {
            return Err(failed(format!("claims {} chunks", chunks.num_cells())));
        }
        let is_coded = !metadata.filters.is_empty() || metadata.is_by_column;
        if is_coded {
            check_chunk_bytes(chunks.cell().num_bytes(dtype).unwrap_or(usize::MAX)).map_err(&failed)?;
        }
        let (mut info, note) = self.info(path, &metadata, (dtype, chunks), options)?;
        let is_big_endian = matches!(metadata.kind, Kind::Numbers { is_big_endian: true, .. });
        let mut fill = metadata.fill_bytes(dtype).map_err(&failed)?;
        let (stored, places, num_strange) = self.stored(path, &metadata, &chunks, options);
        let num_absent = chunks.num_cells().saturating_sub(stored.len() as u64);
        if num_absent > 0 {
            let text =
                format!("{num_absent} of {} chunks are left out: all of them is {}", chunks.num_cells(), metadata.fill);
            info.facts.push(("Fill value".to_owned(), text));
        }
        info.facts.extend(places_in_words(&places).map(|words| ("Data in".to_owned(), words)));
        if is_big_endian {
            fill.reverse();
        }
        let mut problems = self.problems(path, &places, num_strange);
        problems.extend(note);
        Ok(Arc::new(LindiArray {
            info: Arc::new(info),
            parts: parts_of(&chunks, dtype, is_coded),
            chunks,
            filters: metadata.filters,
            is_by_column: metadata.is_by_column,
            is_big_endian,
            fill,
            stored,
            is_remote: places.iter().any(Place::is_remote),
            places,
            file: self.home.location.clone(),
            found: Found::new(problems),
        }))
    }

    fn small(&self, path: &str, max: usize) -> Result<Values, FormatError> {
        let failed = |message: String| self.failed(format!("{path}: {message}"));
        let metadata = self.metadata(path)?;
        // Before anything else: what the listing calls a single value may be written down as any number of them.
        let num = metadata.dims.iter().fold(1u64, |num, &dim| num.saturating_mul(dim));
        if num > max as u64 {
            return Err(failed(format!("has {num} values; up to {max} are read")));
        }
        if matches!(metadata.kind, Kind::Numbers { .. }) {
            // A single value is an array of one.
            let source = self.open(path, &OpenOptions::default())?;
            return numbers_of(source.as_ref()).map(Values::Numbers);
        }
        let first = vec!["0"; metadata.dims.len().max(1)].join(&metadata.separator.to_string());
        let chunk = key(path, &first);
        let bytes = match self.document.refs.get(&chunk) {
            None => return Ok(Values::Texts(vec![String::new(); num as usize])),
            Some(Entry::Piece { name, offset, num_bytes }) => {
                self.fetched(name, *offset, *num_bytes).map_err(&failed)?
            }
            Some(_) => match self.document.inline(&chunk) {
                Some(bytes) => bytes.map_err(&failed)?,
                None => return Err(failed("its text is not in the file".to_owned())),
            },
        };
        let fields = self.document.json(&key(path, ".zattrs")).map(|attributes| attributes["_COMPOUND_DTYPE"].clone());
        small::values(&metadata, &bytes, &fields.unwrap_or_default(), num as usize).map_err(failed)
    }
}

impl LindiTree {
    /// Bytes of a small piece, tried again while faults pass.
    fn fetched(&self, name: &str, offset: u64, num_bytes: u64) -> Result<Vec<u8>, String> {
        if num_bytes > small::MAX_BYTES as u64 {
            return Err(format!("has {num_bytes} bytes; up to {} are read", small::MAX_BYTES));
        }
        let place = Place::of(&self.home, &self.document.filled_in(name)?, &OpenOptions::default());
        let cancel = Cancel::new();
        let tried = tried(&Patience::VIEW, &cancel, &mut |until| place.fetch(offset, num_bytes, until, &cancel));
        let given_up = || ReadError::new(ReadErrorKind::Io, &place.location, "given up");
        tried.unwrap_or_else(|| Err(given_up())).map_err(|error| error.to_string())
    }
}

/// The key of something at a path.
fn key(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// Position in the grid of the chunk that a key names: "0.3.1"; "0" where there is no axis.
fn position_of(text: &str, separator: char, grid: &Grid) -> Option<u64> {
    let at: Option<Vec<usize>> = text.split(separator).map(|number| number.parse().ok()).collect();
    let at = at?;
    let counts = grid.counts().dims();
    (at.len() == counts.len() && at.iter().zip(counts).all(|(at, count)| at < count)).then(|| grid.position(&at))
}

/// Everything a file of references lists.
fn listing_of(document: &Document) -> Listing {
    let mut listing = Listing::default();
    listing.insert("", Node::new(NodeKind::Group));
    for key in document.refs.keys() {
        let (path, name) = split_key(key);
        if !matches!(name, ".zgroup" | ".zarray") || listing.at(path).is_some() && !path.is_empty() {
            continue;
        }
        if path.matches('/').count() >= MAX_DEPTH {
            let why = || format!("it has groups within groups, more than {MAX_DEPTH} deep");
            listing.cut = listing.cut.or_else(|| Some(why()));
            continue;
        }
        let attributes = document.json(&self::key(path, ".zattrs")).unwrap_or_default();
        let kind = if name == ".zgroup" { group_of(&attributes) } else { array_of(document, path, &attributes) };
        match kind {
            Ok(kind) => listing.insert(path, Node { kind, attributes: attributes_of(&attributes) }),
            Err(why) => listing.cut = listing.cut.or_else(|| Some(format!("{path:?} {why}"))),
        }
        // Groups that nobody has written down.
        let mut parent = path;
        while let Some((above, _)) = parent.rsplit_once('/') {
            // Those above it are known as well.
            if listing.at(above).is_some() {
                break;
            }
            if !document.refs.contains_key(&self::key(above, ".zgroup")) {
                listing.insert(above, Node::new(NodeKind::Group));
            }
            parent = above;
        }
    }
    listing
}

fn split_key(key: &str) -> (&str, &str) {
    let key = key.trim_start_matches('/');
    key.rsplit_once('/').unwrap_or(("", key))
}

fn group_of(attributes: &Value) -> Result<NodeKind, String> {
    match &attributes["_SOFT_LINK"] {
        Value::Null => Ok(NodeKind::Group),
        link => link["path"]
            .as_str()
            .map(|path| NodeKind::Link(path.to_owned()))
            .ok_or_else(|| "is a link to nothing".into()),
    }
}

fn array_of(document: &Document, path: &str, attributes: &Value) -> Result<NodeKind, String> {
    let value = document.json(&key(path, ".zarray")).ok_or("has metadata that make no sense")?;
    let metadata = Metadata::parse(&value)?;
    let is_scalar = attributes["_SCALAR"] == Value::Bool(true);
    let dtype = match metadata.kind {
        Kind::Numbers { dtype, .. } => Some(dtype),
        _ => None,
    };
    Ok(NodeKind::Array { shape: if is_scalar { Vec::new() } else { metadata.dims }, dtype })
}

/// Attributes that are numbers or text; those that only the format needs are not shown.
fn attributes_of(attributes: &Value) -> BTreeMap<String, AttributeValue> {
    let Some(attributes) = attributes.as_object() else { return BTreeMap::new() };
    let shown = attributes.iter().filter(|(name, _)| !name.starts_with('_'));
    shown.filter_map(|(name, value)| Some((name.clone(), attribute_of(value)?))).collect()
}

fn attribute_of(value: &Value) -> Option<AttributeValue> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        Value::String(text) if float_of(value).is_none() => return Some(AttributeValue::Text(text.clone())),
        _ => std::slice::from_ref(value),
    };
    if values.is_empty() {
        return None;
    }
    let integers: Option<Vec<i64>> =
        values.iter().map(|value| value.as_bool().map(i64::from).or_else(|| value.as_i64())).collect();
    integers.map(AttributeValue::Integers).or_else(|| {
        let floats: Option<Vec<f64>> = values.iter().map(float_of).collect();
        floats.map(AttributeValue::Floats)
    })
}

/// A number; those that JSON has none for stand as text.
pub(super) fn float_of(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => value.as_f64(),
    }
}
