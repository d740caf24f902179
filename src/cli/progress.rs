//! A progress bar, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far something long is.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar on stderr, if that is a terminal.
    pub fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // A template that does not parse leaves the default look.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed} of {duration}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// No bar.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self(ProgressBar::hidden())
    }

    /// How much there is to do, in voxels or timepoints.
    pub fn expect(&self, num: usize) {
        self.0.set_length(num as u64);
    }

    /// How many bytes there are to do: rate and time left are shown too.
    pub fn expect_bytes(&self, num: u64) {
        let template = "{bar:40} {percent:>3} %  {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
        self.0.set_position(0);
        self.0.set_length(num);
        self.0.reset_eta();
    }

    /// So much has been done.
    pub fn reach(&self, num: usize) {
        self.0.set_position(num as u64);
    }

    /// So much more has been done.
    pub fn advance(&self, num: usize) {
        self.0.inc(num as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
