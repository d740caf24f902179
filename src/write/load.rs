//! Reading a box of a source into one buffer, on all cores, every chunk once.

use anyhow::{Result, anyhow};
use parking_lot::Mutex;
use rayon::prelude::*;

use crate::format::{Cancel, Chunk, Filled, Patience, ReadError, ReadErrorKind, Source, fetch};
use crate::volume::{Pool, Region, copy_region};

/// Why an array is not written: something of it is not to be had.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    /// What, where, and what to do.
    text: String,
    /// Why.
    pub error: ReadError,
}

/// How many chunks are fetched at once from afar.
const FETCHES: usize = 32;

/// Most bytes of chunks that are decoded beside the buffer, because they do not lie in it as they are.
const MAX_BESIDE_BYTES: usize = 96 << 20;

/// Reads `region` into `buffer`, in C order. What is missing is refused.
///
/// # Errors
/// Names the first missing or unreadable part; or if it was cancelled.
pub fn load(source: &dyn Source, region: &Region, buffer: &mut [u8], pool: &Pool, cancel: &Cancel) -> Result<()> {
    let item = source.info().dtype.num_bytes();
    let mut chunks = Vec::new();
    source.chunks(region, &mut chunks);
    if is_afar(source) {
        return load_from_afar(source, region, buffer, pool, cancel, &chunks);
    }
    let (direct, beside) = sorted_out(&chunks, region, item);
    let mut rest = &mut *buffer;
    let mut at = 0;
    let mut parts = Vec::with_capacity(direct.len());
    for (chunk, start, len) in direct {
        let (part, behind) = std::mem::take(&mut rest).split_at_mut(start - at).1.split_at_mut(len);
        parts.push((chunk, part));
        (rest, at) = (behind, start + len);
    }
    parts.into_par_iter().try_for_each(|(chunk, part)| read(source, &chunk, region, part, cancel))?;
    let largest = beside.iter().filter_map(|chunk| num_bytes(chunk, item)).max().unwrap_or(0);
    let at_once = (MAX_BESIDE_BYTES / largest.max(1)).clamp(1, 64 * rayon::current_num_threads());
    for chunks in beside.chunks(at_once) {
        let read = |chunk: &Chunk| -> Result<_> {
            let len = num_bytes(chunk, item).ok_or_else(|| too_large(source, chunk))?;
            let mut bytes = pool.take(len);
            read(source, chunk, region, bytes.bytes_mut(), cancel)?;
            Ok((chunk.region, bytes))
        };
        let read: Vec<_> = chunks.par_iter().map(read).collect::<Result<_>>()?;
        // Rows of the slowest axis are apart in the buffer, so that all cores copy.
        let axis = (0..region.rank()).find(|&axis| region.shape().dims()[axis] > 1).unwrap_or(0);
        let first = region.start().get(axis).copied().unwrap_or(0);
        let num_rows = region.shape().dims().get(axis).copied().unwrap_or(1).max(1);
        let row_bytes = (buffer.len() / num_rows).max(1);
        buffer.par_chunks_mut(row_bytes).enumerate().for_each(|(row, bytes)| {
            let row = region.with_axis(axis, first + row, first + row + 1);
            for (chunk, voxels) in &read {
                copy_region(voxels.bytes(), chunk, bytes, &row, item);
            }
        });
    }
    Ok(())
}

/// Whether reading mostly waits: it lies afar, or is computed from what does.
fn is_afar(source: &dyn Source) -> bool {
    let inputs = source.composite().map_or(&[][..], |composite| composite.inputs());
    source.fetching().is_some() || inputs.iter().any(|input| is_afar(&*input.source))
}

/// The chunks that lie in the buffer as they are, by where they begin there, and the others.
fn sorted_out(chunks: &[Chunk], region: &Region, item: usize) -> (Vec<(Chunk, usize, usize)>, Vec<Chunk>) {
    let (mut direct, mut beside) = (Vec::new(), Vec::new());
    for chunk in chunks {
        match (run_offset(&chunk.region, region), num_bytes(chunk, item)) {
            (Some(offset), Some(len)) => direct.push((*chunk, offset * item, len)),
            _ => beside.push(*chunk),
        }
    }
    direct.sort_unstable_by_key(|(_, start, _)| *start);
    (direct, beside)
}

/// Where a box begins in an array, in voxels, if it lies there as one run.
pub fn run_offset(region: &Region, held: &Region) -> Option<usize> {
    let (shape, place) = (held.shape(), region.relative_to(held.start()));
    let is_inside = region.intersect(held) == Some(*region);
    shape.offset(place.start()).filter(|_| is_inside && is_one_run(&place, shape.dims()))
}

