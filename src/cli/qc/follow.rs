//! `tectum qc --follow`: a running recording, measured as it grows, told to a program in lines of JSON.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::super::channels::Part;
use super::measure::{Asked, report};
use crate::array::LazyArray;
use crate::format::{OpenOptions, Opened, Source};
use crate::live::{LiveEvent, LiveState, WatchConfig, Watcher};
use crate::qc::{Alarm, Code, Derived, Evidence, Gravity, Report, judge_with};
use crate::sweep::{Checked, Checker, NoLender, Snapshot, broken_blocks, subject_of};
use crate::volume::Location;
use crate::write::interrupt;

/// Looked at again this often, whatever wakes or does not.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Follows a recording until it ends; the report of all of it, of each of the channels that `wanted` picks.
///
/// # Errors
/// When nothing of it can be measured, or stdout is closed.
pub fn follow(
    location: &Location,
    options: &OpenOptions,
    asked: &Asked,
    wanted: &dyn Fn(Opened) -> Result<Vec<Part>>,
) -> Result<Vec<Report>> {
    interrupt::watch();
    let (waker, woken) = crossbeam_channel::bounded::<()>(1);
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        // One that waits already is enough.
        let _ = waker.try_send(());
    });
    let wait = || {
        let _ = woken.recv_timeout(LOOK_EVERY);
    };
    let parts = wanted(once_there(location, options, &wake, wait)?)?;
    let begin = |part: Part| Following::begin(part, location, options, asked, &wake);
    let mut all = parts.into_iter().map(begin).collect::<Result<Vec<_>>>()?;
    loop {
        wait();
        all.iter_mut().try_for_each(Following::look)?;
        let finished: Vec<_> = all.iter().filter_map(Following::finished).collect();
        if finished.len() == all.len() {
            let parts = wanted(crate::format::open(location, options)?)?;
            return all.iter().zip(finished).map(|(following, snapshot)| following.report(&parts, &snapshot)).collect();
        }
    }
}

/// The recording, once there is one.
fn once_there(
    location: &Location,
    options: &OpenOptions,
    wake: &Arc<dyn Fn() + Send + Sync>,
    wait: impl Fn(),
) -> Result<Opened> {
    let watcher = match crate::format::open(location, options) {
        Ok(opened) => return Ok(opened),
        // It may yet appear.
        Err(_) => Watcher::start(location.clone(), options.clone(), None, WatchConfig::default(), Arc::clone(wake)),
    };
    while !watcher.drain().iter().any(|event| matches!(event, LiveEvent::Opened(_))) {
        wait();
    }
    Ok(crate::format::open(location, options)?)
}

/// One channel that is being followed.
struct Following<'a> {
    part: Part,
    asked: &'a Asked,
    watcher: Watcher,
    has_ended: bool,
    checker: Checker,
    /// What was measured when it was last looked at: what is told, and by which it is told to be all.
    seen: Arc<Snapshot>,
    array: Arc<LazyArray>,
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

