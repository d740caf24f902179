//! Which timepoints can be shown at once, for the strip on the time slider and for the nearest picture.
//! Only what changed is looked at again.

use super::assembly::Product;
use super::log::Moment;
use super::state::State;
use crate::array::{ArrayChunk, ChunkKey};
use crate::volume::{Picture, PictureKey, Region};

/// Kinds of pictures whose answers are kept: a few views of a few layers, large planes in tiles.
const MAX_KINDS: usize = 128;

/// The answers for the kinds of pictures that were asked for last, the latest first.
#[derive(Default)]
pub(super) struct Availabilities {
    kinds: Vec<Availability>,
}

impl Availabilities {
    /// The answer for this kind of picture, brought up to date.
    pub(super) fn of(&mut self, state: &State, key: &PictureKey) -> &Availability {
        let known = self.kinds.iter().position(|known| known.kind == key.at(0));
        let mut answer = match known {
            Some(at) => self.kinds.remove(at),
            None => Availability::of_kind(key.at(0)),
        };
        answer.update(state);
        self.kinds.truncate(MAX_KINDS - 1);
        self.kinds.insert(0, answer);
        &self.kinds[0]
    }
}

/// The answer for one kind of picture.
pub(super) struct Availability {
    /// The picture of timepoint 0.
    kind: PictureKey,
    /// What of the layer's changes has been looked at; `None` before the first look.
    seen: Option<Moment>,
    is_available: Vec<bool>,
    ranges: Vec<[usize; 2]>,
    chunks: Vec<ArrayChunk>,
}

impl Availability {
    fn of_kind(kind: PictureKey) -> Self {
        Self { kind, seen: None, is_available: Vec::new(), ranges: Vec::new(), chunks: Vec::new() }
    }

    fn update(&mut self, state: &State) {
        let kind = self.kind;
        let Some(layer) = state.layer(kind.layer) else { return };
        let num_t = layer.image.info().shape[0];
        let is_as_long = self.is_available.len() == num_t;
        let news = self.seen.and_then(|seen| layer.at_hand.since(seen));
        self.is_available.resize(num_t, false);
        match news {
            Some(news) => {
                let mut news: Vec<_> = news.collect();
                if news.is_empty() && is_as_long {
                    return;
                }
                news.sort_unstable();
                let mut next = 0;
                for [start, stop] in news {
                    for t in start.max(next)..stop.min(num_t) {
                        self.is_available[t] = has_picture(state, &kind.at(t), &mut self.chunks);
                    }
                    next = next.max(stop);
                }
            }
            None => {
                self.is_available.fill(false);
                self.start_over(state);
            }
        }
        self.seen = Some(layer.at_hand.now());
        self.ranges.clear();
        for (t, _) in self.is_available.iter().enumerate().filter(|(_, available)| **available) {
            match self.ranges.last_mut() {
                Some(range) if range[1] == t => range[1] = t + 1,
                _ => self.ranges.push([t, t + 1]),
            }
        }
    }

    /// Looks only at timepoints of which anything is held, however long the recording.
    fn start_over(&mut self, state: &State) {
        let key = self.kind;
        let picture = key.picture;
        let mut candidates: Vec<usize> = match picture {
            Picture::Projection { .. } => state
                .projections
                .keys()
                .filter(|known| known.layer == key.layer)
                .map(|known| known.picture.t())
                .collect(),
            Picture::Plane { .. } => {
                let depth = picture.orientation().depth_axis().index();
                let region = state.layer(key.layer).and_then(|layer| layer.image.picture_region(&key));
                let [start, stop] = region.map_or([0, 0], |region| [region.start()[depth], region.stop()[depth]]);
                let is_near = |r: &Region| r.start()[depth] < stop && start < r.stop()[depth];
                let is_of_it = |chunk: ChunkKey| chunk.layer == key.layer && chunk.level == key.level;
                let entries = state.cache.iter();
                let entries = entries.filter(|(chunk, entry)| is_of_it(*chunk) && is_near(&entry.region));
                entries.flat_map(|(_, entry)| entry.region.start()[0]..entry.region.stop()[0]).collect()
            }
        };
        candidates.sort_unstable();
        candidates.dedup();
        for t in candidates {
            if let Some(available) = self.is_available.get_mut(t) {
                *available = has_picture(state, &key.at(t), &mut self.chunks);
            }
        }
    }

    /// Half-open ranges of timepoints that can be shown at once.
    pub(super) fn ranges(&self) -> &[[usize; 2]] {
        &self.ranges
    }

    /// The available timepoint nearest to `t`, the later of two equals.
    pub(super) fn nearest(&self, t: usize) -> Option<usize> {
        let nearest_in = |&[start, stop]: &[usize; 2]| t.clamp(start, stop - 1);
        self.ranges.iter().map(nearest_in).min_by_key(|&found| (found.abs_diff(t), std::cmp::Reverse(found)))
    }
}

/// Whether everything of a picture is at hand.
pub(super) fn has_picture(state: &State, key: &PictureKey, chunks: &mut Vec<ArrayChunk>) -> bool {
    match key.picture {
        Picture::Projection { .. } => state.projections.contains(key),
        Picture::Plane { .. } => {
            state.chunks_of(key, chunks);
            let mut num_had = 0;
            for chunk in chunks.iter() {
                if state.cache.contains(chunk.key) {
                    num_had += 1;
                } else if !state.failures.contains_key(&chunk.key) {
                    return false;
                }
            }
            num_had > 0 && !state.failed.contains_key(&Product::Picture(*key))
        }
    }
}

/// Whether a picture is at hand or known not to be had: there is nothing to wait for.
pub(super) fn is_settled(state: &State, key: &PictureKey, chunks: &mut Vec<ArrayChunk>) -> bool {
    match key.picture {
        Picture::Projection { .. } => state.projections.contains(key) || state.projection_failure(key).is_some(),
        Picture::Plane { .. } => {
            state.chunks_of(key, chunks);
            let is_known = |key: ChunkKey| state.cache.contains(key) || state.failures.contains_key(&key);
            chunks.iter().all(|chunk| is_known(chunk.key))
        }
    }
}
