//! `--to`: what is written, an array in one of the formats, or a sparse matrix.

use std::str::FromStr;

use crate::volume::Location;
use crate::write::Kind;
use crate::write::sparse::SparseLayout;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An array.
    Array(Kind),
    /// What of it is not zero.
    Sparse(SparseLayout),
}

impl Form {
    /// The one that a name means, by its ending.
    pub fn of(location: &Location) -> Option<Self> {
        let is_anndata = location.to_string().to_lowercase().ends_with(".h5ad");
        let array = || Kind::of(location).map(Self::Array);
        if is_anndata { Some(Self::Sparse(SparseLayout::AnnDataCsr)) } else { array() }
    }

    /// As it is said on a command line.
    pub fn name(self) -> &'static str {
        let layout = |wanted| SparseLayout::ALL.into_iter().find(|(_, layout)| *layout == wanted);
        match self {
            Self::Array(kind) => kind.name(),
            Self::Sparse(wanted) => layout(wanted).map_or("sparse", |(name, _)| name),
        }
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let array = || text.parse().map(Self::Array).ok();
        let known = || Kind::ALL.map(Kind::name).into_iter().chain(SparseLayout::ALL.map(|(name, _)| name));
        let none =
            || format!("{text} is nothing that is written; there are {}", known().collect::<Vec<_>>().join(", "));
        text.parse().map(Self::Sparse).ok().or_else(array).ok_or_else(none)
    }
}
