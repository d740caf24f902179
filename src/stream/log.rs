//! Which timepoints something happened to, and when: whoever looked before learns what is new to him, and
//! what was taken out before a change is told from what is still true. A plain value.

use std::collections::VecDeque;

/// Changes remembered; who last looked before the oldest of them has to look at everything.
const MAX_ENTRIES: usize = 4096;

/// A point in the life of a [`ChangeLog`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

/// The log.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    /// The moment just before the oldest entry.
    first: u64,
    entries: VecDeque<[usize; 2]>,
}

impl ChangeLog {
    /// After everything so far.
    pub(super) fn now(&self) -> Moment {
        Moment(self.first + self.entries.len() as u64)
    }

    /// Something happened to these timepoints, a half-open range.
    pub(super) fn note(&mut self, start: usize, stop: usize) {
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.pop_front();
            self.first += 1;
        }
        self.entries.push_back([start, stop]);
    }

    /// Something happened to all of them.
    pub(super) fn note_everything(&mut self) {
        self.first += self.entries.len() as u64 + 1;
        self.entries.clear();
    }

    /// What happened since, oldest first; `None` if it may have been anything.
    pub(super) fn since(&self, moment: Moment) -> Option<impl Iterator<Item = [usize; 2]> + '_> {
        let seen = moment.0.checked_sub(self.first)?;
        Some(self.entries.iter().skip(usize::try_from(seen).unwrap_or(usize::MAX)).copied())
    }

    /// Whether anything since may have happened to one of these timepoints.
    pub(super) fn has_touched(&self, moment: Moment, start: usize, stop: usize) -> bool {
        self.since(moment).is_none_or(|mut changes| changes.any(|[from, to]| from < stop && start < to))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a plain list of everything that ever happened: nothing that happened is forgotten.
        #[test]
        fn no_change_is_overlooked(
            changes in prop::collection::vec(prop_oneof![
                20 => (0usize..50, 0usize..5).prop_map(|(start, len)| Some([start, start + len])),
                1 => Just(None),
            ], 0..60),
            looks in prop::collection::vec((0usize..60, 0usize..50, 1usize..4), 20),
        ) {
            let mut log = ChangeLog::default();
            let mut moments = vec![log.now()];
            for change in &changes {
                match change {
                    Some([start, stop]) => log.note(*start, *stop),
                    None => log.note_everything(),
                }
                moments.push(log.now());
            }
            for (at, start, len) in looks {
                let at = at.min(changes.len());
                let is_touched = changes[at..].iter().any(|change| match change {
                    Some([from, to]) => *from < start + len && start < *to,
                    None => true,
                });
                prop_assert_eq!(log.has_touched(moments[at], start, start + len), is_touched);
            }
        }
    }

    #[test]
    fn what_is_no_longer_remembered_may_have_been_anything() {
        let mut log = ChangeLog::default();
        let begin = log.now();
        (0..MAX_ENTRIES).for_each(|_| log.note(5, 6));
        assert!(!log.has_touched(begin, 7, 8));
        log.note(5, 6);
        assert!(log.has_touched(begin, 7, 8));
        assert!(!log.has_touched(log.now(), 5, 6));
    }
}
