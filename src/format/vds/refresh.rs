//! Looking again at the sources of a virtual dataset: which have grown, appeared or changed, and which chunks that
//! makes stale. The sources are asked themselves, never HDF5's view of them, which does not see them grow.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::array::VirtualArray;
use super::selection::Selection;
use super::slots::Slot;
use super::source::{Seen, VirtualSource, newest, piece_len};
use super::table::Part;
use crate::format::hdf5::{Stamp, VirtualLayout};
use crate::format::{FormatError, Growing, Growth, Refresh, io_error};

/// Sources along axes with an end that are asked at each look.
const NUM_SAMPLED: usize = 64;

/// Where the asking goes on at the next look, of any recording: which ones come first does not matter.
static CURSOR: AtomicUsize = AtomicUsize::new(0);

impl Growing for VirtualSource {
    fn growth(&self) -> Growth {
        let is_endless = self.array.table.growth_axis().is_some();
        let len = self.info.shape.dims()[self.axis];
        let written = self.seen.iter().map(|seen| seen.held - seen.written.min(seen.held)).max().unwrap_or(0);
        let time = self.info.axes.iter().position(|axis| *axis == Some(crate::volume::Axis::T));
        let newest_readable = match time {
            Some(time) if time == self.axis && is_endless => len.checked_sub(1 + written.min(len)),
            Some(time) => self.info.shape.dims()[time].checked_sub(1),
            None => None,
        };
        Growth {
            axis: self.axis,
            piece_len: piece_len(&self.array, self.axis),
            is_finished: self.is_finished,
            newest_readable,
            writing: None,
        }
    }

    fn refresh(&self, hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        let (array, table) = (&self.array, &self.array.table);
        let metadata = match std::fs::metadata(&array.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = "the virtual dataset's file has gone: deleted, renamed, or its disk taken away";
                return Ok(Refresh::Gone(text.into()));
            }
            Err(error) => return Err(io_error(&array.path, &error)),
        };
        // Its own file may hold sources, and grow with them.
        if Stamp::of(&metadata) != table.layout.stamp {
            let layout = VirtualLayout::read(&array.path, &table.layout.header.name);
            let is_same = |layout: &VirtualLayout| {
                layout.digest() == table.digest && layout.header.dtype == table.layout.header.dtype
            };
            match layout {
                Ok(Some(layout)) if is_same(&layout) => {}
                Ok(Some(layout)) => return self.opened_anew(layout).map(|new| Refresh::Replaced(Arc::new(new))),
                Ok(None) => return Ok(Refresh::Gone("the array is no virtual dataset any more".into())),
                Err(error) => return Err(error),
            }
        }
        let mut changed = self.changed(hints);
        let moved = self.reopened();
        let now =
            VirtualArray::at(Arc::clone(&array.path), Arc::clone(table), Arc::clone(&array.context), &array.numbered)
                .map_err(|message| FormatError::new(&array.path, message))?;
        let is_shorter = now.shape.dims().iter().zip(array.shape.dims()).any(|(now, was)| now < was);
        if is_shorter {
            return VirtualSource::new(now, &self.options, None).map(|new| Refresh::Replaced(Arc::new(new)));
        }
        let new = VirtualSource::new(now, &self.options, Some(self))?;
        changed.extend(self.grown(&new, &moved));
        let len = self.info.shape.dims()[self.axis];
        let new_len = new.info.shape.dims()[self.axis];
        if new_len > len {
            // The last chunk may be a longer one now.
            changed.push([len.saturating_sub(1), new_len]);
        }
        let stale = joined(changed.iter().map(|range| self.cuts.numbers(&new.info.shape, *range)).collect());
        if stale.is_empty() && new.info == self.info && new.is_finished == self.is_finished && new.seen == self.seen {
            return Ok(Refresh::Unchanged);
        }
        Ok(Refresh::Changed { source: Arc::new(new), stale })
    }

    fn folder(&self) -> Option<PathBuf> {
        self.array.path.parent().map(PathBuf::from)
    }

    /// Where it grows, a piece is what comes at once: the last one is as new as the newest source.
    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>> {
        let table = &self.array.table;
        if table.growth_axis().is_some() {
            let last = self.info.num_blocks.saturating_sub(1);
            return pieces.map(|piece| if piece == last { newest(&self.array) } else { None }).collect();
        }
        let slot = |piece: usize| table.parts.get(piece).map(|part| &table.slots[part.slot]);
        pieces.map(|piece| slot(piece)?.modified(&self.array.context)).collect()
    }
}

