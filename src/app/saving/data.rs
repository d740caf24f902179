//! Saving data: what a request would come to is looked up while the sheet is open, and what is meant is written on
//! threads that step back behind everything on screen.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use parking_lot::Mutex;

use super::described::described;
use super::place::{age_of, free_bytes};
use crate::app::session::Named;
use crate::app::wake::WakeFn;
use crate::array::ViewInfo;
use crate::array::delayed::{Operations, delayed, filled};
use crate::format::{Cancel, FormatError, Source};
use crate::machine::{Priority, lower_this_thread};
use crate::ui::{DataFormat, DataResult, Running, SavingData};
use crate::volume::{DType, LayerId, Pool, Region};
use crate::write::{
    self, BUFFER_BYTES, Chunking, Kind, Place, Run, Start, Subject, Target, TargetOptions, Watch, load,
    num_bytes_of_all, refuse_harm,
};

/// What a request comes to is looked up again this often: a disk fills, a name is taken.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What stands for a plan where one is needed: nobody goes on with what the window has begun.
const PLAN: &str = "written from the window\n";
/// A part of the recording is read for so long to tell how long all of it takes.
const MEASURE_FOR: Duration = Duration::from_millis(250);
/// Progress is drawn this often at most.
const WAKE_EVERY: Duration = Duration::from_millis(200);

/// What is to be written, and where.
#[derive(Clone)]
pub struct Request {
    /// The recording as it is now.
    pub source: Arc<dyn Source>,
    /// Which layer that is: it stays the same while the recording grows.
    pub layer: LayerId,
    /// What is shown of it, with what somebody said of it.
    pub info: ViewInfo,
    /// What stands for missing voxels.
    pub fill: Option<f64>,
    /// What is done to it, in steps.
    pub operations: Vec<String>,
    /// The arrays that these name.
    pub others: Named,
    /// In which format.
    pub format: DataFormat,
    /// Where, as typed.
    pub path: String,
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.info == other.info && self.is_of_longer(other)
    }
}

impl Request {
    /// Whether it is the same but of a recording that has grown since.
    fn is_of_longer(&self, other: &Self) -> bool {
        let said = |info: &ViewInfo| (info.voxel_size, info.rate_hz, info.dtype, info.has_axis);
        self.computes_as(other)
            && said(&self.info) == said(&other.info)
            && (self.fill, self.format, &self.path) == (other.fill, other.format, &other.path)
    }

    /// Whether the same is done to the same recording, however long it is and wherever that goes.
    fn computes_as(&self, other: &Self) -> bool {
        let is_same = |(name, source): (&String, &Arc<dyn Source>)| {
            other.others.get(name).is_some_and(|known| Arc::ptr_eq(known, source))
        };
        (self.layer, &self.operations) == (other.layer, &other.operations)
            && self.others.len() == other.others.len()
            && self.others.iter().all(is_same)
    }

    /// Where it goes, with the ending of the format.
    fn place(&self, is_forced: bool) -> Place {
        Place::new(&data_path(&self.path, self.format), is_forced)
    }

    /// The array that is written. No IO.
    fn subject(&self) -> Result<Subject> {
        let mut source = Arc::clone(&self.source);
        if let Some(value) = self.fill {
            source = filled(&source, &voxel_of(value, source.info().dtype)?)?;
        }
        let operations = match self.operations.is_empty() {
            true => Operations::default(),
            false => self.operations.join(" | ").parse::<Operations>()?,
        };
        let known = |name: &str| {
            let other = self.others.get(name).cloned();
            other.ok_or_else(|| FormatError::new(name, "is not open"))
        };
        let source = delayed(source, LayerId::next(), 0, &operations, &known)?;
        Ok(Subject { source: described(source, &self.info, self.source.info()), channels: Vec::new() })
    }

    /// Refuses to write where it, or an array that it is computed with, is kept.
    fn check_place(&self, path: &Path) -> Result<()> {
        let all = self.others.values().chain([&self.source]);
        all.into_iter().try_for_each(|source| refuse_harm(path, &**source))
    }

    fn target(&self, subject: &Subject, place: &Place) -> Result<Box<dyn Target>> {
        let kind = Kind::from_str(self.format.name())?;
        // As many resolutions as suit.
        let levels = (kind == Kind::Zarr).then_some(0);
        write::target(kind, subject, place, &TargetOptions { levels, ..TargetOptions::default() })
    }
}

