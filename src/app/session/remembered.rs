//! A session's side of what is remembered of its recording, and of a window that is not seen.

use std::path::Path;
use std::sync::Arc;

use super::Session;
use crate::app::memory::Given;
use crate::stream::PictureState;
use crate::ui::Shown;

impl Session {
    /// Which recording this is, where its view is to be remembered.
    pub fn identity(&self) -> Option<&str> {
        self.recall.identity.as_deref()
    }

    /// What the user said about the recording.
    pub fn given(&self) -> &Given {
        &self.recall.given
    }

    /// Where the recording lies: the folder of its blocks, or its file.
    pub fn folder(&self) -> &Path {
        &self.array.source().info().path
    }

    /// Takes over what the user says about the recording. Axes need another opening.
    pub fn tell(&mut self, given: Given) {
        self.array = Arc::new(self.array.told(given.told()));
        self.recall.given = given;
    }

    /// What [`Session::show`] does of its work where nothing is drawn: whether the picture asked for is
    /// there, so that playing and following go on.
    pub fn look_without_drawing(&mut self) {
        let picture = self.asked();
        if self.request.want_volume {
            self.gpu_projections.advance(&picture, &self.stream);
        }
        self.shown = match self.stream.picture(&picture) {
            PictureState::Ready(_) => Shown::Exact,
            PictureState::Failed(error) => Shown::Missing(error.to_string()),
            PictureState::Loading => Shown::Nothing,
        };
        self.note_newest_shown();
    }
}
