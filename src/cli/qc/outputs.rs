//! The files a report is written into: whole or not at all, never in a recording's folder.

use std::cell::Cell;
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
    is_stdout_taken: Cell<bool>,
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
        let wanted = [(Kind::Json, &args.json), (Kind::Csv, &args.csv), (Kind::Html, &args.html)];
        let files: Vec<(Kind, PathBuf)> =
            wanted.into_iter().filter_map(|(kind, path)| Some((kind, path.clone()?))).collect();
        for (kind, path) in files.iter().filter(|(_, path)| !is_stdout(path)) {
            check_name(path, kind.suffix(), args.force).with_context(|| format!("--{}", kind.suffix()))?;
        }
        if files.iter().filter(|(_, path)| is_stdout(path)).count() > 1 {
            bail!("only one of --json, --csv and --html can go to stdout");
        }
        Ok(Self { files, format: args.format, is_forced: args.force, is_stdout_taken: Cell::new(false) })
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
        self.is_stdout_taken.set(self.files.iter().any(|(_, path)| is_stdout(path)));
        self.is_stdout_taken.get()
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, report: &Report) -> Result<()> {
        for (kind, path) in &self.files {
            let text = match kind {
                Kind::Json => {
                    let text = match self.format {
                        Format::Tectum => serde_json::to_string(&report::Json(report)),
                        Format::Aind => serde_json::to_string(&report::aind(report)),
                    };
                    text? + "\n"
                }
                Kind::Csv => report::csv(report)?,
                Kind::Html => report::page(report),
            };
            if is_stdout(path) {
                super::super::print(&text)?;
                continue;
            }
            let mut output = Output::create(path, self.is_forced).with_context(|| format!("--{}", kind.suffix()))?;
            output.file().write_all(text.as_bytes()).with_context(|| format!("{}: cannot write", path.display()))?;
            output.finish().with_context(|| format!("--{}", kind.suffix()))?;
        }
        Ok(())
    }
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}
