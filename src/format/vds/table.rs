//! The mappings of a virtual dataset, in a form in which those that touch a region are found without going through
//! all of them.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use super::axis_set::AxisSet;
use super::names::Pattern;
use super::selection::Selection;
use super::slots::Slot;
use crate::format::hdf5::{Mapping, Picked, VirtualLayout};
use crate::volume::{MAX_RANK, Region};

/// A virtual dataset as its file has it; the same for every state of one that grows.
pub(super) struct Table {
    /// Without its mappings, which are what follows.
    pub layout: VirtualLayout,
    /// Tells them from those of another dataset.
    pub digest: u64,
    /// Mappings to one source each, those that begin first along `main` in front.
    pub parts: Vec<Part>,
    /// For each part, where the furthest of it and of those before it ends along `main`.
    furthest: Vec<usize>,
    /// The axis along which most of them begin in different places.
    pub main: usize,
    /// Mappings to numbered sources.
    pub families: Vec<Family>,
    /// The sources of the parts.
    pub slots: Vec<Arc<Slot>>,
    /// The least extent along each axis, by the mappings that have an end.
    pub least: [usize; MAX_RANK],
}

/// A mapping to one source.
pub(super) struct Part {
    /// Its place among the mappings.
    pub order: usize,
    pub selection: Selection,
    pub bounds: Region,
    /// `None`: all of the source.
    pub of_source: Option<Selection>,
    /// Which of the sources.
    pub slot: usize,
}

/// A mapping to sources that are numbered from 0, one behind the other along an axis without end.
pub(super) struct Family {
    pub order: usize,
    /// What the first source stands for; each further one lies `stride` behind the one before.
    first: Vec<AxisSet>,
    pub axis: usize,
    start: usize,
    stride: usize,
    block: usize,
    pub of_source: Option<Selection>,
    file: Pattern,
    dataset: Pattern,
}

/// One mapping that touches a region.
pub(super) struct Touch<'a> {
    pub order: usize,
    pub selection: std::borrow::Cow<'a, Selection>,
    pub of_source: Option<&'a Selection>,
    pub slot: &'a Arc<Slot>,
}

impl Table {
    /// # Errors
    /// When a mapping makes no sense: which one, and why.
    pub fn new(mut layout: VirtualLayout) -> Result<Self, String> {
        let digest = layout.digest();
        let mappings = std::mem::take(&mut layout.mappings);
        let mut table = Self {
            parts: Vec::with_capacity(mappings.len()),
            furthest: Vec::new(),
            main: 0,
            families: Vec::new(),
            slots: Vec::new(),
            least: [0; MAX_RANK],
            layout,
            digest,
        };
        let mut known = HashMap::new();
        for (order, mapping) in mappings.into_iter().enumerate() {
            table.add(order, &mapping, &mut known).map_err(|message| format!("its mapping {order} {message}"))?;
        }
        table.sort();
        Ok(table)
    }

    fn add(
        &mut self,
        order: usize,
        mapping: &Mapping,
        known: &mut HashMap<(PathBuf, String), usize>,
    ) -> Result<(), String> {
        let Mapping { part, of_source, file, dataset } = mapping;
        let shape = self.layout.header.shape;
        let Some(selection) = Selection::of(part, Some(&shape))? else { return Ok(()) };
        let of_source = Selection::of(of_source, None)?;
        let (file, dataset) = (PathName::parse(file)?, Pattern::parse(dataset)?);
        let is_numbered = file.is_numbered() || dataset.is_numbered();
        if let Selection::Product(axes) = &selection {
            for (least, set) in self.least.iter_mut().zip(axes).filter(|(_, set)| !set.is_endless()) {
                *least = (*least).max(set.end().min(usize::MAX - 1));
            }
        }
        match (selection.endless_axis(), of_source.as_ref().and_then(Selection::endless_axis)) {
            (Some(axis), None) if is_numbered => {
                let (Picked::Blocks { start, stride, block, .. }, PathName::Text(file)) = (part, file) else {
                    return Err("has numbered sources and no blocks for them".into());
                };
                let number = |all: &[u64]| usize::try_from(all[axis]).map_err(|_| "lies beyond any array");
                let (start, stride, block) = (number(start)?, number(stride)?, number(block)?);
                let Selection::Product(mut first) = selection else { return Ok(()) };
                first[axis] = AxisSet::run(start, block);
                self.families.push(Family { order, first, axis, start, stride, block, of_source, file, dataset });
                return Ok(());
            }
            (None, None) if !is_numbered => {}
            (Some(_), Some(_)) if !is_numbered => {}
            _ => return Err("has an end on one side only".into()),
        }
        // Of nothing there is nothing to show.
        let Some(bounds) = selection.bounds() else { return Ok(()) };
        let name = (file.name(0), dataset.name(0));
        let slot = *known.entry(name).or_insert_with_key(|(file, dataset)| {
            self.slots.push(Slot::new(file.clone(), dataset.clone()));
            self.slots.len() - 1
        });
        self.parts.push(Part { order, selection, bounds, of_source, slot });
        Ok(())
    }

