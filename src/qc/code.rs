//! The measures by their names: what is stored, asked for and reported under one word each.

use serde::{Deserialize, Serialize};

/// A measure of quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Mean, deviation and percentiles of every plane.
    Intensity,
    /// Share of voxels at full scale.
    Saturation,
    /// Light hardly above the camera's offset.
    Underexposed,
    /// A plane equal to the same plane one timepoint before.
    Duplicate,
    /// Volumes or planes that are not there.
    Missing,
    /// Timepoints too far apart.
    Gap,
    /// Shift in the plane.
    Motion,
    /// A sudden jump.
    BadFrame,
    /// Shift along z.
    ZDrift,
    /// Planes rotated against the first volumes.
    PlaneSlip,
    /// End planes blurred or displaced by the piezo's return.
    Flyback,
    /// Change from one timepoint to the next.
    Dvars,
    /// Mean over deviation along t.
    Tsnr,
    /// Light lost over the recording.
    Bleaching,
    /// Counts for each photon.
    PhotonGain,
    /// Shot noise of the brightest voxels.
    Noise,
    /// Sharpness.
    Focus,
    /// Structure that is the same along a whole row or column.
    Stripes,
}

impl Code {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 18] = [
        Self::Intensity,
        Self::Saturation,
        Self::Underexposed,
        Self::Duplicate,
        Self::Missing,
        Self::Gap,
        Self::Motion,
        Self::BadFrame,
        Self::ZDrift,
        Self::PlaneSlip,
        Self::Flyback,
        Self::Dvars,
        Self::Tsnr,
        Self::Bleaching,
        Self::PhotonGain,
        Self::Noise,
        Self::Focus,
        Self::Stripes,
    ];

    /// As it is written in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intensity => "intensity",
            Self::Saturation => "saturation",
            Self::Underexposed => "underexposed",
            Self::Duplicate => "duplicate",
            Self::Missing => "missing",
            Self::Gap => "gap",
            Self::Motion => "motion",
            Self::BadFrame => "bad_frame",
            Self::ZDrift => "z_drift",
            Self::PlaneSlip => "plane_slip",
            Self::Flyback => "flyback",
            Self::Dvars => "dvars",
            Self::Tsnr => "tsnr",
            Self::Bleaching => "bleaching",
            Self::PhotonGain => "photon_gain",
            Self::Noise => "noise",
            Self::Focus => "focus",
            Self::Stripes => "stripes",
        }
    }

    /// The measure of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

/// Which measures are wanted. A set of a few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes(u32);

impl Codes {
    /// All of them.
    pub const ALL: Self = Self((1 << Code::ALL.len()) - 1);
    /// None.
    pub const NONE: Self = Self(0);

    /// These and one more.
    #[must_use]
    pub fn with(self, code: Code) -> Self {
        Self(self.0 | 1 << code as u32)
    }

    /// These without one.
    #[must_use]
    pub fn without(self, code: Code) -> Self {
        Self(self.0 & !(1 << code as u32))
    }

    /// Whether one of them is this.
    pub fn has(self, code: Code) -> bool {
        self.0 & 1 << code as u32 != 0
    }
}

impl FromIterator<Code> for Codes {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Self {
        codes.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_which_is_also_that_in_files() {
        for (i, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, i);
            assert_eq!(Code::from_name(code.name()), Some(code));
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.name()));
            assert!(Codes::ALL.has(code) && !Codes::ALL.without(code).has(code) && !Codes::NONE.has(code));
        }
    }
}
