//! `tectum plan`: long work fixed as tasks, and all that they write into prepared. Prints the plan.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::channels::parts;
use super::convert::ConvertArgs;
use super::qc::{Asked, FailOn, Format, Outputs, QcArgs, limits_of};
use super::said;
use super::split::SplitArgs;
use crate::array::LazyArray;
use crate::format::{OpenOptions, Source};
use crate::jobs::{self, Engine, JobPlan, JobWork, QcChannel, QcJob, QcOutputs, QcPieces};
use crate::qc::{Code, Codes};
use crate::sweep::{subject_without_clock, why_not_measured};
use crate::volume::Location;
use crate::write::{self, SourcePlan, state_of};

/// Arguments of `tectum plan`.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[command(subcommand)]
    what: What,
}

/// What is planned.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// A conversion.
    Convert(Box<PlanConvertArgs>),
    /// A recording cut into other blocks.
    Split(Box<PlanSplitArgs>),
    /// Measuring the quality of a recording.
    Qc(Box<PlanQcArgs>),
}

/// Into how many tasks work is cut.
#[derive(Clone, Debug, clap::Args)]
struct CutArgs {
    /// How many tasks; fewer where there are fewer pieces.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    #[arg(required_unless_present = "task_mb")]
    tasks: Option<u64>,
    /// Megabytes of voxels that a task deals with, instead of their number.
    #[arg(long, value_name = "MB", conflicts_with = "tasks", value_parser = clap::value_parser!(u64).range(1..))]
    task_mb: Option<u64>,
    /// Print the lines by which this engine plans, runs and merges, instead of the plan.
    #[arg(long, value_name = "ENGINE", value_parser = parse_engine)]
    emit: Option<Engine>,
}

/// Arguments of `tectum plan convert`.
#[derive(Debug, clap::Args)]
struct PlanConvertArgs {
    #[command(flatten)]
    convert: ConvertArgs,
    #[command(flatten)]
    cut: CutArgs,
}

/// Arguments of `tectum plan split`.
#[derive(Debug, clap::Args)]
struct PlanSplitArgs {
    #[command(flatten)]
    split: SplitArgs,
    #[command(flatten)]
    cut: CutArgs,
}

/// Arguments of `tectum plan qc`.
#[derive(Debug, clap::Args)]
struct PlanQcArgs {
    #[command(flatten)]
    qc: QcArgs,
    /// A report to write, as its ending says: .json, .csv or .html; may be repeated. The first of them tells where the
    /// work lies until it is whole.
    #[arg(short, long, value_name = "OUT")]
    out: Vec<PathBuf>,
    #[command(flatten)]
    cut: CutArgs,
}

fn parse_engine(text: &str) -> Result<Engine, String> {
    let found = Engine::ALL.into_iter().find(|engine| engine.name() == text);
    found.ok_or_else(|| format!("one of {}", Engine::ALL.map(Engine::name).join(", ")))
}

impl CutArgs {
    /// How many tasks deal with an array, or arrays, of so many bytes.
    fn num_tasks(&self, num_bytes: u64) -> u64 {
        let by_size = |mb: u64| num_bytes.div_ceil(mb.saturating_mul(1_000_000)).clamp(1, 1_000_000);
        self.tasks.or(self.task_mb.map(by_size)).unwrap_or(1)
    }
}

/// Plans, prepares and prints.
///
/// # Errors
/// When the source cannot be opened, or the target not be prepared.
pub fn run(args: &PlanArgs) -> Result<()> {
    let cut = match &args.what {
        What::Convert(args) => &args.cut,
        What::Split(args) => &args.cut,
        What::Qc(args) => &args.cut,
    };
    if let Some(engine) = cut.emit {
        let Some(num_tasks) = cut.tasks else { bail!("--emit: needs --tasks, which says how many are started") };
        return super::print(&engine.lines(&words(std::env::args().collect()), num_tasks));
    }
    let plan = match &args.what {
        What::Convert(args) => plan_convert(args.convert.plan()?, &args.convert.open.options(), &args.cut)?,
        What::Split(args) => {
            let options = args.split.open.options();
            plan_convert(args.split.plan(&options)?, &options, &args.cut)?
        }
        What::Qc(args) => plan_qc(args)?,
    };
    if let Some(asked) = cut.tasks.filter(|asked| *asked > plan.tasks.len() as u64) {
        said::note(&format!("{} tasks instead of {asked}: there are no more pieces", plan.tasks.len()));
    }
    super::print(&plan.to_json()?)
}

