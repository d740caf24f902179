//! A recording as an [`ndarray`] array: what programs that use this crate pass on and expect.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Slice};

use crate::format::{Filled, ReadError, Source};
use crate::volume::{DType, Region, Selected, Selection, SelectionError, Voxel};

/// Why a selection could not be read as an array.
#[derive(Debug, thiserror::Error)]
pub enum ReadArrayError {
    /// The index names nothing in the recording; numpy's words.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The voxels are stored as another type.
    #[error("the voxels are {stored}, which is not the type asked for")]
    Type {
        /// How they are stored.
        stored: DType,
    },
    /// A voxel that was asked for is missing or unreadable.
    #[error("{error} ({} to {} of the array)", corner(region.start()), corner(region.stop()))]
    Missing {
        /// What was asked for and is not there, in the array's own axes.
        region: Box<Region>,
        /// Why.
        error: Box<ReadError>,
    },
    /// More than this machine can hold or address.
    #[error("the selection does not fit in memory")]
    TooLarge,
}

fn corner(index: &[usize]) -> String {
    let index: Vec<String> = index.iter().map(ToString::to_string).collect();
    format!("[{}]", index.join(", "))
}

/// Reads what a numpy index names, in the dataset's own axes, with numpy's order and shape. Blocks.
///
/// `T` is the type the voxels are stored as (`bool` as a `u8` of 0 or 1). Read all of a recording only if
/// it fits in memory; [`crate::cli`]'s `export` writes any selection without that.
///
/// ```
/// use ndarray::{ArrayD, Axis};
/// use tectum::{array, format};
///
/// let recording = format::open("tests/fixtures/split/a_4d_default/data", &Default::default())?;
/// // The third plane of every timepoint, every fourth column.
/// let planes: ArrayD<u16> = array::read(&*recording.source, &":, 2, :, ::4".parse()?)?;
/// assert_eq!(planes.shape(), [11, 24, 5]);
/// let trace = planes.mapv(f64::from).mean_axis(Axis(2)).and_then(|rows| rows.mean_axis(Axis(1)));
/// assert_eq!(trace.map(|trace| trace.len()), Some(11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the index or the type does not fit, and when a voxel asked for is missing: nothing that was not
/// measured is returned.
pub fn read<T: Voxel>(source: &dyn Source, selection: &Selection) -> Result<ArrayD<T>, ReadArrayError> {
    read_or(source, selection, None)
}

/// Reads as [`read`] does, with `fill` in place of voxels that are missing or unreadable.
///
/// # Errors
/// When the index or the type does not fit.
pub fn read_filled<T: Voxel>(source: &dyn Source, selection: &Selection, fill: T) -> Result<ArrayD<T>, ReadArrayError> {
    read_or(source, selection, Some(fill))
}

fn read_or<T: Voxel>(source: &dyn Source, selection: &Selection, fill: Option<T>) -> Result<ArrayD<T>, ReadArrayError> {
    let info = source.info();
    if !T::stores(info.dtype) {
        return Err(ReadArrayError::Type { stored: info.dtype });
    }
    let selected = selection.resolve(info.shape.dims())?;
    let Some(bounds) = selected.bounds() else {
        return ArrayD::from_shape_vec(IxDyn(selected.shape()), Vec::new()).map_err(|_| ReadArrayError::TooLarge);
    };
    let read = read_box(source, &bounds)?;
    let mut voxels = read.voxels;
    for (region, error) in read.missing {
        let Some(fill) = fill else {
            if names_any(&selected, &region) {
                return Err(ReadArrayError::Missing { region: Box::new(region), error: Box::new(error) });
            }
            continue;
        };
        voxels.slice_each_axis_mut(|axis| within(&region, &bounds, axis.axis)).fill(fill);
    }
    Ok(pick(voxels, &selected, &bounds))
}

/// A box of a source, and what of it is not there.
struct ReadBox<T> {
    voxels: ArrayD<T>,
    missing: Vec<(Region, ReadError)>,
}

fn read_box<T: Voxel>(source: &dyn Source, bounds: &Region) -> Result<ReadBox<T>, ReadArrayError> {
    let shape = bounds.shape();
    let mut all = Vec::new();
    let num_voxels = shape.num_voxels().ok_or(ReadArrayError::TooLarge)?;
    all.try_reserve_exact(num_voxels).map_err(|_| ReadArrayError::TooLarge)?;
    all.resize(num_voxels, T::zeroed());
    let mut voxels = ArrayD::from_shape_vec(IxDyn(shape.dims()), all).map_err(|_| ReadArrayError::TooLarge)?;
    let (mut chunks, mut missing, mut buffer) = (Vec::new(), Vec::new(), Vec::new());
    source.chunks(bounds, &mut chunks);
    for chunk in chunks {
        let Some(common) = chunk.region.intersect(bounds) else { continue };
        let shape = chunk.region.shape();
        buffer.clear();
        buffer.resize(shape.num_voxels().ok_or(ReadArrayError::TooLarge)?, T::zeroed());
        match source.read(&chunk, bytemuck::cast_slice_mut(&mut buffer)) {
            Ok(Filled::All) => {}
            Ok(Filled::Except(regions, error)) => {
                missing.extend(regions.iter().filter_map(|gap| Some((gap.intersect(bounds)?, error.clone()))));
            }
            Err(error) => {
                missing.push((common, error));
                continue;
            }
        }
        let Ok(read) = ArrayViewD::from_shape(IxDyn(shape.dims()), &buffer) else { continue };
        let read = read.slice_each_axis(|axis| within(&common, &chunk.region, axis.axis));
        voxels.slice_each_axis_mut(|axis| within(&common, bounds, axis.axis)).assign(&read);
    }
    Ok(ReadBox { voxels, missing })
}

