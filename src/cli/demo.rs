//! `tectum demo`: writes the demo recording, at once or as a running rig would, and opens it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::said::written;
use super::window;
use crate::demo::rig::{self, Ending, Progress, Run};
use crate::demo::{self, LEAST_SHAPE, MADE_BY, Recipe, TRUTH_FILE, Truth};
use crate::write::interrupt::Unfinished;

/// Arguments of `tectum demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// Folder of the demo recording [default: demo, or demo-live with --live].
    pub dir: Option<PathBuf>,
    /// Record like a running rig, at HZ volumes a second, while the window is open.
    #[arg(long, value_name = "HZ", value_parser = parse_rate)]
    pub live: Option<f64>,
    /// Stop the live recording after N volumes; the metadata still claim the whole length.
    #[arg(long, value_name = "N", requires = "live")]
    pub stop_after: Option<usize>,
    /// Let the rig crash at its end: half of the last block is missing, and the metadata.
    #[arg(long, requires = "live")]
    pub crash: bool,
    /// Begin again where a demo recording lies already, as a rig does.
    #[arg(long)]
    pub restart: bool,
    /// Write only; open no window.
    #[arg(long, alias = "no-window")]
    pub no_open: bool,
    /// Size of the recording.
    #[arg(long, value_name = "T,Z,Y,X", value_parser = parse_shape)]
    pub shape: Option<[usize; 4]>,
    /// Volumes in a block.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub block: Option<u32>,
    /// Plant faults in it: moved, dark, lost, saturated, blurred, doubled, slipped; truth.json says where.
    #[arg(long)]
    pub faults: bool,
    /// Draw only N blocks and record them over and over, for high rates.
    #[arg(long, value_name = "N", requires = "live", hide = true)]
    pub repeat: Option<usize>,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if !(0.01..=10_000.0).contains(&rate) {
        return Err("between 0.01 and 10000 volumes a second".to_owned());
    }
    Ok(rate)
}

fn parse_shape(text: &str) -> Result<[usize; 4], String> {
    let dims: Vec<usize> = text
        .split([',', 'x'])
        .map(|dim| dim.trim().parse().map_err(|_| "four whole numbers T,Z,Y,X".to_owned()))
        .collect::<Result<_, _>>()?;
    let dims: [usize; 4] = dims.try_into().map_err(|_| "four whole numbers T,Z,Y,X".to_owned())?;
    let volume = dims[1..].iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
    if dims.contains(&0) || volume.is_none_or(|n| n > 1 << 30) || dims[0] > 1_000_000 {
        return Err("no extent may be 0, a volume at most 2³⁰ voxels, at most a million volumes".to_owned());
    }
    Ok(dims)
}

impl DemoArgs {
    fn recipe(&self) -> Recipe {
        let mut recipe = Recipe::default();
        if self.live.is_some() {
            // Long enough to look at, in blocks that land every second or two.
            (recipe.shape[0], recipe.block_len) = (180, 5);
        }
        recipe.shape = self.shape.unwrap_or(recipe.shape);
        recipe.block_len = self.block.map_or(recipe.block_len, |len| len as usize);
        recipe.rate_hz = self.live.unwrap_or(recipe.rate_hz);
        recipe.has_faults = self.faults;
        recipe
    }

    /// # Errors
    /// When the recording is too small for all the faults.
    fn check(&self) -> Result<()> {
        let [num_t, num_z, ..] = self.recipe().shape;
        if self.faults && (num_t < LEAST_SHAPE[0] || num_z < LEAST_SHAPE[1]) {
            bail!("--faults needs {} volumes of {} planes at least", LEAST_SHAPE[0], LEAST_SHAPE[1]);
        }
        Ok(())
    }

    fn dir(&self) -> PathBuf {
        let default = if self.live.is_some() { "demo-live" } else { "demo" };
        self.dir.clone().unwrap_or_else(|| default.into())
    }
}

