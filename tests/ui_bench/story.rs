//! A recording with something to tell: 20.7 of 30 minutes at 5 Hz, 24 planes. It moved, was dark for a while,
//! two planes are saturated, and a lost camera frame has shifted all planes.

use std::sync::Arc;

use tectum::array::ViewInfo;
use tectum::live::{LiveState, LiveStatus};
use tectum::qc::{
    Alarm, Bleaching, Code, Figures, FullScale, Gravity, Limits, PhotonGain, PlaneRow, Row, Subject, Table, Usable,
    Verdict, VolumeRow,
};
use tectum::sweep::{Progress, Snapshot};
use tectum::ui::Quality;
use tectum::volume::{Axis, DType, Piece, PieceState, Span, VoxelSize};

use super::{Bench, live};

const NUM_T: usize = 6212;
const PLANNED: usize = 9000;
const NUM_Z: usize = 24;
const MOVED: [usize; 2] = [1480, 1522];
const DARK: [usize; 2] = [3118, 3176];
const SATURATED: usize = 4150;
const SHIFTED: usize = 5622;

/// What a window borrows its quality from.
pub struct KnownQuality {
    pub snapshot: Arc<Snapshot>,
    pub verdict: Verdict,
    pub limits: Limits,
    pub limits_name: String,
    pub is_changed: bool,
    pub profiles: Vec<String>,
    pub motion: Option<[f64; 2]>,
}

impl KnownQuality {
    /// As the panels see it.
    pub fn borrow(&self) -> Quality<'_> {
        Quality {
            snapshot: &self.snapshot,
            verdict: &self.verdict,
            limits: &self.limits,
            limits_name: &self.limits_name,
            limits_are_changed: self.is_changed,
            profiles: &self.profiles,
            motion: self.motion,
        }
    }
}

impl Bench {
    /// The story.
    pub fn story() -> Self {
        let info = ViewInfo {
            shape: [NUM_T, NUM_Z, 512, 512],
            dtype: DType::U16,
            voxel_size: Some(VoxelSize { z_um: 8.0, y_um: 0.6, x_um: 0.6 }),
            rate_hz: Some(5.0),
            has_axis: [true; 4],
        };
        let mut bench = Self { info, quality: Some(known_quality()), ..Self::default() };
        bench.array.shape = tectum::volume::Shape::new(&bench.info.shape).expect("a shape");
        bench.view.cursor.t = 4688;
        let piece = |block: usize| Piece {
            axis: Some(Axis::T),
            range: [300 * block, (300 * block + 300).min(PLANNED)],
            state: if block < 20 { PieceState::Whole } else { PieceState::Writing },
        };
        bench.pieces = (0..21).map(piece).collect();
        bench.live = Some(LiveStatus {
            newest_t: Some(NUM_T - 1),
            expected_end: Some(PLANNED),
            writing: Some(Span { axis: Axis::T, range: [6000, 6300] }),
            ..live(LiveState::Live)
        });
        bench.cached = vec![[4500, 4900]];
        bench
    }
}

/// What is known of the story's quality.
pub fn known_quality() -> KnownQuality {
    let mut table = Table::new(NUM_T, NUM_Z);
    (0..NUM_T).for_each(|t| table.set(t, row(t)));
    let subject = Subject {
        shape: [NUM_T, NUM_Z, 512, 512],
        dtype: DType::U16,
        rate_hz: Some(5.0),
        voxel_um: Some([8.0, 0.6, 0.6]),
        planned_t: Some(PLANNED),
        times_s: None,
    };
    let figures = Figures {
        full_scale: Some(FullScale { value: 4095.0, is_detected: true }),
        offset: Some(100.0),
        bleaching: Some(Bleaching { percent: vec![6.2; NUM_Z], overall_percent: 6.2, tau: 30_000.0, per_minute: 0.31 }),
        photon_gain: Some(PhotonGain { gain: 2.4, zero: 98.0, num_levels: 400 }),
        noise: Some(1.6),
        ..Figures::default()
    };
    let progress = Progress { done: NUM_T, of: NUM_T, behind_s: Some(0.1), ..Progress::default() };
    let snapshot = Snapshot { version: 1, subject, table, figures, missing: Vec::new(), pictures: None, progress };
    KnownQuality {
        snapshot: Arc::new(snapshot),
        verdict: verdict(),
        limits: Limits::default(),
        limits_name: "rig default".to_owned(),
        is_changed: false,
        profiles: vec!["default".to_owned(), "rig default".to_owned(), "two-photon".to_owned()],
        motion: Some([0.4, 6.8]),
    }
}

