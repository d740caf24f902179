//! The codecs of an array as its metadata name them, made ready for zarrs: configurations that do not matter are
//! settled, and what zarrs does not know but is known here is put so that it takes it.

use serde_json::{Value, json};

/// The size of the items of a shuffle that stands for LZ4, of which zarrs knows nothing: no chunk has such items.
pub const LZ4: u64 = (u32::MAX as u64) << 8;

/// Gives codecs whose data say how they were coded the same harmless configuration, whatever stands there. Codecs
/// of which nothing is to be undone are left out.
pub fn settle(metadata: &mut Value) {
    for list in ["codecs", "index_codecs", "filters"] {
        let Some(codecs) = metadata.get_mut(list).and_then(Value::as_array_mut) else { continue };
        codecs.retain(|codec| !is_lossy_alone(codec));
        codecs.iter_mut().for_each(settle_codec);
    }
    if let Some(compressor) = metadata.get_mut("compressor") {
        settle_codec(compressor);
    }
}

fn settle_codec(codec: &mut Value) {
    let Some(fields) = codec.as_object_mut() else { return };
    let (is_2, name) = match (fields.get("id"), fields.get("name")) {
        (Some(id), _) => (true, id.as_str()),
        (_, name) => (false, name.and_then(Value::as_str)),
    };
    let configuration = match name.unwrap_or_default().trim_start_matches("numcodecs.") {
        "gzip" | "zlib" | "bz2" => json!({"level": 1}),
        "zstd" if is_2 => json!({"level": 1}),
        "zstd" => json!({"level": 1, "checksum": false}),
        "blosc" if is_2 => json!({"cname": "lz4", "clevel": 1, "shuffle": 0, "blocksize": 0}),
        "blosc" => json!({"cname": "lz4", "clevel": 1, "shuffle": "noshuffle", "blocksize": 0}),
        "lz4" => {
            *codec = match is_2 {
                true => json!({"id": "shuffle", "elementsize": LZ4}),
                false => json!({"name": "numcodecs.shuffle", "configuration": {"elementsize": LZ4}}),
            };
            return;
        }
        _ => {
            fields.get_mut("configuration").into_iter().for_each(settle);
            return;
        }
    };
    match configuration {
        Value::Object(settled) if is_2 => fields.extend(settled),
        settled => drop(fields.insert("configuration".to_owned(), settled)),
    }
}

/// Whether a codec only ever changes what it is given when it is written.
fn is_lossy_alone(codec: &Value) -> bool {
    let (name, fields) = named(codec);
    name == "bitround" || name == "quantize" && (fields["astype"].is_null() || fields["astype"] == fields["dtype"])
}

/// Name of a codec, and where the rest of it stands.
fn named(codec: &Value) -> (&str, &Value) {
    match codec["id"].as_str() {
        Some(id) => (id, codec),
        None => (codec["name"].as_str().unwrap_or_default().trim_start_matches("numcodecs."), &codec["configuration"]),
    }
}

/// Takes out the codec that stores whole numbers as differences to the one before, where it comes first of all and
/// keeps their type; whether there was one.
pub fn take_delta(metadata: &mut Value) -> bool {
    // What is before what is counted along rows.
    let is_by_row = metadata["order"] != "F";
    let own = if metadata["zarr_format"] == 2 { metadata["dtype"].as_str() } else { None }.map(str::to_owned);
    let list = if own.is_some() { "filters" } else { "codecs" };
    let Some(codecs) = metadata.get_mut(list).and_then(Value::as_array_mut) else { return false };
    let is_delta = codecs.first().is_some_and(|codec| {
        let (name, fields) = named(codec);
        let kept = fields["astype"].is_null() || fields["astype"] == fields["dtype"];
        let dtype = fields["dtype"].as_str().unwrap_or_default();
        let is_whole = dtype.trim_start_matches(['<', '>', '|']).starts_with(['u', 'i']);
        name == "delta" && kept && is_whole && own.is_none_or(|own| own == dtype)
    });
    if is_delta && is_by_row {
        codecs.remove(0);
    }
    is_delta && is_by_row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_put_so_that_they_are_understood() {
        let mut metadata = json!({"zarr_format": 2, "dtype": "<u2", "order": "C", "compressor": {"id": "lz4"},
            "filters": [{"id": "delta", "dtype": "<u2", "astype": "<u2"}, {"id": "bitround", "keepbits": 3}]});
        settle(&mut metadata);
        assert!(take_delta(&mut metadata));
        assert_eq!((&metadata["filters"], &metadata["compressor"]["id"]), (&json!([]), &json!("shuffle")));
        let mut metadata = json!({"zarr_format": 3, "codecs": [
            {"name": "numcodecs.delta", "configuration": {"dtype": "<i4"}},
            {"name": "sharding_indexed", "configuration": {"codecs": [{"name": "numcodecs.lz4", "configuration": {}}]}}]});
        settle(&mut metadata);
        assert!(take_delta(&mut metadata));
        assert_eq!(metadata["codecs"][0]["configuration"]["codecs"][0]["configuration"], json!({"elementsize": LZ4}));
    }

    #[test]
    fn differences_that_are_others_stay_in_the_list() {
        for (dtype, astype, order) in
            [("<f4", "<f4", "C"), ("<u2", "<u1", "C"), ("<u2", "<u2", "F"), ("<u4", "<u4", "C")]
        {
            let delta = json!({"id": "delta", "dtype": dtype, "astype": astype});
            let mut metadata = json!({"zarr_format": 2, "dtype": "<u2", "order": order, "filters": [delta]});
            assert!(
                !take_delta(&mut metadata) && metadata["filters"].as_array().unwrap().len() == 1,
                "{dtype} {order}"
            );
        }
        for strange in
            [json!(null), json!([]), json!({"codecs": 3}), json!({"codecs": [[], null]}), json!({"filters": [7]})]
        {
            let mut metadata = strange.clone();
            settle(&mut metadata);
            assert!(!take_delta(&mut metadata) && metadata == strange, "{strange}");
        }
    }
}
