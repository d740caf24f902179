//! Drawing a still on a thread of its own, off screen, by the window's own painting.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use image::RgbaImage;

use super::wake::WakeFn;
use crate::array::ViewInfo;
use crate::render::{self, Drawn, GpuConfig, OffscreenTarget, PlaneDraw, RenderError, RendererHandle, Wanted};
use crate::ui::{
    self, Canvas, Figures, LayerInfo, LayerState, Model, Placement, Saving, Shown, StillFrame, Value, View, ViewState,
};
use crate::volume::{ArrayInfo, Display, Interpolation, PictureKey, ViewId, Voxels};

/// Longer side of the reduced picture the sheet shows, in pixels.
const PREVIEW_PX: u32 = 512;
/// Frames an upload may take before it is given up.
const MAX_FRAMES: usize = 1000;

/// Everything a still is drawn from, as it was when it was asked for.
#[derive(Clone)]
pub struct Subject {
    /// What lies over one another, the lowest first.
    pub layers: Vec<StillLayer>,
    /// The view, its still's options included.
    pub view: ViewState,
    /// The array as (t, z, y, x).
    pub info: ViewInfo,
    /// What the recording is called.
    pub name: String,
    /// What its layers are called, and what is computed of each, in words.
    pub computed: Vec<(String, Option<String>)>,
    /// Facts of the dataset.
    pub array: Arc<ArrayInfo>,
    /// Its size and zoom.
    pub frame: StillFrame,
}

/// One layer of a still.
#[derive(Clone)]
pub struct StillLayer {
    /// Which picture it is.
    pub key: PictureKey,
    /// The exact picture.
    pub voxels: Arc<Voxels>,
    /// How its values become colours.
    pub display: Display,
}

impl StillLayer {
    fn is_same(&self, other: &Self) -> bool {
        self.key == other.key && self.voxels.id() == other.voxels.id() && self.display == other.display
    }
}

impl Subject {
    /// Whether both would come out the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let words = |subject: &Self| subject.view.still;
        self.layers.len() == other.layers.len()
            && self.layers.iter().zip(&other.layers).all(|(layer, other)| layer.is_same(other))
            && self.frame == other.frame
            && self.info == other.info
            && words(self) == words(other)
    }
}

/// A finished still.
pub struct Still {
    /// Its pixels.
    pub image: RgbaImage,
    /// The same as a file.
    pub png: Vec<u8>,
    /// The same, reduced.
    pub preview: egui::ColorImage,
}

/// The thread that draws stills, one after the other. It ends when this is dropped.
pub struct StillThread {
    subjects: Sender<Subject>,
    stills: Receiver<Result<Still, String>>,
}

impl StillThread {
    /// Starts the thread, which draws on the window's device; `wake` is called after each still.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(renderer: &RendererHandle, wake: WakeFn) -> Result<Self, String> {
        let (subjects, wanted) = bounded::<Subject>(1);
        let (done, stills) = bounded(1);
        let renderer = renderer.clone();
        let run = move || {
            let mut easel = None;
            for subject in wanted {
                let easel = easel.get_or_insert_with(|| Easel::new(&renderer));
                // The window may have closed meanwhile.
                let _unwanted = done.send(easel.still(&subject));
                wake();
            }
        };
        let thread = std::thread::Builder::new().name("tectum-still".into()).spawn(run);
        thread.map(|_| Self { subjects, stills }).map_err(|error| format!("cannot start a thread: {error}"))
    }

    /// Has a still drawn; false while the one before is not done.
    pub fn try_draw(&self, subject: Subject) -> bool {
        self.subjects.try_send(subject).is_ok()
    }

    /// The still that was asked for, once it is done.
    pub fn try_result(&self) -> Option<Result<Still, String>> {
        self.stills.try_recv().ok()
    }
}

/// What stills are drawn with.
struct Easel {
    state: egui_wgpu::RenderState,
    renderer: RendererHandle,
    ctx: egui::Context,
}

impl Easel {
    fn new(window: &RendererHandle) -> Self {
        let state = window.apart();
        // A still is not watched while it is drawn: it is uploaded at once.
        let config = GpuConfig { upload_bytes_per_frame: usize::MAX / 4, ..GpuConfig::default() };
        let renderer = render::install(&state, config);
        let ctx = egui::Context::default();
        ui::theme::install(&ctx, ui::Theme::Dark);
        Self { state, renderer, ctx }
    }

