//! Any cut of a recording into shards, measured alone and merged, gives the report of one pass.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use tectum::qc::{
    Codes, Evidence, Figures, Limits, Measurer, Missing, Plane, Preparation, Provenance, REFERENCE_VOLUMES, References,
    Report, State, Subject, Table, Values, judge,
};
use tectum::volume::DType;

const SHAPE: [usize; 4] = [48, 3, 24, 32];
const PLANE: usize = SHAPE[2] * SHAPE[3];

/// A recording with something wrong in most measures, and a plane that is missing.
struct Recording {
    subject: Subject,
    codes: Vec<Vec<u16>>,
    reals: Option<Vec<Vec<f64>>>,
    references: Arc<References>,
}

const ABSENT: [usize; 2] = [20, 1];

impl Recording {
    fn new(is_real: bool) -> Self {
        let subject = Subject {
            shape: SHAPE,
            dtype: if is_real { DType::F32 } else { DType::U16 },
            rate_hz: Some(5.0),
            voxel_um: None,
            planned_t: None,
            times_s: Some((0..SHAPE[0]).map(|t| t as f64 * 0.2 + if t > 30 { 0.7 } else { 0.0 }).collect()),
        };
        let codes = codes();
        let real = |codes: &Vec<u16>| codes.iter().map(|code| f64::from(*code) / 7.0).collect();
        let reals = is_real.then(|| codes.iter().map(real).collect());
        let mut recording =
            Self { subject, codes, reals, references: Preparation::new(&subject_of_none(), Codes::NONE).finish() };
        let mut preparation = Preparation::new(&recording.subject, Codes::ALL);
        for t in 0..REFERENCE_VOLUMES {
            preparation.planes(t, 0, &recording.planes(t, 0..SHAPE[1]));
            preparation.end();
        }
        recording.references = preparation.finish();
        recording
    }

    fn planes(&self, t: usize, z: Range<usize>) -> Vec<Plane<'_>> {
        let values = |z: usize| {
            let part = z * PLANE..(z + 1) * PLANE;
            match &self.reals {
                Some(reals) => Values::Reals(&reals[t][part]),
                None => Values::Codes { codes: &self.codes[t][part], base: 0 },
            }
        };
        z.map(|z| Plane { shape: [SHAPE[2], SHAPE[3]], values: ([t, z] != ABSENT).then(|| values(z)) }).collect()
    }

    /// Measures timepoints of their own, with one of halo, each in slabs of some planes.
    fn shard(&self, range: Range<usize>, slab: usize, table: &mut Table) -> State {
        let mut measurer = Measurer::new(&self.subject, Some(Arc::clone(&self.references)), Codes::ALL);
        for t in range {
            for first in (0..SHAPE[1]).step_by(slab) {
                let z = first..(first + slab).min(SHAPE[1]);
                let before = t.checked_sub(1).map(|t| self.planes(t, z.clone()));
                measurer.planes(first, &self.planes(t, z), before.as_deref());
            }
            table.set(t, measurer.end());
        }
        measurer.into_state()
    }

    fn report(&self, cuts: &[usize], slab: usize) -> String {
        let mut table = Table::new(SHAPE[0], SHAPE[1]);
        let mut ends: Vec<usize> = cuts.iter().copied().chain([0, SHAPE[0]]).collect();
        ends.sort_unstable();
        ends.dedup();
        let mut state = State::default();
        for range in ends.windows(2) {
            state.merge(&self.shard(range[0]..range[1], slab, &mut table));
        }
        let subject = &self.subject;
        let figures = Figures::of(subject, Some(&self.references), &table, &state);
        let reason = "is truncated".to_owned();
        let missing = [Missing { t: [ABSENT[0]; 2], z: Some([ABSENT[1]; 2]), file: None, reason }];
        let verdict =
            judge(&Evidence { subject, table: &table, figures: &figures, missing: &missing }, &Limits::default());
        let report = Report {
            name: "shards".into(),
            channel: None,
            path: "/shards".into(),
            subject: subject.clone(),
            table,
            figures,
            missing: missing.to_vec(),
            alarms: verdict.alarms,
            usable: verdict.usable,
            lost: verdict.lost,
            pictures: None,
            provenance: provenance(),
        };
        serde_json::to_string(&tectum::report::Json(&report)).expect("a report is JSON")
    }
}

