//! Faults with a known answer, each found where it is, and nothing said beside it.

use tectum::qc::{Code, Gravity};
use tectum::volume::Region;

use crate::made::{Fault, Recipe};
use crate::measured::{Measured, RATE_HZ, measure, measure_with_holes, zero_of};

fn planted(fault: Fault) -> Measured {
    measure(&Recipe::default().with(fault))
}

/// First timepoint said to be worth a warning or an alarm under a code.
fn first_said(measured: &Measured, code: Code, gravity: Gravity) -> Option<usize> {
    measured.verdict.alarms.iter().find(|alarm| alarm.code == code && alarm.gravity == gravity).map(|alarm| alarm.t[0])
}

/// Whether one span begins where it should, and ends there or a little later, as a span ends when it is over.
fn is_span(found: &[([usize; 2], Option<[usize; 2]>)], t: [usize; 2], z: Option<[usize; 2]>) {
    assert_eq!(found.len(), 1, "{found:?}");
    let (span, planes) = found[0];
    assert_eq!((span[0], planes), (t[0], z), "{found:?}");
    assert!((t[1]..=t[1] + 5).contains(&span[1]), "{found:?}");
}

#[test]
fn a_drift_is_followed_within_a_tenth_of_a_pixel() {
    let recipe = Recipe { shape: [26, 6, 80, 88], ..Recipe::default() };
    for by in [[0.3, 0.0], [-0.3, 0.0], [0.2, -0.25]] {
        let recipe = recipe.clone().with(Fault::Drift { from: 0, by });
        let measured = measure(&recipe);
        let [zero_y, zero_x] = zero_of(&recipe, &measured);
        for t in 0..26 {
            let [dy, dx] = measured.checked.table.row(t).unwrap().volume.shift.map(f64::from);
            let [_, y, x] = recipe.position(t);
            assert!(
                (dy - zero_y - y).abs() < 0.1 && (dx - zero_x - x).abs() < 0.1,
                "t {t}: found ({dy}, {dx}), is ({y}, {x})"
            );
        }
        // 5 px are passed at t 17, or a little earlier where the steps are longer.
        let t = (5.0 / f64::hypot(by[0], by[1])).floor() + 1.0;
        let found = first_said(&measured, Code::Motion, Gravity::Alarm).unwrap();
        assert!((found as f64 - t).abs() <= 1.0, "{found}, not {t}");
    }
}

#[test]
fn a_jump_is_an_alarm_of_motion_and_said_once() {
    let recipe = Recipe { shape: [80, 6, 96, 96], num_cells: 270, ..Recipe::default() };
    let measured = measure(&recipe.with(Fault::Jump { t: [40, 44], by: [7.0, -6.0] }));
    let motion: Vec<_> = measured.verdict.alarms.iter().filter(|alarm| alarm.code == Code::Motion).collect();
    assert_eq!(motion.len(), 1, "{motion:?}");
    assert_eq!((motion[0].t, motion[0].gravity), ([40, 43], Gravity::Alarm));
    assert_eq!(measured.said(), ["motion alarm"]);
    assert_eq!(measured.verdict.usable.volumes, 76);
}

#[test]
fn sinking_is_measured_in_planes() {
    let recipe = Recipe { shape: [60, 15, 64, 64], num_cells: 300, ..Recipe::default() };
    for planes in [0.05, -0.05] {
        let recipe = recipe.clone().with(Fault::Sink { from: 20, planes });
        let measured = measure(&recipe);
        for t in 0..60 {
            let found = f64::from(measured.checked.table.row(t).unwrap().volume.z_drift);
            let [sunk, ..] = recipe.position(t);
            // What lies deeper is seen in planes that showed what lay above.
            assert!((found + sunk).abs() < 0.25, "t {t}: found {found}, sunk by {sunk}");
        }
        let alarm = first_said(&measured, Code::ZDrift, Gravity::Alarm).unwrap();
        assert!((37..=43).contains(&alarm), "{alarm}");
    }
}

#[test]
fn a_slip_is_found_at_the_volume_where_it_happens() {
    for planes in [1, 2, 5] {
        let recipe = Recipe { shape: [80, 9, 64, 64], num_cells: 180, ..Recipe::default() };
        let measured = measure(&recipe.with(Fault::Slip { from: 57, planes }));
        let found = measured.spans(Code::PlaneSlip);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, [57, 79], "by {planes}");
        assert_eq!(measured.checked.table.row(60).unwrap().volume.slip.rem_euclid(9.0), planes as f32);
    }
}

#[test]
fn a_lost_volume_is_found_at_its_place() {
    let recipe = Recipe::default();
    let [_, z, y, x] = recipe.shape;
    let measured = measure_with_holes(&recipe, &[Region::new(&[57, 0, 0, 0], &[58, z, y, x]).unwrap()]);
    assert_eq!(measured.said(), ["missing alarm"]);
    assert_eq!(measured.spans(Code::Missing), [([57, 57], None)]);
    assert_eq!(measured.verdict.lost, [[57, 58]]);
    assert_eq!(measured.verdict.usable.volumes, 79);
}

#[test]
fn a_lost_plane_leaves_the_others_measured() {
    let recipe = Recipe::default();
    let [_, _, y, x] = recipe.shape;
    let measured = measure_with_holes(&recipe, &[Region::new(&[30, 2, 0, 0], &[33, 3, y, x]).unwrap()]);
    assert_eq!(measured.said(), ["missing alarm"]);
    assert_eq!(measured.spans(Code::Missing), [([30, 32], Some([2, 2]))]);
    let row = measured.checked.table.row(31).unwrap();
    assert!(!row.planes[2].is_there && row.planes[3].is_there && row.planes[3].focus.is_finite());
}

