//! What has been measured, as JSON and as a table.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::scrub::Show;
use crate::volume::{ArrayInfo, Picture};

/// A number of repetitions.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Times {
    /// The middle one, ms.
    pub median_ms: f64,
    /// 95 of 100 are faster, ms.
    pub p95_ms: f64,
    /// The slowest, ms.
    pub max_ms: f64,
    /// How many.
    pub num: usize,
}

impl Times {
    /// Of single times in ms.
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).or(times.last()).copied();
        Self {
            median_ms: at(0.5).unwrap_or_default(),
            p95_ms: at(0.95).unwrap_or_default(),
            max_ms: times.last().copied().unwrap_or_default(),
            num: times.len(),
        }
    }
}

/// One scrub.
#[derive(Clone, Debug, Serialize)]
pub struct Scrub {
    /// What was asked for, in which order.
    pub what: &'static str,
    /// From request to exact picture.
    #[serde(flatten)]
    pub times: Times,
    /// Decoded for the screen at each step, MB; what is read ahead is not in it.
    pub decoded_mb: f64,
}

/// Rates of decoded bytes, and what bounds them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Rates {
    /// All chunks of the recording: read, decoded, in pooled memory.
    pub recording_mb_per_s: f64,
    /// The codec alone over the same stored chunks, from memory; null for files that are not HDF5.
    pub codec_mb_per_s: Option<f64>,
    /// Copying memory.
    pub memcpy_mb_per_s: f64,
    /// Reading the stored bytes alone, of stored bytes.
    pub file_mb_per_s: Option<f64>,
    /// Stored bytes for each decoded byte.
    pub stored_share: Option<f64>,
    /// Threads of all of these.
    pub num_threads: usize,
}

/// One plane of a large chunk.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Partial {
    /// Only the plane decoded.
    pub plane: Times,
    /// The chunk decoded whole, through libhdf5.
    pub whole_chunk: Times,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    version: &'static str,
    path: String,
    shape: Vec<usize>,
    dtype: String,
    num_blocks: usize,
    /// Until the recording is open.
    open_ms: f64,
    /// Until its first exact image is in memory, opening included.
    first_image_ms: f64,
    scrub: Vec<Scrub>,
    /// Share of the pictures of an uncached scrub that had been read ahead.
    pub prefetch_hit_rate: Option<f64>,
    /// Single planes without a cache.
    pub plane_read: Times,
    /// Rates.
    pub rates: Rates,
    /// A plane of a chunk of 30 planes.
    pub partial: Partial,
    /// Planning and queueing 10,000 chunks.
    pub plan: Times,
    /// The most memory this run has had.
    pub peak_memory_mb: Option<f64>,
}

impl Report {
    /// Begins with what is known once the first image is there.
    pub fn new(info: &ArrayInfo, open_ms: f64, first_image_ms: f64) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            path: info.location.to_string(),
            shape: info.shape.dims().to_vec(),
            dtype: info.dtype.to_string(),
            num_blocks: info.num_blocks,
            open_ms,
            first_image_ms,
            scrub: Vec::new(),
            prefetch_hit_rate: None,
            plane_read: Times::default(),
            rates: Rates::default(),
            partial: Partial::default(),
            plan: Times::default(),
            peak_memory_mb: None,
        }
    }

    /// Measures one scrub.
    ///
    /// # Errors
    /// When a picture cannot be read.
    pub fn scrub(
        &mut self,
        what: &'static str,
        scrubber: &mut impl Show,
        pictures: impl Iterator<Item = Picture>,
    ) -> Result<()> {
        let before = scrubber.stats().visible_bytes;
        let times = pictures.map(|picture| scrubber.show(picture)).collect::<Result<Vec<_>>>()?;
        let num_bytes = scrubber.stats().visible_bytes - before;
        let decoded_mb = num_bytes as f64 / 1e6 / times.len().max(1) as f64;
        self.scrub.push(Scrub { what, times: Times::of(times), decoded_mb });
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<_> = self.shape.iter().map(ToString::to_string).collect();
        writeln!(f, "{}", self.path)?;
        writeln!(f, "{} {}, {} blocks", shape.join(" × "), self.dtype, self.num_blocks)?;
        writeln!(f)?;
        writeln!(f, "{:<40} {:>10.2} ms", "open", self.open_ms)?;
        writeln!(f, "{:<40} {:>10.2} ms", "open → first exact image", self.first_image_ms)?;
        writeln!(f)?;
        let heading = "request → exact image";
        writeln!(f, "{heading:<40} {:>13} {:>13} {:>13} {:>13}", "median", "p95", "slowest", "decoded")?;
        for scrub in &self.scrub {
            let Times { median_ms, p95_ms, max_ms, .. } = scrub.times;
            write!(f, "{:<40} {median_ms:>10.3} ms {p95_ms:>10.3} ms {max_ms:>10.3} ms", scrub.what)?;
            writeln!(f, " {:>10.2} MB", scrub.decoded_mb)?;
        }
        if let Some(rate) = self.prefetch_hit_rate {
            writeln!(f, "{:<40} {:>10.0} %", "read ahead before it was asked for", rate * 100.0)?;
        }
        writeln!(f)?;
        times(f, "one plane, no cache", &self.plane_read)?;
        times(f, "one plane of a 30-plane Blosc chunk", &self.partial.plane)?;
        times(f, "  the same through libhdf5", &self.partial.whole_chunk)?;
        times(f, "plan and submit 10,000 chunks", &self.plan)?;
        writeln!(f)?;
        let rates = &self.rates;
        writeln!(f, "rates on {} threads, MB/s of voxels", rates.num_threads)?;
        writeln!(f, "{:<40} {:>10.0}", "whole recording, read and decoded", rates.recording_mb_per_s)?;
        if let Some(codec) = rates.codec_mb_per_s {
            let share = 100.0 * rates.recording_mb_per_s / codec;
            writeln!(f, "{:<40} {codec:>10.0}   (reached: {share:.0} %)", "  limit: the codec alone, from memory")?;
        }
        if let (Some(file), Some(share)) = (rates.file_mb_per_s, rates.stored_share) {
            let label = "  limit: reading the files alone";
            writeln!(f, "{label:<40} {:>10.0}   ({file:.0} MB/s of stored bytes)", file / share)?;
        }
        writeln!(f, "{:<40} {:>10.0}", "  limit: copying memory", rates.memcpy_mb_per_s)?;
        if let Some(peak) = self.peak_memory_mb {
            writeln!(f)?;
            writeln!(f, "{:<40} {peak:>10.0} MB", "peak memory of this run")?;
        }
        Ok(())
    }
}

fn times(f: &mut fmt::Formatter<'_>, what: &str, times: &Times) -> fmt::Result {
    let Times { median_ms, p95_ms, max_ms, .. } = times;
    writeln!(f, "{what:<40} {median_ms:>10.3} ms {p95_ms:>10.3} ms {max_ms:>10.3} ms")
}
