//! Contrast limits, kept for each kind of picture: those of planes make a sum plain yellow.

use serde::{Deserialize, Serialize};

use super::state::ViewState;
use crate::array::ViewInfo;
use crate::volume::{PictureValues, ValueKind, projected_dtype};

/// Limits, and what they were set for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitsOf {
    /// Lower and upper.
    pub limits: [f64; 2],
    /// The values they were set for.
    pub values: PictureValues,
}

impl LimitsOf {
    /// The limits for pictures that fold another number of voxels: those of a sum grow with it.
    pub fn at(&self, values: PictureValues) -> [f64; 2] {
        self.limits.map(|limit| limit * self.values.factor_to(values))
    }
}

/// The limits of every kind of picture, in the order of [`ValueKind`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Chosen by the user, or the first that were measured.
    pub chosen: [Option<LimitsOf>; ValueKind::NUM],
    /// Measured over the whole recording.
    #[serde(skip)]
    pub measured: [Option<LimitsOf>; ValueKind::NUM],
    /// Those of the first picture, for the moment until the recording has been measured.
    #[serde(skip)]
    pub guessed: [Option<LimitsOf>; ValueKind::NUM],
}

impl Limits {
    /// Limits chosen or measured for these values.
    pub fn of(&self, values: PictureValues) -> Option<[f64; 2]> {
        let kind = values.kind as usize;
        self.chosen[kind].or(self.measured[kind]).map(|limits| limits.at(values))
    }

    pub(super) fn choose(&mut self, values: PictureValues, limits: [f64; 2]) {
        if limits.iter().all(|limit| limit.is_finite()) {
            let limits = [limits[0].min(limits[1]), limits[1].max(limits[0])];
            self.chosen[values.kind as usize] = Some(LimitsOf { limits, values });
        }
    }

    pub(super) fn guess(&mut self, values: PictureValues, limits: [f64; 2]) {
        self.guessed[values.kind as usize].get_or_insert(LimitsOf { limits, values });
    }

    /// The recording has been measured. What is on screen changes only if nobody has chosen yet, or where
    /// that was wished for.
    pub(super) fn measure(&mut self, values: PictureValues, limits: [f64; 2], is_wished: bool) {
        let kind = values.kind as usize;
        self.measured[kind] = Some(LimitsOf { limits, values });
        self.chosen[kind] = self.chosen[kind].filter(|_| !is_wished).or(self.measured[kind]);
    }

    pub(super) fn back_to_measured(&mut self, values: PictureValues) {
        let kind = values.kind as usize;
        self.chosen[kind] = self.measured[kind].or(self.chosen[kind]);
    }
}

/// Smallest and largest value that pictures of an array can have; `None` for floats.
pub fn value_range(info: &ViewInfo, values: PictureValues) -> Option<[f64; 2]> {
    let [low, high] = info.dtype.integer_range()?;
    Some(match values.kind {
        ValueKind::Voxels | ValueKind::Max | ValueKind::Mean | ValueKind::Min => [low, high],
        // Half of the voxels at either end.
        ValueKind::Std => [0.0, (high - low) / 2.0],
        ValueKind::Sum => [low, high].map(|end| end * values.num.max(1) as f64),
    })
}

/// Whether values of these pictures are whole numbers.
pub fn is_integer(info: &ViewInfo, values: PictureValues) -> bool {
    use crate::volume::Projection::{Max, Mean, Min, Std, Sum};
    let dtype = info.dtype;
    !match values.kind {
        ValueKind::Voxels => dtype,
        ValueKind::Max => projected_dtype(dtype, Max),
        ValueKind::Mean => projected_dtype(dtype, Mean),
        ValueKind::Min => projected_dtype(dtype, Min),
        ValueKind::Std => projected_dtype(dtype, Std),
        ValueKind::Sum => projected_dtype(dtype, Sum),
    }
    .is_float()
}

impl ViewState {
    /// What the values of the picture are that the active view asks for.
    pub fn values(&self, info: &ViewInfo) -> PictureValues {
        self.picture(info).values()
    }

    /// Limits of the active layer for the picture asked for: chosen or measured.
    pub fn limits(&self, info: &ViewInfo) -> Option<[f64; 2]> {
        self.layer().contrast.of(self.values(info))
    }
}
