//! Every recording below a folder, measured one after the other: a page about all of them, beside it a table, and
//! in a folder of the same name the report of each.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::super::channels::Part;
use super::QcArgs;
use super::measure::{Asked, measure};
use super::outputs::unused;
use crate::format::{FoundRecording, SearchBounds, search};
use crate::qc::Report;
use crate::report::{self, Entry, Study};
use crate::write::{Output, check_name};

/// Where the page goes, and what lies beside it.
struct Places {
    page: PathBuf,
    table: PathBuf,
    reports: PathBuf,
    is_forced: bool,
}

impl Places {
    fn of(page: &Path, is_forced: bool) -> Result<Self> {
        check_name(page, "html", is_forced).context("--html")?;
        let table = page.with_extension("tsv");
        check_name(&table, "tsv", is_forced).context("--html")?;
        let reports = page.with_extension("");
        if reports.exists() && !is_forced {
            bail!("{}: exists; --force replaces the reports in it", reports.display());
        }
        Ok(Self { page: page.to_owned(), table, reports, is_forced })
    }

    /// Refuses to write into the folder of a recording.
    fn refuse_inside(&self, found: &[FoundRecording]) -> Result<()> {
        let page = std::path::absolute(&self.page).context("--html")?;
        let folder = page.parent().unwrap_or(&page);
        let folder = folder.canonicalize().with_context(|| format!("{}: cannot write here", folder.display()))?;
        for path in found.iter().filter_map(|recording| recording.location.path()) {
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            if path.is_dir() && folder.starts_with(&path) {
                bail!("{}: lies in a recording's own folder; choose another place", self.page.display());
            }
        }
        Ok(())
    }

    /// Writes the report of one recording, and says where it is to be found from the page.
    fn write_report(&self, report: &Report, name: &str) -> Result<String> {
        std::fs::create_dir_all(&self.reports)
            .with_context(|| format!("{}: cannot be made", self.reports.display()))?;
        write(&self.reports.join(name), &report::page(report), self.is_forced)?;
        let folder = self.reports.file_name().unwrap_or_default().to_string_lossy();
        Ok(format!("{}/{}", escaped(&folder), escaped(name)))
    }

    fn write_study(&self, study: &Study) -> Result<()> {
        write(&self.page, &report::study(study), self.is_forced)?;
        write(&self.table, &report::tsv(study), self.is_forced)
    }
}

/// Measures all recordings below a folder and says how each is. Returns whether one of them is worse than
/// `fail_on`, or cannot be read where that was asked at all.
///
/// # Errors
/// When there is no recording, or a file cannot be written.
pub fn run(args: &QcArgs, asked: &Asked) -> Result<bool> {
    let Some(root) = args.path.path() else { bail!("{}: --recursive needs a folder of this machine", args.path) };
    let places = args.html.as_ref().map(|page| Places::of(page, args.force)).transpose()?;
    let begin = Instant::now();
    let (found, is_complete) = recordings(root)?;
    if let Some(places) = &places {
        places.refuse_inside(&found)?;
    }
    let (mut entries, mut is_worse, mut names) = (Vec::new(), false, HashSet::new());
    for (i, recording) in found.iter().enumerate() {
        let name = name_of(root, recording);
        eprintln!("{} of {}: {name}", i + 1, found.len());
        for (name, report) in measure_one(recording, &name, args, asked) {
            let page = unused(&name, &mut names);
            entries.push(match report {
                Ok(mut report) => {
                    is_worse |= super::is_worse(&report, args.fail_on);
                    report.name.clone_from(&name);
                    super::super::print(&line(&report))?;
                    let link = places.as_ref().map(|places| places.write_report(&report, &page)).transpose()?;
                    Entry::of(&report, link)
                }
                Err(error) => {
                    is_worse |= args.fail_on.is_some();
                    let reason = format!("{error:#}");
                    super::super::print(&format!("? {name}: {reason}\n"))?;
                    Entry::failed(&name, &recording.location.to_string(), &reason)
                }
            });
        }
    }
    if let Some(places) = &places {
        let seconds = begin.elapsed().as_secs_f64();
        places.write_study(&study(root, entries, asked, seconds, is_complete))?;
    }
    Ok(is_worse)
}

fn recordings(root: &Path) -> Result<(Vec<FoundRecording>, bool)> {
    if !root.is_dir() {
        bail!("{}: --recursive needs a folder", root.display());
    }
    let mut found = Vec::new();
    let is_complete = search(root, SearchBounds::WIDE, &AtomicBool::new(false), |recording| found.push(recording));
    if found.is_empty() {
        bail!("{}: no recording lies in it or below it", root.display());
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((found, is_complete))
}

/// Each channel of a recording under a name of its own, and what came of it.
fn measure_one(recording: &FoundRecording, name: &str, args: &QcArgs, asked: &Asked) -> Vec<(String, Result<Report>)> {
    let opened = crate::format::open(&recording.location, &args.open.options());
    let parts = opened.map_err(anyhow::Error::from).and_then(|opened| super::wanted(args, opened));
    let named = |part: &Part| match &part.channel {
        Some(channel) => format!("{name} ({channel})"),
        None => name.to_owned(),
    };
    match parts {
        Ok(parts) => parts.iter().map(|part| (named(part), measure(part, asked))).collect(),
        Err(error) => vec![(name.to_owned(), Err(error))],
    }
}

fn study(root: &Path, entries: Vec<Entry>, asked: &Asked, seconds: f64, is_complete: bool) -> Study {
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let left_out = (!is_complete).then(|| "the search ended before every folder was looked into".to_owned());
    Study {
        place: absolute.display().to_string(),
        entries,
        limits: asked.limits.clone(),
        limits_name: asked.limits_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_s: std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64()),
        seconds,
        num_cores: rayon::current_num_threads(),
        left_out,
    }
}

/// What a recording is called among others: the folders that tell it from them, without that of its blocks.
fn name_of(root: &Path, recording: &FoundRecording) -> String {
    match recording.name.as_str() {
        "." => {
            let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
            absolute.file_name().unwrap_or_default().to_string_lossy().into_owned()
        }
        name => name.strip_suffix("/original").unwrap_or(name).to_owned(),
    }
}

/// A name as a part of an address.
fn escaped(name: &str) -> String {
    let byte = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// "● 30.0 of 30.0 min (100 %)  fish1".
fn line(report: &Report) -> String {
    let head = super::words::words(report);
    let usable = head.lines().nth(1).unwrap_or_default().trim().to_owned();
    format!("{usable}  {}\n", report.name)
}

fn write(path: &Path, text: &str, is_forced: bool) -> Result<()> {
    let mut output = Output::create(path, is_forced).context("--html")?;
    output.file().write_all(text.as_bytes()).with_context(|| format!("{}: cannot write", path.display()))?;
    output.finish().context("--html")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_safe_and_each_is_another() {
        let mut names = HashSet::new();
        let given = ["fish1/exp", "Fish1_exp", "../x", "a b?.h5"].map(|name| unused(name, &mut names));
        assert_eq!(given, ["fish1_exp.html", "Fish1_exp-2.html", "_x.html", "a_b_.h5.html"]);
        assert_eq!(escaped("Zürich #1.html"), "Z%C3%BCrich%20%231.html");
    }
}
