//! shaders/plane.wgsl on the CPU, step by step and on the same uniforms, where every pixel is computed by the CPU
//! anyway: its own code takes a fraction of a rasteriser's time. Voxels of 8 and 16 bits and of single precision.

use rayon::prelude::*;

use super::pipelines::{Filter, PlaneKey};
use super::uniforms::gpu;

/// Rows of pixels that a thread colours at a time.
const ROWS: usize = 16;
/// What `LARGEST` is in the shader.
const LARGEST: f32 = 1e36;

/// A voxel as it is stored.
pub(super) trait Raw: Copy + Send + Sync {
    /// Whether it may be no number.
    const CAN_BE_NAN: bool;
    /// The number itself.
    fn value(self) -> f32;
    /// The number in the units of the limits.
    fn offset(self, plane: &gpu::Plane) -> f32;
    /// The step of the colormap that is this label's.
    fn label_step(self) -> usize;
    /// Its place in a table of all values, where there are few.
    fn table_index(self) -> Option<usize>;
    /// All values of a type of few, in the order of the table.
    fn all() -> Vec<Self>;
}

macro_rules! integer {
    ($($type:ty => $unsigned:ty),*) => {$(
        impl Raw for $type {
            const CAN_BE_NAN: bool = false;
            #[inline]
            fn value(self) -> f32 {
                f32::from(self)
            }
            #[inline]
            fn offset(self, _: &gpu::Plane) -> f32 {
                f32::from(self)
            }
            fn label_step(self) -> usize {
                if self == 0 { 0 } else { (1 + (i32::from(self).rem_euclid(255) + 254) % 255) as usize }
            }
            #[inline]
            fn table_index(self) -> Option<usize> {
                Some(self as $unsigned as usize)
            }
            fn all() -> Vec<Self> {
                (0..=<$unsigned>::MAX).map(|index| index as $type).collect()
            }
        }
    )*};
}
integer!(u8 => u8, i8 => u8, u16 => u16, i16 => u16);

impl Raw for f32 {
    const CAN_BE_NAN: bool = true;
    #[inline]
    fn value(self) -> f32 {
        self
    }
    #[inline]
    fn offset(self, plane: &gpu::Plane) -> f32 {
        self * Self::from_bits(plane.origin[1]) - Self::from_bits(plane.origin[0])
    }
    fn label_step(self) -> usize {
        if self.abs() < 1.0 {
            return 0;
        }
        let bits = self.to_bits();
        let power = ((bits >> 23) & 0xff) as i32 - 150;
        let whole = ((bits & 0x7f_ffff) | 0x80_0000) >> (-power).clamp(0, 31);
        let rest = ((whole % 255) << (power.max(0) % 8)) % 255;
        let rest = if bits >> 31 != 0 { (255 - rest) % 255 } else { rest };
        (1 + (rest + 254) % 255) as usize
    }
    #[inline]
    fn table_index(self) -> Option<usize> {
        None
    }
    fn all() -> Vec<Self> {
        Vec::new()
    }
}

/// The colour of every value of a type that has few, whatever lies where.
pub(super) fn table<T: Raw>(plane: &gpu::Plane, key: PlaneKey) -> Vec<u32> {
    let coloring = Coloring::<T> { plane, key, values: &[], mask: None, table: None };
    T::all().into_iter().map(|raw| coloring.color_of(coloring.of(raw, false), raw)).collect()
}

/// A plane and how it is coloured.
pub(super) struct Coloring<'a, T> {
    pub(super) plane: &'a gpu::Plane,
    pub(super) key: PlaneKey,
    /// The voxels in rows.
    pub(super) values: &'a [T],
    /// 1 where a voxel is missing.
    pub(super) mask: Option<&'a [u8]>,
    /// What [`table`] gives, where the type has one and voxels are taken as they are.
    pub(super) table: Option<&'a [u32]>,
}

#[derive(Clone, Copy)]
struct Gathered {
    value: f32,
    is_missing: bool,
    is_full: bool,
    is_zero: bool,
}

struct Sum {
    value: f32,
    weight: f32,
    nan_weight: f32,
    is_masked: bool,
    is_full: bool,
    is_zero: bool,
}

/// Where the pixels of a row or column lie: the voxel under each, the two around it, and the share of the second.
struct Line {
    point: Vec<f32>,
    centre: Vec<usize>,
    low: Vec<usize>,
    high: Vec<usize>,
    after: Vec<f32>,
}

impl Line {
    fn new(plane: &gpu::Plane, axis: usize, pixels: std::ops::Range<u32>) -> Self {
        let last = plane.size[axis] - 1;
        let inside = |n: f32| (n as i32).clamp(0, last) as usize;
        let point: Vec<f32> =
            pixels.map(|pixel| (pixel as f32 + 0.5 - plane.image_px[axis]) * plane.voxels_per_px[axis]).collect();
        let corner: Vec<f32> = point.iter().map(|point| (point - 0.5).floor()).collect();
        Self {
            centre: point.iter().map(|point| inside(point.floor())).collect(),
            low: corner.iter().map(|&corner| inside(corner)).collect(),
            high: corner.iter().map(|&corner| inside(corner + 1.0)).collect(),
            after: point.iter().zip(&corner).map(|(point, corner)| point - 0.5 - corner).collect(),
            point,
        }
    }
}

