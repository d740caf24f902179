//! `tectum merge`: what the tasks of a plan have made becomes the whole, once all of it is there.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::OpenArgs;
use super::plan::{open_qc, reports};
use super::progress::Progress;
use super::qc::{Asked, FailOn, exit_code, is_worse, report, words};
use super::run::LimitArgs;
use crate::jobs::{JobPlan, JobWork, QcJob, QcPieces, Validate, finish_convert};
use crate::qc::Codes;
use crate::sweep::Checked;
use crate::write::{Start, Watch, interrupt};

/// Arguments of `tectum merge`.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// The plan whose tasks are done.
    pub plan: PathBuf,
    /// Compare so many regions of what was written, in random places, with the recording, or all of it, before it gets
    /// its name.
    #[arg(long, value_name = "N|all", default_value = "0")]
    pub validate: Validate,
    /// What it may use.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// A bar for the bytes that are written after the tasks.
struct Bar(Progress);

impl Watch for Bar {
    fn expect(&self, num_bytes: u64) {
        self.0.expect(num_bytes as usize);
    }

    fn advance(&self, num_bytes: u64) {
        self.0.advance(num_bytes as usize);
    }
}

/// Makes the whole.
///
/// # Errors
/// When tasks are missing: names them as `sbatch --array` takes them; or when it cannot be written.
pub fn run(args: &MergeArgs) -> Result<ExitCode> {
    let plan = JobPlan::read(&args.plan)?;
    let folder = plan.folder().with_context(|| args.plan.display().to_string())?;
    let shown = folder.place().path().display().to_string();
    if folder.is_merged() {
        super::said::note(&format!("{shown}: is whole already"));
        return Ok(ExitCode::SUCCESS);
    }
    interrupt::keep("what the tasks have made stays; merge it again");
    let limits = args.limits.apply();
    drop(folder.work()?);
    plan.refuse_changed()?;
    let missing = plan.records()?.missing(plan.num_pieces);
    if !missing.is_empty() {
        bail!("{shown}: tasks are missing: --array={}", plan.tasks_of(&missing));
    }
    match &plan.work {
        JobWork::Convert(convert) => {
            let bar = Bar(Progress::start());
            finish_convert(convert, &OpenArgs::default().options(), args.validate, &bar)?;
            Ok(ExitCode::SUCCESS)
        }
        JobWork::Qc(job) => merge_qc(job, plan.seconds_worked()?, limits.threads),
    }
}

fn merge_qc(job: &QcJob, seconds: f64, num_cores: usize) -> Result<ExitCode> {
    let (opened, place) = (open_qc(job)?, job.place()?);
    let outputs = reports(&job.outputs)?;
    let _held = place.begin(&job.key()?, Start::Resumed)?;
    let arrays: Vec<_> = opened.iter().map(|(_, array)| array.clone()).collect();
    let joined = QcPieces { job, arrays: &arrays, num_cores }.join()?;
    let fail_on = match job.outputs.fail_on.as_deref() {
        None => None,
        Some("warn") => Some(FailOn::Warn),
        Some("alarm") => Some(FailOn::Alarm),
        Some(other) => bail!("{other}: is no gravity; there are warn and alarm"),
    };
    let mut all = Vec::new();
    for (((part, array), channel), checked) in opened.iter().zip(&job.channels).zip(joined) {
        let [first, end] = channel.t;
        let (limits, limits_name) = (job.limits.clone(), job.limits_name.clone());
        // A report of a part says so; of all it does not.
        let range = ([first, end] != [0, array.info().shape[0]]).then_some(first..end);
        let checked = Checked { seconds, ..checked };
        let one = report(part, checked, &Asked { range, wanted: Codes::ALL, limits, limits_name });
        super::print(&words(&one))?;
        all.push(one);
    }
    outputs.write(&all)?;
    // The reports are there: what is left is of no use to anybody, and no harm.
    let _ = place.discard();
    Ok(exit_code(all.iter().any(|report| is_worse(report, fail_on))))
}
