//! How far a virtual dataset reaches: along an axis without end that depends on what its sources hold now, and on
//! which of HDF5's two rules is followed.

use std::sync::Arc;

use super::axis_set::AxisSet;
use super::selection::Selection;
use super::slots::{Context, Slot};
use super::table::{Family, Table};
use crate::format::ReadError;
use crate::volume::{MAX_RANK, Shape};

/// Most numbered sources of one mapping.
const MAX_NUMBERED: usize = 1_000_000;

/// Numbers looked at beyond an absent one, to tell of what follows it.
const LOOK_AHEAD: usize = 4;

/// How many are looked for behind a URL at one time.
const AT_ONCE: usize = 32;

/// What was found.
pub(super) struct Extent {
    pub shape: Shape,
    pub numbered: Vec<Vec<Arc<Slot>>>,
    /// What follows an absent number and is not shown, in words.
    pub beyond: Option<String>,
}

/// Looks at the sources along the axis without end; at no others. Blocks.
///
/// # Errors
/// When nothing is there yet, or more than can be.
pub(super) fn of(table: &Table, context: &Context, before: &[Vec<Arc<Slot>>]) -> Result<Extent, String> {
    let mut dims = [0; MAX_RANK];
    let (shape, options) = (table.layout.header.shape, &context.options);
    let rank = shape.rank();
    dims[..rank].copy_from_slice(shape.dims());
    let mut ends: [Option<usize>; MAX_RANK] = [None; MAX_RANK];
    let mut reach = |axis: usize, end: usize| {
        let is_first_missing = options.ends_at_first_missing;
        let further = |known: usize| if is_first_missing { known.min(end) } else { known.max(end) };
        ends[axis] = Some(ends[axis].map_or(end, further));
    };
    for part in &table.parts {
        let (Some(axis), Selection::Product(axes)) = (part.selection.endless_axis(), &part.selection) else { continue };
        let held = part.slot_held(table, context);
        reach(axis, clip(&axes[axis], held, options.ends_at_first_missing));
    }
    let mut numbered = Vec::with_capacity(table.families.len());
    let mut beyond = None;
    for (i, family) in table.families.iter().enumerate() {
        let known = before.get(i).map_or(&[][..], Vec::as_slice);
        let found = find_numbered(family, context, known)?;
        let (num, [block, _]) = (found.slots.len(), family.steps());
        let end = match num.checked_sub(1) {
            None => 0,
            Some(_) if options.ends_at_first_missing => family.start_of(num),
            Some(last) => family.start_of(last).saturating_add(block),
        };
        reach(family.axis, end);
        beyond = beyond.or(found.beyond);
        numbered.push(found.slots);
    }
    for axis in 0..rank {
        if let Some(end) = ends[axis] {
            dims[axis] = end.max(table.least[axis]);
        }
    }
    let found = Shape::new(&dims[..rank]).filter(|shape| shape.num_bytes(crate::volume::DType::F64).is_some());
    let shape = found.filter(|shape| shape.num_voxels().is_some_and(|n| n < isize::MAX as usize / 8));
    let shape = shape.ok_or("claims more voxels than any files hold")?;
    Ok(Extent { shape, numbered, beyond })
}

/// Where a dataset ends whose indices on an axis these are, when so many of them are there.
fn clip(set: &AxisSet, held: usize, with_what_follows: bool) -> usize {
    match held.checked_sub(1) {
        None if with_what_follows => set.first().unwrap_or(0),
        None => 0,
        // Up to the next index that a source would fill.
        Some(_) if with_what_follows => set.at(held),
        Some(last) => set.at(last).saturating_add(1),
    }
}

impl super::table::Part {
    /// How many of the picked indices along the axis without end its source holds.
    pub fn slot_held(&self, table: &Table, context: &Context) -> usize {
        let Some(Selection::Product(axes)) = &self.of_source else { return 0 };
        let Some(axis) = axes.iter().position(AxisSet::is_endless) else { return 0 };
        let Ok(open) = table.slots[self.slot].open(context) else { return 0 };
        open.shape().dims().get(axis).map_or(0, |&dim| axes[axis].count_below(dim))
    }
}

struct Numbered {
    slots: Vec<Arc<Slot>>,
    beyond: Option<String>,
}

/// The sources there are, counted up until one too many is absent. That a file is there is enough, but of the last
/// one: files of one kind hold one kind of array.
fn find_numbered(family: &Family, context: &Context, known: &[Arc<Slot>]) -> Result<Numbered, String> {
    let max_gap = if context.options.ends_at_first_missing { 0 } else { context.options.max_gap };
    let mut slots: Vec<Arc<Slot>> = Vec::new();
    let mut num = 0usize;
    let failed = |error: ReadError| format!("cannot tell how far it reaches: {error}");
    let is_there = |slot: &Arc<Slot>| context.search.find(&slot.file).map(|found| found.is_some()).map_err(failed);
    let has_array = |slot: &Arc<Slot>| Ok::<_, String>(is_there(slot)? && slot.open(context).is_ok());
    while slots.len() <= num.saturating_add(max_gap) {
        if slots.len() >= MAX_NUMBERED {
            return Err(format!("has more than {MAX_NUMBERED} numbered sources"));
        }
        let number = slots.len();
        if context.search.is_far() && number.is_multiple_of(AT_ONCE) {
            let next: Vec<Arc<Slot>> = (number..number + AT_ONCE).map(|number| family.slot(number)).collect();
            context.search.look_for(next.iter().map(|slot| slot.file.as_path()));
        }
        let slot = known.get(number).cloned().unwrap_or_else(|| family.slot(number));
        // Numbers may stand in the names of arrays of one file, which is always there.
        let is_numbered_file = number == 0 || slots.first().is_some_and(|first| first.file != slot.file);
        if if is_numbered_file { is_there(&slot)? } else { has_array(&slot)? } {
            num = number + 1;
        }
        slots.push(slot);
    }
    let mut next = (num..num + LOOK_AHEAD).map(|number| family.slot(number)).skip(1);
    let follows = next.find(|slot| is_there(slot).unwrap_or(false));
    let is_numbered_file = slots.get(1).is_some_and(|second| second.file != slots[0].file);
    slots.truncate(num);
    while let Some(last) = slots.last()
        && !has_array(last)?
    {
        slots.pop();
    }
    let beyond = follows.filter(|_| is_numbered_file && !context.options.ends_at_first_missing).map(|slot| {
        let absent = family.slot(num);
        format!(
            "it ends before {}, which is not there, though {} is: --vds-gap N shows what follows up to N absent ones",
            absent.file.display(),
            slot.file.display()
        )
    });
    Ok(Numbered { slots, beyond })
}
