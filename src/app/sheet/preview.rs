//! A small picture of an array: one plane of the middle, from its coarsest resolution, within limits of contrast
//! of its own.

use std::sync::Arc;

use egui::{Color32, ColorImage};

use crate::array::LazyArray;
use crate::format::{Cancel, Opened};
use crate::volume::{Colormap, Pool, Region, Voxels, measured_values, percentiles, reduce};

/// Most pixels a side.
const MAX_SIDE: usize = 224;
/// Of a larger plane the middle is shown.
const MAX_PLANE: usize = 4096;
/// A picture for which more would have to be decoded is not made.
const MAX_BYTES: usize = 1 << 30;
/// What was never measured.
const MISSING: Color32 = Color32::from_rgb(0x2a, 0x2f, 0x37);

/// The picture, and which of the array's axes are its rows and columns.
pub struct Plane {
    pub image: ColorImage,
    pub axes: [usize; 2],
}

/// Reads it. Blocks.
///
/// # Errors
/// When there is none, and why.
pub fn plane(opened: &Opened, colormap: Colormap, cancel: &Cancel) -> Result<Plane, String> {
    let source = opened.levels.last().unwrap_or(&opened.source);
    let array = LazyArray::new(Arc::clone(source));
    let axes = array.plane_axes().ok_or("has no plane")?;
    let [num_t, num_z, rows, columns] = array.info().shape;
    if [num_t, num_z, rows, columns].contains(&0) {
        return Err("is empty".to_owned());
    }
    let middle = |len: usize| {
        let shown = len.min(MAX_PLANE);
        [(len - shown) / 2, (len - shown) / 2 + shown]
    };
    let ([top, bottom], [left, right]) = (middle(rows), middle(columns));
    let pool = Pool::new(0);
    // A recording that was broken off has no middle.
    let mut failure = "nothing of it was measured".to_owned();
    for t in [num_t / 2, 0] {
        if cancel.is_cancelled() {
            return Err("was not looked into".to_owned());
        }
        let region = Region::new(&[t, num_z / 2, top, left], &[t + 1, num_z / 2 + 1, bottom, right]);
        let region = region.ok_or("has no plane")?;
        let mut num_bytes = 0usize;
        array.for_each_chunk(&region, |chunk, _| {
            let bytes = chunk.region.shape().num_bytes(array.info().dtype).unwrap_or(usize::MAX);
            num_bytes = num_bytes.saturating_add(bytes);
        });
        if num_bytes > MAX_BYTES {
            return Err("its chunks are too large for a preview".to_owned());
        }
        match array.read_region(&region, &pool) {
            Ok(read) => {
                let plane = flat(&read.voxels, [bottom - top, right - left], &pool).ok_or("has no plane")?;
                if !plane.is_void() {
                    return Ok(Plane { image: painted(&reduce(&plane, MAX_SIDE, &pool), colormap), axes });
                }
                failure = read.reason.map_or(failure, |error| error.message.to_string());
            }
            Err(error) => failure = error.message.to_string(),
        }
    }
    Err(failure)
}

/// The same voxels with rows and columns alone.
fn flat(read: &Voxels, shape: [usize; 2], pool: &Pool) -> Option<Voxels> {
    let mut buffer = pool.take(read.bytes().len());
    buffer.bytes_mut().copy_from_slice(read.bytes());
    let rank = read.shape().rank();
    let last_two = |part: &Region| Region::new(&part.start()[rank - 2..], &part.stop()[rank - 2..]);
    let missing = read.missing().iter().map(last_two).collect::<Option<Vec<_>>>()?;
    Some(Voxels::new(read.dtype(), shape.into(), buffer, missing))
}

fn painted(plane: &Voxels, colormap: Colormap) -> ColorImage {
    let &[rows, columns] = plane.shape().dims() else { return ColorImage::default() };
    let [low, high] = percentiles(&mut measured_values(plane, 1), [0.5, 99.8]).unwrap_or([0.0, 1.0]);
    let span = if high > low { high - low } else { 1.0 };
    let lut = colormap.lut();
    let pixel = |i: usize| match plane.get_f64(&[i / columns, i % columns]) {
        Some(value) if value.is_finite() => {
            let [red, green, blue, _] = lut[(((value - low) / span).clamp(0.0, 1.0) * 255.0) as usize];
            Color32::from_rgb(red, green, blue)
        }
        _ => MISSING,
    };
    ColorImage::new([columns, rows], (0..rows * columns).map(pixel).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::{DType, Shape};

    #[test]
    fn a_picture_is_a_plane_of_the_middle_by_the_axes_of_the_array() {
        // x before y, and brighter along x.
        let source = |missing: &[Region]| {
            let shape = Shape::from([5, 4, 3]);
            let value = |index: &[usize]| (index[0] * 100 + index[1] * 10) as u16;
            MemorySource::from_fn(DType::U16, shape, "xyt", &[5, 2, 1], value).unwrap().with_missing(missing)
        };
        let opened = |missing: &[Region]| Opened::of(Arc::new(source(missing)), None);
        let read = |missing: &[Region]| plane(&opened(missing), Colormap::Gray, &Cancel::new());
        let picture = read(&[]).unwrap();
        assert_eq!((picture.image.size, picture.axes), ([5, 4], [1, 0]));
        let at = |column: usize, row: usize| picture.image.pixels[row * 5 + column].r();
        assert!(at(4, 0) > at(0, 0) + 200 && at(0, 3) > at(0, 0));
        // The middle timepoint is missing: the first stands for it.
        let gap = |from: usize, to: usize| Region::new(&[0, 0, from], &[5, 4, to]).unwrap();
        assert_eq!(read(&[gap(1, 3)]).unwrap().image, picture.image);
        assert!(read(&[gap(0, 3)]).is_err());
        let half = read(&[Region::new(&[0, 0, 1], &[5, 2, 2]).unwrap()]).unwrap();
        let is_missing: Vec<bool> = half.image.pixels.iter().map(|pixel| *pixel == MISSING).collect();
        assert_eq!(is_missing, [[true; 10], [false; 10]].concat(), "its limits are of what was measured alone");
    }
}
