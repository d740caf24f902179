//! Looking again at a folder that may be growing: what is new, what changed, and which chunks that
//! makes stale.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;

use super::block::Block;
use super::build::{self, Previous};
use super::discover::Listing;
use super::former::Sign;
use super::identity::{Identity, identity_of, is_same_content};
use super::names::BlockName;
use super::seen::{STILL, Seen};
use super::source::SplitSource;
use crate::format::{FormatError, Growing, Growth, Refresh, io_error};
use crate::volume::PieceState;

/// Known blocks asked for their size and time at each look, beside the first and the last two.
const NUM_SAMPLED: usize = 64;

impl Growing for SplitSource {
    fn growth(&self) -> Growth {
        let writing = self.beyond.iter().find(|piece| piece.state == PieceState::Writing);
        Growth {
            axis: self.growth_axis(),
            piece_len: self.geometry.layout.block[self.growth_axis()],
            // Every rig writes the metadata last.
            is_finished: self.is_finished,
            newest_readable: self.newest_readable,
            writing: writing.map(|piece| piece.range),
        }
    }

    /// One listing, and the sizes and times of some files. Blocks that are unchanged are not opened.
    fn refresh(&self, hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        let folder = &self.place.folder;
        let listing = match Listing::of(folder) {
            Ok(listing) => Arc::new(listing),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Refresh::Gone("the folder has gone: deleted, renamed, or its disk taken away".into()));
            }
            Err(error) => return Err(io_error(folder, &error)),
        };
        let group = listing.group(&self.place.prefix);
        let Some(group) = group.filter(|group| !group.blocks.is_empty()) else {
            return Ok(Refresh::Gone("the blocks have been deleted".into()));
        };
        self.seen.lock().is_first_look = false;
        let metadata = listing.metadata(&self.place.prefix).map(|name| folder.join(name));
        let metadata = metadata.and_then(|path| identity_of(&path).ok());
        let is_same_metadata = metadata == self.seen.lock().metadata;

        let changed = self.find_changed(hints);
        let is_restart = (self.is_first_new() || self.is_nothing_left()) && !(is_same_metadata && metadata.is_some());
        if is_restart {
            // Until the new first block can be read there is nothing to show: not the old recording either.
            return Ok(match self.restarted(&listing, &group.all()) {
                Ok(source) => Refresh::Replaced(source),
                Err(error) => Refresh::Gone(format!("the recording is being written anew ({})", error.message)),
            });
        }
        let is_same_names = self.listed.group(&self.place.prefix).is_some_and(|old| old == group);
        let is_overwritten = self.left_over.iter().any(|(path, was)| identity_of(path).ok() != *was);
        if is_same_names && is_same_metadata && changed.is_empty() && !is_overwritten && !self.tail_moved() {
            return Ok(Refresh::Unchanged);
        }
        self.built_again(&listing, changed)
    }

    fn folder(&self) -> Option<PathBuf> {
        Some(self.place.folder.clone())
    }

    /// By the file system; it is asked for a block that was never read.
    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>> {
        let time = |ordinal: usize| {
            let block = self.blocks.get(ordinal)?;
            block.identity().or_else(|| identity_of(&block.path).ok())?.modified
        };
        pieces.map(time).collect()
    }
}

impl SplitSource {
    /// The recording as a listing shows it, given that some blocks are not the files they were.
    fn built_again(&self, listing: &Arc<Listing>, changed: Vec<u64>) -> Result<Refresh, FormatError> {
        // Where one block was written anew others may have been: now it is worth asking for all.
        let changed: Vec<u64> = match changed.is_empty() {
            true => changed,
            false => self.blocks.iter().filter(|block| has_changed(block)).map(|block| block.id()).collect(),
        };
        let kept = self.blocks.iter().filter(|block| block.is_present && !changed.contains(&block.id()));
        let blocks = kept
            .filter_map(|block| Some((block.path.file_name()?.to_str()?.to_owned(), Arc::clone(block))))
            .collect::<HashMap<_, _>>();
        for id in &changed {
            self.indexes.remove(*id);
        }
        self.note_overwriting(&changed);
        let previous = Previous { source: self, blocks };
        let source = build::build(&self.place, listing, Some(&previous), &self.seen)?;
        if !source.geometry.layout.is_like(&self.geometry.layout)
            || source.parts != self.parts
            || source.info.dtype != self.info.dtype
            || source.first_number() != self.first_number()
        {
            // What stood under a chunk index stands under another now.
            return Ok(Refresh::Replaced(Arc::new(source)));
        }
        let stale = self.stale_chunks(&source);
        if stale.is_empty() && self.looks_like(&source) {
            return Ok(Refresh::Unchanged);
        }
        Ok(Refresh::Changed { source: Arc::new(source), stale })
    }

    /// Whether the first block is another file than it was: with it a recording begins again.
    fn is_first_new(&self) -> bool {
        let Some(first) = self.blocks.iter().find(|block| block.is_present) else { return false };
        match (first.identity(), identity_of(&first.path)) {
            (Some(was), Ok(now)) => was != now && !is_same_content(&was, &now),
            _ => false,
        }
    }

    /// Whether of the blocks that were there not one is left: a folder may be found half wiped, and what is
    /// written into it afterwards is another recording whatever its numbers are.
    fn is_nothing_left(&self) -> bool {
        let mut known = self.blocks.iter().filter(|block| block.is_present).peekable();
        known.peek().is_some() && known.all(|block| is_gone(&block.path))
    }

