//! TIFF: one file of pages, as ImageJ, OME or tifffile describe them, in strips that are compressed each by itself.
//!
//! What is not compressed lies in one row behind the first directory, so that ImageJ opens stacks of any size; where a
//! page lies is known beforehand, and pages come in any order. What is compressed lies in the order it came, and the
//! directories behind it.

mod describe;
mod directory;
mod display;
mod pages;
mod strips;
mod target;
mod writer;

pub use target::TiffTarget;
