//! What the user says of a recording: which array of its file is meant, what its axes are, how large a voxel is
//! and how fast it was recorded. It is remembered in the user's own folder.

use super::{Former, Program};
use crate::app::activity::Activity;
use crate::app::memory::Given;
use crate::app::open_job::{OpenJob, Opener};
use crate::app::sheet::Sheet;
use crate::format::OpenOptions;
use crate::ui::{Overlay, SheetCommand, Tell};

impl Program {
    /// The sheet is there as long as it lies over the recording.
    pub(super) fn keep_sheet(&mut self) {
        let is_shown = |session: &&super::Session| session.view.panels.overlay == Some(Overlay::Axes);
        match self.session.as_deref().filter(is_shown) {
            Some(session) if self.sheet.is_none() => {
                self.sheet = Some(Sheet::new(session, &self.memory, self.wake.clone()));
            }
            Some(_) => self.sheet.iter_mut().for_each(Sheet::collect),
            None if self.sheet.take().is_some() => self.leave_guess(),
            None => {}
        }
    }

    /// What is open and was asked about is nothing that anybody wants: what was open before comes back.
    pub(super) fn leave_guess(&mut self) {
        let Some(Former(former)) = self.former.take() else { return };
        self.sheet = None;
        let writing = self.take_writing();
        self.session = former;
        self.attend(writing);
        self.keeping.opened(self.session.as_deref());
    }

    /// Carries out what was said in the sheet.
    pub(super) fn carry_out_in_sheet(&mut self, command: &SheetCommand) {
        match (command, &mut self.sheet) {
            (SheetCommand::Open, _) => self.open_as_said(),
            (_, Some(sheet)) => sheet.apply(command),
            (_, None) => {}
        }
    }

    /// Opens what the sheet says, and closes it.
    fn open_as_said(&mut self) {
        let (Some(sheet), Some(session)) = (&self.sheet, &mut self.session) else { return };
        let Some((draft, info)) = sheet.said().filter(|(draft, _)| draft.fault().is_none()) else { return };
        let array = sheet.chosen_name().map(str::to_owned);
        let axes = draft.tells_axes().then(|| draft.letters());
        let given = Given {
            voxel_um: draft.voxel().filter(|edges| Some(*edges) != draft.file_voxel_um),
            rate_hz: draft.rate_hz.filter(|rate| Some(*rate) != draft.file_rate_hz),
            axes: axes.clone(),
            level: draft.level,
        };
        let given = given.sane();
        if sheet.is_remembered() {
            self.memory.keep_given(&info.location, array.as_deref(), &given);
            if let Some(name) = &array {
                self.memory.keep_choice(&session.location, sheet.entries(), name);
            }
            if let Some(axes) = &axes {
                self.memory.keep_axes_of_layout(info, array.as_deref().unwrap_or_default(), axes);
            }
        }
        session.view.panels.overlay = None;
        let is_same = session.array_name() == array.as_deref()
            && (axes.is_none() || session.options.axes == axes)
            && session.options.level.unwrap_or(0) == draft.level;
        if is_same {
            session.tell(given);
            self.former = None;
        } else {
            let location = session.location.clone();
            let options = OpenOptions { dataset: array, axes, level: Some(draft.level), ..session.options.clone() };
            self.keep_view();
            let opener = Opener { said: Some(given), ..self.opener() };
            self.activity = Activity::Opening(OpenJob::start(&location, options, opener));
        }
        self.keep_sheet();
    }

    /// Shows another array of the same file, also the next time.
    pub(super) fn choose_array(&mut self, index: usize) {
        let Some(session) = &self.session else { return };
        let Some(name) = session.dataset_name(index).map(str::to_owned) else { return };
        self.memory.keep_choice(&session.location, &session.datasets, &name);
        self.open_again(|options| (options.dataset, options.axes, options.level) = (Some(name), None, None));
    }

    /// Takes over what the user says of the recording, and remembers it for the folder.
    pub(super) fn tell(&mut self, tell: Tell) {
        let Some(session) = &mut self.session else { return };
        let mut given = session.given().clone();
        match &tell {
            Tell::VoxelSize(edges) => given.voxel_um = *edges,
            Tell::Rate(rate_hz) => given.rate_hz = *rate_hz,
            Tell::Axes(axes) => given.axes.clone_from(axes),
        }
        let given = given.sane();
        self.memory.keep_given(session.folder(), session.array_name(), &given);
        session.tell(given);
        if let Tell::Axes(axes) = tell {
            self.open_again(|options| options.axes = axes);
        }
    }

    /// The recording as if it had never been opened.
    pub(super) fn forget_recording(&mut self) {
        let Some(session) = &mut self.session else { return };
        let info = session.array().source().info();
        self.memory.forget_said(&session.location, info, &session.datasets, session.array_name());
        if let Some(identity) = session.identity() {
            self.memory.forget_view(identity);
        }
        session.tell(Default::default());
        self.keeping.forget(&self.preferences, Some(session));
        let (location, options) = (session.location.clone(), session.options.clone());
        self.open(location, OpenOptions { axes: None, dataset: None, level: None, ..options });
    }
}
