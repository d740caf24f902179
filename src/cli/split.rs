//! `tectum split`: a recording cut into block files of another size, cropped, made coarser, or computed from; always
//! into a folder of its own.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::OpenArgs;
use super::convert::follow;
use super::ops::OpsArgs;
use crate::format::OpenOptions;
use crate::volume::{ArrayInfo, Location};
use crate::write::{
    Buffering, Changes, Compression, Kind, Plan, SourcePlan, Subject, TargetOptions, TargetPlan, along_axes, axis_of,
};

/// Arguments of `tectum split`.
#[derive(Debug, clap::Args)]
pub struct SplitArgs {
    /// Folder, file or URL of a recording.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The folder to write.
    #[arg(short, long, value_name = "DIR")]
    pub out: Location,
    /// Extent of a block along some axes, all of the others: "t=30" or "t=30,z=10"; 128 MB along the first axis without
    /// it.
    #[arg(short, long, value_name = "AXIS=N,…")]
    pub block: Option<String>,
    /// How many blocks along some axes, instead of their extent: "t=8".
    #[arg(long, value_name = "AXIS=N,…", conflicts_with = "block")]
    pub num_blocks: Option<String>,
    /// How far each block reaches into the next one: "t=1". Tectum trims it; split_dataset itself ignores that blocks
    /// overlap, and misreads what crosses their edges or refuses the folder.
    #[arg(long, value_name = "AXIS=N,…")]
    pub padding: Option<String>,
    /// Ranges to keep along some axes: "z=2:20,y=100:400".
    #[arg(long, value_name = "AXIS=A:B,…")]
    pub crop: Option<String>,
    /// How many voxels along some axes become one, and how (mean, nearest, max): "y=2,x=2" or "y=2,x=2:max".
    #[arg(long, value_name = "AXIS=N,…")]
    pub downsample: Option<String>,
    /// What is computed from it.
    #[command(flatten)]
    pub ops: OpsArgs,
    /// What stands for voxels that are missing or damaged; without it they are refused.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub fill: Option<String>,
    /// The channel to write, by its name or its index from 0.
    #[arg(short, long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Only some of the blocks, the first and the last, as a dataset of their own: "3-7".
    #[arg(long, value_name = "A-B")]
    pub blocks: Option<String>,
    /// How chunks are compressed: none, gzip:4, zstd:3, blosc:lz4:5; as split_dataset does without it.
    #[arg(long, value_name = "CODEC")]
    pub compression: Option<Compression>,
    /// Replace DIR if it is a split dataset.
    #[arg(long)]
    pub force: bool,
    /// Go on where a run that did not end has stopped; the result is the same to the byte.
    #[arg(long)]
    pub resume: bool,
    /// How many cores work; all of them without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Memory for each of two buffers, in MB.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..))]
    pub memory: Option<u32>,
}

/// Writes it.
///
/// # Errors
/// If either side cannot be opened, read or written, or something that was asked for is missing.
pub fn run(args: &SplitArgs) -> Result<()> {
    let start = Instant::now();
    let options = args.open.options();
    follow(&args.plan(&options)?, &options, args.resume, args.threads, start)
}

impl SplitArgs {
    pub(super) fn plan(&self, options: &OpenOptions) -> Result<Plan> {
        let source = SourcePlan::new(self.path.clone(), options);
        let opened = crate::format::open(self.path.clone(), options)?;
        let mut changes = Changes {
            channel: self.channel.clone(),
            fill: self.fill.clone(),
            operations: self.ops.ops.clone(),
            downsample: self.downsample.clone(),
            ..Changes::default()
        };
        if let Some(crop) = &self.crop {
            let chosen = Changes { channel: self.channel.clone(), ..Changes::default() };
            let subject = Subject::of(&opened, &chosen, options)?;
            changes.select = Some(ranges(crop, subject.source.info()).with_context(|| format!("--crop {crop}"))?);
        }
        let subject = Subject::of(&opened, &changes, options)?;
        let info = subject.source.info();
        let block = self.block_of(info)?;
        let padding = self.padding.as_ref().map(|text| along_axes(text, info)).transpose().context("--padding")?;
        let padding = padding.map(|all| all.into_iter().map(|pad| pad.unwrap_or(0)).collect());
        if let Some(text) = &self.blocks {
            let block = block.as_deref().context("--blocks: say with --block what a block is")?;
            changes.take = Some(of_blocks(text, block, info).with_context(|| format!("--blocks {text}"))?);
        }
        let plan = TargetOptions { block, padding, compression: self.compression, ..TargetOptions::default() };
        let target = TargetPlan { kind: Kind::Split, location: self.out.clone(), force: self.force, options: plan };
        let num_bytes = self.memory.map(|mb| mb as usize * 1_000_000);
        Plan::make(source, changes, target, &Buffering { num_bytes, ..Buffering::default() }, options)
    }

    /// Extent of a block along each axis.
    fn block_of(&self, info: &ArrayInfo) -> Result<Option<Vec<usize>>> {
        let dims = info.shape.dims();
        if let Some(text) = &self.block {
            let all = along_axes(text, info).with_context(|| format!("--block {text}"))?;
            return Ok(Some(all.into_iter().zip(dims).map(|(block, dim)| block.unwrap_or(*dim)).collect()));
        }
        let Some(text) = &self.num_blocks else { return Ok(None) };
        let all = along_axes(text, info).with_context(|| format!("--num-blocks {text}"))?;
        Ok(Some(all.into_iter().zip(dims).map(|(num, dim)| dim.div_ceil(num.unwrap_or(1)).max(1)).collect()))
    }
}

/// A numpy index of ranges along some axes: "z=2:20".
fn ranges(text: &str, info: &ArrayInfo) -> Result<String> {
    let mut words = vec![":".to_owned(); info.shape.rank()];
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (name, range) = word.split_once('=').with_context(|| format!("{word}: as in z=2:20"))?;
        let is_range = range.split(':').count() == 2 && range.chars().all(|c| c.is_ascii_digit() || ":- ".contains(c));
        if !is_range {
            bail!("{word}: {range} is no range, as in 2:20");
        }
        words[axis_of(name.trim(), info)?] = range.trim().to_owned();
    }
    Ok(words.join(", "))
}

/// A numpy index of what some blocks hold: "3-7".
fn of_blocks(text: &str, block: &[usize], info: &ArrayInfo) -> Result<String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<usize>().with_context(|| format!("{text} is no number of a block"));
    let (first, last) = (number(first)?, number(last)?);
    let dims = info.shape.dims();
    let cut: Vec<usize> = (0..dims.len()).filter(|&axis| block[axis] < dims[axis]).collect();
    let axis = match cut[..] {
        [axis] => axis,
        [] => 0,
        _ => bail!("blocks lie along {} axes; choose ranges with --crop", cut.len()),
    };
    let num = dims.get(axis).map_or(0, |dim| dim.div_ceil(block[axis]));
    if first > last || last >= num {
        bail!("there are blocks 0 to {}", num.max(1) - 1);
    }
    let mut words = vec![":".to_owned(); dims.len()];
    words[axis] = format!("{}:{}", first * block[axis], ((last + 1) * block[axis]).min(dims[axis]));
    Ok(words.join(", "))
}
