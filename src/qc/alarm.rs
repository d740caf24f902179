//! What is wrong with a recording, in words for the one who records: a pure function of the measures and the
//! limits.

use serde::{Deserialize, Serialize};

use super::Code;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// ▲ Worth a look; the timepoints stay usable.
    Warn,
    /// ■ The timepoints do not count as usable.
    Alarm,
}

/// One thing that is wrong, over one range of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// What was measured.
    pub code: Code,
    /// How much it matters.
    pub gravity: Gravity,
    /// First and last timepoint.
    pub t: [usize; 2],
    /// First and last plane, where it concerns planes.
    pub z: Option<[usize; 2]>,
    /// The worst value, in the unit of its limit.
    pub value: f64,
    /// The limit it is beyond.
    pub limit: f64,
    /// Whether it was still going on at the newest timepoint measured.
    pub is_open: bool,
    /// What is wrong, in a few words: "Planes 0–1 saturated".
    pub title: String,
    /// How much, and what it means: "0.04 % of their voxels at 4,095."
    pub detail: String,
    /// What to do about it: "Lower the laser or the exposure."
    pub advice: String,
}

impl Alarm {
    /// All of it in one sentence or two, for lists that are read without the window: "Planes 0–1 saturated,
    /// t 120–380. Up to 0.4 % of their voxels at 4 095. Lower the laser or the exposure."
    pub fn message(&self) -> String {
        let [first, last] = self.t;
        let t = if first == last { format!("t {first}") } else { format!("t {first}–{last}") };
        [format!("{}, {t}.", self.title), self.detail.clone(), self.advice.clone()]
            .into_iter()
            .filter(|sentence| !sentence.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// How much of a recording can be used. What is to come counts as usable while no alarm is going on, and as
/// lost while one is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usable {
    /// Timepoints measured that no alarm lies on.
    pub volumes: usize,
    /// Timepoints measured.
    pub measured: usize,
    /// Timepoints it has, or is planned to have.
    pub of: usize,
    /// Timepoints that will be usable in the end, as things are.
    pub expected: usize,
    /// Volumes per second, where known.
    pub rate_hz: Option<f64>,
}

/// The verdict of the badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// ● From 95 %.
    Good,
    /// ▲ From 50 %.
    InPart,
    /// ■ Less.
    Lost,
}

/// A recording shorter than this is told in seconds.
const SHORT_MIN: f64 = 2.0;

impl Usable {
    /// Share, 0 to 1, that will be usable in the end.
    pub fn share(&self) -> f64 {
        if self.of == 0 { 1.0 } else { self.expected as f64 / self.of as f64 }
    }

    /// Of what was measured alone, where only a part of a recording was looked at.
    #[must_use]
    pub fn of_measured(self) -> Self {
        Self { of: self.measured, expected: self.volumes, ..self }
    }

    /// Usable timepoints, those it is of, and the unit of both: minutes, seconds of a short recording, or none where
    /// the rate is unknown and they are timepoints.
    pub fn amounts(&self) -> (f64, f64, Option<&'static str>) {
        match (self.minutes(self.expected), self.minutes(self.of)) {
            (Some(minutes), Some(of)) if of < SHORT_MIN => (60.0 * minutes, 60.0 * of, Some("s")),
            (Some(minutes), Some(of)) => (minutes, of, Some("min")),
            _ => (self.expected as f64, self.of as f64, None),
        }
    }

    /// Timepoints in minutes, where the rate is known.
    pub fn minutes(&self, num_t: usize) -> Option<f64> {
        self.rate_hz.filter(|rate| *rate > 0.0).map(|rate| num_t as f64 / rate / 60.0)
    }

    /// The verdict.
    pub fn grade(&self) -> Grade {
        match self.share() {
            share if share >= 0.95 => Grade::Good,
            share if share >= 0.5 => Grade::InPart,
            _ => Grade::Lost,
        }
    }
}

impl Grade {
    /// Its shape, so that it is never told by colour alone.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::InPart => "▲",
            Self::Lost => "■",
        }
    }
}

/// A share in whole percent; only what is whole is 100, and only what is nothing is 0.
pub fn whole_percent(share: f64) -> u32 {
    match (100.0 * share).round() as u32 {
        100.. if share < 1.0 => 99,
        0 if share > 0.0 => 1,
        percent => percent.min(100),
    }
}
