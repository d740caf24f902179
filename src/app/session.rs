//! One open dataset: its array, stream and view, how commands change it, and what happens by itself. Which
//! picture there is of it is chosen in `picture`; whoever draws asks for that.

mod alerts;
mod facts;
mod judging;
mod picture;
mod quality;
mod remembered;
mod still;
mod tiles;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use facts::Facts;
pub use picture::{CanvasSize, OnScreen, Pane};

use super::contrast::Contrast;
use super::effects::Effect;
use super::measure::Measure;
use super::memory::Recall;
use super::profiles::Profiles;
use super::saving::{Saver, Wish};
use super::wake::WakeFn;
use crate::array::{LazyArray, ViewInfo};
use crate::format::{DatasetEntry, FormatError, OpenOptions, Opened, Source};
use crate::live::{LiveStatus, WatchConfig, Watcher};
use crate::qc::Alarm;
use crate::render::RendererHandle;
use crate::stream::{Stream, StreamConfig, ViewRequest};
use crate::ui::{Command, History, LayerView, Overlay, Playback, SessionCommand, ViewState, resolve};
use crate::volume::{Blend, Location, Problem, ViewId};

/// The age of the newest block is told anew this often while a recording runs: the more seldom the older it
/// is, because a frame costs time that the rig may need.
const AGES_EVERY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];
/// How long after a motion, and how often, the stream is asked whether it is over: reading ahead then
/// looks both ways.
const STILL_AFTER: Duration = Duration::from_millis(500);

/// An open dataset with everything the window needs of it.
pub struct Session {
    /// What the user opened, for the recent list and the dataset picker.
    pub location: Location,
    /// What the user said beside the path.
    pub options: OpenOptions,
    /// The view, changed by commands alone.
    pub view: ViewState,
    pub(super) datasets: Vec<DatasetEntry>,
    pub(super) chosen: usize,
    pub(super) array: Arc<LazyArray>,
    /// The layers over it, in the order of the view's.
    more: Vec<Arc<LazyArray>>,
    pub(super) stream: Stream,
    pub(super) history: History,
    pub(super) playback: Playback,
    pub(super) measure: Measure,
    pub(super) request: ViewRequest,
    /// When the view last moved or was asked for again, until that motion is over.
    moved: Option<Instant>,
    panes: Vec<Pane>,
    pub(super) facts: Facts,
    /// Of each layer.
    pub(super) contrasts: Vec<Contrast>,
    pub(super) watcher: Option<Watcher>,
    pub(super) live: Option<LiveStatus>,
    pub(super) is_background_limited: bool,
    pub(super) saver: Saver,
    /// The canvas as it was last drawn.
    pub(super) canvas: CanvasSize,
    /// Size of each view's canvas in pixels, as it was last drawn.
    pub(super) canvases_px: Vec<(ViewId, egui::Vec2)>,
    /// What the window has to do, until it is taken from here.
    pub(super) effects: Vec<Effect>,
    /// The measuring of its quality, where that is wanted.
    watch: Option<quality::Watch>,
    /// Timepoints that hold other data than were measured, half-open ranges.
    pub(super) stale: Vec<[usize; 2]>,
    is_checking_paused: bool,
    /// Alarms that have begun, until they are taken from here.
    pub(super) begun: Vec<Alarm>,
    profiles: Profiles,
    wake: WakeFn,
    recall: Recall,
}

/// What a dataset is opened with.
pub struct Setup {
    /// What is kept for whatever is opened.
    pub preferences: ViewState,
    /// What is remembered of this one.
    pub recall: Recall,
    /// How its stream is set up.
    pub config: StreamConfig,
    /// What to call when there is something new.
    pub wake: WakeFn,
    /// Whether its quality is measured behind everything else.
    pub is_checked: bool,
}

