//! The same pages in coarser resolutions, where each page names smaller pictures of itself.

use std::sync::Arc;

use super::book::{Book, Volume};
use super::ifd::{Ask, TiffFile};
use super::index::{Index, Page};
use super::source::TiffSource;
use super::stack::{FIRST_ABSENT, Stack};
use crate::format::store;
use crate::format::{FetchError, FormatError, OpenOptions, Source};
use crate::volume::Location;

/// Where the smaller pictures of a page are.
pub const SUB_DIRECTORIES: u16 = 330;
/// Resolutions beside the finest one.
const MAX_LEVELS: usize = 16;
/// Pages whose smaller pictures are looked for; recordings of more are no pyramids.
const MAX_PAGES: usize = 100_000;

/// The coarser resolutions of a stack, the finer ones first; none where any page lacks one.
///
/// # Errors
/// What kept them from being read.
pub fn levels_of(
    book: &Book,
    stack: &Stack,
    location: &Location,
    options: &OpenOptions,
) -> Result<Vec<Arc<dyn Source>>, FormatError> {
    let mut levels: Vec<Arc<dyn Source>> = Vec::new();
    let numbers = || stack.frames.iter().filter(|number| **number < FIRST_ABSENT);
    let Some(&first) = numbers().next() else { return Ok(levels) };
    let Some((volume, page, _)) = book.page(first as usize) else { return Ok(levels) };
    let num_levels =
        ask(&volume.file, options, &mut |ask| sub_directories(&volume.file, &page, ask))?.len().min(MAX_LEVELS);
    if num_levels == 0 || stack.frames.len() > MAX_PAGES {
        return Ok(levels);
    }
    let mut volumes: Vec<Vec<Volume>> = vec![Vec::new(); num_levels];
    for volume in book.volumes() {
        for (level, index) in smaller(volume, num_levels, options)?.into_iter().enumerate() {
            volumes[level].push(Volume { index: Arc::new(index), ..volume.clone() });
        }
    }
    for volumes in volumes {
        let book = Book::new(volumes);
        let Some(layout) = book.page(first as usize).and_then(|(_, _, layout)| layout.ok()) else {
            break;
        };
        let is_finer = levels.last().map_or([stack.layout.height, stack.layout.width], |level| {
            let dims = level.info().shape;
            let rows = stack.dims.len() + usize::from(stack.layout.is_planar);
            [dims.dims()[rows], dims.dims()[rows + 1]]
        });
        let fits = layout.samples == stack.layout.samples
            && layout.is_planar == stack.layout.is_planar
            && layout.dtype == stack.layout.dtype
            && layout.height <= is_finer[0]
            && layout.width <= is_finer[1]
            && [layout.height, layout.width] != is_finer;
        if !fits {
            break;
        }
        let coarse = Stack { layout, spacing_um: [None; 3], problems: Vec::new(), ..stack.clone() };
        levels.push(Arc::new(TiffSource::new(Arc::new(book), coarse, location, options)?));
    }
    Ok(levels)
}

fn ask<T>(
    file: &TiffFile,
    options: &OpenOptions,
    work: &mut dyn FnMut(Ask<'_>) -> Result<T, FetchError>,
) -> Result<T, FormatError> {
    let cancel = &options.cancel;
    store::tried(&*file.store, &file.name, cancel, &mut |until| work(Ask { until, cancel }))
}

fn sub_directories(file: &TiffFile, page: &Page, ask: Ask<'_>) -> Result<Vec<u64>, FetchError> {
    let Ok(directory) = file.directory(page.at, ask)? else { return Ok(Vec::new()) };
    let value = file.value(&directory, SUB_DIRECTORIES, 8 * MAX_LEVELS as u64, ask)?;
    Ok(value.map_or_else(Vec::new, |value| value.numbers()))
}

/// For each resolution the pages of a file, each in the place of the one that it is a smaller picture of.
fn smaller(volume: &Volume, num_levels: usize, options: &OpenOptions) -> Result<Vec<Index>, FormatError> {
    let file = &volume.file;
    let mut levels = vec![Index::empty(); num_levels];
    for page in &volume.index.pages {
        if options.is_cancelled() {
            return Err(FormatError::cancelled(file.store.location(&file.name)));
        }
        let places = ask(file, options, &mut |ask| sub_directories(file, page, ask))?;
        for (level, index) in levels.iter_mut().enumerate() {
            let at = places.get(level).copied().unwrap_or(u64::MAX);
            ask(file, options, &mut |ask| index.add(file, at, ask))?;
        }
    }
    Ok(levels)
}