    fn still(&mut self, subject: &Subject) -> Result<Still, String> {
        let image = self.draw(subject).map_err(|error| error.to_string())?;
        let mut png = Vec::new();
        image
            .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
            .map_err(|error| format!("the picture cannot be encoded: {error}"))?;
        let longer = image.width().max(image.height());
        let reduced = |side: u32| (u64::from(side) * u64::from(PREVIEW_PX) / u64::from(longer)).max(1) as u32;
        let preview = match longer > PREVIEW_PX {
            true => image::imageops::thumbnail(&image, reduced(image.width()), reduced(image.height())),
            false => image.clone(),
        };
        let size = [preview.width() as usize, preview.height() as usize];
        let preview = egui::ColorImage::from_rgba_unmultiplied(size, preview.as_raw());
        Ok(Still { image, png, preview })
    }

    fn draw(&mut self, subject: &Subject) -> Result<RgbaImage, RenderError> {
        let [width, height] = subject.frame.size_px;
        let scale = subject.frame.pixels_per_point;
        let target = OffscreenTarget::with_state(self.state.clone(), width, height, scale)?;
        for frame in 0..MAX_FRAMES {
            let output = self.ctx.run_ui(target.raw_input(frame as f64), |ui| draw(ui, &self.renderer, subject));
            target.advance(&self.ctx, output);
            if frame > 0 && !self.renderer.stats().pending_uploads {
                break;
            }
        }
        let stats = self.renderer.stats();
        if let Some(problem) = stats.problem {
            return Err(RenderError::Lost(problem));
        }
        if stats.pending_uploads || stats.reduction > 1 {
            return Err(RenderError::Unsupported("the plane has more voxels than it can hold at once".to_owned()));
        }
        let output = self.ctx.run_ui(target.raw_input(MAX_FRAMES as f64), |ui| draw(ui, &self.renderer, subject));
        target.paint(&self.ctx, output)
    }
}

fn draw(ui: &mut egui::Ui, renderer: &RendererHandle, subject: &Subject) {
    let named = subject.computed.iter();
    let layers: Vec<LayerInfo<'_>> =
        named.map(|(name, words)| LayerInfo { name, state: LayerState::Here, computed: words.as_deref() }).collect();
    let model = Model {
        state: &subject.view,
        view: subject.view.active(),
        layer: subject.view.layer(),
        info: &subject.info,
        layer_info: &subject.info,
        operations_fault: None,
        awaited_array: None,
        is_moved: false,
        name: &subject.name,
        layers: &layers,
        array: &subject.array,
        datasets: &[],
        chosen_dataset: 0,
        axes_are_given: false,
        shown: &Shown::Exact,
        gaps: subject.layers.iter().find_map(|layer| layer.voxels.gaps()),
        canvases: &[],
        histogram: None,
        no_histogram: None,
        pieces: &[],
        files: None,
        cached: &[],
        problems: &[],
        live: None,
        quality: None,
        figures: &Figures::default(),
        saving: &Saving::default(),
        can_undo: false,
        can_redo: false,
    };
    let wanted = |layer: &StillLayer| Wanted { key: layer.key, voxels: Arc::clone(&layer.voxels) };
    let wanted: Vec<Wanted> = subject.layers.iter().map(wanted).collect();
    let drawn = renderer.show(ui.ctx(), ViewId::default(), &wanted);
    ui::still_ui(ui, &model, &subject.frame, &mut StillCanvas { subject, drawn });
}

struct StillCanvas<'a> {
    subject: &'a Subject,
    /// Of each layer.
    drawn: Vec<Option<Drawn>>,
}