impl Session {
    /// Wraps an opened dataset, shows it as it is remembered, and starts loading its first picture. May be
    /// called on any thread.
    ///
    /// # Errors
    /// When the array cannot be viewed as (t, z, y, x).
    pub fn new(
        opened: Opened,
        location: impl Into<Location>,
        options: OpenOptions,
        setup: Setup,
        now: Instant,
    ) -> Result<Self, FormatError> {
        let location = location.into();
        let Setup { preferences, recall, config, wake, is_checked } = setup;
        let array = Arc::new(LazyArray::new(opened.source).told(recall.given.told()));
        let view = recall.view(preferences.for_dataset(array.info()), array.info());
        let request = resolve(&view, &[(array.id(), array.info())], &[]);
        let stream = Stream::new(Arc::clone(&array), config, Arc::clone(&wake));
        let watcher_wake = Arc::clone(&wake);
        let watcher = opened.growing.map(|source| {
            Watcher::start(&location, options.clone(), Some(source), WatchConfig::default(), watcher_wake)
        });
        stream.request(&request, now);
        let mut measure = Measure::default();
        measure.wished(view.picture(array.info()), now);
        let facts = Facts::of(&**array.source(), &stream, now);
        let mut session = Self {
            location,
            options,
            view,
            datasets: opened.datasets,
            chosen: opened.chosen,
            array,
            more: Vec::new(),
            stream,
            history: History::default(),
            playback: Playback::default(),
            measure,
            request,
            moved: Some(now),
            panes: Vec::new(),
            facts,
            contrasts: vec![Contrast::default()],
            watcher,
            live: None,
            is_background_limited: false,
            saver: Saver::default(),
            canvas: CanvasSize::default(),
            canvases_px: Vec::new(),
            effects: Vec::new(),
            watch: None,
            stale: Vec::new(),
            is_checking_paused: false,
            begun: Vec::new(),
            profiles: Profiles::default(),
            wake,
            recall,
        };
        if is_checked {
            session.start_checking();
        }
        Ok(session)
    }

    /// The array as (t, z, y, x).
    pub fn info(&self) -> &ViewInfo {
        self.array.info()
    }

    /// The array of each layer, the recording itself first.
    pub fn layers(&self) -> impl Iterator<Item = &Arc<LazyArray>> {
        std::iter::once(&self.array).chain(&self.more)
    }

    /// Draws another array over what there is, as light of another channel.
    ///
    /// # Errors
    /// When its volumes are of another shape.
    pub fn add_layer(&mut self, source: Arc<dyn Source>, now: Instant) -> Result<(), FormatError> {
        let array = Arc::new(LazyArray::new(source));
        let ([_, ours @ ..], [_, theirs @ ..]) = (self.info().shape, array.info().shape);
        if ours != theirs {
            let [[z, y, x], [their_z, their_y, their_x]] = [ours, theirs];
            let message = format!(
                "its volumes (z {their_z} × y {their_y} × x {their_x}) cannot lie over those of {} (z {z} × y {y} × x {x})",
                self.name()
            );
            return Err(FormatError::new(array.source().info().location.clone(), message));
        }
        self.stream.add_layer(Arc::clone(&array));
        self.more.push(array);
        self.contrasts.push(Contrast::default());
        self.view.layers.push(LayerView { blend: Blend::Add, ..LayerView::default() });
        self.ask(now);
        Ok(())
    }

    /// What is measured of the layer the panels are about.
    pub(super) fn contrast(&self) -> &Contrast {
        &self.contrasts[self.view.active_layer.min(self.contrasts.len() - 1)]
    }

    /// Name for the title bar.
    pub fn name(&self) -> &str {
        &self.array.source().info().name
    }

    /// Name of another array of the same path, for `--dataset`.
    pub fn dataset_name(&self, index: usize) -> Option<&str> {
        self.datasets.get(index).map(|entry| entry.name.as_str())
    }

    /// The watcher that follows it, where it may grow.
    pub fn watcher(&self) -> Option<&Watcher> {
        self.watcher.as_ref()
    }

    /// How the recording stands, once it was seen unfinished.
    pub fn live(&self) -> Option<&LiveStatus> {
        self.live.as_ref()
    }

    /// Everything found wrong with it.
    pub fn problems(&self) -> &[Problem] {
        &self.facts.problems
    }

