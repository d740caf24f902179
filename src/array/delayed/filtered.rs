//! The source that makes each voxel of those around it. Beyond the ends of the array it goes on mirrored.

use std::sync::Arc;

use super::convert::{convert, of};
use super::imaging::imaging_dtype;
use super::joint::{self, laid_as_input, of_inputs};
use super::kept::Kept;
use super::number::Number;
use super::step::Level;
use super::window::{Box, bell, median, radius_of, reflected, running_percentile, weighed};
use crate::dispatch_dtype;
use crate::format::{Chunk, Composite, Filled, Given, Input, Need, ReadError, Source, gather};
use crate::volume::{ArrayInfo, DType, MAX_RANK, Region};

/// Voxels of a box of which the middle one is sought, at most.
const MAX_WINDOW: usize = 4096;
/// Bytes that the surroundings of one chunk may take in double precision.
const MAX_BYTES: usize = 1 << 30;

/// How a voxel is made of those around it.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The middle one of a box: odd extents, 0 along axes that are left alone.
    Median(Vec<usize>),
    /// Weighed by bell curves of these widths, 0 along axes that are left alone.
    Gaussian(Vec<f64>),
    /// A level of so many along an axis, in double precision.
    Running { axis: usize, num: usize, level: Level },
}

/// See the head of the file.
pub(super) struct Filtered {
    info: Arc<ArrayInfo>,
    inputs: Vec<Input>,
    kind: Kind,
    from: DType,
    /// How far it reaches along each axis.
    radii: Vec<usize>,
    kept: Kept,
}

impl Filtered {
    /// `info` describes the input.
    ///
    /// # Errors
    /// Where a window is too large.
    pub fn of(input: Input, kind: Kind, mut info: ArrayInfo) -> Result<Arc<dyn Source>, String> {
        let from = input.source.info().dtype;
        let shape = input.source.info().shape;
        let (radii, dtype): (Vec<usize>, DType) = match &kind {
            Kind::Median(size) => {
                let num = size.iter().fold(1usize, |num, &size| num.saturating_mul(size.max(1)));
                if num > MAX_WINDOW {
                    return Err(format!("the median of {num} voxels around each; {MAX_WINDOW} are the most"));
                }
                (size.iter().map(|size| size / 2).collect(), from)
            }
            Kind::Gaussian(sigma) => {
                let reach = |sigma: &f64| if *sigma > 0.0 { radius_of(*sigma) } else { 0 };
                (sigma.iter().map(reach).collect(), imaging_dtype(from))
            }
            Kind::Running { axis, num, .. } => {
                let mut radii = vec![0; shape.rank()];
                radii[*axis] = num / 2;
                (radii, DType::F64)
            }
        };
        let mut chunk = vec![1; shape.rank()];
        let corner = Region::new(&vec![0; shape.rank()], &vec![1; shape.rank()]);
        if let Some(corner) = corner {
            input.source.each_chunk(&corner, &mut |first| chunk.copy_from_slice(first.region.shape().dims()));
        }
        let around = chunk.iter().zip(&radii).map(|(len, radius)| radius.saturating_mul(2).saturating_add(*len));
        let num_bytes = around.fold(8usize, usize::saturating_mul);
        if num_bytes > MAX_BYTES {
            return Err(format!(
                "a window so large needs {} GB around every chunk; take a smaller one",
                num_bytes >> 30
            ));
        }
        info.dtype = dtype;
        if dtype != from {
            info.value_scale = None;
        }
        Ok(Arc::new(Self { info: Arc::new(info), inputs: vec![input], kind, from, radii, kept: Kept::default() }))
    }

    /// What a box of the result is made of.
    fn around(&self, region: &Region) -> Region {
        let shape = self.info.shape;
        let mut around = *region;
        for (axis, radius) in self.radii.iter().enumerate() {
            let stop = region.stop()[axis].saturating_add(*radius).min(shape.dims()[axis]);
            around = around.with_axis(axis, region.start()[axis].saturating_sub(*radius), stop);
        }
        around
    }