    /// Whether nothing that is shown differs: a block that is still being written is no news.
    fn looks_like(&self, new: &Self) -> bool {
        self.info == new.info
            && self.beyond == new.beyond
            && self.suspects == new.suspects
            && self.is_finished == new.is_finished
            && self.is_tail_judged == new.is_tail_judged
            && self.problems == new.problems
            && self.left_over == new.left_over
            && self.blocks.iter().map(|block| block.id()).eq(new.blocks.iter().map(|block| block.id()))
    }

    /// Known blocks that are not the files they were, among those asked this time.
    fn find_changed(&self, hints: &[PathBuf]) -> Vec<u64> {
        let n = self.blocks.len();
        let start = {
            let mut seen = self.seen.lock();
            let start = seen.cursor % n.max(1);
            seen.cursor = start + NUM_SAMPLED.min(n);
            start
        };
        let round = (0..NUM_SAMPLED.min(n)).map(|i| (start + i) % n);
        let ends = [0, n.saturating_sub(2), n.saturating_sub(1)];
        let hinted = hints.iter().filter_map(|path| self.blocks.iter().position(|block| *block.path == **path));
        let mut asked: Vec<usize> = round.chain(ends).chain(hinted).filter(|&i| i < n).collect();
        asked.sort_unstable();
        asked.dedup();
        asked
            .into_iter()
            .map(|i| &self.blocks[i])
            .filter(|block| {
                if block.is_present && block.identity().is_none() {
                    // Never read so far: remember how it is, so that a restart can be told later.
                    block.remember(identity_of(&block.path).ok());
                }
                has_changed(block)
            })
            .map(|block| block.id())
            .collect()
    }

    /// Whether a block left out at the end has changed, or has been still for long enough to be judged.
    fn tail_moved(&self) -> bool {
        if self.blocks.last().is_some_and(|last| last.is_withheld() && self.is_settled(last)) {
            return true;
        }
        let mut seen = self.seen.lock();
        let now = Instant::now();
        self.tail.iter().any(|path| {
            let Ok(file) = identity_of(path) else { return true };
            match seen.tail.get_mut(&**path) {
                // Judged once, when the time is up.
                Some((seen, since)) if *seen == file => now.duration_since(*since) >= STILL && !self.is_tail_judged,
                _ => true,
            }
        })
    }

    /// Opens the recording that has begun in the place of this one. Blocks that have not been written
    /// since are of the old one.
    fn restarted(&self, listing: &Arc<Listing>, names: &[BlockName]) -> Result<Arc<SplitSource>, FormatError> {
        let mut seen = Seen { is_first_look: false, ..Seen::default() };
        let known: HashMap<&Path, Option<Identity>> =
            self.blocks.iter().map(|block| (&*block.path, block.identity())).collect();
        let first = names.first().and_then(|name| identity_of(&self.place.folder.join(&name.name)).ok());
        for name in names.iter().skip(1) {
            let path = self.place.folder.join(&name.name);
            let Ok(now) = identity_of(&path) else { continue };
            // What we know to be unchanged is the old run's, and so is what was written before the new
            // run's first block, with which a run begins.
            let is_known = known.get(path.as_path()).is_some_and(|was| *was == Some(now));
            let is_former = is_known || first.is_some_and(|first| now.modified < first.modified);
            if is_former {
                seen.former.insert(path, now);
            }
        }
        // Blocks left over from the run before the last one stay left over.
        for (path, was) in &self.seen.lock().former {
            if identity_of(path).is_ok_and(|now| now == *was) {
                seen.former.insert(path.clone(), *was);
            }
        }
        build::build(&self.place, listing, None, &Arc::new(Mutex::new(seen))).map(Arc::new)
    }

    /// Where one of the blocks that only looked left over has been written anew, what follows it and has
    /// not been is of the former recording: that was seen.
    fn note_overwriting(&self, changed: &[u64]) {
        let Some(suspects) = self.suspects.filter(|suspects| suspects.sign == Sign::Older) else { return };
        let doubted = &self.blocks[suspects.from.min(self.blocks.len())..];
        let Some(newest) = doubted.iter().rposition(|block| changed.contains(&block.id())) else { return };
        let mut seen = self.seen.lock();
        for block in &doubted[newest + 1..] {
            if let Ok(file) = identity_of(&block.path) {
                seen.former.insert(block.path.to_path_buf(), file);
            }
        }
    }

    /// Chunk indices that mean other data in `new` than here, as few ranges as possible.
    fn stale_chunks(&self, new: &Self) -> Vec<Range<u64>> {
        let per_block = self.chunks_per_block();
        let mut stale: Vec<Range<u64>> = Vec::new();
        for (k, old) in self.blocks.iter().enumerate() {
            let is_same = new
                .blocks
                .get(k)
                .is_some_and(|now| now.id() == old.id() && self.geometry.region(k) == new.geometry.region(k));
            // Held back as perhaps not written; with a successor, or long untouched, it counts as it is.
            let is_settled = old.is_withheld() && (new.is_finished || k + 1 < new.blocks.len() || new.is_settled(old));
            if is_same && !is_settled {
                continue;
            }
            old.clear_withheld();
            let range = k as u64 * per_block..(k as u64 + 1) * per_block;
            match stale.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => stale.push(range),
            }
        }
        stale
    }
}

/// Whether a block's file is no longer the one that was read. A file that has gone is for the listing.
fn is_gone(path: &Path) -> bool {
    matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

fn has_changed(block: &Block) -> bool {
    let Some(was) = block.identity() else { return false };
    identity_of(&block.path).is_ok_and(|now| now != was)
}
