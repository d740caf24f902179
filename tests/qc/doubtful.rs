//! What a recording should not be, and sometimes is: measured as far as that goes, with the reason where it does
//! not go, and never a number that nobody measured.

use tectum::qc::Code;
use tectum::volume::{DType, Region};

use crate::made::Recipe;
use crate::measured::{Measured, measure, measure_bytes};

fn bytes<T: bytemuck::NoUninit>(values: &[T]) -> Vec<u8> {
    bytemuck::cast_slice(values).to_vec()
}

fn of<T: bytemuck::NoUninit>(dtype: DType, shape: [usize; 4], value: impl FnMut(usize) -> T) -> Measured {
    let values: Vec<T> = (0..shape.iter().product()).map(value).collect();
    measure_bytes(dtype, shape, bytes(&values), &[])
}

/// No number is infinite, and what is not there has its reason.
fn nothing_is_invented(measured: &Measured) {
    let figures = &measured.checked.figures;
    let absent = [
        (Code::PhotonGain, figures.photon_gain.is_none()),
        (Code::Noise, figures.noise.is_none()),
        (Code::Tsnr, figures.tsnr.is_none()),
        (Code::Bleaching, figures.bleaching.is_none()),
        (Code::Flyback, figures.flyback.is_none()),
    ];
    for (code, is_absent) in absent {
        assert!(!is_absent || figures.notes.contains_key(&code), "no reason for {code:?}: {:?}", figures.notes);
    }
    let numbers = [figures.noise, figures.offset, figures.photon_gain.map(|gain| gain.gain)];
    assert!(numbers.iter().flatten().all(|number| number.is_finite()), "{figures:?}");
    let table = &measured.checked.table;
    for row in (0..table.num_t()).filter_map(|t| table.row(t)) {
        let planes =
            row.planes.iter().flat_map(|p| [p.mean, p.std, p.change, p.focus, p.stripes, p.range[0], p.range[1]]);
        let volume = row.volume;
        let all = planes.chain(volume.shift).chain([volume.correlation, volume.z_drift, volume.slip]);
        assert!(all.into_iter().all(|number| !number.is_infinite()), "{row:?}");
    }
    let alarms = &measured.verdict.alarms;
    assert!(alarms.iter().all(|alarm| alarm.value.is_finite() && !alarm.title.contains("NaN")), "{alarms:?}");
}

#[test]
fn constant_images_have_neither_motion_nor_noise() {
    for value in [0u16, 700] {
        let measured = of(DType::U16, [20, 4, 32, 32], |_| value);
        nothing_is_invented(&measured);
        let row = measured.checked.table.row(15).unwrap();
        assert_eq!((row.planes[1].mean, row.planes[1].std), (f32::from(value), 0.0));
        assert!(row.planes.iter().all(|plane| !plane.is_duplicate));
        assert!(row.volume.shift[0].is_nan() && row.volume.z_drift.is_nan() && row.volume.slip.is_nan(), "{row:?}");
        let figures = &measured.checked.figures;
        assert!(figures.photon_gain.is_none() && figures.noise.is_none(), "{figures:?}");
    }
}

#[test]
fn a_plane_of_zeros_among_others_is_measured_as_that() {
    let recipe = Recipe { shape: [30, 4, 40, 40], ..Recipe::default() };
    let mut values = recipe.draw();
    values.chunks_exact_mut(40 * 40).skip(2).step_by(4).for_each(|plane| plane.fill(0));
    let measured = measure_bytes(DType::U16, recipe.shape, bytes(&values), &[]);
    nothing_is_invented(&measured);
    let row = measured.checked.table.row(20).unwrap();
    assert_eq!((row.planes[2].mean, row.planes[2].is_duplicate), (0.0, false));
    assert!(row.volume.shift[0].abs() < 0.1, "{row:?}");
}

#[test]
fn one_volume_has_no_change_and_one_plane_no_depth() {
    let measured = measure(&Recipe { shape: [1, 5, 48, 48], ..Recipe::default() });
    nothing_is_invented(&measured);
    assert!(measured.checked.table.row(0).unwrap().planes.iter().all(|plane| plane.change.is_nan()));
    assert_eq!(measured.said(), Vec::<String>::new());

    let measured = measure(&Recipe { shape: [40, 1, 48, 48], ..Recipe::default() });
    nothing_is_invented(&measured);
    let row = measured.checked.table.row(20).unwrap();
    assert!(row.volume.z_drift.is_nan() && row.volume.slip.is_nan() && row.volume.shift[0].is_finite(), "{row:?}");
    assert_eq!(measured.said(), Vec::<String>::new());
}

#[test]
fn images_may_be_tiny() {
    for shape in [[20, 3, 8, 8], [20, 2, 1, 9], [20, 3, 1, 1], [12, 40, 2, 3]] {
        nothing_is_invented(&of(DType::U16, shape, |i| (i * 7919 % 1013) as u16));
    }
}

