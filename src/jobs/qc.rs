//! Measuring quality by a plan: each piece is a range of timepoints of a channel, measured against references that the
//! plan's maker has made of the first volumes.

use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::run::Pieces;
use super::tasks;
use crate::array::LazyArray;
use crate::codec::crc32c;
use crate::qc::{Code, Codes, Limits};
use crate::sweep::{CheckOptions, Checked, cut_references, join_cuts, measure_cut, subject_of};
use crate::write::{Place, Records, SourcePlan, Start, Written, write_whole};

/// Bytes of voxels of a piece at most, unless one chunk is more: what a task that is killed loses.
const MAX_PIECE_BYTES: u64 = 8_000_000_000;
/// Timepoints before a piece that are read with it, because each is compared with the one before.
const HALO: usize = 1;

/// What is measured, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QcJob {
    /// Which recording.
    pub source: SourcePlan,
    /// Which of its channels were asked for, by name or index; all without any.
    #[serde(default)]
    pub asked_channels: Vec<String>,
    /// What is measured of it.
    pub channels: Vec<QcChannel>,
    /// Timepoints of a piece.
    pub piece_t: usize,
    /// Timepoints that are read before it.
    pub halo_t: usize,
    /// Measures, by name.
    pub measures: Vec<String>,
    /// Limits they are judged by. May be changed until the merge.
    pub limits: Limits,
    /// What the limits are called.
    pub limits_name: String,
    /// Where the reports go. The first tells where the work lies.
    pub outputs: QcOutputs,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QcChannel {
    /// Its name, where there are several.
    pub name: Option<String>,
    /// Extent of its array, (t, z, y, x).
    pub shape: [usize; 4],
    /// Timepoints that are measured, half-open.
    pub t: [usize; 2],
}

/// Files that reports are written into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QcOutputs {
    /// Everything measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<PathBuf>,
    /// The measures of every timepoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<PathBuf>,
    /// A page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<PathBuf>,
    /// What the JSON is like: "tectum" or "aind".
    pub format: String,
    /// Whether they replace what is there.
    pub force: bool,
    /// From which gravity on the merge ends with exit code 3: "warn" or "alarm".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<String>,
}

impl QcOutputs {
    /// All of them.
    pub fn all(&self) -> Vec<&PathBuf> {
        [&self.json, &self.csv, &self.html].into_iter().flatten().collect()
    }
}

impl QcJob {
    /// Fixes the pieces: as many as make so many tasks, whole chunks where that can be.
    pub fn cut(&mut self, arrays: &[LazyArray], num_tasks: u64) {
        let num_t: usize = self.channels.iter().map(|channel| channel.t[1] - channel.t[0]).sum();
        let wanted = num_t.div_ceil(usize::try_from(num_tasks).unwrap_or(usize::MAX).max(1)).max(1);
        let volume = |array: &LazyArray| {
            let voxels = array.info().shape[1..].iter().fold(1_u64, |n, &dim| n.saturating_mul(dim as u64));
            voxels.saturating_mul(array.info().dtype.num_bytes() as u64).max(1)
        };
        let most = arrays.iter().map(|array| MAX_PIECE_BYTES / volume(array)).min().unwrap_or(1).max(1);
        let longest = usize::try_from(most).unwrap_or(usize::MAX);
        // A piece of whole chunks decodes each once.
        let chunk = arrays.iter().map(chunk_len).max().unwrap_or(1).max(1);
        let aligned = wanted.min(longest.max(chunk)) / chunk * chunk;
        self.piece_t = if aligned == 0 { wanted } else { aligned };
        self.halo_t = HALO;
    }

    /// How many pieces there are.
    ///
    /// # Errors
    /// For timepoints that a channel has not.
    pub fn num_pieces(&self) -> Result<u64> {
        let of = |channel: &QcChannel| {
            let ([first, end], num_t) = (channel.t, channel.shape[0]);
            if first > end || end > num_t {
                bail!("timepoints {first} to {end} are none of the {num_t} that it measures");
            }
            Ok((end - first).div_ceil(self.piece_t.max(1)) as u64)
        };
        self.channels.iter().map(of).sum()
    }

    /// Pieces of every channel, in order.
    pub fn pieces(&self) -> Vec<(usize, Range<usize>)> {
        let step = self.piece_t.max(1);
        let of = |(i, channel): (usize, &QcChannel)| {
            let [first, end] = channel.t;
            (first..end).step_by(step).map(move |t| (i, t..t.saturating_add(step).min(end))).collect::<Vec<_>>()
        };
        self.channels.iter().enumerate().flat_map(of).collect()
    }

    /// Tasks of these pieces.
    pub fn tasks(&self, num_tasks: u64) -> Vec<[u64; 2]> {
        tasks::cut(self.pieces().len() as u64, num_tasks)
    }

    /// Where the work lies.
    ///
    /// # Errors
    /// Where no report is to be written.
    pub fn place(&self) -> Result<Place> {
        let first = self.outputs.all().first().copied().cloned();
        let first = first.context("the plan writes no report: it names neither json nor csv nor html")?;
        Ok(Place::new(&first, self.outputs.force))
    }

    /// All that decides what pieces are: nothing of how they are judged and written in the end.
    ///
    /// # Errors
    /// Never in practice.
    pub fn key(&self) -> Result<String> {
        let program = env!("CARGO_PKG_VERSION");
        let decisive = (program, &self.source, &self.channels, self.piece_t, self.halo_t, &self.measures);
        Ok(serde_json::to_string(&decisive)?)
    }

