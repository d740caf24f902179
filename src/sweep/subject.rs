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
        voxel_um: info.voxel_size.map(|size| [size.z_um, size.y_um, size.x_um]),
        planned_t,
        times_s: None,
    }
}
