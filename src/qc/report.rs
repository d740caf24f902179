//! Everything known about the quality of one recording, for whoever writes it down: JSON, CSV, a page.

use super::{Alarm, Figures, Limits, Missing, Pictures, PlaneRow, Subject, Table, Usable, scales};

/// A report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the recording.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// The recording.
    pub subject: Subject,
    /// What was measured of each timepoint.
    pub table: Table,
    /// What was measured of the whole.
    pub figures: Figures,
    /// What is not there.
    pub missing: Vec<Missing>,
    /// What is wrong, in order of t.
    pub alarms: Vec<Alarm>,
    /// How much can be used.
    pub usable: Usable,
    /// Timepoints that do not count as usable, half-open ranges in order.
    pub lost: Vec<[usize; 2]>,
    /// Pictures of one plane over all of the time measured.
    pub pictures: Option<Pictures>,
    /// What was done to get there.
    pub provenance: Provenance,
}

impl Report {
    /// Share of a plane's voxels at full scale, 0 to 1. NaN where the plane is not there, or full scale not known.
    pub fn saturation(&self, plane: &PlaneRow) -> f64 {
        let full_scale = self.figures.full_scale.map(|full_scale| full_scale.value);
        let num_voxels = self.subject.plane_shape().iter().product::<usize>() as f64;
        let scale = scales(self.subject.dtype).iter().position(|scale| scale.is_some() && *scale == full_scale);
        match scale {
            Some(scale) if plane.is_there => f64::from(plane.at_scale[scale]) / num_voxels,
            _ => f64::NAN,
        }
    }
}

/// What was done to get a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// Name of the limits: "default", the name of a rig profile or of a file.
    pub limits_name: String,
    /// The limits.
    pub limits: Limits,
    /// Tells the recording from others, wherever it lies.
    pub identity: String,
    /// Timepoints measured, a half-open range.
    pub range: [usize; 2],
    /// Decoded bytes.
    pub num_bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// When the report was made, seconds since 1970.
    pub made_s: f64,
    /// Cores used.
    pub num_cores: usize,
    /// When the recording was begun and ended, seconds since 1970, where its files tell.
    pub recorded_s: Option<[f64; 2]>,
    /// Blocks that are whole, of how many.
    pub blocks: Option<[usize; 2]>,
}
