//! `tectum vds`: a virtual dataset over a recording, or over many files, so that HDF5 programs see one array.

mod follow;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::said::written;
use super::{OpenArgs, print};
use crate::format::{OpenOptions, Source, open, open_alone};
use crate::volume::{Axis, Location, Problem, Severity, codes};
use crate::write::parse_fill;
use crate::write::vds::{Over, VirtualDataset, VirtualOptions, write_file};

/// Gaps and problems that are named one by one.
const MAX_NAMED: usize = 20;

/// Arguments of `tectum vds`.
#[derive(Debug, clap::Args)]
pub struct VdsArgs {
    /// A recording (folder or file), several that follow one another in this order, or a folder of HDF5 files, which
    /// follow one another by the numbers in their names.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<Location>,
    /// How to open them; --dataset names the array in each.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The .h5 file to write.
    #[arg(short, long, value_name = "OUT.h5")]
    pub out: PathBuf,
    /// Path of the dataset in OUT.h5.
    #[arg(long, value_name = "NAME", default_value = "data")]
    pub name: String,
    /// The axis along which several files follow one another: t, z, y, x, its number, or `new` for one in front.
    #[arg(long, value_name = "AXIS", default_value = "t", value_parser = parse_over)]
    pub over: Over,
    /// Name the files by their absolute paths. Without it names are relative to the folder of OUT.h5, so that both
    /// can be moved together.
    #[arg(long)]
    pub absolute: bool,
    /// Let blocks that appear later belong to it, of a recording that still runs. HDF5 does that by itself where the
    /// files are numbered 0, 1, … 10 without leading zeros, and all alike; for others there is --follow.
    #[arg(long)]
    pub grow: bool,
    /// Follow a recording that still runs, however its blocks are called: OUT.h5 is written anew, and replaced as a
    /// whole, whenever one is complete, until the recording ends or Ctrl-C. Whoever opens it sees all there is so far;
    /// who has it open sees what there was then.
    #[arg(long, conflicts_with = "grow")]
    pub follow: bool,
    /// What voxels read as that lie in no file.
    #[arg(long, value_name = "VALUE", default_value = "0", allow_hyphen_values = true)]
    pub fill: String,
    /// Replace OUT.h5 if it exists.
    #[arg(long)]
    pub force: bool,
}

fn parse_over(text: &str) -> Result<Over, String> {
    let axis = |letter| Axis::from_letter(letter).map(Over::Axis);
    match text.chars().collect::<Vec<_>>()[..] {
        _ if text == "new" => Ok(Over::New),
        [letter] if axis(letter.to_ascii_lowercase()).is_some() => {
            Ok(axis(letter.to_ascii_lowercase()).unwrap_or(Over::New))
        }
        _ => text.parse().map(Over::Position).map_err(|_| "is no axis: t, z, y, x, a number or `new`".to_owned()),
    }
}

/// Writes the file.
///
/// # Errors
/// When the sources do not fit together, or the file cannot be written.
pub fn run(args: &VdsArgs) -> Result<()> {
    let options = VirtualOptions {
        dataset: args.name.trim_matches('/').to_owned(),
        over: args.over,
        is_absolute: args.absolute,
        is_growing: args.grow,
        is_forced: args.force,
    };
    if options.dataset.is_empty() {
        bail!("--name: names no dataset");
    }
    if args.follow {
        return follow::follow(args, options);
    }
    let sources = opened(&args.paths, &args.open.options())?;
    Last::default().write(args, &sources, &options, true)
}

/// What was written last, if anything was.
#[derive(Default)]
struct Last(Option<Vec<u8>>);

impl Last {
    /// Writes the file if it is another one now, and says so; what is missing or wrong only where it `is_to_tell`.
    fn write(
        &mut self,
        args: &VdsArgs,
        sources: &[Arc<dyn Source>],
        options: &VirtualOptions,
        is_to_tell: bool,
    ) -> Result<()> {
        let start = Instant::now();
        let is_forced = options.is_forced || self.0.is_some();
        let options = VirtualOptions { is_forced, ..options.clone() };
        let made = VirtualDataset::new(sources, &args.out, &options)?;
        let fill = parse_fill(&args.fill, made.dtype()).context("--fill")?;
        if is_to_tell {
            say(sources, &made, &args.fill);
        }
        let bytes = made.bytes(&args.out, &fill, &options)?;
        if self.0.as_ref() == Some(&bytes) {
            return Ok(());
        }
        let num_bytes = write_file(&bytes, &args.out, is_forced)?;
        self.0 = Some(bytes);
        print(&written(&args.out, &made.summary(), num_bytes, start))
    }
}

