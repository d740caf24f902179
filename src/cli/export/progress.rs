//! A progress bar, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far an export is.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar on stderr, if that is a terminal.
    pub fn start() -> Self {
        Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()))
    }

    /// No bar.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self(ProgressBar::hidden())
    }

    /// How many voxels there are to read.
    pub fn expect(&self, num_voxels: usize) {
        self.0.set_length(num_voxels as u64);
        // A template that does not parse leaves the default look.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed} of {duration}") {
            self.0.set_style(style);
        }
    }

    /// So many more have been read.
    pub fn advance(&self, num_voxels: usize) {
        self.0.inc(num_voxels as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
