//! The renderer: brings the planes of a frame into textures and says how each is to be drawn.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use egui_wgpu::ScreenDescriptor;

use super::canvas::PlaneDraw;
use super::device;
use super::fill::FillPipeline;
use super::health::Health;
use super::offsets::Offsets;
use super::pipelines::{Filter, Pipelines, PlaneKey};
use super::planes::{Allowance, Plane, Planes};
use super::projector::Projector;
use super::stand_in::Memory;
use super::texel::Texel;
use super::textures::Textures;
use super::uniforms::{UniformRing, gpu};
use crate::volume::{Colormap, Display, Interpolation, PictureKey, Voxels};

/// What the renderer may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuConfig {
    /// Bytes of textures held, at most.
    pub budget_bytes: usize,
    /// Bytes uploaded in one frame, at most (but always one row of a picture).
    pub upload_bytes_per_frame: usize,
    /// Fold projections on a software adapter, too, as on real hardware. The CPU is faster there; this is
    /// for trying the other way where there is no such hardware.
    pub projects_in_software: bool,
}

impl Default for GpuConfig {
    fn default() -> Self {
        let projects_in_software = std::env::var_os("TECTUM_PROJECT_ON_GPU").is_some_and(|value| value == "1");
        Self { budget_bytes: 256 << 20, upload_bytes_per_frame: 16 << 20, projects_in_software }
    }
}

/// What the renderer has and does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuStats {
    /// Bytes of textures held.
    pub texture_bytes: usize,
    /// Bytes of textures allowed.
    pub budget_bytes: usize,
    /// Pictures whose upload was begun so far.
    pub uploads: u64,
    /// Bytes uploaded so far.
    pub uploaded_bytes: u64,
    /// Textures, buffers, pipelines and bind groups made so far. Stands still while cached data are
    /// scrubbed.
    pub objects_created: u64,
    /// The last frame left an upload unfinished; the former picture is drawn meanwhile.
    pub pending_uploads: bool,
    /// Voxels along each side of what a texel of the last picture stands for: more than 1 where the
    /// picture was too large for the budget.
    pub reduction: usize,
    /// The graphics device.
    pub adapter_name: String,
    /// Whether it computes on the CPU.
    pub is_software: bool,
    /// The first error of the device, if there was any.
    pub problem: Option<String>,
}

/// Called when another frame is needed.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The renderer as the app holds it; all share one.
#[derive(Clone)]
pub struct RendererHandle {
    renderer: Arc<Mutex<Renderer>>,
}

/// Puts a renderer into egui's, where [`super::canvas_shape`] finds it.
pub fn install(state: &egui_wgpu::RenderState, config: GpuConfig) -> RendererHandle {
    let handle = RendererHandle { renderer: Arc::new(Mutex::new(Renderer::new(state, config))) };
    let fills = FillPipeline::new(&state.device, state.target_format);
    let resources = &mut state.renderer.write().callback_resources;
    resources.insert(handle.clone());
    resources.insert(fills);
    handle
}

impl RendererHandle {
    /// The figures of the moment.
    pub fn stats(&self) -> GpuStats {
        self.lock().stats()
    }

    /// Which picture is seen whole in the next frame if these voxels are its `nth` draw: they themselves, or,
    /// where their upload takes several frames, the one like them that stays until then. `None`: neither.
    pub fn will_draw(&self, nth: usize, key: &PictureKey, voxels: &Voxels) -> Option<PictureKey> {
        self.lock().will_draw(nth, key, voxels)
    }

    /// What to call when a frame has left an upload unfinished.
    pub fn set_wake(&self, wake: Wake) {
        self.lock().wake = Some(wake);
    }

