//! `tectum bench`: how fast a recording opens, scrubs, projects and decodes here, beside what the same
//! machine could do at best in the same run.

#[cfg(feature = "window")]
mod gpu;
mod limits;
mod report;
mod scrub;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};

use super::OpenArgs;
use crate::array::LazyArray;
use crate::format;
use crate::volume::{Location, Orientation, Picture, Projection};
use report::Report;
use scrub::{Scrubber, Show};

/// Arguments of `tectum bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// Recording to measure on.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Stop once the first image is there.
    #[arg(long, hide = true)]
    pub first_image_only: bool,
}

/// Most steps of one scrub.
const MAX_STEPS: usize = 120;

/// Measures and prints.
///
/// # Errors
/// When the recording can not be opened or read.
pub fn run(args: &BenchArgs) -> Result<()> {
    let report = measure(args, false)?;
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    super::print(&text)
}

/// `projects` lets a software adapter project as hardware does.
#[cfg_attr(not(feature = "window"), expect(unused_variables, reason = "nothing is drawn"))]
fn measure(args: &BenchArgs, projects: bool) -> Result<Report> {
    let start = Instant::now();
    let opened = format::open(&args.path, &args.open.options())?;
    let open_ms = ms_since(start);
    let array = Arc::new(LazyArray::new(opened.source));
    let info = *array.info();
    let [num_t, num_z, ..] = info.shape;
    if info.shape.contains(&0) {
        bail!("{}: holds no voxels", args.path);
    }
    let plane = |t: usize, z: usize| Picture::Plane { t, orientation: Orientation::Xy, index: z };
    let projection =
        |t: usize| Picture::Projection { t, orientation: Orientation::Xy, slab: [0, num_z], op: Projection::Max };
    let middle = num_z / 2;
    let mut scrubber = Scrubber::new(&array);
    scrubber.show(plane(0, middle))?;
    let first_image_ms = ms_since(start);

    let mut report = Report::new(array.source().info(), open_ms, first_image_ms);
    if args.first_image_only {
        return Ok(report);
    }
    drop(scrubber);

    let all_t: Vec<_> = (0..num_t.min(MAX_STEPS)).map(|i| i * num_t / num_t.min(MAX_STEPS)).collect();
    let jumps = shuffled(&all_t);
    let all_z: Vec<_> = (0..num_z.min(MAX_STEPS)).collect();

    // A fresh stream has nothing in memory. Jumps defeat reading ahead; steps in order are a drag of the
    // slider as fast as pictures come.
    report.scrub("plane, jumps of t, uncached", &mut Scrubber::new(&array), jumps.iter().map(|&t| plane(t, middle)))?;
    let mut scrubber = Scrubber::new(&array);
    report.scrub("plane, steps of t, uncached", &mut scrubber, all_t.iter().map(|&t| plane(t, middle)))?;
    report.prefetch_hit_rate = Some(scrubber.hit_rate());
    report.scrub("plane, steps of t, cached", &mut scrubber, all_t.iter().map(|&t| plane(t, middle)))?;
    let mut scrubber = Scrubber::new(&array);
    report.scrub("plane, steps of z, uncached", &mut scrubber, all_z.iter().map(|&z| plane(num_t / 2, z)))?;
    report.scrub("plane, steps of z, cached", &mut scrubber, all_z.iter().map(|&z| plane(num_t / 2, z)))?;
    let few: Vec<_> = jumps.iter().copied().take(40).collect();
    report.scrub("max over z, jumps of t, uncached", &mut Scrubber::new(&array), few.iter().map(|&t| projection(t)))?;
    let mut scrubber = Scrubber::new(&array);
    report.scrub("max over z, steps of t, uncached", &mut scrubber, all_t.iter().map(|&t| projection(t)))?;
    report.scrub("max over z, steps of t, cached", &mut scrubber, all_t.iter().map(|&t| projection(t)))?;
    drop(scrubber);
    #[cfg(feature = "window")]
    gpu::measure(&mut report, &array, &few.iter().map(|&t| projection(t)).collect::<Vec<_>>(), projects)?;

    report.plane_read = limits::plane_reads(&array, &jumps, middle)?;
    report.rates = limits::rates(&array)?;
    report.partial = limits::partial_decode()?;
    report.plan = scrub::plan_and_submit()?;
    report.peak_memory_mb = peak_memory_mb();
    Ok(report)
}

fn ms_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The same values in an order that no prefetch foresees, the same at each run.
fn shuffled(values: &[usize]) -> Vec<usize> {
    let mut values = values.to_vec();
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    for i in (1..values.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        values.swap(i, (state >> 33) as usize % (i + 1));
    }
    values
}

/// The most memory this process has had, MB; where the system tells.
fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::demo::{self, Recipe};

    #[test]
    fn a_small_recording_is_measured_in_every_way() {
        let dir = tempfile::tempdir().unwrap();
        let recipe = Recipe { shape: [6, 4, 64, 64], block_len: 4, ..Recipe::default() };
        let folder = demo::write(dir.path(), &recipe, |_, _| true).unwrap();
        let args = BenchArgs { path: folder.into(), open: OpenArgs::default(), json: true, first_image_only: false };
        let report = measure(&args, true).unwrap();
        let json = serde_json::to_value(&report).unwrap();
        for row in json["scrub"].as_array().unwrap() {
            assert!(row["median_ms"].as_f64().unwrap() > 0.0, "{row}");
        }
        let rows = json["scrub"].as_array().unwrap();
        // A plane step decodes a plane, a projection its volume, and what is cached nothing.
        let decoded = |i: usize| (rows[i]["decoded_mb"].as_f64().unwrap() * 1e6).round() as usize;
        let array = LazyArray::new(format::open(&args.path, &args.open.options()).unwrap().source);
        let chunk_bytes = array.chunk_at([0, 2, 0, 0]).unwrap().region.shape().num_bytes(array.info().dtype).unwrap();
        assert!(decoded(0) <= chunk_bytes && decoded(3) <= chunk_bytes, "{rows:?}");
        assert_eq!((decoded(2), decoded(4), decoded(7)), (0, 0, 0));
        match rows.len() {
            8 => eprintln!("skipped: there is no graphics adapter here, or no window in this build"),
            10 => assert!(decoded(8) <= 4 * 64 * 64 * 2 && decoded(9) == 0, "{rows:?}"),
            num => panic!("{num} rows"),
        }
        assert!(json["rates"]["recording_mb_per_s"].as_f64().unwrap() > 0.0);
        assert!(json["rates"]["codec_mb_per_s"].as_f64().unwrap() > 0.0);
        assert!(json["plan"]["median_ms"].as_f64().unwrap() > 0.0);
        let table = report.to_string();
        assert!(table.contains("first exact image") && table.contains("peak memory"), "{table}");
    }
}
