//! `tectum run`: some tasks of a plan. Each knows the plan and the recording, and no other task.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::OpenArgs;
use super::plan::open_qc;
use crate::jobs::{self, ConvertPieces, Event, JobLimits, JobPlan, JobWork, Pieces, QcPieces, limits_of_job};
use crate::text;
use crate::write::interrupt;

/// Arguments of `tectum run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The plan, as `tectum plan` printed it.
    pub plan: PathBuf,
    /// A task by its number from 0, or a share of all as I/N (0/4 is the first of four); of the array that Slurm runs
    /// ($SLURM_ARRAY_TASK_ID) without it.
    #[arg(long, value_name = "I", conflicts_with = "tasks")]
    pub task: Option<String>,
    /// Several tasks, such as 3-7,12.
    #[arg(long, value_name = "LIST")]
    pub tasks: Option<String>,
    /// What it may use.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// What a job may use.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct LimitArgs {
    /// Threads; what the job was given ($SLURM_CPUS_PER_TASK, its control group) without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub threads: Option<u32>,
    /// Memory in MB; what the job was given ($SLURM_MEM_PER_NODE, its control group) without it. `run` refuses
    /// a conversion that needs more.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub memory: Option<u64>,
}

impl LimitArgs {
    /// Keeps this process to what it may use.
    pub fn apply(self) -> JobLimits {
        let limits = limits_of_job(self.threads.map(|num| num as usize), self.memory);
        // Where the pool was made before, it is as large as the machine: that is no fault.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(limits.threads).build_global();
        limits
    }
}

/// Does the tasks.
///
/// # Errors
/// When one fails; what was done before stays done.
pub fn run(args: &RunArgs) -> Result<()> {
    let plan = JobPlan::read(&args.plan)?;
    let shown = args.plan.display().to_string();
    let tasks = plan.tasks_named(&which(args)?).with_context(|| shown.clone())?;
    let folder = plan.folder().with_context(|| shown.clone())?;
    if folder.is_merged() {
        super::said::note(&format!("{}: is whole already; nothing is left to do", folder.place().path().display()));
        return Ok(());
    }
    interrupt::keep("what was whole stays done; run it again for the rest");
    let limits = args.limits.apply();
    let _working = folder.work()?;
    plan.refuse_changed()?;
    match &plan.work {
        JobWork::Convert(convert) => {
            let pieces = ConvertPieces::open(convert, &OpenArgs::default().options())?;
            limits.refuse_beyond(pieces.memory_bytes(), "give it more, or make the plan with a smaller --buffer-gb")?;
            tell_all(&plan, &tasks, &folder, &pieces)
        }
        JobWork::Qc(job) => {
            let opened = open_qc(job)?;
            let arrays: Vec<_> = opened.iter().map(|(_, array)| array.clone()).collect();
            tell_all(&plan, &tasks, &folder, &QcPieces { job, arrays: &arrays, num_cores: limits.threads })
        }
    }
}

fn tell_all(plan: &JobPlan, tasks: &[u64], folder: &jobs::WorkFolder, pieces: &dyn Pieces) -> Result<()> {
    let is_terminal = std::io::stderr().is_terminal();
    let tell = |event: &Event| {
        let line = if is_terminal { words(event) } else { serde_json::to_string(event).ok() };
        if let Some(line) = line {
            // At once, so that lines of tasks that share it stay lines. Nobody is left to tell when it is closed.
            let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
        }
    };
    jobs::run(plan, folder, tasks, pieces, &tell)
}

fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Begun { task, pieces, done: 0 } => format!("task {task}: {pieces} pieces"),
        Event::Begun { task, pieces, done } => format!("task {task}: {pieces} pieces, {done} of them done before"),
        Event::Piece { .. } => return None,
        Event::Done { task, seconds, voxel_bytes } => {
            let rate = text::size((*voxel_bytes as f64 / seconds.max(1e-3)) as u64);
            format!("task {task}: done in {}, {rate}/s", text::duration_s(*seconds))
        }
    })
}

/// The tasks as they were named.
fn which(args: &RunArgs) -> Result<String> {
    let of_slurm = || std::env::var("SLURM_ARRAY_TASK_ID").ok();
    match args.task.clone().or_else(|| args.tasks.clone()).or_else(of_slurm) {
        Some(which) => Ok(which),
        None => bail!("say which task: --task I, --tasks 3-7,12, or --task I/N for a share of all"),
    }
}
