//! `--op`: what is computed from an array before anything is done with it.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::array::delayed::{Operations, delayed, open_operand};
use crate::format::{OpenOptions, Opened, Source};
use crate::volume::LayerId;

/// What is to be computed.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OpsArgs {
    /// Compute from the array, in steps separated by `|`: "subtract 100 | divide [1, 2] over c | log1p", "mean over t",
    /// "add @other.h5#name", "median_filter 3 over y, x", "dff percentile 10 window 101". May be repeated: one after
    /// the other.
    #[arg(long = "op", value_name = "EXPRESSION", allow_hyphen_values = true)]
    pub ops: Vec<String>,
}

impl OpsArgs {
    /// All of them as one expression.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn operations(&self) -> Result<Operations> {
        let mut operations = Operations::default();
        for text in &self.ops {
            let parsed: Operations = text.parse().context("--op")?;
            operations.steps.extend(parsed.steps);
        }
        Ok(operations)
    }

    /// The source that computes them over another.
    ///
    /// # Errors
    /// If they do not fit it, or an array that they name cannot be opened.
    pub fn over(&self, source: &Arc<dyn Source>, options: &OpenOptions) -> Result<Arc<dyn Source>> {
        let operations = self.operations()?;
        let open = |name: &str| open_operand(name, options);
        let location = || format!("{}: --op", source.info().location);
        delayed(Arc::clone(source), LayerId::next(), 0, &operations, &open).with_context(location)
    }

    /// What was opened, with all of them done: one array, in one resolution, which does not grow.
    ///
    /// # Errors
    /// As [`OpsArgs::over`].
    pub fn done(&self, opened: Opened, options: &OpenOptions) -> Result<Opened> {
        match self.ops.is_empty() {
            true => Ok(opened),
            false => Ok(Opened::of(self.over(&opened.source, options)?, None)),
        }
    }
}
