//! What OME-Zarr metadata (0.1 to 0.5, and what 0.6 has in common with them) say of images, channels, plates and
//! labels. Read leniently: what cannot be understood is left out, and never keeps an image from being shown.

use serde_json::{Map, Value};

use super::node::{Node, join};

/// The most of anything that metadata may list: images, levels, channels, wells.
const MAX_LISTED: usize = 10_000;

/// The most resolutions of an image.
const MAX_LEVELS: usize = 64;

/// An image at its resolutions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multiscale {
    /// What it is called.
    pub name: Option<String>,
    /// Its axes, slowest first; empty where the version has none or they make no sense.
    pub axes: Vec<OmeAxis>,
    /// Its resolutions, the finest first.
    pub levels: Vec<Level>,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OmeAxis {
    /// Its name: "t", "c", "z", …
    pub name: String,
    /// Its type: "time", "channel", "space"; empty where it is not said.
    pub kind: String,
    /// Its unit: "micrometer"; empty where it is not said.
    pub unit: String,
}

/// A resolution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Level {
    /// Path of the array, below the image's group.
    pub path: String,
    /// Length of a voxel along each axis, in its unit.
    pub scale: Option<Vec<f64>>,
}

/// How a channel wants to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OmeroChannel {
    /// What it is called.
    pub label: Option<String>,
    /// Red, green, blue.
    pub color: Option<[u8; 3]>,
    /// Contrast limits.
    pub limits: Option<[f64; 2]>,
    /// Whether it is shown at first.
    pub is_active: bool,
}

/// The OME metadata of a node, if any: below `ome` since 0.5.
pub fn of(node: &Node) -> &Map<String, Value> {
    match node.attributes.get("ome") {
        Some(Value::Object(ome)) => ome,
        _ => &node.attributes,
    }
}

/// The version they say they are of; empty where they do not.
pub fn version(ome: &Map<String, Value>) -> String {
    let within = ["multiscales", "plate", "well"].into_iter().find_map(|key| {
        let value = ome.get(key)?;
        let object = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        object.get("version")
    });
    let version = ome.get("version").or(within).and_then(Value::as_str).unwrap_or_default();
    version.chars().filter(|c| !c.is_control()).take(20).collect()
}

/// The images of a group.
pub fn multiscales(ome: &Map<String, Value>) -> Vec<Multiscale> {
    list(ome.get("multiscales")).map(multiscale).filter(|image| !image.levels.is_empty()).collect()
}

fn multiscale(value: &Value) -> Multiscale {
    // Since 0.6 the axes belong to a coordinate system.
    let axes = value.get("axes").or_else(|| value.get("coordinateSystems")?.get(0)?.get("axes"));
    let axes = list(axes)
        .map(|axis| match axis {
            Value::String(name) => OmeAxis { name: name.clone(), ..OmeAxis::default() },
            _ => OmeAxis { name: text(axis, "name"), kind: text(axis, "type"), unit: text(axis, "unit") },
        })
        .collect();
    let common = scale_of(value);
    let levels = list(value.get("datasets")).take(MAX_LEVELS).filter_map(|level| {
        let path = level.get("path")?.as_str()?.to_owned();
        let scale = match (scale_of(level), &common) {
            (Some(own), Some(common)) if own.len() == common.len() => {
                Some(own.iter().zip(common).map(|(a, b)| a * b).collect())
            }
            (own, common) => own.or_else(|| common.clone()),
        };
        Some(Level { path, scale })
    });
    let name = value.get("name").and_then(Value::as_str).map(str::to_owned);
    Multiscale { name: name.filter(|name| !name.trim().is_empty()), axes, levels: levels.collect() }
}

/// The product of the scales among the transformations of a level or an image.
fn scale_of(value: &Value) -> Option<Vec<f64>> {
    let mut all: Option<Vec<f64>> = None;
    for transformation in list(value.get("coordinateTransformations")) {
        let steps = match transformation.get("transformations") {
            Some(Value::Array(steps)) => &steps[..],
            _ => std::slice::from_ref(transformation),
        };
        for step in steps.iter().filter(|step| text(step, "type") == "scale") {
            let scale: Vec<f64> = list(step.get("scale")).map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
            all = Some(match all {
                Some(all) if all.len() == scale.len() => all.iter().zip(&scale).map(|(a, b)| a * b).collect(),
                _ => scale,
            });
        }
    }
    all
}

/// The channels that OMERO's metadata describe, in their order.
pub fn channels(ome: &Map<String, Value>) -> Vec<OmeroChannel> {
    list(ome.get("omero").and_then(|omero| omero.get("channels"))).map(channel).collect()
}

