//! A file that is numbered as blocks are may be a recording of its own all the same: who names it means it.

use std::path::Path;

use super::block::image_of;
use super::discover::Candidate;
use crate::format::hdf5::{Header, Layout, contents, read_attributes};
use crate::volume::DType;

/// Others of its numbers that a file is compared with.
const MAX_COMPARED: usize = 4;

/// Whether a file is a whole recording: NWB, an array made of those of other files, or, where no metadata claim
/// the numbered files, an array unlike those of all its neighbours. What cannot be read is a block. Asks the
/// disk.
pub(super) fn is_whole(path: &Path, candidates: &[Candidate]) -> bool {
    if read_attributes(path, "").is_ok_and(|root| root.contains_key("nwb_version")) {
        return true;
    }
    let Some(image) = image_in(path) else { return false };
    let Some(candidate) = candidates.first() else { return false };
    image.layout == Layout::Virtual
        || candidate.listing.metadata(&candidate.prefix).is_none() && is_unlike_others(path, &image, candidate)
}

fn is_unlike_others(path: &Path, image: &Header, candidate: &Candidate) -> bool {
    let Some(group) = candidate.listing.group(&candidate.prefix) else { return false };
    let at = group.blocks.iter().position(|block| path.file_name() == Some(block.name.as_ref()));
    let Some(at) = at else { return false };
    let mut others = vec![at.wrapping_sub(1), at + 1, 0, group.blocks.len() - 1];
    others.retain(|other| *other < group.blocks.len() && *other != at);
    others.dedup();
    let others = others.into_iter().take(MAX_COMPARED).map(|other| candidate.folder.join(&group.blocks[other].name));
    let mut are_alike = others.filter_map(|other| image_in(&other)).map(|other| is_alike(image, &other)).peekable();
    are_alike.peek().is_some() && are_alike.all(|is_alike| !is_alike)
}

/// Whether two arrays may be blocks of one recording: they differ in one extent at most, along which it grows.
fn is_alike(one: &Header, other: &Header) -> bool {
    let kind = |header: &Header| -> (usize, DType) { (header.shape.rank(), header.dtype) };
    let pairs = || one.shape.dims().iter().zip(other.shape.dims());
    kind(one) == kind(other) && pairs().filter(|(one, other)| one != other).count() <= 1
}

/// The array of a file that would be a block's.
fn image_in(path: &Path) -> Option<Header> {
    let mut arrays = contents(path).ok()?.arrays;
    image_of(&arrays, false).map(|best| arrays.swap_remove(best))
}