impl VirtualSource {
    fn opened_anew(&self, layout: VirtualLayout) -> Result<Self, FormatError> {
        let array = VirtualArray::open(&self.array.path, layout, &self.options.virtual_datasets, &[])?;
        Self::new(array, &self.options, None)
    }

    /// Ranges along the axis whose sources are no longer what they were, of those asked this time.
    fn changed(&self, hints: &[PathBuf]) -> Vec<[usize; 2]> {
        let context = &self.array.context;
        let slots: Vec<&Arc<Slot>> = self.array.slots().collect();
        let start = CURSOR.fetch_add(NUM_SAMPLED, Ordering::Relaxed);
        let round = (0..NUM_SAMPLED.min(slots.len())).map(|i| start.wrapping_add(i) % slots.len());
        let is_hinted = |slot: &Slot| hints.iter().any(|hint| hint.file_name() == slot.file.file_name());
        let hinted = (0..slots.len()).filter(|&i| !hints.is_empty() && is_hinted(slots[i]));
        let mut asked: Vec<usize> = round.chain(hinted).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut changed = Vec::new();
        for slot in asked.into_iter().map(|i| slots[i]).filter(|slot| slot.is_seen() && !self.is_endless(slot)) {
            let has_changed = match slot.open(context) {
                // Here again, or whole by now.
                Err(error) => {
                    slot.stamp_now(context).is_some() && {
                        slot.forget();
                        slot.open(context).err().as_ref() != Some(&error)
                    }
                }
                Ok(open) => open.stamp != slot.stamp_now(context),
            };
            if has_changed {
                slot.forget();
                changed.extend(self.ranges_of(slot));
            }
        }
        changed
    }

    fn is_endless(&self, slot: &Arc<Slot>) -> bool {
        let table = &self.array.table;
        table
            .parts
            .iter()
            .any(|part| part.selection.endless_axis().is_some() && Arc::ptr_eq(&table.slots[part.slot], slot))
    }

    /// Opens the sources along the axis without end again that are not what they were. Whether each was.
    fn reopened(&self) -> Vec<bool> {
        let (table, context) = (&self.array.table, &self.array.context);
        let reopen = |part: &Part| {
            let slot = &table.slots[part.slot];
            let was = slot.open(context).ok().and_then(|open| open.stamp);
            let has_changed = was.is_none() || was != slot.stamp_now(context);
            if has_changed {
                slot.forget();
            }
            has_changed
        };
        table.parts.iter().filter(|part| part.selection.endless_axis().is_some()).map(reopen).collect()
    }

    /// Ranges along the axis that hold more now, or other voxels.
    fn grown(&self, new: &Self, moved: &[bool]) -> Vec<[usize; 2]> {
        let parts = self.array.table.parts.iter().filter(|part| part.selection.endless_axis().is_some());
        let mut ranges = Vec::new();
        for (((part, moved), was), now) in parts.zip(moved).zip(&self.seen).zip(&new.seen) {
            let (Selection::Product(axes), Some(axis)) = (&part.selection, part.selection.endless_axis()) else {
                continue;
            };
            if !moved || was == now {
                continue;
            }
            let is_other = |was: &Seen, now: &Seen| {
                now.held < was.held || was.stamp.map(|stamp| stamp.identity) != now.stamp.map(|stamp| stamp.identity)
            };
            // What was written last may have been written in part.
            let first = if is_other(was, now) { 0 } else { was.written.min(was.held).saturating_sub(1) };
            if let Some(last) = now.held.checked_sub(1) {
                ranges.push([axes[axis].at(first.min(last)), axes[axis].at(last).saturating_add(1)]);
            }
        }
        ranges
    }

    /// What the mappings of a source cover of the axis.
    fn ranges_of(&self, slot: &Arc<Slot>) -> Vec<[usize; 2]> {
        let (table, axis) = (&self.array.table, self.axis);
        let parts = table.parts.iter().filter(|part| Arc::ptr_eq(&table.slots[part.slot], slot));
        let mut ranges: Vec<[usize; 2]> =
            parts.map(|part| [part.bounds.start()[axis], part.bounds.stop()[axis]]).collect();
        for (family, slots) in table.families.iter().zip(&self.array.numbered) {
            if let Some(number) = slots.iter().position(|other| Arc::ptr_eq(other, slot)) {
                let start = family.start_of(number);
                let whole = [0, self.info.shape.dims()[axis]];
                ranges.push(if family.axis == axis { [start, start + family.steps()[0]] } else { whole });
            }
        }
        ranges
    }
}

/// As few ranges as possible.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