impl<'a> Following<'a> {
    fn begin(
        part: Part,
        location: &Location,
        options: &OpenOptions,
        asked: &'a Asked,
        wake: &Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self> {
        let Some(growing) = part.opened.growing.clone() else {
            bail!("{location}: cannot grow; measure it without --follow");
        };
        let array = Arc::new(part.of(Arc::clone(&growing) as Arc<dyn Source>)?);
        let checker = checker(&array, None, asked, wake);
        let (options, config) = (options.clone(), WatchConfig::default());
        let watcher = Watcher::start(location.clone(), options, Some(growing), config, Arc::clone(wake));
        let (seen, told, derived) = (checker.snapshot(), Told::default(), Derived::default());
        let (begun, wake) = (Instant::now(), Arc::clone(wake));
        Ok(Self { part, asked, watcher, has_ended: false, checker, seen, array, told, derived, begun, wake })
    }

    /// Takes in what has happened, and says what is new.
    fn look(&mut self) -> Result<()> {
        let events = self.watcher.drain();
        let status = self.watcher.status();
        for event in events {
            self.take(event, status.expected_end)?;
        }
        self.has_ended = matches!(status.state, LiveState::Finished | LiveState::StoppedEarly { .. });
        // What is being written comes first; of what has ended nothing more is waited for.
        self.checker.set_live(!self.has_ended);
        self.seen = self.checker.snapshot();
        self.tell()
    }

    fn take(&mut self, event: LiveEvent, planned: Option<usize>) -> Result<()> {
        match event {
            LiveEvent::Opened(source) => self.begin_anew(source, planned)?,
            LiveEvent::Replaced(source) => {
                self.say(json!({ "event": "restarted" }))?;
                self.begin_anew(source, planned)?;
            }
            LiveEvent::Changed { source, stale } => {
                let grown = Arc::new(self.array.grown(source));
                let ranges: Vec<[usize; 2]> = stale
                    .iter()
                    .map(|indices| grown.region_of(indices))
                    .map(|region| [region.start()[0], region.stop()[0]])
                    .collect();
                self.checker.extend(Arc::clone(&grown), subject_of(&grown, planned), &ranges);
                self.array = grown;
            }
            LiveEvent::Gone => self.say(json!({ "event": "gone" }))?,
            LiveEvent::Status => {}
        }
        Ok(())
    }

    fn begin_anew(&mut self, source: Arc<dyn Source>, planned: Option<usize>) -> Result<()> {
        self.array = Arc::new(self.part.of(source)?);
        self.checker = checker(&self.array, planned, self.asked, &self.wake);
        (self.told, self.derived) = (Told::default(), Derived::default());
        Ok(())
    }

    /// Says what is new: timepoints that were measured, and alarms.
    fn tell(&mut self) -> Result<()> {
        let snapshot = Arc::clone(&self.seen);
        if self.told.version == Some(snapshot.version) {
            return Ok(());
        }
        self.told.version = Some(snapshot.version);
        self.derived.update(&snapshot.table, &snapshot.figures);
        let verdict = judge_with(&evidence(&snapshot), &self.derived, &self.asked.limits);
        let done = snapshot.table.num_complete();
        if done != self.told.done {
            self.say(json!({
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
                self.say(alarm_line(alarm))?;
            }
        }
        Ok(())
    }

    /// What is known, once the recording has ended and all there is has been measured.
    fn finished(&self) -> Option<Arc<Snapshot>> {
        let snapshot = &self.seen;
        let num_t = self.array.info().shape[0];
        let is_all = snapshot.subject.shape[0] == num_t && snapshot.table.num_complete() == num_t;
        (self.has_ended && (is_all || snapshot.progress.failure.is_some())).then(|| Arc::clone(snapshot))
    }

    /// The report, with what is said of it now among `parts`.
    fn report(&self, parts: &[Part], snapshot: &Snapshot) -> Result<Report> {
        let part = parts.iter().find(|part| part.channel == self.part.channel).unwrap_or(&self.part);
        if let Some(failure) = &snapshot.progress.failure {
            bail!("{}: {failure}", part.opened.source.info().location);
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
            broken_blocks: broken_blocks(&*part.opened.source),
            num_bytes,
            seconds: self.begun.elapsed().as_secs_f64(),
        };
        let report = report(part, checked, self.asked);
        self.say(json!({ "event": "report", "report": crate::report::json(&report) }))?;
        Ok(report)
    }

    /// A line about this channel.
    fn say(&self, mut line: Value) -> Result<()> {
        if let (Some(channel), Value::Object(fields)) = (&self.part.channel, &mut line) {
            fields.insert("channel".to_owned(), json!(channel));
        }
        super::super::print(&format!("{line}\n"))
    }
}

/// Measures an array from its beginning.
fn checker(
    array: &Arc<LazyArray>,
    planned: Option<usize>,
    asked: &Asked,
    wake: &Arc<dyn Fn() + Send + Sync>,
) -> Checker {
    let subject = subject_of(array, planned);
    Checker::start(Arc::clone(array), subject, asked.wanted, Arc::new(NoLender), Arc::clone(wake))
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
