//! Chunks waiting to be read, in order of urgency: single ones for the cache, and those of something being
//! assembled, which stands for all of its own. A plan of ten thousand chunks is made in a moment.

use std::sync::Arc;

use super::assembly::Assembly;
use super::plan::Wanted;
use crate::volume::LayerId;

/// The queue.
#[derive(Default)]
pub struct Queue {
    entries: Vec<Entry>,
    /// The first entry that is not done with, and in it the next chunk.
    next: usize,
    ordinal: usize,
    num_left: usize,
}

enum Entry {
    Chunk(Wanted),
    Assembly(Arc<Assembly>),
}

/// What is to be read next.
pub(super) enum Next {
    /// A chunk that is wanted in the cache.
    Chunk(Wanted),
    /// The chunk at this position of something being assembled, and its bytes.
    Piece(Arc<Assembly>, usize, usize),
}

impl Queue {
    /// Empties the queue and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        (self.next, self.ordinal, self.num_left) = (0, 0, 0);
    }

    /// Chunks waiting.
    pub fn len(&self) -> usize {
        self.num_left
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.num_left == 0
    }

    /// Appends a chunk.
    pub(super) fn push(&mut self, wanted: Wanted) {
        self.entries.push(Entry::Chunk(wanted));
        self.num_left += 1;
    }

    /// Appends what nobody feeds yet of something being assembled.
    pub(super) fn push_assembly(&mut self, assembly: &Arc<Assembly>) {
        self.num_left += assembly.num_untaken();
        self.entries.push(Entry::Assembly(Arc::clone(assembly)));
    }

    /// The single chunks from some position on, for putting them in order.
    pub(super) fn sort_from(&mut self, first: usize, distance: impl Fn(&Wanted) -> u128) {
        self.entries[first..].sort_by_cached_key(|entry| match entry {
            Entry::Chunk(wanted) => distance(wanted),
            Entry::Assembly(_) => u128::MAX,
        });
    }

    /// Number of entries.
    pub(super) fn num_entries(&self) -> usize {
        self.entries.len()
    }

    /// Keeps the single chunks that `keep` says; `assembly` is told of the others. Before anything was taken.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Wanted) -> bool, mut assembly: impl FnMut(&Assembly)) {
        let num_left = &mut self.num_left;
        self.entries.retain(|entry| match entry {
            Entry::Chunk(wanted) => {
                let keeps = keep(wanted);
                *num_left -= usize::from(!keeps);
                keeps
            }
            Entry::Assembly(made) => {
                assembly(made);
                true
            }
        });
    }

    /// Moves what is of these layers to the end of another queue. Before anything was taken.
    pub(super) fn move_layers(&mut self, layers: &[LayerId], to: &mut Self) {
        let layer = |entry: &Entry| match entry {
            Entry::Chunk(wanted) => wanted.key.layer,
            Entry::Assembly(assembly) => assembly.product.layer(),
        };
        for entry in self.entries.extract_if(.., |entry| layers.contains(&layer(entry))) {
            let num = match &entry {
                Entry::Chunk(_) => 1,
                Entry::Assembly(assembly) => assembly.num_untaken(),
            };
            self.num_left = self.num_left.saturating_sub(num);
            to.num_left += num;
            to.entries.push(entry);
        }
    }

    /// Bytes of what is next.
    pub(super) fn next_bytes(&mut self) -> Option<usize> {
        loop {
            let Some(entry) = self.entries.get(self.next) else {
                // What somebody has taken since it was counted is not waited for.
                self.num_left = 0;
                return None;
            };
            match entry {
                Entry::Chunk(wanted) => return Some(wanted.num_bytes),
                Entry::Assembly(assembly) => match assembly.chunks().get(self.ordinal) {
                    // Somebody feeds it already, for a former plan.
                    Some(_) if assembly.is_taken(self.ordinal) => self.ordinal += 1,
                    Some(wanted) => return Some(wanted.num_bytes),
                    None => (self.next, self.ordinal) = (self.next + 1, 0),
                },
            }
        }
    }

    /// Takes what is next.
    pub(super) fn pop(&mut self) -> Option<Next> {
        let num_bytes = self.next_bytes()?;
        self.num_left = self.num_left.saturating_sub(1);
        let next = match &self.entries[self.next] {
            Entry::Chunk(wanted) => {
                self.next += 1;
                Next::Chunk(*wanted)
            }
            Entry::Assembly(assembly) => {
                self.ordinal += 1;
                Next::Piece(Arc::clone(assembly), self.ordinal - 1, num_bytes)
            }
        };
        self.next_bytes();
        Some(next)
    }

    #[cfg(test)]
    pub(super) fn chunks(&self) -> Vec<Wanted> {
        let chunks = self.entries.iter().filter_map(|entry| match entry {
            Entry::Chunk(wanted) => Some(*wanted),
            Entry::Assembly(_) => None,
        });
        chunks.collect()
    }
}
