//! `saturation`: the share of a plane's voxels at full scale. Full scale is the largest value of the storage type,
//! or, where the largest value of the recording so far is one of 1,023, 4,095 and 16,383 and more than 0.001 % of
//! voxels have it, that value: a camera of 10, 12 or 14 bits.

use super::{Figures, FullScale, NUM_SCALES, PlaneRow, Row, Subject, Table, scales};
use crate::volume::DType;

/// Share of voxels that have to be at a camera's full scale for it to be believed.
const LEAST_SHARE: f64 = 1e-5;

/// Counts a plane's voxels at the full scale of its recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saturation {
    /// Which of [`PlaneRow::at_scale`] counts them; none where full scale is not known.
    scale: Option<usize>,
    num_voxels: f64,
}

impl Saturation {
    /// By the full scale that is known of a recording.
    pub fn of(subject: &Subject, figures: &Figures) -> Self {
        let value = figures.full_scale.map(|full_scale| full_scale.value);
        let scale = scales(subject.dtype).iter().position(|scale| value.is_some() && *scale == value);
        Self { scale, num_voxels: subject.plane_shape().iter().product::<usize>() as f64 }
    }

    /// Whether full scale is known.
    pub fn is_known(&self) -> bool {
        self.scale.is_some()
    }

    /// Share, 0 to 1. NaN where the plane is not there, or full scale not known.
    pub fn share(&self, plane: &PlaneRow) -> f64 {
        self.percent(plane) / 100.0
    }

    /// The same in percent.
    pub fn percent(&self, plane: &PlaneRow) -> f64 {
        let scale = self.scale.filter(|_| plane.is_there);
        scale.map_or(f64::NAN, |scale| 100.0 * f64::from(plane.at_scale[scale]) / self.num_voxels)
    }

    /// Percent of the worst plane; NaN where there is none.
    pub fn worst_percent(&self, row: &Row) -> f64 {
        row.planes.iter().map(|plane| self.percent(plane)).fold(f64::NAN, f64::max)
    }
}

/// Full scale as far as the table goes: what is detected later is counted again from the table, not from data.
pub fn full_scale(table: &Table, dtype: DType, num_voxels: usize) -> Result<FullScale, String> {
    let scales = scales(dtype);
    let Some(largest_of_type) = scales[NUM_SCALES - 1] else {
        return Err(format!("{} has no largest value", dtype.name()));
    };
    let (mut largest, mut num_planes, mut at_scale) = (f32::NEG_INFINITY, 0_u64, [0_u64; NUM_SCALES]);
    for row in (0..table.num_t()).filter_map(|t| table.row(t)) {
        for plane in row.planes.iter().filter(|plane| plane.is_there) {
            largest = largest.max(plane.range[1]);
            num_planes += 1;
            at_scale.iter_mut().zip(plane.at_scale).for_each(|(sum, part)| *sum += u64::from(part));
        }
    }
    let least = num_planes as f64 * num_voxels as f64 * LEAST_SHARE;
    let detected = scales[..NUM_SCALES - 1]
        .iter()
        .zip(at_scale)
        .find_map(|(scale, num)| scale.filter(|scale| f64::from(largest) == *scale && num as f64 > least));
    Ok(FullScale { value: detected.unwrap_or(largest_of_type), is_detected: detected.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::{PlaneRow, Row, VolumeRow};

    fn table(largest: f32, at_scale: [u32; NUM_SCALES]) -> Table {
        let mut table = Table::new(1, 1);
        let plane = PlaneRow { is_there: true, range: [0.0, largest], at_scale, ..PlaneRow::ABSENT };
        table.set(0, Row { planes: vec![plane], volume: VolumeRow::UNKNOWN, is_complete: true });
        table
    }

    #[test]
    fn a_camera_of_fewer_bits_is_found_where_enough_voxels_are_at_its_full_scale() {
        let detected = |largest, at_scale| full_scale(&table(largest, at_scale), DType::U16, 1_000_000).unwrap();
        let full = detected(4095.0, [3, 11, 0, 0]);
        assert_eq!(full, FullScale { value: 4095.0, is_detected: true });
        assert!(!detected(4095.0, [3, 10, 0, 0]).is_detected, "a few hot pixels");
        let beyond = detected(4096.0, [3, 1100, 0, 0]);
        assert_eq!(beyond, FullScale { value: 65_535.0, is_detected: false });
    }

    #[test]
    fn floats_have_none_and_bytes_that_of_their_type() {
        assert!(full_scale(&table(1023.0, [100, 0, 0, 0]), DType::F32, 100).is_err());
        assert_eq!(full_scale(&table(255.0, [0; 4]), DType::U8, 100).unwrap().value, 255.0);
        assert_eq!(full_scale(&Table::new(3, 1), DType::I16, 100).unwrap().value, 32_767.0);
    }
}
