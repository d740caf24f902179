//! The only caller of libhdf5.
