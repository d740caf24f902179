//! What a conversion does, fixed before it begins, as JSON that can be read and edited: which recording, what is done to
//! it, where it goes and in which buffers. One process follows all of it, or many a part each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::kinds::{self, Kind, TargetOptions};
use super::{BufferIter, BufferOptions, Chunking, Place, Subject, Target};
use crate::format::{OpenOptions, Source, VirtualOptions};
use crate::volume::{ArrayInfo, Grid, Location, Shape};

/// Version of what is written; another one is refused.
pub const PLAN_VERSION: u32 = 1;

/// Bytes of a buffer unless somebody says.
pub const BUFFER_BYTES: usize = 256 << 20;

/// A conversion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// What is read.
    pub source: SourcePlan,
    /// What is done to it.
    #[serde(default)]
    pub changes: Changes,
    /// What is written.
    pub target: TargetPlan,
    /// Extent of what is written along each axis.
    pub shape: Vec<usize>,
    /// Its type, as numpy names it.
    pub dtype: String,
    /// Extent of a piece, which one process writes as a whole. As the target has it; for who reads the plan.
    pub piece: Vec<usize>,
    /// Number of pieces.
    pub num_pieces: u64,
    /// Extent of what is held in memory at once.
    pub buffer: Vec<usize>,
}

/// A recording and how it is opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePlan {
    /// Where it is.
    pub location: Location,
    /// Hash of what its files, and those of arrays that operations name, were when the plan was made: size and time of
    /// each, shape and type.
    pub state: String,
    /// Which array of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Prefix of a split dataset's block names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Names of its axes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axes: Option<String>,
    /// Which resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<usize>,
    /// Whether blocks of another recording are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leave_out_suspects: bool,
    /// Hosts that files may refer to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
    /// Folder of the sources of virtual datasets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vds_prefix: Option<String>,
    /// Whether virtual datasets end at the first source that is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vds_first_missing: bool,
    /// How many numbered sources may be absent in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vds_gap: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What is done to an array on its way, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// What stands for missing voxels; they are refused without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<String>,
    /// A channel, by its name or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// A numpy index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
    /// Operations, one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// How many voxels along each axis become one: "y=2,x=2", and how behind a colon (mean, nearest, max).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downsample: Option<String>,
    /// Another type, as numpy names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    /// A numpy index of what came of all that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take: Option<String>,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetPlan {
    /// In which format.
    pub kind: Kind,
    /// Where.
    pub location: Location,
    /// Whether it replaces what has that name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// How.
    #[serde(flatten)]
    pub options: TargetOptions,
}

/// How buffers are made, where somebody says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buffering {
    /// Extent of a buffer along each axis, before anything else.
    pub shape: Option<Vec<usize>>,
    /// Bytes of a buffer; [`BUFFER_BYTES`] without it.
    pub num_bytes: Option<usize>,
    /// Chunks as HDMF shapes them, of at most so many megabytes ([`BufferOptions::chunk_mb`]).
    pub chunk_mb: Option<f64>,
    /// Buffers as HDMF shapes them, of about so many gigabytes ([`BufferOptions::buffer_gb`]).
    pub buffer_gb: Option<f64>,
}

impl Buffering {
    /// What HDMF makes of what was said in its words, of an array whose chunks are given or left to it.
    fn as_hdmf(&self, info: &ArrayInfo, chunk: Option<&[usize]>) -> Result<BufferIter> {
        let extents = |dims: &[usize]| dims.iter().map(|&dim| i64::try_from(dim)).collect::<Result<Vec<_>, _>>();
        let options = BufferOptions {
            chunk_mb: self.chunk_mb,
            chunk_shape: chunk.map(extents).transpose()?,
            buffer_gb: self.buffer_gb,
            buffer_shape: self.shape.as_deref().map(extents).transpose()?,
        };
        Ok(BufferIter::new(info.shape, info.dtype, &options)?)
    }
}

impl SourcePlan {
    /// A recording opened with these options, whose state is looked up when the plan is made.
    pub fn new(location: Location, options: &OpenOptions) -> Self {
        let OpenOptions { dataset, prefix, axes, level, leave_out_suspects, allowed_hosts, .. } = options.clone();
        let VirtualOptions { prefix: vds_prefix, ends_at_first_missing, max_gap } = options.virtual_datasets.clone();
        Self {
            // A plan is followed wherever the program is started.
            location: match location.path().map(std::path::absolute) {
                Some(Ok(path)) => path.into(),
                _ => location,
            },
            state: String::new(),
            dataset,
            prefix,
            axes,
            level,
            leave_out_suspects,
            allowed_hosts,
            vds_prefix,
            vds_first_missing: ends_at_first_missing,
            vds_gap: max_gap,
        }
    }

