//! Sources that are computed from others: what a chunk is computed from comes out of the cache where it is
//! there, and goes into it where it was read for this.

use std::sync::Arc;

use super::cache::{Entry, Tier};
use super::loader::Shared;
use super::state::{Dropped, Read, State};
use crate::array::{ArrayChunk, Image, InputVoxels, LazyArray, Loaded};
use crate::format::{Need, ReadError};

impl Shared {
    /// Computes a chunk of `array` for a read. Blocks for as long as what is needed takes to be read.
    pub(super) fn combine(&self, read: &Read, array: &LazyArray, chunk: &ArrayChunk) -> Result<Loaded, ReadError> {
        let Some(composite) = array.source().composite() else { return array.read_chunk(chunk, &self.pool) };
        let mut needs = Vec::new();
        composite.needs(&chunk.chunk, &mut needs);
        let inputs: Vec<_> = needs.iter().map(|need| self.input(read, &array.inputs()[need.input], need)).collect();
        array.combine_chunk(chunk, &needs, &inputs, &self.pool)
    }

    fn input(&self, read: &Read, array: &Arc<LazyArray>, need: &Need) -> Result<InputVoxels, ReadError> {
        let Some(chunk) = array.kept_chunk(&need.chunk) else { return array.read_own(&need.chunk) };
        let kept = self.state.lock().kept_input(read, array, &chunk);
        if let Some(loaded) = kept {
            return Ok(InputVoxels::Kept(chunk, loaded));
        }
        let loaded = self.combine(read, array, &chunk)?;
        let mut dropped = Dropped::default();
        let mut state = self.state.lock();
        if state.may_keep_input(read, array) {
            let entry = Entry { region: chunk.region, loaded: loaded.clone() };
            state.cache.insert(chunk.key, entry, Tier::Prefetch, &mut dropped.chunks);
            state.note_change(chunk.key.layer, chunk.region.start()[0], chunk.region.stop()[0]);
            state.note_dropped(&dropped);
        }
        drop(state);
        drop(dropped);
        Ok(InputVoxels::Kept(chunk, loaded))
    }
}

impl State {
    fn kept_input(&self, read: &Read, array: &Arc<LazyArray>, chunk: &ArrayChunk) -> Option<Loaded> {
        let entry = self.may_keep_input(read, array).then(|| self.cache.get(chunk.key)).flatten()?;
        Some(entry.loaded.clone())
    }

    /// Whether what is kept under an input's name is of the very data that this read is to be made of: a layer
    /// on screen may be in another state by now, and so may the recording that is being computed.
    fn may_keep_input(&self, read: &Read, array: &Arc<LazyArray>) -> bool {
        match self.layer(array.id()) {
            Some(shown) => {
                let known = shown.image.level(array.level());
                // What somebody said of the layer changes nothing about its chunks.
                let is_same = |known: &Arc<LazyArray>| known.info().shape == array.info().shape;
                known.is_some_and(|known| Arc::ptr_eq(known.source(), array.source()) && is_same(known))
            }
            None => self.tier_of(read).is_some(),
        }
    }

    /// Drops what is kept of inputs that a former state of a recording had and the present one has not.
    pub(super) fn forget_inputs(&mut self, old: &Image, new: Option<&Image>, dropped: &mut Dropped) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        inputs_of(old, &mut before);
        new.into_iter().for_each(|image| inputs_of(image, &mut after));
        for input in before {
            let is_same =
                |known: &Arc<LazyArray>| known.id() == input.id() && Arc::ptr_eq(known.source(), input.source());
            if self.layer(input.id()).is_some() || after.iter().any(is_same) {
                continue;
            }
            let of_input = self.cache.iter().map(|(key, _)| key).filter(|key| key.layer == input.id());
            let gone: Vec<_> = of_input.collect();
            gone.into_iter().for_each(|key| self.cache.remove(key, &mut dropped.chunks));
        }
    }
}

/// All arrays that an image is computed from, those that its inputs are computed from included.
fn inputs_of(image: &Image, found: &mut Vec<Arc<LazyArray>>) {
    fn add(array: &LazyArray, found: &mut Vec<Arc<LazyArray>>) {
        for input in array.inputs() {
            found.push(Arc::clone(input));
            add(input, found);
        }
    }
    (0..image.num_levels()).filter_map(|level| image.level(level)).for_each(|array| add(array, found));
}
