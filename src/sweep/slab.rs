//! What a sweep hands on: the planes of one timepoint, each where it lies in memory, or why it is not there.

use std::sync::Arc;

use rayon::prelude::*;

use crate::dispatch_dtype;
use crate::format::ReadError;
use crate::qc::{Plane, Values};
use crate::volume::{DType, Voxel, Voxels};

/// Consecutive planes of one timepoint: all of them, or, where a volume is too large to be held, a part.
#[derive(Clone, Debug)]
pub struct Slab {
    /// Timepoint.
    pub t: usize,
    /// First plane.
    pub first_z: usize,
    /// Rows and columns of a plane.
    pub plane_shape: [usize; 2],
    /// The planes, in order of z.
    pub planes: Vec<SlabPlane>,
}

/// One plane of a slab.
#[derive(Clone, Debug)]
pub enum SlabPlane {
    /// All of its voxels are there.
    There {
        /// An array that holds them among others.
        voxels: Arc<Voxels>,
        /// Where its first voxel lies, in voxels.
        at: usize,
    },
    /// Some or all of its voxels are missing, and why, where that is known.
    Lost(Option<ReadError>),
}

/// The planes of a slab as they are measured. Holds what had to be converted.
pub struct Planes {
    shape: [usize; 2],
    planes: Vec<Content>,
}

enum Content {
    Lost,
    Direct(Arc<Voxels>, usize),
    Codes(Vec<u16>, i32),
    Reals(Vec<f64>),
}

impl Planes {
    /// Converts where the storage type asks for it.
    pub fn new(slab: &Slab) -> Self {
        let len = slab.plane_shape[0] * slab.plane_shape[1];
        let content = |plane: &SlabPlane| match plane {
            SlabPlane::There { voxels, at } => content(voxels, *at, len),
            SlabPlane::Lost(_) => Content::Lost,
        };
        Self { shape: slab.plane_shape, planes: slab.planes.par_iter().map(content).collect() }
    }

    /// Them, in order of z.
    pub fn planes(&self) -> Vec<Plane<'_>> {
        let len = self.shape[0] * self.shape[1];
        self.planes.iter().map(|content| Plane { shape: self.shape, values: content.values(len) }).collect()
    }
}

impl Content {
    fn values(&self, len: usize) -> Option<Values<'_>> {
        match self {
            Self::Lost => None,
            Self::Direct(voxels, at) => Some(Values::Codes { codes: &voxels.values::<u16>()[*at..*at + len], base: 0 }),
            Self::Codes(codes, base) => Some(Values::Codes { codes, base: *base }),
            Self::Reals(values) => Some(Values::Reals(values)),
        }
    }
}

fn content(voxels: &Arc<Voxels>, at: usize, len: usize) -> Content {
    let range = at..at + len;
    match voxels.dtype() {
        DType::U16 => Content::Direct(Arc::clone(voxels), at),
        DType::Bool | DType::U8 => Content::Codes(voxels.bytes()[range].iter().map(|b| u16::from(*b)).collect(), 0),
        DType::I8 => Content::Codes(voxels.bytes()[range].iter().map(|b| u16::from(*b ^ 0x80)).collect(), -128),
        DType::I16 => {
            let code = |value: &i16| (*value as u16) ^ 0x8000;
            Content::Codes(voxels.values::<i16>()[range].iter().map(code).collect(), -32_768)
        }
        dtype => {
            dispatch_dtype!(dtype, T => Content::Reals(voxels.values::<T>()[range].iter().map(|v| v.to_f64()).collect()))
        }
    }
}

impl Slab {
    /// Why planes are not there: runs of neighbours of one reason, first and last plane of the volume.
    pub(super) fn losses(&self) -> Vec<([usize; 2], Option<ReadError>)> {
        let mut losses: Vec<([usize; 2], Option<ReadError>)> = Vec::new();
        for (z, plane) in self.planes.iter().enumerate() {
            let z = self.first_z + z;
            let SlabPlane::Lost(reason) = plane else { continue };
            match losses.last_mut() {
                Some((run, known)) if run[1] + 1 == z && known == reason => run[1] = z,
                _ => losses.push(([z, z], reason.clone())),
            }
        }
        losses
    }
}
