//! From a source to a target: buffers are read, their chunks encoded, and these written, all at once and each on all
//! cores, in the same order in every run.
//!
//! A reader fills one buffer while the chunks of the one before it are encoded and those before these are written: two
//! buffers and some encoded chunks are all that is in memory, however large the array. Nothing waits under a lock of
//! another.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::load::{cancelled, load};
use super::plan::{BUFFER_BYTES, Plan};
use super::steps::{Part, Step, Steps};
use super::{Chunking, PieceWriter, Records, Stage, Start, Target, Written};
use crate::format::{Cancel, OpenOptions, Source};
use crate::volume::{Buffer, Pool, Region, Shape, copy_region};

/// Bytes of voxels that are encoded before they are handed on.
const BATCH_BYTES: usize = 16 << 20;
/// Batches of encoded chunks that wait to be written.
const WAITING_BATCHES: usize = 2;
/// Pieces that are brought to disk at once, which mostly is waiting.
const FINISHING: usize = 4;

/// Is told how far a conversion is. Called from several threads.
pub trait Watch: Sync {
    /// So many bytes of voxels in all are to be written.
    fn expect(&self, _num_bytes: u64) {}

    /// So many more are, or had been by a former run.
    fn advance(&self, _num_bytes: u64) {}

    /// A piece of a stage is whole.
    fn finished(&self, _stage: usize, _piece: u64, _written: &Written) {}
}

/// Nobody watches.
impl Watch for () {}

/// Some pieces of a target that are to be written.
pub struct Run<'a> {
    /// What is written.
    pub source: &'a dyn Source,
    /// Where to.
    pub target: &'a dyn Target,
    /// Extent of the buffers.
    pub buffer: Shape,
    /// Which pieces, ascending.
    pub pieces: &'a [u64],
    /// Whether a former run may have written parts of them.
    pub is_resumed: bool,
    /// Ends it.
    pub cancel: &'a Cancel,
}

/// Follows a plan from the beginning to the end in this process. May take hours.
///
/// # Errors
/// If either side cannot be opened, read or written, something is missing, or it was cancelled. Nothing has the final
/// name then; [`Start::Resumed`] goes on.
pub fn convert(
    plan: &Plan,
    start: Start,
    standing: &OpenOptions,
    watch: &dyn Watch,
    cancel: &Cancel,
) -> Result<Vec<String>> {
    let place = plan.target.place()?;
    let (subject, target) = plan.open(standing)?;
    let _held = place.begin(&plan.to_json()?, start)?;
    let is_resumed = start == Start::Resumed;
    target.prepare()?;
    let not_carried = target.not_carried();
    let buffer = Shape::new(&plan.buffer).context("the plan's buffers have too many axes")?;
    let hash = plan.hash()?;
    watch.expect(num_bytes_of_all(&*subject.source, &*target)?);
    let from = std::sync::Arc::clone(&subject.source);
    let mut stage = (subject.source, target, buffer);
    for number in 0.. {
        let (source, target, buffer) = stage;
        let records = Records::of_stage(&place.records(), number, &hash);
        let done = |piece: u64, written: &Written| {
            records.put(piece, written)?;
            watch.finished(number, piece, written);
            Ok(())
        };
        let pieces = records.missing(target.pieces().num_cells());
        let run = Run { source: &*source, target: &*target, buffer, pieces: &pieces, is_resumed, cancel };
        watch.advance(run.num_bytes_before());
        run.run(&done, watch)?;
        let Some(next) = target.next()? else {
            plan.refuse_changed(&*from)?;
            target.finish()?;
            break;
        };
        let buffer = Chunking::buffer(&*next.source, next.target.chunks(), next.target.pieces(), BUFFER_BYTES);
        stage = (next.source, next.target, buffer);
    }
    Ok(not_carried)
}

/// Bytes of voxels in a target and in what is made of it, for [`Watch::expect`].
///
/// # Errors
/// If the target was not prepared.
pub fn num_bytes_of_all(source: &dyn Source, target: &dyn Target) -> Result<u64> {
    let mut all = num_bytes(target.chunks().shape(), source.info().dtype.num_bytes());
    let mut next = target.next()?;
    while let Some(Stage { source, target }) = next {
        all = all.saturating_add(num_bytes(target.chunks().shape(), source.info().dtype.num_bytes()));
        next = target.next()?;
    }
    Ok(all)
}

