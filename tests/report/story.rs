//! A recording as an evening at the rig leaves it, made by hand: moved, dark, saturated, and at last a camera
//! frame is lost.

use tectum::qc::{
    Alarm, Bleaching, Code, Figures, FullScale, Gravity, Limits, PhotonGain, Pictures, PlaneRow, Provenance, Report,
    Row, Subject, Table, Timing, Usable, VolumeRow, scales,
};
use tectum::volume::DType;

/// What is planned.
pub const NUM_T: usize = 9000;
const NUM_Z: usize = 24;
const SIDE: usize = 512;

/// Noise that is the same every time, −1 to 1.
pub fn noise(seed: usize) -> f64 {
    let mut x = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    for _ in 0..3 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^= x >> 27;
    }
    (x % 20_001) as f64 / 10_000.0 - 1.0
}

/// A timepoint of the story.
fn row(t: usize) -> Row {
    let is_dark = (3118..=3176).contains(&t);
    let is_moved = (1480..=1522).contains(&t);
    let is_slipped = t >= 5622;
    let fade = 1.0 - 0.089 * t as f64 / NUM_T as f64;
    let plane = |z: usize| {
        let shown = if is_slipped { z.saturating_sub(1) } else { z };
        let light = 55.0 * (-((shown as f64 - 9.0) / 7.0).powi(2)).exp();
        let mean = if is_dark { 100.0 } else { 105.0 + light * fade + noise(t * 31 + z) };
        let at_full = if t >= 4150 && z < 2 && !is_dark { 105 + (noise(t + z) * 30.0) as u32 } else { 0 };
        let mut at_scale = [0; 4];
        at_scale[1] = at_full;
        PlaneRow {
            is_there: true,
            mean: mean as f32,
            focus: (0.02 * (1.0 - if is_moved { 0.07 } else { 0.0 }) + noise(t) * 4e-5) as f32,
            stripes: 0.01,
            at_scale,
            ..PlaneRow::ABSENT
        }
    };
    let jump = if is_moved { 6.8 - ((t as f64 - 1501.0) / 12.0).powi(2) * 1.5 } else { 0.0 };
    let volume = VolumeRow {
        shift: [(0.3 + jump.max(0.0) + noise(t * 7) * 0.15) as f32, 0.2],
        z_drift: (if is_slipped { 1.03 } else { 0.1 } + noise(t * 3) * 0.04) as f32,
        ..VolumeRow::UNKNOWN
    };
    Row { planes: (0..NUM_Z).map(plane).collect(), volume, is_complete: true }
}

fn alarm(code: Code, gravity: Gravity, t: [usize; 2], words: [&str; 3]) -> Alarm {
    let [title, detail, advice] = words.map(str::to_owned);
    let z = (code == Code::Saturation).then_some([0, 1]);
    Alarm { code, gravity, t, z, value: 6.8, limit: 5.0, title, detail, advice, is_open: false }
}

fn alarms() -> Vec<Alarm> {
    use Gravity::{Alarm, Warn};
    let last = NUM_T - 1;
    vec![
        alarm(Code::Motion, Alarm, [1480, 1522], ["Fish moved, 6.8 px", "Limit 5 px.", "Leave these volumes out."]),
        alarm(
            Code::Underexposed,
            Alarm,
            [3118, 3176],
            ["59 dark volumes", "Signal at the camera’s offset:", "check the shutter."],
        ),
        alarm(
            Code::Saturation,
            Warn,
            [4150, last],
            ["Planes 0–1 saturated", "0.04 % of their voxels at 4 095.", "Lower the laser or the exposure."],
        ),
        alarm(
            Code::PlaneSlip,
            Alarm,
            [5622, last],
            ["Planes shifted by one", "A camera frame was lost: plane z shows what z − 1 showed before.", ""],
        ),
    ]
}

/// A brain, as far as one can be drawn with ellipses and points.
fn pictures() -> Pictures {
    let at = |i: usize| ((i / SIDE) as f64 / SIDE as f64, (i % SIDE) as f64 / SIDE as f64);
    let tissue = |i: usize| {
        let (y, x) = at(i);
        let inside = |cy: f64, cx: f64, ry: f64, rx: f64| ((y - cy) / ry).powi(2) + ((x - cx) / rx).powi(2) < 1.0;
        let is_in = inside(0.45, 0.3, 0.17, 0.17) || inside(0.45, 0.7, 0.17, 0.17) || inside(0.8, 0.5, 0.3, 0.13);
        let cell = noise(i / SIDE / 6 * 997 + i % SIDE / 6) > 0.97;
        if is_in { 40.0 + if cell { 200.0 } else { 0.0 } } else { 2.0 }
    };
    let mean: Vec<f32> = (0..SIDE * SIDE).map(|i| (100.0 + tissue(i) + noise(i)) as f32).collect();
    let tsnr = (0..SIDE * SIDE).map(|i| if tissue(i) > 3.0 { (tissue(i) / 30.0) as f32 } else { f32::NAN });
    let enhanced = mean.iter().map(|value| (value / 140.0).sqrt()).collect();
    Pictures { z: 12, shape: [SIDE; 2], step: 1, tsnr: tsnr.collect(), mean, enhanced }
}

/// The subject of the story.
pub fn subject() -> Subject {
    Subject {
        shape: [NUM_T, NUM_Z, SIDE, SIDE],
        dtype: DType::U16,
        rate_hz: Some(5.0),
        voxel_um: Some([8.0, 0.6, 0.6]),
        planned_t: None,
        times_s: None,
    }
}

/// The report about it.
pub fn report() -> Report {
    let subject = subject();
    assert_eq!(scales(subject.dtype)[1], Some(4095.0));
    let mut table = Table::new(NUM_T, NUM_Z);
    (0..NUM_T).for_each(|t| table.set(t, row(t)));
    let num_lost = 43 + 59 + (NUM_T - 5622);
    let expected = NUM_T - num_lost;
    let figures = Figures {
        full_scale: Some(FullScale { value: 4095.0, is_detected: true }),
        offset: Some(100.0),
        bleaching: Some(Bleaching { percent: vec![8.9; NUM_Z], overall_percent: 8.9, tau: 40_000.0, per_minute: 0.31 }),
        photon_gain: Some(PhotonGain { gain: 2.4, zero: 100.0, num_levels: 900 }),
        noise: Some(1.6),
        tsnr: Some(vec![4.4; NUM_Z]),
        flyback: Some([1, 0]),
        timing: Some(Timing { period_s: 0.2, jitter_s: 0.001, p99_s: 0.203, gaps: Vec::new() }),
        ..Figures::default()
    };
    Report {
        name: "fish3_run2".to_owned(),
        channel: None,
        path: "fish3_run2/original".to_owned(),
        subject,
        table,
        figures,
        missing: Vec::new(),
        alarms: alarms(),
        usable: Usable { volumes: expected, measured: NUM_T, of: NUM_T, expected, rate_hz: Some(5.0) },
        lost: vec![[1480, 1523], [3118, 3177], [5622, NUM_T]],
        pictures: Some(pictures()),
        provenance: Provenance {
            version: "0.2.0".to_owned(),
            limits_name: "rig default".to_owned(),
            limits: Limits::default(),
            identity: "7c1e 04b9 52da".to_owned(),
            range: [0, NUM_T],
            num_bytes: 113_000_000_000,
            seconds: 144.0,
            made_s: 1_795_555_555.0,
            num_cores: 2,
            recorded_s: Some([1_795_515_120.0, 1_795_516_920.0]),
            blocks: Some([30, 30]),
        },
    }
}
