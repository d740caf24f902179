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
use crate::volume::{ArrayInfo, DType, MAX_RANK, Region, copy_region};

/// Voxels of a box of which the middle one is sought, at most.
const MAX_WINDOW: usize = 4096;
/// Bytes that the surroundings of one chunk may take in double precision.
const MAX_BYTES: usize = 1 << 30;

/// Of them so many are made at a time, where they can be cut.
const STRIP_BYTES: usize = 8 << 20;

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

    /// A box of the result in parts, along an axis that is left alone: what surrounds a part in double precision takes
    /// no more memory than it must, on however many cores.
    fn strips(&self, region: &Region) -> Vec<Region> {
        let shape = region.shape();
        let free = (0..shape.rank()).filter(|&axis| self.radii[axis] == 0);
        let longest = free.max_by_key(|&axis| (shape.dims()[axis], std::cmp::Reverse(axis)));
        let around = self.around(region).shape();
        let num_bytes = around.num_voxels().map_or(usize::MAX, |num| num.saturating_mul(8));
        let Some(axis) = longest.filter(|_| num_bytes > STRIP_BYTES) else { return vec![*region] };
        let (start, stop) = (region.start()[axis], region.stop()[axis]);
        let step = ((stop - start) / num_bytes.div_ceil(STRIP_BYTES)).max(1);
        (start..stop).step_by(step).map(|from| region.with_axis(axis, from, (from + step).min(stop))).collect()
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
    fn padded<T: Number, U: Copy>(
        &self,
        bytes: &[u8],
        around: &Region,
        region: &Region,
        of: impl Fn(T) -> U,
    ) -> Box<U> {
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
        let read = |voxel: &[u8]| of(bytemuck::pod_read_unaligned::<T>(voxel));
        let Some((columns, outer)) = tables.split_last() else {
            values.push(read(bytes));
            return Box { dims, values };
        };
        // Of a row what is mirrored lies at its ends, and the rest in one piece.
        let radius = self.radii[outer.len()];
        let middle = radius..columns.len() - radius;
        let first = columns.get(radius).copied().unwrap_or(0);
        collect(outer, &strides, 0, &mut |row| {
            let at = |place: &usize| read(&bytes[(row + place) * item..(row + place + 1) * item]);
            values.extend(columns[..middle.start].iter().map(at));
            let start = (row + first) * item;
            values.extend(bytes[start..start + middle.len() * item].chunks_exact(item).map(read));
            values.extend(columns[middle.end..].iter().map(at));
        });
        Box { dims, values }
    }

    /// The same in double precision.
    fn padded64(&self, bytes: &[u8], around: &Region, region: &Region) -> Box<f64> {
        dispatch_dtype!(self.from, T => self.padded::<T, f64>(bytes, around, region, crate::volume::Voxel::to_f64))
    }

    fn compute(&self, bytes: &[u8], around: &Region, region: &Region, buffer: &mut [u8]) {
        let values = match &self.kind {
            Kind::Median(size) => {
                let size: Vec<usize> = size.iter().map(|size| (*size).max(1)).collect();
                dispatch_dtype!(self.from, T => {
                    let values = median::<T>(&self.padded(bytes, around, region, |value: T| value), &size);
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
        // What reaches into a gap is one: mirrored voxels lie no further away than those they mirror.
        let reached = |gap: &Region| self.around(&gap.intersect(&around)?).intersect(&chunk.region);
        let mut missing = Vec::new();
        for Given { voxels, need } in given {
            match voxels {
                Ok((_, Filled::All)) => {}
                Ok((_, Filled::Except(gaps, error))) => {
                    missing.extend(gaps.iter().filter_map(|gap| Some((reached(gap)?, (*error).clone()))));
                }
                Err(error) => missing.extend(reached(&need.chunk.region).map(|gap| (gap, (*error).clone()))),
            }
        }
        let filled = joint::filled(&chunk.region, missing)?;
        let item = self.info.dtype.num_bytes();
        let (mut bytes, mut voxels) = (Vec::new(), Vec::new());
        for strip in self.strips(&chunk.region) {
            let around = self.around(&strip);
            bytes.resize(around.shape().num_bytes(self.from).unwrap_or(0), 0);
            gather(given, 0, &around, self.from.num_bytes(), &mut bytes);
            if strip == chunk.region {
                self.compute(&bytes, &around, &strip, buffer);
                break;
            }
            voxels.resize(strip.shape().num_voxels().unwrap_or(0) * item, 0);
            self.compute(&bytes, &around, &strip, &mut voxels);
            copy_region(&voxels, &strip, buffer, &chunk.region, item);
        }
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