fn channel(value: &Value) -> OmeroChannel {
    let limit = |name: &str| value.get("window").and_then(|window| window.get(name)).and_then(Value::as_f64);
    let limits = limit("start").zip(limit("end")).filter(|(start, end)| start < end);
    OmeroChannel {
        label: Some(text(value, "label")).filter(|label| !label.trim().is_empty()),
        color: value.get("color").and_then(Value::as_str).and_then(color),
        limits: limits.map(|(start, end)| [start, end]),
        is_active: value.get("active").and_then(Value::as_bool).unwrap_or(true),
    }
}

/// "00FF00", with or without `#`, and perhaps with an alpha behind.
fn color(text: &str) -> Option<[u8; 3]> {
    let hex = text.trim().trim_start_matches('#');
    if !matches!(hex.len(), 6 | 8) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some([byte(0)?, byte(2)?, byte(4)?])
}

/// Paths of the wells of a plate; `None` where it is none.
pub fn wells(ome: &Map<String, Value>) -> Option<Vec<String>> {
    let plate = ome.get("plate")?;
    Some(list(plate.get("wells")).filter_map(|well| Some(well.get("path")?.as_str()?.to_owned())).collect())
}

/// Paths of the fields of a well; `None` where it is none.
pub fn fields(ome: &Map<String, Value>) -> Option<Vec<String>> {
    let well = ome.get("well")?;
    Some(list(well.get("images")).filter_map(|image| Some(image.get("path")?.as_str()?.to_owned())).collect())
}

/// Names of the label images in a `labels` group.
pub fn labels(ome: &Map<String, Value>) -> Vec<String> {
    list(ome.get("labels")).filter_map(|name| name.as_str().map(|name| join("labels", name))).collect()
}

/// Whether the group holds one image for each series of a microscope's file, named by numbers.
pub fn is_series(ome: &Map<String, Value>) -> bool {
    ome.contains_key("bioformats2raw.layout")
}

/// Paths of the series that the group `OME` of such a group lists.
pub fn series(ome: &Map<String, Value>) -> Vec<String> {
    list(ome.get("series")).filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten().take(MAX_LISTED)
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_json(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_no_metadata_is_left_out() {
        for value in [
            json!({"multiscales": 3, "omero": [], "plate": "a", "well": null, "labels": {}}),
            json!({"multiscales": [{"datasets": [{"path": 7}, {}, null]}], "omero": {"channels": [null, 3]}}),
            json!({"multiscales": [{"axes": {"a": 1}, "datasets": "0"}], "plate": {"wells": [[], {"path": {}}]}}),
        ] {
            let ome = of_json(value);
            assert_eq!(multiscales(&ome), []);
            assert!(wells(&ome).unwrap_or_default().is_empty() && fields(&ome).unwrap_or_default().is_empty());
            assert!(labels(&ome).is_empty() && version(&ome).is_empty());
            assert!(channels(&ome).iter().all(|channel| channel.color.is_none() && channel.is_active));
        }
    }

    #[test]
    fn scales_are_multiplied_and_older_versions_have_plain_axes() {
        let scale =
            |scale: &[f64]| json!([{"type": "scale", "scale": scale}, {"type": "translation", "translation": [1]}]);
        let image = json!({
            "axes": ["t", "y", "x"], "coordinateTransformations": scale(&[0.5, 1.0, 1.0]),
            "datasets": [{"path": "0", "coordinateTransformations": scale(&[1.0, 2.0, 3.0])}, {"path": "1"}],
        });
        let found = multiscales(&of_json(json!({"multiscales": [image]}))).swap_remove(0);
        assert_eq!(found.axes.iter().map(|axis| axis.name.as_str()).collect::<String>(), "tyx");
        assert_eq!(found.levels[0].scale, Some(vec![0.5, 2.0, 3.0]));
        assert_eq!(found.levels[1].scale, Some(vec![0.5, 1.0, 1.0]));
        let later = json!({
            "coordinateSystems": [{"name": "physical", "axes": [{"name": "y", "type": "space"}]}],
            "datasets": [{"path": "s0", "coordinateTransformations": [
                {"type": "sequence", "transformations": scale(&[4.0])}]}],
        });
        let found = multiscales(&of_json(json!({"version": "0.6", "multiscales": [later]}))).swap_remove(0);
        assert_eq!((found.axes[0].kind.as_str(), &found.levels[0].scale), ("space", &Some(vec![4.0])));
    }

    #[test]
    fn colours_are_read_as_they_are_written() {
        for (text, rgb) in [("00FF00", [0, 255, 0]), ("#ff8000", [255, 128, 0]), ("0000ffff", [0, 0, 255])] {
            assert_eq!(color(text), Some(rgb), "{text}");
        }
        for text in ["", "green", "12345", "00ÿ00", "+1+1+1"] {
            assert_eq!(color(text), None, "{text}");
        }
    }
}
