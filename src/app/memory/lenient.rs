//! Reading what another version of the program wrote, or somebody by hand: what makes no sense costs
//! nothing else.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// `start` with the fields of `value` that make sense.
pub fn lenient<T>(start: &T, value: Option<&Value>) -> T
where
    T: Clone + Serialize + DeserializeOwned,
{
    let (Ok(mut good), Some(Value::Object(fields))) = (serde_json::to_value(start), value) else {
        return start.clone();
    };
    take_fields::<T>(&mut good, "", fields);
    serde_json::from_value(good).unwrap_or_else(|_| start.clone())
}

fn take_fields<T: DeserializeOwned>(good: &mut Value, at: &str, fields: &Map<String, Value>) {
    for (key, value) in fields {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        if good.pointer(&at).is_some() {
            take::<T>(good, &at, value);
        }
    }
}

/// Takes over a value whole, or else what of it makes sense.
fn take<T: DeserializeOwned>(good: &mut Value, at: &str, value: &Value) {
    let Some(place) = good.pointer_mut(at) else { return };
    let before = std::mem::replace(place, value.clone());
    if T::deserialize(&*good).is_ok() {
        return;
    }
    let Some(place) = good.pointer_mut(at) else { return };
    *place = before;
    match (place, value) {
        (Value::Object(_), Value::Object(fields)) => take_fields::<T>(good, at, fields),
        // A list of things that each look like the first: as many as the file names.
        (Value::Array(things), Value::Array(values)) if things.first().is_some_and(Value::is_object) => {
            let like = things[0].clone();
            things.resize(values.len().max(1), like);
            for (index, value) in values.iter().enumerate() {
                take::<T>(good, &format!("{at}/{index}"), value);
            }
        }
        _ => {}
    }
}

/// A view as versions wrote it that knew one canvas and one layer, in today's form; any other as it is.
pub fn todays(value: Value) -> Value {
    let Value::Object(old) = &value else { return value };
    if old.contains_key("views") || old.contains_key("cursor") {
        return value;
    }
    let some_of = |names: &[&str]| -> Map<String, Value> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), old.get(*name)?.clone()))).collect()
    };
    let mut cursor = some_of(&["t"]);
    for (index, axis) in ["z", "y", "x"].into_iter().enumerate() {
        if let Some(depth) = old.get("depth").and_then(|depth| depth.get(index)) {
            cursor.insert(axis.to_owned(), depth.clone());
        }
    }
    let view = some_of(&["orientation", "mode", "op", "slabs", "camera"]);
    let layer = some_of(&["contrast", "gamma", "invert", "saturation"]);
    json!({ "cursor": cursor, "views": [view], "layers": [layer] })
}