#[test]
fn nan_and_infinities_are_left_out() {
    let recipe = Recipe { shape: [30, 3, 40, 40], ..Recipe::default() };
    let mut values: Vec<f32> = recipe.draw().into_iter().map(f32::from).collect();
    let sound = measure_bytes(DType::F32, recipe.shape, bytes(&values), &[]);
    nothing_is_invented(&sound);
    for (i, value) in [(5, f32::NAN), (600, f32::INFINITY), (700, f32::NEG_INFINITY)] {
        values[12 * 3 * 1600 + i] = value;
    }
    let measured = measure_bytes(DType::F32, recipe.shape, bytes(&values), &[]);
    nothing_is_invented(&measured);
    let mean = |measured: &Measured| measured.checked.table.plane(12, 0).unwrap().mean;
    assert!((mean(&measured) - mean(&sound)).abs() < 1.0, "{} {}", mean(&measured), mean(&sound));

    let nothing = of(DType::F32, [15, 3, 16, 16], |_| f32::NAN);
    nothing_is_invented(&nothing);
    assert!(nothing.checked.table.plane(3, 0).unwrap().mean.is_nan());
}

#[test]
fn floats_have_no_full_scale_and_are_otherwise_as_integers() {
    let recipe = Recipe { shape: [40, 5, 48, 48], ..Recipe::default() };
    let values = recipe.draw();
    let floats: Vec<f32> = values.iter().map(|value| f32::from(*value)).collect();
    let (integers, floats) = (measure(&recipe), measure_bytes(DType::F32, recipe.shape, bytes(&floats), &[]));
    nothing_is_invented(&floats);
    assert_eq!(floats.checked.figures.full_scale, None);
    assert_eq!(floats.said(), Vec::<String>::new());
    for t in 0..40 {
        let (a, b) = (integers.checked.table.row(t).unwrap(), floats.checked.table.row(t).unwrap());
        assert!((a.planes[2].mean - b.planes[2].mean).abs() < 1e-3 * a.planes[2].mean);
        assert!((a.volume.shift[0] - b.volume.shift[0]).abs() < 1e-3, "{:?} {:?}", a.volume, b.volume);
    }
}

#[test]
fn signed_integers_may_be_negative() {
    let recipe = Recipe { shape: [40, 5, 48, 48], ..Recipe::default() };
    let shifted: Vec<i16> = recipe.draw().into_iter().map(|value| (i32::from(value) - 1000) as i16).collect();
    let (plain, signed) = (measure(&recipe), measure_bytes(DType::I16, recipe.shape, bytes(&shifted), &[]));
    nothing_is_invented(&signed);
    assert_eq!(signed.said(), Vec::<String>::new());
    for t in 0..40 {
        let (a, b) = (plain.checked.table.plane(t, 2).unwrap(), signed.checked.table.plane(t, 2).unwrap());
        assert!((a.mean - 1000.0 - b.mean).abs() < 0.01, "{} {}", a.mean, b.mean);
        assert!(t == 0 || (a.change - b.change).abs() < 1e-3, "{} {}", a.change, b.change);
    }
    let offset = |measured: &Measured| measured.checked.figures.offset.unwrap();
    assert!((offset(&plain) - 1000.0 - offset(&signed)).abs() < 1e-6);
}

#[test]
fn a_recording_of_which_nothing_is_there_says_so() {
    let shape = [30, 3, 24, 24];
    let [t, z, y, x] = shape;
    let holes = [Region::new(&[0, 0, 0, 0], &[t, z, y, x]).unwrap()];
    let measured = measure_bytes(DType::U16, shape, vec![0; t * z * y * x * 2], &holes);
    nothing_is_invented(&measured);
    assert_eq!(measured.said(), ["missing alarm"]);
    assert_eq!(measured.verdict.usable.volumes, 0);
}

#[test]
fn a_missing_beginning_does_not_spoil_the_rest() {
    let recipe = Recipe { shape: [50, 5, 56, 56], ..Recipe::default() };
    let [_, z, y, x] = recipe.shape;
    let holes = [Region::new(&[0, 0, 0, 0], &[14, z, y, x]).unwrap()];
    let measured = measure_bytes(DType::U16, recipe.shape, bytes(&recipe.draw()), &holes);
    nothing_is_invented(&measured);
    assert_eq!(measured.said(), ["missing alarm"]);
    assert_eq!(measured.verdict.lost, [[0, 14]]);
}

#[test]
#[ignore = "takes a minute: make qc-clean"]
fn planes_may_be_very_large() {
    nothing_is_invented(&of(DType::U16, [2, 1, 10_000, 10_000], |i| 100 + (i * 7919 % 1013) as u16));
}
