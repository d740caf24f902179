//! TIFF files as the programs of microscopes write them: classic and BigTIFF, ImageJ hyperstacks, ScanImage,
//! OME-TIFF over several files, tifffile's, plain pages; and folders of numbered ones.
//!
//! The chain of a file's directories becomes an [`index::Index`] of its pages (kept in the user's cache where
//! it was long in coming). What its writer says of them (`said.rs` and `ome.rs`) tells how they make an
//! array ([`stack::Stack`]), and that is read page by page ([`source::TiffSource`]) from the strips and tiles
//! of a page (`parts.rs`, `packing.rs`). All of it through a [`super::store::ByteStore`].

mod book;
mod files;
mod growing;
mod ifd;
mod imagej;
mod index;
mod indexing;
mod kept;
mod layout;
mod levels;
mod looking;
mod lsm;
mod numbers;
mod ome;
mod open;
mod packing;
mod parts;
mod regions;
mod said;
mod scanimage;
mod source;
mod stack;
#[cfg(test)]
mod tests;
mod times;

pub(super) use open::open;
