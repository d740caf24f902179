//! The .npy file format.
