//! Which groups of a file are sparse matrices, by the conventions of those who write them or by what the user
//! says.

use std::path::Path;

use crate::format::hdf5::{AttributeValue, H5Array, Header, read_attributes};
use crate::format::{FormatError, FormatErrorCode};
use crate::volume::Region;

use super::source::integers;

/// A group that holds a sparse matrix, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Path of the group; empty is the root.
    pub group: String,
    /// Path of the values that are stored.
    pub data: String,
    /// Path of their places along the axis that is not packed.
    pub indices: String,
    /// Path of where each packed row or column begins.
    pub indptr: String,
    /// Whether columns are packed (CSC) rather than rows (CSR).
    pub by_column: bool,
    /// Rows and columns; `None` where the file does not say.
    pub shape: Option<[u64; 2]>,
    /// Whose convention it follows, in words; empty where the file does not say how it is packed.
    pub convention: &'static str,
}

impl Matrix {
    fn of_group(group: &str, by_column: bool) -> Self {
        let member = |name: &str| if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
        Self {
            group: group.to_owned(),
            data: member("data"),
            indices: member("indices"),
            indptr: member("indptr"),
            by_column,
            shape: None,
            convention: "",
        }
    }

    /// What the user says behind `#` of a group's name: `csc` or `csr`, the number of rows and columns as
    /// `120x80`, and the names of the members where they are others: `data=values`, `indices=rows`,
    /// `indptr=starts`.
    ///
    /// # Errors
    /// What of it makes no sense.
    pub fn told(path: &Path, group: &str, words: &str) -> Result<Self, FormatError> {
        let wrong = |text: String| FormatError::new(path, text).with_code(FormatErrorCode::WrongOption);
        let group = group.trim_matches('/');
        let mut matrix = Self::of_group(group, true);
        let mut is_said = false;
        for word in words.split(',').map(str::trim) {
            let member = |name: &str| if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
            match word.split_once('=') {
                Some(("data", name)) => matrix.data = member(name),
                Some(("indices", name)) => matrix.indices = member(name),
                Some(("indptr", name)) => matrix.indptr = member(name),
                None if word.eq_ignore_ascii_case("csc") => (matrix.by_column, is_said) = (true, true),
                None if word.eq_ignore_ascii_case("csr") => (matrix.by_column, is_said) = (false, true),
                _ => {
                    let dims = word.split_once('x').and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?]));
                    let text = "is not understood: csc or csr, ROWSxCOLUMNS, data=NAME, indices=NAME, indptr=NAME";
                    matrix.shape = Some(dims.ok_or_else(|| wrong(format!("{word:?} behind {group}# {text}")))?);
                }
            }
        }
        if is_said { Ok(matrix) } else { Err(wrong(format!("{group}#{words} does not say whether csc or csr"))) }
    }

    /// "csc" or "csr".
    pub fn packing(&self) -> &'static str {
        if self.by_column { "csc" } else { "csr" }
    }
}

/// The groups of a file with an array of values, one of indices and one of beginnings. Where a file does not
/// say how a matrix is packed, it is given both ways.
pub fn find(path: &Path, arrays: &[Header]) -> Vec<Matrix> {
    let is_list = |name: &str| arrays.iter().any(|header| header.name == name && header.shape.rank() == 1);
    let groups = arrays.iter().filter_map(|header| match header.name.as_str() {
        "indptr" => Some(""),
        name => name.strip_suffix("/indptr"),
    });
    groups
        .filter(|group| {
            let matrix = Matrix::of_group(group, true);
            [&matrix.data, &matrix.indices, &matrix.indptr].into_iter().all(|name| is_list(name))
        })
        .flat_map(|group| known(path, group, arrays))
        .collect()
}

/// A group as its writer's convention says, or both ways.
fn known(path: &Path, group: &str, arrays: &[Header]) -> Vec<Matrix> {
    let attributes = read_attributes(path, group).unwrap_or_default();
    let text = |name: &str| match attributes.get(name) {
        Some(AttributeValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let pair = |name: &str| attributes.get(name).and_then(AttributeValue::integers).and_then(|values| two(&values));
    let packing =
        text("encoding-type").map(|kind| kind.trim_end_matches("_matrix")).or_else(|| text("h5sparse_format"));
    if let Some(packing @ ("csc" | "csr")) = packing {
        let shape = pair("shape").or_else(|| pair("h5sparse_shape"));
        return vec![Matrix { shape, convention: "AnnData", ..Matrix::of_group(group, packing == "csc") }];
    }
    let member = |name: &str| if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") };
    let shape = member("shape");
    let shape = arrays.iter().find(|header| header.name == shape && header.shape.dims() == [2]);
    if let Some(shape) = shape.and_then(|header| shape_in(path, header)) {
        // Genes are rows, cells the packed columns.
        return vec![Matrix { shape: Some(shape), convention: "10x Genomics", ..Matrix::of_group(group, true) }];
    }
    vec![Matrix::of_group(group, true), Matrix::of_group(group, false)]
}

fn shape_in(path: &Path, header: &Header) -> Option<[u64; 2]> {
    let array = H5Array::open(path, &header.name).ok()?;
    two(&integers(&array, &Region::whole(&header.shape)).ok()?)
}

fn two(values: &[i64]) -> Option<[u64; 2]> {
    let [rows, columns] = values else { return None };
    Some([u64::try_from(*rows).ok()?, u64::try_from(*columns).ok()?])
}
