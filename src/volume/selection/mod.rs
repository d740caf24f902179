//! numpy-style indexing: which voxels of an array an index such as `3, 0:4, :, ::2` names, in which
//! order and shape, with numpy's results and numpy's refusals.

mod parse;
mod reach;
mod resolve;
mod text;

pub use resolve::{Points, Selected, SliceDim};

/// A parsed index, not yet tied to an array's shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    items: Vec<Item>,
}

/// One comma-separated part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Integer(i64),
    Slice {
        start: Option<i64>,
        stop: Option<i64>,
        step: Option<i64>,
    },
    Ellipsis,
    NewAxis,
    /// A list of indices, or a nested one.
    Indices {
        shape: Vec<usize>,
        values: Vec<i64>,
    },
    /// A list of booleans, or a nested one, over as many axes as it is deep.
    Mask {
        shape: Vec<usize>,
        values: Vec<bool>,
    },
}

impl Selection {
    /// The index that names everything.
    pub fn all() -> Self {
        Self::default()
    }
}

/// Why an index names nothing. The texts are numpy's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Not an index at all.
    #[error("{0}")]
    Syntax(String),
    /// numpy's `IndexError`.
    #[error("{0}")]
    Index(String),
    /// numpy's `ValueError`.
    #[error("{0}")]
    Value(String),
}

#[cfg(test)]
mod tests;