/// Writes the demo recording if absent and opens it.
///
/// # Errors
/// When it can not be written or opened, or something else lies there.
pub fn run(args: &DemoArgs, settings: Option<PathBuf>) -> Result<()> {
    args.check()?;
    if !args.no_open {
        window::is_built().context("--no-open writes the recording only")?;
    }
    let dir = args.dir();
    if args.live.is_some() {
        return run_live(args, &dir, settings);
    }
    let recipe = args.recipe();
    if args.restart || !is_complete(&dir, &recipe)? {
        let start = Instant::now();
        write(&dir, &recipe)?;
        say_written(&dir, &recipe, recipe.shape[0], start)?;
    } else {
        super::print(&format!("{}: the demo recording is there; --restart writes it anew\n", dir.display()))?;
    }
    if args.no_open {
        return Ok(());
    }
    window::show(window::Show { location: Some(dir.join("original").into()), settings, ..window::Show::default() })
}

/// Whether the folder holds this very recording, whole.
///
/// # Errors
/// When it holds something that is not ours.
fn is_complete(dir: &Path, recipe: &Recipe) -> Result<bool> {
    let truth = ours(dir)?;
    let has_json = dir.join("original/stack_metadata.json").exists();
    let is_same = |truth: Truth| truth.shape == recipe.shape && truth.faults.is_empty() != recipe.has_faults;
    Ok(has_json && truth.is_some_and(is_same))
}

/// The truth of the demo recording that lies in `dir`; `None` when there is nothing.
///
/// # Errors
/// When it holds something that is not ours: nobody's data are ever written over.
fn ours(dir: &Path) -> Result<Option<Truth>> {
    let is_empty = match std::fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| dir.display().to_string()),
    };
    if is_empty {
        return Ok(None);
    }
    let text = std::fs::read(dir.join(TRUTH_FILE)).unwrap_or_default();
    match serde_json::from_slice::<Truth>(&text) {
        Ok(truth) if truth.made_by == MADE_BY => Ok(Some(truth)),
        _ => bail!("{}: holds something that is not a demo recording; name another folder", dir.display()),
    }
}

/// Writes the whole recording beside its place and moves it there.
fn write(dir: &Path, recipe: &Recipe) -> Result<()> {
    ours(dir)?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tectum-demo-");
    let (partial, unfinished) = Unfinished::begin(|| builder.tempdir_in(parent))
        .with_context(|| format!("{}: cannot write here", parent.display()))?;
    let bar = progress_bar(recipe.num_blocks(), "writing the demo recording");
    demo::write(partial.path(), recipe, |done, _| {
        bar.set_position(done as u64);
        true
    })?;
    bar.finish_and_clear();
    share(partial.path());
    unfinished.finish(|| {
        if dir.exists() {
            std::fs::remove_dir_all(dir).with_context(|| format!("{}: cannot be replaced", dir.display()))?;
        }
        std::fs::rename(partial.path(), dir).with_context(|| format!("{}: cannot write here", dir.display()))
    })
}

fn say_written(dir: &Path, recipe: &Recipe, num_t: usize, start: Instant) -> Result<()> {
    let [_, num_z, num_y, num_x] = recipe.shape;
    let what = format!("t {num_t} × z {num_z} × y {num_y} × x {num_x}, uint16");
    let blocks = std::fs::read_dir(dir.join("original")).with_context(|| dir.display().to_string())?;
    let num_bytes = blocks.flatten().filter_map(|block| block.metadata().ok()).map(|block| block.len()).sum();
    super::print(&written(dir, &what, num_bytes, start))
}

/// Temporary folders are private; the recording need not be.
fn share(dir: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Only convenience is lost when this fails.
        let _ = std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755));
    }
    #[cfg(not(unix))]
    let _ = dir;
}

/// Records in another process, as on a rig, while this one shows the window; or here, without a window.
fn run_live(args: &DemoArgs, dir: &Path, settings: Option<PathBuf>) -> Result<()> {
    if ours(dir)?.is_some() {
        if !args.restart {
            bail!("{}: holds a demo recording already; --restart begins again", dir.display());
        }
        rig::clear(dir)?;
    }
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    if args.no_open {
        return record(args, dir);
    }
    // The writer must find the folder ours, with or without a recording in it.
    let _writer = Writer(start_writer(args, dir)?);
    let location = Some(dir.into());
    window::show(window::Show { location, settings, is_expected: true, ..window::Show::default() })
}

