//! `tectum qc`: whether a recording is good, in words, as JSON, CSV or a page.

mod cohort;
mod follow;
mod measure;
mod outputs;
mod words;

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use self::measure::measure;
pub(super) use self::measure::{Asked, report};
pub(super) use self::outputs::{Format, Outputs};
pub(super) use self::words::words;
use super::OpenArgs;
use super::channels::{Part, parts};
use crate::format::Opened;
use crate::qc::{Code, Codes, Gravity, Limits, Report};
use crate::volume::Location;

/// Exit code of a recording that is worse than was asked for.
const WORSE: u8 = 3;

/// Arguments of `tectum qc`.
#[derive(Debug, clap::Args)]
pub struct QcArgs {
    /// Folder, file or URL of a recording.
    pub path: Location,
    /// How to open it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// A channel to measure, by its name or its index from 0 (`tectum info` lists them); may be repeated. Every
    /// channel is measured without it, or the one that --dataset names.
    #[arg(short, long, value_name = "NAME")]
    pub channel: Vec<String>,
    /// Write everything measured as JSON; - for stdout. Of several channels it is a list of what each would be.
    #[arg(long, value_name = "OUT.json")]
    pub json: Option<PathBuf>,
    /// Write the measures of every timepoint as a table; - for stdout.
    #[arg(long, value_name = "OUT.csv")]
    pub csv: Option<PathBuf>,
    /// Write a report to be read in a browser and printed, complete in one file; - for stdout. Of several channels
    /// each gets its own: OUT-NAME.html.
    #[arg(long, value_name = "OUT.html")]
    pub html: Option<PathBuf>,
    /// Replace files that exist.
    #[arg(long)]
    pub force: bool,
    /// What the JSON is like: the program's own, or the quality_control.json of aind-data-schema.
    #[arg(long, value_enum, default_value_t = Format::Tectum, requires = "json")]
    pub format: Format,
    /// End with exit code 3 where there is a warning or an alarm.
    #[arg(long, value_name = "SEVERITY", value_enum)]
    pub fail_on: Option<FailOn>,
    /// Timepoints to measure, first:behind the last.
    #[arg(long, value_name = "A:B", value_parser = parse_range)]
    pub t: Option<Range<usize>>,
    /// Measures, by name, with commas between; all without it.
    #[arg(long, value_name = "CODES", value_parser = parse_codes)]
    pub only: Option<Codes>,
    /// Limits: a JSON file, or the name of a rig profile.
    #[arg(long, value_name = "FILE")]
    pub limits: Option<PathBuf>,
    /// Keep watching a recording that is being written: one line of JSON for each block and each new alarm, and
    /// the report when it ends.
    #[arg(long, conflicts_with_all = ["t", "csv"])]
    pub follow: bool,
    /// Measure every recording in PATH and in the folders below it. --html writes one page about all of them, a
    /// table (.tsv) beside it, and the report of each into a folder of the same name.
    #[arg(long, conflicts_with_all = ["follow", "json", "csv", "t"])]
    pub recursive: bool,
}

/// What makes the exit code tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Warnings and alarms.
    Warn,
    /// Alarms.
    Alarm,
}

/// Measures a recording and says how it is.
///
/// # Errors
/// When nothing of it can be measured, or a file cannot be written.
pub fn run(args: &QcArgs) -> Result<ExitCode> {
    let (limits, limits_name) = limits_of(args)?;
    let asked = Asked { range: args.t.clone(), wanted: args.only.unwrap_or(Codes::ALL), limits, limits_name };
    if args.recursive {
        return Ok(exit_code(cohort::run(args, &asked)?));
    }
    let outputs = Outputs::new(args)?;
    if args.follow {
        let reports = follow::follow(&args.path, &args.open.options(), &asked, &|opened| wanted(args, opened))?;
        outputs.expect(&reports.iter().map(|report| report.channel.clone()).collect::<Vec<_>>())?;
        outputs.write(&reports)?;
        return Ok(exit_code(reports.iter().any(|report| is_worse(report, args.fail_on))));
    }
    let parts = wanted(args, crate::format::open(&args.path, &args.open.options())?)?;
    parts.iter().try_for_each(|part| outputs.refuse_inside(part.opened.source.info()))?;
    outputs.expect(&parts.iter().map(|part| part.channel.clone()).collect::<Vec<_>>())?;
    let is_stdout_taken = outputs.take_stdout();
    let mut reports = Vec::new();
    for part in &parts {
        let report = measure(part, &asked)?;
        if !is_stdout_taken {
            super::print(&words(&report))?;
        }
        reports.push(report);
    }
    outputs.write(&reports)?;
    Ok(exit_code(reports.iter().any(|report| is_worse(report, args.fail_on))))
}

/// The channels that are to be measured.
fn wanted(args: &QcArgs, opened: Opened) -> Result<Vec<Part>> {
    parts(opened, &args.channel, args.open.dataset.is_some())
}

pub(super) fn exit_code(is_worse: bool) -> ExitCode {
    if is_worse { ExitCode::from(WORSE) } else { ExitCode::SUCCESS }
}

/// Whether a recording is worse than was asked for.
pub(super) fn is_worse(report: &Report, fail_on: Option<FailOn>) -> bool {
    let worst = report.alarms.iter().map(|alarm| alarm.gravity).max();
    match fail_on {
        None => false,
        Some(FailOn::Warn) => worst.is_some(),
        Some(FailOn::Alarm) => worst == Some(Gravity::Alarm),
    }
}

/// The limits that were asked for, and what they are called.
pub(super) fn limits_of(args: &QcArgs) -> Result<(Limits, String)> {
    let Some(path) = &args.limits else { return Ok((Limits::default(), "default".to_owned())) };
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: --limits", path.display()))?;
    let limits = Limits::read(&text).map_err(|reason| anyhow!("{}: --limits: {reason}", path.display()))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((limits, name))
}

fn parse_range(text: &str) -> Result<Range<usize>> {
    let Some((start, stop)) = text.split_once(':') else { bail!("give first:behind the last, such as 0:100") };
    let number = |text: &str, default: usize| match text.trim() {
        "" => Ok(default),
        text => text.parse::<usize>().with_context(|| format!("{text} is no timepoint")),
    };
    let range = number(start, 0)?..number(stop, usize::MAX)?;
    if range.is_empty() {
        bail!("{text} holds no timepoint");
    }
    Ok(range)
}

fn parse_codes(text: &str) -> Result<Codes> {
    let code = |name: &str| {
        let known = || Code::ALL.map(Code::name).join(", ");
        Code::from_name(name.trim()).with_context(|| format!("{name} is no measure; there are {}", known()))
    };
    text.split(',').map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_codes_are_read_as_they_are_written() {
        assert_eq!(parse_range("3:7").unwrap(), 3..7);
        assert_eq!(parse_range(":7").unwrap(), 0..7);
        assert_eq!(parse_range("3:").unwrap(), 3..usize::MAX);
        for text in ["7:3", "4", "a:b", "-1:4", "5:5"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
        let codes = parse_codes("motion, focus").unwrap();
        assert!(codes.has(Code::Motion) && codes.has(Code::Focus) && !codes.has(Code::Stripes));
        assert!(parse_codes("motion,fokus").unwrap_err().to_string().contains("fokus is no measure"));
    }
}
