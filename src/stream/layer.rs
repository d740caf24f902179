//! One layer of a stream: its data, and what is being found out about it in the background.

use std::sync::Arc;

use super::assembly::Assembly;
use super::log::{ChangeLog, Moment};
use super::preview::Previewing;
use super::sampling::Sampling;
use super::survey::Survey;
use crate::array::Image;
use crate::volume::LayerId;

/// The data of a layer at one moment.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) image: Image,
    pub(super) since: Moment,
}

/// The layer. Touched under the lock of the stream alone.
pub(super) struct Layer {
    pub(super) image: Image,
    /// Timepoints whose data changed: the one place that tells what was read before from what is still true.
    /// Another recording needs no telling, it has other keys.
    pub(super) data: ChangeLog,
    /// Timepoints of which pictures came or went, for the strip.
    pub(super) at_hand: ChangeLog,
    pub(super) sampling: Sampling,
    pub(super) survey: Survey,
    pub(super) previewing: Previewing,
    /// The preview being made, and the next of its chunks.
    pub(super) preview_assembly: Option<(Arc<Assembly>, usize)>,
}

impl Layer {
    /// A layer of which nothing is known; previews of all of it fit in `preview_budget_bytes`.
    pub(super) fn new(image: Image, preview_budget_bytes: usize) -> Self {
        let sampling = Sampling::new(image.finest());
        let mut previewing = Previewing::default();
        previewing.set_side(image.info(), preview_budget_bytes);
        Self {
            image,
            data: ChangeLog::default(),
            at_hand: ChangeLog::default(),
            sampling,
            survey: Survey::default(),
            previewing,
            preview_assembly: None,
        }
    }

    pub(super) fn id(&self) -> LayerId {
        self.image.id()
    }

    /// Whether its chunks have to be fetched before they can be decoded, those of any resolution.
    pub(super) fn is_remote(&self) -> bool {
        (0..self.image.num_levels()).filter_map(|level| self.image.level(level)).any(|array| array.is_remote())
    }

    /// What is made of the data from now on is made of this.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { image: self.image.clone(), since: self.data.now() }
    }

    /// Gives up the preview and the survey being made, whose data may have changed.
    pub(super) fn restart_background(&mut self) {
        self.preview_assembly = None;
        self.survey.restart();
        self.previewing.start_over();
    }
}
