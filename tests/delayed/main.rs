//! Promise: an expression gives what numpy gives, region by region, and what was not measured stays missing.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod facts;
mod fixtures;
mod gaps;
mod oracle;
mod support;
mod text;