    /// How it is opened; `standing` is what holds for every opening of this run.
    pub fn options(&self, standing: &OpenOptions) -> OpenOptions {
        let own = OpenOptions {
            dataset: self.dataset.clone(),
            prefix: self.prefix.clone(),
            axes: self.axes.clone(),
            level: self.level,
            leave_out_suspects: self.leave_out_suspects,
            allowed_hosts: self.allowed_hosts.clone(),
            virtual_datasets: VirtualOptions {
                prefix: self.vds_prefix.clone(),
                ends_at_first_missing: self.vds_first_missing,
                max_gap: self.vds_gap,
            },
            ..OpenOptions::default()
        };
        own.or_standing(standing)
    }
}

impl TargetPlan {
    /// Its final name and what lies beside it until then.
    ///
    /// # Errors
    /// For a location that names nothing.
    pub fn place(&self) -> Result<Place> {
        let place = Place::new(&kinds::work_name(&self.location)?, self.force);
        Ok(if self.location.path().is_some() { place } else { place.afar(&self.location) })
    }
}

impl Plan {
    /// Fixes a conversion: opens the source, tries what is done to it and the target, and decides on buffers. Reads
    /// headers only; writes nothing.
    ///
    /// # Errors
    /// If the source cannot be opened, or the target cannot be where it is to be or cannot hold the array.
    pub fn make(
        source: SourcePlan,
        changes: Changes,
        target: TargetPlan,
        buffering: &Buffering,
        standing: &OpenOptions,
    ) -> Result<Self> {
        let place = target.place()?;
        if target.location.path().is_some() {
            place.check()?;
        }
        let mut plan = Self {
            version: PLAN_VERSION,
            source,
            changes: changes.findable_anywhere(),
            target,
            shape: Vec::new(),
            dtype: String::new(),
            piece: Vec::new(),
            num_pieces: 0,
            buffer: Vec::new(),
        };
        let subject = plan.subject(standing)?;
        plan.changes.refuse_missing(&*subject.source)?;
        if plan.target.location.path().is_some() {
            super::refuse_harm(place.path(), &*subject.source)?;
        }
        // Wherever the data go, the work lies in a folder of this machine.
        super::refuse_harm(&place.work(), &*subject.source)?;
        let info = subject.source.info();
        if buffering.chunk_mb.is_some() {
            if matches!(plan.target.kind, Kind::Npy | Kind::Tiff) {
                bail!("--chunk-mb: has no meaning for {}", plan.target.kind.name());
            }
            let as_hdmf = buffering.as_hdmf(info, plan.target.options.chunk.as_deref())?;
            plan.target.options.chunk = Some(as_hdmf.chunk_shape().dims().to_vec());
        }
        let target = kinds::target(plan.target.kind, &subject, &place, &plan.target.options)?;
        target.check()?;
        let (chunks, pieces) = (target.chunks(), target.pieces());
        let buffer = match &buffering.shape {
            None if buffering.buffer_gb.is_some() => {
                // Chunks are fixed by now, however they came about, and may stick out of the array.
                let chunk = chunks.cell().dims().iter().zip(info.shape.dims()).map(|(cell, dim)| *cell.min(dim));
                let fixed = Buffering { chunk_mb: None, ..buffering.clone() };
                let as_hdmf = fixed.as_hdmf(info, Some(&chunk.collect::<Vec<_>>()))?;
                Chunking::asked_buffer(as_hdmf.buffer_shape(), chunks, pieces)
            }
            Some(_) if buffering.buffer_gb.is_some() => bail!("give either --buffer-gb or --buffer-shape"),
            Some(dims) => {
                TargetOptions::of_rank("buffer-shape", dims, info.shape.rank())?;
                let asked = Shape::new(dims).context("--buffer-shape: too many axes")?;
                Chunking::asked_buffer(&asked, chunks, pieces)
            }
            None => {
                let num_bytes = buffering.num_bytes.unwrap_or(BUFFER_BYTES);
                Chunking::buffer(&*subject.source, chunks, pieces, num_bytes)
            }
        };
        plan.source.state = state_of(&*subject.source);
        plan.shape = info.shape.dims().to_vec();
        plan.dtype = info.dtype.name().to_owned();
        plan.piece = pieces.cell().dims().to_vec();
        plan.num_pieces = pieces.num_cells();
        plan.buffer = buffer.dims().to_vec();
        Ok(plan)
    }

    /// A plan as it was written.
    ///
    /// # Errors
    /// For text that is no plan, or one of another version.
    pub fn parse(text: &str) -> Result<Self> {
        let version = serde_json::from_str::<serde_json::Value>(text).ok();
        let version = version.as_ref().and_then(|value| value.get("version")?.as_u64());
        match version {
            Some(version) if version == u64::from(PLAN_VERSION) => Ok(serde_json::from_str(text)?),
            Some(version) => bail!("a plan of version {version}; this program follows version {PLAN_VERSION}"),
            None => bail!("is no plan"),
        }
    }

