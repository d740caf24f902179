//! The limits beyond which a measure warns or alarms: plain values that a person may change at any moment.

use serde::{Deserialize, Serialize};

use super::Code;

/// Limits of all measures that have any. `None`: never.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Percent of a plane's voxels at full scale.
    pub saturation: Limit,
    /// Median over the camera's dark level, in read noise; below it is too dark: a warning where it is so in some
    /// planes, an alarm where it is so in whole volumes.
    pub underexposed: Limit,
    /// Shift in the plane, px.
    pub motion: Limit,
    /// Shift along z, planes.
    pub z_drift: Limit,
    /// Change from one timepoint to the next, as a multiple of its running median.
    pub dvars: Limit,
    /// Light lost, percent in 10 minutes (volumes of unknown rate: in 1,000) for a warning, percent in all for
    /// an alarm.
    pub bleaching: Limit,
    /// Sharpness, percent of that of the first volumes; below it is out of focus.
    pub focus: Limit,
    /// suite2p's measure of a sudden jump.
    pub bad_frame: Limit,
    /// Time between two timepoints, as a multiple of its median.
    pub gap: Limit,
}

/// The two limits of one measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Beyond it: a warning.
    pub warn: Option<f64>,
    /// Beyond it: an alarm, and the timepoint does not count as usable.
    pub alarm: Option<f64>,
}

impl Limit {
    /// Both.
    pub const fn new(warn: f64, alarm: f64) -> Self {
        Self { warn: Some(warn), alarm: Some(alarm) }
    }

    /// A warning alone.
    pub const fn warn(warn: f64) -> Self {
        Self { warn: Some(warn), alarm: None }
    }
}

impl Limits {
    /// Those of a measure, where it has any.
    pub fn of(&self, code: Code) -> Option<Limit> {
        let mut all = self.clone();
        all.of_mut(code).copied()
    }

    /// Those of a measure, to be changed.
    pub fn of_mut(&mut self, code: Code) -> Option<&mut Limit> {
        match code {
            Code::Saturation => Some(&mut self.saturation),
            Code::Underexposed => Some(&mut self.underexposed),
            Code::Motion => Some(&mut self.motion),
            Code::ZDrift => Some(&mut self.z_drift),
            Code::Dvars => Some(&mut self.dvars),
            Code::Bleaching => Some(&mut self.bleaching),
            Code::Focus => Some(&mut self.focus),
            Code::BadFrame => Some(&mut self.bad_frame),
            Code::Gap => Some(&mut self.gap),
            _ => None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            saturation: Limit::new(0.01, 0.1),
            underexposed: Limit::new(3.0, 3.0),
            motion: Limit::new(2.0, 5.0),
            z_drift: Limit::new(0.5, 1.0),
            dvars: Limit::new(3.0, 6.0),
            bleaching: Limit::new(5.0, 20.0),
            focus: Limit::warn(90.0),
            bad_frame: Limit::warn(100.0),
            gap: Limit::new(1.5, 1.5),
        }
    }
}