/// Where a part of a box lies in it along one axis.
fn within(part: &Region, whole: &Region, axis: Axis) -> Slice {
    let Axis(axis) = axis;
    let start = whole.start()[axis];
    Slice::from(part.start()[axis] - start..part.stop()[axis] - start)
}

/// Whether a selection names any voxel of a box.
fn names_any(selected: &Selected, region: &Region) -> bool {
    let inside = |axis: usize, index: usize| (region.start()[axis]..region.stop()[axis]).contains(&index);
    let fixed = selected.fixed().iter().enumerate().all(|(axis, fixed)| fixed.is_none_or(|index| inside(axis, index)));
    let slices = || selected.slices().iter().all(|slice| (0..slice.len).any(|i| inside(slice.axis, slice.index(i))));
    let points = || {
        selected.points().is_none_or(|points| {
            (0..points.len).any(|point| points.axes.iter().all(|(axis, indices)| inside(*axis, indices[point])))
        })
    };
    fixed && slices() && points()
}

/// The voxels that a selection names, out of the box that holds them all.
fn pick<T: Voxel>(mut voxels: ArrayD<T>, selected: &Selected, bounds: &Region) -> ArrayD<T> {
    if selected.points().is_none() {
        // Slices keep the order of the axes; what else there is has one index and changes no order.
        for slice in selected.slices() {
            voxels.slice_axis_inplace(Axis(slice.axis), Slice::new(0, None, slice.step));
        }
        if let Ok(picked) = voxels.as_standard_layout().into_owned().into_shape_with_order(IxDyn(selected.shape())) {
            return picked;
        }
    }
    ArrayD::from_shape_fn(IxDyn(selected.shape()), |index| {
        let at = selected.source_index(ndarray::Dimension::slice(&index)).unwrap_or_default();
        let at: Vec<usize> = at.iter().zip(bounds.start()).map(|(index, start)| index - start).collect();
        voxels[IxDyn(&at)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::Shape;

    fn source() -> MemorySource {
        let value = |index: &[usize]| index.iter().fold(0, |value, i| 10 * value + *i as u16);
        MemorySource::from_fn(DType::U16, Shape::from([5, 4, 6]), "tyx", &[2, 3, 4], value).unwrap()
    }

    fn selection(index: &str) -> Selection {
        index.parse().unwrap()
    }

    #[test]
    fn an_index_is_read_as_numpy_would() {
        let source = source();
        let all = read::<u16>(&source, &Selection::all()).unwrap();
        assert_eq!(all.shape(), [5, 4, 6]);
        assert_eq!((all[[4, 3, 5]], all[[0, 2, 1]]), (435, 21));
        for index in [
            "1:4, ::2, ::-1",
            "3",
            "-1, :, 2",
            "4:0:-3, 1:, None",
            "[4, 0], :, 1",
            "..., [[0], [3]], [1, 5]",
            "0:0",
            "2, 1, 0",
        ] {
            let selected = selection(index).resolve(&[5, 4, 6]).unwrap();
            let got = read::<u16>(&source, &selection(index)).unwrap();
            let wanted = ArrayD::from_shape_fn(IxDyn(selected.shape()), |at| {
                all[IxDyn(&selected.source_index(ndarray::Dimension::slice(&at)).unwrap())]
            });
            assert_eq!(got, wanted, "{index}");
        }
    }

    #[test]
    fn nothing_that_was_not_measured_is_returned() {
        let gap = Region::new(&[2, 1, 0], &[3, 2, 3]).unwrap();
        let source = source().with_missing(&[gap]);
        let Err(ReadArrayError::Missing { region, .. }) = read::<u16>(&source, &Selection::all()) else { panic!() };
        assert_eq!(*region, gap);
        for index in ["2, 1, 2:", "1:4:2", "[1, 3]", ":, 2:", "2, [0, 1], [0, 3]"] {
            let is_asked_for = index == "2, 1, 2:";
            assert_eq!(read::<u16>(&source, &selection(index)).is_err(), is_asked_for, "{index}");
        }
        let filled = read_filled::<u16>(&source, &selection("2"), 7).unwrap();
        assert_eq!((filled[[1, 0]], filled[[1, 2]], filled[[1, 3]], filled[[0, 0]]), (7, 7, 213, 200));
    }

    #[test]
    fn another_type_is_refused() {
        assert!(matches!(read::<f32>(&source(), &Selection::all()), Err(ReadArrayError::Type { stored: DType::U16 })));
        assert!(matches!(read::<u16>(&source(), &selection("9")), Err(ReadArrayError::Selection(_))));
    }
}
