//! What the axes of a Zarr array are, and how long a voxel is along each: by OME metadata, by their names, or
//! guessed.

use super::ome::OmeAxis;
use crate::format::axes::Axes;
use crate::format::units::{micrometres, seconds};
use crate::volume::{Axis, AxisFrom, Shape, VoxelSize};

/// Of named axes. Spatial axes of other names are taken in their order; `None` where not even rows and columns
/// can be told.
pub fn named(names: &[OmeAxis]) -> Option<Axes> {
    let mut axes: Vec<Option<Axis>> = vec![None; names.len()];
    let mut channel = None;
    let mut nameless = Vec::new();
    for (i, OmeAxis { name, kind, .. }) in names.iter().enumerate() {
        let (name, kind) = (name.to_lowercase(), kind.to_lowercase());
        let found = match (kind.as_str(), name.as_str()) {
            ("time", _) | ("", "t" | "time") => Some(Axis::T),
            ("space" | "", "z") => Some(Axis::Z),
            ("space" | "", "y") => Some(Axis::Y),
            ("space" | "", "x") => Some(Axis::X),
            ("channel", _) | ("", "c" | "channel" | "channels") => {
                channel = channel.or(Some(i));
                None
            }
            ("space", _) => {
                nameless.push(i);
                None
            }
            _ => None,
        };
        axes[i] = found.filter(|found| !axes.contains(&Some(*found)));
    }
    for i in nameless.into_iter().rev() {
        axes[i] = [Axis::X, Axis::Y, Axis::Z].into_iter().find(|axis| !axes.contains(&Some(*axis)));
    }
    let is_picture = [Axis::Y, Axis::X].iter().all(|axis| axes.contains(&Some(*axis)));
    is_picture.then(|| Axes::known(axes, channel, AxisFrom::FILE))
}

/// Of five axes as OME-Zarr had them before it named them: t, c, z, y, x.
pub fn unnamed_ome(rank: usize) -> Option<Axes> {
    use Axis::{T, X, Y, Z};
    (rank == 5).then(|| Axes::known(vec![Some(T), None, Some(Z), Some(Y), Some(X)], Some(1), AxisFrom::FORMAT))
}

/// Extent along t, z, y, x of an array of this shape; 1 where it has no such axis.
pub fn view(axes: &Axes, shape: &Shape) -> [usize; 4] {
    Axis::ALL.map(|axis| {
        let at = axes.names.iter().position(|other| *other == Some(axis));
        at.and_then(|at| shape.dims().get(at)).copied().unwrap_or(1)
    })
}

/// What the scale of an image comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// Edges of a voxel, where all are said with their unit.
    pub voxel_size: Option<VoxelSize>,
    /// Volumes per second, where the unit of time is said.
    pub rate_hz: Option<f64>,
    /// The numbers as they stand in the file, where they could not be understood.
    pub not_understood: Option<String>,
}

impl Scale {
    /// Of the lengths of a voxel along the axes, in their units.
    pub fn new(axes: &Axes, names: &[OmeAxis], lengths: &[f64]) -> Self {
        let at = |axis: Axis| axes.names.iter().position(|other| *other == Some(axis));
        let length = |axis: Axis, unit: fn(&str) -> Option<f64>| {
            let i = at(axis)?;
            let length = lengths.get(i)? * unit(&names.get(i)?.unit)?;
            (length.is_finite() && length > 0.0).then_some(length)
        };
        let [z, y, x] = [Axis::Z, Axis::Y, Axis::X].map(|axis| length(axis, micrometres));
        // A picture without depth has no distance between planes that anybody could see.
        let z = if at(Axis::Z).is_some() { z } else { z.or(y) };
        let voxel_size = match (z, y, x) {
            (Some(z_um), Some(y_um), Some(x_um)) => Some(VoxelSize { z_um, y_um, x_um }),
            _ => None,
        };
        let rate_hz = length(Axis::T, seconds).map(|period| 1.0 / period).filter(|rate| rate.is_finite());
        let is_missing = |i: usize| match axes.names.get(i).copied().flatten() {
            Some(Axis::T) => rate_hz.is_none(),
            Some(_) => voxel_size.is_none(),
            None => false,
        };
        // Ones without a unit are what writers put who know nothing of it.
        let is_said = (0..lengths.len()).any(|i| is_missing(i) && lengths[i] != 1.0);
        let word = |(length, axis): (&f64, &OmeAxis)| {
            let unit = if axis.unit.is_empty() { "without unit" } else { &axis.unit };
            format!("{} {length} {unit}", axis.name)
        };
        let words = || lengths.iter().zip(names).map(word).collect::<Vec<_>>().join(", ");
        Self { voxel_size, rate_hz, not_understood: is_said.then(words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes_of(words: &[(&str, &str, &str)]) -> Vec<OmeAxis> {
        let axis = |(name, kind, unit): &(&str, &str, &str)| OmeAxis {
            name: (*name).into(),
            kind: (*kind).into(),
            unit: (*unit).into(),
        };
        words.iter().map(axis).collect()
    }

    fn letters(axes: &Axes) -> String {
        let letter = |(i, axis): (usize, &Option<Axis>)| match axis {
            Some(axis) => axis.letter(),
            None if axes.channel == Some(i) => 'c',
            None => '_',
        };
        axes.names.iter().enumerate().map(letter).collect()
    }

    #[test]
    fn axes_are_told_by_type_and_name() {
        let told = |words: &[(&str, &str)]| {
            let words: Vec<_> = words.iter().map(|(name, kind)| (*name, *kind, "")).collect();
            named(&axes_of(&words)).map(|axes| letters(&axes))
        };
        let ome = [("T", "time"), ("c", "channel"), ("z", "space"), ("y", "space"), ("x", "space")];
        assert_eq!(told(&ome).as_deref(), Some("tczyx"));
        assert_eq!(told(&[("x", ""), ("y", ""), ("time", "")]).as_deref(), Some("xyt"));
        assert_eq!(told(&[("angle", "other"), ("row", "space"), ("col", "space")]).as_deref(), Some("_yx"));
        assert_eq!(told(&[("y", "space"), ("y", "space"), ("x", "space")]).as_deref(), Some("y_x"));
        assert_eq!(told(&[("wave", "channel"), ("c", "channel"), ("y", ""), ("x", "")]).as_deref(), Some("c_yx"));
        assert_eq!(told(&[("a", ""), ("b", "")]), None);
    }

    #[test]
    fn lengths_without_a_unit_are_not_taken_for_micrometres() {
        let names = axes_of(&[("t", "time", "millisecond"), ("y", "space", "nanometer"), ("x", "space", "micrometer")]);
        let roles = named(&names).unwrap();
        let scale = Scale::new(&roles, &names, &[400.0, 600.0, 0.6]);
        let edges = scale.voxel_size.unwrap();
        assert!((edges.y_um - 0.6).abs() < 1e-12 && edges.x_um == 0.6 && (scale.rate_hz.unwrap() - 2.5).abs() < 1e-12);
        let bare = axes_of(&[("t", "time", ""), ("y", "space", ""), ("x", "space", "")]);
        assert_eq!(Scale::new(&roles, &bare, &[1.0, 1.0, 1.0]), Scale::default());
        let told = Scale::new(&roles, &bare, &[1.0, 0.5, 0.5]);
        assert_eq!((told.voxel_size, told.rate_hz), (None, None));
        assert!(told.not_understood.unwrap().contains("y 0.5 without unit"));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let scale = Scale::new(&roles, &names, &[bad, bad, 0.6]);
            assert_eq!((scale.voxel_size, scale.rate_hz), (None, None), "{bad}");
        }
    }
}
