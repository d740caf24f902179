//! Finished pictures under a byte budget, the least recently used given up first. A plain value.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use crate::volume::{LayerId, PictureKey, VolumeKey, Voxels};

/// What is of one timepoint of a recording.
pub(super) trait Timed {
    /// Which.
    fn place(&self) -> (LayerId, usize);
}

impl Timed for PictureKey {
    fn place(&self) -> (LayerId, usize) {
        (self.layer, self.picture.t())
    }
}

impl Timed for VolumeKey {
    fn place(&self) -> (LayerId, usize) {
        (self.layer, self.t)
    }
}

/// The shelf. Resident bytes never exceed the budget; those of voxels that lie elsewhere count as if they had
/// been brought.
pub(super) struct Shelf<K> {
    budget_bytes: usize,
    num_bytes: usize,
    /// Of what lies outside memory as well.
    away_budget_bytes: usize,
    away_bytes: usize,
    items: HashMap<K, Item>,
    /// What there is of a timepoint, so that a change of it is no search.
    times: BTreeMap<(LayerId, usize), Vec<K>>,
    /// What lacks voxels.
    partial: HashSet<K>,
    /// Keys by their last use.
    order: BTreeMap<u64, K>,
    clock: u64,
}

struct Item {
    voxels: Arc<Voxels>,
    num_bytes: usize,
    used: u64,
}

impl<K: Copy + Eq + Hash + Timed> Shelf<K> {
    pub(super) fn new(budget_bytes: usize) -> Self {
        Self {
            budget_bytes,
            num_bytes: 0,
            away_budget_bytes: usize::MAX,
            away_bytes: 0,
            items: HashMap::new(),
            times: BTreeMap::new(),
            partial: HashSet::new(),
            order: BTreeMap::new(),
            clock: 0,
        }
    }

    /// How many bytes of voxels that lie elsewhere are kept from now on.
    pub(super) fn set_away_budget(&mut self, num_bytes: usize) {
        self.away_budget_bytes = num_bytes;
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
        let away_bytes = away_bytes(&voxels);
        while away_bytes > 0 && self.away_bytes + away_bytes > self.away_budget_bytes {
            let mut oldest = self.order.values().filter(|key| self.items.get(*key).is_some_and(|i| i.voxels.is_away()));
            let Some(&oldest) = oldest.next() else { break };
            self.remove(&oldest, dropped);
        }
        self.away_bytes += away_bytes;
        self.clock += 1;
        self.num_bytes += num_bytes;
        self.order.insert(self.clock, key);
        self.times.entry(key.place()).or_default().push(key);
        if !voxels.is_whole() || !voxels.missing().is_empty() {
            self.partial.insert(key);
        }
        self.items.insert(key, Item { voxels, num_bytes, used: self.clock });
        assert!(self.num_bytes <= self.budget_bytes, "a shelf is over its budget");
        true
    }

    pub(super) fn remove(&mut self, key: &K, dropped: &mut Vec<(K, Arc<Voxels>)>) {
        if let Some(item) = self.items.remove(key) {
            self.partial.remove(key);
            if let Some(keys) = self.times.get_mut(&key.place()) {
                keys.retain(|known| known != key);
                if keys.is_empty() {
                    self.times.remove(&key.place());
                }
            }
            self.order.remove(&item.used);
            self.num_bytes -= item.num_bytes;
            self.away_bytes -= away_bytes(&item.voxels);
            dropped.push((*key, item.voxels));
        }
    }

    /// Removes what is of these timepoints of a recording, half-open ranges, and what of it lacks voxels.
    pub(super) fn remove_changed(
        &mut self,
        layer: LayerId,
        changed: &[[usize; 2]],
        dropped: &mut Vec<(K, Arc<Voxels>)>,
    ) {
        let mut gone: Vec<K> = self.partial.iter().filter(|key| key.place().0 == layer).copied().collect();
        for &[start, stop] in changed {
            gone.extend(self.times.range((layer, start)..(layer, stop)).flat_map(|(_, keys)| keys));
        }
        gone.iter().for_each(|key| self.remove(key, dropped));
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

fn away_bytes(voxels: &Voxels) -> usize {
    if voxels.is_away() { voxels.num_bytes() } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::volume::{Buffer, DType, Shape};

    /// Two recordings, in which a picture is of the timepoint of its number.
    impl Timed for u32 {
        fn place(&self) -> (LayerId, usize) {
            (LayerId::numbered(self % 2), *self as usize / 2)
        }
    }

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

    #[test]
    fn only_what_changed_and_what_lacks_voxels_goes() {
        let (mut shelf, mut dropped) = (Shelf::new(1000), Vec::new());
        let shape = Shape::from([1, 8]);
        for key in 0..10u32 {
            let missing = if key == 8 || key == 9 { vec![crate::volume::Region::whole(&shape)] } else { Vec::new() };
            let voxels = Voxels::new(DType::U8, shape, Buffer::unpooled(8), missing);
            shelf.insert(key, Arc::new(voxels), &mut dropped);
        }
        shelf.remove_changed(LayerId::numbered(0), &[[1, 3]], &mut dropped);
        let mut gone: Vec<_> = dropped.iter().map(|(key, _)| *key).collect();
        gone.sort_unstable();
        assert_eq!(gone, [2, 4, 8], "of the second and third timepoint of this recording, and the hatched one");
        assert_eq!(shelf.len(), 7);
    }

    #[derive(Debug)]
    struct Elsewhere;

    impl crate::volume::Away for Elsewhere {
        fn try_fetch(&self) -> Option<Result<Buffer, String>> {
            Some(self.fetch())
        }

        fn fetch(&self) -> Result<Buffer, String> {
            Ok(Buffer::unpooled(8))
        }
    }

    #[test]
    fn what_lies_elsewhere_has_a_budget_of_its_own_and_pushes_out_nothing_in_memory() {
        let mut shelf = Shelf::new(1000);
        shelf.set_away_budget(16);
        let mut dropped = Vec::new();
        let shape = Shape::from([1, 8]);
        for key in 0..8u32 {
            let voxels = match key % 2 {
                0 => Voxels::away(DType::U8, shape, Box::new(Elsewhere)),
                _ => Voxels::new(DType::U8, shape, Buffer::unpooled(8), Vec::new()),
            };
            assert!(shelf.insert(key, Arc::new(voxels), &mut dropped));
        }
        let mut held: Vec<_> = shelf.keys().copied().collect();
        held.sort_unstable();
        assert_eq!(held, [1, 3, 4, 5, 6, 7]);
        shelf.remove(&4, &mut dropped);
        shelf.insert(8, Arc::new(Voxels::away(DType::U8, shape, Box::new(Elsewhere))), &mut dropped);
        assert!(shelf.contains(&6) && shelf.contains(&8), "there was room again");
        assert_eq!(shelf.num_bytes(), 6 * 8);
    }
}
