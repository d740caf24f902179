//! The figures of a whole recording, made from the table and the state: the *end* measures, recomputed as data
//! come.

use std::collections::BTreeMap;

use super::bleaching::bleaching;
use super::gap::timing;
use super::{Code, References, State, Subject, Table, flyback};

/// Figures of the recording as far as it has been measured. What cannot be had is `None`, and why stands in
/// `notes`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Value that counts as full scale, and whether it was detected (a camera of fewer bits than the type).
    pub full_scale: Option<FullScale>,
    /// Dark level of the camera, counts.
    pub offset: Option<f64>,
    /// Read noise of the camera, counts.
    pub read_noise: Option<f64>,
    /// Light lost.
    pub bleaching: Option<Bleaching>,
    /// Counts for each photon.
    pub photon_gain: Option<PhotonGain>,
    /// Shot-noise level ν of the brightest voxels, %·Hz^−½; without a rate per √volume.
    pub noise: Option<f64>,
    /// For each plane the median over its voxels of mean/std over t; NaN where it cannot be had.
    pub tsnr: Option<Vec<f64>>,
    /// Planes to skip at the first and last end of a volume.
    pub flyback: Option<[usize; 2]>,
    /// Time between timepoints, where the recording says when each was taken.
    pub timing: Option<Timing>,
    /// Why a figure cannot be had, or how it was made, for each measure that needs a word.
    pub notes: BTreeMap<Code, String>,
}

/// The value that counts as full scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FullScale {
    /// The value.
    pub value: f64,
    /// Found in the data: a camera of fewer bits than its storage type.
    pub is_detected: bool,
}

/// Light lost over the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Bleaching {
    /// Percent lost from the first to the last fitted value, for each plane; NaN where it cannot be had.
    pub percent: Vec<f64>,
    /// The same of the recording as a whole.
    pub overall_percent: f64,
    /// Time constant, in volumes; infinite where the light falls along a straight line.
    pub tau: f64,
    /// Percent lost per minute; per volume where the rate is unknown.
    pub per_minute: f64,
}

/// The camera's photon transfer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotonGain {
    /// Counts for each photon.
    pub gain: f64,
    /// Value without light, counts.
    pub zero: f64,
    /// Intensity levels it was fitted to.
    pub num_levels: usize,
}

/// Time between timepoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Median of Δt, s.
    pub period_s: f64,
    /// Standard deviation of Δt, s.
    pub jitter_s: f64,
    /// 99th percentile of Δt, s.
    pub p99_s: f64,
    /// Gaps: the timepoint after it, and Δt in s.
    pub gaps: Vec<(usize, f64)>,
}

impl Figures {
    /// Makes them of all that has been measured.
    pub fn of(subject: &Subject, references: Option<&References>, table: &Table, state: &State) -> Self {
        let mut figures = Self::default();
        figures.add_camera(subject, references, table, state);
        figures.add_flyback(table);
        let is_wanted = state.wanted.has(Code::Bleaching);
        let bleaching = if is_wanted { bleaching(subject, table, &figures) } else { Err("was not asked for".into()) };
        figures.bleaching = figures.noted(Code::Bleaching, bleaching);
        figures.timing = figures.noted(Code::Gap, timing(subject.times_s.as_deref()));
        figures.add_reasons(subject, references);
        figures
    }

    fn add_flyback(&mut self, table: &Table) {
        match flyback::end_planes(table) {
            Ok(planes) => self.flyback = Some(planes),
            Err(reason) => drop(self.notes.insert(Code::Flyback, reason)),
        }
    }
}
