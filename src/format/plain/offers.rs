//! What a file offers to be looked at, the most image-like first, and what has to be said of the rest.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::format::DatasetEntry;
use crate::format::hdf5::{Contents, Header, Layout, Unread, have_attribute, stored_bytes};
use crate::format::sparse::{self, Matrix};
use crate::volume::Shape;

/// Asking how much every array takes on disk ends after this: it is for the picker alone.
const SIZES_WITHIN: Duration = Duration::from_millis(50);

/// What R's library of HDF5 writes beside an array of integers.
const BY_R: &str = "rhdf5-NA.OK";
/// So many arrays are asked for it.
const MAX_ASKED: usize = 64;

/// Said of an array whose voxels lie in others, in place of a compression.
const VIRTUAL: &str = "virtual";

/// A picture with a side shorter than this is a table.
const MIN_SIDE: usize = 8;

/// One thing that can be asked for by name.
pub(super) struct Offer {
    /// As the picker shows it.
    pub entry: DatasetEntry,
    /// What it is.
    pub what: What,
    /// Whether R has written it, whose programs count the axes in the opposite order.
    pub is_by_r: bool,
    /// Its other names.
    aliases: Vec<String>,
}

/// What an offer is.
pub(super) enum What {
    /// An array of numbers.
    Array {
        /// The file it lies in.
        path: PathBuf,
        /// Its path there.
        name: String,
    },
    /// A group that is a sparse matrix.
    Sparse(Matrix),
    /// An array without a voxel.
    Empty {
        /// Its extent.
        shape: Shape,
        /// Whether there may be some later.
        may_grow: bool,
    },
    /// Something that is not read, for this reason.
    Unread(String),
}

impl Offer {
    /// An array of numbers of the file `file`, under a name in the file at `opened`.
    pub fn of_array(name: &str, file: &Path, header: &Header, opened: &Path) -> Self {
        let shape = header.shape;
        // How far a virtual dataset reaches is known when its sources are.
        let is_virtual = header.layout == Layout::Virtual;
        let is_empty = !is_virtual && shape.dims().contains(&0);
        let elsewhere = (file != opened).then(|| format!("; in {}", file.file_name().unwrap_or_default().display()));
        let entry = DatasetEntry {
            name: name.to_owned(),
            summary: format!("{shape}, {}{}", header.dtype, elsewhere.unwrap_or_default()),
            shape: shape.dims().iter().map(|&dim| dim as u64).collect(),
            dtype: Some(header.dtype),
            stored_bytes: None,
            compression: if is_virtual { VIRTUAL.to_owned() } else { compression(header) },
            is_no_image: is_empty || is_no_image(&shape),
        };
        let what = match is_empty {
            true => What::Empty { shape, may_grow: (0..shape.rank()).any(|axis| header.can_grow(axis)) },
            false => What::Array { path: file.to_owned(), name: header.name.clone() },
        };
        Self { entry, what, is_by_r: false, aliases: Vec::new() }
    }

    /// A sparse matrix, under the name that says how it is read.
    pub fn of_matrix(name: String, matrix: Matrix, arrays: &[Header]) -> Self {
        let data = arrays.iter().find(|header| header.name == matrix.data);
        let num_stored = data.map_or(0, |header| header.shape.dims()[0]);
        let words = match matrix.shape {
            Some([rows, columns]) => format!("{rows} × {columns}, sparse"),
            None if matrix.by_column => "sparse, if columns are packed".to_owned(),
            None => "sparse, if rows are packed".to_owned(),
        };
        let dtype = data.map(|header| header.dtype);
        let entry = DatasetEntry {
            name,
            summary: format!(
                "{words}, {num_stored} values{}",
                dtype.map_or(String::new(), |dtype| format!(", {dtype}"))
            ),
            shape: matrix.shape.map_or(Vec::new(), |shape| shape.to_vec()),
            dtype,
            stored_bytes: None,
            compression: data.map_or(String::new(), compression),
            is_no_image: false,
        };
        Self { entry, what: What::Sparse(matrix), is_by_r: false, aliases: Vec::new() }
    }

