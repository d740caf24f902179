//! Everything known about the quality of one recording, for whoever writes it down: JSON, CSV, a page.

use super::{Alarm, Figures, Limits, Missing, Pictures, Saturation, Subject, Table, Usable};

/// A report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the recording, with that of its channel.
    pub name: String,
    /// Which of several channels it is.
    pub channel: Option<String>,
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
    /// Counts a plane's voxels at full scale.
    pub fn saturation(&self) -> Saturation {
        Saturation::of(&self.subject, &self.figures)
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
