//! `tectum status`: how far the tasks of a plan are, while they run and after.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::jobs::{JobPlan, Status, status};
use crate::text;

/// Arguments of `tectum status`.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// The plan.
    pub plan: PathBuf,
    /// Print JSON.
    #[arg(long, conflicts_with = "missing")]
    pub json: bool,
    /// Print nothing but the tasks that have still to be run, as `sbatch --array` takes them.
    #[arg(long)]
    pub missing: bool,
}

/// Looks and prints.
///
/// # Errors
/// When the plan cannot be read.
pub fn run(args: &StatusArgs) -> Result<()> {
    let plan = JobPlan::read(&args.plan)?;
    let status = status(&plan)?;
    super::print(&match (args.json, args.missing) {
        (true, _) => serde_json::to_string(&status)? + "\n",
        (_, true) => status.missing + "\n",
        _ => words(&plan, &status),
    })
}

fn words(plan: &JobPlan, status: &Status) -> String {
    let mut out = String::new();
    let mut line = |label: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {label:<9} {value}");
        }
    };
    let [whole, of] = status.pieces.map(text::integer);
    line("pieces", format!("{whole} of {of}"));
    line("done", status.done.clone());
    line("running", status.running.clone());
    line("failed", status.failed.clone());
    line("missing", status.missing.clone());
    for (task, error) in &status.errors {
        line("error", format!("task {task}: {error}"));
    }
    line("rate", status.bytes_per_s.map_or(String::new(), |rate| format!("{}/s", text::size(rate as u64))));
    line("left", status.seconds_left.map_or(String::new(), text::duration_s));
    let slowest = |(task, seconds)| format!("task {task}, {}", text::duration_s(seconds));
    line("slowest", status.slowest.map_or(String::new(), slowest));
    let state = if status.is_merged { ", merged" } else { "" };
    format!("{} in {} tasks{state}\n{out}", plan.kind(), status.num_tasks)
}
