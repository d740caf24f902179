//! The window: opening, sessions, snapshots.

mod activity;
mod complete;
mod contrast;
mod dialog;
mod effects;
mod failure;
mod follow;
mod gpu_projection;
mod gpu_scrub;
mod keeping;
mod lender;
mod measure;
mod memory;
mod notes;
mod notify;
mod open_job;
mod profiles;
mod program;
mod quiet;
mod recent;
mod saving;
mod session;
mod sheet;
mod snapshot;
#[cfg(test)]
mod stage;
mod still;
mod wake;
mod window;

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use quiet::Quiet;
use wake::Wake;
use window::TectumApp;

use crate::format::{OpenOptions, identity_of};
use crate::render::{self, GpuConfig, KeptWindow};
use crate::stream::StreamConfig;
use crate::volume::Location;

pub use dialog::Picked;
pub use effects::{Ask, Effect, PathField};
pub use gpu_scrub::GpuScrubber;
pub use memory::Memory;
pub use notes::{Collector, Notes};
pub use program::{Beginning, Program, Screen};
pub use session::{OnScreen, Pane, Session};
pub use snapshot::{SnapshotRequest, SnapshotWritten, snapshot};
pub use wake::WakeFn;

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

/// What the window is opened with.
#[derive(Clone, Debug, Default)]
pub struct WindowArgs {
    /// What to open; the welcome screen without it.
    pub location: Option<Location>,
    /// What was said beside it.
    pub options: OpenOptions,
    /// How much memory it may take.
    pub budgets: Budgets,
    /// Where to keep what is worth it for the next time; the user's own folder without it.
    pub settings: Option<PathBuf>,
    /// Whether a recording is waited for where there is none yet.
    pub is_expected: bool,
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When no window can be opened here.
pub fn run_window(args: WindowArgs) -> Result<()> {
    let WindowArgs { location, options, budgets, settings, is_expected } = args;
    // Reading begins before the window exists: by the time it is up, the first picture is in memory.
    let wake = Wake::default();
    let memory = settings.as_deref().map_or_else(Memory::of_user, Memory::in_folder);
    let notes = Notes::of_process().clone();
    let mut beginning =
        Beginning::new(memory, budgets.stream(), wake.callback()).with_notes(notes).with_standing(&options);
    if let Some(location) = location {
        beginning.open(location, options, is_expected);
    }
    let viewport = egui::ViewportBuilder::default()
        .with_title("Tectum")
        .with_app_id("tectum")
        .with_min_inner_size([640.0, 420.0])
        .with_drag_and_drop(true);
    let viewport = window::build(beginning.window_place(), viewport);
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
        if let Some(kept) = render::is_software(&state.adapter).then(|| KeptWindow::new(state)).flatten() {
            creation.egui_ctx.add_plugin(kept);
        }
        Ok(Box::new(TectumApp::new(&creation.egui_ctx, Program::new(beginning), renderer, wake)))
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

/// Forgets what is remembered of the recording at `location`, or everything without it. Returns what was
/// forgotten, in words.
///
/// # Errors
/// When the recording cannot be opened, and so is not known.
pub fn forget(location: Option<&Location>, options: &OpenOptions, settings: Option<&Path>) -> Result<String> {
    let memory = settings.map_or_else(Memory::of_user, Memory::in_folder);
    let what = match location {
        None => {
            memory.forget_all();
            "all settings and views, and what was measured and said of recordings".to_owned()
        }
        Some(location) => {
            // As the files have it, and as the window shows it.
            let as_stored = crate::format::open(location, options)?;
            let (as_shown, _) = open_job::open_as_remembered(location, options.clone(), &memory)?;
            for opened in [&as_stored, &as_shown] {
                memory.forget_view(&identity_of(opened));
                memory.forget_said(location, opened.source.info(), &opened.datasets, opened.chosen_name());
            }
            format!("how {} was looked at, and what was said of it", as_stored.source.info().name)
        }
    };
    memory.flush(std::time::Duration::from_secs(10));
    Ok(what)
}
