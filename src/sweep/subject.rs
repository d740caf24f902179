//! What an array says of itself, as the measures need it.

use crate::array::LazyArray;
use crate::qc::Subject;

/// The subject that an array is. `planned_t` timepoints are to come in all, where that is known. May block: the
/// recording's own clock is read.
pub fn subject_of(array: &LazyArray, planned_t: Option<usize>) -> Subject {
    Subject { times_s: array.source().times_s(), ..subject_without_clock(array, planned_t) }
}

/// The same without the recording's own clock. At once.
pub fn subject_without_clock(array: &LazyArray, planned_t: Option<usize>) -> Subject {
    let info = array.info();
    Subject {
        shape: info.shape,
        dtype: info.dtype,
        rate_hz: info.rate_hz,
        voxel_um: info.voxel_size.map(|size| size.edges()),
        planned_t,
        times_s: None,
    }
}

/// Planes of more voxels are not measured: several of them are held at once, each with what is summed of it.
const MAX_PLANE_VOXELS: usize = 1 << 27;

/// Why nothing of a recording is measured; `None` where it is.
pub fn why_not_measured(subject: &Subject) -> Option<String> {
    let [_, _, rows, columns] = subject.shape;
    if subject.shape.contains(&0) {
        return Some("there is nothing to measure: no voxels".to_owned());
    }
    let is_too_large = rows.saturating_mul(columns) > MAX_PLANE_VOXELS;
    is_too_large.then(|| format!("planes of {rows} × {columns} voxels are too large to be measured"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::DType;

    #[test]
    fn planes_that_no_memory_holds_are_not_measured() {
        let of =
            |shape| Subject { shape, dtype: DType::U16, rate_hz: None, voxel_um: None, planned_t: None, times_s: None };
        assert_eq!(why_not_measured(&of([9, 50, 8192, 8192])), None);
        assert!(why_not_measured(&of([9, 50, 40_000, 40_000])).is_some_and(|why| why.contains("40000 × 40000")));
        assert!(why_not_measured(&of([9, 0, 10, 10])).is_some());
    }
}
