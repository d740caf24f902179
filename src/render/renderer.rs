//! The renderer: what it owns, what it may use, and what it says of both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::device;
use super::fill::FillPipeline;
use super::health::Health;
use super::pipelines::Pipelines;
use super::planes::{Allowance, Planes};
use super::projector::Projector;
use super::software::{ColorTable, Colored};
use super::stand_in::{Memory, Spot};
use super::textures::Textures;
use super::uniforms::UniformRing;

/// What the renderer may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuConfig {
    /// Bytes of textures held, at most.
    pub budget_bytes: usize,
    /// Bytes uploaded in one frame, at most (but always one row of a picture).
    pub upload_bytes_per_frame: usize,
    /// Leave projections to the graphics card, and not to the loader threads. `TECTUM_PROJECT_ON_GPU=1` does so.
    /// The processor was faster wherever the volume was not on the card yet (BENCHMARKS.md, "Who folds").
    pub projects: bool,
    /// Colour pictures by the shader on a software adapter, too, as on real hardware. The CPU's own code is
    /// faster there; this is for trying the other way where there is no such hardware.
    pub shades_in_software: bool,
}

impl Default for GpuConfig {
    fn default() -> Self {
        let projects = std::env::var_os("TECTUM_PROJECT_ON_GPU").is_some_and(|value| value == "1");
        Self { budget_bytes: 256 << 20, upload_bytes_per_frame: 16 << 20, projects, shades_in_software: false }
    }
}

/// What the renderer has and does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuStats {
    /// Bytes of textures held.
    pub texture_bytes: usize,
    /// Bytes of textures allowed.
    pub budget_bytes: usize,
    /// Bytes of memory on the CPU's side that uploads pass through: what waits to be submitted, and buffers kept
    /// for the next. At most twice what a frame may upload.
    pub staging_bytes: usize,
    /// Pictures whose upload was begun so far.
    pub uploads: u64,
    /// Bytes uploaded so far.
    pub uploaded_bytes: u64,
    /// Textures, buffers, pipelines and bind groups made so far. Stands still while cached data are
    /// scrubbed.
    pub objects_created: u64,
    /// What was shown in the last frame includes unfinished uploads; the former pictures are drawn meanwhile.
    pub pending_uploads: bool,
    /// Voxels along each side of what a texel stands for, at most, in what was shown in the last frame: more
    /// than 1 where a picture was too large for the budget.
    pub reduction: usize,
    /// The graphics device.
    pub adapter_name: String,
    /// Whether it computes on the CPU.
    pub is_software: bool,
    /// The first error of the device, if there was any.
    pub problem: Option<String>,
}

/// The renderer as the app holds it; all share one.
#[derive(Clone)]
pub struct RendererHandle {
    renderer: Arc<Mutex<Renderer>>,
    /// Held by the thread that is folding a volume.
    folding: Arc<Mutex<()>>,
}

/// Puts a renderer into egui's, where [`super::canvas_shape`] finds it.
pub fn install(state: &egui_wgpu::RenderState, config: GpuConfig) -> RendererHandle {
    let handle =
        RendererHandle { renderer: Arc::new(Mutex::new(Renderer::new(state, config))), folding: Arc::default() };
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

    /// Waits until no other thread is folding.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.folding.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    /// Frames of this renderer, those in which a view was shown; the clock of the textures.
    pub(super) frame: u64,
    /// The number that egui gives the frame under way.
    pub(super) frame_of_egui: Option<u64>,
    pub(super) uniforms: UniformRing,
    pub(super) num_rings: u64,
    pub(super) memories: HashMap<Spot, Memory>,
    pub(super) allowance: Allowance,
    pub(super) colored: Vec<Colored>,
    pub(super) color_table: Option<ColorTable>,
    /// How much of what was uploaded had been when the queue was last submitted.
    pub(super) submitted_bytes: u64,
    pub(super) is_software: bool,
    adapter_name: String,
    pub(super) health: Health,
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
            // What is not drawn counts as used in the frame before, and what is free as used in frame 0.
            frame: 2,
            frame_of_egui: None,
            memories: HashMap::new(),
            allowance: Allowance::new(0),
            colored: Vec::new(),
            color_table: None,
            submitted_bytes: 0,
            health,
        }
    }

    fn stats(&self) -> GpuStats {
        let seen = || self.memories.values().filter(|memory| Some(memory.frame) == self.frame_of_egui);
        let created = self.pipelines.num_created() + self.textures.num_created() + self.projector.num_created();
        GpuStats {
            texture_bytes: self.textures.num_bytes(),
            budget_bytes: self.textures.budget_bytes(),
            staging_bytes: self.planes.staging.free_bytes() + self.unsubmitted_bytes(),
            uploads: self.planes.num_uploads,
            uploaded_bytes: self.planes.uploaded_bytes,
            objects_created: created + 2 * self.num_rings,
            pending_uploads: seen().any(|memory| memory.is_pending),
            reduction: seen().map(|memory| memory.reduction).max().unwrap_or(1),
            adapter_name: self.adapter_name.clone(),
            is_software: self.is_software,
            problem: self.health.problem(),
        }
    }

    /// Bytes that were uploaded since the queue was last submitted, of which the queue holds a copy.
    pub(super) fn unsubmitted_bytes(&self) -> usize {
        self.planes.uploaded_bytes.saturating_sub(self.submitted_bytes) as usize
    }

    /// Whether the adapter computes on the CPU.
    pub(super) fn is_software(&self) -> bool {
        self.is_software
    }
}
