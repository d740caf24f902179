//! A session's side of what is remembered of its recording.

use super::Session;
use crate::app::memory::Given;
use crate::volume::Location;

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
    pub fn folder(&self) -> &Location {
        &self.array().source().info().location
    }

    /// Name of the array among several of its path; `None` for the only one.
    pub fn array_name(&self) -> Option<&str> {
        self.dataset_name(self.chosen).filter(|_| self.datasets.len() > 1)
    }

    /// Takes over what the user says about the recording. Axes need another opening.
    pub fn tell(&mut self, given: Given) {
        for layer in &mut self.layers {
            layer.recorded = layer.recorded.told(given.told());
            layer.image = layer.image.told(layer.told_of_shown(given.told()));
        }
        self.recall.given = given;
    }
}
