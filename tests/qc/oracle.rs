//! Every measure against numpy, scipy and scikit-image: `oracle/make.py` measures the same recordings and writes
//! `oracle/results.json`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tectum::qc::PlaneRow;

use crate::made::{Fault, Recipe};
use crate::measured::{Measured, RATE_HZ, measure, zero_of};

/// For each plane of some timepoints; `None` where there is no number.
type PerPlane = Vec<Vec<Option<f64>>>;

#[derive(Deserialize)]
struct Expected {
    recipe: Recipe,
    sha256: String,
    t: Vec<usize>,
    planes: BTreeMap<String, PerPlane>,
    full_scale: f64,
    offset: f64,
    read_noise: f64,
    duplicate: Vec<[usize; 2]>,
    motion: Motion,
    z_drift: Vec<f64>,
    plane_slip: Vec<usize>,
    tsnr: Vec<Option<f64>>,
    bleaching: Bleaching,
    photon_gain: Option<PhotonGain>,
    noise: f64,
}

#[derive(Deserialize)]
struct Motion {
    dy: Vec<f64>,
    dx: Vec<f64>,
}

#[derive(Deserialize)]
struct Bleaching {
    percent: Vec<f64>,
    overall: f64,
}

#[derive(Deserialize)]
struct PhotonGain {
    gain: f64,
    zero: f64,
}

struct Case {
    name: String,
    expected: Expected,
    measured: Measured,
}

/// Measured once for all tests.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let results: BTreeMap<String, Expected> = serde_json::from_str(include_str!("oracle/results.json")).unwrap();
        assert!(results.len() >= 6);
        results
            .into_iter()
            .map(|(name, expected)| Case { name, measured: measure(&expected.recipe), expected })
            .collect()
    })
}

impl Case {
    fn has(&self, is_it: impl Fn(&Fault) -> bool) -> bool {
        self.expected.recipe.faults.iter().any(is_it)
    }

    /// Compares a number of every plane, within a share of what is expected or by an absolute difference.
    fn compare(&self, what: &str, share: f64, least: f64, number: impl Fn(&PlaneRow) -> f64) {
        for (t, planes) in self.expected.t.iter().zip(&self.expected.planes[what]) {
            for (z, expected) in planes.iter().enumerate() {
                let found = number(self.measured.checked.table.plane(*t, z).unwrap());
                let place = format!("{}: {what} of t {t}, z {z}: {found}, not {expected:?}", self.name);
                match expected {
                    Some(expected) => assert!((found - expected).abs() <= least + share * expected.abs(), "{place}"),
                    None => assert!(found.is_nan(), "{place}"),
                }
            }
        }
    }

    fn row(&self, t: usize) -> &tectum::qc::VolumeRow {
        &self.measured.checked.table.row(t).unwrap().volume
    }
}

fn near(found: f64, expected: f64, share: f64, what: &str) {
    assert!((found - expected).abs() <= share * expected.abs(), "{what}: {found}, not {expected}");
}

#[test]
fn both_sides_make_the_very_same_recordings() {
    for case in cases() {
        let digest = Sha256::digest(bytemuck::cast_slice::<u16, u8>(&case.expected.recipe.draw()));
        assert_eq!(
            digest.iter().map(|b| format!("{b:02x}")).collect::<String>(),
            case.expected.sha256,
            "{}",
            case.name
        );
    }
}

#[test]
fn intensity_is_that_of_numpy() {
    for case in cases() {
        // Rows hold single precision.
        case.compare("mean", 1e-6, 0.0, |row| f64::from(row.mean));
        case.compare("std", 1e-5, 0.0, |row| f64::from(row.std));
        case.compare("p01", 1e-6, 0.0, |row| f64::from(row.percentiles[0]));
        case.compare("p50", 1e-6, 0.0, |row| f64::from(row.percentiles[1]));
        case.compare("p99", 1e-6, 0.0, |row| f64::from(row.percentiles[2]));
        near(case.measured.checked.figures.offset.unwrap(), case.expected.offset, 1e-6, "offset");
        near(case.measured.checked.figures.read_noise.unwrap(), case.expected.read_noise, 0.1, "read noise");
    }
}

#[test]
fn saturation_is_counted_at_the_full_scale_of_the_camera() {
    for case in cases() {
        let full_scale = case.measured.checked.figures.full_scale.unwrap();
        assert_eq!(full_scale.value, case.expected.full_scale, "{}", case.name);
        assert_eq!(full_scale.is_detected, full_scale.value != 65535.0);
        let scale = [1023.0, 4095.0, 16383.0, 65535.0].iter().position(|scale| *scale == full_scale.value).unwrap();
        let [_, _, num_y, num_x] = case.expected.recipe.shape;
        case.compare("saturation", 1e-6, 0.0, |row| f64::from(row.at_scale[scale]) / (num_y * num_x) as f64);
    }
}

#[test]
fn doubled_planes_and_the_change_are_those_of_numpy() {
    for case in cases() {
        let table = &case.measured.checked.table;
        let [num_t, num_z, ..] = case.expected.recipe.shape;
        let places = (0..num_t).flat_map(|t| (0..num_z).map(move |z| [t, z]));
        let found: Vec<_> = places.filter(|[t, z]| table.plane(*t, *z).unwrap().is_duplicate).collect();
        assert_eq!(found, case.expected.duplicate, "{}", case.name);
        case.compare("change", 1e-5, 0.0, |row| f64::from(row.change));
    }
}

