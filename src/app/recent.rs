//! Recently opened recordings.

use super::memory::Memory;
use crate::volume::Location;

const MAX_RECENT: usize = 12;

/// What was opened lately, newest first.
pub struct Recent {
    locations: Vec<Location>,
    memory: Memory,
}

impl Recent {
    /// The list as it was remembered.
    pub fn load(memory: &Memory) -> Self {
        Self { locations: memory.recent(), memory: memory.clone() }
    }

    /// Nothing opened so far.
    pub fn empty(memory: &Memory) -> Self {
        Self { locations: Vec::new(), memory: memory.clone() }
    }

    /// The list, newest first.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// Puts a location in front, whatever folder the program is started in next time.
    pub fn add(&mut self, location: &Location) {
        let absolute = location.path().and_then(|path| std::path::absolute(path).ok());
        let location = absolute.map_or_else(|| location.clone(), Location::from);
        // The same place, whoever signed for it.
        let place = location.without_secrets();
        self.locations.retain(|known| known.without_secrets() != place);
        self.locations.insert(0, location);
        self.locations.truncate(MAX_RECENT);
        self.memory.keep_recent(&self.locations);
    }

    /// Takes a location off the list.
    pub fn remove(&mut self, location: &Location) {
        self.locations.retain(|known| known != location);
        self.memory.keep_recent(&self.locations);
    }

    /// Empties the list.
    pub fn clear(&mut self) {
        self.locations.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_without_repeats_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(folder.path());
        let mut recent = Recent::load(&memory);
        for i in 0..20 {
            recent.add(&Location::parse(&format!("/data/{i}")));
        }
        let again = Location::parse("/data/15");
        recent.add(&again);
        assert_eq!(recent.locations().len(), MAX_RECENT);
        assert_eq!(recent.locations()[0], again);
        assert_eq!(recent.locations().iter().filter(|known| **known == again).count(), 1);
        recent.remove(&again);
        assert!(!recent.locations().contains(&again));
        // A URL is a place like any other.
        recent.add(&Location::parse("https://host/fish.zarr"));
        // Another run of the program finds the same list.
        memory.flush(std::time::Duration::from_secs(10));
        assert_eq!(Recent::load(&Memory::in_folder(folder.path())).locations(), recent.locations());
    }

    #[test]
    fn of_a_signed_address_it_is_remembered_that_it_was_signed() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(folder.path());
        let mut recent = Recent::load(&memory);
        for word in ["word1", "word2"] {
            recent.add(&Location::parse(&format!("https://host/fish.h5?sig={word}")));
        }
        assert_eq!(recent.locations(), [Location::parse("https://host/fish.h5?sig=word2")], "in this run as it is");
        memory.flush(std::time::Duration::from_secs(10));
        let text = std::fs::read_to_string(folder.path().join("recent.json")).unwrap();
        assert!(!text.contains("word"), "{text}");
        let mut recent = Recent::load(&Memory::in_folder(folder.path()));
        assert!(recent.locations()[0].is_cut());
        recent.add(&Location::parse("https://host/fish.h5?sig=word3"));
        assert_eq!(recent.locations(), [Location::parse("https://host/fish.h5?sig=word3")]);
    }
}
