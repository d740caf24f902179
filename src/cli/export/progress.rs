//! A progress bar on a terminal, and Ctrl-C that ends an export in good order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::gather::GatherError;

/// How far an export is, and whether it is still wanted.
pub struct Progress {
    bar: ProgressBar,
    is_interrupted: Arc<AtomicBool>,
}

impl Progress {
    /// From here on Ctrl-C no longer ends the program at once.
    ///
    /// # Errors
    /// If the system does not let the program handle it.
    pub fn start() -> Result<Self> {
        let is_interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_interrupted);
        ctrlc::set_handler(move || {
            // Somebody who asks twice is not made to wait for a slow disk. No partial file has the final name.
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        })
        .context("cannot handle Ctrl-C")?;
        Ok(Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()), is_interrupted })
    }

    /// No bar, and nothing that interrupts.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self { bar: ProgressBar::hidden(), is_interrupted: Arc::default() }
    }

    /// As if Ctrl-C had been pressed already.
    #[cfg(test)]
    pub fn interrupted() -> Self {
        Self { bar: ProgressBar::hidden(), is_interrupted: Arc::new(AtomicBool::new(true)) }
    }

    /// How many voxels there are to read.
    pub fn expect(&self, num_voxels: usize) {
        self.bar.set_length(num_voxels as u64);
        // A template that does not parse leaves the default look.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed} of {duration}") {
            self.bar.set_style(style);
        }
    }

    /// So many more have been read.
    pub fn advance(&self, num_voxels: usize) {
        self.bar.inc(num_voxels as u64);
    }

    /// Whether to go on.
    pub fn check(&self) -> Result<(), GatherError> {
        match self.is_interrupted.load(Ordering::Relaxed) {
            true => Err(GatherError::Other(anyhow!("interrupted; nothing was written"))),
            false => Ok(()),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
