//! The texture format of each voxel type, and the conversion of the types no texture has.

use super::shaders::TexelKind;
use crate::dispatch_dtype;
use crate::volume::{DType, Region, Voxel, Voxels};

/// What one texel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Texel {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    /// Two halves of 64 bits.
    U64,
    I64,
    F64,
    /// No voxel: the colour of a pixel, as the CPU made it.
    Color,
}

impl Texel {
    /// How voxels of `dtype` are uploaded: byte for byte, but for half precision, which single precision
    /// holds without loss.
    pub(super) fn of(dtype: DType) -> Self {
        match dtype {
            DType::Bool | DType::U8 => Self::U8,
            DType::I8 => Self::I8,
            DType::U16 => Self::U16,
            DType::I16 => Self::I16,
            DType::U32 => Self::U32,
            DType::I32 => Self::I32,
            DType::U64 => Self::U64,
            DType::I64 => Self::I64,
            DType::F16 | DType::F32 => Self::F32,
            DType::F64 => Self::F64,
        }
    }

    pub(super) fn format(self) -> wgpu::TextureFormat {
        match self {
            Self::U8 => wgpu::TextureFormat::R8Uint,
            Self::I8 => wgpu::TextureFormat::R8Sint,
            Self::U16 => wgpu::TextureFormat::R16Uint,
            Self::I16 => wgpu::TextureFormat::R16Sint,
            Self::U32 => wgpu::TextureFormat::R32Uint,
            Self::I32 => wgpu::TextureFormat::R32Sint,
            Self::F32 => wgpu::TextureFormat::R32Float,
            Self::U64 | Self::I64 | Self::F64 => wgpu::TextureFormat::Rg32Uint,
            Self::Color => wgpu::TextureFormat::Rgba8Unorm,
        }
    }

    pub(super) fn num_bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 | Self::Color => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    pub(super) fn kind(self) -> TexelKind {
        match self {
            Self::U8 | Self::U16 => TexelKind::Uint,
            Self::I8 | Self::I16 => TexelKind::Sint,
            Self::U32 => TexelKind::Uint32,
            Self::I32 => TexelKind::Sint32,
            Self::F32 | Self::Color => TexelKind::Float,
            Self::U64 => TexelKind::Uint64,
            Self::I64 => TexelKind::Sint64,
            Self::F64 => TexelKind::Float64,
        }
    }
}

/// Whether voxels of `dtype` are uploaded byte for byte.
pub(super) fn is_native(dtype: DType) -> bool {
    dtype != DType::F16
}

/// A plane seen through a whole-number reduction: each texel stands for `factor` × `factor` voxels.
#[derive(Clone, Copy)]
pub(super) struct Reduced<'a> {
    pub(super) voxels: &'a Voxels,
    /// Columns and rows of the plane in voxels.
    pub(super) size: [usize; 2],
    pub(super) factor: usize,
}

