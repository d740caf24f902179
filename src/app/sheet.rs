//! Behind the axes sheet: what each array of the file is, a small picture of it, and what the user has said so
//! far. Files are read on threads of their own, and never written.

mod preview;

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::{ColorImage, TextureHandle};

use self::preview::Plane;
use super::memory::Memory;
use super::open_job::open_as_remembered;
use super::session::Session;
use super::wake::WakeFn;
use crate::format::{Cancel, DatasetEntry, OpenOptions, Opened};
use crate::ui::{self, Draft, Level, SheetCommand, Thumbnail};
use crate::volume::{ArrayInfo, Colormap, Location};

/// Pictures are made of so many arrays of a file without being asked for.
const MAX_THUMBNAILS: usize = 400;
/// And of so many where each costs the network.
const MAX_REMOTE_THUMBNAILS: usize = 24;

/// Whether what was opened was taken for something that the user should look at: it is one of several arrays,
/// or its axes are a guess, and nobody has said which.
pub fn is_wanted(opened: &Opened, options: &OpenOptions) -> bool {
    // A rig that records is not to be asked about: what is guessed of its first block the second one tells.
    if opened.growing.as_ref().is_some_and(|source| !source.growth().is_finished) {
        return false;
    }
    let num_images = opened.datasets.iter().filter(|entry| !entry.is_no_image).count();
    let is_one_of_several = options.dataset.is_none() && num_images > 1 && opened.channels.len() < 2;
    let info = opened.source.info();
    let is_guess = options.axes.is_none() && info.axes_from.iter().any(|from| from.is_guess);
    is_one_of_several || is_guess
}

/// The sheet over a recording.
pub struct Sheet {
    file: String,
    facts: String,
    entries: Arc<[DatasetEntry]>,
    chosen: usize,
    is_remembered: bool,
    known: HashMap<usize, Draft>,
    infos: HashMap<usize, Arc<ArrayInfo>>,
    thumbnails: Vec<Thumbnail>,
    planes: HashMap<(usize, String), Thumbnail>,
    /// What was asked for last, where that is not there yet.
    asked: Option<(usize, String)>,
    /// The plane of the draft on screen, and where there is none yet the one before.
    plane: Thumbnail,
    found: Receiver<Read>,
    /// What has been found and not been drawn yet.
    undrawn: Vec<Read>,
    /// What is to be looked into: an array and the axes to read it by, `None` for its own. Of several the last.
    wanted: Sender<(usize, Option<String>)>,
    cancel: Cancel,
}

/// What a thread has found out about an array.
struct Read {
    entry: usize,
    /// The axes it was read by; `None` for its own.
    axes: Option<String>,
    outcome: Result<Found, String>,
}

struct Found {
    /// Of the file.
    num_bytes: Option<u64>,
    info: Arc<ArrayInfo>,
    draft: Draft,
    plane: Result<Plane, String>,
}

impl Sheet {
    /// The sheet of what is open, its pictures being read from now on.
    pub fn new(session: &Session, memory: &Memory, wake: WakeFn) -> Self {
        let info = session.array().source().info();
        let mut entries = session.datasets.clone();
        if entries.is_empty() {
            entries = vec![only_entry(info)];
        }
        // Images first, in their order.
        let open_name = entries[session.chosen.min(entries.len() - 1)].name.clone();
        entries.sort_by_key(|entry| entry.is_no_image);
        let open = entries.iter().position(|entry| entry.name == open_name).unwrap_or(0);
        let entries: Arc<[DatasetEntry]> = entries.into();
        let (cancel, (sender, found), (wanted, asked)) = (Cancel::new(), unbounded(), unbounded());
        let reader = Arc::new(Reader {
            location: session.location.clone(),
            options: OpenOptions { cancel: cancel.clone(), ..session.options.clone() },
            entries: Arc::clone(&entries),
            open,
            memory: memory.clone(),
            colormap: session.view.layer().colormap,
            sender,
            wake,
        });
        let mut sheet = Self {
            file: session.location.short(),
            facts: facts_of(info, &entries, None),
            thumbnails: vec![Thumbnail::Waiting; entries.len()],
            entries,
            chosen: open,
            is_remembered: true,
            known: HashMap::new(),
            infos: HashMap::new(),
            planes: HashMap::new(),
            asked: None,
            plane: Thumbnail::Waiting,
            found,
            undrawn: Vec::new(),
            wanted,
            cancel,
        };
        let mut draft = Draft::of(info);
        let told = session.info();
        if let Some(size) = told.voxel_size {
            draft.voxel_um = size.edges().map(Some);
        }
        draft.rate_hz = told.rate_hz;
        draft.level = session.options.level.unwrap_or(0);
        sheet.known.insert(open, draft);
        sheet.infos.insert(open, Arc::clone(info));
        reader.start(asked);
        sheet
    }