fn verdict() -> Verdict {
    let alarm = |code, gravity, t, z, value, limit, words: [&str; 3]| Alarm {
        code,
        gravity,
        t,
        z,
        value,
        limit,
        is_open: t[1] == NUM_T - 1,
        title: words[0].to_owned(),
        detail: words[1].to_owned(),
        advice: words[2].to_owned(),
    };
    let last = NUM_T - 1;
    let alarms = vec![
        alarm(Code::Motion, Gravity::Alarm, MOVED, None, 6.8, 5.0, ["Fish moved, 6.8 px", "", "Let it settle."]),
        alarm(Code::Underexposed, Gravity::Alarm, DARK, None, 0.1, 3.0, ["59 dark volumes", "", "Check the shutter."]),
        alarm(
            Code::Saturation,
            Gravity::Warn,
            [SATURATED, last],
            Some([0, 1]),
            0.04,
            0.01,
            ["Planes 0–1 saturated", "0.04 % of their voxels at 4\u{2009}095.", "Lower the laser or the exposure."],
        ),
        alarm(
            Code::PlaneSlip,
            Gravity::Alarm,
            [SHIFTED, last],
            None,
            1.0,
            0.0,
            [
                "Planes shifted by one",
                "A camera frame was lost at t 5\u{2009}622.",
                "Stop and start the recording anew.",
            ],
        ),
    ];
    let lost = vec![[MOVED[0], MOVED[1] + 1], [DARK[0], DARK[1] + 1], [SHIFTED, NUM_T]];
    let num_lost: usize = lost.iter().map(|[first, end]| end - first).sum();
    let usable = Usable {
        volumes: NUM_T - num_lost,
        measured: NUM_T,
        of: PLANNED,
        expected: NUM_T - num_lost,
        rate_hz: Some(5.0),
    };
    Verdict { alarms, usable, lost }
}

fn is_in(range: [usize; 2], t: usize) -> bool {
    (range[0]..=range[1]).contains(&t)
}

fn row(t: usize) -> Row {
    let dark = is_in(DARK, t);
    let sway = (t as f32 / 400.0).sin();
    let plane = |z: usize| {
        let depth = (z as f32 - 11.5) / 12.0;
        let mean = if dark { 108.0 } else { 163.0 - 55.0 * depth * depth + 2.0 * sway - t as f32 / 900.0 };
        let full = if t >= SATURATED && z < 2 { 105 } else { 0 };
        PlaneRow {
            is_there: true,
            mean,
            std: mean / 9.0,
            percentiles: [mean - 30.0, mean, mean + 200.0],
            range: [95.0, if full > 0 { 4095.0 } else { 3000.0 }],
            at_scale: [0, full, 0, 0],
            change: 12.0,
            focus: 900.0,
            stripes: 0.01,
            ..PlaneRow::ABSENT
        }
    };
    let moved = if is_in(MOVED, t) { 6.8 * (1.0 - (t as f32 - 1501.0).abs() / 22.0) } else { 0.0 };
    let volume = VolumeRow {
        shift: [0.3 + 0.1 * sway + moved, 0.2],
        shift_quality: 4.0,
        correlation: 0.95,
        z_drift: 0.1 * sway,
        slip: if t >= SHIFTED { -1.0 } else { 0.0 },
    };
    Row { planes: (0..NUM_Z).map(plane).collect(), volume, is_complete: true }
}
