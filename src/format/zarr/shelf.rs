//! Which objects of an array lie in its folder: listed once, and then only where something may have come. What is
//! complete is not looked at again, and a look ends when its time is over; the next one goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::keys::Keys;
use crate::format::hdf5::Stamp;
use crate::volume::{Index, MAX_RANK, Order};

/// A look takes no longer than this, and a little.
const MAX_LOOK: Duration = Duration::from_secs(1);

/// Of an array with more objects than this some are not known of.
const MAX_KNOWN: usize = 2 << 20;

/// Objects of one row that are looked at one by one, for whether they were written once more.
const MAX_WATCHED: u64 = 8192;

/// Clocks of file systems tick no slower than this: what was changed so lately may change again unnoticed.
const TICK: Duration = Duration::from_millis(100);

/// What was written so shortly before an array was opened may have been read half.
const JUST_BEFORE: Duration = Duration::from_secs(2);

/// The objects of an array in a folder of this machine.
pub struct Shelf {
    root: PathBuf,
    keys: Keys,
    order: Order,
    opened: SystemTime,
    counts: Vec<usize>,
    tree: Folder,
    /// How many objects there are of each row along the slowest axis; none of those that have none.
    rows: BTreeMap<usize, u64>,
    /// State of the objects of the newest rows.
    stamps: BTreeMap<u64, Option<Stamp>>,
    newest: Option<SystemTime>,
    num_known: usize,
    /// Whether every folder was looked at.
    is_complete: bool,
}

/// What a folder was found to hold.
#[derive(Default)]
struct Folder {
    is_known: bool,
    /// When something last came into it or left it; `None` where that may happen again without a trace.
    modified: Option<SystemTime>,
    folders: BTreeMap<usize, Folder>,
    /// Of a folder of objects: their positions.
    objects: BTreeSet<u64>,
    is_full: bool,
}

/// What is there after a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Stored objects, as far as is known.
    pub num_stored: u64,
    /// Whether that is all.
    pub is_complete: bool,
    /// The last row along the slowest axis of which anything is stored, and whether all of it is.
    pub newest_row: Option<(usize, bool)>,
    /// When something was last written, as far as was seen.
    pub modified: Option<SystemTime>,
}

impl Shelf {
    /// Nothing has been looked at yet of an array that is opened now.
    pub fn new(array: &Path, keys: Keys, order: Order, counts: &[usize]) -> Self {
        Self {
            root: keys.root(array),
            keys,
            order,
            opened: SystemTime::now(),
            counts: counts.to_vec(),
            tree: Folder::default(),
            rows: BTreeMap::new(),
            stamps: BTreeMap::new(),
            newest: None,
            num_known: 0,
            is_complete: false,
        }
    }

    /// When something was last written, as far as the folders of the newest objects tell: a look of moments.
    pub fn last_written(&self) -> Option<SystemTime> {
        let mut path = self.root.clone();
        let mut newest = modified(&path);
        let num_folders = self.counts.len() - self.keys.num_in_name();
        for depth in 0..num_folders {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten().take(MAX_KNOWN);
            let number = |entry: std::fs::DirEntry| {
                let at = self.keys.numbers(entry.file_name().to_str()?, depth, &self.counts)?;
                Some(at[depth])
            };
            let Some(last) = entries.filter_map(number).max() else { break };
            path.push(last.to_string());
            newest = newest.max(modified(&path));
        }
        newest
    }

    /// Looks what has come, gone or changed of an array that has so many objects along each axis: their positions.
    /// Blocks, not much longer than a second.
    pub fn look(&mut self, counts: &[usize]) -> Vec<u64> {
        if self.counts != counts {
            self.counts = counts.to_vec();
            reopen(&mut self.tree, self.order.slowest);
        }
        let mut look = Look {
            keys: &self.keys,
            order: self.order,
            counts,
            until: Instant::now() + MAX_LOOK,
            // What is found the first time has come since then, or was there before.
            since: (!self.is_complete).then(|| self.opened - JUST_BEFORE),
            rows: &mut self.rows,
            num_known: &mut self.num_known,
            newest: &mut self.newest,
            changed: Vec::new(),
            is_over: false,
        };
        look.visit(&mut self.tree, &self.root, &mut [0; MAX_RANK], 0);
        let (mut changed, is_over) = (look.changed, look.is_over);
        changed.extend(self.rewritten());
        self.is_complete |= !is_over;
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// The folder that all of them lie in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the looks so far have found.
    pub fn stock(&self) -> Stock {
        let in_row = self.order.num_in_row(&self.counts);
        Stock {
            num_stored: self.rows.values().sum(),
            is_complete: self.is_complete,
            newest_row: self.rows.last_key_value().map(|(row, num)| (*row, *num == in_row)),
            modified: self.newest,
        }
    }

    /// Objects of the newest two rows, and of those that were so at the last look, that were written once more.
    fn rewritten(&mut self) -> Vec<u64> {
        let in_row = self.order.num_in_row(&self.counts);
        let newest = self.rows.keys().rev().take(2);
        let wanted: BTreeSet<u64> = newest
            .flat_map(|row| {
                let first = *row as u64 * in_row;
                first..first + in_row.min(MAX_WATCHED)
            })
            .collect();
        let mut changed = Vec::new();
        let former = std::mem::take(&mut self.stamps);
        for position in former.keys().copied().chain(wanted.iter().copied().filter(|at| !former.contains_key(at))) {
            let metadata = std::fs::metadata(self.path_of(position)).ok();
            let stamp = metadata.map(|metadata| Stamp::of(&metadata));
            let modified = stamp.and_then(|stamp| stamp.modified);
            self.newest = self.newest.max(modified);
            let is_changed = match former.get(&position) {
                Some(former) => *former != stamp || stamp.is_none() && former.is_some(),
                None => !self.is_complete && modified.is_some_and(|modified| modified >= self.opened - JUST_BEFORE),
            };
            if is_changed {
                changed.push(position);
            }
            if wanted.contains(&position) {
                // Written within a tick it may be written again, and look the same.
                self.stamps.insert(position, stamp.filter(|_| is_settled(modified)));
            }
        }
        changed
    }

    fn path_of(&self, position: u64) -> PathBuf {
        let at = self.order.cell(position, &self.counts);
        self.root.join(self.keys.below_root(&at))
    }
}

/// When a file was last written, or something came into a folder or left it.
pub fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

/// Whether a moment lies so long ago that a change after it is seen.
fn is_settled(modified: Option<SystemTime>) -> bool {
    let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age > TICK)
}

