//! Carrying out commands: the open recording does what concerns it, the rest is done here.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Program;
use crate::app::activity::Activity;
use crate::app::complete::Completer;
use crate::app::effects::{Ask, Effect, PathField};
use crate::app::open_job::OpenJob;
use crate::app::profiles::Profiles;
use crate::array::ViewInfo;
use crate::format::OpenOptions;
use crate::ui::{AppCommand, Command, Forget, Overlay, SessionCommand};
use crate::volume::{DType, Location};

/// What a command is checked against while nothing is open.
const NO_DATASET: ViewInfo =
    ViewInfo { shape: [1; 4], dtype: DType::U8, voxel_size: None, rate_hz: None, has_axis: [false; 4] };

impl Program {
    /// Carries out what was asked for in a frame. Returns whether anything on the screen of an open
    /// recording may have changed.
    pub fn carry_out(&mut self, commands: &[Command], now: Instant) -> bool {
        let changed = match self.is_session_shown() {
            true => self.carry_out_in_session(commands, now),
            // Outside a dataset a command may still change the preferences: the theme, an overlay.
            false => {
                for command in commands {
                    self.preferences.view.apply(command, &NO_DATASET);
                }
                if commands.contains(&Command::Session(SessionCommand::CancelSaving)) {
                    self.stop_writing();
                }
                false
            }
        };
        self.keep_sheet();
        for command in commands {
            if let Command::App(command) = command {
                self.carry_out_in_app(command.clone());
                self.effects.push(Effect::RepaintAfter(Duration::ZERO));
            }
        }
        changed
    }

    fn is_session_shown(&self) -> bool {
        self.session.is_some() && matches!(self.activity, Activity::Idle | Activity::Failed(_))
    }

    /// What the open recording carries out.
    fn carry_out_in_session(&mut self, commands: &[Command], now: Instant) -> bool {
        let now_s = self.seconds(now);
        let Some(session) = &mut self.session else { return false };
        let mut changed = false;
        for command in commands {
            changed |= session.apply(command, now, now_s);
        }
        self.effects.append(&mut session.effects);
        if changed {
            self.preferences.view = session.view.clone();
            // Whoever takes the message away has seen it; what is done about it needs to know what failed.
            let is_dismissed = session.view.panels.overlay != Some(Overlay::NotOpened);
            let is_answered = commands
                .iter()
                .any(|command| matches!(command, Command::App(AppCommand::TryAgain | AppCommand::WaitForRecording)));
            if is_dismissed && !is_answered && matches!(self.activity, Activity::Failed(_)) {
                self.activity = Activity::Idle;
            }
        }
        changed
    }

    /// What is no change of a view.
    fn carry_out_in_app(&mut self, command: AppCommand) {
        match command {
            AppCommand::OpenPath(location) if location.is_cut() => self.ask_for_rest(&location),
            AppCommand::OpenPath(location) => self.open(location, OpenOptions::default()),
            AppCommand::BrowseFolder => self.browse(Ask::Folder),
            AppCommand::BrowseFile => self.browse(Ask::File),
            AppCommand::BrowseStillPath => {
                if let Some(session) = &self.session {
                    let start = session.save_path();
                    self.ask(Ask::StillPath, Some(start));
                }
            }
            AppCommand::BrowseDataPath => {
                if let Some(session) = &self.session {
                    let start = session.data_save_path();
                    self.ask(Ask::DataPath, Some(start));
                }
            }
            AppCommand::BrowseArray { operation, is_folder } => {
                if let Some(session) = &self.session {
                    let start = session.folder().path().and_then(Path::parent).map(Path::to_owned);
                    self.ask(Ask::Array { operation, is_folder }, start);
                }
            }
            AppCommand::OpenDemo => self.activity = Activity::Opening(OpenJob::demo(self.opener())),
            AppCommand::CancelOpening => self.activity = Activity::Idle,
            AppCommand::CloseDataset => {
                self.keep_view();
                let writing = self.take_writing();
                (self.session, self.sheet, self.former) = (None, None, None);
                self.attend(writing);
                self.activity = Activity::Idle;
            }
            AppCommand::Leave(leave) => self.leave(leave),
            AppCommand::LeaveOutSuspects(is_left_out) => {
                self.open_again(|options| options.leave_out_suspects = is_left_out);
            }
            AppCommand::ChooseDataset(index) => self.choose_array(index),
            AppCommand::Sheet(command) => self.carry_out_in_sheet(&command),
            AppCommand::RemoveRecent(location) => self.recent.remove(&location),
            AppCommand::TryAgain => {
                if let Activity::Failed(failure) = &self.activity {
                    let (location, options) = (failure.location.clone(), failure.options.clone());
                    self.open(location, options);
                }
            }
            AppCommand::WaitForRecording => self.activity.wait(&self.wake),
            AppCommand::CompletePath(typed) => self.completer = Some(Completer::start(&typed, self.wake.clone())),
            AppCommand::Tell(tell) => self.tell(tell),
            AppCommand::Forget(Forget::Recording) => self.forget_recording(),
            AppCommand::Forget(Forget::Everything) => {
                self.recent.clear();
                self.memory.forget_all();
                self.keeping.forget(&self.preferences, self.session.as_deref());
            }
            AppCommand::ClearNotes => self.notes.clear(),
            AppCommand::SetLimit { code, is_alarm, value } => {
                self.change_limits(|profiles| profiles.set(code, is_alarm, value));
            }
            AppCommand::ResetLimit(code) => self.change_limits(|profiles| profiles.reset(code)),
            AppCommand::ChooseLimits(name) => self.change_limits(|profiles| profiles.choose(&name)),
            AppCommand::SaveLimits(name) => self.change_limits(|profiles| profiles.save(&name)),
            AppCommand::RemoveLimits(name) => self.change_limits(|profiles| profiles.remove(&name)),
        }
    }

    /// Limits of quality are the user's, whatever is open; what is open is judged by them at once.
    fn change_limits(&mut self, change: impl FnOnce(&mut Profiles)) {
        change(&mut self.preferences.profiles);
        if let Some(session) = &mut self.session {
            session.set_profiles(self.preferences.profiles.clone());
        }
    }

    /// Opens what is open once more, in another way.
    pub(super) fn open_again(&mut self, change: impl FnOnce(&mut OpenOptions)) {
        let Some(session) = &self.session else { return };
        let (location, mut options) = (session.location.clone(), session.options.clone());
        change(&mut options);
        self.keep_view();
        self.open(location, options);
    }

    /// What was left out of an address when it was kept is for the user to say again.
    fn ask_for_rest(&mut self, location: &Location) {
        self.effects.push(Effect::PathField(PathField::Keep(location.without_secrets())));
        let why =
            "What follows the ? of this address may give the right to read it, and is never kept: paste all of it";
        self.effects.push(Effect::PathField(PathField::Focus(why)));
    }

    /// One dialog for a recording at a time.
    fn browse(&mut self, ask: Ask) {
        if !self.is_asking(Ask::Folder) && !self.is_asking(Ask::File) {
            let newest = self.recent.locations().iter().find_map(Location::path);
            let start = newest.and_then(Path::parent).map(Path::to_owned);
            self.ask(ask, start);
        }
    }

    fn ask(&mut self, ask: Ask, start: Option<PathBuf>) {
        if !self.is_asking(ask) {
            self.asking.push(ask);
            self.effects.push(Effect::Dialog(ask, start));
        }
    }
}
