//! Which projections the projector is to fold, which of their volumes are there, and what is under way. A plain
//! value: no locks, no threads.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::projector::Projector;
use crate::volume::{PictureKey, VolumeKey};

/// Volumes remembered to be with the projector.
const MAX_RESIDENT: usize = 64;

/// A projection that the projector is to fold once its volume is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoldWish {
    pub(super) key: PictureKey,
    /// Whether it is on screen, and not one that may be next.
    pub(super) is_visible: bool,
    /// Whether its volume is there.
    pub(super) is_ready: bool,
}

/// A fold that a thread is at work on.
pub(super) struct UnderWay {
    pub(super) key: PictureKey,
    is_visible: bool,
    /// Whether the projector does it, and not the thread itself.
    is_away: bool,
    /// Whether nothing of the volume is missing.
    is_whole: bool,
    /// Set when it is to stop.
    stop: Arc<AtomicBool>,
}

/// What is to be folded as a whole.
#[derive(Default)]
pub(super) struct Folds {
    projector: Option<Arc<dyn Projector>>,
    /// Kinds of pictures (at timepoint 0) that it refused in spite of what it had said.
    refused: HashSet<PictureKey>,
    /// What the plan wants folded, the most urgent first, until it is.
    wishes: Vec<FoldWish>,
    under_way: Vec<UnderWay>,
    /// Volumes that were brought to the projector, by the identity of their voxels, the latest last. It may
    /// have given them up since.
    residents: Vec<(VolumeKey, u64)>,
}

impl Folds {
    pub(super) fn projector(&self) -> Option<&Arc<dyn Projector>> {
        self.projector.as_ref()
    }

    /// Folds nothing there any more. Whoever has it need not outlive the stream's threads.
    pub(super) fn forget_projector(&mut self) -> Option<Arc<dyn Projector>> {
        self.projector.take()
    }

    pub(super) fn set_projector(&mut self, projector: Arc<dyn Projector>) {
        self.projector = Some(projector);
        self.refused.clear();
        self.residents.clear();
    }

    /// The projector for pictures like this one; `None` where it has refused them.
    pub(super) fn projector_of(&self, key: &PictureKey) -> Option<&Arc<dyn Projector>> {
        self.projector.as_ref().filter(|_| !self.refused.contains(&key.at(0)))
    }

    /// From now on pictures like this one are folded here.
    pub(super) fn refuse(&mut self, key: &PictureKey) {
        self.refused.insert(key.at(0));
    }

    /// Puts new wishes in the place of the old ones. What is under way goes on.
    pub(super) fn replace_wishes(&mut self, wishes: Vec<FoldWish>) {
        self.wishes = wishes;
    }

    pub(super) fn clear_wishes(&mut self) {
        self.wishes.clear();
    }

    pub(super) fn wishes(&self) -> &[FoldWish] {
        &self.wishes
    }

    /// Notes whether the volumes of some wishes are there.
    pub(super) fn set_ready(&mut self, volume: &VolumeKey, is_ready: bool) {
        let concerned = self.wishes.iter_mut().filter(|wish| wish.key.volume() == *volume);
        concerned.for_each(|wish| wish.is_ready = is_ready);
    }

    /// The most urgent wish that can be begun with among those on screen, or among the others. The projector
    /// does one at a time: what is on screen stops what is not.
    pub(super) fn next(&self, is_visible: bool) -> Option<PictureKey> {
        let is_open = |wish: &&FoldWish| wish.is_ready && !self.is_under_way(&wish.key);
        let visible = self.wishes.iter().filter(is_open).find(|wish| wish.is_visible);
        let busy = self.under_way.iter().find(|fold| fold.is_away);
        if is_visible {
            if let Some(fold) = busy.filter(|fold| visible.is_some() && !fold.is_visible) {
                fold.stop.store(true, Ordering::Release);
            }
            return visible.filter(|_| busy.is_none_or(|fold| !fold.is_visible)).map(|wish| wish.key);
        }
        let other = || self.wishes.iter().filter(is_open).find(|wish| !wish.is_visible);
        if visible.is_some() || busy.is_some() { None } else { other().map(|wish| wish.key) }
    }

    /// Begins with a fold. What it returns is set when it is to stop.
    pub(super) fn begin(&mut self, key: PictureKey, is_away: bool, is_whole: bool) -> Arc<AtomicBool> {
        let is_visible = self.wishes.iter().any(|wish| wish.key == key && wish.is_visible);
        let stop = Arc::new(AtomicBool::new(false));
        self.under_way.push(UnderWay { key, is_visible, is_away, is_whole, stop: Arc::clone(&stop) });
        stop
    }

    /// Ends a fold.
    pub(super) fn end(&mut self, stop: &Arc<AtomicBool>) {
        self.under_way.retain(|fold| !Arc::ptr_eq(&fold.stop, stop));
    }

    /// What was wished for is there, or known not to be had.
    pub(super) fn fulfil(&mut self, key: &PictureKey) {
        self.wishes.retain(|wish| wish.key != *key);
    }

    /// Stops what is being folded, and forgets the volumes, that no longer satisfy `keep`, which is told
    /// whether the volume is whole. What is stopped may end all the same.
    pub(super) fn retain(&mut self, keep: impl Fn(&VolumeKey, bool) -> bool) {
        self.under_way.retain(|fold| {
            let keeps = keep(&fold.key.volume(), fold.is_whole);
            fold.stop.fetch_or(!keeps, Ordering::AcqRel);
            keeps
        });
        self.residents.retain(|(key, _)| keep(key, true));
    }

    fn is_under_way(&self, key: &PictureKey) -> bool {
        self.under_way.iter().any(|fold| fold.key == *key)
    }

    /// Folds under way, and those that could be begun with.
    pub(super) fn num(&self) -> usize {
        let is_open = |wish: &&FoldWish| wish.is_ready && !self.is_under_way(&wish.key);
        self.under_way.len() + self.wishes.iter().filter(is_open).count()
    }

    /// Identity of the voxels of a volume that the projector may still have.
    pub(super) fn resident(&self, key: &VolumeKey) -> Option<u64> {
        self.residents.iter().find(|(known, _)| known == key).map(|(_, id)| *id)
    }

    /// The projector has a volume now.
    pub(super) fn note_resident(&mut self, key: VolumeKey, id: u64) {
        self.forget_resident(&key);
        if self.residents.len() >= MAX_RESIDENT {
            self.residents.remove(0);
        }
        self.residents.push((key, id));
    }

    /// It has not.
    pub(super) fn forget_resident(&mut self, key: &VolumeKey) {
        self.residents.retain(|(known, _)| known != key);
    }
}
