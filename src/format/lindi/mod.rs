//! LINDI: a tree of groups and arrays whose bytes lie in other files, HDF5 mostly, listed by reference. Its arrays
//! are read by their ranges of bytes and decoded as HDF5's chunks are.

mod afar;
mod container;
mod document;
mod metadata;
mod parts;
mod place;
mod references;
mod small;
mod source;
mod tree;

use std::sync::Arc;

use place::Home;
pub use references::{Reference, References};
use tree::LindiTree;

use super::look::Look;
use super::tree::{Tree, arrays, first_of};
use super::{DatasetEntry, FormatError, OpenOptions, Opened, nwb};
use crate::volume::Location;

/// Opens a reference file: JSON, a tar archive, or a folder.
pub(super) fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    let tree = match read(look, options)? {
        Ok(tree) => tree,
        Err(error) => return Some(Err(error)),
    };
    if options.is_cancelled() {
        return Some(Err(FormatError::cancelled(&look.location)));
    }
    Some(nwb::open_tree(&tree, options).unwrap_or_else(|| open_plain(tree.as_ref(), options)))
}

/// The tree of a reference file; `None` where it is none.
pub(super) fn read(look: &Look, options: &OpenOptions) -> Option<Result<Arc<dyn Tree>, FormatError>> {
    Some(container::open(look, &options.cancel)?.map(|(container, document)| {
        let home = Home { location: look.location.clone(), store: Arc::clone(&look.store), container };
        Arc::new(LindiTree::new(home, document)) as Arc<dyn Tree>
    }))
}

/// Opens an array of a file that follows no convention: the one asked for, or the one with most axes and voxels.
fn open_plain(tree: &dyn Tree, options: &OpenOptions) -> Result<Opened, FormatError> {
    let failed = |message: String| FormatError::new(tree.location(), message);
    let mut datasets = arrays(tree.listing());
    let num_voxels = |entry: &DatasetEntry| entry.shape.iter().fold(1u64, |num, &dim| num.saturating_mul(dim));
    datasets.sort_by_key(|entry| std::cmp::Reverse((entry.shape.len().min(4), num_voxels(entry))));
    if datasets.is_empty() {
        let why = tree.listing().cut.clone();
        return Err(failed(why.unwrap_or_else(|| "holds no array of two or more axes".to_owned())));
    }
    let mut open = |at: usize| tree.open(&datasets[at].name, options);
    let (chosen, source) = match options.dataset.as_deref().map(|wanted| wanted.trim_matches('/')) {
        None => first_of(datasets.len(), &mut open)?,
        Some(wanted) => {
            let path = tree.listing().find(wanted).map(|(path, _)| path);
            let at = datasets.iter().position(|entry| Some(&entry.name) == path.as_ref());
            let names = || datasets.iter().map(|entry| entry.name.as_str());
            let chosen = at.ok_or_else(|| FormatError::no_dataset(tree.location(), wanted, names()))?;
            (chosen, open(chosen)?)
        }
    };
    Ok(Opened { datasets, chosen, ..Opened::of(source, None) })
}

/// The name without what tells the format.
fn stem(location: &Location) -> String {
    let name = location.short();
    let stem = [".json", ".tar", ".d"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    stem.strip_suffix(".lindi").unwrap_or(stem).to_owned()
}