/// The bytes of one voxel of a value.
fn voxel_of(value: f64, dtype: DType) -> Result<Vec<u8>> {
    Ok(match dtype {
        DType::F16 => half::f16::from_f64(value).to_le_bytes().to_vec(),
        DType::F32 => (value as f32).to_le_bytes().to_vec(),
        DType::F64 => value.to_le_bytes().to_vec(),
        _ => {
            let [low, high] = dtype.integer_range().unwrap_or([0.0, 1.0]);
            if value.fract() != 0.0 || value < low || value > high {
                bail!("{value} in place of what is missing is no {dtype}");
            }
            (value as i128).to_le_bytes()[..dtype.num_bytes()].to_vec()
        }
    })
}

/// What a request comes to.
struct Look {
    request: Request,
    outcome: Result<DataResult, String>,
    free_bytes: Option<u64>,
    replaces: Option<String>,
    rate: Option<Rate>,
}

/// How fast a recording is read, with what is computed of it, and encoded for a format.
#[derive(Clone)]
struct Rate {
    of: Request,
    bytes_per_s: f64,
}

impl Rate {
    /// Whether it holds for another request as well.
    fn is_of(&self, request: &Request) -> bool {
        self.of.computes_as(request) && self.of.format == request.format
    }
}

/// Saving data as one session sees it.
#[derive(Default)]
pub struct DataSaver {
    /// What the sheet and the line at the bottom show.
    pub shown: SavingData,
    /// The folder that was written to last.
    pub folder: Option<PathBuf>,
    is_path_typed: bool,
    looking: Option<Receiver<Look>>,
    looked: Option<(Request, Instant)>,
    /// What was looked up and can be written.
    possible: Option<Request>,
    rate: Option<Rate>,
    writing: Option<Writing>,
}

/// Data on their way to the disk. Nobody is left to be told where it is dropped: then it stops.
pub struct Writing {
    path: PathBuf,
    cancel: Cancel,
    progress: Arc<Progress>,
    began: Instant,
    result: Receiver<Result<Vec<String>, String>>,
}

/// What became of writing.
pub enum Written {
    /// All of it is there; what of the recording has no place in its format.
    Done(PathBuf, Vec<String>),
    /// Why nothing is.
    Failed(String),
    /// Somebody stopped it.
    Stopped,
}

impl DataSaver {
    /// Where it will be saved, as typed.
    pub fn set_path(&mut self, path: String) {
        self.shown.path = path;
        self.is_path_typed = true;
    }

    /// Where it will be saved unless somebody types another place.
    pub fn propose(&mut self, path: &Path) {
        if !self.is_path_typed {
            self.shown.path = path.display().to_string();
        }
    }

    /// Another format was chosen: a name that was typed for the former one gets its ending.
    pub fn change_format(&mut self, from: DataFormat, to: DataFormat) {
        if let Some(stem) = self.shown.path.strip_suffix(from.ending()).filter(|_| self.is_path_typed) {
            self.shown.path = stem.to_owned() + to.ending();
        }
    }

    /// What the sheet held is let go of with it; what is being written goes on.
    pub fn close(&mut self) {
        if self.looked.is_none() && !self.is_path_typed {
            return;
        }
        (self.looked, self.possible, self.is_path_typed) = (None, None, false);
        self.shown = SavingData { running: self.shown.running.take(), ..SavingData::default() };
    }

    /// Has a thread look what a request comes to, where it is another one than before or some time has passed.
    pub fn look(&mut self, request: Request, wake: &WakeFn, now: Instant) {
        if self.shown.formats.is_empty() {
            self.shown.formats =
                DataFormat::ALL.into_iter().filter(|format| Kind::from_str(format.name()).is_ok()).collect();
        }
        let is_new = self.looked.as_ref().is_none_or(|(known, _)| !request.is_of_longer(known));
        let is_due = is_new || self.looked.as_ref().is_some_and(|(_, at)| now.duration_since(*at) >= LOOK_EVERY);
        if is_new {
            // Nothing is written that was not looked at; what was of a recording that grows stays what it was.
            (self.possible, self.shown.is_ready) = (None, false);
        }
        if self.looking.is_some() || !is_due {
            return;
        }
        self.looked = Some((request.clone(), now));
        let (sender, receiver) = bounded(1);
        let (wake, rate) = (Arc::clone(wake), self.rate.clone());
        let run = move || {
            lower_this_thread(Priority::Behind);
            let _unwanted = sender.send(Look::at(request, rate));
            wake();
        };
        if std::thread::Builder::new().name("tectum-look".into()).spawn(run).is_ok() {
            self.looking = Some(receiver);
        }
    }

