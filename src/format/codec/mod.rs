//! Decoding chunk bytes outside libhdf5.