fn subject_of_none() -> Subject {
    Subject { shape: [0; 4], dtype: DType::U16, rate_hz: None, voxel_um: None, planned_t: None, times_s: None }
}

fn provenance() -> Provenance {
    Provenance {
        version: "0".into(),
        limits_name: "default".into(),
        limits: Limits::default(),
        identity: "0".into(),
        range: [0, SHAPE[0]],
        num_bytes: 0,
        seconds: 0.0,
        made_s: 0.0,
        num_cores: 1,
        recorded_s: None,
        blocks: None,
    }
}

/// Blobs of light on a camera of 12 bits, with noise: bleaching, moving from t = 25 on, with a repeated volume, a
/// dark one and a saturated stretch.
fn codes() -> Vec<Vec<u16>> {
    let mut seed = 1_u64;
    let mut noise = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let mut volumes: Vec<Vec<u16>> = Vec::new();
    for t in 0..SHAPE[0] {
        let shift = if t >= 25 { 3.0 } else { 0.0 };
        let light = if t == 35 { 0.0 } else { 900.0 * (-(t as f64) / 100.0).exp() };
        let voxel = |i: usize| {
            let [z, y, x] = [i / PLANE, i % PLANE / SHAPE[3], i % SHAPE[3]].map(|value| value as f64);
            let blob = |cy: f64, cx: f64| (-((y - cy - z).powi(2) + (x - cx - shift).powi(2)) / 9.0).exp();
            let bright = light * (blob(7.0, 9.0) + blob(15.0, 20.0) * (1.0 + z / 2.0) + blob(19.0, 6.0));
            let value = 100.0 + bright + (4.0 + bright.sqrt()) * 3.0 * noise();
            if (40..44).contains(&t) && i < 9 { 4095 } else { value.clamp(0.0, 4095.0) as u16 }
        };
        let volume = (0..SHAPE[1] * PLANE).map(voxel).collect();
        volumes.push(if t == 15 { volumes[14].clone() } else { volume });
    }
    volumes
}

fn of_codes() -> &'static (Recording, String) {
    static ONE: OnceLock<(Recording, String)> = OnceLock::new();
    ONE.get_or_init(|| {
        let recording = Recording::new(false);
        let report = recording.report(&[], SHAPE[1]);
        (recording, report)
    })
}

fn of_reals() -> &'static (Recording, String) {
    static ONE: OnceLock<(Recording, String)> = OnceLock::new();
    ONE.get_or_init(|| {
        let recording = Recording::new(true);
        let report = recording.report(&[], SHAPE[1]);
        (recording, report)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_cut_gives_the_report_of_one_pass(cuts in prop::collection::vec(1..SHAPE[0], 0..6), slab in 1..=SHAPE[1]) {
        let (recording, one_pass) = of_codes();
        prop_assert_eq!(&recording.report(&cuts, slab), one_pass);
    }

    #[test]
    fn any_cut_of_real_numbers_does_so_too(cuts in prop::collection::vec(1..SHAPE[0], 0..6), slab in 1..=SHAPE[1]) {
        let (recording, one_pass) = of_reals();
        prop_assert_eq!(&recording.report(&cuts, slab), one_pass);
    }
}

#[test]
fn the_report_that_is_cut_says_what_is_wrong() {
    let report: serde_json::Value = serde_json::from_str(&of_codes().1).expect("a report is JSON");
    let codes: Vec<&str> =
        report["alarms"].as_array().expect("a list").iter().filter_map(|alarm| alarm["code"].as_str()).collect();
    for code in ["duplicate", "missing", "saturation", "gap", "bleaching"] {
        assert!(codes.contains(&code), "{code} is not among {codes:?}");
    }
    assert_eq!(report["saturation"]["full_scale"], 4095);
}