    /// Takes in what other threads have found and done. Once a frame.
    pub fn collect(&mut self) -> Option<Written> {
        if let Some(look) = self.looking.as_ref().and_then(|looking| looking.try_recv().ok()) {
            self.looking = None;
            self.take(look);
        }
        self.shown.is_ready = self.possible.is_some() && self.shown.refusal.is_none();
        self.shown.running = self.writing.as_ref().map(Writing::running);
        let written = self.writing.as_ref()?.result()?;
        (self.writing, self.shown.running, self.looked) = (None, None, None);
        Some(written)
    }

    /// What is being written.
    pub fn writing(&self) -> Option<&Writing> {
        self.writing.as_ref()
    }

    /// The same, for somebody else to go on with.
    pub fn take_writing(&mut self) -> Option<Writing> {
        self.shown.running = None;
        self.writing.take()
    }

    /// Goes on with what somebody else began.
    pub fn go_on(&mut self, writing: Option<Writing>) {
        self.shown.running = writing.as_ref().map(Writing::running);
        self.writing = writing;
    }

    fn take(&mut self, look: Look) {
        self.rate = look.rate.or(self.rate.take());
        let is_asked = self.looked.as_ref().is_some_and(|(request, _)| *request == look.request);
        if !is_asked {
            return;
        }
        (self.shown.free_bytes, self.shown.replaces) = (look.free_bytes, look.replaces);
        match look.outcome {
            Ok(result) => {
                let is_full = look.free_bytes.is_some_and(|free| free < result.num_bytes);
                let is_packed = !matches!(look.request.format, DataFormat::Npy | DataFormat::Tiff);
                self.shown.refusal = (is_full && !is_packed).then(|| "there is not enough room for it".to_owned());
                self.shown.result = Some(result);
                self.possible = Some(look.request);
            }
            Err(reason) => (self.shown.result, self.shown.refusal, self.possible) = (None, Some(reason), None),
        }
    }

    /// Begins to write what was looked up last. False where that is not what is asked for now.
    pub fn begin(&mut self, wake: &WakeFn, now: Instant) -> bool {
        if self.writing.is_some() || self.shown.refusal.is_some() {
            return false;
        }
        let Some(request) = self.possible.take() else { return false };
        let place = request.place(self.shown.replaces.is_some());
        let path = place.path().to_owned();
        let (sender, result) = bounded(1);
        let (cancel, progress) = (Cancel::new(), Arc::new(Progress::new(Arc::clone(wake))));
        let (its_cancel, its_progress) = (cancel.clone(), Arc::clone(&progress));
        let run = move || {
            lower_this_thread(Priority::Behind);
            let written = write_all(&request, &place, &its_progress, &its_cancel);
            // The window may have closed meanwhile.
            let _unwanted = sender.send(written.map_err(|error| format!("{error:#}")));
            (its_progress.wake)();
        };
        if std::thread::Builder::new().name("tectum-save-data".into()).spawn(run).is_err() {
            return false;
        }
        self.folder = path.parent().map(Path::to_owned);
        self.writing = Some(Writing { path, cancel, progress, began: now, result });
        true
    }

    /// Stops what is being written.
    pub fn cancel(&self) {
        self.writing.iter().for_each(Writing::cancel);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Writing {
    /// Nothing that is written, for tests: it ends as they say.
    #[cfg(test)]
    pub fn pretended(path: &Path) -> (Self, crossbeam_channel::Sender<Result<Vec<String>, String>>) {
        let (sender, result) = bounded(1);
        let progress = Arc::new(Progress::new(crate::app::stage::no_wake()));
        let (path, cancel, began) = (path.to_owned(), Cancel::new(), Instant::now());
        (Self { path, cancel, progress, began, result }, sender)
    }

    /// Stops it.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// What became of it, once that is known.
    pub fn result(&self) -> Option<Written> {
        let result = match self.result.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("writing ended unexpectedly".to_owned()),
        };
        Some(match result {
            Ok(not_carried) => Written::Done(self.path.clone(), not_carried),
            Err(_) if self.cancel.is_cancelled() => Written::Stopped,
            Err(reason) => Written::Failed(reason),
        })
    }

    /// How far it is.
    pub fn running(&self) -> Running {
        let (done, of) = (self.progress.done.load(Ordering::Relaxed), self.progress.of.load(Ordering::Relaxed));
        let fraction = if of == 0 { 0.0 } else { (done as f64 / of as f64).min(1.0) };
        let elapsed = self.began.elapsed().as_secs_f64();
        let is_known = fraction > 0.01 && elapsed > 1.0;
        Running {
            name: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            fraction: fraction as f32,
            done_bytes: done,
            num_bytes: of,
            bytes_per_s: is_known.then(|| done as f64 / elapsed),
            seconds_left: is_known.then(|| elapsed * (1.0 - fraction) / fraction),
            is_stopping: self.cancel.is_cancelled(),
        }
    }
}

/// How far writing is.
struct Progress {
    done: AtomicU64,
    of: AtomicU64,
    woken: Mutex<Instant>,
    wake: WakeFn,
}

impl Progress {
    fn new(wake: WakeFn) -> Self {
        Self { done: AtomicU64::new(0), of: AtomicU64::new(0), woken: Mutex::new(Instant::now()), wake }
    }
}

impl Watch for Progress {
    fn expect(&self, num_bytes: u64) {
        self.of.store(num_bytes, Ordering::Relaxed);
    }

