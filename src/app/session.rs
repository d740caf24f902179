//! One open dataset: its array, stream and view, how commands change it, and what happens by itself. Which
//! picture there is of it is chosen in `picture`; whoever draws asks for that.

mod alerts;
mod facts;
mod judging;
mod layers;
mod operations;
mod others;
mod picture;
mod quality;
mod remembered;
mod save_data;
mod still;
mod tiles;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use facts::Facts;
pub(super) use layers::{Follower, Layer};
use layers::{Layers, with_layers};
pub use others::Named;
use others::Others;
pub use picture::{CanvasSize, OnScreen, Pane};
pub(super) use tiles::voxel_of;

use super::effects::Effect;
use super::measure::Measure;
use super::memory::Recall;
use super::profiles::Profiles;
use super::saving::{DataSaver, Saver, Wish};
use super::wake::WakeFn;
use crate::array::{LazyArray, ViewInfo};
use crate::format::{DatasetEntry, FormatError, OpenOptions, Opened};
use crate::live::{LiveStatus, WatchConfig, Watcher};
use crate::qc::Alarm;
use crate::render::RendererHandle;
use crate::stream::{Stream, StreamConfig, ViewRequest};
use crate::ui::{Command, FilesText, History, Overlay, Playback, SessionCommand, ViewState, resolve};
use crate::volume::{LayerId, Location, Problem, ViewId};

