//! Finished pictures under a byte budget, the least recently used given up first. A plain value.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use crate::volume::Voxels;

/// The shelf. Resident bytes never exceed the budget.
pub(super) struct Shelf<K> {
    budget_bytes: usize,
    num_bytes: usize,
    items: HashMap<K, Item>,
    /// Keys by their last use.
    order: BTreeMap<u64, K>,
    clock: u64,
}

struct Item {
    voxels: Arc<Voxels>,
    num_bytes: usize,
    used: u64,
}

impl<K: Copy + Eq + Hash> Shelf<K> {
    pub(super) fn new(budget_bytes: usize) -> Self {
        Self { budget_bytes, num_bytes: 0, items: HashMap::new(), order: BTreeMap::new(), clock: 0 }
    }

    pub(super) fn num_bytes(&self) -> usize {
        self.num_bytes
    }

    pub(super) fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.items.contains_key(key)
    }

    /// All keys, in no particular order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.items.keys()
    }

    /// The picture, which becomes the most recently used.
    pub(super) fn get(&mut self, key: &K) -> Option<Arc<Voxels>> {
        self.clock += 1;
        let item = self.items.get_mut(key)?;
        self.order.remove(&item.used);
        self.order.insert(self.clock, *key);
        item.used = self.clock;
        Some(Arc::clone(&item.voxels))
    }

    /// Puts a picture on the shelf; `dropped` gets what has to go. False if it is larger than the shelf.
    pub(super) fn insert(&mut self, key: K, voxels: Arc<Voxels>, dropped: &mut Vec<(K, Arc<Voxels>)>) -> bool {
        self.remove(&key, dropped);
        let num_bytes = voxels.num_bytes();
        if num_bytes > self.budget_bytes {
            dropped.push((key, voxels));
            return false;
        }
        while self.num_bytes + num_bytes > self.budget_bytes {
            let Some((_, oldest)) = self.order.first_key_value() else { break };
            self.remove(&{ *oldest }, dropped);
        }
        self.clock += 1;
        self.num_bytes += num_bytes;
        self.order.insert(self.clock, key);
        self.items.insert(key, Item { voxels, num_bytes, used: self.clock });
        assert!(self.num_bytes <= self.budget_bytes, "a shelf is over its budget");
        true
    }

    pub(super) fn remove(&mut self, key: &K, dropped: &mut Vec<(K, Arc<Voxels>)>) {
        if let Some(item) = self.items.remove(key) {
            self.order.remove(&item.used);
            self.num_bytes -= item.num_bytes;
            dropped.push((*key, item.voxels));
        }
    }

    /// Removes what does not satisfy `keep`.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K, &Voxels) -> bool, dropped: &mut Vec<(K, Arc<Voxels>)>) {
        let gone = self.items.iter().filter(|(key, item)| !keep(key, &item.voxels));
        let gone: Vec<K> = gone.map(|(key, _)| *key).collect();
        for key in gone {
            self.remove(&key, dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::volume::{Buffer, DType, Shape};

    proptest! {
        #[test]
        fn stays_within_its_budget_and_gives_up_the_least_recently_used(
            ops in prop::collection::vec((0u32..12, 0usize..8, any::<bool>()), 0..100),
        ) {
            let mut shelf = Shelf::new(200);
            let mut model: Vec<(u32, usize)> = Vec::new();
            let mut dropped = Vec::new();
            for (key, words, is_insert) in ops {
                if is_insert {
                    let buffer = Buffer::unpooled(words * 8);
                    let voxels = Arc::new(Voxels::new(DType::U8, Shape::from([1, words * 8]), buffer, Vec::new()));
                    shelf.insert(key, voxels, &mut dropped);
                    model.retain(|m| m.0 != key);
                    model.push((key, words * 8));
                    while model.iter().map(|m| m.1).sum::<usize>() > 200 {
                        model.remove(0);
                    }
                } else if shelf.get(&key).is_some() {
                    let i = model.iter().position(|m| m.0 == key).expect("in the model too");
                    let used = model.remove(i);
                    model.push(used);
                }
                prop_assert!(shelf.num_bytes() <= 200);
                let mut held: Vec<_> = shelf.keys().copied().collect();
                held.sort_unstable();
                let mut expected: Vec<_> = model.iter().map(|m| m.0).collect();
                expected.sort_unstable();
                prop_assert_eq!(held, expected);
            }
        }
    }
}
