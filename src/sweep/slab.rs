//! What a sweep hands on: the planes of one timepoint, and what of them is not there.

use std::sync::Arc;

use crate::dispatch_dtype;
use crate::format::ReadError;
use crate::qc::{Plane, Values};
use crate::volume::{DType, Region, Voxel, Voxels};

/// Consecutive planes of one timepoint: all of them, or, where a volume is too large to be held, a part.
#[derive(Clone, Debug)]
pub struct Slab {
    /// Timepoint.
    pub t: usize,
    /// First plane.
    pub first_z: usize,
    /// The voxels, (z, y, x); what is missing is listed there. `None` where nothing could be had.
    pub voxels: Option<Arc<Voxels>>,
    /// Rank 3.
    pub shape: [usize; 3],
    /// Why something is missing.
    pub reason: Option<ReadError>,
}

/// The planes of a slab as they are measured. Holds what had to be converted.
pub struct Planes {
    shape: [usize; 3],
    content: Content,
    is_there: Vec<bool>,
}

enum Content {
    Nothing,
    Direct(Arc<Voxels>),
    Codes(Vec<u16>, i32),
    Reals(Vec<f64>),
}

impl Planes {
    /// Converts where the storage type asks for it.
    pub fn new(slab: &Slab) -> Self {
        let shape = slab.shape;
        let is_there = (0..shape[0]).map(|z| slab.is_plane_there(z)).collect();
        let content = match &slab.voxels {
            None => Content::Nothing,
            Some(voxels) => content(voxels),
        };
        Self { shape, content, is_there }
    }

    /// Them, in order of z.
    pub fn planes(&self) -> Vec<Plane<'_>> {
        let len = self.shape[1] * self.shape[2];
        let values = |z: usize| -> Option<Values<'_>> {
            let range = z * len..(z + 1) * len;
            match &self.content {
                Content::Nothing => None,
                Content::Direct(voxels) => Some(Values::Codes { codes: &voxels.values::<u16>()[range], base: 0 }),
                Content::Codes(codes, base) => Some(Values::Codes { codes: &codes[range], base: *base }),
                Content::Reals(values) => Some(Values::Reals(&values[range])),
            }
        };
        let plane = |z: usize| Plane { shape: [self.shape[1], self.shape[2]], values: values(z) };
        (0..self.shape[0])
            .map(|z| if self.is_there[z] { plane(z) } else { Plane { values: None, ..plane(z) } })
            .collect()
    }
}

fn content(voxels: &Arc<Voxels>) -> Content {
    let bytes = voxels.bytes();
    match voxels.dtype() {
        DType::U16 => Content::Direct(Arc::clone(voxels)),
        DType::Bool | DType::U8 => Content::Codes(bytes.iter().map(|b| u16::from(*b)).collect(), 0),
        DType::I8 => Content::Codes(bytes.iter().map(|b| u16::from(*b ^ 0x80)).collect(), -128),
        DType::I16 => {
            let code = |value: &i16| (*value as u16) ^ 0x8000;
            Content::Codes(voxels.values::<i16>().iter().map(code).collect(), -32_768)
        }
        dtype => {
            dispatch_dtype!(dtype, T => Content::Reals(voxels.values::<T>().iter().map(|v| v.to_f64()).collect()))
        }
    }
}

impl Slab {
    /// Whether all of a plane, counted from the first of the slab, is there.
    pub fn is_plane_there(&self, z: usize) -> bool {
        let touches = |part: &Region| (part.start()[0]..part.stop()[0]).contains(&z) && !part.is_empty();
        self.voxels.as_ref().is_some_and(|voxels| !voxels.missing().iter().any(touches))
    }
}