    fn sort(&mut self) {
        let rank = self.layout.header.shape.rank();
        let num_starts = |axis: &usize| {
            let starts: BTreeSet<usize> = self.parts.iter().map(|part| part.bounds.start()[*axis]).collect();
            (starts.len(), std::cmp::Reverse(*axis))
        };
        let endless = self.growth_axis();
        self.main = endless.or_else(|| (0..rank).max_by_key(num_starts)).unwrap_or(0);
        let main = self.main;
        self.parts.sort_by_key(|part| (part.bounds.start()[main], part.order));
        let mut furthest = 0;
        self.furthest.extend(self.parts.iter().map(|part| {
            furthest = furthest.max(part.bounds.stop()[main]);
            furthest
        }));
    }

    /// The axis without end.
    pub fn growth_axis(&self) -> Option<usize> {
        let of_parts = self.parts.iter().find_map(|part| part.selection.endless_axis());
        of_parts.or_else(|| self.families.first().map(|family| family.axis))
    }

    /// The mappings that may touch a region, in their order. `numbered` are the sources of each family.
    pub fn touching<'a>(&'a self, region: &Region, numbered: &'a [Vec<Arc<Slot>>]) -> Vec<Touch<'a>> {
        let mut found: Vec<Touch<'a>> = Vec::new();
        let (from, to) = (region.start()[self.main], region.stop()[self.main]);
        let end = self.parts.partition_point(|part| part.bounds.start()[self.main] < to);
        for (i, part) in self.parts[..end].iter().enumerate().rev() {
            if self.furthest[i] <= from {
                break;
            }
            if part.bounds.intersect(region).is_some() {
                found.push(Touch {
                    order: part.order,
                    selection: std::borrow::Cow::Borrowed(&part.selection),
                    of_source: part.of_source.as_ref(),
                    slot: &self.slots[part.slot],
                });
            }
        }
        for (family, slots) in self.families.iter().zip(numbered) {
            for number in family.numbers(region.start()[family.axis], region.stop()[family.axis], slots.len()) {
                found.push(Touch {
                    order: family.order,
                    selection: std::borrow::Cow::Owned(family.selection(number)),
                    of_source: family.of_source.as_ref(),
                    slot: &slots[number],
                });
            }
        }
        found.sort_by_key(|touch| touch.order);
        found
    }

    /// Memory taken.
    pub fn num_bytes(&self) -> usize {
        self.parts.len() * (size_of::<Part>() + 8 * size_of::<AxisSet>()) + self.slots.len() * size_of::<Slot>()
    }
}

impl Family {
    /// The blocks that touch a range of the axis, of the first `num`.
    fn numbers(&self, from: usize, to: usize, num: usize) -> std::ops::Range<usize> {
        let stride = self.stride.max(1);
        let before = |index: usize| index.saturating_sub(self.start).div_ceil(stride);
        // The first whose end lies behind `from`.
        let first = before(from.saturating_sub(self.block.saturating_sub(1)));
        first.min(num)..before(to).min(num).max(first.min(num))
    }

    /// What a source stands for.
    pub fn selection(&self, number: usize) -> Selection {
        let mut axes = self.first.clone();
        axes[self.axis] = AxisSet::run(self.start_of(number), self.block);
        Selection::Product(axes)
    }

    /// Where a block begins on the axis.
    pub fn start_of(&self, number: usize) -> usize {
        self.start.saturating_add(number.saturating_mul(self.stride))
    }

    /// Length of a block, and from one to the next.
    pub fn steps(&self) -> [usize; 2] {
        [self.block, self.stride]
    }

    /// One of the sources.
    pub fn slot(&self, number: usize) -> Arc<Slot> {
        Slot::new(self.file.name(number).into(), self.dataset.name(number))
    }
}

/// The name of a file, which need not be Unicode where it has no number.
enum PathName {
    Text(Pattern),
    Raw(PathBuf),
}

impl PathName {
    fn parse(path: &std::path::Path) -> Result<Self, String> {
        match path.to_str() {
            Some(text) => Pattern::parse(text).map(Self::Text),
            None => Ok(Self::Raw(path.to_owned())),
        }
    }

    fn is_numbered(&self) -> bool {
        matches!(self, Self::Text(pattern) if pattern.is_numbered())
    }

    fn name(&self, number: usize) -> PathBuf {
        match self {
            Self::Text(pattern) => pattern.name(number).into(),
            Self::Raw(path) => path.clone(),
        }
    }
}