impl Canvas for StillCanvas<'_> {
    fn image(&mut self, _view: &View, placement: &Placement) -> Option<egui::Shape> {
        let Subject { layers, view, frame, .. } = self.subject;
        let scale = frame.pixels_per_point;
        let image = placement.image;
        let draw = |layer: &StillLayer, drawn: &Option<Drawn>| {
            let interpolation = match view.still.extent {
                // Every pixel is a voxel: there is nothing to blend.
                ui::Extent::Voxels => Interpolation::Nearest,
                ui::Extent::OnScreen | ui::Extent::Whole => layer.display.interpolation,
            };
            Some(PlaneDraw {
                drawn: (*drawn)?,
                image_px: [image.min.x * scale, image.min.y * scale, image.width() * scale, image.height() * scale],
                display: Display { interpolation, ..layer.display },
                is_preview: false,
            })
        };
        let draws: Option<Vec<_>> = layers.iter().zip(&self.drawn).map(|(layer, drawn)| draw(layer, drawn)).collect();
        Some(render::canvas_shape(placement.canvas, draws?))
    }

    fn value_at(&mut self, _view: ViewId, _layer: usize, _row: usize, _column: usize) -> Value {
        Value::Unknown
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ui::{Command, Extent, StillOptions};
    use crate::volume::{Axis, Colormap, DType, Shape, VoxelSize};

    const ROWS: usize = 37;
    const COLUMNS: usize = 53;

    fn bare() -> StillOptions {
        StillOptions { scale_bar: false, time: false, ..StillOptions::default() }
    }

    /// A plane of all sorts of values, and the wish to see it.
    pub fn subject(options: StillOptions) -> Subject {
        let values: Vec<u16> = (0..ROWS * COLUMNS).map(|i| (i * 2654435761 % 65521) as u16).collect();
        let shape = Shape::from([ROWS, COLUMNS]);
        let voxels = Voxels::from_values(DType::U16, shape, &values);
        let info = ViewInfo {
            shape: [3, 1, ROWS, COLUMNS],
            dtype: DType::U16,
            voxel_size: Some(VoxelSize { z_um: 1.0, y_um: 0.5, x_um: 0.5 }),
            rate_hz: Some(2.0),
            has_axis: [true; 4],
        };
        let mut view = ViewState::default().for_dataset(&info);
        view.apply(&Command::SetStill(options), &info);
        view.apply(&Command::SetLimits([1000.0, 60000.0]), &info);
        view.apply(&Command::SetColormap(Colormap::Viridis), &info);
        let array = ArrayInfo {
            axes: Axis::ALL.into_iter().map(Some).collect(),
            voxel_size: info.voxel_size,
            rate_hz: info.rate_hz,
            ..ArrayInfo::new("fish", "/nowhere/fish", "memory", Shape::from(info.shape), DType::U16)
        };
        let frame = StillFrame::new(&view, &info, egui::vec2(300.0, 200.0), 1.0);
        let display = view.display(&info);
        let key = PictureKey::finest(crate::volume::LayerId::next(), view.picture(&info));
        let layers = vec![StillLayer { key, voxels: Arc::new(voxels), display }];
        let computed = Vec::new();
        Subject { layers, view, info, computed, name: array.name.clone(), array: Arc::new(array), frame }
    }

    fn draw(easel: &mut Easel, options: StillOptions) -> RgbaImage {
        let still = easel.still(&subject(options)).unwrap();
        let decoded = image::load_from_memory(&still.png).unwrap().into_rgba8();
        assert_eq!(decoded, still.image, "the file holds the picture");
        decoded
    }

    #[test]
    fn every_voxel_of_a_still_has_its_colour_and_marks_are_by_choice() {
        let window = OffscreenTarget::new(64, 64, 1.0).unwrap();
        let handle = render::install(window.render_state(), GpuConfig::default());
        let mut easel = Easel::new(&handle);
        let StillLayer { voxels, display, .. } = subject(bare()).layers.remove(0);
        let values: &[u16] = bytemuck::cast_slice(voxels.bytes());
        for (extent, scale) in [(Extent::Voxels, 1), (Extent::Whole, 1), (Extent::Whole, 4)] {
            let image = draw(&mut easel, StillOptions { extent, scale, ..bare() });
            assert_eq!(image.dimensions(), ((COLUMNS * scale) as u32, (ROWS * scale) as u32));
            for (x, y, pixel) in image.enumerate_pixels() {
                let value = values[y as usize / scale * COLUMNS + x as usize / scale];
                let color = display.color(value.into(), DType::U16).unwrap();
                assert_eq!(pixel.0, color, "{extent:?} × {scale} at {x}, {y}");
            }
        }
        let plain = draw(&mut easel, StillOptions { scale: 8, ..bare() });
        let fields: [fn(&mut StillOptions) -> &mut bool; 5] =
            [|o| &mut o.scale_bar, |o| &mut o.time, |o| &mut o.depth, |o| &mut o.color_bar, |o| &mut o.name];
        for (index, field) in fields.into_iter().enumerate() {
            let mut options = StillOptions { scale: 8, ..bare() };
            *field(&mut options) = true;
            let marked = draw(&mut easel, options);
            let changed = plain.pixels().zip(marked.pixels()).filter(|(a, b)| a != b).count();
            let all = plain.pixels().count();
            assert!(changed > 20 && changed < all / 4, "mark {index} changes {changed} of {all} pixels");
        }
        assert_eq!(handle.stats().uploads, 0, "nothing of it passed through the window's renderer");
    }

    #[test]
    fn a_still_beyond_what_the_device_draws_is_refused_in_words() {
        let window = OffscreenTarget::new(64, 64, 1.0).unwrap();
        let handle = render::install(window.render_state(), GpuConfig::default());
        let mut subject = subject(bare());
        subject.frame.size_px = [1 << 20, 1 << 20];
        let error = Easel::new(&handle).still(&subject).err().unwrap();
        assert!(error.contains("larger than the graphics device allows"), "{error}");
    }
}
