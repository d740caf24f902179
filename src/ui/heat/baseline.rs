//! What measures are told against: the light and the sharpness of the first volumes, the camera's dark level,
//! its full scale and its gain.

use crate::qc::{Code, PlaneRow, REFERENCE_VOLUMES, Row, Saturation};
use crate::sweep::Snapshot;

/// See above. What is not known yet is `None` or NaN.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Dark level, counts.
    pub offset: f32,
    /// Counts for each photon.
    pub gain: Option<f32>,
    saturation: Saturation,
    /// Mean of the first volumes over the dark level.
    light: f32,
    /// Sharpness of each plane in the first volumes.
    focus: Vec<f32>,
}

impl PartialEq for Baseline {
    /// What is not known is the same as long as it is not known, though NaN equals nothing.
    fn eq(&self, other: &Self) -> bool {
        let bits = |this: &Self| {
            let numbers = [this.offset, this.gain.unwrap_or(f32::NAN), this.light].map(f32::to_bits);
            (numbers, this.saturation, this.focus.iter().map(|focus| focus.to_bits()).collect::<Vec<_>>())
        };
        bits(self) == bits(other)
    }
}

/// A figure that comes anew with every snapshot is another one only where it is told differently.
fn three_digits(value: f64) -> f64 {
    let unit = 10f64.powf(value.abs().log10().floor() - 2.0);
    if value != 0.0 && unit.is_normal() { (value / unit).round() * unit } else { value }
}

impl Baseline {
    /// That of a recording, as far as it has been measured.
    pub fn of(snapshot: &Snapshot) -> Self {
        let (subject, figures) = (&snapshot.subject, &snapshot.figures);
        let offset = figures.offset.unwrap_or(0.0) as f32;
        let first: Vec<&Row> =
            (0..REFERENCE_VOLUMES).filter_map(|t| snapshot.table.row(t).map(AsRef::as_ref)).collect();
        let light = first.iter().filter_map(|row| light_of(row, offset));
        let focus_of = |z: usize| median(first.iter().filter_map(|row| row.planes.get(z)).map(|plane| plane.focus));
        Self {
            offset,
            gain: figures.photon_gain.map(|gain| three_digits(gain.gain) as f32).filter(|gain| *gain > 0.0),
            saturation: Saturation::of(subject, figures),
            light: mean(light),
            focus: (0..subject.num_z()).map(focus_of).collect(),
        }
    }

    /// Percent of a plane's voxels at full scale.
    pub fn saturation(&self, plane: &PlaneRow) -> f32 {
        self.saturation.percent(plane) as f32
    }

    /// Sharpness of a plane, percent of that of the first volumes.
    pub fn focus(&self, plane: &PlaneRow, z: usize) -> f32 {
        plane.focus / self.focus.get(z).copied().filter(|focus| *focus > 0.0).unwrap_or(f32::NAN) * 100.0
    }

    /// Change since the timepoint before, percent of the mean over the dark level.
    pub fn change(&self, plane: &PlaneRow) -> f32 {
        let light = plane.mean - self.offset;
        if light > 0.0 { plane.change / light * 100.0 } else { f32::NAN }
    }

    /// Light of a volume, percent of that of the first ones; NaN where a plane is missing.
    pub fn intensity(&self, row: &Row) -> f32 {
        let light = light_of(row, self.offset).unwrap_or(f32::NAN);
        if self.light > 0.0 { light / self.light * 100.0 } else { f32::NAN }
    }

    /// Median over the dark level, averaged over the planes: in photons where the gain is known, else in counts.
    pub fn signal(&self, row: &Row) -> f32 {
        let medians = row.planes.iter().filter(|plane| plane.is_there).map(|plane| plane.median() - self.offset);
        mean(medians) / self.gain.unwrap_or(1.0)
    }

    /// Why something cannot be told, where the measures themselves do not say.
    pub fn lacks(&self, code: Code) -> Option<&'static str> {
        match code {
            Code::Saturation if !self.saturation.is_known() => Some("the full scale is not known"),
            _ => None,
        }
    }
}

/// Mean of a whole volume over the dark level.
fn light_of(row: &Row, offset: f32) -> Option<f32> {
    let is_whole = !row.planes.is_empty() && row.is_whole();
    is_whole.then(|| mean(row.planes.iter().map(|plane| plane.mean)) - offset).filter(|light| light.is_finite())
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, num) = values.fold((0.0, 0u32), |(sum, num), value| (sum + f64::from(value), num + 1));
    (sum / f64::from(num)) as f32
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut finite: Vec<f32> = values.filter(|value| value.is_finite()).collect();
    finite.sort_by(f32::total_cmp);
    match finite.len() {
        0 => f32::NAN,
        num if num % 2 == 1 => finite[num / 2],
        num => (finite[num / 2 - 1] + finite[num / 2]) / 2.0,
    }
}
