//! Measuring a made recording as the program measures one on disk.

use std::sync::Arc;

use tectum::array::LazyArray;
use tectum::format::memory::MemorySource;
use tectum::qc::{Code, Evidence, Gravity, Limits, REFERENCE_VOLUMES, Subject, Verdict, judge};
use tectum::sweep::{CheckOptions, Checked, check};
use tectum::volume::{DType, Region, Shape};

use crate::made::Recipe;

/// Volumes per second of all made recordings.
pub const RATE_HZ: f64 = 5.0;

/// Everything that is said of a recording.
pub struct Measured {
    pub checked: Checked,
    pub verdict: Verdict,
}

/// Measures a recording of which some parts, (t, z, y, x), were never written.
pub fn measure_with_holes(recipe: &Recipe, holes: &[Region]) -> Measured {
    let bytes = bytemuck::cast_slice(&recipe.draw()).to_vec();
    measure_bytes(DType::U16, recipe.shape, bytes, holes)
}

/// Measures a recording.
pub fn measure(recipe: &Recipe) -> Measured {
    measure_with_holes(recipe, &[])
}

/// Measures what is given as bytes in C order.
pub fn measure_bytes(dtype: DType, shape: [usize; 4], bytes: Vec<u8>, holes: &[Region]) -> Measured {
    let [_, num_z, num_y, num_x] = shape;
    let grid = [1, num_z, num_y, num_x];
    let source = MemorySource::new(dtype, Shape::from(shape), "tzyx", &grid, bytes).unwrap().with_missing(holes);
    let array = LazyArray::new(Arc::new(source));
    let (rate_hz, voxel_um) = (Some(RATE_HZ), Some([5.0, 0.6, 0.6]));
    let subject = Subject { shape, dtype, rate_hz, voxel_um, planned_t: None, times_s: None };
    let checked = check(&array, &subject, &CheckOptions::default(), |_, _| true).unwrap();
    let Checked { table, figures, missing, .. } = &checked;
    let verdict = judge(&Evidence { subject: &subject, table, figures, missing }, &Limits::default());
    Measured { checked, verdict }
}

impl Measured {
    /// What is said, without the numbers: "motion alarm".
    pub fn said(&self) -> Vec<String> {
        let word = |gravity| if gravity == Gravity::Alarm { "alarm" } else { "warn" };
        let mut said: Vec<_> =
            self.verdict.alarms.iter().map(|alarm| format!("{} {}", alarm.code.name(), word(alarm.gravity))).collect();
        said.sort();
        said.dedup();
        said
    }

    /// First and last timepoint and planes of what is said under one code.
    pub fn spans(&self, code: Code) -> Vec<([usize; 2], Option<[usize; 2]>)> {
        self.verdict.alarms.iter().filter(|alarm| alarm.code == code).map(|alarm| (alarm.t, alarm.z)).collect()
    }
}

/// Where the shifts of a recording count from, (y, x): a reference of volumes that drift lies between them, by less
/// than half a pixel.
pub fn zero_of(recipe: &Recipe, measured: &Measured) -> [f64; 2] {
    let num = REFERENCE_VOLUMES.min(recipe.shape[0]);
    let zero = [0, 1].map(|axis| {
        let off =
            |t| f64::from(measured.checked.table.row(t).unwrap().volume.shift[axis]) - recipe.position(t)[axis + 1];
        (0..num).map(off).sum::<f64>() / num as f64
    });
    assert!(zero.iter().all(|zero| zero.abs() < 0.25), "{zero:?}");
    zero
}