impl Reduced<'_> {
    /// Writes texels of `columns` × `rows` (in texels) as the texture wants them: averages of what they
    /// stand for, rounded for integers.
    pub(super) fn fill(&self, columns: [usize; 2], rows: [usize; 2], target: &mut [u8]) {
        match Texel::of(self.voxels.dtype()) {
            Texel::U8 => self.fill_as::<u8>(columns, rows, target, |mean| mean.round() as u8),
            Texel::I8 => self.fill_as::<i8>(columns, rows, target, |mean| mean.round() as i8),
            Texel::U16 => self.fill_as::<u16>(columns, rows, target, |mean| mean.round() as u16),
            Texel::I16 => self.fill_as::<i16>(columns, rows, target, |mean| mean.round() as i16),
            Texel::U32 => self.fill_as::<u32>(columns, rows, target, |mean| mean.round() as u32),
            Texel::I32 => self.fill_as::<i32>(columns, rows, target, |mean| mean.round() as i32),
            Texel::F32 => self.fill_as::<f32>(columns, rows, target, |mean| mean as f32),
            Texel::U64 => self.fill_as::<u64>(columns, rows, target, |mean| mean.round() as u64),
            Texel::I64 => self.fill_as::<i64>(columns, rows, target, |mean| mean.round() as i64),
            Texel::F64 => self.fill_as::<f64>(columns, rows, target, |mean| mean),
            Texel::Color => {}
        }
    }

    fn fill_as<O: Voxel>(&self, columns: [usize; 2], rows: [usize; 2], target: &mut [u8], round: impl Fn(f64) -> O) {
        let target: &mut [O] = bytemuck::cast_slice_mut(target);
        let [width, height] = self.size;
        let mut texels = target.iter_mut();
        dispatch_dtype!(self.voxels.dtype(), T => {
            let values = self.voxels.values::<T>();
            for row in rows[0]..rows[1] {
                if self.factor == 1 {
                    let line = &values[row * width + columns[0]..row * width + columns[1]];
                    texels.by_ref().zip(line).for_each(|(texel, &value)| *texel = round(Voxel::to_f64(value)));
                    continue;
                }
                let ys = row * self.factor..((row + 1) * self.factor).min(height);
                for column in columns[0]..columns[1] {
                    let xs = column * self.factor..((column + 1) * self.factor).min(width);
                    let num = (ys.len() * xs.len()) as f64;
                    let covered = || {
                        let rows = ys.clone().flat_map(|y| &values[y * width + xs.start..y * width + xs.end]);
                        rows.map(|&value| Voxel::to_f64(value))
                    };
                    let mut mean = covered().sum::<f64>() / num;
                    if !mean.is_finite() {
                        // The sum of large numbers is beyond the largest, their average is not.
                        mean = covered().map(|value| value / num).sum();
                    }
                    if let Some(texel) = texels.next() {
                        *texel = round(mean);
                    }
                }
            }
        });
    }

    /// Writes 1 where a texel stands for any missing voxel, else 0.
    pub(super) fn fill_mask(&self, columns: [usize; 2], rows: [usize; 2], target: &mut [u8]) {
        target.fill(0);
        let width = columns[1] - columns[0];
        let limits = Region::new(
            &[rows[0] * self.factor, columns[0] * self.factor],
            &[rows[1] * self.factor, columns[1] * self.factor],
        );
        for part in self.voxels.missing().iter().filter_map(|region| region.intersect(&limits?)) {
            let texels = |axis: usize| part.start()[axis] / self.factor..part.stop()[axis].div_ceil(self.factor);
            for row in texels(0) {
                let line = (row - rows[0]) * width;
                target[line + texels(1).start - columns[0]..line + texels(1).end - columns[0]].fill(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Buffer, Shape};

    #[test]
    fn reduction_averages_and_any_missing_voxel_marks_its_texel() {
        let values: Vec<u16> = (0..5 * 7).collect();
        let mut buffer = Buffer::unpooled(70);
        buffer.bytes_mut().copy_from_slice(bytemuck::cast_slice(&values));
        let missing = vec![Region::new(&[1, 3], &[2, 4]).unwrap()];
        let voxels = Voxels::new(DType::U16, Shape::from([5, 7]), buffer, missing);
        let reduced = Reduced { voxels: &voxels, size: [7, 5], factor: 2 };
        let mut texels = vec![0u16; 3 * 4];
        reduced.fill([0, 4], [0, 3], bytemuck::cast_slice_mut(&mut texels));
        assert_eq!(texels[0], 4); // (0 + 1 + 7 + 8) / 4
        assert_eq!(texels[11], 34); // a corner of one voxel
        let mut mask = vec![9; 12];
        reduced.fill_mask([0, 4], [0, 3], &mut mask);
        assert_eq!(mask, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn half_precision_becomes_single_and_wide_types_stay_what_they_are() {
        let values = [-5.5, 0.25, 7.0].map(half::f16::from_f32);
        let voxels = Voxels::from_values(DType::F16, Shape::from([1, 3]), &values);
        let mut texels = vec![0f32; 2];
        let whole = Reduced { voxels: &voxels, size: [3, 1], factor: 1 };
        whole.fill([1, 3], [0, 1], bytemuck::cast_slice_mut(&mut texels));
        assert_eq!(texels, [0.25, 7.0]);
        assert!(DType::ALL.into_iter().all(|dtype| is_native(dtype) == (dtype != DType::F16)));
        let huge = Voxels::from_values(DType::F64, Shape::from([1, 4]), &[1.5e308f64, 1.7e308, f64::NAN, 1.0]);
        let mut texels = vec![0f64; 2];
        let reduced = Reduced { voxels: &huge, size: [4, 1], factor: 2 };
        reduced.fill([0, 2], [0, 1], bytemuck::cast_slice_mut(&mut texels));
        assert!((texels[0] / 1.6e308 - 1.0).abs() < 1e-12 && texels[1].is_nan(), "{texels:?}");
    }
}