    /// What the sheet shows. Pictures that have come are handed to the toolkit by `load`.
    pub fn show<R>(
        &mut self,
        load: impl FnMut(ColorImage) -> TextureHandle,
        draw: impl FnOnce(&ui::Sheet<'_>) -> R,
    ) -> R {
        self.collect();
        self.hand_over(load);
        draw(&ui::Sheet {
            file: &self.file,
            facts: &self.facts,
            entries: &self.entries,
            chosen: self.chosen,
            thumbnails: &self.thumbnails,
            draft: self.known.get(&self.chosen),
            plane: &self.plane,
            is_remembered: self.is_remembered,
        })
    }

    /// Carries out what changes the sheet alone.
    pub fn apply(&mut self, command: &SheetCommand) {
        match command {
            SheetCommand::Choose(index) => self.choose(*index),
            SheetCommand::ToggleRemembered => self.is_remembered = !self.is_remembered,
            SheetCommand::SetRole { axis, role } => self.change(|draft| draft.set_role(*axis, *role)),
            SheetCommand::SwapAxes(axes) => self.change(|draft| draft.swap(*axes)),
            SheetCommand::SetEdge { axis, um } => self.change(|draft| draft.voxel_um[*axis] = *um),
            SheetCommand::SetRate(rate_hz) => self.change(|draft| draft.rate_hz = *rate_hz),
            SheetCommand::SetLevel(level) => self.change(|draft| draft.set_level(*level)),
            SheetCommand::Open => {}
        }
    }

    /// Name of the chosen array, where there are several.
    pub fn chosen_name(&self) -> Option<&str> {
        (self.entries.len() > 1).then(|| self.entries[self.chosen].name.as_str())
    }

    /// What is said of the chosen array, and how it describes itself; `None` while that is not known.
    pub fn said(&self) -> Option<(&Draft, &Arc<ArrayInfo>)> {
        Some((self.known.get(&self.chosen)?, self.infos.get(&self.chosen)?))
    }

    /// The arrays of the file.
    pub fn entries(&self) -> &[DatasetEntry] {
        &self.entries
    }

    /// Whether what is said is remembered.
    pub fn is_remembered(&self) -> bool {
        self.is_remembered
    }

    fn choose(&mut self, index: usize) {
        if self.entries.get(index).is_some_and(|entry| !entry.is_no_image) && index != self.chosen {
            self.chosen = index;
            self.plane = Thumbnail::Waiting;
            match self.known.get(&index) {
                Some(_) => self.ask_for_plane(),
                // Out of its turn.
                None => self.ask_for(index, None),
            }
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Draft)) {
        if let Some(draft) = self.known.get_mut(&self.chosen) {
            change(draft);
            self.ask_for_plane();
        }
    }

    /// Shows the plane of the draft, or begins to read it. Rows and columns may be exchanged without that.
    fn ask_for_plane(&mut self) {
        let Some(draft) = self.known.get(&self.chosen).filter(|draft| draft.fault().is_none()) else { return };
        let key = (self.chosen, plane_key(&draft.letters()));
        if let Some(plane) = self.planes.get(&key) {
            self.plane = plane.clone();
        } else if self.asked.as_ref() != Some(&key) {
            let letters = draft.letters();
            self.asked = Some(key);
            self.ask_for(self.chosen, Some(letters));
        }
    }

    fn ask_for(&self, entry: usize, axes: Option<String>) {
        // Nobody is there to look where the system has no threads left: that has been said.
        let _unheard = self.wanted.send((entry, axes));
    }

    /// Takes in what the threads have found. Its pictures wait until the sheet is drawn.
    pub fn collect(&mut self) {
        for read in self.found.try_iter() {
            if let Ok(found) = &read.outcome {
                if let Some(num_bytes) = found.num_bytes {
                    self.facts = facts_of(&found.info, &self.entries, Some(num_bytes));
                }
                let draft = self.known.entry(read.entry).or_insert_with(|| found.draft.clone());
                draft.levels.clone_from(&found.draft.levels);
                self.infos.insert(read.entry, Arc::clone(&found.info));
            }
            self.undrawn.push(read);
        }
    }

    /// Hands the pictures to the toolkit.
    fn hand_over(&mut self, mut load: impl FnMut(ColorImage) -> TextureHandle) {
        for Read { entry, axes, outcome } in std::mem::take(&mut self.undrawn) {
            let (letters, plane) = match outcome {
                Ok(found) => (Some(found.draft.letters()), found.plane),
                Err(why) => (None, Err(why)),
            };
            let thumbnail = match plane {
                Ok(plane) => Thumbnail::Picture { texture: load(plane.image), axes: plane.axes },
                Err(why) => Thumbnail::None(why),
            };
            if axes.is_none() {
                self.thumbnails[entry] = thumbnail.clone();
            }
            if let Some(letters) = axes.or(letters) {
                let key = (entry, plane_key(&letters));
                self.planes.insert(key, thumbnail.clone());
            }
            if entry == self.chosen {
                match self.known.contains_key(&entry) {
                    true => self.ask_for_plane(),
                    false => self.plane = thumbnail,
                }
            }
        }
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Planes of the same letters but for rows and columns are the same voxels.
fn plane_key(letters: &str) -> String {
    letters.replace(['x', 'y'], "p")
}

/// What looks into arrays, on threads of its own.
struct Reader {
    location: Location,
    options: OpenOptions,
    entries: Arc<[DatasetEntry]>,
    /// Which of them is open, by the axes of the options.
    open: usize,
    memory: Memory,
    colormap: Colormap,
    sender: Sender<Read>,
    wake: WakeFn,
}

impl Reader {
    /// Looks into all arrays one after the other, beginning with the one that is open, and beside that into
    /// whatever is asked for, until nobody can ask any more.
    fn start(self: Arc<Self>, asked: Receiver<(usize, Option<String>)>) {
        let others = Arc::clone(&self);
        spawn(move || {
            let max = if others.location.path().is_some() { MAX_THUMBNAILS } else { MAX_REMOTE_THUMBNAILS };
            let is_left = |entry: &usize| *entry != others.open;
            let rest = (0..others.entries.len().min(max)).filter(is_left);
            std::iter::once(others.open).chain(rest).for_each(|entry| others.read(entry, None));
        });
        spawn(move || {
            while let Ok(first) = asked.recv() {
                // What was asked for before that is not on the sheet any more.
                let (entry, axes) = asked.try_iter().last().unwrap_or(first);
                self.read(entry, axes);
            }
        });
    }

    fn read(&self, entry: usize, axes: Option<String>) {
        if self.options.is_cancelled() || self.entries[entry].is_no_image {
            return;
        }
        let outcome = self.find(entry, axes.clone());
        // The sheet may be closed.
        let _unwanted = self.sender.send(Read { entry, axes, outcome });
        (self.wake)();
    }

    fn find(&self, entry: usize, axes: Option<String>) -> Result<Found, String> {
        let dataset = (self.entries.len() > 1).then(|| self.entries[entry].name.clone());
        // The array that is open has the axes it was opened with; the others those that are remembered.
        let own = || self.options.axes.clone().filter(|_| entry == self.open);
        let options =
            OpenOptions { dataset: dataset.clone(), axes: axes.or_else(own), level: Some(0), ..self.options.clone() };
        let (opened, _) = open_as_remembered(&self.location, options, &self.memory).map_err(|error| error.message)?;
        let info = opened.source.info();
        let given = self.memory.given(&info.location, dataset.as_deref());
        let mut draft = Draft::of(info);
        draft.levels = levels_of(&opened);
        draft.set_level(given.level);
        if let Some(edges) = given.voxel_um {
            draft.voxel_um = edges.map(Some);
        }
        draft.rate_hz = given.rate_hz.or(draft.rate_hz);
        let plane = preview::plane(&opened, self.colormap, &self.options.cancel);
        let file = info.location.path().and_then(|path| path.metadata().ok());
        let num_bytes = file.filter(|file| file.is_file()).map(|file| file.len());
        Ok(Found { num_bytes, info: Arc::clone(info), draft, plane })
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name("tectum-sheet".into()).spawn(work) {
        tracing::warn!("no pictures of arrays: no thread for them: {error}");
    }
}

fn levels_of(opened: &Opened) -> Vec<Level> {
    let sources = std::iter::once(&opened.source).chain(&opened.levels);
    let level = |info: &ArrayInfo| Level {
        dims: info.shape.dims().to_vec(),
        voxel_um: info.voxel_size.map(|size| size.edges()),
    };
    sources.map(|source| level(source.info())).collect()
}

/// The entry of a file that offers nothing else.
fn only_entry(info: &ArrayInfo) -> DatasetEntry {
    let array = info.facts.iter().find(|(label, _)| label == "Array").map(|(_, name)| name.clone());
    DatasetEntry {
        name: array.unwrap_or_else(|| info.name.clone()),
        summary: format!("{}, {}", info.shape, info.dtype),
        shape: info.shape.dims().iter().map(|dim| *dim as u64).collect(),
        dtype: Some(info.dtype),
        ..DatasetEntry::default()
    }
}

/// "NWB 2.6 · 18.9 GB · 3 arrays".
fn facts_of(info: &ArrayInfo, entries: &[DatasetEntry], num_bytes: Option<u64>) -> String {
    let mut words = vec![info.format.clone()];
    let stored: Option<u64> = entries.iter().map(|entry| entry.stored_bytes).sum();
    words.extend(num_bytes.or(stored.filter(|bytes| *bytes > 0)).map(ui::format::size));
    words.push(match entries.len() {
        1 => "1 array".to_owned(),
        num => format!("{num} arrays"),
    });
    words.join(" · ")
}
