//! Computing an expression in a test.

use std::sync::Arc;

use tectum::array::delayed::{OperationError, Operations, delayed, open_operand};
use tectum::format::{FormatError, OpenOptions, Source};
use tectum::volume::LayerId;

/// The source of an expression over another; arrays that it names are opened as files.
pub fn computed(source: Arc<dyn Source>, text: &str) -> Result<Arc<dyn Source>, OperationError> {
    computed_with(source, text, &|name| open_operand(name, &OpenOptions::default()))
}

/// Opens an array that an expression names.
type Open<'a> = &'a dyn Fn(&str) -> Result<Arc<dyn Source>, FormatError>;

/// The same, of arrays that somebody opens.
pub fn computed_with(source: Arc<dyn Source>, text: &str, open: Open<'_>) -> Result<Arc<dyn Source>, OperationError> {
    let operations: Operations = text.parse()?;
    assert_eq!(operations.to_string().parse::<Operations>()?, operations, "{text} is printed as it was read");
    delayed(source, LayerId::next(), 0, &operations, open)
}