/// Whether the voxels of a box follow one another in an array.
fn is_one_run(part: &Region, dims: &[usize]) -> bool {
    let part = part.shape();
    let whole = (0..dims.len()).rev().take_while(|&axis| part.dims()[axis] == dims[axis]).count();
    // The axes before the first that is cut have one index each.
    part.dims().iter().rev().skip(whole + 1).all(|&dim| dim == 1)
}

fn num_bytes(chunk: &Chunk, item: usize) -> Option<usize> {
    chunk.region.shape().num_voxels()?.checked_mul(item)
}

/// Reads one chunk, all of which that lies in `wanted` must be there.
fn read(source: &dyn Source, chunk: &Chunk, wanted: &Region, bytes: &mut [u8], cancel: &Cancel) -> Result<()> {
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    check(source, chunk, wanted, source.read(chunk, bytes))
}

/// Refuses what is missing of what was wanted.
fn check(source: &dyn Source, chunk: &Chunk, wanted: &Region, filled: Result<Filled, ReadError>) -> Result<()> {
    match filled {
        Ok(Filled::All) => Ok(()),
        Ok(Filled::Except(parts, error)) => match parts.iter().find_map(|part| part.intersect(wanted)) {
            Some(part) => Err(refusal(source, &part, &error)),
            None => Ok(()),
        },
        Err(error) => Err(refusal(source, &chunk.region.intersect(wanted).unwrap_or(chunk.region), &error)),
    }
}

/// Fetches many at once, and decodes each as it comes.
fn load_from_afar(
    source: &dyn Source,
    region: &Region,
    buffer: &mut [u8],
    pool: &Pool,
    cancel: &Cancel,
    chunks: &[Chunk],
) -> Result<()> {
    let item = source.info().dtype.num_bytes();
    let (next, buffer) = (Mutex::new(chunks.iter()), Mutex::new(buffer));
    let failed = Mutex::new(None);
    let work = || -> Result<()> {
        while failed.lock().is_none() {
            let Some(chunk) = next.lock().next() else { break };
            let mut bytes = pool.take(num_bytes(chunk, item).ok_or_else(|| too_large(source, chunk))?);
            match source.fetching() {
                Some(afar) => {
                    let fetched = fetch(afar, chunk, &Patience::WORK, cancel).ok_or_else(cancelled)?;
                    let fetched = fetched.map_err(|error| refusal(source, &chunk.region, &error))?;
                    check(source, chunk, region, afar.decode(chunk, &fetched, bytes.bytes_mut()))?;
                }
                None => read(source, chunk, region, bytes.bytes_mut(), cancel)?,
            }
            copy_region(bytes.bytes(), &chunk.region, &mut buffer.lock(), region, item);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..FETCHES.min(chunks.len()) {
            scope.spawn(|| {
                if let Err(error) = work() {
                    failed.lock().get_or_insert(error);
                }
            });
        }
    });
    failed.into_inner().map_or(Ok(()), Err)
}

/// It was cancelled.
pub fn cancelled() -> anyhow::Error {
    anyhow!("interrupted")
}

fn too_large(source: &dyn Source, chunk: &Chunk) -> anyhow::Error {
    anyhow!("{}: a piece of {} voxels is too large to be read", source.info().location, chunk.region.shape())
}

/// A refusal of missing data in words: what, where, and what to do.
fn refusal(source: &dyn Source, region: &Region, error: &ReadError) -> anyhow::Error {
    let info = source.info();
    let mut ranges = Vec::new();
    for axis in 0..region.rank() {
        let (start, stop) = (region.start()[axis], region.stop()[axis]);
        if axis == 0 || (start, stop) != (0, info.shape.dims()[axis]) {
            let name = info.axes.get(axis).copied().flatten().map_or(format!("axis {axis}"), |axis| axis.to_string());
            ranges.push(format!("{name} {start}:{stop}"));
        }
    }
    let (file, ranges, reason) = (&error.file, ranges.join(", "), &error.message);
    let (state, remedy) = match error.kind {
        ReadErrorKind::Missing => {
            ("is missing", "leave it out with --select, or say with --fill VALUE what stands for it")
        }
        ReadErrorKind::NotYetWritten => ("is being written", "try again later, or leave it out with --select"),
        ReadErrorKind::Corrupt => {
            ("is damaged", "leave it out with --select, or say with --fill VALUE what stands for it")
        }
        ReadErrorKind::Io | ReadErrorKind::Unsupported => ("cannot be read", "leave it out with --select"),
    };
    let text = format!("{file}: {ranges} {state}: {reason}; {remedy}");
    Refused { text, error: error.clone() }.into()
}
