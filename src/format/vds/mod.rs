//! Virtual datasets of HDF5.
mod axis_set;
mod selection;
