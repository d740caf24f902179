//! The layers of a session: what was opened becomes one or more of them, and one of them is the chosen one.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::operations::Computed;
use super::quality::Watch;
use crate::app::contrast::Contrast;
use crate::array::{Image, LazyArray, Told, ViewInfo};
use crate::format::{Channel, FormatError, Growing, Opened, Source};
use crate::live::Watcher;
use crate::ui::{LIGHTS, LayerState, LayerView, ViewState};
use crate::volume::{Blend, Colormap, LayerId};

/// One array of a session.
pub(in crate::app) struct Layer {
    /// What its files call it.
    pub name: String,
    /// Its data as recorded.
    pub recorded: Image,
    /// What is shown of it: that, or what is computed of it.
    pub image: Image,
    /// What is computed of it, where something is.
    pub(super) computed: Option<Computed>,
    /// What is measured of its values.
    pub contrast: Contrast,
    /// Which of the session's sources it is cut from: those are followed together.
    pub source: usize,
    /// How often another recording has taken the place of the one that was opened.
    pub num_restarts: u32,
    /// The measuring of its quality, once that was wanted.
    pub(super) watch: Option<Watch>,
    /// Timepoints that hold other data than were measured, half-open ranges.
    pub stale: Vec<[usize; 2]>,
}

impl Layer {
    fn new(name: String, image: Image, source: usize) -> Self {
        let (contrast, stale) = (Contrast::default(), Vec::new());
        let recorded = image.clone();
        Self { name, recorded, image, computed: None, contrast, source, num_restarts: 0, watch: None, stale }
    }

    /// The array as recorded, in full resolution.
    pub fn array(&self) -> &Arc<LazyArray> {
        self.recorded.finest()
    }

    /// What is shown of it, as (t, z, y, x).
    pub fn info(&self) -> &ViewInfo {
        self.image.info()
    }

    /// Identity of what is shown of it.
    pub fn id(&self) -> LayerId {
        self.image.id()
    }
}

/// What was opened as layers, the chosen one among them, what may grow of each source, and how the files want the
/// layers to be drawn.
pub(super) struct Layers {
    pub(super) layers: Vec<Layer>,
    pub(super) views: Vec<LayerView>,
    pub(super) chosen: usize,
    /// By the number of the source.
    pub(super) growing: Vec<Option<Arc<dyn Growing>>>,
}

impl Layers {
    /// One layer for each channel; a single one, drawn by `alone`, where there are none.
    ///
    /// # Errors
    /// When the array cannot be viewed as (t, z, y, x).
    pub(super) fn of(opened: &Opened, told: Told, alone: &LayerView) -> Result<Self, FormatError> {
        let mut layers = Self { layers: Vec::new(), views: Vec::new(), chosen: 0, growing: Vec::new() };
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        let channels = if opened.channels.len() > 1 { &opened.channels[..] } else { &[] };
        for channel in channels {
            let Some(image) = Image::of_levels(&channel.levels, told, &channel.held) else { continue };
            let first = layers.layers.first().map(Layer::info);
            if let Err(message) = first.map_or(Ok(()), |first| lies_over(first, image.info())) {
                tracing::warn!("channel {} is left out: {message}", channel.name);
                continue;
            }
            let finest = &channel.levels[0];
            let known = sources.iter().position(|known| Arc::ptr_eq(known, finest));
            let source = known.unwrap_or_else(|| {
                sources.push(Arc::clone(finest));
                layers.growing.push(channel.growing.clone());
                sources.len() - 1
            });
            // Of channels that share a source the first is the chosen one.
            let is_first = !layers.layers.iter().any(|layer| layer.source == source);
            if Arc::ptr_eq(finest, &opened.source) && is_first {
                layers.chosen = layers.layers.len();
            }
            let view = view_of(channel, alone, &layers.views);
            layers.views.push(view);
            layers.layers.push(Layer::new(channel.name.clone(), image, source));
        }
        if layers.layers.len() < 2 { Self::alone(opened, told, alone) } else { Ok(layers) }
    }

    /// The array itself; of the only channel there is, its files' limits are taken.
    fn alone(opened: &Opened, told: Told, alone: &LayerView) -> Result<Self, FormatError> {
        let levels: Vec<_> = std::iter::once(&opened.source).chain(&opened.levels).cloned().collect();
        let info = opened.source.info();
        let (held, limits) = match &opened.channels[..] {
            [only] => (&only.held, only.limits),
            _ => (&info.held, None),
        };
        let image = Image::of_levels(&levels, told, held).or_else(|| Image::of_levels(&levels, told, &[]));
        let image =
            image.ok_or_else(|| FormatError::new(info.location.clone(), "cannot be seen as planes of a recording"))?;
        let view = limits.map_or(alone.clone(), |limits| alone.clone().with_limits(limits));
        let layers = vec![Layer::new(String::new(), image, 0)];
        Ok(Self { layers, views: vec![view], chosen: 0, growing: vec![opened.growing.clone()] })
    }
}