/// The recording process; it ends with the window.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have finished by itself; either way there is nothing more to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_writer(args: &DemoArgs, dir: &Path) -> Result<Child> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.arg("demo").arg(dir).args(["--no-open", "--restart"]);
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            command.arg(name).arg(value);
        }
    };
    option("--live", args.live.map(|hz| hz.to_string()));
    option("--stop-after", args.stop_after.map(|n| n.to_string()));
    option("--shape", args.shape.map(|shape| shape.map(|dim| dim.to_string()).join(",")));
    option("--block", args.block.map(|n| n.to_string()));
    option("--repeat", args.repeat.map(|n| n.to_string()));
    for (name, is_given) in [("--crash", args.crash), ("--faults", args.faults)] {
        if is_given {
            command.arg(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("cannot start the recording process")
}

/// Records in this process until the end. An interrupt is a crash: nothing more is written.
fn record(args: &DemoArgs, dir: &Path) -> Result<()> {
    let recipe = args.recipe();
    let run = Run {
        recipe,
        rate_hz: args.live.unwrap_or(recipe.rate_hz),
        stop_after: args.stop_after,
        ending: if args.crash { Ending::Crashed } else { Ending::Finished },
        repeat_blocks: args.repeat,
    };
    let start = Instant::now();
    let num_t = run.stop_after.unwrap_or(recipe.shape[0]).min(recipe.shape[0]);
    let bar = progress_bar(num_t, "recording");
    let mut latest = std::time::Duration::ZERO;
    rig::record(dir, &run, |progress| {
        match progress {
            Progress::Acquired(num_t) => bar.set_position(num_t as u64),
            Progress::Landed { late, .. } => latest = latest.max(late),
        }
        true
    })?;
    bar.finish_and_clear();
    if latest.as_secs_f64() > 1.0 {
        eprintln!("note: the rig was up to {:.1} s late; this machine cannot write so fast", latest.as_secs_f64());
    }
    say_written(dir, &recipe, num_t, start)
}

/// On stderr, and only where that is a terminal.
fn progress_bar(len: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    ProgressBar::new(len as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(args: &DemoArgs) -> Result<()> {
        super::run(args, None)
    }

    fn args(dir: &Path) -> DemoArgs {
        DemoArgs {
            dir: Some(dir.to_owned()),
            live: None,
            stop_after: None,
            crash: false,
            restart: false,
            no_open: true,
            shape: Some([4, 2, 40, 48]),
            block: Some(3),
            faults: false,
            repeat: None,
        }
    }

    fn time(path: &Path) -> std::time::SystemTime {
        path.metadata().unwrap().modified().unwrap()
    }

    #[test]
    fn written_once_and_never_over_other_data() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("demo");
        run(&args(&dir)).unwrap();
        let block = dir.join("original/0000.h5");
        let before = time(&block);
        run(&args(&dir)).unwrap();
        assert_eq!(time(&block), before);
        run(&DemoArgs { shape: Some([3, 2, 40, 48]), ..args(&dir) }).unwrap();
        assert_ne!(time(&block), before);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing else is left");

        let mine = folder.path().join("mine");
        std::fs::create_dir(&mine).unwrap();
        std::fs::write(mine.join("0000.h5"), "precious").unwrap();
        for restart in [false, true] {
            let error = run(&DemoArgs { restart, ..args(&mine) }).unwrap_err();
            assert!(error.to_string().contains("not a demo recording"), "{error}");
            let live = DemoArgs { restart, live: Some(100.0), ..args(&mine) };
            assert!(run(&live).is_err());
        }
        assert_eq!(std::fs::read(mine.join("0000.h5")).unwrap(), b"precious");
    }

    #[test]
    fn a_live_recording_begins_again_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("live");
        let live = DemoArgs { live: Some(400.0), ..args(&dir) };
        run(&live).unwrap();
        assert!(dir.join("original/stack_metadata.json").exists());
        assert!(run(&live).unwrap_err().to_string().contains("--restart"));
        run(&DemoArgs { restart: true, crash: true, ..live }).unwrap();
        assert!(dir.join("original/0001.h5").exists());
        assert!(!dir.join("original/stack_metadata.json").exists());
    }

    #[test]
    fn shapes_are_checked() {
        assert_eq!(parse_shape("2,3,4,5"), Ok([2, 3, 4, 5]));
        assert_eq!(parse_shape("2x3x4x5"), Ok([2, 3, 4, 5]));
        for bad in ["", "2,3,4", "0,1,1,1", "1,99999999,99999999,99999999", "a,b,c,d"] {
            assert!(parse_shape(bad).is_err(), "{bad}");
        }
    }
}
