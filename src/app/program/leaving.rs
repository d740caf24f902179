//! What is being written outlives the recording it is made from: it goes on while another is opened, and nobody loses
//! it by closing the window unasked.

use std::time::{Duration, Instant};

use super::Program;
use crate::app::effects::Effect;
use crate::app::saving::{Writing, Written};
use crate::ui::{Leave, Running};

/// The end of the program waits this long for what is being written to stop, and to take away what there is of it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Program {
    /// What is being written, to be handed on from the recording that is left to another one.
    pub(super) fn take_writing(&mut self) -> Option<Writing> {
        let of_session = self.session.as_mut().and_then(|session| session.data_saver.take_writing());
        of_session.or_else(|| self.unattended.take())
    }

    /// The recording that is open from now on, or nobody, has what is being written in its hands.
    pub(super) fn attend(&mut self, writing: Option<Writing>) {
        match &mut self.session {
            Some(session) => session.data_saver.go_on(writing),
            None => self.unattended = writing,
        }
    }

    fn writing(&self) -> Option<&Writing> {
        let of_session = self.session.as_ref().and_then(|session| session.data_saver.writing());
        of_session.or(self.unattended.as_ref())
    }

    /// How far what is being written is.
    pub fn running(&self) -> Option<Running> {
        self.writing().map(Writing::running)
    }

    /// Stops what is being written.
    pub(super) fn stop_writing(&self) {
        self.writing().into_iter().for_each(Writing::cancel);
    }

    /// The window is to be closed. False: something is being written, and the user is asked first. Whoever closes it
    /// once more after that means it.
    pub fn may_leave(&mut self) -> bool {
        if self.writing().is_none() || self.leaving == Some(Leave::Stop) {
            return true;
        }
        self.leaving = self.leaving.or(Some(Leave::Stay));
        false
    }

    /// Whether the user is asked what becomes of what is being written, and what he has answered.
    pub fn leaving(&self) -> Option<Leave> {
        self.leaving
    }

    /// What the user wants to become of it.
    pub(super) fn leave(&mut self, leave: Leave) {
        match leave {
            Leave::Stay => self.leaving = None,
            Leave::WhenWritten => self.leaving = Some(leave),
            Leave::Stop => {
                self.leaving = Some(leave);
                self.stop_writing();
            }
        }
    }

    /// Takes in what nobody else does, and closes the window once what it waited for is over.
    pub(super) fn attend_writing(&mut self) {
        let ended = self.unattended.as_ref().and_then(Writing::result);
        if let Some(written) = ended {
            self.unattended = None;
            if let Written::Failed(reason) = &written {
                self.is_written = false;
                self.notes.add(true, &format!("not saved: {reason}"));
            }
        }
        if self.writing().is_some() || self.leaving.is_none() {
            return;
        }
        let did_fail = self.session.as_mut().is_some_and(|session| std::mem::take(&mut session.did_not_save));
        let did_fail = did_fail || !std::mem::replace(&mut self.is_written, true);
        match self.leaving.take() {
            // The user has to know.
            Some(Leave::WhenWritten) if did_fail => {}
            Some(Leave::WhenWritten | Leave::Stop) => self.effects.push(Effect::Close),
            Some(Leave::Stay) | None => {}
        }
    }

    /// The end of the program: what is being written stops, and takes away what there is of it.
    pub fn end_writing(&mut self) {
        let Some(writing) = self.take_writing() else { return };
        writing.cancel();
        let deadline = Instant::now() + PATIENCE;
        while writing.result().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
