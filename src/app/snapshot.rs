//! `tectum snapshot`: the real window drawn off screen, no display needed.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::session::Session;
use super::wake::Wake;
use crate::cli::SnapshotArgs;
use crate::cli::output::{Output, refuse_inside};
use crate::format;
use crate::render::{self, GpuConfig, OffscreenTarget, RendererHandle};
use crate::stream::StreamConfig;
use crate::ui::{self, Command, Mode, Theme, ViewState};

/// A picture that takes longer is taken for one that will not come.
const PATIENCE: Duration = Duration::from_secs(60);
/// With `--wait`, nothing new for this long means that all is loaded.
const QUIET: Duration = Duration::from_millis(300);

/// Draws the window off screen into a .png file.
///
/// # Errors
/// When the recording cannot be opened, or the file not be written.
pub fn snapshot(args: &SnapshotArgs) -> Result<()> {
    let options = args.open.options();
    let opened = format::open(&args.path, &options)?;
    refuse_inside(&args.out, opened.source.info())?;
    let [width, height] = args.size;
    let target = OffscreenTarget::new(width, height, 1.0)?;
    let renderer = render::install(target.render_state(), GpuConfig::default());
    let mut preferences = ViewState::default();
    if args.light {
        preferences.theme = Theme::Light;
    }
    let wake = Wake::default();
    let config = StreamConfig::default();
    let now = Instant::now();
    let mut session = Session::new(opened, args.path.clone(), options, &preferences, config, wake.callback(), now)?;
    for command in commands(args, &session)? {
        session.apply(&command, now, 0.0);
    }
    let ctx = egui::Context::default();
    ui::theme::install(&ctx, session.view.theme);
    let image = draw_until_done(&ctx, &target, &renderer, &mut session, args.wait)?;
    save(&image, &args.out)
}

/// The view asked for on the command line, as the commands that lead to it.
fn commands(args: &SnapshotArgs, session: &Session) -> Result<Vec<Command>> {
    let shape = session.info().shape;
    let mut commands = Vec::new();
    if let Some(t) = args.t {
        commands.push(Command::ScrubTo(position(t, shape[0], "timepoints")?));
    }
    if let Some(z) = args.z {
        commands.push(Command::DepthTo(position(z, shape[1], "planes")?));
    }
    if let Some(op) = args.project {
        commands.push(Command::SetMode(Mode::Projection));
        commands.push(Command::SetProjection(op));
    }
    Ok(commands)
}

/// A numpy-style position, negative from the end.
fn position(index: i64, len: usize, what: &str) -> Result<usize> {
    let absolute = if index < 0 { index + len as i64 } else { index };
    match usize::try_from(absolute) {
        Ok(position) if position < len => Ok(position),
        _ => bail!("{index} is out of range: there are {len} {what}"),
    }
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
    loop {
        let now = Instant::now();
        let now_s = now.duration_since(start).as_secs_f64();
        session.advance(now, now_s);
        let output = ctx.run_ui(target.raw_input(now_s), |ui| {
            session.show(ui, renderer, now, &[]);
        });
        let progress = session.progress();
        if progress != last_progress {
            (last_progress, last_change) = (progress, now);
        }
        let is_loaded = session.is_settled() && session.has_sample() && !renderer.stats().pending_uploads;
        let is_quiet = !wait || now.duration_since(last_change) >= QUIET;
        if (is_loaded && is_quiet) || now.duration_since(start) > PATIENCE {
            // The frame before this one has uploaded the picture, and knew the contrast.
            target.advance(ctx, output);
            let output = ctx.run_ui(target.raw_input(now_s + 1.0), |ui| {
                session.show(ui, renderer, now, &[]);
            });
            return Ok(target.paint(ctx, output)?);
        }
        target.advance(ctx, output);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn save(image: &image::RgbaImage, out: &Path) -> Result<()> {
    let mut output = Output::create(out)?;
    image
        .write_to(&mut std::io::BufWriter::new(output.file()), image::ImageFormat::Png)
        .with_context(|| format!("{}: cannot write the picture", out.display()))?;
    output.finish()
}