/// The age of the newest block is told anew this often while a recording runs: the more seldom the older it
/// is, because a frame costs time that the rig may need.
const AGES_EVERY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];
/// What a canvas is taken for until it has been drawn, so that of a large plane no more is read than will be seen.
const UNDRAWN_PX: egui::Vec2 = egui::vec2(1000.0, 700.0);
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
    /// In the order of the view's, at least one.
    pub(super) layers: Vec<Layer>,
    pub(super) stream: Stream,
    pub(super) history: History,
    pub(super) playback: Playback,
    pub(super) measure: Measure,
    pub(super) request: ViewRequest,
    /// Voxels whose values are asked for, and not known.
    probes: Vec<(LayerId, [usize; 4])>,
    /// When the view last moved or was asked for again, until that motion is over.
    moved: Option<Instant>,
    panes: Vec<Pane>,
    pub(super) facts: Facts,
    /// Those that watch what may grow.
    pub(super) followers: Vec<Follower>,
    pub(super) live: Option<LiveStatus>,
    pub(super) is_background_limited: bool,
    pub(super) saver: Saver,
    pub(super) data_saver: DataSaver,
    /// Whether saving data failed last, until somebody takes that from here.
    pub(super) did_not_save: bool,
    /// The canvas as it was last drawn.
    pub(super) canvas: CanvasSize,
    /// Size of each view's canvas in pixels, as it was last drawn.
    pub(super) canvases_px: Vec<(ViewId, egui::Vec2)>,
    /// What the window has to do, until it is taken from here.
    pub(super) effects: Vec<Effect>,
    /// The layer whose quality is measured, where that is wanted.
    checked_layer: Option<LayerId>,
    is_checking_paused: bool,
    /// Alarms that have begun, until they are taken from here.
    pub(super) begun: Vec<Alarm>,
    profiles: Profiles,
    wake: WakeFn,
    recall: Recall,
    /// The files it is read from, and whether each was there when it was opened, once somebody has looked.
    pub(super) files: Arc<OnceLock<FilesText>>,
    /// Why what was asked of a layer last, by its position, is not computed.
    operations_fault: Option<(usize, String)>,
    /// Arrays that are computed with.
    others: Others,
    /// Whether the user should look at what it was taken for.
    pub(super) wants_sheet: bool,
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
        let fresh = preferences.only_preferences();
        let layers = Layers::of(&opened, recall.given.told(), &fresh.layers[0])?;
        let info = *layers.layers[0].info();
        let view = recall.view(with_layers(fresh.for_dataset(&info), &layers), &info);
        let stream = Stream::new(layers.layers[0].image.clone(), config, Arc::clone(&wake));
        layers.layers[1..].iter().for_each(|layer| stream.add_layer(layer.image.clone()));
        let watch = |(source, growing): (usize, Option<_>)| {
            let (options, wake) = (options.clone(), Arc::clone(&wake));
            let growing = Some(growing?);
            let watcher = Watcher::start(&location, options, growing, WatchConfig::default(), wake);
            Some(Follower { source, watcher })
        };
        let followers = layers.growing.into_iter().enumerate().filter_map(watch).collect();
        let layers = layers.layers;
        let is_remote = layers.iter().any(|layer| layer.array().is_remote());
        let facts = Facts::of(&layers, view.active_layer, &stream, now);
        let mut session = Self {
            location,
            options,
            view,
            datasets: opened.datasets,
            chosen: opened.chosen,
            layers,
            stream,
            history: History::default(),
            playback: Playback::default(),
            measure: Measure::default(),
            request: ViewRequest::default(),
            probes: Vec::new(),
            moved: Some(now),
            panes: Vec::new(),
            facts,
            followers,
            live: None,
            is_background_limited: false,
            saver: Saver::default(),
            data_saver: DataSaver::default(),
            did_not_save: false,
            canvas: CanvasSize::default(),
            canvases_px: Vec::new(),
            effects: Vec::new(),
            checked_layer: None,
            // Measuring all of it would bring all of it over the network, which is for the user to want.
            is_checking_paused: is_remote,
            begun: Vec::new(),
            profiles: Profiles::default(),
            wake,
            recall,
            files: Arc::default(),
            operations_fault: None,
            others: Others::default(),
            wants_sheet: false,
        };
        session.compute_all();
        session.ask(now);
        if is_checked {
            session.start_checking();
        }
        Ok(session)
    }

    /// The array as (t, z, y, x): the first layer's.
    pub fn info(&self) -> &ViewInfo {
        self.layers[0].info()
    }

    /// The first layer's array, which the view is brought into.
    pub(super) fn array(&self) -> &Arc<LazyArray> {
        self.layers[0].array()
    }

    /// Name for the title bar.
    pub fn name(&self) -> &str {
        let (layer, name) = (&self.layers[0], &self.array().source().info().name);
        // Of several channels the name is that of the recording.
        let channel = format!(" ({})", layer.name);
        name.strip_suffix(&channel).filter(|_| self.layers.len() > 1).unwrap_or(name)
    }

    /// Name of another array of the same path, for `--dataset`.
    pub fn dataset_name(&self, index: usize) -> Option<&str> {
        self.datasets.get(index).map(|entry| entry.name.as_str())
    }

    /// The watcher that follows it, where it may grow; of several the first.
    pub fn watcher(&self) -> Option<&Watcher> {
        self.followers.first().map(|follower| &follower.watcher)
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
                SessionCommand::SetDataPath(path) => self.data_saver.set_path(path.clone()),
                SessionCommand::SaveData => {
                    self.save_data(now);
                    return true;
                }
                SessionCommand::CancelSaving => self.data_saver.cancel(),
                SessionCommand::SetStillPath(path) => self.saver.set_path(path.clone()),
                SessionCommand::ShowSaved => {
                    let folder = self.saver.last_saved().and_then(Path::parent);
                    self.effects.extend(folder.map(|folder| Effect::ShowFolder(folder.to_owned())));
                }
            }
        }
        if let Command::SetData(data) = command {
            self.data_saver.change_format(self.view.data.format, data.format);
        }
        if !self.can_compute(command) {
            return true;
        }
        let (chosen, info) = (self.chosen_layer(), *self.info());
        let changed = self.history.apply(&mut self.view, command, &info, now_s);
        if changed {
            self.compute_all();
            self.ask(now);
        }
        if self.chosen_layer() != chosen {
            self.take_facts(now);
        }
        if *command == Command::AutoContrast {
            self.measure_again();
        }
        changed
    }

    /// Resolves the view and, where that asks for something else than before, hands it to the stream.
    pub(super) fn ask(&mut self, now: Instant) {
        let layers: Vec<_> = self.layers.iter().map(|layer| (layer.id(), layer.info())).collect();
        let undrawn: Vec<_> = self.view.views.iter().map(|view| (view.id, UNDRAWN_PX)).collect();
        let canvases = if self.canvases_px.is_empty() { &undrawn } else { &self.canvases_px };
        let mut request = resolve(&self.view, &layers, canvases);
        let former = self.layers.iter().filter(|layer| self.is_former(layer)).map(Layer::id);
        let former: Vec<_> = former.collect();
        request.views.retain(|view| !former.contains(&view.layer));
        request.probes.clone_from(&self.probes);
        if self.saver.is_waiting(self.view.panels.overlay == Some(Overlay::Save)) && self.too_large_to_save().is_none()
        {
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

    /// The values of these voxels, by layer, are asked for and not known.
    pub(super) fn probe(&mut self, probes: Vec<(LayerId, [usize; 4])>, now: Instant) {
        if self.probes != probes {
            self.probes = probes;
            self.ask(now);
        }
    }

    /// Everything that happens without the user: measured contrast, playback. Call once a frame, before
    /// drawing. Returns how long the window may sleep, `None` for as long as nothing happens.
    pub fn advance(&mut self, now: Instant, now_s: f64) -> Option<Duration> {
        self.take_others(now, now_s);
        self.measure_contrast(now, now_s);
        self.follow_recording(now, now_s);
        self.renew_facts(now);
        self.renew_quality(now);
        let is_settled = self.is_settled();
        if let Some(command) = self.playback.advance(&self.view, self.layers[0].info(), now, is_settled) {
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
mod tests_of_layers;
#[cfg(test)]
mod tests_of_operations;
#[cfg(test)]
mod tests_of_saving;
#[cfg(test)]
mod tests_of_tiles;
#[cfg(test)]
mod tests_of_views;
