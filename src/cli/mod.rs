//! The command line: what can be asked, and one file for each subcommand.

mod bench;
mod channels;
mod convert;
mod demo;
mod export;
mod form;
mod index;
mod info;
mod merge;
mod ops;
mod plan;
mod progress;
mod qc;
mod run;
mod said;
mod snapshot;
mod sparse;
mod split;
mod status;
mod vds;
mod verify;
mod window;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

pub use bench::BenchArgs;
pub use convert::ConvertArgs;
pub use demo::DemoArgs;
pub use export::ExportArgs;
pub use index::IndexArgs;
pub use info::InfoArgs;
pub use merge::MergeArgs;
pub use plan::PlanArgs;
pub use qc::QcArgs;
pub use run::RunArgs;
pub use snapshot::SnapshotArgs;
pub use sparse::SparseArgs;
pub use split::SplitArgs;
pub use status::StatusArgs;
pub use vds::VdsArgs;
pub use verify::VerifyArgs;

use crate::format::{OpenOptions, VirtualOptions, check_axes};
use crate::volume::Location;

/// View volumetric time series, while they are being recorded and after.
#[derive(Debug, clap::Parser)]
#[command(name = "tectum", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Folder, file or URL of a recording to open; the welcome screen without it.
    path: Option<Location>,
    #[command(flatten)]
    open: OpenArgs,
    #[command(flatten)]
    budgets: BudgetArgs,
    /// Wait for a recording where there is none yet.
    #[arg(long, requires = "path")]
    wait: bool,
    /// Folder for what the window remembers, instead of the user's own.
    #[arg(long, value_name = "DIR", global = true)]
    settings: Option<PathBuf>,
}

impl Args {
    /// Whether this is a window, measures what one does, or follows a recording for as long as that runs, and is not work
    /// with an end. Work allocates the same sizes over and over, and asking the system for fresh pages each time costs
    /// half of its time.
    pub fn lasts(&self) -> bool {
        match &self.command {
            None | Some(Command::Demo(_) | Command::Bench(_)) => true,
            Some(Command::Qc(args)) => args.follow,
            Some(Command::Vds(args)) => args.follow,
            _ => false,
        }
    }
}

/// How much memory the window may take.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct BudgetArgs {
    /// Memory for decoded data, in MB; a quarter of the machine's without it.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(16..))]
    pub ram: Option<u32>,
    /// Memory for textures, in MB.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(16..))]
    pub gpu: Option<u32>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the demo recording if it is absent, and open it.
    Demo(DemoArgs),
    /// Say what a recording is: format, shape, type, blocks and their state, problems.
    Info(InfoArgs),
    /// Write a recording, or a part or a projection of it, to a .npy file.
    Export(ExportArgs),
    /// Write a virtual HDF5 dataset over a recording or many files, so that others see one array. Copies nothing.
    Vds(VdsArgs),
    /// Write a recording in another format.
    Convert(ConvertArgs),
    /// Write a recording as a split dataset: other blocks, cropped, coarser, computed from.
    Split(SplitArgs),
    /// Write a reference file over an HDF5 file or a split dataset, as the lindi package reads it. Copies nothing large.
    Index(IndexArgs),
    /// Write an array of two axes as a sparse matrix, as HDF5Array, 10x Genomics and AnnData have them.
    Sparse(SparseArgs),
    /// Measure the quality of a recording: alarms, usable minutes, and all figures as JSON, CSV or a page.
    Qc(QcArgs),
    /// Read every chunk of a recording and list what is damaged; exit code 3 where anything is.
    Verify(VerifyArgs),
    /// Fix long work as tasks for a cluster, and print the plan: `run` does some of them, `merge` makes the whole.
    Plan(PlanArgs),
    /// Do tasks of a plan.
    Run(RunArgs),
    /// Make the whole of a plan whose tasks are all done.
    Merge(MergeArgs),
    /// Say how far the tasks of a plan are.
    Status(StatusArgs),
    /// Draw the window off screen into a .png file.
    Snapshot(SnapshotArgs),
    /// Forget how a recording was looked at and what was said of it, or everything without a PATH.
    Forget(ForgetArgs),
    /// Measure how fast a recording opens, scrubs, projects and decodes here.
    Bench(BenchArgs),
}

/// What to forget.
#[derive(Debug, clap::Args)]
struct ForgetArgs {
    /// A recording; everything without it.
    path: Option<Location>,
    #[command(flatten)]
    open: OpenArgs,
}

