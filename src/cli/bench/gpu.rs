//! The projections that the GPU makes, measured.

use std::sync::Arc;

use anyhow::Result;

use super::report::Report;
use super::scrub::Show;
use crate::app::GpuScrubber;
use crate::array::LazyArray;
use crate::render::GpuConfig;
use crate::stream::StreamStats;
use crate::volume::Picture;

impl Show for GpuScrubber {
    fn show(&mut self, picture: Picture) -> Result<f64> {
        self.show(picture)
    }

    fn stats(&self) -> StreamStats {
        self.stats()
    }
}

/// Shows these projections twice, so that the second time all is cached; nothing where the GPU projects none.
/// `projects` lets a software adapter project as hardware does.
///
/// # Errors
/// When the recording cannot be read.
pub fn measure(report: &mut Report, array: &Arc<LazyArray>, projections: &[Picture], projects: bool) -> Result<()> {
    let default = GpuConfig::default();
    let gpu = GpuConfig { projects: projects || default.projects, ..default };
    let Some(mut scrubber) = GpuScrubber::new(array, gpu) else { return Ok(()) };
    report.scrub("max over z by the GPU, jumps, uncached", &mut scrubber, projections.iter().copied())?;
    report.scrub("max over z by the GPU, jumps, cached", &mut scrubber, projections.iter().copied())
}