#[test]
fn motion_is_true_and_that_of_a_plain_phase_correlation() {
    for case in cases().iter().filter(|case| !case.has(|fault| matches!(fault, Fault::Slip { .. }))) {
        for t in 0..case.expected.recipe.shape[0] {
            let [dy, dx] = case.row(t).shift.map(f64::from);
            let [_, y, x] = case.expected.recipe.position(t);
            let place = format!("{}, t {t}: found ({dy}, {dx}), is ({y}, {x})", case.name);
            let [zero_y, zero_x] = zero_of(&case.expected.recipe, &case.measured);
            assert!((dy - zero_y - y).abs() < 0.1 && (dx - zero_x - x).abs() < 0.1, "{place}");
            // The plain one has a parabola's bias.
            let (plain_y, plain_x) = (case.expected.motion.dy[t], case.expected.motion.dx[t]);
            assert!(
                (dy - plain_y).abs() < 0.25 && (dx - plain_x).abs() < 0.25,
                "{place}, plain ({plain_y}, {plain_x})"
            );
        }
    }
}

#[test]
fn depth_is_that_of_a_plain_correlation() {
    // The plain one takes a shift in the plane for some of one along z.
    let is_still = |case: &&Case| !case.has(|fault| matches!(fault, Fault::Drift { .. }));
    for case in cases().iter().filter(|case| case.expected.recipe.shape[1] > 3).filter(is_still) {
        for (t, expected) in case.expected.z_drift.iter().enumerate() {
            let found = f64::from(case.row(t).z_drift);
            assert!((found - expected).abs() < 0.1, "{}, t {t}: {found}, not {expected}", case.name);
        }
    }
}

#[test]
fn slips_are_those_of_a_plain_correlation() {
    // What sinks by nearly a plane has slipped by one, as the plain one sees it.
    let is_level = |case: &&Case| !case.has(|fault| matches!(fault, Fault::Sink { .. }));
    for case in cases().iter().filter(|case| case.expected.recipe.shape[1] > 3).filter(is_level) {
        let num_z = case.expected.recipe.shape[1] as f64;
        for (t, expected) in case.expected.plane_slip.iter().enumerate() {
            let found = f64::from(case.row(t).slip);
            assert_eq!(found.rem_euclid(num_z), *expected as f64, "{}, t {t}", case.name);
        }
    }
}

#[test]
fn focus_is_that_of_scipy() {
    cases().iter().for_each(|case| case.compare("focus", 0.01, 0.0, |row| f64::from(row.focus)));
}

#[test]
fn stripes_are_those_of_scipy() {
    cases().iter().for_each(|case| case.compare("stripes", 0.01, 1e-4, |row| f64::from(row.stripes)));
}

#[test]
fn tsnr_is_that_of_numpy() {
    for case in cases() {
        let found = case.measured.checked.figures.tsnr.as_ref().unwrap();
        for (z, (found, expected)) in found.iter().zip(&case.expected.tsnr).enumerate() {
            near(*found, expected.unwrap(), 0.01, &format!("{}: tsnr of z {z}", case.name));
        }
    }
}

#[test]
fn bleaching_is_that_of_a_plain_fit() {
    for case in cases().iter().filter(|case| case.has(|fault| matches!(fault, Fault::Bleach { .. }))) {
        let found = case.measured.checked.figures.bleaching.as_ref().unwrap();
        let expected = &case.expected.bleaching;
        assert!((found.overall_percent - expected.overall).abs() < 1.0, "{found:?}");
        let pairs = found.percent.iter().zip(&expected.percent);
        // A plane that goes out of focus in the middle has no exponential.
        pairs.filter(|(found, _)| !found.is_nan()).enumerate().filter(|(z, _)| *z != 1).for_each(|(z, (a, b))| {
            assert!((a - b).abs() < 1.0, "z {z}: {a}, not {b}");
        });
    }
}

#[test]
fn the_photon_transfer_is_that_of_a_plain_fit_or_nearer_to_the_truth() {
    // Where planes change places, more than noise makes the variance.
    for case in cases().iter().filter(|case| !case.has(|fault| matches!(fault, Fault::Slip { .. }))) {
        match (&case.measured.checked.figures.photon_gain, &case.expected.photon_gain) {
            (Some(found), Some(plain)) => {
                // The plain fit goes on where movement and activity add to the noise of light.
                let is_as_good = |found: f64, plain: f64, planted: f64, share: f64| {
                    (found / plain - 1.0).abs() <= share || (found - planted).abs() < (plain - planted).abs()
                };
                let recipe = &case.expected.recipe;
                let zero = recipe.offset - recipe.read_noise.powi(2) / recipe.gain;
                assert!(is_as_good(found.gain, plain.gain, recipe.gain, 0.05), "{}: {found:?}", case.name);
                // Beyond the darkest level: it turns on fewer levels than the gain.
                assert!(is_as_good(found.zero, plain.zero, zero, 0.15), "{}: {found:?}", case.name);
            }
            (found, expected) => assert_eq!(found.is_some(), expected.is_some(), "{}", case.name),
        }
    }
}

#[test]
fn the_noise_of_bright_voxels_is_that_of_numpy() {
    for case in cases() {
        // The plain one knows no rate, and which voxels are brightest over all of the time.
        let expected = case.expected.noise / RATE_HZ.sqrt();
        near(case.measured.checked.figures.noise.unwrap(), expected, 0.1, &format!("{}: noise", case.name));
    }
}
