//! Virtual datasets over recordings that still run: one mapping that is repeated without end, for files that are
//! numbered as HDF5 counts.

use std::path::Path;

use super::super::hdf5::Mapping;
use super::plan::{Part, Plan};
use crate::volume::Region;

/// The mapping that stands for all blocks, those to come among them, and the axis along which they come; or, in words,
/// why there is none.
pub fn endless(plan: &Plan, mappings: &[Mapping]) -> Result<(Mapping, usize), String> {
    let (Some(first), Some(mapping)) = (plan.parts.first(), mappings.first()) else {
        return Err("there is no block yet".to_owned());
    };
    if let Some(gap) = plan.gaps.first() {
        return Err(format!("{}; it would end there for good", gap.why));
    }
    let axis = axis_of(plan)?;
    let is_whole = |part: &Part| part.held.region == Region::whole(&part.held.shape);
    for part in &plan.parts {
        let name = part.file.display();
        if !is_whole(part) {
            return Err(format!("{name}: holds {} and counts for {} of it", part.held.shape, part.held.region));
        }
        if part.held.shape != first.held.shape || part.held.dataset != first.held.dataset {
            return Err(format!(
                "{name}: its array {} is {}, that of the first block, {}, is {}; blocks must all be alike",
                part.held.dataset, part.held.shape, first.held.dataset, first.held.shape
            ));
        }
    }
    let file = pattern(&plan.parts, &mapping.file)?;
    Ok((Mapping { file, ..mapping.clone() }, axis))
}

/// The only axis along which there are several blocks; time where there is one alone.
fn axis_of(plan: &Plan) -> Result<usize, String> {
    let rank = plan.shape.rank();
    let is_cut = |axis: &usize| {
        let dim = plan.shape.dims()[*axis];
        plan.parts.iter().any(|part| part.region.start()[*axis] != 0 || part.region.stop()[*axis] != dim)
    };
    match (0..rank).filter(is_cut).collect::<Vec<_>>()[..] {
        [axis] => Ok(axis),
        [] => Ok(plan.axes.iter().position(|axis| *axis == Some(crate::volume::Axis::T)).unwrap_or(0)),
        _ => Err("its blocks lie along several axes, and HDF5 counts along one".to_owned()),
    }
}

/// The name of the first file with `%b` in place of its number, if that gives the names of all, in their order.
fn pattern(parts: &[Part], first: &[u8]) -> Result<Vec<u8>, String> {
    let name = |part: &Part| part.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = parts.iter().map(name).collect();
    let folder = |part: &Part| part.file.parent().map(Path::to_owned);
    if parts.iter().any(|part| folder(part) != folder(&parts[0])) {
        return Err("its files lie in several folders".to_owned());
    }
    for at in numbers_in(&names[0]) {
        let (before, after) = (&names[0][..at.start], &names[0][at.end..]);
        let is_counted = |(i, name): (usize, &String)| *name == format!("{before}{i}{after}");
        if &names[0][at.clone()] == "0" && names.iter().enumerate().all(is_counted) {
            // What stands behind the number is the end of the name, with its percent signs doubled.
            let len_after = after.bytes().map(|byte| if byte == b'%' { 2 } else { 1 }).sum::<usize>();
            let end = first.len() - len_after;
            return Ok([&first[..end - 1], b"%b", &first[end..]].concat());
        }
    }
    let shown = names.iter().take(2).cloned().collect::<Vec<_>>().join(", ");
    Err(format!(
        "its files are called {shown}{}; HDF5 counts 0, 1, … 10 without leading zeros and without leaving one out: \
         --follow writes it anew as they come",
        if names.len() > 2 { ", …" } else { "" }
    ))
}

/// Where in a name there are numbers, the last first.
fn numbers_in(name: &str) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, _) in name.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        match found.last_mut() {
            Some(last) if last.end == i => last.end = i + 1,
            _ => found.push(i..i + 1),
        }
    }
    found.reverse();
    found
}