/// What may be said beside every path.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OpenArgs {
    /// Which array, where a path offers several (`tectum info` lists them).
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// Prefix of the block names of a split dataset: P for P_0000.h5.
    #[arg(long, value_name = "P")]
    pub prefix: Option<String>,
    /// What the axes are, slowest first, where the file does not say or is wrong: a letter of t, z, y, x for
    /// each, c for channels, _ (or an index: "t,3,y,x") for one of which a single index is shown.
    #[arg(long, value_name = "tzyx", value_parser = check_axes)]
    pub axes: Option<String>,
    /// Open a pyramid from this resolution on: 0 is the finest, each further one is coarser.
    #[arg(long, value_name = "N")]
    pub level: Option<usize>,
    /// Leave out blocks that are perhaps left over from a former recording in the same folder; `info`
    /// names them.
    #[arg(long)]
    pub leave_out_suspects: bool,
    /// A host that files from the network may refer to, although they lie on another; may be repeated.
    #[arg(long = "allow-host", value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Room on disk for what came from the network, in MB; 0 keeps nothing.
    #[arg(long, value_name = "MB", default_value_t = DEFAULT_CACHE_MB)]
    pub cache_mb: u32,
    /// Folder in which the sources of a virtual HDF5 dataset are looked for first; ${ORIGIN} at its beginning
    /// is the folder of the dataset.
    #[arg(long, value_name = "DIR")]
    pub vds_prefix: Option<String>,
    /// End a virtual HDF5 dataset before the first timepoint that one of its sources lacks, not with the last
    /// that any has.
    #[arg(long)]
    pub vds_first_missing: bool,
    /// How many numbered sources of a virtual HDF5 dataset may be absent in a row.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub vds_gap: usize,
}

/// Room on disk for what came from the network, unless it is said.
const DEFAULT_CACHE_MB: u32 = 4096;

impl OpenArgs {
    /// The same for the layers below.
    pub fn options(&self) -> OpenOptions {
        OpenOptions {
            dataset: self.dataset.clone(),
            prefix: self.prefix.clone(),
            axes: self.axes.clone(),
            leave_out_suspects: self.leave_out_suspects,
            level: self.level,
            cache: directories::ProjectDirs::from("", "", "tectum").map(|folders| folders.cache_dir().to_owned()),
            max_kept_bytes: u64::from(self.cache_mb) << 20,
            allowed_hosts: self.allow_host.clone(),
            virtual_datasets: VirtualOptions {
                prefix: self.vds_prefix.clone(),
                ends_at_first_missing: self.vds_first_missing,
                max_gap: self.vds_gap,
            },
            ..OpenOptions::default()
        }
    }
}

/// Carries out what the arguments ask for.
///
/// # Errors
/// With a message fit for one line: the file, what is wrong and what to do.
pub fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        None => window::show(window::Show {
            location: args.path,
            options: args.open.options(),
            budgets: args.budgets,
            settings: args.settings,
            is_expected: args.wait,
        })?,
        Some(Command::Demo(demo)) => demo::run(&demo, args.settings)?,
        Some(Command::Info(args)) => info::run(&args)?,
        Some(Command::Export(args)) => export::run(&args)?,
        Some(Command::Vds(args)) => vds::run(&args)?,
        Some(Command::Convert(args)) => convert::run(&args)?,
        Some(Command::Split(args)) => split::run(&args)?,
        Some(Command::Index(args)) => index::run(&args)?,
        Some(Command::Sparse(args)) => sparse::run(&args)?,
        Some(Command::Qc(args)) => return qc::run(&args),
        Some(Command::Verify(args)) => return verify::run(&args),
        Some(Command::Plan(args)) => plan::run(&args)?,
        Some(Command::Run(args)) => run::run(&args)?,
        Some(Command::Merge(args)) => return merge::run(&args),
        Some(Command::Status(args)) => status::run(&args)?,
        Some(Command::Snapshot(args)) => snapshot::run(&args)?,
        Some(Command::Forget(forget)) => {
            let what = window::forget(forget.path.as_ref(), &forget.open.options(), args.settings.as_deref())?;
            print(&format!("forgotten: {what}\n"))?;
        }
        Some(Command::Bench(args)) => bench::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to stdout. Unlike `print!`, a closed pipe is an error, not a panic.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