    /// Tells its records from others.
    ///
    /// # Errors
    /// Never in practice.
    pub fn hash(&self) -> Result<String> {
        Ok(Sha256::digest(self.key()?)[..16].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn wanted(&self) -> Result<Codes> {
        let code = |name: &String| Code::from_name(name).ok_or_else(|| anyhow!("{name}: is no measure"));
        self.measures.iter().map(code).collect()
    }

    fn options(&self, channel: usize, num_cores: usize) -> Result<CheckOptions> {
        let [first, end] = self.channels.get(channel).context("there is no such channel")?.t;
        let wanted = self.wanted()?;
        Ok(CheckOptions { range: Some(first..end), wanted, num_cores: Some(num_cores), ..CheckOptions::default() })
    }
}

/// Timepoints of a chunk.
fn chunk_len(array: &LazyArray) -> usize {
    let first = array.whole().with_axis(0, 0, 1.min(array.info().shape[0]));
    let mut end = 1;
    array.for_each_chunk(&first, |_, region| end = end.max(region.stop()[0]));
    end
}

/// The work of a plan, with the recording open.
pub struct QcPieces<'a> {
    /// What is to be done.
    pub job: &'a QcJob,
    /// Its channels as arrays, in order.
    pub arrays: &'a [LazyArray],
    /// Threads to work with.
    pub num_cores: usize,
}

impl QcPieces<'_> {
    /// Makes the references, and the folder that pieces go into.
    ///
    /// # Errors
    /// If work of another plan lies there, or it cannot be written.
    pub fn prepare(&self) -> Result<()> {
        let place = self.job.place()?;
        let start = if place.plan().exists() && !self.job.outputs.force { Start::Resumed } else { Start::New };
        let held = place.begin(&self.job.key()?, start)?;
        for (i, array) in self.arrays.iter().enumerate() {
            let path = self.references_path(i)?;
            let references = cut_references(array, &subject_of(array, None), &self.job.options(i, self.num_cores)?)?;
            write_whole(&path, &references).with_context(|| format!("{}: cannot write", path.display()))?;
        }
        drop(held);
        Ok(())
    }

    /// What came of all pieces, for each channel.
    ///
    /// # Errors
    /// If a piece is not there as it was recorded.
    pub fn join(&self) -> Result<Vec<Checked>> {
        let place = self.job.place()?;
        let records = Records::of_stage(&place.records(), 0, &self.job.hash()?);
        let pieces = self.job.pieces();
        let mut all = Vec::new();
        for (i, array) in self.arrays.iter().enumerate() {
            let own = pieces.iter().enumerate().filter(|(_, (channel, _))| *channel == i);
            let mut failed = None;
            let cuts = own.map_while(|(piece, _)| match self.read_piece(piece as u64, &records) {
                Ok(bytes) => Some(bytes),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            });
            let (options, references) = (self.job.options(i, self.num_cores)?, self.references(i)?);
            let joined = join_cuts(array, &subject_of(array, None), &options, &references, cuts);
            match failed {
                Some(error) => return Err(error),
                None => all.push(joined.with_context(|| place.work().display().to_string())?),
            }
        }
        Ok(all)
    }

    fn read_piece(&self, piece: u64, records: &Records) -> Result<Vec<u8>> {
        let path = self.piece_path(piece)?;
        let bytes = std::fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
        let record = records.get(piece).with_context(|| format!("piece {piece} is not recorded"))?;
        if record.written.num_bytes != bytes.len() as u64 || record.written.crc32c != crc32c::checksum(&bytes) {
            bail!("{}: is not what was recorded; take its record away and run its task again", path.display());
        }
        Ok(bytes)
    }

    fn references(&self, channel: usize) -> Result<Vec<u8>> {
        let path = self.references_path(channel)?;
        std::fs::read(&path).with_context(|| format!("{}: cannot be read", path.display()))
    }

    fn references_path(&self, channel: usize) -> Result<PathBuf> {
        Ok(self.job.place()?.data().join(format!("references-{channel}")))
    }

    fn piece_path(&self, piece: u64) -> Result<PathBuf> {
        let folder = self.job.place()?.data().join(format!("{:06}", piece / 1000));
        Ok(folder.join(format!("{piece:09}.quality")))
    }
}

impl Pieces for QcPieces<'_> {
    fn write(
        &self,
        pieces: &[u64],
        done: &(dyn Fn(u64, &Written) -> Result<()> + Sync),
        advance: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        let all = self.job.pieces();
        for &piece in pieces {
            let (channel, range) = all.get(piece as usize).cloned().context("there is no such piece")?;
            let array = self.arrays.get(channel).context("there is no such channel")?;
            let (subject, references) = (subject_of(array, None), self.references(channel)?);
            let options = self.job.options(channel, self.num_cores)?;
            let shape = array.info().shape;
            let volume = shape[1..].iter().product::<usize>() as u64 * array.info().dtype.num_bytes() as u64;
            let mut told = 0;
            let tell = |now: usize| {
                advance((now.saturating_sub(told)) as u64 * volume);
                told = told.max(now);
                true
            };
            let len = range.len();
            let bytes = measure_cut(array, &subject, &options, &references, range, tell)?;
            advance((len - told.min(len)) as u64 * volume);
            let path = self.piece_path(piece)?;
            write_whole(&path, &bytes).with_context(|| format!("{}: cannot write", path.display()))?;
            done(piece, &Written { num_bytes: bytes.len() as u64, crc32c: crc32c::checksum(&bytes) })?;
        }
        Ok(())
    }
}