/// How a channel is drawn at first: as its files say, in a colour of its own.
fn view_of(channel: &Channel, alone: &LayerView, others: &[LayerView]) -> LayerView {
    let is_free = |light: &Colormap| !others.iter().any(|other| other.visible && other.colormap == *light);
    let said = channel.color.map(Colormap::of_light).or_else(|| light_of(&channel.name));
    let free = || LIGHTS.into_iter().find(is_free);
    // Those that are shown at once are told apart.
    let is_kept = |said: &Colormap| is_free(said) || !channel.is_visible;
    let colormap = said.filter(is_kept).or_else(free).unwrap_or(Colormap::Gray);
    let view = LayerView { colormap, visible: channel.is_visible, blend: Blend::Add, ..alone.clone() };
    channel.limits.map_or(view.clone(), |limits| view.with_limits(limits))
}

/// The light that a channel is called after.
fn light_of(name: &str) -> Option<Colormap> {
    Colormap::from_name(name).filter(|named| LIGHTS.contains(named))
}

/// Whether the planes of an array lie over those of another; what keeps them from it otherwise. One of them may be
/// longer as long as both grow.
fn lies_over(ours: &ViewInfo, theirs: &ViewInfo) -> Result<(), String> {
    let ([_, z, y, x], [_, their_z, their_y, their_x]) = (ours.shape, theirs.shape);
    if [y, x] == [their_y, their_x] {
        return Ok(());
    }
    Err(format!("its volumes (z {their_z} × y {their_y} × x {their_x}) cannot lie over those of z {z} × y {y} × x {x}"))
}

impl Session {
    /// The layers, the recording itself first.
    pub(in crate::app) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Position of the layer that panels, quality and export are about.
    pub(in crate::app) fn chosen_layer(&self) -> usize {
        self.view.active_layer.min(self.layers.len() - 1)
    }

    /// It.
    pub(in crate::app) fn layer(&self) -> &Layer {
        &self.layers[self.chosen_layer()]
    }

    /// What is measured of its values.
    pub(in crate::app) fn contrast(&self) -> &Contrast {
        &self.layer().contrast
    }

    /// Whether a layer's files are those of a recording whose place another layer's has taken already.
    pub(in crate::app) fn is_former(&self, layer: &Layer) -> bool {
        self.layers.iter().any(|other| other.num_restarts > layer.num_restarts)
    }

    /// What a layer is called: the only one as the recording.
    pub(in crate::app) fn name_of<'a>(&'a self, layer: &'a Layer) -> &'a str {
        if layer.name.is_empty() { self.name() } else { &layer.name }
    }

    /// Whether a layer has anything where the views stand.
    pub(in crate::app) fn state_of(&self, layer: &Layer) -> LayerState {
        let (cursor, shape) = (self.view.cursor, layer.info().shape);
        match self.is_former(layer) {
            true => LayerState::Former,
            false if cursor.t >= shape[0].max(1) || cursor.z >= shape[1].max(1) => LayerState::Ended,
            false => LayerState::Here,
        }
    }

    /// Draws another array over what there is, as light of another channel.
    ///
    /// # Errors
    /// When its planes are of another shape.
    pub fn add_layer(&mut self, source: Arc<dyn Source>, now: Instant) -> Result<(), FormatError> {
        let name = source.info().name.clone();
        let image = Image::from(Arc::new(LazyArray::new(source)));
        if let Err(message) = lies_over(self.info(), image.info()) {
            return Err(FormatError::new(image.finest().source().info().location.clone(), message));
        }
        self.stream.add_layer(image.clone());
        let source = self.layers.iter().map(|layer| layer.source + 1).max().unwrap_or(0);
        self.layers.push(Layer::new(name, image, source));
        self.view.layers.push(LayerView { blend: Blend::Add, ..LayerView::default() });
        self.ask(now);
        Ok(())
    }

    /// Takes away layers that the recording does not have any more; the last one stays.
    pub(in crate::app) fn remove_layers(&mut self, is_gone: impl Fn(&Layer) -> bool) {
        for index in (0..self.layers.len()).rev() {
            if self.layers.len() > 1 && is_gone(&self.layers[index]) {
                let layer = self.layers.remove(index);
                self.stream.remove_layer(layer.id());
                self.stream.remove_layer(layer.recorded.id());
                self.view.remove_layer(index);
            }
        }
    }
}

/// What layers are cut from, each once.
pub(super) fn sources(layers: &[Layer]) -> Vec<&Arc<dyn Source>> {
    let mut found: Vec<&Arc<dyn Source>> = Vec::new();
    for layer in layers {
        let source = layer.array().source();
        if !found.iter().any(|known| Arc::ptr_eq(known, source)) {
            found.push(source);
        }
    }
    found
}

/// A view of these layers, drawn as their files want it.
pub(super) fn with_layers(fresh: ViewState, layers: &Layers) -> ViewState {
    let lone_colormap = (layers.views.len() > 1).then_some(fresh.layers[0].colormap);
    ViewState { layers: layers.views.clone(), active_layer: layers.chosen, lone_colormap, ..fresh }
}

/// A watcher of one of the sources.
pub(in crate::app) struct Follower {
    pub source: usize,
    pub watcher: Watcher,
}
