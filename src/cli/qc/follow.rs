//! `tectum qc --follow`: a running recording, measured as it grows, told to a program in lines of JSON.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::measure::{Asked, report};
use crate::array::LazyArray;
use crate::format::{OpenOptions, Opened, Source};
use crate::live::{LiveEvent, LiveState, WatchConfig, Watcher};
use crate::qc::{Alarm, Code, Derived, Evidence, Gravity, Report, judge_with};
use crate::sweep::{Checked, Checker, NoLender, Snapshot, subject_of};
use crate::volume::Location;
use crate::write::interrupt;

/// Looked at again this often, whatever wakes or does not.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Follows a recording until it ends; the report of all of it.
///
/// # Errors
/// When nothing of it can be measured, or stdout is closed.
pub fn follow(location: &Location, options: &OpenOptions, asked: &Asked) -> Result<Report> {
    interrupt::watch();
    let (waker, woken) = crossbeam_channel::bounded::<()>(1);
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        // One that waits already is enough.
        let _ = waker.try_send(());
    });
    let opened = crate::format::open(location, options);
    let growing = match opened {
        Ok(opened) => match opened.growing {
            Some(growing) => Some(growing),
            None => bail!("{location}: cannot grow; measure it without --follow"),
        },
        // It may yet appear.
        Err(_) => None,
    };
    let mut following = Following {
        asked,
        checker: None,
        array: None,
        told: Told::default(),
        derived: Derived::default(),
        begun: Instant::now(),
        wake: Arc::clone(&wake),
    };
    if let Some(growing) = &growing {
        following.begin(Arc::clone(growing) as Arc<dyn Source>, None);
    }
    let watcher = Watcher::start(location.clone(), options.clone(), growing, WatchConfig::default(), wake);
    loop {
        let _ = woken.recv_timeout(LOOK_EVERY);
        let events = watcher.drain();
        let status = watcher.status();
        for event in events {
            following.take(event, status.expected_end)?;
        }
        let has_ended = matches!(status.state, LiveState::Finished | LiveState::StoppedEarly { .. });
        if let Some(checker) = &following.checker {
            // What is being written comes first; of what has ended nothing more is waited for.
            checker.set_live(!has_ended);
        }
        following.tell()?;
        if has_ended && let Some(snapshot) = following.finished() {
            let opened = crate::format::open(location, options)?;
            return following.report(&opened, &snapshot);
        }
    }
}

/// What is being followed.
struct Following<'a> {
    asked: &'a Asked,
    checker: Option<Checker>,
    array: Option<Arc<LazyArray>>,
    told: Told,
    /// What follows from the table, kept from one snapshot to the next.
    derived: Derived,
    begun: Instant,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// What has been said already.
#[derive(Default)]
struct Told {
    version: Option<u64>,
    /// Timepoints measured.
    done: usize,
    alarms: BTreeSet<(Code, Gravity, usize)>,
}

impl Following<'_> {
    fn begin(&mut self, source: Arc<dyn Source>, planned: Option<usize>) {
        let array = Arc::new(LazyArray::new(source));
        let subject = subject_of(&array, planned);
        let wake = Arc::clone(&self.wake);
        self.checker = Some(Checker::start(Arc::clone(&array), subject, self.asked.wanted, Arc::new(NoLender), wake));
        self.array = Some(array);
        self.told = Told::default();
    }

    fn take(&mut self, event: LiveEvent, planned: Option<usize>) -> Result<()> {
        match event {
            LiveEvent::Opened(source) => self.begin(source, planned),
            LiveEvent::Replaced(source) => {
                say(&json!({ "event": "restarted" }))?;
                self.begin(source, planned);
            }
            LiveEvent::Changed { source, stale } => {
                let (Some(array), Some(checker)) = (&mut self.array, &self.checker) else { return Ok(()) };
                let grown = Arc::new(array.grown(source));
                let ranges: Vec<[usize; 2]> = stale
                    .iter()
                    .map(|indices| grown.region_of(indices))
                    .map(|region| [region.start()[0], region.stop()[0]])
                    .collect();
                checker.extend(Arc::clone(&grown), subject_of(&grown, planned), &ranges);
                *array = grown;
            }
            LiveEvent::Gone => say(&json!({ "event": "gone" }))?,
            LiveEvent::Status => {}
        }
        Ok(())
    }

    /// Says what is new: timepoints that were measured, and alarms.
    fn tell(&mut self) -> Result<()> {
        let Some(snapshot) = self.checker.as_ref().map(Checker::snapshot) else { return Ok(()) };
        if self.told.version == Some(snapshot.version) {
            return Ok(());
        }
        self.told.version = Some(snapshot.version);
        self.derived.update(&snapshot.table, &snapshot.figures);
        let verdict = judge_with(&evidence(&snapshot), &self.derived, &self.asked.limits);
        let done = snapshot.table.num_complete();
        if done != self.told.done {
            say(&json!({
                "event": "block",
                "measured": done,
                "of": snapshot.subject.shape[0],
                "planned": snapshot.subject.planned_t,
                "usable": verdict.usable.volumes,
                "expected": verdict.usable.expected,
                "behind_s": snapshot.progress.behind_s,
            }))?;
            self.told.done = done;
        }
        for alarm in &verdict.alarms {
            if self.told.alarms.insert((alarm.code, alarm.gravity, alarm.t[0])) {
                say(&alarm_line(alarm))?;
            }
        }
        Ok(())
    }

    /// What is known, once all there is has been measured.
    fn finished(&self) -> Option<Arc<Snapshot>> {
        let snapshot = self.checker.as_ref()?.snapshot();
        let num_t = self.array.as_ref()?.info().shape[0];
        let is_all = snapshot.subject.shape[0] == num_t && snapshot.table.num_complete() == num_t;
        (is_all || snapshot.progress.failure.is_some()).then_some(snapshot)
    }

    fn report(&self, opened: &Opened, snapshot: &Snapshot) -> Result<Report> {
        if let Some(failure) = &snapshot.progress.failure {
            bail!("{}: {failure}", opened.source.info().location);
        }
        let num_voxels = snapshot.subject.shape.iter().map(|len| *len as u64).product::<u64>();
        let num_bytes = num_voxels * snapshot.subject.dtype.num_bytes() as u64;
        let subject = crate::qc::Subject { planned_t: None, ..snapshot.subject.clone() };
        let checked = Checked {
            subject,
            table: snapshot.table.clone(),
            figures: snapshot.figures.clone(),
            missing: snapshot.missing.clone(),
            pictures: snapshot.pictures.as_deref().cloned(),
            num_bytes,
            seconds: self.begun.elapsed().as_secs_f64(),
        };
        let report = report(opened, checked, self.asked);
        say(&json!({ "event": "report", "report": crate::report::json(&report) }))?;
        Ok(report)
    }
}

fn evidence(snapshot: &Snapshot) -> Evidence<'_> {
    Evidence {
        subject: &snapshot.subject,
        table: &snapshot.table,
        figures: &snapshot.figures,
        missing: &snapshot.missing,
    }
}

fn alarm_line(alarm: &Alarm) -> Value {
    json!({
        "event": "alarm",
        "code": alarm.code,
        "severity": alarm.gravity,
        "t": alarm.t,
        "z": alarm.z,
        "value": alarm.value,
        "limit": alarm.limit,
        "message": format!("{}. {} {}", alarm.title, alarm.detail, alarm.advice),
    })
}

fn say(line: &Value) -> Result<()> {
    super::super::print(&format!("{line}\n"))
}
