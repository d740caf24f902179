//! The vocabulary of every other layer: shapes, regions, voxel types, indexing and plain arithmetic
//! on arrays in memory. Imports nothing of the project and does no IO.

mod accumulator;
mod away;
mod axis;
pub mod codes;
mod colormap;
mod display;
mod dtype;
mod fold_box;
mod grid;
mod histogram;
mod identity;
mod info;
mod location;
mod losses;
mod picture;
mod piece;
mod pool;
mod problem;
mod project;
mod reduce;
mod region;
mod runs;
mod selection;
mod volume_fold;
mod voxels;

pub use accumulator::{Accumulator, FoldBox, projected_dtype};
pub use away::Away;
pub use axis::{Axis, Orientation};
pub use colormap::{Colormap, Lut};
pub use display::{Blend, Display, Interpolation};
pub use dtype::{DType, Voxel};
pub use grid::{Cell, Grid, Index, Indices, Order, unravel};
pub use histogram::{Histogram, measured_values, percentiles};
pub use identity::{LayerId, ViewId};
pub use info::{ArrayInfo, AxisFrom, ValueScale, VoxelSize};
pub use location::{Location, percent_decoded};
pub use losses::Gaps;
pub use picture::{Picture, PictureKey, PictureValues, Projection, TileIndex, ValueKind, VolumeKey};
pub use piece::{Piece, PieceState, Span, count_states};
pub use pool::{Buffer, Pool};
pub use problem::{Problem, Severity};
pub use project::{flatten, kept_axes, project, project_for_display};
pub use reduce::{reduce, reduced_dtype};
pub use region::{MAX_RANK, Region, Shape};
pub use runs::{Runs, copy_region, reverse_axes, runs};
pub use selection::{Points, Selected, Selection, SelectionError, SliceDim};
pub use volume_fold::{NotFolded, VolumeFold};
pub use voxels::Voxels;

/// Runs `$body` with the type alias `$T` bound to the Rust type that stores one voxel of `$dtype`
/// (`bool` is stored as a `u8` of 0 or 1).
#[macro_export]
macro_rules! dispatch_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::volume::DType::Bool | $crate::volume::DType::U8 => {
                type $T = u8;
                $body
            }
            $crate::volume::DType::I8 => {
                type $T = i8;
                $body
            }
            $crate::volume::DType::U16 => {
                type $T = u16;
                $body
            }
            $crate::volume::DType::I16 => {
                type $T = i16;
                $body
            }
            $crate::volume::DType::U32 => {
                type $T = u32;
                $body
            }
            $crate::volume::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::volume::DType::U64 => {
                type $T = u64;
                $body
            }
            $crate::volume::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::volume::DType::F16 => {
                type $T = half::f16;
                $body
            }
            $crate::volume::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::volume::DType::F64 => {
                type $T = f64;
                $body
            }
        }
    };
}
