//! Snapshots: the real window drawn off screen into a picture file, no display needed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::memory::Recall;
use super::quiet::Quiet;
use super::session::{OnScreen, Session, Setup};
use super::window::{SessionUi, session_ui};
use crate::format::{self, OpenOptions};
use crate::render::{self, GpuConfig, OffscreenTarget, RendererHandle};
use crate::stream::{NoSample, StreamConfig};
use crate::ui::{self, Command, Mode, Shown, Step, Theme, ViewState, gaps_text};
use crate::volume::{Location, Projection, ValueKind, measured_values};
use crate::write::{Output, check_name, refuse_inside};

/// When nothing has come for so long, nothing will.
const PATIENCE: Duration = Duration::from_secs(60);
/// With `--wait`, no timepoint measured for this long means that no more will be: of a recording that may still grow,
/// and of any other, which is measured behind everything else that the machine does.
const MEASURING: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(20)];
/// With `--wait`, nothing new for this long means that all is loaded.
const QUIET: Duration = Duration::from_millis(300);

/// A picture of the window that is asked for.
#[derive(Clone, Debug)]
pub struct SnapshotRequest {
    /// The recording.
    pub location: Location,
    /// What is said beside it.
    pub options: OpenOptions,
    /// The .png file to write.
    pub out: PathBuf,
    /// Whether it may replace a file.
    pub is_forced: bool,
    /// Timepoint; negative counts from the end.
    pub t: Option<i64>,
    /// Plane; negative counts from the end.
    pub z: Option<i64>,
    /// A projection along the depth axis instead of a plane.
    pub project: Option<Projection>,
    /// What is computed of it, step by step.
    pub operations: Vec<String>,
    /// Width and height of the window in pixels.
    pub size: [u32; 2],
    /// Whether everything is waited for that will be loaded, and not the picture alone.
    pub waits: bool,
    /// Whether the window is light.
    pub is_light: bool,
}

/// A picture that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotWritten {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Bytes of the file.
    pub num_bytes: u64,
    /// What the picture does not show of what was asked for, in words.
    pub lacking: Option<String>,
}

/// Draws the window off screen into a .png file.
///
/// # Errors
/// When the recording cannot be opened, or the file not be written.
pub fn snapshot(request: &SnapshotRequest) -> Result<SnapshotWritten> {
    check_name(&request.out, "png", request.is_forced).context("--out")?;
    let opened = format::open(&request.location, &request.options)?;
    refuse_inside(&request.out, opened.source.info()).context("--out")?;
    let quiet = Quiet::begin();
    let [width, height] = request.size;
    let target = OffscreenTarget::new(width, height, 1.0)?;
    let renderer = render::install(target.render_state(), GpuConfig::default());
    let mut preferences = ViewState::default();
    if request.is_light {
        preferences.panels.theme = Theme::Light;
    }
    let (config, wake) = (StreamConfig::default(), std::sync::Arc::new(|| ()));
    let setup = Setup { preferences, recall: Recall::nothing(), config, wake, is_checked: true };
    let now = Instant::now();
    let mut session = Session::new(opened, request.location.clone(), request.options.clone(), setup, now)?;
    session.attach(&renderer);
    compute(request, &mut session)?;
    for command in commands(request, &session)? {
        session.apply(&command, now, 0.0);
    }
    let ctx = egui::Context::default();
    ui::theme::install(&ctx, session.view.panels.theme);
    let image = draw_until_done(&ctx, &target, &renderer, &mut session, request.waits)?;
    drop(quiet);
    let lacking = what_is_lacking(&session)?;
    let num_bytes = save(&image, request)?;
    Ok(SnapshotWritten { size: [image.width(), image.height()], num_bytes, lacking })
}

/// What the picture does not show of what was asked for, in words.
///
/// # Errors
/// When nothing of the recording can be read.
fn what_is_lacking(session: &Session) -> Result<Option<String>> {
    let is_finite = |shown: &OnScreen| measured_values(&shown.voxels, 1).iter().any(|value| value.is_finite());
    let kind = session.asked().values().kind;
    // A projection that cannot be made of any timepoint has nothing to be measured.
    let is_void = kind != ValueKind::Voxels && session.contrast().why_none(kind).is_some();
    let is_unreadable = is_void || session.stream.no_sample(session.layer().id()) == Some(NoSample::Unreadable);
    Ok(match (session.shown(), session.on_screen()) {
        (Shown::Missing(reason), _) if is_unreadable => {
            bail!("{}: nothing of it can be read: {reason}", session.location)
        }
        (Shown::Missing(reason), _) => Some(format!("the picture is missing, the hatch stands for it: {reason}")),
        (Shown::Coarse, _) => {
            Some("the picture is of coarser voxels: in full resolution it does not fit into memory".to_owned())
        }
        (_, Some(shown)) if !shown.voxels.is_whole() => {
            let planes =
                shown.voxels.gaps().map(|gaps| gaps_text(gaps, session.view.active().orientation.depth_axis()));
            Some(planes.unwrap_or_else(|| "parts of the picture are missing, the hatch stands for them".to_owned()))
        }
        (_, Some(shown)) if !is_finite(shown) => Some("the picture holds no finite value".to_owned()),
        _ => None,
    })
}