/// The words of this command line without `--emit`, and the program by its name.
fn words(all: Vec<String>) -> Vec<String> {
    let mut words = vec!["tectum".to_owned()];
    let mut rest = all.into_iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--emit" => drop(rest.next()),
            text if text.starts_with("--emit=") => {}
            _ => words.push(word),
        }
    }
    words
}

fn plan_convert(mut plan: write::Plan, standing: &OpenOptions, cut: &CutArgs) -> Result<JobPlan> {
    plan.target.location = absolute(&plan.target.location);
    let array = plan.array(standing)?;
    said::stopped_early(&*array);
    let voxels = plan.shape.iter().fold(1_u64, |n, &dim| n.saturating_mul(dim as u64));
    let num_tasks = cut.num_tasks(voxels.saturating_mul(array.info().dtype.num_bytes() as u64));
    let tasks = jobs::convert_tasks(&plan, num_tasks)?;
    for what in jobs::prepare_convert(&plan, standing)? {
        said::note(&format!("not carried over: {what}"));
    }
    let (num_pieces, files) = (plan.num_pieces, jobs::stamps(&[&*array]));
    Ok(JobPlan::new(JobWork::Convert(plan), num_pieces, tasks, files))
}

fn plan_qc(args: &PlanQcArgs) -> Result<JobPlan> {
    let qc = &args.qc;
    if qc.follow || qc.recursive {
        bail!("a plan is of one recording that is complete: --follow and --recursive have no tasks");
    }
    let outputs = outputs_of(args)?;
    let asked = asked(qc)?;
    let options = qc.open.options();
    let mut source = SourcePlan::new(qc.path.clone(), &options);
    // By the name it has wherever a task runs.
    let opened = crate::format::open(&source.location, &options)?;
    source.state = state_of(&*opened.source);
    let parts = parts(opened, &qc.channel, qc.open.dataset.is_some())?;
    let mut arrays: Vec<LazyArray> = Vec::new();
    let mut channels = Vec::new();
    for part in &parts {
        let info = part.opened.source.info();
        reports(&outputs)?.refuse_inside(info)?;
        let array = part.of(part.opened.source.clone())?;
        let subject = subject_without_clock(&array, None);
        if let Some(why) = why_not_measured(&subject) {
            bail!("{}: {why}", info.location);
        }
        let num_t = subject.shape[0];
        let t = asked.range.clone().unwrap_or(0..num_t);
        if t.start >= num_t {
            bail!("{}: has {num_t} timepoints, none from {} on", info.location, t.start);
        }
        channels.push(QcChannel { name: part.channel.clone(), shape: subject.shape, t: [t.start, t.end.min(num_t)] });
        arrays.push(array);
    }
    reports(&outputs)?.expect(&channels.iter().map(|channel| channel.name.clone()).collect::<Vec<_>>())?;
    let bytes = |array: &LazyArray| array.whole().shape().num_bytes(array.info().dtype).unwrap_or(usize::MAX) as u64;
    let num_tasks = args.cut.num_tasks(arrays.iter().map(bytes).fold(0, u64::saturating_add));
    let measures = Code::ALL.into_iter().filter(|code| asked.wanted.has(*code)).map(|code| code.name().to_owned());
    let mut job = QcJob {
        source,
        asked_channels: qc.channel.clone(),
        channels,
        piece_t: 0,
        halo_t: 0,
        measures: measures.collect(),
        limits: asked.limits,
        limits_name: asked.limits_name,
        outputs,
    };
    job.cut(&arrays, num_tasks);
    QcPieces { job: &job, arrays: &arrays, num_cores: jobs::limits_of_job(None, None).threads }.prepare()?;
    let sources: Vec<&dyn Source> = arrays.iter().map(|array| &**array.source()).collect();
    let (files, num_pieces, tasks) = (jobs::stamps(&sources), job.pieces().len() as u64, job.tasks(num_tasks));
    Ok(JobPlan::new(JobWork::Qc(job), num_pieces, tasks, files))
}