#[test]
fn bleaching_is_known_to_a_percentage_point() {
    // Two minutes.
    let dim = Recipe { shape: [600, 3, 56, 56], num_cells: 60, background: 0.0, haze: 500.0, ..Recipe::default() };
    let still = Recipe { activity: 0.3, ..dim };
    for per_minute in [0.0, 2.0, 10.0, 30.0] {
        let factor = (1.0 - per_minute / 100.0_f64).powf(1.0 / (60.0 * RATE_HZ));
        let measured = measure(&still.clone().with(Fault::Bleach { factor }));
        let found = measured.checked.figures.bleaching.as_ref().unwrap();
        let lost = 100.0 * (1.0 - factor.powi(599));
        assert!((found.overall_percent - lost).abs() < 1.0, "{found:?}, not {lost}");
        assert!(found.percent.iter().all(|percent| (percent - lost).abs() < 1.0), "{found:?}, not {lost}");
        assert!((found.per_minute - lost / 2.0).abs() < 0.5, "{found:?}");
        let expected = match lost {
            lost if lost > 20.0 => vec!["bleaching alarm"],
            lost if lost > 1.0 => vec!["bleaching warn"],
            _ => vec![],
        };
        assert_eq!(measured.said(), expected, "{per_minute} % a minute");
    }
}

#[test]
fn the_photon_gain_is_known_to_five_percent() {
    for (gain, offset, bits) in [(0.42, 100.0, 12), (2.0, 100.0, 16), (7.5, 400.0, 16)] {
        let recipe = Recipe { gain, offset, bits, activity: 0.2, brightness: 300.0, ..Recipe::default() };
        let found = measure(&recipe).checked.figures.photon_gain.unwrap();
        assert!((found.gain - gain).abs() < 0.05 * gain, "{found:?}, not {gain}");
        // Where the line of photon noise meets none at all, which is below the offset by the read noise.
        let zero = offset - recipe.read_noise.powi(2) / gain;
        assert!((found.zero - zero).abs() < 10.0, "{found:?}, not {zero}");
    }
}

#[test]
fn a_saturated_patch_is_found_at_any_full_scale() {
    for bits in [10, 12, 14, 16] {
        let recipe = Recipe { bits, brightness: 150.0, ..Recipe::default() };
        let measured = measure(&recipe.clone().with(Fault::Saturated { t: [30, 50], z: 2, px: 4 }));
        assert_eq!(measured.checked.figures.full_scale.unwrap().value, recipe.full_scale());
        assert!(measured.said().contains(&"saturation alarm".to_owned()), "{bits} bits: {:?}", measured.said());
        is_span(&measured.spans(Code::Saturation), [30, 49], Some([2, 2]));
        let alarm = measured.verdict.alarms.iter().find(|alarm| alarm.code == Code::Saturation).unwrap();
        assert!((alarm.value - 100.0 * 16.0 / 4096.0).abs() < 0.03, "{alarm:?}");
    }
}

#[test]
fn a_doubled_plane_is_found_at_its_place() {
    let measured = planted(Fault::Doubled { t: 33, z: 3 });
    assert_eq!(measured.said(), ["duplicate alarm"]);
    assert_eq!(measured.spans(Code::Duplicate), [([33, 33], Some([3, 3]))]);
    assert_eq!(measured.verdict.usable.volumes, 79);
}

#[test]
fn a_plane_out_of_focus_is_a_warning() {
    let measured = planted(Fault::Blurred { t: [40, 60], z: 2 });
    assert!(measured.said().contains(&"focus warn".to_owned()), "{:?}", measured.said());
    is_span(&measured.spans(Code::Focus), [40, 59], Some([2, 2]));
}

#[test]
fn dark_volumes_are_seen() {
    let measured = planted(Fault::Dark { t: [40, 46] });
    let first = |gravity| first_said(&measured, Code::Underexposed, gravity);
    assert_eq!(first(Gravity::Warn).or(first(Gravity::Alarm)), Some(40), "{:?}", measured.verdict.alarms);
    // Nothing is to be seen in them that could have moved.
    for code in [Code::Motion, Code::ZDrift, Code::PlaneSlip, Code::Duplicate] {
        assert_eq!(measured.spans(code), [], "{code:?}");
    }
}

#[test]
fn stripes_are_seen() {
    let measured = planted(Fault::Striped { t: [40, 80], by: 0.3 });
    let stripes = |t: usize| measured.checked.table.plane(t, 2).unwrap().stripes;
    assert!(stripes(60) > 1.5 * stripes(20), "{} {}", stripes(60), stripes(20));
}

#[test]
fn planes_of_the_piezos_return_are_counted() {
    let recipe = Recipe { shape: [40, 14, 64, 64], num_cells: 280, ..Recipe::default() };
    for planes in [1, 2] {
        let measured = measure(&recipe.clone().with(Fault::Flyback { planes }));
        assert_eq!(measured.checked.figures.flyback, Some([planes, 0]));
        assert_eq!(measured.said(), ["flyback warn"]);
    }
    assert_eq!(measure(&recipe).checked.figures.flyback, Some([0, 0]));
}