/// Bytes of so many voxels.
fn num_bytes(shape: &Shape, item: usize) -> u64 {
    shape.dims().iter().fold(item as u64, |n, &dim| n.saturating_mul(dim as u64))
}

/// Encoded chunks of a piece, in order.
struct Batch {
    piece: u64,
    writer: Option<Box<dyn PieceWriter>>,
    chunks: Vec<(Region, Option<Vec<u8>>)>,
    num_bytes: u64,
    is_first: bool,
    is_last: bool,
}

/// The first failure of any thread, which ends the others.
#[derive(Default)]
struct Failure {
    happened: AtomicBool,
    error: Mutex<Option<anyhow::Error>>,
}

impl Failure {
    fn note(&self, result: Result<()>) {
        if let Err(error) = result {
            self.error.lock().get_or_insert(error);
            self.happened.store(true, Ordering::Relaxed);
        }
    }
}

impl Run<'_> {
    /// Bytes of voxels in pieces that are not among these.
    fn num_bytes_before(&self) -> u64 {
        let item = self.source.info().dtype.num_bytes();
        let of = |piece: &u64| self.target.piece_region(*piece).map_or(0, |cell| num_bytes(&cell.shape(), item));
        let to_do: u64 = self.pieces.iter().map(of).sum();
        num_bytes(self.target.chunks().shape(), item).saturating_sub(to_do)
    }

    /// Writes the pieces; `done` is told of each that is whole.
    ///
    /// # Errors
    /// The first of any: of the source, the target, `done`, or that it was cancelled.
    pub fn run(&self, done: &(dyn Fn(u64, &Written) -> Result<()> + Sync), watch: &dyn Watch) -> Result<()> {
        let failure = Failure::default();
        let pool = Pool::new(64 << 20);
        std::thread::scope(|scope| {
            let (filled, to_encode) = sync_channel::<(Step, Buffer)>(0);
            let (emptied, buffers) = sync_channel::<Buffer>(2);
            let (encoded, to_write) = sync_channel::<Batch>(WAITING_BATCHES);
            scope.spawn(|| failure.note(self.read(filled, buffers, &pool, &failure)));
            scope.spawn(|| failure.note(self.write(to_write, done, watch, &failure)));
            failure.note(self.encode(to_encode, emptied, encoded));
        });
        failure.error.into_inner().map_or(Ok(()), Err)
    }

    /// Fills buffers, one after the other. Two of them go round.
    fn read(
        &self,
        filled: SyncSender<(Step, Buffer)>,
        emptied: Receiver<Buffer>,
        pool: &Pool,
        failure: &Failure,
    ) -> Result<()> {
        let item = self.source.info().dtype.num_bytes();
        let largest = self.buffer.dims().iter().zip(self.target.chunks().shape().dims()).map(|(a, b)| a.min(b));
        let largest = largest.fold(item, |n, &dim| n.saturating_mul(dim));
        let mut steps = Steps::new(self)?;
        let mut num_buffers = 0;
        while let Some(step) = steps.next()? {
            let mut buffer = if num_buffers < 2 {
                num_buffers += 1;
                empty_buffer(largest)?
            } else {
                let Ok(buffer) = emptied.recv() else { break };
                buffer
            };
            if failure.happened.load(Ordering::Relaxed) {
                break;
            }
            let num_bytes = voxels_in(&step.region) as usize * item;
            // Pieces may reach beyond their cells.
            if num_bytes > buffer.len() {
                buffer = empty_buffer(num_bytes)?;
            }
            load(self.source, &step.region, &mut buffer.bytes_mut()[..num_bytes], pool, self.cancel)?;
            if filled.send((step, buffer)).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Encodes the chunks of buffers, in batches.
    fn encode(
        &self,
        filled: Receiver<(Step, Buffer)>,
        emptied: SyncSender<Buffer>,
        encoded: SyncSender<Batch>,
    ) -> Result<()> {
        let item = self.source.info().dtype.num_bytes();
        let chunk_bytes = self.target.chunks().cell().num_voxels().unwrap_or(usize::MAX).saturating_mul(item);
        let at_once = (BATCH_BYTES / chunk_bytes.max(1)).max(rayon::current_num_threads());
        while let Ok((step, buffer)) = filled.recv() {
            for part in step.parts {
                let Part { piece, chunks, mut writer, is_first, is_last } = part;
                let num_batches = chunks.len().div_ceil(at_once).max(1);
                for number in 0..num_batches {
                    if self.cancel.is_cancelled() {
                        return Err(cancelled());
                    }
                    let regions = chunks.chunks(at_once).nth(number).unwrap_or_default();
                    let encode = |region: &Region| -> Result<_> {
                        let coded = self.encode_one(region, &step.region, buffer.bytes(), item)?;
                        Ok((*region, coded))
                    };
                    let encoded_chunks: Vec<_> = regions.par_iter().map(encode).collect::<Result<_>>()?;
                    let batch = Batch {
                        piece,
                        writer: writer.take(),
                        chunks: encoded_chunks,
                        num_bytes: regions.iter().map(|region| voxels_in(region) * item as u64).sum(),
                        is_first: is_first && number == 0,
                        is_last: is_last && number + 1 == num_batches,
                    };
                    if encoded.send(batch).is_err() {
                        return Ok(());
                    }
                }
            }
            // Nobody takes it once all buffers are filled.
            let _ = emptied.send(buffer);
        }
        Ok(())
    }

    /// One chunk, out of the buffer that holds it.
    fn encode_one(&self, region: &Region, held: &Region, buffer: &[u8], item: usize) -> Result<Option<Vec<u8>>> {
        thread_local! {
            static VOXELS: std::cell::Cell<Vec<u8>> = const { std::cell::Cell::new(Vec::new()) };
        }
        let num_bytes = usize::try_from(voxels_in(region)).ok().and_then(|n| n.checked_mul(item));
        let num_bytes = num_bytes.context("a chunk of the target is too large")?;
        if let Some(offset) = super::load::run_offset(region, held) {
            return self.target.encode(region, &buffer[offset * item..][..num_bytes]);
        }
        // Taken, not borrowed: the encoder may come here again.
        let mut voxels = VOXELS.take();
        if voxels.len() < num_bytes {
            voxels.resize(num_bytes, 0);
        }
        copy_region(buffer, held, &mut voxels[..num_bytes], region, item);
        let encoded = self.target.encode(region, &voxels[..num_bytes]);
        VOXELS.set(voxels);
        encoded
    }

    /// Writes encoded chunks in their order; whole pieces are brought to disk beside that.
    fn write(
        &self,
        encoded: Receiver<Batch>,
        done: &(dyn Fn(u64, &Written) -> Result<()> + Sync),
        watch: &dyn Watch,
        failure: &Failure,
    ) -> Result<()> {
        std::thread::scope(|scope| {
            let mut writer = None;
            let mut finishing = VecDeque::new();
            while let Ok(batch) = encoded.recv() {
                if failure.happened.load(Ordering::Relaxed) {
                    break;
                }
                if batch.is_first {
                    // What is smaller than a buffer is written anew: that is sooner done than looking what is there.
                    writer = Some(batch.writer.map_or_else(|| self.target.begin(batch.piece, false), Ok)?);
                }
                let Some(open) = &mut writer else { continue };
                for (region, encoded) in batch.chunks {
                    open.put(&region, encoded)?;
                }
                watch.advance(batch.num_bytes);
                let Some(whole) = writer.take_if(|_| batch.is_last) else { continue };
                let piece = batch.piece;
                finishing.push_back(scope.spawn(move || done(piece, &whole.finish()?)));
                if finishing.len() >= FINISHING
                    && let Some(first) = finishing.pop_front()
                {
                    joined(first)?;
                }
            }
            finishing.into_iter().try_for_each(joined)
        })
    }
}

fn joined(thread: std::thread::ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Memory for a buffer, refused by name where there is none.
fn empty_buffer(num_bytes: usize) -> Result<Buffer> {
    let mut probe: Vec<u64> = Vec::new();
    probe.try_reserve_exact(num_bytes.div_ceil(8)).context("a buffer of the plan is larger than memory")?;
    drop(probe);
    Ok(Buffer::unpooled(num_bytes))
}

fn voxels_in(region: &Region) -> u64 {
    num_bytes(&region.shape(), 1)
}