    fn advance(&self, num_bytes: u64) {
        self.done.fetch_add(num_bytes, Ordering::Relaxed);
        let mut woken = self.woken.lock();
        if woken.elapsed() >= WAKE_EVERY {
            *woken = Instant::now();
            drop(woken);
            (self.wake)();
        }
    }
}

/// Writes it, all of its resolutions; what failed or was stopped leaves nothing. Returns what of the recording has
/// no place in the format.
fn write_all(request: &Request, place: &Place, progress: &Progress, cancel: &Cancel) -> Result<Vec<String>> {
    let lower = |_| lower_this_thread(Priority::Behind);
    // Those of this process who compute on all cores are behind what is on screen, all of them.
    let _known = rayon::ThreadPoolBuilder::new().start_handler(lower).build_global();
    let pool = rayon::ThreadPoolBuilder::new().start_handler(lower).build()?;
    request.check_place(place.path())?;
    let _held = place.begin(PLAN, Start::Over)?;
    let written = pool.install(|| write_stages(request, place, progress, cancel));
    if written.is_err() {
        // All of it is of this run: nothing was there when it began.
        let _left = place.discard();
    }
    written
}

fn write_stages(request: &Request, place: &Place, progress: &Progress, cancel: &Cancel) -> Result<Vec<String>> {
    let subject = request.subject()?;
    let mut target = request.target(&subject, place)?;
    target.prepare()?;
    let not_carried = target.not_carried();
    let mut source = subject.source;
    progress.expect(num_bytes_of_all(&*source, &*target)?);
    loop {
        let buffer = Chunking::buffer(&*source, target.chunks(), target.pieces(), BUFFER_BYTES);
        let pieces: Vec<u64> = (0..target.pieces().num_cells()).collect();
        let run = Run { source: &*source, target: &*target, buffer, pieces: &pieces, is_resumed: false, cancel };
        run.run(&|_, _| Ok(()), progress)?;
        let Some(next) = target.next()? else { break };
        (source, target) = (next.source, next.target);
    }
    target.finish()?;
    Ok(not_carried)
}

/// What was typed as a name, with the ending of the format where it has none.
pub fn data_path(typed: &str, format: DataFormat) -> PathBuf {
    let location = crate::ui::typed_location(typed);
    let path = location.path().map_or_else(|| PathBuf::from(typed), Path::to_owned);
    match (path.extension(), path.file_name()) {
        (None, Some(name)) => {
            let mut name = name.to_owned();
            name.push(format.ending());
            path.with_file_name(name)
        }
        _ => path,
    }
}

impl Look {
    /// Looks. May block as long as the disks do.
    fn at(request: Request, rate: Option<Rate>) -> Self {
        let path = request.place(false).path().to_owned();
        let replaces = path.symlink_metadata().ok().map(|data| age_of(&data));
        let free_bytes = path.parent().and_then(free_bytes);
        let known = rate.filter(|rate| rate.is_of(&request));
        let (outcome, rate) = match result_of(&request, replaces.is_some(), known) {
            Ok((result, rate)) => (Ok(result), rate),
            Err(error) => (Err(in_words(&error, &path)), None),
        };
        Self { request, outcome, free_bytes, replaces, rate }
    }
}

/// What is wrong, without the path that stands in the field above it, nor the folder of what lies beside that.
fn in_words(error: &anyhow::Error, path: &Path) -> String {
    let text = format!("{error:#}");
    let prefix = format!("{}: ", path.display());
    let folder = path.parent().map(|folder| format!("{}/", folder.display())).unwrap_or_default();
    let short = text.strip_prefix(&prefix).or_else(|| text.strip_prefix(&folder));
    short.map(str::to_owned).unwrap_or(text)
}

fn result_of(request: &Request, is_replacing: bool, known: Option<Rate>) -> Result<(DataResult, Option<Rate>)> {
    let place = request.place(is_replacing);
    place.check()?;
    request.check_place(place.path()).ok().context("that lies in what is read, which is never written to")?;
    place.check_work(PLAN)?;
    let subject = request.subject()?;
    let target = request.target(&subject, &place)?;
    let info = subject.source.info();
    let num_bytes = info.shape.num_bytes(info.dtype).context("it is larger than any disk")? as u64;
    let measured = || {
        let read = measured(&*subject.source)?;
        // What cannot be had of the first chunk is told when it is written.
        let encoded = encoded(&*subject.source, &*target).unwrap_or(f64::INFINITY);
        Some(Rate { of: request.clone(), bytes_per_s: 1.0 / (1.0 / read + 1.0 / encoded) })
    };
    let rate = known.or_else(measured);
    let result = DataResult {
        dims: info.shape.dims().to_vec(),
        axes: if info.axes.iter().any(Option::is_some) { info.axes_in_letters() } else { String::new() },
        dtype: info.dtype.to_string(),
        num_bytes,
        seconds: rate.as_ref().map(|rate| num_bytes as f64 / rate.bytes_per_s.max(1.0)),
    };
    Ok((result, rate))
}

/// Bytes a second that all cores read, by what one of them reads of the beginning in a moment; `None` where nothing
/// of it can be had.
fn measured(source: &dyn Source) -> Option<f64> {
    let info = source.info();
    let whole = Region::whole(&info.shape);
    let first = if info.shape.rank() > 0 { whole.with_axis(0, 0, 1) } else { whole };
    let (mut chunks, mut buffer) = (Vec::new(), Vec::new());
    source.chunks(&first.intersect(&whole)?, &mut chunks);
    let (begin, mut num_bytes) = (Instant::now(), 0usize);
    for chunk in &chunks {
        let len = bytes_of(&chunk.region, info.dtype)?;
        buffer.resize(len, 0);
        source.read(chunk, &mut buffer).ok()?;
        num_bytes += len;
        if begin.elapsed() >= MEASURE_FOR {
            break;
        }
    }
    (num_bytes > 0).then(|| on_all_cores(num_bytes, begin))
}

/// Bytes a second that all cores encode, by the first chunk of what would be written; `None` where that cannot be had.
fn encoded(source: &dyn Source, target: &dyn Target) -> Option<f64> {
    let first = target.chunks().cell_at(0)?;
    let mut voxels = vec![0; bytes_of(&first, source.info().dtype)?];
    load(source, &first, &mut voxels, &Pool::new(64 << 20), &Cancel::new()).ok()?;
    let (begin, mut num_bytes) = (Instant::now(), 0);
    while num_bytes == 0 || begin.elapsed() < MEASURE_FOR {
        target.encode(&first, &voxels).ok()?;
        num_bytes += voxels.len().max(1);
    }
    Some(on_all_cores(num_bytes, begin))
}

/// Bytes a second on all cores, by what one of them has done since a moment.
fn on_all_cores(num_bytes: usize, begin: Instant) -> f64 {
    let num_threads = std::thread::available_parallelism().map_or(1, usize::from);
    num_bytes as f64 * num_threads as f64 / begin.elapsed().as_secs_f64().max(1e-6)
}

/// Bytes of a chunk that is read to measure; `None` for one that is too large for that.
fn bytes_of(region: &Region, dtype: DType) -> Option<usize> {
    region.shape().num_bytes(dtype).filter(|len| *len <= 256 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_ending_gets_that_of_the_format() {
        for (typed, format, expected) in [
            ("/tmp/a", DataFormat::Npy, "/tmp/a.npy"),
            ("/tmp/a.npy", DataFormat::Npy, "/tmp/a.npy"),
            ("/tmp/a", DataFormat::Zarr, "/tmp/a.ome.zarr"),
            ("/tmp/a", DataFormat::Split, "/tmp/a"),
        ] {
            assert_eq!(data_path(typed, format), Path::new(expected));
        }
    }
}
