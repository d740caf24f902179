//! From an open recording to the report about it.

use std::ops::Range;

use anyhow::{Result, bail};

use super::super::channels::Part;
use super::super::progress::Progress;
use crate::format::{Opened, identity_of};
use crate::qc::{Codes, Evidence, Limits, Provenance, Report, judge};
use crate::sweep::{CheckOptions, Checked, check, subject_of, why_not_measured};

/// What is to be measured, and against what it is judged.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Timepoints; all without it.
    pub range: Option<Range<usize>>,
    /// Measures.
    pub wanted: Codes,
    /// Limits.
    pub limits: Limits,
    /// What they are called.
    pub limits_name: String,
}

/// Measures a recording on all cores, with a bar on a terminal.
///
/// # Errors
/// When it holds nothing that could be measured.
pub fn measure(part: &Part, asked: &Asked) -> Result<Report> {
    let opened = &part.opened;
    let array = part.of(opened.source.clone())?;
    let subject = subject_of(&array, None);
    let num_t = subject.shape[0];
    if let Some(range) = asked.range.as_ref().filter(|range| range.start >= num_t) {
        bail!("{}: has {num_t} timepoints, none from {} on", opened.source.info().location, range.start);
    }
    if let Some(why) = why_not_measured(&subject) {
        bail!("{}: {why}", opened.source.info().location);
    }
    let progress = Progress::start();
    let options = CheckOptions { range: asked.range.clone(), wanted: asked.wanted, ..CheckOptions::default() };
    let checked = check(&array, &subject, &options, |done, of| {
        progress.expect(of);
        progress.reach(done);
        true
    });
    drop(progress);
    let Some(checked) = checked else { bail!("{}: was not measured", opened.source.info().location) };
    Ok(report(part, checked, asked))
}

/// The report about what was measured.
pub fn report(part: &Part, checked: Checked, asked: &Asked) -> Report {
    let opened = &part.opened;
    let info = opened.source.info();
    let Checked { subject, table, figures, missing, pictures, broken_blocks, num_bytes, seconds } = checked;
    let evidence = Evidence { subject: &subject, table: &table, figures: &figures, missing: &missing };
    let verdict = judge(&evidence, &asked.limits);
    let num_t = subject.shape[0];
    let range = asked.range.clone().unwrap_or(0..num_t);
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        limits_name: asked.limits_name.clone(),
        limits: asked.limits.clone(),
        identity: identity_of(opened),
        range: [range.start.min(num_t), range.end.min(num_t)],
        num_bytes,
        seconds,
        made_s: std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64()),
        num_cores: rayon::current_num_threads(),
        recorded_s: recorded_s(opened),
        blocks: blocks(opened, &broken_blocks),
    };
    Report {
        name: name_of(part),
        channel: part.channel.clone(),
        path: info.location.to_string(),
        subject,
        table,
        figures,
        missing,
        alarms: verdict.alarms,
        usable: if asked.range.is_some() { verdict.usable.of_measured() } else { verdict.usable },
        lost: verdict.lost,
        pictures,
        provenance,
    }
}

/// What was measured, by its channel where that is one of several.
fn name_of(part: &Part) -> String {
    let name = &part.opened.source.info().name;
    let channel = part.channel.as_ref().map(|channel| format!(" ({channel})"));
    let missing = channel.filter(|channel| !name.ends_with(channel.as_str()));
    format!("{name}{}", missing.unwrap_or_default())
}

/// When the first and the last block were written, seconds since 1970.
fn recorded_s(opened: &Opened) -> Option<[f64; 2]> {
    let growing = opened.growing.as_ref()?;
    let num = opened.source.info().num_blocks;
    let seconds = |piece: usize| {
        let time = growing.piece_times(piece..piece + 1).into_iter().next().flatten()?;
        Some(time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?.as_secs_f64())
    };
    Some([seconds(0)?, seconds(num.checked_sub(1)?)?])
}

/// Blocks that are whole, of how many; nothing for a single file.
fn blocks(opened: &Opened, broken: &[usize]) -> Option<[usize; 2]> {
    let num = opened.source.pieces().len();
    let num_broken = broken.iter().filter(|block| **block < num).count();
    (num > 0).then_some([num - num_broken, num])
}
