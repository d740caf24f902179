//! What an array is as an OME-Zarr image: its axes by name, type, unit and length of a voxel.

use anyhow::{Result, bail};

use crate::volume::{ArrayInfo, Axis, DType};
use crate::write::letters::{guessed, letters, reordered};
use crate::write::{Fact, Subject};

/// What an axis of an image counts; images have them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counts {
    Time,
    /// Channels, or what has no meaning here.
    Other,
    Space,
}

/// An axis of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageAxis {
    /// Its name: "t", "c", "z", "y", "x".
    pub name: &'static str,
    /// Its type as the metadata have it, where they have one.
    pub kind: Option<&'static str>,
    pub counts: Counts,
    /// What it is here.
    pub axis: Option<Axis>,
    /// Unit and length of a voxel in it, where that is known.
    pub step: Option<(&'static str, f64)>,
}

/// The axes of an array.
///
/// # Errors
/// If images have no such axes, or have them in another order.
pub fn axes(info: &ArrayInfo) -> Result<Vec<ImageAxis>> {
    let rank = info.shape.rank();
    let letters = letters(info);
    let axes: Vec<ImageAxis> = letters.iter().map(|letter| image_axis(*letter, info)).collect();
    let shown: String = letters.iter().collect();
    if !(2..=5).contains(&rank) {
        bail!("OME-Zarr holds arrays of 2 to 5 axes, and this one has {rank}; --select takes one index of an axis");
    }
    if !['y', 'x'].iter().all(|letter| letters.contains(letter)) {
        bail!("OME-Zarr holds planes, and of the axes {shown} none are y and x; --axes says which they are");
    }
    if axes.iter().filter(|axis| axis.counts == Counts::Other).count() > 1 {
        bail!("OME-Zarr has room for one axis beside t, z, y and x, and this array has more; --select takes one index");
    }
    if !axes.is_sorted_by_key(|axis| axis.counts) {
        let order = |letter: char| "tciz".find(letter).map_or(3, |at| [0, 1, 1, 3][at]);
        let how = reordered(&letters, order);
        bail!("OME-Zarr has time first, then channels, then space, and not {shown}; {how}");
    }
    Ok(axes)
}

fn image_axis(letter: char, info: &ArrayInfo) -> ImageAxis {
    let (name, kind, counts) = match letter {
        't' => ("t", Some("time"), Counts::Time),
        'c' => ("c", Some("channel"), Counts::Other),
        'z' => ("z", Some("space"), Counts::Space),
        'y' => ("y", Some("space"), Counts::Space),
        'x' => ("x", Some("space"), Counts::Space),
        _ => ("i", None, Counts::Other),
    };
    let axis = Axis::from_letter(letter);
    let period_s = || info.rate_hz.map(|rate| 1.0 / rate);
    let step = match axis {
        Some(Axis::T) => period_s().map(|period| ("second", period)),
        Some(axis) => info.voxel_size.and_then(|size| size.along(axis)).map(|um| ("micrometer", um)),
        None => None,
    };
    let step = step.filter(|(_, length)| length.is_finite() && *length > 0.0);
    ImageAxis { name, kind, counts, axis, step }
}

/// What of an array has no place in an OME-Zarr image.
pub fn not_carried(subject: &Subject) -> Vec<String> {
    let info = subject.source.info();
    let mut carried = vec![Fact::Axes, Fact::VoxelSize, Fact::Rate];
    carried.extend(can_show(subject).then_some(Fact::Channels));
    let mut left = crate::write::not_carried(subject, &carried);
    left.extend(guessed(info));
    left
}

/// Whether it can be said how channels are to be shown: the metadata demand limits, which only whole numbers have
/// by themselves.
pub fn can_show(subject: &Subject) -> bool {
    let dtype = subject.source.info().dtype;
    !subject.channels.is_empty() && subject.channels.iter().all(|channel| limits(channel.limits, dtype).is_some())
}

/// Contrast limits of a channel: its own, or all that its type can hold.
pub fn limits(own: Option<[f64; 2]>, dtype: DType) -> Option<[f64; 2]> {
    own.filter(|limits| limits.iter().all(|limit| limit.is_finite())).or_else(|| dtype.integer_range())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Shape, VoxelSize};

    fn info(axes: &str) -> ArrayInfo {
        let shape = Shape::new(&vec![2; axes.len()]).unwrap();
        ArrayInfo {
            axes: axes.chars().map(Axis::from_letter).collect(),
            channel_axis: axes.find('c'),
            ..ArrayInfo::new("a", std::path::Path::new("a"), "array", shape, DType::U16)
        }
    }

    #[test]
    fn axes_have_names_types_units_and_an_order() {
        let mut known = info("tczyx");
        known.rate_hz = Some(4.0);
        known.voxel_size = Some(VoxelSize::of([5.0, 0.5, 0.25]));
        let axes = super::axes(&known).unwrap();
        let told: Vec<_> = axes.iter().map(|axis| (axis.name, axis.kind, axis.step)).collect();
        assert_eq!(told[0], ("t", Some("time"), Some(("second", 0.25))));
        assert_eq!(told[1], ("c", Some("channel"), None));
        assert_eq!(told[4], ("x", Some("space"), Some(("micrometer", 0.25))));
        let names =
            |letters: &str| super::axes(&info(letters)).map(|axes| axes.iter().map(|a| a.name).collect::<String>());
        assert_eq!(names("_yx").unwrap(), "iyx");
        assert_eq!(names("___").unwrap(), "zyx");
        assert_eq!(names("_____").unwrap(), "tczyx");
        for (letters, word) in [
            ("tzcyx", "\"transpose 0, 2, 1, 3, 4\""),
            ("__yx", "--select"),
            ("tx", "planes"),
            ("x", "2 to 5"),
            ("______", "2 to 5"),
        ] {
            let error = names(letters).unwrap_err().to_string();
            assert!(error.contains(word), "{letters}: {error}");
        }
    }
}