fn asked(qc: &QcArgs) -> Result<Asked> {
    let (limits, limits_name) = limits_of(qc)?;
    Ok(Asked { range: qc.t.clone(), wanted: qc.only.unwrap_or(Codes::ALL), limits, limits_name })
}

/// The reports that were asked for, by their endings or their options, with names that hold wherever a task runs.
fn outputs_of(args: &PlanQcArgs) -> Result<QcOutputs> {
    let absolute = |path: &Path| std::path::absolute(path).with_context(|| path.display().to_string());
    let [mut json, mut csv, mut html] = [args.qc.json.clone(), args.qc.csv.clone(), args.qc.html.clone()];
    for out in &args.out {
        let place = match out.extension().and_then(|extension| extension.to_str()) {
            Some("json") => &mut json,
            Some("csv") => &mut csv,
            Some("html") => &mut html,
            _ => bail!("{}: --out: give a name that ends in .json, .csv or .html", out.display()),
        };
        if place.replace(out.clone()).is_some() {
            bail!("{}: --out: there is another one of its kind", out.display());
        }
    }
    let paths = [json, csv, html].map(|path| {
        if path.as_ref().is_some_and(|path| path.as_os_str() == "-") {
            bail!("a plan's report goes into a file, which the merge writes; - is none");
        }
        path.as_deref().map(absolute).transpose()
    });
    let [json, csv, html] = paths;
    let (json, csv, html) = (json?, csv?, html?);
    if json.is_none() && csv.is_none() && html.is_none() {
        bail!("--out: say which report is to be written: -o OUT.json, -o OUT.csv or -o OUT.html");
    }
    let format = match args.qc.format {
        Format::Tectum => "tectum",
        Format::Aind => "aind",
    };
    let fail_on = args.qc.fail_on.map(|fail_on| if fail_on == FailOn::Warn { "warn" } else { "alarm" }.to_owned());
    let outputs = QcOutputs { json, csv, html, format: format.to_owned(), force: args.qc.force, fail_on };
    reports(&outputs)?;
    Ok(outputs)
}

/// The reports of a plan, looked at whether they can be written.
///
/// # Errors
/// For one that cannot.
pub fn reports(outputs: &QcOutputs) -> Result<Outputs> {
    let format = match outputs.format.as_str() {
        "tectum" => Format::Tectum,
        "aind" => Format::Aind,
        other => bail!("{other}: is no format of a report; there are tectum and aind"),
    };
    Outputs::of([&outputs.json, &outputs.csv, &outputs.html], format, outputs.force)
}

/// A recording as its plan has it: the channels that are measured, each as (t, z, y, x).
///
/// # Errors
/// When it cannot be opened, or is not what it was.
pub fn open_qc(job: &QcJob) -> Result<Vec<(super::channels::Part, LazyArray)>> {
    let opened = crate::format::open(&job.source.location, &job.source.options(&super::OpenArgs::default().options()))?;
    if state_of(&*opened.source) != job.source.state {
        bail!("{}: has changed since the plan was made; make the plan anew", job.source.location);
    }
    let parts = parts(opened, &job.asked_channels, job.source.dataset.is_some())?;
    let of = |part: super::channels::Part| -> Result<_> {
        let array = part.of(part.opened.source.clone())?;
        Ok((part, array))
    };
    let all = parts.into_iter().map(of).collect::<Result<Vec<_>>>()?;
    let is_same = |((part, array), channel): (&(_, LazyArray), &QcChannel)| {
        let part: &super::channels::Part = part;
        part.channel == channel.name && array.info().shape == channel.shape
    };
    if all.len() != job.channels.len() || !all.iter().zip(&job.channels).all(is_same) {
        bail!("{}: has other channels than the plan says; make the plan anew", job.source.location);
    }
    Ok(all)
}

/// A location that is the same wherever the program is started.
fn absolute(location: &Location) -> Location {
    match location.path().map(std::path::absolute) {
        Some(Ok(path)) => path.into(),
        _ => location.clone(),
    }
}
