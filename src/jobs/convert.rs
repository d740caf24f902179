//! A conversion by a plan: its pieces are those of the target (shards, block files), and what follows out of them, the
//! next resolutions of a pyramid, is made when all are there.

use anyhow::{Context, Result, bail};

use super::run::Pieces;
use super::tasks;
use super::validate::Validate;
use crate::format::{Cancel, OpenOptions};
use crate::volume::Shape;
use crate::write::{BUFFER_BYTES, Chunking, Kind, Plan, Records, Run, Start, Subject, Target, Watch, Written};

/// What a task needs beside its two buffers.
const BESIDE_BYTES: u64 = 300_000_000;

/// The source and the target of a conversion, open.
pub struct ConvertPieces {
    subject: Subject,
    target: Box<dyn Target>,
    buffer: Shape,
}

/// Tells the bytes that were dealt with.
struct Advance<'a>(&'a (dyn Fn(u64) + Sync));

impl Watch for Advance<'_> {
    fn advance(&self, num_bytes: u64) {
        (self.0)(num_bytes);
    }
}

impl ConvertPieces {
    /// Opens both sides of a plan.
    ///
    /// # Errors
    /// If one cannot be opened, or the source has changed.
    pub fn open(plan: &Plan, standing: &OpenOptions) -> Result<Self> {
        let (subject, target) = plan.open(standing)?;
        let buffer = Shape::new(&plan.buffer).context("the plan's buffers have too many axes")?;
        Ok(Self { subject, target, buffer })
    }

    /// The most memory that a task takes: two buffers, and what goes along.
    pub fn memory_bytes(&self) -> u64 {
        let shape = self.subject.source.info().shape;
        let item = self.subject.source.info().dtype.num_bytes() as u64;
        let dims = self.buffer.dims().iter().zip(shape.dims()).map(|(a, b)| (*a).min(*b) as u64);
        dims.fold(item, u64::saturating_mul).saturating_mul(2).saturating_add(BESIDE_BYTES)
    }
}

impl Pieces for ConvertPieces {
    fn write(
        &self,
        pieces: &[u64],
        done: &(dyn Fn(u64, &Written) -> Result<()> + Sync),
        advance: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        let (source, target, buffer) = (&*self.subject.source, &*self.target, self.buffer);
        // A piece of a task is written anew: another process may be at the same one.
        let run = Run { source, target, buffer, pieces, is_resumed: false, cancel: &Cancel::default() };
        run.run(done, &Advance(advance))
    }
}

/// Cuts a conversion into tasks.
///
/// # Errors
/// Where the target is one file and more than one task is asked for.
pub fn convert_tasks(plan: &Plan, num_tasks: u64) -> Result<Vec<[u64; 2]>> {
    if num_tasks > 1 && plan.num_pieces <= 1 {
        let location = &plan.target.location;
        match plan.target.kind {
            Kind::Zarr | Kind::Split => bail!(
                "{location}: is a single piece, which one task writes; smaller shards or blocks make more \
                 (--shard-shape, --block)"
            ),
            _ => bail!(
                "{location}: one file is never the target of more than one task: its writers would destroy what the \
                 others write; take --tasks 1, or convert to .zarr or to a split dataset"
            ),
        }
    }
    Ok(tasks::cut(plan.num_pieces, num_tasks))
}

/// Writes all that does not depend on pieces: folders and metadata.
///
/// # Errors
/// If other work lies there, or it cannot be written. Says what the format has no place for.
pub fn prepare_convert(plan: &Plan, standing: &OpenOptions) -> Result<Vec<String>> {
    let (place, (_, target)) = (plan.target.place()?, plan.open(standing)?);
    let is_own = std::fs::read_to_string(place.plan()).is_ok_and(|text| plan.to_json().is_ok_and(|own| own == text));
    let held = place.begin(&plan.to_json()?, if is_own { Start::Resumed } else { Start::New })?;
    target.prepare()?;
    drop(held);
    Ok(target.not_carried())
}

/// Makes the whole of pieces that are all there: what follows out of them, then a look at what was written, then its
/// final name.
///
/// # Errors
/// If a piece is missing, something cannot be written, or what was written is not what was read.
pub fn finish_convert(plan: &Plan, standing: &OpenOptions, validate: Validate, watch: &dyn Watch) -> Result<()> {
    let place = plan.target.place()?;
    let (subject, target) = plan.open(standing)?;
    let held = place.begin(&plan.to_json()?, Start::Resumed)?;
    let (hash, cancel) = (plan.hash()?, Cancel::default());
    let written_from = subject.source.clone();
    let buffer = Shape::new(&plan.buffer).context("the plan's buffers have too many axes")?;
    let mut stage = (subject.source, target, buffer);
    for number in 0.. {
        let (source, target, buffer) = stage;
        let records = Records::of_stage(&place.records(), number, &hash);
        let pieces = records.missing(target.pieces().num_cells());
        if number == 0 && !pieces.is_empty() {
            bail!("{} pieces are missing", pieces.len());
        }
        let done = |piece: u64, written: &Written| records.put(piece, written);
        let run =
            Run { source: &*source, target: &*target, buffer, pieces: &pieces, is_resumed: true, cancel: &cancel };
        run.run(&done, watch)?;
        let Some(next) = target.next()? else {
            validate.compare(&written_from, &place.data(), standing)?;
            target.finish()?;
            break;
        };
        let buffer = Chunking::buffer(&*next.source, next.target.chunks(), next.target.pieces(), BUFFER_BYTES);
        stage = (next.source, next.target, buffer);
    }
    drop(held);
    Ok(())
}
