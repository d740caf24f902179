//! The window: opening, sessions, snapshots.

mod contrast;
mod dialog;
mod follow;
mod gpu_projection;
mod measure;
mod open_job;
mod quiet;
mod recent;
mod saving;
mod session;
mod snapshot;
mod still;
mod wake;
mod window;

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use open_job::OpenJob;
use quiet::Quiet;
use wake::Wake;
use window::TectumApp;

use crate::format::OpenOptions;
use crate::render::{self, GpuConfig, InterfacePainter};
use crate::stream::StreamConfig;
use crate::ui::ViewState;

pub use snapshot::snapshot;

/// How much memory the window may take; what is not said is chosen for the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budgets {
    /// Bytes of decoded data in memory.
    pub ram_bytes: Option<usize>,
    /// Bytes of textures.
    pub gpu_bytes: Option<usize>,
}

impl Budgets {
    fn stream(self) -> StreamConfig {
        self.ram_bytes.map_or_else(StreamConfig::default, StreamConfig::with_ram_budget)
    }

    fn gpu(self) -> GpuConfig {
        let default = GpuConfig::default();
        GpuConfig { budget_bytes: self.gpu_bytes.unwrap_or(default.budget_bytes), ..default }
    }
}

/// Opens the window, on `path` or on the welcome screen, and returns when it is closed.
///
/// # Errors
/// When no window can be opened here.
pub fn run_window(path: Option<PathBuf>, options: OpenOptions, budgets: Budgets) -> Result<()> {
    // Reading begins before the window exists: by the time it is up, the first picture is in memory.
    let wake = Wake::default();
    let config = budgets.stream();
    let job = path.map(|path| OpenJob::start(&path, options, &ViewState::default(), &config, wake.callback()));
    let viewport = egui::ViewportBuilder::default()
        .with_title("Tectum")
        .with_app_id("tectum")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([640.0, 420.0])
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Wgpu,
        wgpu_options: egui_wgpu::WgpuConfiguration {
            surface: egui_wgpu::SurfaceConfig::LOW_LATENCY,
            wgpu_setup: render::wgpu_setup(),
            ..Default::default()
        },
        // Flat colours need none, and on a software rasteriser each pixel of it costs.
        dithering: false,
        ..Default::default()
    };
    // Until there is a device to draw with; a driver that fails later may say so.
    let quiet = Quiet::begin();
    let create: eframe::AppCreator<'_> = Box::new(move |creation| {
        drop(quiet);
        let state = creation.wgpu_render_state.as_ref().ok_or("no graphics device")?;
        let renderer = render::install(state, budgets.gpu());
        renderer.set_wake(wake.callback());
        let painter = render::is_software(&state.adapter).then(|| InterfacePainter::new(state)).flatten();
        Ok(Box::new(TectumApp::new(&creation.egui_ctx, renderer, wake, config, job, painter)))
    });
    eframe::run_native("Tectum", native, create).map_err(|error| cannot_open(&error.to_string()))
}

/// Why there is no window. Libraries name the line of their source that failed, by where it was built.
fn cannot_open(reason: &str) -> anyhow::Error {
    let mut words: Vec<&str> = Vec::new();
    for word in reason.split_whitespace() {
        match word.contains(".rs:") {
            true if words.last() == Some(&"at") => drop(words.pop()),
            true => {}
            false => words.push(word),
        }
    }
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| std::env::var_os(name).is_some());
    match cfg!(target_os = "linux") && !has_display {
        true => anyhow!(
            "the window cannot be opened: there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set); \
             `tectum snapshot PATH -o OUT.png` draws it into a picture"
        ),
        false => anyhow!("the window cannot be opened: {}", words.join(" ")),
    }
}
