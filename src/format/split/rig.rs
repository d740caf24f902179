//! What the rig left beside the recording: Stytra's metadata and brunoise's clock, for the volume rate.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::convert::convert_exactly;
use super::discover::Listing;
use super::metadata;
use crate::format::hdf5::{H5Array, list};
use crate::volume::{DType, Region};

/// How much of the neighbourhood is looked through for a metadata file.
const MAX_ENTRIES: usize = 4096;
/// A clock of more times is no clock.
const MAX_TIMES: usize = 1 << 26;

/// What the rig says of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rig {
    /// Volumes per second; for a recording plane by plane, frames per second of each plane.
    pub rate_hz: Option<f64>,
    /// Distance of the planes in µm, by the scanner.
    pub z_step_um: Option<f64>,
    /// Which kind of microscope: "sashimi" or "brunoise".
    pub writer: Option<&'static str>,
    /// Brunoise's `time.h5`, where it stands.
    pub time_file: Option<PathBuf>,
}

/// Looks in the folder, which was listed already, and its parent, where the rigs put these files. Missing
/// or odd files say nothing.
pub(super) fn look(folder: &Path, listing: &Listing) -> Rig {
    let mut rig = Rig::default();
    // The channels of brunoise lie one folder deeper.
    let is_channel = folder.file_name().is_some_and(|name| name == "green" || name == "red");
    let experiment = if is_channel { folder.parent().and_then(Path::parent) } else { folder.parent() };
    if let Some(place) = experiment {
        rig.read_files(place, &names_in(place));
    }
    if rig.writer.is_none() {
        let time = listing.h5.iter().filter(|name| *name == "time.h5");
        rig.read_files(folder, &listing.rig.iter().chain(time).cloned().collect::<Vec<_>>());
    }
    rig
}

fn names_in(place: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .take(MAX_ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name == "time.h5" || name.ends_with("_metadata.json"))
        .filter(|name| !name.ends_with("stack_metadata.json"))
        .collect();
    names.sort();
    names
}

impl Rig {
    fn read_files(&mut self, place: &Path, names: &[String]) {
        if names.iter().any(|name| name == "time.h5") {
            self.time_file.get_or_insert_with(|| place.join("time.h5"));
        }
        for name in names.iter().filter(|name| name.ends_with(".json")) {
            if let Ok(value) = metadata::read_value(&place.join(name)) {
                self.read_stytra(&value);
            }
        }
    }

    /// Takes what a Stytra file says of the microscope; of several the last word stands.
    fn read_stytra(&mut self, value: &Value) {
        let Some(imaging) = value.get("imaging") else { return };
        let config = imaging.get("microscope_config").unwrap_or(imaging);
        let config = config.get("lightsheet").or_else(|| imaging.get("lightsheet_config")).unwrap_or(config);
        let positive = |path: &[&str]| {
            let value = path.iter().try_fold(config, |value, key| value.get(key))?;
            value.as_f64().filter(|number| number.is_finite() && *number > 0.0)
        };
        let number = |path: &[&str]| path.iter().try_fold(config, |value, key| value.get(key))?.as_f64();
        let volumes = positive(&["scanning", "z", "frequency"]).or_else(|| positive(&["piezo_z", "frequency"]));
        let frames = positive(&["scanning", "triggering", "frequency"]);
        let planes =
            positive(&["scanning", "triggering", "n_planes"]).or_else(|| positive(&["camera_trigger", "n_planes"]));
        if config.get("piezo_z").is_some() || config.get("scanning").is_some_and(|scanning| scanning.get("z").is_some())
        {
            self.writer = Some("sashimi");
            // In planar mode only the camera's own frequency counts.
            self.rate_hz = if planes == Some(1.0) { frames.or(volumes) } else { volumes.or(frames) };
            let range = (number(&["scanning", "z", "piezo_min"]), number(&["scanning", "z", "piezo_max"]));
            if let ((Some(low), Some(high)), Some(planes)) = (range, planes) {
                self.z_step_um = Some((high - low).abs() / planes).filter(|step| step.is_finite() && *step > 0.0);
            }
        } else if let Some(rate) = positive(&["scanning", "framerate"]) {
            self.writer = Some("brunoise");
            self.rate_hz = Some(rate);
            self.z_step_um = positive(&["recording", "dz"]);
        }
    }
}