impl<T: Raw> Coloring<'_, T> {
    /// Colours the pixels of `area` (left, top, right, bottom in the window) into `out`, row by row of
    /// `stride` pixels: red in the lowest byte.
    pub(super) fn paint(&self, [left, top, right, bottom]: [u32; 4], out: &mut [u32], stride: usize) {
        let columns = Line::new(self.plane, 0, left..right);
        let rows = Line::new(self.plane, 1, top..bottom);
        let num_columns = columns.point.len();
        out.par_chunks_mut(ROWS * stride).enumerate().for_each(|(band, out)| {
            for (i, line) in out.chunks_mut(stride).enumerate() {
                let row = band * ROWS + i;
                if row < rows.point.len() {
                    let place = [left, top + row as u32];
                    self.paint_row(place, &columns, &rows, row, &mut line[..num_columns]);
                }
            }
        });
    }

    fn paint_row(&self, [left, y]: [u32; 2], columns: &Line, rows: &Line, row: usize, out: &mut [u32]) {
        match (self.key.filter, self.table) {
            (Filter::Nearest, Some(table)) if self.mask.is_none() => {
                let values = self.row(rows.centre[row]);
                for (out, &column) in out.iter_mut().zip(&columns.centre) {
                    *out = values[column].table_index().map_or(0, |index| table[index]);
                }
            }
            (Filter::Bilinear, _) if self.mask.is_none() && !T::CAN_BE_NAN => {
                self.blend_row(columns, rows, row, out);
            }
            _ => {
                for (i, out) in out.iter_mut().enumerate() {
                    let centre = [columns.centre[i], rows.centre[row]];
                    let gathered = match self.key.filter {
                        Filter::Nearest => self.nearest(centre),
                        Filter::Bilinear => self.bilinear(columns, i, rows, row),
                        Filter::Area(taps) => self.area([columns.point[i], rows.point[row]], taps.into()),
                    };
                    *out = self.color(gathered, centre, [left + i as u32, y]);
                }
            }
        }
    }

    /// The row between four voxels each, where none of them is missing: the common case, without branches.
    fn blend_row(&self, columns: &Line, rows: &Line, row: usize, out: &mut [u32]) {
        let (low, high) = (self.row(rows.low[row]), self.row(rows.high[row]));
        let after_y = rows.after[row];
        let before_y = 1.0 - after_y;
        for (i, out) in out.iter_mut().enumerate() {
            let (left, right, after_x) = (columns.low[i], columns.high[i], columns.after[i]);
            let before_x = 1.0 - after_x;
            let weights = [before_x * before_y, after_x * before_y, before_x * after_y, after_x * after_y];
            let values = [low[left], low[right], high[left], high[right]].map(|raw| raw.offset(self.plane));
            let mut sum = [0.0f32; 2];
            for (value, weight) in values.into_iter().zip(weights) {
                sum = [sum[0] + weight * value, sum[1] + weight];
            }
            *out = self.step_color(self.step(sum[0] * (1.0 / sum[1].max(1e-30))));
        }
    }

    fn row(&self, row: usize) -> &[T] {
        let width = self.plane.size[0] as usize;
        &self.values[row * width..(row + 1) * width]
    }

    fn raw(&self, [column, row]: [usize; 2]) -> T {
        self.values[row * self.plane.size[0] as usize + column]
    }

    fn is_masked(&self, [column, row]: [usize; 2]) -> bool {
        self.mask.is_some_and(|mask| mask[row * self.plane.size[0] as usize + column] != 0)
    }

    fn of(&self, raw: T, is_masked: bool) -> Gathered {
        Gathered {
            value: raw.offset(self.plane),
            is_missing: is_masked || raw.value().is_nan(),
            is_full: raw.value() >= self.plane.full_scale,
            is_zero: raw.value() == 0.0,
        }
    }

    fn nearest(&self, place: [usize; 2]) -> Gathered {
        self.of(self.raw(place), self.is_masked(place))
    }

    fn add(&self, sum: &mut Sum, place: [usize; 2], weight: f32) {
        let raw = self.raw(place);
        let (was_masked, was_nan) = (self.is_masked(place), raw.value().is_nan());
        let kept = if was_masked || was_nan { 0.0 } else { weight };
        let mut finite = raw.offset(self.plane);
        if T::CAN_BE_NAN {
            finite = if was_nan { 0.0 } else { finite.clamp(-LARGEST, LARGEST) };
        }
        sum.value += kept * finite;
        sum.weight += kept;
        sum.nan_weight += if was_nan && !was_masked { weight } else { 0.0 };
        sum.is_masked |= was_masked;
        sum.is_full |= kept > 0.0 && raw.value() >= self.plane.full_scale;
        sum.is_zero &= kept == 0.0 || raw.value() == 0.0;
    }

    fn bilinear(&self, columns: &Line, i: usize, rows: &Line, j: usize) -> Gathered {
        let (after_x, after_y) = (columns.after[i], rows.after[j]);
        let (before_x, before_y) = (1.0 - after_x, 1.0 - after_y);
        let mut sum = Sum::new();
        self.add(&mut sum, [columns.low[i], rows.low[j]], before_x * before_y);
        self.add(&mut sum, [columns.high[i], rows.low[j]], after_x * before_y);
        self.add(&mut sum, [columns.low[i], rows.high[j]], before_x * after_y);
        self.add(&mut sum, [columns.high[i], rows.high[j]], after_x * after_y);
        let under = self.nearest([columns.centre[i], rows.centre[j]]);
        Gathered { is_missing: under.is_missing || sum.weight <= sum.nan_weight, ..sum.gathered() }
    }

    fn area(&self, point: [f32; 2], taps: i32) -> Gathered {
        let plane = self.plane;
        let span = [0, 1].map(|axis| {
            let reach = 0.5 * plane.voxels_per_px[axis].max(1.0);
            let size = plane.size[axis] as f32;
            let low = (point[axis] - reach).max(0.0).min(size - 1.0);
            let high = (point[axis] + reach).max(low + 1e-3).min(size);
            let first = low.floor() as i32;
            let last = (high.ceil() as i32 - 1).max(first);
            let stride = (last - first) / taps + 1;
            (low, high, first + (stride - 1) / 2, last, stride)
        });
        let weight = |(low, high, start, last, stride): (f32, f32, i32, i32, i32), i: i32| {
            let position = start + i * stride;
            let overlap = (high.min(position as f32 + 1.0) - low.max(position as f32)).clamp(0.0, 1.0);
            let strided = if position <= last { 1.0 } else { 0.0 };
            (position.min(last) as usize, if stride > 1 { strided } else { overlap })
        };
        let mut sum = Sum::new();
        for j in 0..taps {
            let (row, y) = weight(span[1], j);
            for i in 0..taps {
                let (column, x) = weight(span[0], i);
                self.add(&mut sum, [column, row], x * y);
            }
        }
        Gathered { is_missing: sum.is_masked || sum.weight <= sum.nan_weight, ..sum.gathered() }
    }

    /// The colour of a pixel of the window.
    fn color(&self, gathered: Gathered, centre: [usize; 2], pixel: [u32; 2]) -> u32 {
        if gathered.is_missing && (self.key.is_masked || T::CAN_BE_NAN) {
            return hatch(&self.plane.hatch, pixel);
        }
        self.color_of(gathered, self.raw(centre))
    }

    /// The colour of what is not missing.
    fn color_of(&self, gathered: Gathered, raw: T) -> u32 {
        let mut step = self.step(gathered.value);
        if self.key.is_saturation {
            step = step.clamp(1, 254);
            step = if gathered.is_zero { 0 } else { step };
            step = if gathered.is_full { 255 } else { step };
        }
        if self.key.is_labels {
            step = raw.label_step();
        }
        self.step_color(step)
    }

    fn step_color(&self, step: usize) -> u32 {
        u32::from_le_bytes(self.plane.lut[step & 255])
    }

    /// Which of the 256 steps of the colormap a value is drawn with.
    fn step(&self, value: f32) -> usize {
        let [low, high] = self.plane.limits;
        // Shaders divide by multiplying.
        let share = (value.max(low).min(high) - low) * (1.0 / (high - low));
        let mut position = share.clamp(0.0, 1.0);
        position = if value >= high { 1.0 } else { position };
        position = if value <= low { 0.0 } else { position };
        if self.key.has_gamma && position != 0.0 {
            position = position.powf(self.plane.gamma);
        }
        if self.plane.is_inverted != 0 {
            position = 1.0 - position;
        }
        (position * 255.0 + 0.5) as usize
    }
}

impl Sum {
    fn new() -> Self {
        Self { value: 0.0, weight: 0.0, nan_weight: 0.0, is_masked: false, is_full: false, is_zero: true }
    }

    fn gathered(&self) -> Gathered {
        let value = self.value * (1.0 / self.weight.max(1e-30));
        Gathered { value, is_missing: false, is_full: self.is_full, is_zero: self.is_zero }
    }
}

fn hatch(hatch: &gpu::Hatch, pixel: [u32; 2]) -> u32 {
    let along = ((pixel[0] as f32 + 0.5) + (pixel[1] as f32 + 0.5)) * 0.707_106_77;
    let turns = along * (1.0 / hatch.period_px);
    let distance_px = ((turns - turns.floor()) - 0.5).abs() * hatch.period_px;
    let coverage = (0.5 * hatch.line_px + 0.5 - distance_px).clamp(0.0, 1.0);
    let byte = |i: usize| {
        let mixed = hatch.back[i] * (1.0 - coverage) + hatch.line[i] * coverage;
        (mixed * 255.0 + 0.5) as u8
    };
    u32::from_le_bytes([byte(0), byte(1), byte(2), 255])
}
