//! Sparse matrices in HDF5 groups: the values that are not zero, their places along one axis, and where each row
//! (CSR) or column (CSC) of the other begins. Shown as pictures; what is not stored is zero.

mod matrix;
mod source;

pub(super) use matrix::{Matrix, find};
pub(super) use source::SparseSource;
