//! The files reports are written into: whole or not at all, never in a recording's folder.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::QcArgs;
use crate::qc::Report;
use crate::report;
use crate::volume::ArrayInfo;
use crate::write::{Output, check_name, refuse_inside};

/// What the JSON is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The program's own.
    #[default]
    Tectum,
    /// quality_control.json of aind-data-schema.
    Aind,
}

/// Where a report goes.
pub struct Outputs {
    files: Vec<(Kind, PathBuf)>,
    format: Format,
    is_forced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Csv,
    Html,
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Html => "html",
        }
    }
}

impl Outputs {
    /// Looks whether all of them can be written, before anything is measured.
    ///
    /// # Errors
    /// For a name that cannot be written, and for two that would both be stdout.
    pub fn new(args: &QcArgs) -> Result<Self> {
        Self::of([&args.json, &args.csv, &args.html], args.format, args.force)
    }

    /// The same of a JSON, a CSV and a page.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(paths: [&Option<PathBuf>; 3], format: Format, is_forced: bool) -> Result<Self> {
        let wanted = [Kind::Json, Kind::Csv, Kind::Html].into_iter().zip(paths);
        let files: Vec<(Kind, PathBuf)> = wanted.filter_map(|(kind, path)| Some((kind, path.clone()?))).collect();
        for (kind, path) in files.iter().filter(|(_, path)| !is_stdout(path)) {
            check_name(path, kind.suffix(), is_forced).with_context(|| format!("--{}", kind.suffix()))?;
        }
        if files.iter().filter(|(_, path)| is_stdout(path)).count() > 1 {
            bail!("only one of --json, --csv and --html can go to stdout");
        }
        Ok(Self { files, format, is_forced })
    }

    /// Refuses those that would lie in the recording's folder.
    ///
    /// # Errors
    /// If one would.
    pub fn refuse_inside(&self, info: &ArrayInfo) -> Result<()> {
        for (kind, path) in self.files.iter().filter(|(_, path)| !is_stdout(path)) {
            refuse_inside(path, info).with_context(|| format!("--{}", kind.suffix()))?;
        }
        Ok(())
    }

    /// Whether one of them is stdout, where nothing else may be said then.
    pub fn take_stdout(&self) -> bool {
        self.files.iter().any(|(_, path)| is_stdout(path))
    }

    /// Looks whether the pages of these channels can be written, before anything is measured.
    ///
    /// # Errors
    /// For a name that cannot be written, and for several pages that would all be stdout.
    pub fn expect(&self, channels: &[Option<String>]) -> Result<()> {
        let several = self.files.iter().filter(|(kind, _)| *kind == Kind::Html && channels.len() > 1);
        for (_, path) in several {
            if is_stdout(path) {
                bail!("--html: each channel has a page of its own; --channel says which one goes to stdout");
            }
            for path in channel_paths(path, channels) {
                check_name(&path, Kind::Html.suffix(), self.is_forced).context("--html")?;
            }
        }
        Ok(())
    }

    /// Writes the reports of all channels.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, reports: &[Report]) -> Result<()> {
        for (kind, path) in &self.files {
            match kind {
                Kind::Json => self.write_text(*kind, path, &(self.json(reports)? + "\n"))?,
                Kind::Csv => self.write_text(*kind, path, &report::csv(reports)?)?,
                Kind::Html => {
                    let channels: Vec<_> = reports.iter().map(|report| report.channel.clone()).collect();
                    for (report, path) in reports.iter().zip(channel_paths(path, &channels)) {
                        self.write_text(*kind, &path, &report::page(report))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn json(&self, reports: &[Report]) -> serde_json::Result<String> {
        match (self.format, reports) {
            (Format::Tectum, [report]) => serde_json::to_string(&report::Json(report)),
            (Format::Tectum, reports) => serde_json::to_string(&report::Channels::of(reports)),
            (Format::Aind, reports) => serde_json::to_string(&report::aind(reports)),
        }
    }

    fn write_text(&self, kind: Kind, path: &Path, text: &str) -> Result<()> {
        if is_stdout(path) {
            return super::super::print(text);
        }
        let mut output = Output::create(path, self.is_forced).with_context(|| format!("--{}", kind.suffix()))?;
        output.file().write_all(text.as_bytes()).with_context(|| format!("{}: cannot write", path.display()))?;
        output.finish().with_context(|| format!("--{}", kind.suffix()))?;
        Ok(())
    }
}

/// Where the pages of channels go: that of the only one to the path itself.
fn channel_paths(path: &Path, channels: &[Option<String>]) -> Vec<PathBuf> {
    if channels.len() < 2 || is_stdout(path) {
        return vec![path.to_owned()];
    }
    let (stem, mut names) = (path.file_stem().unwrap_or_default().to_string_lossy(), HashSet::new());
    let of = |channel: &Option<String>| {
        let named = format!("{stem}-{}", channel.as_deref().unwrap_or_default());
        path.with_file_name(unused(&named, &mut names))
    };
    channels.iter().map(of).collect()
}

/// A name for a page that no other one has, of letters that every system takes.
pub fn unused(name: &str, names: &mut HashSet<String>) -> String {
    let letter = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let stem: String = name.chars().map(letter).take(120).collect();
    let stem = stem.trim_start_matches('.');
    let numbered = |i: usize| if i == 1 { format!("{stem}.html") } else { format!("{stem}-{i}.html") };
    // Systems that do not tell large letters from small ones would keep one of two.
    let name = (1..).map(numbered).find(|name| names.insert(name.to_lowercase()));
    name.unwrap_or_default()
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}
