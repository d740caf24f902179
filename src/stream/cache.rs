//! Decoded chunks under a byte budget, in three tiers. A plain value: no locks, no threads.

use super::hash::ChunkMap;
use crate::array::{ChunkKey, Loaded};
use crate::volume::Region;

/// How much a chunk is needed. The lowest tier is evicted first, in it the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// On screen now.
    Visible,
    /// Likely to be on screen within seconds.
    Prefetch,
    /// Was of use once.
    Recent,
}

/// One chunk at rest.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where its voxels lie, (t, z, y, x).
    pub region: Region,
    /// The voxels.
    pub loaded: Loaded,
}

/// The cache. Resident bytes never exceed the budget.
///
/// Each tier is a circular doubly linked list through `slots`, oldest first, whose sentinel is the slot
/// of the same number: moving an entry and demoting a whole tier take constant time.
pub struct Cache {
    budget_bytes: usize,
    num_bytes: usize,
    slot_of: ChunkMap<u32>,
    slots: Vec<Slot>,
    /// Neighbours of each slot; apart from the slots, so that marking thousands of chunks stays within the
    /// processor's cache.
    links: Vec<Link>,
    free: Vec<u32>,
}

struct Slot {
    /// `None` for sentinels and free slots.
    held: Option<(ChunkKey, Entry)>,
}

#[derive(Clone, Copy)]
struct Link {
    previous: u32,
    next: u32,
}

const TIERS: [Tier; 3] = [Tier::Visible, Tier::Prefetch, Tier::Recent];

impl Cache {
    /// An empty cache.
    pub fn new(budget_bytes: usize) -> Self {
        let slots = TIERS.iter().map(|_| Slot { held: None }).collect();
        let links = (0..TIERS.len() as u32).map(|i| Link { previous: i, next: i }).collect();
        Self { budget_bytes, num_bytes: 0, slot_of: ChunkMap::default(), slots, links, free: Vec::new() }
    }

    /// Bytes of voxels held.
    pub fn num_bytes(&self) -> usize {
        self.num_bytes
    }

