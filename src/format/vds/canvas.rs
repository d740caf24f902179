//! What has been read of a region so far: where several mappings meet, which of its voxels are measured, which are
//! missing and why, and which belong to nobody.

use super::far::Way;
use super::pairing::boxes_of;
use super::read::MAX_BOXES;
use super::selection::Selection;
use super::table::Touch;
use crate::format::{Filled, ReadError};
use crate::volume::{DType, MAX_RANK, Region};

/// A region being read, and its bytes.
pub(super) struct Canvas<'b> {
    pub region: Region,
    pub dtype: DType,
    pub buffer: &'b mut [u8],
    /// How its sources are read.
    pub way: &'b Way<'b>,
    missing: Vec<(Region, ReadError)>,
    cover: Cover,
    is_fill_defined: bool,
}

enum Cover {
    /// Each mapping has a box of its own; what none has is left.
    Boxes(Vec<Region>),
    /// For each voxel: of nobody, measured, or missing for a reason.
    Voxels { states: Vec<u8>, reasons: Vec<ReadError> },
}

const NOBODYS: u8 = 0;
const MEASURED: u8 = 1;
const FIRST_REASON: u8 = 2;

/// Mappings whose boxes are compared with one another; where more meet, every voxel is looked at.
const MAX_COMPARED: usize = 64;