    fn unread(unread: &Unread) -> Self {
        let entry = DatasetEntry {
            name: unread.name.clone(),
            summary: unread.why.clone(),
            is_no_image: true,
            ..DatasetEntry::default()
        };
        Self { entry, what: What::Unread(unread.why.clone()), is_by_r: false, aliases: Vec::new() }
    }

    /// Whether it goes by this name.
    pub fn is_called(&self, name: &str) -> bool {
        self.entry.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// Everything a file offers, and sentences on what is broken in it.
pub(super) fn offers(path: &Path, contents: Contents) -> (Vec<Offer>, Vec<String>) {
    let mut offers: Vec<Offer> =
        contents.arrays.iter().map(|header| Offer::of_array(&header.name, path, header, path)).collect();
    for alias in contents.aliases {
        if let Some(offer) = offers.iter_mut().find(|offer| offer.entry.name == alias.of) {
            let word = if offer.aliases.is_empty() { "; also" } else { "," };
            offer.entry.summary.push_str(&format!("{word} {}", alias.name));
            offer.aliases.push(alias.name);
        }
    }
    let names: Vec<&str> = contents.arrays.iter().map(|header| header.name.as_str()).collect();
    let sizes = stored_bytes(path, &names, Instant::now() + SIZES_WITHIN);
    for (offer, num_bytes) in offers.iter_mut().zip(sizes) {
        offer.entry.stored_bytes = num_bytes;
    }
    let images = offers.iter_mut().filter(|offer| !offer.entry.is_no_image).take(MAX_ASKED);
    let mut images: Vec<&mut Offer> = images.collect();
    let names: Vec<String> = images.iter().map(|offer| offer.entry.name.clone()).collect();
    for (offer, is_by_r) in images.iter_mut().zip(have_attribute(path, &names, BY_R)) {
        offer.is_by_r = is_by_r;
    }
    for matrix in sparse::find(path, &contents.arrays) {
        let group = if matrix.group.is_empty() { "/" } else { &matrix.group };
        let name = match matrix.convention.is_empty() {
            true => format!("{group}#{}", matrix.packing()),
            false => group.to_owned(),
        };
        offers.push(Offer::of_matrix(name, matrix, &contents.arrays));
    }
    let elsewhere = contents.elsewhere.iter();
    offers.extend(elsewhere.map(|there| Offer::of_array(&there.name, &there.path, &there.header, path)));
    offers.sort_by_key(|offer| std::cmp::Reverse(likeness(&offer.entry)));
    let (broken, unread): (Vec<_>, Vec<_>) = contents.unread.iter().partition(|unread| unread.is_broken);
    offers.extend(unread.into_iter().map(Offer::unread));
    let notes = broken.iter().map(|unread| format!("{}: {}", unread.name, unread.why)).chain(contents.cut).collect();
    (offers, notes)
}

fn compression(header: &Header) -> String {
    if header.filters.is_empty() { String::new() } else { header.filters_in_words() }
}

/// How much an array is like a recording: by its name as the writers use it, its axes, whether anything of it was
/// ever written, its size.
fn likeness(entry: &DatasetEntry) -> (bool, bool, usize, bool, u64) {
    let name = entry.name.rsplit('/').next().unwrap_or_default();
    let num_voxels = entry.shape.iter().fold(1, |n: u64, &dim| n.saturating_mul(dim));
    let is_written = entry.stored_bytes != Some(0) || entry.compression == VIRTUAL;
    (!entry.is_no_image, name.contains("stack"), entry.shape.len().min(4), is_written, num_voxels)
}

/// Whether it cannot be meant as an image: a trace, a table of a few columns.
fn is_no_image(shape: &Shape) -> bool {
    match *shape.dims() {
        [] | [_] => true,
        [y, x] => y < MIN_SIDE || x < MIN_SIDE,
        _ => false,
    }
}
