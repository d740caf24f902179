//! The report as JSON, for programs.

use serde_json::{Value, json};

use crate::qc::Report;

/// All of a report. Arrays are in order of t; what cannot be had is null.
pub fn json(report: &Report) -> Value {
    json!({ "tectum": report.provenance.version, "volumes": report.table.num_t() })
}
