//! The metadata of an OME-Zarr image: of each of its arrays, and of the group that holds them.

use serde_json::{Map, Value, json};

use super::codecs;
use super::image::{ImageAxis, limits};
use super::layout::Level;
use super::mean::Rule;
use crate::volume::DType;
use crate::write::{ChannelLook, Compression, Subject};

/// Colours of channels that have none: those that OMERO gives.
const COLORS: [&str; 7] = ["FFFFFF", "00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF"];

/// The metadata of one array.
pub fn array(level: &Level, dtype: DType, axes: &[ImageAxis], compression: Compression) -> Value {
    let inner = codecs::metadata(compression, dtype);
    let codecs = match level.is_sharded {
        true => vec![codecs::sharded(level.chunks.cell(), inner)],
        false => inner,
    };
    // Without shards a piece is many objects.
    let object = if level.is_sharded { level.pieces.cell() } else { level.chunks.cell() };
    let fill = match dtype {
        DType::Bool => json!(false),
        _ if dtype.is_float() => json!(0.0),
        _ => json!(0),
    };
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": level.chunks.shape().dims(),
        "data_type": dtype.name(),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": object.dims()}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": codecs,
        "attributes": {},
        "dimension_names": axes.iter().map(|axis| axis.name).collect::<Vec<_>>(),
    })
}

/// The metadata of the group, with those of its arrays inside, so that one request tells all.
pub fn group(subject: &Subject, axes: &[ImageAxis], levels: &[Level], rule: Rule, arrays: &[Value]) -> Value {
    let inside: Map<String, Value> =
        arrays.iter().enumerate().map(|(i, array)| (i.to_string(), array.clone())).collect();
    json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"ome": ome(subject, axes, levels, rule)},
        "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": inside},
    })
}

fn ome(subject: &Subject, axes: &[ImageAxis], levels: &[Level], rule: Rule) -> Value {
    let info = subject.source.info();
    let mut image = json!({
        "name": info.name,
        "axes": axes.iter().map(axis).collect::<Vec<_>>(),
        "datasets": datasets(axes, levels, rule),
    });
    if levels.len() > 1 {
        image["type"] = json!(rule.name());
    }
    let mut ome = json!({"version": "0.5", "multiscales": [image]});
    if super::image::can_show(subject) {
        let channels: Vec<Value> =
            subject.channels.iter().enumerate().map(|(i, look)| channel(i, look, info.dtype)).collect();
        ome["omero"] = json!({"channels": channels});
    }
    ome
}

fn axis(axis: &ImageAxis) -> Value {
    let mut value = json!({"name": axis.name});
    if let Some(kind) = axis.kind {
        value["type"] = json!(kind);
    }
    if let Some((unit, _)) = axis.step {
        value["unit"] = json!(unit);
    }
    value
}

/// Each resolution with the length of its voxels and where the middle of the first one lies.
fn datasets(axes: &[ImageAxis], levels: &[Level], rule: Rule) -> Vec<Value> {
    let mut factors = vec![1.0; axes.len()];
    let of = |(i, level): (usize, &Level)| {
        factors.iter_mut().zip(&level.factors).for_each(|(all, factor)| *all *= *factor as f64);
        let lengths = axes.iter().map(|axis| axis.step.map_or(1.0, |(_, length)| length));
        let scale: Vec<f64> = lengths.clone().zip(&factors).map(|(length, factor)| length * factor).collect();
        let mut steps = vec![json!({"type": "scale", "scale": scale})];
        if i > 0 && rule != Rule::Nearest {
            let shift: Vec<f64> = lengths.zip(&factors).map(|(length, factor)| length * (factor - 1.0) / 2.0).collect();
            steps.push(json!({"type": "translation", "translation": shift}));
        }
        json!({"path": i.to_string(), "coordinateTransformations": steps})
    };
    levels.iter().enumerate().map(of).collect()
}

fn channel(i: usize, look: &ChannelLook, dtype: DType) -> Value {
    let color = match look.rgb {
        Some([r, g, b]) => format!("{r:02X}{g:02X}{b:02X}"),
        None => COLORS[i % COLORS.len()].to_owned(),
    };
    let [start, end] = limits(look.limits, dtype).unwrap_or([0.0, 1.0]);
    let [min, max] = dtype.integer_range().unwrap_or([start, end]);
    json!({
        "label": look.name,
        "color": color,
        "active": true,
        "window": {"min": min, "max": max, "start": start, "end": end},
    })
}