/// Has computed what is asked for, once the arrays that it names are there.
fn compute(request: &SnapshotRequest, session: &mut Session) -> Result<()> {
    if request.operations.is_empty() {
        return Ok(());
    }
    let steps = request.operations.iter().map(Step::new).collect();
    session.apply(&Command::SetOperations(steps), Instant::now(), 0.0);
    while session.awaited_array().is_some() {
        std::thread::sleep(Duration::from_millis(2));
        session.take_others(Instant::now(), 0.0);
    }
    match session.operations_fault() {
        Some(fault) => bail!("{}: --op: {fault}", request.location),
        None => Ok(()),
    }
}

/// The view asked for on the command line, as the commands that lead to it.
fn commands(args: &SnapshotRequest, session: &Session) -> Result<Vec<Command>> {
    let shape = session.info().shape;
    let position = |option: &str, index: i64, len: usize, what: &str| {
        position(index, len)
            .with_context(|| format!("{}: {option} {index} is out of range: there are {len} {what}", args.location))
    };
    let mut commands = Vec::new();
    if let Some(t) = args.t {
        commands.push(Command::ScrubTo(position("--t", t, shape[0], "timepoints")?));
    }
    if let Some(z) = args.z {
        commands.push(Command::DepthTo(position("--z", z, shape[1], "planes")?));
    }
    if let Some(op) = args.project {
        commands.push(Command::SetMode(Mode::Projection));
        commands.push(Command::SetProjection(op));
    }
    Ok(commands)
}

/// A numpy-style position, negative from the end.
fn position(index: i64, len: usize) -> Option<usize> {
    let absolute = if index < 0 { index + len as i64 } else { index };
    usize::try_from(absolute).ok().filter(|&position| position < len)
}

fn draw_until_done(
    ctx: &egui::Context,
    target: &OffscreenTarget,
    renderer: &RendererHandle,
    session: &mut Session,
    wait: bool,
) -> Result<image::RgbaImage> {
    let start = Instant::now();
    let mut last_change = start;
    let mut last_progress = 0;
    let (mut last_checked, mut last_check) = (0, start);
    let mut state = SessionUi::default();
    loop {
        let now = Instant::now();
        let now_s = now.duration_since(start).as_secs_f64();
        session.advance(now, now_s);
        let output = ctx.run_ui(target.raw_input(now_s), |ui| {
            session.choose_pictures(now);
            session_ui(ui, session, renderer, &mut state, &[], now);
        });
        let (num_checked, is_done) = session.checked();
        if num_checked != last_checked {
            (last_checked, last_check) = (num_checked, now);
        }
        // What may still grow is not measured to its end before it has grown.
        let [growing, whole] = MEASURING;
        let patience = if session.is_live() { growing } else { whole };
        let is_checked = is_done || now.duration_since(last_check) > patience;
        let progress = session.progress();
        if progress != last_progress {
            (last_progress, last_change) = (progress, now);
        }
        let is_loaded = session.is_settled() && session.is_measured() && !renderer.stats().pending_uploads;
        let is_quiet = !wait || (is_checked && now.duration_since(last_change) >= QUIET);
        if now.duration_since(last_change.max(last_check)) > PATIENCE {
            bail!("{}: nothing has come for {} s: the disk does not answer", session.location, PATIENCE.as_secs());
        }
        if is_loaded && is_quiet {
            // The frame before this one has uploaded the picture, and knew the contrast.
            target.advance(ctx, output);
            let output = ctx.run_ui(target.raw_input(now_s + 1.0), |ui| {
                session.choose_pictures(now);
                session_ui(ui, session, renderer, &mut state, &[], now);
            });
            return Ok(target.paint(ctx, output)?);
        }
        target.advance(ctx, output);
        // Whoever measures steps back behind whoever draws.
        std::thread::sleep(Duration::from_millis(if is_loaded && !is_checked { 200 } else { 5 }));
    }
}

/// Returns the size of the file.
fn save(image: &image::RgbaImage, args: &SnapshotRequest) -> Result<u64> {
    let mut output = Output::create(&args.out, args.is_forced).context("--out")?;
    image
        .write_to(&mut std::io::BufWriter::new(output.file()), image::ImageFormat::Png)
        .with_context(|| format!("--out: {}: cannot write the picture", args.out.display()))?;
    output.finish().context("--out")
}