    /// A drawing of its own on the same device: with other textures, so that what is drawn there neither
    /// shows nor evicts anything here. May be used from another thread.
    pub fn apart(&self) -> egui_wgpu::RenderState {
        let renderer = self.lock();
        let target_format = wgpu::TextureFormat::Rgba8Unorm;
        let options = egui_wgpu::RendererOptions::PREDICTABLE;
        let egui = egui_wgpu::Renderer::new(&renderer.device, target_format, options);
        egui_wgpu::RenderState {
            adapter: renderer.adapter.clone(),
            available_adapters: Vec::new(),
            instance: renderer.instance.clone(),
            device: renderer.device.clone(),
            queue: renderer.queue.clone(),
            target_format,
            renderer: Arc::new(egui::mutex::RwLock::new(egui)),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Renderer> {
        self.renderer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn end_frame(&self) {
        // Called without the lock: the caller's function may ask for the figures.
        let wake = self.lock().end_frame();
        if let Some(wake) = wake {
            wake();
        }
    }
}

/// One draw, ready to be recorded.
pub(super) struct Prepared {
    pub(super) pipeline: wgpu::RenderPipeline,
    pub(super) uniforms: wgpu::BindGroup,
    pub(super) offset: u32,
    pub(super) voxels: wgpu::BindGroup,
    pub(super) mask: wgpu::BindGroup,
}

/// Owner of every GPU object but egui's own.
pub(super) struct Renderer {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) adapter: wgpu::Adapter,
    instance: wgpu::Instance,
    pub(super) config: GpuConfig,
    pub(super) pipelines: Pipelines,
    pub(super) textures: Textures,
    pub(super) planes: Planes,
    pub(super) projector: Projector,
    pub(super) frame: u64,
    uniforms: UniformRing,
    num_rings: u64,
    pub(super) memories: Vec<Memory>,
    num_draws: usize,
    pub(super) allowance: Allowance,
    is_frame_open: bool,
    pub(super) is_pending: bool,
    pub(super) reduction: usize,
    is_software: bool,
    adapter_name: String,
    wake: Option<Wake>,
    health: Health,
}

impl Renderer {
    fn new(state: &egui_wgpu::RenderState, config: GpuConfig) -> Self {
        let (device, queue) = (state.device.clone(), state.queue.clone());
        let health = Health::watch(&device);
        let pipelines = Pipelines::new(&device, state.target_format);
        let uniforms = UniformRing::new(&device, &pipelines.plane_layout, 0);
        Self {
            textures: Textures::new(device.clone(), config.budget_bytes),
            planes: Planes::new(queue.clone(), device.limits(), config.upload_bytes_per_frame),
            projector: Projector::default(),
            adapter: state.adapter.clone(),
            instance: state.instance.clone(),
            is_software: device::is_software(&state.adapter),
            adapter_name: state.adapter.get_info().name,
            device,
            queue,
            config,
            pipelines,
            uniforms,
            num_rings: 1,
            frame: 1,
            memories: Vec::new(),
            num_draws: 0,
            allowance: Allowance::new(0),
            is_frame_open: false,
            is_pending: false,
            reduction: 1,
            wake: None,
            health,
        }
    }

    fn stats(&self) -> GpuStats {
        let created = self.pipelines.num_created() + self.textures.num_created() + self.projector.num_created();
        GpuStats {
            texture_bytes: self.textures.num_bytes(),
            budget_bytes: self.textures.budget_bytes(),
            uploads: self.planes.num_uploads,
            uploaded_bytes: self.planes.uploaded_bytes,
            objects_created: created + 2 * self.num_rings,
            pending_uploads: self.is_pending,
            reduction: self.reduction,
            adapter_name: self.adapter_name.clone(),
            is_software: self.is_software,
            problem: self.health.problem(),
        }
    }

    /// Whether the adapter computes on the CPU.
    pub(super) fn is_software(&self) -> bool {
        self.is_software
    }

    fn begin_frame(&mut self) {
        self.is_frame_open = true;
        self.is_pending = false;
        self.frame += 1;
        self.num_draws = 0;
        self.allowance = Allowance::new(self.config.upload_bytes_per_frame);
        self.uniforms.begin_frame();
        if self.health.take_out_of_memory() {
            self.textures.halve_budget();
        }
        self.planes.forget_lost(&mut self.textures);
    }

    /// Closes the frame; returns what to call if another is needed.
    fn end_frame(&mut self) -> Option<Wake> {
        if !std::mem::take(&mut self.is_frame_open) {
            return None;
        }
        self.memories.truncate(self.num_draws);
        self.wake.clone().filter(|_| self.is_pending)
    }

    /// Uploads what the frame's allowance permits and writes the uniforms of every draw that has
    /// something to show.
    pub(super) fn prepare(
        &mut self,
        draws: &[PlaneDraw],
        rect: egui::Rect,
        screen: &ScreenDescriptor,
    ) -> Vec<Prepared> {
        if !self.is_frame_open {
            self.begin_frame();
        }
        let mut prepared = Vec::with_capacity(draws.len());
        for draw in draws {
            let nth = self.num_draws;
            self.num_draws += 1;
            if self.memories.len() <= nth {
                self.memories.push(Memory::default());
            }
            if let Some(plane) = self.plane_to_draw(draw, nth) {
                prepared.extend(self.prepare_plane(&plane, draw, rect, screen));
            }
        }
        prepared
    }

    fn prepare_plane(
        &mut self,
        plane: &Plane,
        draw: &PlaneDraw,
        rect: egui::Rect,
        screen: &ScreenDescriptor,
    ) -> Option<Prepared> {
        let texel = self.textures.key(plane.lease)?.texel;
        let uniforms = plane_uniforms(plane, texel, draw, rect, screen)?;
        if self.uniforms.is_full() {
            let num_slots = self.uniforms.num_slots() * 2;
            self.uniforms = UniformRing::new(&self.device, &self.pipelines.plane_layout, num_slots);
            self.num_rings += 1;
        }
        let offset = self.uniforms.push(&self.queue, &uniforms);
        let voxels = self.textures.bind_group(plane.lease)?.clone();
        let key = PlaneKey {
            variant: self.textures.key(plane.lease)?.variant(),
            filter: filter(uniforms.voxels_per_px, draw, self.is_software),
            is_masked: plane.mask.is_some(),
            has_gamma: draw.display.gamma != 1.0,
            is_saturation: draw.display.colormap == Colormap::Saturation,
            is_labels: draw.display.colormap == Colormap::Labels,
        };
        let mask = match plane.mask {
            Some(mask) => self.textures.bind_group(mask)?.clone(),
            None => self.pipelines.no_mask(key.variant),
        };
        let pipeline = self.pipelines.plane(key);
        Some(Prepared { pipeline, uniforms: self.uniforms.bind_group.clone(), offset, voxels, mask })
    }
}

/// How to filter a plane of which so many voxels fall on a pixel.
fn filter(voxels_per_px: [f32; 2], draw: &PlaneDraw, is_software: bool) -> Filter {
    let most = voxels_per_px[0].max(voxels_per_px[1]);
    if draw.display.colormap == Colormap::Labels {
        // There is nothing between one name and another.
        return Filter::Nearest;
    }
    let is_saturation = draw.display.colormap == Colormap::Saturation;
    let is_linear = draw.is_preview || draw.display.interpolation == Interpolation::Linear;
    if most > 1.0 && (is_linear || is_saturation) {
        // A pixel touches at most one voxel more than it is wide. Few different numbers, so that
        // zooming makes few pipelines; a software rasteriser affords 16 voxels for a pixel.
        let taps = [3, 4, 6, 8].into_iter().find(|&taps| most <= f32::from(taps) - 1.0).unwrap_or(16);
        Filter::Area(if is_software { taps.min(4) } else { taps })
    } else if is_linear && !is_saturation {
        Filter::Bilinear
    } else {
        // Magnified, saturation is told voxel by voxel.
        Filter::Nearest
    }
}

/// The hatch, of the tokens bg2 and t3, in points.
const HATCH_BACK: [u8; 3] = [0x20, 0x24, 0x2a];
const HATCH_LINE: [u8; 3] = [0x6d, 0x76, 0x83];
const HATCH_PERIOD: f32 = 10.0;
const HATCH_WIDTH: f32 = 1.25;

fn plane_uniforms(
    plane: &Plane,
    texel: Texel,
    draw: &PlaneDraw,
    rect: egui::Rect,
    screen: &ScreenDescriptor,
) -> Option<gpu::Plane> {
    let [left, top, width, height] = draw.image_px;
    if !(width > 0.0 && height > 0.0 && [left, top, width, height].iter().all(|n| n.is_finite())) {
        return None;
    }
    let display: &Display = &draw.display;
    // Texels along the image's sides; the last one may stand for fewer voxels than the others.
    let extent = plane.size.map(|n| n as f32 / plane.factor as f32);
    let voxels_per_px = [extent[0] / width, extent[1] / height];
    let rows = plane.rows_done.min(plane.tiling.size[1]);
    let bottom = if plane.is_complete() { top + height } else { top + rows as f32 / voxels_per_px[1] };
    let rect = rect * screen.pixels_per_point;
    let quad_px =
        [left.max(rect.left()), top.max(rect.top()), (left + width).min(rect.right()), bottom.min(rect.bottom())];
    if quad_px[0] >= quad_px[2] || quad_px[1] >= quad_px[3] {
        return None;
    }
    let offsets = Offsets::new(texel, display.limits, display.full_scale_of(plane.dtype));
    let color = |rgb: [u8; 3]| rgb.map(|c| f32::from(c) / 255.0);
    let scale = screen.pixels_per_point;
    Some(gpu::Plane {
        quad_px,
        image_px: [left, top],
        voxels_per_px,
        screen_px: screen.size_in_pixels.map(|n| n as f32),
        limits: offsets.limits,
        tiles: gpu::Tiles::of(&plane.tiling),
        size: [plane.tiling.size[0] as i32, rows as i32],
        is_inverted: u32::from(display.invert),
        gamma: display.gamma,
        full_scale: offsets.full_scale,
        exponent: offsets.exponent,
        origin: offsets.origin,
        full_key: offsets.full_key,
        pads: [0; 2],
        hatch: gpu::Hatch {
            back: color(HATCH_BACK),
            period_px: HATCH_PERIOD * scale,
            line: color(HATCH_LINE),
            line_px: HATCH_WIDTH * scale,
        },
        lut: *display.colormap.lut(),
    })
}
