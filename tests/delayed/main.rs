//! Delayed operations: the same values, types and shapes as numpy.
#![allow(clippy::unwrap_used)]
