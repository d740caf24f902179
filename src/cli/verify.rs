//! `tectum verify`: reads every chunk of a recording and says what is damaged, by file and timepoint.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::OpenArgs;
use super::progress::Progress;
use crate::format::{Chunk, Filled, Opened, ReadError, ReadErrorKind, Source};
use crate::text;
use crate::volume::{Axis, Location, Problem, Region, Severity};

/// Exit code of a recording of which something is damaged.
const DAMAGED: u8 = 3;
/// Chunks read between two looks at the list of what is left: small enough that the bar moves.
const BATCH: usize = 256;

/// Arguments of `tectum verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Folder, file or URL of a recording.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Part of a recording that cannot be had.
#[derive(Clone, Debug, PartialEq)]
struct Damage {
    file: String,
    kind: ReadErrorKind,
    reason: String,
    /// Half-open range of timepoints; `None` where the recording has no axis of time.
    t: Option<[usize; 2]>,
    num_chunks: usize,
}

/// What reading all of it has shown.
struct Verified {
    num_chunks: usize,
    num_bytes: u64,
    damage: Vec<Damage>,
    /// What the headers of the pieces say.
    problems: Vec<Problem>,
    /// What the metadata claim and is not there.
    claim: Option<String>,
    seconds: f64,
}

/// Reads everything and prints what is damaged.
///
/// # Errors
/// When nothing of the recording can be viewed.
pub fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let opened = crate::format::open(&args.path, &args.open.options())?;
    let verified = verify(&*opened.source);
    if args.json {
        super::print(&format!("{}\n", serde_json::to_string_pretty(&as_json(&opened, &verified))?))?;
    } else {
        super::print(&as_text(&opened, &verified))?;
    }
    Ok(if verified.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) })
}

impl Verified {
    fn is_whole(&self) -> bool {
        self.damage.is_empty() && self.claim.is_none() && !self.problems.iter().any(is_damage)
    }
}

fn is_damage(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

fn verify(source: &dyn Source) -> Verified {
    let begin = Instant::now();
    source.inspect();
    let info = source.info();
    let whole = Region::whole(&info.shape);
    let progress = Progress::start();
    progress.expect(info.shape.num_voxels().unwrap_or(0));
    let axis_t = info.axes.iter().position(|axis| *axis == Some(Axis::T));
    let (mut num_chunks, mut num_bytes, mut damage) = (0, 0, Vec::new());
    for part in parts(&whole, axis_t) {
        let mut chunks = Vec::new();
        source.chunks(&part, &mut chunks);
        // A chunk that begins before this part has been read with that.
        chunks.retain(|chunk| axis_t.is_none_or(|axis| chunk.region.start()[axis] >= part.start()[axis]));
        for batch in chunks.chunks(BATCH) {
            let read = |chunk: &Chunk| {
                let outcome = read(source, chunk);
                progress.advance(chunk.region.shape().num_voxels().unwrap_or(0));
                outcome
            };
            let outcomes: Vec<_> = batch.par_iter().map(read).collect();
            for (chunk, outcome) in batch.iter().zip(outcomes) {
                num_chunks += 1;
                match outcome {
                    Ok(len) => num_bytes += len as u64,
                    Err(error) => note(&mut damage, &error, axis_t.map(|axis| range(&chunk.region, axis))),
                }
            }
        }
    }
    let problems = source.problems();
    let claim = claim(source);
    Verified { num_chunks, num_bytes, damage, problems, claim, seconds: begin.elapsed().as_secs_f64() }
}

/// The array in parts along time, so that no list of all its chunks is made.
fn parts(whole: &Region, axis_t: Option<usize>) -> Vec<Region> {
    const AT_ONCE: usize = 64;
    let Some(axis) = axis_t else { return vec![*whole] };
    let Range { start, end } = whole.start()[axis]..whole.stop()[axis];
    (start..end).step_by(AT_ONCE).map(|t| whole.with_axis(axis, t, (t + AT_ONCE).min(end))).collect()
}

/// Reads a chunk; its length, if all of it is there.
fn read(source: &dyn Source, chunk: &Chunk) -> Result<usize, ReadError> {
    let too_large = || {
        let message = "a chunk is too large to be read".to_owned();
        ReadError::new(ReadErrorKind::Unsupported, &source.info().location, message)
    };
    let len = chunk.region.shape().num_bytes(source.info().dtype).ok_or_else(too_large)?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| too_large())?;
    buffer.resize(len, 0);
    match source.read(chunk, &mut buffer)? {
        Filled::All => Ok(len),
        Filled::Except(_, error) => Err(error),
    }
}

fn range(region: &Region, axis: usize) -> [usize; 2] {
    [region.start()[axis], region.stop()[axis]]
}

/// Adds what could not be had to what is known; neighbours of one cause are one.
fn note(damage: &mut Vec<Damage>, error: &ReadError, t: Option<[usize; 2]>) {
    let file = error.file.to_string();
    let is_one = |known: &&mut Damage| {
        let touches = match (known.t, t) {
            (Some(known), Some(new)) => new[0] <= known[1] && known[0] <= new[1],
            _ => true,
        };
        known.file == file && known.kind == error.kind && *known.reason == *error.message && touches
    };
    match damage.iter_mut().rev().take(BATCH).find(is_one) {
        Some(known) => {
            known.num_chunks += 1;
            if let (Some(known), Some(new)) = (&mut known.t, t) {
                *known = [known[0].min(new[0]), known[1].max(new[1])];
            }
        }
        None => damage.push(Damage { file, kind: error.kind, reason: error.message.to_string(), t, num_chunks: 1 }),
    }
}

