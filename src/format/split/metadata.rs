//! What the metadata beside the blocks claim: `stack_metadata.json` of every writer and year, and the
//! oldest form inside the last block. Claims only; the files decide.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::format::hdf5::{AttributeValue, open_shared, read_tuple_group};
use crate::volume::{Problem, Severity, codes};

/// Metadata files are a few hundred bytes; a larger one than this is something else.
const MAX_JSON_BYTES: u64 = 32 << 20;

/// The claims of one metadata file, as far as they make sense by themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Claim {
    /// The file they stand in.
    pub file: PathBuf,
    /// Extent of the recording.
    pub full: Option<Vec<u64>>,
    /// Extent of a block; `None` inside means the whole axis.
    pub block: Option<Vec<Option<u64>>>,
    /// Trailing overlap of the blocks; empty for none.
    pub padding: Vec<u64>,
    /// Three positive numbers, µm: z, y, x.
    pub voxel_size: Option<[f64; 3]>,
    /// Positive numbers in the order of the dataset's axes.
    pub resolution: Option<Vec<f64>>,
    /// Volumes per second, where this program wrote it: no other writer has a field for it.
    pub rate_hz: Option<f64>,
    /// Who wrote it, as far as its keys tell.
    pub writer: Option<&'static str>,
}

impl Claim {
    /// The claimed extent for people: as numbers when they are, empty when nothing is claimed.
    pub fn full_text(&self) -> String {
        let numbers = self.full.as_deref().unwrap_or_default();
        numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" × ")
    }
}

fn problem(severity: Severity, code: &'static str, file: &Path, message: impl Into<String>) -> Problem {
    Problem { code, severity, file: Some(file.into()), span: None, message: message.into() }
}

/// Reads a JSON file that may hold Python's `NaN` and `Infinity`, which are taken for null.
pub(super) fn read_value(path: &Path) -> Result<Value, String> {
    let mut text = Vec::new();
    let file = open_shared(path).map_err(|error| error.to_string())?;
    file.take(MAX_JSON_BYTES + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_JSON_BYTES {
        return Err("far too large for metadata".into());
    }
    if text.is_empty() {
        return Err("the file is empty".into());
    }
    serde_json::from_slice(&text).or_else(|error| {
        let plain = String::from_utf8_lossy(&text).replace("-Infinity", "null").replace("Infinity", "null");
        serde_json::from_str(&plain.replace("NaN", "null")).map_err(|_| format!("not JSON: {error}"))
    })
}

/// Reads `stack_metadata.json`. Always gives a claim, possibly empty, and says what is wrong with it.
pub(super) fn read_json(path: &Path) -> (Claim, Vec<Problem>) {
    let mut claim = Claim { file: path.to_owned(), ..Claim::default() };
    let value = match read_value(path) {
        Ok(Value::Object(map)) => map,
        Ok(_) => {
            let text = "not a JSON object; the recording is described by its blocks alone";
            return (claim, vec![problem(Severity::Warning, codes::METADATA_UNREADABLE, path, text)]);
        }
        Err(error) => {
            let text = format!("{error}; the recording is described by its blocks alone");
            return (claim, vec![problem(Severity::Warning, codes::METADATA_UNREADABLE, path, text)]);
        }
    };
    let mut wrong: Vec<String> = Vec::new();
    match value.get("shape_full") {
        None => wrong.push("shape_full is absent".into()),
        Some(full) => match whole_numbers(full).and_then(|all| all.into_iter().collect::<Option<Vec<u64>>>()) {
            Some(full) if !full.is_empty() && !full.contains(&0) => claim.full = Some(full),
            _ => wrong.push(format!("shape_full {} makes no sense", short(full))),
        },
    }
    match value.get("shape_block") {
        None => wrong.push("shape_block is absent".into()),
        Some(block) => match whole_numbers(block) {
            Some(block) if !block.is_empty() && !block.contains(&Some(0)) => claim.block = Some(block),
            _ => wrong.push(format!("shape_block {} makes no sense", short(block))),
        },
    }
    if let Some(padding) = value.get("padding") {
        match whole_numbers(padding).and_then(|all| all.into_iter().collect::<Option<Vec<u64>>>()) {
            Some(padding) => claim.padding = padding,
            None => wrong.push(format!("padding {} makes no sense", short(padding))),
        }
    }
    // Defaults of some rigs hold nulls here: no voxel size, and nothing wrong.
    claim.voxel_size = value.get("voxel_size").and_then(lengths).and_then(|all| <[f64; 3]>::try_from(all).ok());
    claim.resolution = value.get("resolution").and_then(lengths);
    claim.rate_hz = value.get("rate").and_then(Value::as_f64).filter(|rate| rate.is_finite() && *rate > 0.0);
    let has = |key: &str| value.contains_key(key);
    claim.writer = if has("voxel_size") && has("axis_order") {
        Some("split_dataset")
    } else if has("voxel_size") {
        Some("sashimi")
    } else if has("files") {
        Some("fimpy")
    } else if has("resolution") {
        Some("split_dataset")
    } else if has("crop_start") {
        Some("brunoise")
    } else if claim.full.is_some() && value.len() == 2 {
        Some("shapes only")
    } else {
        None
    };
    let problems = (!wrong.is_empty()).then(|| {
        problem(
            Severity::Warning,
            codes::METADATA_VALUES,
            path,
            format!("{}; the blocks are believed", wrong.join(", ")),
        )
    });
    (claim, problems.into_iter().collect())
}

/// The oldest form: a group `stack_metadata` of tuples in the last block. `None` where there is none.
pub(super) fn read_from_block(path: &Path) -> Option<Claim> {
    let numbers = |key: &str| -> Option<Vec<u64>> {
        let values = read_tuple_group(path, &format!("stack_metadata/{key}")).ok()?;
        let number = |value: &AttributeValue| match value.integers()?.as_slice() {
            [only] => u64::try_from(*only).ok().filter(|&n| n > 0),
            _ => None,
        };
        values.iter().map(number).collect::<Option<Vec<u64>>>().filter(|all| !all.is_empty())
    };
    let full = numbers("full_size")?;
    Some(Claim {
        file: path.to_owned(),
        full: Some(full),
        block: numbers("block_size").map(|all| all.into_iter().map(Some).collect()),
        writer: Some("metadata in the last block"),
        ..Claim::default()
    })
}

/// An array of whole numbers that are not negative, or null.
fn whole_numbers(value: &Value) -> Option<Vec<Option<u64>>> {
    let number = |value: &Value| match value {
        Value::Null => Some(None),
        // Python writers store 4.0 here and there.
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n)).map(|n| n as u64))
            .map(Some),
        _ => None,
    };
    value.as_array()?.iter().map(number).collect()
}