    /// The budget.
    pub fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// Number of chunks held.
    pub fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.slot_of.is_empty()
    }

    /// The chunk, if it is held. Changes nothing.
    pub fn get(&self, key: ChunkKey) -> Option<&Entry> {
        self.slots[*self.slot_of.get(&key)? as usize].held.as_ref().map(|(_, entry)| entry)
    }

    /// Whether the chunk is held.
    pub fn contains(&self, key: ChunkKey) -> bool {
        self.slot_of.contains_key(&key)
    }

    /// Every chunk held, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (ChunkKey, &Entry)> {
        self.slots.iter().filter_map(|slot| slot.held.as_ref().map(|(key, entry)| (*key, entry)))
    }

    /// Puts a chunk in as the newest of its tier. Evicts lower tiers first, then older ones of the same
    /// tier, never a higher one; what has to go is handed to `evicted`, for the caller to drop where that
    /// costs nobody time. False if there was no room, and the chunk itself was handed to `evicted`.
    pub fn insert(&mut self, key: ChunkKey, entry: Entry, tier: Tier, evicted: &mut Vec<(ChunkKey, Entry)>) -> bool {
        self.remove(key, evicted);
        let needed = entry.loaded.voxels.num_bytes();
        if needed > self.budget_bytes {
            evicted.push((key, entry));
            return false;
        }
        while self.num_bytes + needed > self.budget_bytes {
            let candidates = TIERS.iter().rev().filter(|&&t| t >= tier);
            let oldest = candidates.map(|&t| self.links[t as usize].next).find(|&slot| slot >= TIERS.len() as u32);
            let Some(oldest) = oldest else {
                evicted.push((key, entry));
                return false;
            };
            self.evict(oldest, evicted);
        }
        self.num_bytes += needed;
        let slot = Slot { held: Some((key, entry)) };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                self.links.push(Link { previous: 0, next: 0 });
                self.slots.len() as u32 - 1
            }
        };
        self.slot_of.insert(key, at);
        let sentinel = tier as u32;
        self.link(at, self.links[sentinel as usize].previous, sentinel);
        assert!(self.num_bytes <= self.budget_bytes, "the cache is over its budget");
        true
    }

    /// Whether a chunk of this size fits without evicting anything.
    pub fn has_room_for(&self, num_bytes: usize) -> bool {
        self.num_bytes.saturating_add(num_bytes) <= self.budget_bytes
    }

    /// Takes a chunk out.
    pub fn remove(&mut self, key: ChunkKey, evicted: &mut Vec<(ChunkKey, Entry)>) {
        if let Some(&at) = self.slot_of.get(&key) {
            self.evict(at, evicted);
        }
    }

    fn evict(&mut self, at: u32, evicted: &mut Vec<(ChunkKey, Entry)>) {
        self.unlink(at);
        if let Some((key, entry)) = self.slots[at as usize].held.take() {
            self.slot_of.remove(&key);
            self.num_bytes -= entry.loaded.voxels.num_bytes();
            evicted.push((key, entry));
        }
        self.free.push(at);
    }

    /// Takes everything out.
    pub fn clear(&mut self, evicted: &mut Vec<(ChunkKey, Entry)>) {
        let old = std::mem::replace(self, Self::new(self.budget_bytes));
        evicted.extend(old.slots.into_iter().filter_map(|slot| slot.held));
    }

    /// A new plan begins: everything becomes the newest part of the lowest tier. Constant time.
    pub fn demote_all(&mut self) {
        for tier in [Tier::Prefetch as u32, Tier::Visible as u32] {
            let (first, last) = (self.links[tier as usize].next, self.links[tier as usize].previous);
            if first == tier {
                continue;
            }
            let recent = Tier::Recent as u32;
            let newest = self.links[recent as usize].previous;
            self.links[newest as usize].next = first;
            self.links[first as usize].previous = newest;
            self.links[last as usize].next = recent;
            self.links[recent as usize].previous = last;
            self.links[tier as usize].next = tier;
            self.links[tier as usize].previous = tier;
        }
    }

    /// Makes a chunk the next of a tier to be evicted; false if it is not held. A plan marks its chunks in
    /// order of urgency, so that the least urgent goes first.
    pub fn mark(&mut self, key: ChunkKey, tier: Tier) -> bool {
        let Some(&at) = self.slot_of.get(&key) else { return false };
        self.unlink(at);
        let sentinel = tier as u32;
        self.link(at, sentinel, self.links[sentinel as usize].next);
        true
    }

    fn link(&mut self, at: u32, previous: u32, next: u32) {
        self.links[at as usize] = Link { previous, next };
        self.links[previous as usize].next = at;
        self.links[next as usize].previous = at;
    }

    fn unlink(&mut self, at: u32) {
        let Link { previous, next } = self.links[at as usize];
        self.links[previous as usize].next = next;
        self.links[next as usize].previous = previous;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::volume::{Buffer, DType, LayerId, Shape, Voxels};

    /// The same chunks of two recordings.
    fn key(number: u64) -> ChunkKey {
        ChunkKey { layer: LayerId::numbered(number as u32 % 2), level: 0, index: number / 2 }
    }

    fn entry(num_bytes: usize) -> Entry {
        let shape = Shape::from([1, num_bytes]);
        let voxels = Voxels::new(DType::U8, shape, Buffer::unpooled(num_bytes), Vec::new());
        let region = Region::whole(&Shape::from([1, 1, 1, num_bytes]));
        Entry { region, loaded: Loaded { voxels: Arc::new(voxels), reason: None } }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u64, usize, usize),
        Remove(u64),
        Mark(u64, usize),
        Demote,
        Clear,
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let op = prop_oneof![
            6 => (0u64..20, 1usize..60, 0usize..3).prop_map(|(i, n, t)| Op::Insert(i, n * 8, t)),
            1 => (0u64..20).prop_map(Op::Remove),
            3 => (0u64..20, 0usize..3).prop_map(|(i, t)| Op::Mark(i, t)),
            1 => Just(Op::Demote),
            1 => Just(Op::Clear),
        ];
        prop::collection::vec(op, 0..200)
    }

    proptest! {
        /// Against a plain list of (tier, age) the cache keeps the same chunks, and never too many bytes.
        #[test]
        fn keeps_what_it_should_within_its_budget(ops in ops()) {
            let budget = 1000;
            let mut cache = Cache::new(budget);
            // Oldest first within a tier.
            let mut model: Vec<(u64, usize, usize)> = Vec::new();
            let mut evicted = Vec::new();
            for op in ops {
                match op {
                    Op::Insert(index, num_bytes, tier) => {
                        let stored = cache.insert(key(index), entry(num_bytes), TIERS[tier], &mut evicted);
                        model.retain(|m| m.0 != index);
                        let mut fits = num_bytes <= budget;
                        while fits && model.iter().map(|m| m.1).sum::<usize>() + num_bytes > budget {
                            let lowest = model.iter().map(|m| m.2).max().unwrap_or(0);
                            if lowest < tier {
                                fits = false;
                            } else if let Some(i) = model.iter().position(|m| m.2 == lowest) {
                                model.remove(i);
                            }
                        }
                        if fits {
                            model.push((index, num_bytes, tier));
                        }
                        prop_assert_eq!(stored, fits);
                    }
                    Op::Remove(index) => {
                        cache.remove(key(index), &mut evicted);
                        model.retain(|m| m.0 != index);
                    }
                    Op::Mark(index, tier) => {
                        let known = model.iter().position(|m| m.0 == index);
                        prop_assert_eq!(cache.mark(key(index), TIERS[tier]), known.is_some());
                        if let Some(i) = known {
                            let (index, num_bytes, _) = model.remove(i);
                            model.insert(0, (index, num_bytes, tier));
                        }
                    }
                    Op::Demote => {
                        cache.demote_all();
                        model.sort_by_key(|m| std::cmp::Reverse(m.2));
                        model.iter_mut().for_each(|m| m.2 = Tier::Recent as usize);
                    }
                    Op::Clear => {
                        cache.clear(&mut evicted);
                        model.clear();
                    }
                }
                prop_assert!(cache.num_bytes() <= budget);
                prop_assert_eq!(cache.num_bytes(), model.iter().map(|m| m.1).sum::<usize>());
                let mut held: Vec<_> = cache.iter().map(|(key, _)| key).collect();
                held.sort_unstable();
                let mut expected: Vec<_> = model.iter().map(|m| key(m.0)).collect();
                expected.sort_unstable();
                prop_assert_eq!(held, expected);
            }
        }
    }

    #[test]
    fn reading_ahead_never_evicts_what_is_on_screen() {
        let mut cache = Cache::new(100);
        let mut evicted = Vec::new();
        assert!(cache.insert(key(1), entry(96), Tier::Visible, &mut evicted));
        assert!(!cache.insert(key(2), entry(96), Tier::Prefetch, &mut evicted));
        assert!(cache.contains(key(1)));
        assert!(cache.insert(key(3), entry(96), Tier::Visible, &mut evicted));
        assert!(!cache.contains(key(1)));
    }
}
