//! How programs find a sparse matrix in an HDF5 file.

use std::str::FromStr;

use super::super::hdf5::{Attribute, Failed, File};

/// A layout of a sparse matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparseLayout {
    /// By columns, as 10x Genomics and HDF5Array have it: `matrix/{data,indices,indptr,shape}`.
    Csc,
    /// By rows, `matrix/{data,indices,indptr}`, with the attributes of h5sparse.
    Csr,
    /// An AnnData file whose `X` is packed by columns.
    AnnDataCsc,
    /// An AnnData file whose `X` is packed by rows.
    AnnDataCsr,
}

impl SparseLayout {
    /// All of them, by the names that `--layout` takes.
    pub const ALL: [(&'static str, Self); 4] =
        [("csc", Self::Csc), ("csr", Self::Csr), ("anndata-csc", Self::AnnDataCsc), ("anndata-csr", Self::AnnDataCsr)];

    /// Whether columns are packed rather than rows.
    pub fn is_by_column(self) -> bool {
        matches!(self, Self::Csc | Self::AnnDataCsc)
    }

    /// Whether indices may take four bytes: 10x Genomics' take eight.
    pub(super) fn has_narrow_indices(self) -> bool {
        self != Self::Csc
    }

    /// Writes all but the three lists; returns the group they belong in.
    pub(super) fn describe(self, file: &File, shape: [usize; 2]) -> Result<&'static str, Failed> {
        let text = |text: &str| Attribute::Text(text.to_owned());
        let shape_list = shape.map(|dim| dim as i64).to_vec();
        match self {
            Self::Csc => {
                file.group("matrix", &[])?;
                let mut list = file.list("matrix/shape", crate::volume::DType::I64)?;
                list.append(&shape_list.iter().flat_map(|dim| dim.to_le_bytes()).collect::<Vec<_>>())?;
                list.finish()?;
                Ok("matrix")
            }
            Self::Csr => {
                let attributes =
                    [("h5sparse_format", text("csr")), ("h5sparse_shape", Attribute::Integers(shape_list))];
                file.group("matrix", &attributes)?;
                Ok("matrix")
            }
            Self::AnnDataCsc | Self::AnnDataCsr => {
                file.set(&[("encoding-type", text("anndata")), ("encoding-version", text("0.1.0"))])?;
                let kind = if self == Self::AnnDataCsc { "csc_matrix" } else { "csr_matrix" };
                let attributes = [
                    ("encoding-type", text(kind)),
                    ("encoding-version", text("0.1.0")),
                    ("shape", Attribute::Integers(shape_list)),
                ];
                file.group("X", &attributes)?;
                for (table, len) in [("obs", shape[0]), ("var", shape[1])] {
                    numbered(file, table, len)?;
                }
                Ok("X")
            }
        }
    }
}

/// Texts written at once.
const AT_ONCE: usize = 1 << 16;

/// A table of no columns whose rows are called 0, 1, …: AnnData names its rows and columns.
fn numbered(file: &File, table: &str, len: usize) -> Result<(), Failed> {
    let text = |text: &str| Attribute::Text(text.to_owned());
    let attributes = [
        ("encoding-type", text("dataframe")),
        ("encoding-version", text("0.2.0")),
        ("_index", text("_index")),
        ("column-order", Attribute::Texts(Vec::new())),
    ];
    file.group(table, &attributes)?;
    let attributes = [("encoding-type", text("string-array")), ("encoding-version", text("0.2.0"))];
    let mut names = file.texts(&format!("{table}/_index"), &attributes)?;
    for start in (0..len).step_by(AT_ONCE) {
        let part: Vec<String> = (start..(start + AT_ONCE).min(len)).map(|number| number.to_string()).collect();
        names.append(&part)?;
    }
    Ok(())
}

impl FromStr for SparseLayout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, layout)| layout).ok_or_else(|| "is no layout: csc, csr, anndata-csc or anndata-csr".to_owned())
    }
}