    /// It as JSON.
    ///
    /// # Errors
    /// Never in practice: all of it can be written.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Tells this plan from every other.
    ///
    /// # Errors
    /// As [`Self::to_json`].
    pub fn hash(&self) -> Result<String> {
        Ok(hex(Sha256::digest(serde_json::to_vec(self)?).as_slice()))
    }

    /// The folder of the records of pieces.
    ///
    /// # Errors
    /// For a target that names nothing.
    pub fn records(&self) -> Result<PathBuf> {
        Ok(self.target.place()?.records())
    }

    /// Opens both sides, and makes sure that they are what the plan was made for.
    ///
    /// # Errors
    /// If one cannot be opened, or the source has changed.
    pub fn open(&self, standing: &OpenOptions) -> Result<(Subject, Box<dyn Target>)> {
        let subject = self.subject(standing)?;
        let (info, location) = (subject.source.info(), &self.source.location);
        self.refuse_changed(&*subject.source)?;
        if info.shape.dims() != self.shape || info.dtype.name() != self.dtype {
            bail!("{location}: gives {} of {}, which is not what the plan says", info.shape, info.dtype);
        }
        let target = kinds::target(self.target.kind, &subject, &self.target.place()?, &self.target.options)?;
        if target.pieces().cell().dims() != self.piece || target.pieces().num_cells() != self.num_pieces {
            bail!("{}: its pieces are not those of the plan; make it anew", self.target.location);
        }
        Ok((subject, target))
    }

    /// The array that is to be written, computed from the recording and what operations name.
    ///
    /// # Errors
    /// If one of them cannot be opened.
    pub fn array(&self, standing: &OpenOptions) -> Result<Arc<dyn Source>> {
        Ok(self.subject(standing)?.source)
    }

    /// Refuses an array, of this plan, that is not made of what it was made of when the plan was ([`state_of`]): of what
    /// was read before and what was read after, something would be written that never was.
    ///
    /// # Errors
    /// Something of it has changed.
    pub fn refuse_changed(&self, array: &dyn Source) -> Result<()> {
        if state_of(array) == self.source.state {
            return Ok(());
        }
        let or_others = match array.locations().len() {
            0 | 1 => "",
            _ => "it, or an array that its operations name, ",
        };
        bail!("{}: {or_others}has changed since the plan was made; make it anew", self.source.location)
    }

    /// The buffers, as cells of the array.
    ///
    /// # Errors
    /// If they are none.
    pub fn buffers(&self) -> Result<Grid> {
        let grid =
            Shape::new(&self.shape).zip(Shape::new(&self.buffer)).and_then(|(shape, cell)| Grid::new(shape, cell));
        grid.context("the plan's buffers are none of its shape")
    }

    /// The array that is to be written.
    fn subject(&self, standing: &OpenOptions) -> Result<Subject> {
        let options = self.source.options(standing);
        let opened = crate::format::open(self.source.location.clone(), &options)?;
        Subject::of(&opened, &self.changes, &options)
    }
}

/// Files of a folder that are looked at: of those behind them nobody notices a change.
const MAX_IN_FOLDER: usize = 200_000;

/// Hash of what a source is: shape, type and what is said of both, and the name, size and time of each of its files; of
/// a source that is a folder, of the files below. Asks the disk, never a server.
pub fn state_of(source: &dyn Source) -> String {
    let info = source.info();
    let mut hash = Sha256::new();
    let said = (info.axes_in_letters(), info.voxel_size, info.rate_hz, &info.value_scale);
    hash.update(format!("{} {} {said:?}", info.shape, info.dtype));
    for file in source.files() {
        hash.update(file.without_secrets());
        if let Some(path) = file.path() {
            hash_files(path, &mut hash, &mut MAX_IN_FOLDER.clone());
        }
    }
    hex(hash.finalize().as_slice())
}

fn hash_files(path: &Path, hash: &mut Sha256, left: &mut usize) {
    let Ok(there) = path.metadata() else { return };
    *left = left.saturating_sub(1);
    if there.is_file() {
        let modified = there.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        hash.update(format!(" {} {}\n", there.len(), modified.map_or(0, |time| time.as_nanos())));
        return;
    }
    let mut entries: Vec<_> = path.read_dir().into_iter().flatten().flatten().collect();
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Links to folders may lead round in a circle.
        if *left > 0 && !(path.is_symlink() && path.is_dir()) {
            hash.update(entry.file_name().as_encoded_bytes());
            hash_files(&path, hash, left);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