/// The recordings at these paths; of a folder that is none, its HDF5 files.
fn opened(paths: &[Location], options: &OpenOptions) -> Result<Vec<Arc<dyn Source>>> {
    // Of several files each is meant by itself, though it be named as a block is.
    let one = |path: &Location, is_alone| {
        let opened = if is_alone { open_alone(path, options) } else { open(path, options) };
        opened.map(|opened| opened.source)
    };
    let error = match paths.iter().map(|path| one(path, paths.len() > 1)).collect::<Result<_, _>>() {
        Ok(sources) => return Ok(sources),
        Err(error) => error,
    };
    let files = paths.first().filter(|_| paths.len() == 1).map(loose_files).unwrap_or_default();
    if files.is_empty() {
        return Err(error.into());
    }
    Ok(files.iter().map(|file| one(&file.as_path().into(), true)).collect::<Result<_, _>>()?)
}

/// The HDF5 files of a folder, in their order; none of anything else.
fn loose_files(path: &Location) -> Vec<PathBuf> {
    path.path().filter(|path| path.is_dir()).map(files_in).unwrap_or_default()
}

/// The HDF5 files of a folder in the order of the numbers in their names.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let is_hdf5 = |path: &PathBuf| {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        ending.is_some_and(|ending| ["h5", "hdf5", "hdf", "nwb"].contains(&ending.as_str())) && path.is_file()
    };
    let entries = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(is_hdf5).collect();
    files.sort_by_cached_key(|file| in_order(&file.file_name().unwrap_or_default().to_string_lossy()));
    files
}

/// A name such that 10 comes behind 9 and 02 behind 1: each run of digits as a number, by its length and itself
/// without leading zeros; then the name as it is.
fn in_order(name: &str) -> (Vec<(bool, usize, String)>, String) {
    let mut parts: Vec<(bool, usize, String)> = Vec::new();
    for letter in name.chars() {
        match parts.last_mut() {
            Some((is_number, _, text)) if *is_number == letter.is_ascii_digit() => text.push(letter),
            _ => parts.push((letter.is_ascii_digit(), 0, letter.to_string())),
        }
    }
    for (_, len, text) in parts.iter_mut().filter(|(is_number, ..)| *is_number) {
        *text = text.trim_start_matches('0').to_owned();
        *len = text.len();
    }
    (parts, name.to_owned())
}

/// Says what is not there, and what is wrong with what is.
fn say(sources: &[Arc<dyn Source>], made: &VirtualDataset, fill: &str) {
    let named = |lines: Vec<String>| {
        lines.iter().take(MAX_NAMED).for_each(|line| eprintln!("{line}"));
        if lines.len() > MAX_NAMED {
            eprintln!("… and {} more", lines.len() - MAX_NAMED);
        }
    };
    let gaps = made.gaps().iter().map(|gap| format!("warning: {} reads as {fill}: {}", gap.region, gap.why));
    named(gaps.collect());
    let wrong = sources.iter().flat_map(|source| {
        source.inspect();
        source.problems()
    });
    // What is missing as a whole was named above.
    let wrong = wrong.filter(|problem| problem.severity >= Severity::Warning && problem.code != codes::MISSING_BLOCK);
    let words = |problem: Problem| match problem.file {
        Some(file) => format!("warning: {file}: {}", problem.message),
        None => format!("warning: {}", problem.message),
    };
    named(wrong.map(words).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let wanted = ["scan 0.h5", "scan 01.h5", "scan 1.h5", "scan 02.h5", "scan 3.h5", "scan 010 b.h5", "scan 10.h5"];
        let mut names = wanted;
        names.reverse();
        names.sort_by_cached_key(|name| in_order(name));
        assert_eq!(names, wanted);
    }
}