impl<'b> Canvas<'b> {
    /// Nothing of a region, which these mappings touch. Filled with the fill value where they leave something out.
    pub fn new(
        region: &Region,
        dtype: DType,
        fill: Option<&[u8]>,
        touches: &[Touch<'_>],
        buffer: &'b mut [u8],
        way: &'b Way<'b>,
    ) -> Self {
        let cover = match own_boxes(region, touches) {
            Some(boxes) => Cover::Boxes(left_of(region, &boxes)),
            None => {
                let num_voxels = region.shape().num_voxels().unwrap_or(0);
                Cover::Voxels { states: vec![NOBODYS; num_voxels], reasons: Vec::new() }
            }
        };
        if !matches!(&cover, Cover::Boxes(left) if left.is_empty()) {
            match fill {
                Some(value) if value.len() == dtype.num_bytes() => {
                    buffer.chunks_exact_mut(value.len()).for_each(|voxel| voxel.copy_from_slice(value));
                }
                _ => buffer.fill(0),
            }
        }
        Self { region: *region, dtype, buffer, way, missing: Vec::new(), cover, is_fill_defined: fill.is_some() }
    }

    /// The boxes that a selection has in the region.
    pub fn picked(&self, selection: &Selection) -> Vec<Region> {
        picked(selection, &self.region)
    }

    /// Takes in that a mapping has been drawn, but for what is missing of it.
    pub fn close(&mut self, selection: &Selection, missing: Vec<(Region, ReadError)>) {
        let region = self.region;
        match &mut self.cover {
            Cover::Boxes(_) => {
                let item = self.dtype.num_bytes();
                for (part, _) in &missing {
                    paint(&region, part, item, self.buffer, |bytes| bytes.fill(0));
                }
                self.missing.extend(missing);
            }
            Cover::Voxels { states, reasons } => {
                let mut set = |part: &Region, state: u8| {
                    each_run(selection, part, &mut |run| paint(&region, run, 1, states, |voxels| voxels.fill(state)));
                };
                set(&region, MEASURED);
                for (part, error) in missing {
                    let known = reasons.iter().position(|known| *known == error);
                    let reason = known.unwrap_or_else(|| {
                        reasons.push(error);
                        reasons.len() - 1
                    });
                    // Where there are so many, the last one speaks for all.
                    let reason = u8::try_from(reason).unwrap_or(u8::MAX).min(u8::MAX - FIRST_REASON);
                    set(&part, FIRST_REASON + reason);
                }
            }
        }
    }

    /// What was read. `unmapped` is why voxels of nobody have no value.
    pub fn finish(mut self, unmapped: impl FnOnce() -> ReadError) -> Result<Filled, ReadError> {
        let item = self.dtype.num_bytes();
        let mut missing = std::mem::take(&mut self.missing);
        match std::mem::replace(&mut self.cover, Cover::Boxes(Vec::new())) {
            Cover::Boxes(left) if self.is_fill_defined => drop(left),
            Cover::Boxes(left) if left.is_empty() => {}
            Cover::Boxes(left) => {
                let reason = unmapped();
                missing.extend(left.into_iter().map(|part| (part, reason.clone())));
            }
            Cover::Voxels { states, reasons } => {
                let unmapped = if self.is_fill_defined { None } else { Some(unmapped()) };
                for (part, state) in same_boxes(&self.region, &states) {
                    let reason = match state {
                        MEASURED => continue,
                        NOBODYS => unmapped.clone(),
                        state => reasons.get(usize::from(state - FIRST_REASON)).cloned(),
                    };
                    if let Some(reason) = reason {
                        paint(&self.region, &part, item, self.buffer, |bytes| bytes.fill(0));
                        missing.push((part, reason));
                    }
                }
            }
        }
        let Some((_, error)) = missing.first() else { return Ok(Filled::All) };
        let error = error.clone();
        let parts: Vec<Region> = missing.into_iter().map(|(part, _)| part).collect();
        let num = |part: &Region| part.shape().num_voxels().unwrap_or(usize::MAX);
        let num_missing = parts.iter().map(num).fold(0, usize::saturating_add);
        let is_nothing = num_missing >= num(&self.region) && left_of(&self.region, &parts).is_empty();
        if is_nothing { Err(error) } else { Ok(Filled::Except(parts, error)) }
    }
}

/// The box that each mapping has in the region, where each has one and they have nothing in common.
fn own_boxes(region: &Region, touches: &[Touch<'_>]) -> Option<Vec<Region>> {
    if touches.len() > MAX_COMPARED {
        return None;
    }
    let mut boxes: Vec<Region> = Vec::with_capacity(touches.len());
    for touch in touches {
        let Selection::Product(axes) = &*touch.selection else { return None };
        let (mut from, mut to) = ([0; MAX_RANK], [0; MAX_RANK]);
        for (axis, set) in axes.iter().enumerate() {
            from[axis] = set.count_below(region.start()[axis]);
            to[axis] = set.count_below(region.stop()[axis]);
            if from[axis] < to[axis] && !set.is_run(from[axis], to[axis]) {
                return None;
            }
        }
        if (0..axes.len()).all(|axis| from[axis] < to[axis]) {
            let own = boxes_of(axes, &from[..axes.len()], &to[..axes.len()], 1).pop()?;
            if boxes.iter().any(|other| other.intersect(&own).is_some()) {
                return None;
            }
            boxes.push(own);
        }
    }
    Some(boxes)
}

/// What a selection has in a region, as boxes; the smallest box that holds it where they are too many.
fn picked(selection: &Selection, region: &Region) -> Vec<Region> {
    if let Selection::Product(axes) = selection {
        let positions = |index: &[usize]| -> Vec<usize> {
            axes.iter().zip(index).map(|(set, &index)| set.count_below(index)).collect()
        };
        let (from, to) = (positions(region.start()), positions(region.stop()));
        if from.iter().zip(&to).any(|(from, to)| from >= to) {
            return Vec::new();
        }
        return boxes_of(axes, &from, &to, MAX_BOXES);
    }
    let mut runs: Vec<Region> = Vec::new();
    each_run(selection, region, &mut |run| {
        if runs.len() <= MAX_BOXES {
            runs.push(*run);
        }
    });
    if runs.len() > MAX_BOXES {
        selection.bounds().and_then(|all| all.intersect(region)).into_iter().collect()
    } else {
        runs
    }
}

/// Visits what a selection has in a region, row by row.
fn each_run(selection: &Selection, region: &Region, visit: &mut dyn FnMut(&Region)) {
    let Some(inside) = selection.bounds().and_then(|bounds| bounds.intersect(region)) else { return };
    let Some(last) = inside.rank().checked_sub(1) else { return };
    let first = inside.start()[last];
    for row in inside.with_axis(last, first, first + 1).indices() {
        selection.runs_in_row(&row[..=last], inside.stop()[last], &mut |start, len| {
            let (mut from, mut to) = (row, row);
            to[..last].iter_mut().for_each(|stop| *stop += 1);
            (from[last], to[last]) = (start, start + len);
            if let Some(run) = Region::new(&from[..=last], &to[..=last]) {
                visit(&run);
            }
        });
    }
}

/// Changes the bytes of a part in the bytes of a region, `item` for each voxel.
fn paint(region: &Region, part: &Region, item: usize, bytes: &mut [u8], mut change: impl FnMut(&mut [u8])) {
    let runs = crate::volume::runs(part, region, region, item);
    let len = runs.num_bytes;
    for [at, _] in runs {
        change(&mut bytes[at..at + len]);
    }
}

/// What is left of a region without these boxes.
fn left_of(region: &Region, boxes: &[Region]) -> Vec<Region> {
    let mut left = vec![*region];
    for taken in boxes {
        let mut next = Vec::with_capacity(left.len());
        for whole in left {
            let Some(common) = whole.intersect(taken) else {
                next.push(whole);
                continue;
            };
            let mut rest = whole;
            for axis in 0..whole.rank() {
                let (start, stop) = (rest.start()[axis], rest.stop()[axis]);
                let (from, to) = (common.start()[axis], common.stop()[axis]);
                next.extend([rest.with_axis(axis, start, from), rest.with_axis(axis, to, stop)]);
                rest = rest.with_axis(axis, from, to);
            }
        }
        next.retain(|part| !part.is_empty());
        left = next;
    }
    left
}

/// The boxes of equal voxels: rows that are alike are joined along the axis before the last.
fn same_boxes(region: &Region, states: &[u8]) -> Vec<(Region, u8)> {
    let Some(last) = region.rank().checked_sub(1) else { return Vec::new() };
    let len = region.stop()[last] - region.start()[last];
    let mut done: Vec<(Region, u8)> = Vec::new();
    // Those that end at the row before.
    let mut open: Vec<(Region, u8)> = Vec::new();
    let rows = region.with_axis(last, region.start()[last], region.start()[last] + 1);
    for (row, states) in rows.indices().zip(states.chunks_exact(len.max(1))) {
        let mut now: Vec<(Region, u8)> = Vec::new();
        let mut start = 0;
        for run in states.chunk_by(|a, b| a == b) {
            let (mut from, mut to) = (row, row);
            to[..last].iter_mut().for_each(|stop| *stop += 1);
            from[last] = region.start()[last] + start;
            to[last] = from[last] + run.len();
            start += run.len();
            let Some(mut part) = Region::new(&from[..=last], &to[..=last]) else { continue };
            if let Some(before) = last.checked_sub(1) {
                let follows = |(other, state): &(Region, u8)| {
                    *state == run[0]
                        && other.stop()[before] == part.start()[before]
                        && other.with_axis(before, part.start()[before], part.stop()[before]) == part
                };
                if let Some(i) = open.iter().position(follows) {
                    let (other, _) = open.swap_remove(i);
                    part = other.with_axis(before, other.start()[before], part.stop()[before]);
                }
            }
            now.push((part, run[0]));
        }
        done.append(&mut open);
        open = now;
    }
    done.append(&mut open);
    done
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn boxes_of_equal_voxels_are_all_voxels(states in prop::collection::vec(0u8..3, 24)) {
            let region = Region::new(&[1, 2, 0], &[3, 5, 4]).unwrap();
            let boxes = same_boxes(&region, &states);
            for (index, state) in region.indices().zip(&states) {
                let holders: Vec<u8> =
                    boxes.iter().filter(|(part, _)| part.contains(&index[..3])).map(|(_, state)| *state).collect();
                assert_eq!(holders, [*state]);
            }
        }

        #[test]
        fn what_is_left_is_in_no_box(boxes in prop::collection::vec((0usize..5, 0usize..5, 1usize..4, 1usize..4), 0..4)) {
            let region = Region::new(&[0, 0], &[6, 6]).unwrap();
            let boxes: Vec<Region> = boxes.iter().map(|(y, x, h, w)| Region::new(&[*y, *x], &[y + h, x + w]).unwrap()).collect();
            let left = left_of(&region, &boxes);
            for index in region.indices() {
                let is_taken = boxes.iter().any(|taken| taken.contains(&index[..2]));
                let holders = left.iter().filter(|part| part.contains(&index[..2])).count();
                assert_eq!(holders, usize::from(!is_taken));
            }
        }
    }
}