/// What was complete is so no more, down to the axis that has become longer.
fn reopen(folder: &mut Folder, depth: usize) {
    folder.is_full = false;
    if let Some(depth) = depth.checked_sub(1) {
        folder.folders.values_mut().for_each(|folder| reopen(folder, depth));
    }
}

/// One look.
struct Look<'a> {
    keys: &'a Keys,
    order: Order,
    counts: &'a [usize],
    until: Instant,
    /// What was last changed before is nothing new; `None` where all is that was not known.
    since: Option<SystemTime>,
    rows: &'a mut BTreeMap<usize, u64>,
    num_known: &'a mut usize,
    newest: &'a mut Option<SystemTime>,
    changed: Vec<u64>,
    is_over: bool,
}

impl Look<'_> {
    fn visit(&mut self, folder: &mut Folder, path: &Path, at: &mut Index, depth: usize) {
        let is_last = depth + self.keys.num_in_name() == self.counts.len();
        let most: u64 = self.counts[depth..].iter().take(self.keys.num_in_name()).map(|&count| count as u64).product();
        let num = |folder: &Folder| if is_last { folder.objects.len() } else { folder.folders.len() } as u64;
        if !folder.is_known || num(folder) < most {
            self.list(folder, path, at, depth, is_last);
        }
        // The newest first: of those something is wanted.
        for (number, child) in folder.folders.iter_mut().rev().filter(|(_, child)| !child.is_full) {
            self.is_over |= Instant::now() >= self.until;
            if self.is_over {
                return;
            }
            at[depth] = *number;
            self.visit(child, &path.join(number.to_string()), at, depth + 1);
        }
        folder.is_full = num(folder) == most && folder.folders.values().all(|child| child.is_full);
    }

    fn list(&mut self, folder: &mut Folder, path: &Path, at: &Index, depth: usize, is_last: bool) {
        let modified = modified(path);
        if folder.is_known && folder.modified.is_some() && folder.modified == modified {
            return;
        }
        let mut found: BTreeSet<(usize, u64)> = BTreeSet::new();
        // One that is not there, or no folder, holds nothing.
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let Some(name) = entry.file_name().to_str().and_then(|name| self.keys.numbers(name, depth, self.counts))
            else {
                continue;
            };
            let mut cell = *at;
            cell[depth..self.counts.len()].copy_from_slice(&name[depth..self.counts.len()]);
            found.insert((name[depth], if is_last { self.order.position(&cell, self.counts) } else { 0 }));
            if *self.num_known + found.len() > MAX_KNOWN {
                self.is_over = true;
                return;
            }
        }
        *self.newest = (*self.newest).max(modified);
        let is_news =
            self.since.is_none_or(|since| folder.is_known || modified.is_none_or(|modified| modified >= since));
        if is_last {
            let found: BTreeSet<u64> = found.into_iter().map(|(_, position)| position).collect();
            let changed: Vec<(u64, bool)> =
                folder.objects.symmetric_difference(&found).map(|at| (*at, found.contains(at))).collect();
            for (position, has_come) in changed {
                self.count(position, has_come, is_news || !has_come);
            }
            folder.objects = found;
        } else {
            let found: BTreeSet<usize> = found.into_iter().map(|(number, _)| number).collect();
            let gone: Vec<usize> = folder.folders.keys().filter(|number| !found.contains(number)).copied().collect();
            gone.iter().filter_map(|number| folder.folders.remove(number)).for_each(|child| self.forget(&child));
            let num = folder.folders.len();
            for number in found {
                folder.folders.entry(number).or_default();
            }
            *self.num_known += folder.folders.len() - num;
        }
        folder.is_known = true;
        folder.modified = modified.filter(|_| is_settled(modified));
    }

    fn forget(&mut self, folder: &Folder) {
        folder.objects.iter().for_each(|position| self.count(*position, false, true));
        folder.folders.values().for_each(|child| self.forget(child));
    }

    fn count(&mut self, position: u64, has_come: bool, is_news: bool) {
        let row = (position / self.order.num_in_row(self.counts).max(1)) as usize;
        let num = self.rows.entry(row).or_default();
        match has_come {
            true => {
                *num += 1;
                *self.num_known += 1;
            }
            false => {
                *num = num.saturating_sub(1);
                *self.num_known = self.num_known.saturating_sub(1);
            }
        }
        if *num == 0 {
            self.rows.remove(&row);
        }
        if is_news {
            self.changed.push(position);
        }
    }
}