/// What the metadata claim beyond what there is.
fn claim(source: &dyn Source) -> Option<String> {
    let info = source.info();
    let claimed = info.claimed_shape.as_ref()?;
    let is_more = claimed.len() == info.shape.rank()
        && claimed.iter().zip(info.shape.dims()).any(|(claimed, there)| *claimed > *there as u64);
    let by = |shape: Vec<String>| shape.join(" × ");
    let claimed = by(claimed.iter().map(ToString::to_string).collect());
    let there = by(info.shape.dims().iter().map(ToString::to_string).collect());
    is_more.then(|| format!("the metadata claim {claimed}, there are {there}"))
}

fn kind_words(kind: ReadErrorKind) -> &'static str {
    match kind {
        ReadErrorKind::Missing => "missing",
        ReadErrorKind::Corrupt => "damaged",
        ReadErrorKind::Io => "unreadable",
        ReadErrorKind::Unsupported => "unsupported",
        ReadErrorKind::NotYetWritten => "being written",
    }
}

fn as_json(opened: &Opened, verified: &Verified) -> Value {
    let info = opened.source.info();
    let damage: Vec<Value> = verified
        .damage
        .iter()
        .map(|damage| {
            json!({
                "file": damage.file,
                "kind": kind_words(damage.kind),
                // First and last.
                "t": damage.t.map(|[start, stop]| [start, stop.saturating_sub(1)]),
                "chunks": damage.num_chunks,
                "reason": damage.reason,
            })
        })
        .collect();
    json!({
        "name": info.name,
        "path": info.location.to_string(),
        "shape": info.shape.dims(),
        "claimed_shape": info.claimed_shape,
        "whole": verified.is_whole(),
        "chunks": verified.num_chunks,
        "bytes": verified.num_bytes,
        "seconds": verified.seconds,
        "damage": damage,
        "problems": verified.problems,
    })
}

fn as_text(opened: &Opened, verified: &Verified) -> String {
    let info = opened.source.info();
    let mut text = format!("{}: ", info.location);
    let read = format!(
        "{} chunks read, {} in {}",
        verified.num_chunks,
        text::size(verified.num_bytes),
        text::duration_s(verified.seconds).replace(text::THIN_SPACE, " ")
    );
    text += &if verified.is_whole() { format!("whole ({read})\n") } else { format!("damaged ({read})\n") };
    for damage in &verified.damage {
        let t = damage.t.map_or(String::new(), |[start, stop]| match stop - start {
            0 | 1 => format!("t {start}: "),
            _ => format!("t {start}–{}: ", stop - 1),
        });
        text += &format!("{} {}: {t}{}\n", kind_words(damage.kind), damage.file, damage.reason);
    }
    for problem in verified.problems.iter().filter(|problem| is_damage(problem)) {
        let file = problem.file.as_ref().map(|file| format!("{file}: ")).unwrap_or_default();
        let span = problem.span.map(|span| format!(" ({span})")).unwrap_or_default();
        text += &format!("error {file}{}{span}\n", problem.message);
    }
    if let Some(claim) = &verified.claim {
        text += &format!("short {}: {claim}\n", info.location);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::MemorySource;
    use crate::volume::{DType, Shape};

    fn source() -> MemorySource {
        let shape = Shape::from([130, 2, 4, 4]);
        MemorySource::new(DType::U8, shape, "tzyx", &[3, 1, 4, 4], vec![1; 130 * 32]).unwrap()
    }

    #[test]
    fn every_chunk_is_read_once_and_what_is_damaged_is_told_in_ranges() {
        let whole = verify(&source());
        assert_eq!((whole.num_chunks, whole.num_bytes, whole.is_whole()), (88, 130 * 32, true));
        let gap = Region::new(&[100, 0, 0, 0], &[103, 2, 1, 1]).unwrap();
        // Both planes of t 60–65, one of 90–92.
        let damaged = verify(&source().with_failing(&[40, 41, 42, 43, 61]).with_missing(&[gap]));
        let told: Vec<_> = damaged.damage.iter().map(|damage| (damage.kind, damage.t, damage.num_chunks)).collect();
        let expected = [
            (ReadErrorKind::Corrupt, Some([60, 66]), 4),
            (ReadErrorKind::Corrupt, Some([90, 93]), 1),
            (ReadErrorKind::Missing, Some([99, 105]), 4),
        ];
        assert_eq!((told, damaged.is_whole(), damaged.num_chunks), (expected.to_vec(), false, 88));
    }

    #[test]
    fn what_is_claimed_and_not_there_is_damage() {
        let short = source().with_info(|info| info.claimed_shape = Some(vec![140, 2, 4, 4]));
        assert!(!verify(&short).is_whole());
        let cut = source().with_info(|info| info.claimed_shape = Some(vec![100, 2, 4, 4]));
        assert!(verify(&cut).is_whole());
    }
}