    /// There is a graphics device from now on, which may fold projections.
    pub(super) fn attach(&mut self, renderer: &RendererHandle) {
        self.stream.set_projector(Arc::new(renderer.clone()));
    }

    /// Carries out a command on the view and asks for what it needs. Returns whether anything on screen may
    /// have changed.
    pub fn apply(&mut self, command: &Command, now: Instant, now_s: f64) -> bool {
        if let Command::Session(command) = command {
            match command {
                SessionCommand::RetryFailures => {
                    self.stream.retry_failures();
                    self.take_facts(now);
                    return true;
                }
                SessionCommand::GoToAlarm { is_next } => {
                    let Some((t, z)) = self.alarm_from(self.view.cursor.t, *is_next) else { return false };
                    return self.apply(&Command::GoTo { t, z }, now, now_s);
                }
                SessionCommand::ToggleChecking => {
                    self.toggle_checking();
                    return true;
                }
                SessionCommand::FitContrast => return self.fit_contrast(now, now_s),
                SessionCommand::CopyPicture => self.saver.wish(Wish::Copy),
                SessionCommand::SavePicture(path) => self.saver.wish(Wish::Save(path.clone())),
                SessionCommand::SetStillPath(path) => self.saver.set_path(path.clone()),
                SessionCommand::ShowSaved => {
                    let folder = self.saver.last_saved().and_then(Path::parent);
                    self.effects.extend(folder.map(|folder| Effect::ShowFolder(folder.to_owned())));
                }
            }
        }
        let changed = self.history.apply(&mut self.view, command, self.array.info(), now_s);
        if changed {
            self.ask(now);
        }
        if *command == Command::AutoContrast {
            self.measure_again();
        }
        changed
    }

    /// Resolves the view and, where that asks for something else than before, hands it to the stream.
    pub(super) fn ask(&mut self, now: Instant) {
        let layers: Vec<_> = self.layers().map(|array| (array.id(), array.info())).collect();
        let mut request = resolve(&self.view, &layers, &self.canvases_px);
        if self.saver.is_waiting(self.view.panels.overlay == Some(Overlay::Save)) {
            // What is saved is all of a picture in full resolution.
            request.views.iter_mut().for_each(|view| view.visible = [[0, usize::MAX]; 2]);
        }
        if request == self.request {
            return;
        }
        self.stream.request(&request, now);
        self.request = request;
        self.measure.wished(self.asked(), now);
        self.moved = Some(now);
    }

    /// Everything that happens without the user: measured contrast, playback. Call once a frame, before
    /// drawing. Returns how long the window may sleep, `None` for as long as nothing happens.
    pub fn advance(&mut self, now: Instant, now_s: f64) -> Option<Duration> {
        self.measure_contrast(now, now_s);
        self.follow_recording(now, now_s);
        self.renew_facts(now);
        self.renew_quality(now);
        let is_settled = self.is_settled();
        if let Some(command) = self.playback.advance(&self.view, self.array.info(), now, is_settled) {
            self.apply(&command, now, now_s);
        }
        let to_next = self.playback.time_to_next(&self.view, now);
        // The ages in the status bar grow by themselves.
        let age = self.live.as_ref().filter(|_| self.is_live()).map(|live| live.newest_age);
        let to_ages = age.map(|age| (age / 20).clamp(AGES_EVERY[0], AGES_EVERY[1]));
        [to_next, to_ages, self.time_to_rest(now), self.saver.time_to_change(now)].into_iter().flatten().min()
    }

    /// Lets the stream read ahead both ways once a motion is over; until then, how long that will be.
    fn time_to_rest(&mut self, now: Instant) -> Option<Duration> {
        let rest = STILL_AFTER.saturating_sub(now.duration_since(self.moved?));
        if !rest.is_zero() {
            return Some(rest);
        }
        self.moved = (!self.stream.request(&self.request, now)).then_some(now);
        self.moved.map(|_| STILL_AFTER)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_tiles;
#[cfg(test)]
mod tests_of_views;