/// An array of positive finite numbers.
fn lengths(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(|v| v.as_f64().filter(|n| n.is_finite() && *n > 0.0)).collect()
}

/// A value as text, short enough for a message.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str) -> (Claim, Vec<Problem>) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("stack_metadata.json");
        std::fs::write(&path, text).expect("written");
        read_json(&path)
    }

    #[test]
    fn every_writer_is_told_by_its_keys() {
        let (sashimi, problems) = claim(
            r#"{"shape_full": [22, 6, 88, 104], "shape_block": [8, null, 88, 104.0], "crop": [0, null, 1, 2],
                "padding": [0, 0, 0, 0], "voxel_size": [10.0, 0.6, 0.6]}"#,
        );
        assert_eq!(problems, []);
        assert_eq!(sashimi.block, Some(vec![Some(8), None, Some(88), Some(104)]));
        assert_eq!((sashimi.writer, sashimi.voxel_size), (Some("sashimi"), Some([10.0, 0.6, 0.6])));
        let (julia, _) = claim(r#"{"shape_full": [1, 2], "shape_block": [1, 2]}"#);
        assert_eq!(julia.writer, Some("shapes only"));
        let (nan, problems) = claim(r#"{"shape_full": [1], "shape_block": [1], "voxel_size": [NaN, 1, -Infinity]}"#);
        assert_eq!((nan.voxel_size, problems.len()), (None, 0));
    }

    #[test]
    fn nonsense_is_named_once_and_claims_nothing() {
        for text in ["", "{", "[1]", "3", "\u{0}"] {
            let (claim, problems) = claim(text);
            assert_eq!((claim.full, claim.block), (None, None), "{text}");
            assert_eq!(problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["metadata_unreadable"], "{text}");
        }
        for text in [
            "{}",
            r#"{"shape_full": "12x3", "shape_block": [4]}"#,
            r#"{"shape_full": [-12, 3], "shape_block": [4, 3]}"#,
            r#"{"shape_full": [12, 3], "shape_block": [0, 3]}"#,
            r#"{"shape_full": [1e300], "shape_block": [1.5]}"#,
        ] {
            let (_, problems) = claim(text);
            assert_eq!(problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["metadata_values"], "{text}");
        }
    }
}