/// Brunoise's clock: when each frame was taken, seconds from the start of its plane. The file has a column for
/// each plane, recorded one after the other; that with the longest pause is taken, so that none is overlooked.
pub(super) fn clock(file: &Path) -> Option<Vec<f64>> {
    let header = list(file).ok()?.into_iter().find(|header| matches!(header.shape.rank(), 1 | 2))?;
    let dims = header.shape.dims();
    let num_planes = dims.get(1).copied().unwrap_or(1);
    if dims[0].saturating_mul(num_planes) > MAX_TIMES || !header.dtype.is_float() || num_planes == 0 {
        return None;
    }
    let array = H5Array::open(file, &header.name).ok()?;
    let mut buffer = vec![0; header.shape.num_bytes(header.dtype)?];
    array.read(&Region::whole(&header.shape), &mut buffer).ok()?;
    let mut times = vec![0.0; dims[0] * num_planes];
    let target = bytemuck::cast_slice_mut(&mut times);
    convert_exactly(&buffer, header.dtype, target, DType::F64).then_some(())?;
    let plane = |z: usize| times.iter().skip(z).step_by(num_planes).copied();
    let pause = |z: usize| plane(z).zip(plane(z).skip(1)).map(|(a, b)| b - a).fold(0.0, f64::max);
    let longest = (0..num_planes).max_by(|a, b| pause(*a).total_cmp(&pause(*b)).then(b.cmp(a)))?;
    Some(plane(longest).collect())
}

/// Frames per second from the times of frames in seconds: the inverse of the median step.
pub(super) fn rate_of_times(times: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).collect();
    if steps.len() < 2 {
        return None;
    }
    let middle = steps.len() / 2;
    let (_, median, _) = steps.select_nth_unstable_by(middle, f64::total_cmp);
    Some(1.0 / *median).filter(|rate| rate.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rig {
        let mut rig = Rig::default();
        rig.read_stytra(&serde_json::from_str(text).expect("JSON"));
        rig
    }

    #[test]
    fn rates_of_all_rigs() {
        let new = read(
            r#"{"imaging": {"microscope_config": {"lightsheet": {"scanning": {"z": {"piezo_min": 180, "piezo_max": 240,
                "frequency": 3.0}, "triggering": {"n_planes": 6, "frequency": null}}}}}}"#,
        );
        assert_eq!((new.rate_hz, new.z_step_um, new.writer), (Some(3.0), Some(10.0), Some("sashimi")));
        let planar = read(
            r#"{"imaging": {"microscope_config": {"lightsheet": {"scanning": {"z": {"frequency": null},
                "triggering": {"n_planes": 1, "frequency": 80.0}}}}}}"#,
        );
        assert_eq!(planar.rate_hz, Some(80.0));
        let old = read(r#"{"imaging": {"lightsheet_config": {"piezo_z": {"frequency": 2.0}}}}"#);
        assert_eq!(old.rate_hz, Some(2.0));
        let two_photon =
            read(r#"{"imaging": {"microscope_config": {"scanning": {"framerate": 5.0}, "recording": {"dz": 4}}}}"#);
        assert_eq!((two_photon.rate_hz, two_photon.writer), (Some(5.0), Some("brunoise")));
        assert_eq!(read(r#"{"imaging": 3}"#), Rig::default());
        assert_eq!(read("[]"), Rig::default());
    }

    #[test]
    fn the_clock_gives_the_rate_in_spite_of_a_pause() {
        assert_eq!(rate_of_times(&[0.0, 0.5, 1.0, 9.0, 9.5, 10.0]), Some(2.0));
        assert_eq!(rate_of_times(&[1.0]), None);
        assert_eq!(rate_of_times(&[f64::NAN; 5]), None);
    }

    #[test]
    fn the_clock_is_that_of_the_plane_with_the_longest_pause() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("time.h5");
        // Three frames of two planes; the second plane waited.
        let times = ndarray::arr2(&[[0.0, 0.0], [0.5, 0.5], [1.0, 4.0]]);
        let written = hdf5::File::create(&file).expect("created");
        written.new_dataset_builder().with_data(&times).create("time").expect("written");
        written.close().expect("closed");
        assert_eq!(clock(&file), Some(vec![0.0, 0.5, 4.0]));
        assert_eq!(clock(&folder.path().join("none.h5")), None);
    }
}
