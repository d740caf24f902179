//! What the attributes that programs in use write beside an array of an HDF5 file say of it.

use std::path::Path;

use super::axes::Axes;
use super::hdf5::{AttributeValue, read_attributes, read_texts};
use crate::volume::{Axis, AxisFrom, Shape, VoxelSize};

/// Names of the dimensions of an array, as h5py writes them.
const LABELS: &str = "DIMENSION_LABELS";

/// The axes as the labels of the array's dimensions name them; `None` where they do not name all.
pub fn axes(path: &Path, name: &str, shape: &Shape) -> Option<Axes> {
    let labels = read_texts(path, name, LABELS).ok()?;
    let mut axes = Axes::known(Vec::new(), None, AxisFrom::FILE);
    for (i, label) in labels.iter().enumerate() {
        let label = label.trim().to_ascii_lowercase();
        let axis = match label.as_str() {
            "t" | "time" => Some(Axis::T),
            "z" | "depth" => Some(Axis::Z),
            "y" | "row" | "height" => Some(Axis::Y),
            "x" | "column" | "width" => Some(Axis::X),
            "c" | "channel" if axes.channel.is_none() => {
                axes.channel = Some(i);
                None
            }
            _ => return None,
        };
        axes.names.push(axis);
    }
    let count = |axis: Axis| axes.names.iter().filter(|name| **name == Some(axis)).count();
    let is_picture = count(Axis::Y) == 1 && count(Axis::X) == 1 && count(Axis::T) <= 1 && count(Axis::Z) <= 1;
    axes.from = vec![AxisFrom::FILE; labels.len()];
    (labels.len() == shape.rank() && is_picture).then_some(axes)
}

/// Edges of a voxel in micrometres, as Fiji's and ilastik's writers say them: z, y, x.
pub fn voxel_size(path: &Path, name: &str) -> Option<VoxelSize> {
    let attributes = read_attributes(path, name).ok()?;
    let sizes: Vec<f64> = match attributes.get("element_size_um")? {
        AttributeValue::Floats(values) => values.clone(),
        AttributeValue::Integers(values) => values.iter().map(|&value| value as f64).collect(),
        AttributeValue::Text(_) => return None,
    };
    let [z_um, y_um, x_um] = sizes[..] else { return None };
    let is_length = |um: f64| um.is_finite() && um > 0.0;
    sizes.iter().all(|&um| is_length(um)).then_some(VoxelSize { z_um, y_um, x_um })
}

/// Volumes per second, under the name that NWB gives to it; only of an array whose labels name time.
pub fn rate_hz(path: &Path, name: &str) -> Option<f64> {
    let is_time = |label: &String| matches!(label.trim().to_ascii_lowercase().as_str(), "t" | "time");
    if !read_texts(path, name, LABELS).ok()?.iter().any(is_time) {
        return None;
    }
    match read_attributes(path, name).ok()?.get("rate")? {
        AttributeValue::Floats(values) if values.len() == 1 => Some(values[0]).filter(|hz| hz.is_finite() && *hz > 0.0),
        _ => None,
    }
}