    /// The values of a box and those around it, mirrored beyond the ends.
    fn padded<T: Number>(&self, bytes: &[u8], around: &Region, region: &Region) -> Box<T> {
        let shape = self.info.shape;
        let tables: Vec<Vec<usize>> = self
            .radii
            .iter()
            .enumerate()
            .map(|(axis, &radius)| {
                let (start, stop) = (region.start()[axis] as isize, region.stop()[axis] as isize);
                let radius = radius as isize;
                let place = |index| reflected(index, shape.dims()[axis]) - around.start()[axis];
                (start - radius..stop + radius).map(place).collect()
            })
            .collect();
        let dims: Vec<usize> = tables.iter().map(Vec::len).collect();
        let mut values = Vec::with_capacity(dims.iter().product());
        let (strides, item) = (strides(around), self.from.num_bytes());
        let read = |offset: usize| bytemuck::pod_read_unaligned::<T>(&bytes[offset * item..(offset + 1) * item]);
        collect(&tables, &strides, 0, &mut |offset| values.push(read(offset)));
        Box { dims, values }
    }

    /// The same in double precision.
    fn padded64(&self, bytes: &[u8], around: &Region, region: &Region) -> Box<f64> {
        dispatch_dtype!(self.from, T => {
            let Box { dims, values } = self.padded::<T>(bytes, around, region);
            Box { dims, values: values.into_iter().map(crate::volume::Voxel::to_f64).collect() }
        })
    }

    fn compute(&self, bytes: &[u8], around: &Region, region: &Region, buffer: &mut [u8]) {
        let values = match &self.kind {
            Kind::Median(size) => {
                let size: Vec<usize> = size.iter().map(|size| (*size).max(1)).collect();
                dispatch_dtype!(self.from, T => {
                    let values = median::<T>(&self.padded(bytes, around, region), &size);
                    buffer.copy_from_slice(bytemuck::cast_slice(&values));
                });
                return;
            }
            Kind::Gaussian(sigma) => {
                let mut padded = self.padded64(bytes, around, region);
                for (axis, sigma) in sigma.iter().enumerate().filter(|(_, sigma)| **sigma > 0.0) {
                    padded = weighed(&padded, axis, &bell(*sigma));
                }
                padded.values
            }
            Kind::Running { axis, num, level: Level::Mean } => {
                let sums = weighed(&self.padded64(bytes, around, region), *axis, &vec![1.0; *num]).values;
                sums.into_iter().map(|sum| sum / *num as f64).collect()
            }
            Kind::Running { axis, num, level: Level::Percentile(percent) } => {
                running_percentile(&self.padded64(bytes, around, region), *axis, *num, *percent)
            }
        };
        let values: Vec<u64> = values.into_iter().map(f64::to_bits).collect();
        let mut voxels = vec![0; values.len()];
        convert(DType::F64, self.info.dtype, &values, &mut voxels, values.len());
        let num_bytes = buffer.len();
        buffer.copy_from_slice(of::<u8>(&voxels, num_bytes));
    }
}

fn strides(region: &Region) -> [usize; MAX_RANK] {
    let mut strides = [0; MAX_RANK];
    let mut stride = 1;
    for axis in (0..region.rank()).rev() {
        strides[axis] = stride;
        stride *= region.stop()[axis] - region.start()[axis];
    }
    strides
}

fn collect(tables: &[Vec<usize>], strides: &[usize], at: usize, visit: &mut dyn FnMut(usize)) {
    let Some((table, inner)) = tables.split_first() else { return visit(at) };
    for place in table {
        collect(inner, &strides[1..], at + place * strides[0], visit);
    }
}

impl Composite for Filtered {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>) {
        let around = self.around(&chunk.region);
        self.inputs[0].source.each_chunk(&around, &mut |chunk| needs.push(Need { input: 0, chunk: *chunk }));
    }

    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let around = self.around(&chunk.region);
        let mut bytes = vec![0; around.shape().num_bytes(self.from).unwrap_or(0)];
        let missing = gather(given, 0, &around, self.from.num_bytes(), &mut bytes);
        // What reaches into a gap is one: mirrored voxels lie no further away than those they mirror.
        let reached =
            missing.into_iter().filter_map(|(gap, error)| Some((self.around(&gap).intersect(&chunk.region)?, error)));
        let filled = joint::filled(&chunk.region, reached.collect())?;
        self.compute(&bytes, &around, &chunk.region, buffer);
        Ok(filled)
    }
}

impl Source for Filtered {
    of_inputs!();
    laid_as_input!();

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.kept.read_and_combine(self, chunk, buffer)
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}
