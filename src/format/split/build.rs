//! From one directory listing to an open dataset: one metadata file and one or two block headers are
//! read, however long the recording.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::block::{Block, Key};
use super::discover::Listing;
use super::extent::Probe;
use super::identity::identity_of;
use super::indexes::Indexes;
use super::layout::{self, ClaimedGrid, Geometry};
use super::metadata::{self, Claim};
use super::names::{BlockName, Group};
use super::place::Place;
use super::rig;
use super::seen::Seen;
use super::source::{Found, Reference, SplitSource, Suspects};
use super::{describe, extent, far, former};
use crate::format::{FormatError, FormatErrorCode, ReadErrorKind};
use crate::volume::{Grid, MAX_RANK, PieceState, Problem, Shape};

/// Blocks left over from a former recording that are looked at for whether they are overwritten now.
const NUM_LEFT_OVER: usize = 8;

/// What an earlier version of the same recording already knows.
pub(super) struct Previous<'a> {
    /// The earlier version.
    pub source: &'a SplitSource,
    /// Its blocks that are unchanged, by file name.
    pub blocks: HashMap<String, Arc<Block>>,
}

/// Opens what the listing shows.
///
/// # Errors
/// When nothing can be shown: no block that opens.
pub(super) fn build(
    place: &Arc<Place>,
    listing: &Arc<Listing>,
    previous: Option<&Previous<'_>>,
    seen: &Arc<Mutex<Seen>>,
) -> Result<SplitSource, FormatError> {
    let folder = &place.folder;
    let Some(group) = listing.group(&place.prefix).filter(|group| !group.blocks.is_empty()) else {
        return Err(FormatError::beginning(folder, "no block yet: waiting for 0000.h5", "0000.h5"));
    };
    let mut problems = Vec::new();
    let (claim, claim_problems, is_finished) = read_claim(place, listing, group, previous, seen);
    problems.extend(claim_problems.iter().cloned());

    let reuse = |name: &str| previous.and_then(|previous| previous.blocks.get(name)).map(Arc::clone);
    let mut path = folder.join("name");
    let mut fresh = |number: u64, name: &str, is_present: bool| {
        path.set_file_name(name);
        Arc::new(Block::new(&path, number, is_present))
    };
    let mut block_of = |block: &BlockName| reuse(&block.name).unwrap_or_else(|| fresh(block.number, &block.name, true));
    let grid = ClaimedGrid::of(&claim).filter(|grid| grid.count <= group.num_files() * 4 + far::MAX_ABSENT);
    let (sure, doubtful) = far::sort_out(group, grid.as_ref().map(|grid| grid.count));
    let mut blocks: Vec<Arc<Block>> = sure.iter().map(&mut block_of).collect();

    let indexes = previous.map_or_else(Arc::default, |previous| Arc::clone(&previous.source.indexes));
    let rig = match previous {
        Some(previous) if previous.source.is_finished == is_finished => previous.source.rig.clone(),
        _ => rig::look(folder, listing),
    };
    let reference = find_reference(&blocks, previous, &indexes, is_finished, seen)?;
    let header = &reference.header;
    let key = Key::Named(header.name.clone());
    let dims = header.shape.dims().to_vec();
    if dims.contains(&0) {
        return Err(FormatError::new(
            &*blocks[0].path,
            format!("its array {} is empty ({})", header.name, header.shape),
        ));
    }

    let probe = Probe { key: &key, indexes: &indexes, is_finished, seen };
    let mut strays = far::join(&mut blocks, &doubtful, &mut block_of, header, &probe);
    strays.extend(group.left_out.iter().cloned());

    // Numbers to positions.
    let (min, max) = (blocks[0].number, blocks[blocks.len() - 1].number);
    // Positions stay what they are when the first block is deleted.
    let known = previous.and_then(|previous| previous.source.first_number()).filter(|&known| known <= min);
    let first =
        known.unwrap_or_else(|| layout::first_number(min, max, blocks.len(), grid.as_ref().map(|grid| grid.count)));
    let position_of = |block: &Block| usize::try_from(block.number - first).unwrap_or(usize::MAX);
    let ordinal = usize::try_from(reference.number.saturating_sub(first)).unwrap_or(0);
    let is_channel_folder = folder.file_name().is_some_and(|name| name == "green" || name == "red");
    let is_plane_by_plane = rig.writer == Some("brunoise") || rig.time_file.is_some() || is_channel_folder;
    let ends_short = probe.ends_short(&blocks, &dims);
    let told = layout::Reference { dims: &dims, dtype: header.dtype, ordinal, is_plane_by_plane, ends_short };
    let usable = if grid.is_some() { &claim } else { &Claim::default() };
    let (mut layout, mut is_put_aside) = layout::infer(usable, &told);
    is_put_aside |= grid.is_none() && claim.full.is_some() && claim.block.is_some();
    let claimed = grid.filter(|_| !is_put_aside);

    // Which blocks belong to the recording.
    if let Some(shorter) = probe.settle_block_len(&layout, &blocks, &dims, ordinal) {
        // Every block is shorter than the metadata say: the claim is of another recording.
        layout.block[layout.growth] = shorter;
        layout.claimed_len = 0;
        is_put_aside = true;
    }
    let doubt = former::find(&blocks, first, &layout, claimed.as_ref(), header, &probe);
    let is_left_out = doubt.is_some_and(|doubt| doubt.is_certain() || place.leave_out_suspects);
    let doubted: Vec<Arc<Block>> = match doubt {
        Some(doubt) if is_left_out => blocks.split_off(doubt.from),
        Some(doubt) => blocks[doubt.from..].to_vec(),
        None => Vec::new(),
    };
    let left = if is_left_out { &doubted[..] } else { &[] };
    let left_over = left.iter().take(NUM_LEFT_OVER).map(|b| (Arc::clone(&b.path), identity_of(&b.path).ok())).collect();
    let tail = probe.trim_tail(&mut blocks);
    let is_last = |path: &Path| blocks.last().is_some_and(|last| *last.path == *path);
    let is_watched = |path: &Path| is_last(path) || tail.iter().any(|part| *part.block.path == *path);
    seen.lock().tail.retain(|path, _| is_watched(path));
    let Some(last) = blocks.last() else {
        return Err(FormatError::beginning(folder, "no block is complete yet: waiting for the first", "the first"));
    };
    let (span, last_number) = (position_of(last).saturating_add(1), last.number);
    let last_len = probe.growth_len(last, &layout);
    let fixed = layout::fixed_extent(&layout, &claim, &dims);
    let geometry = Geometry::new(&layout, span, last_len, &fixed)
        .ok_or_else(|| FormatError::new(folder, "the recording is larger than this machine can address"))?;

    // One slot for each position.
    let digits = sure.iter().map(|block| block.name.len() - group.prefix.len() - 3).max().unwrap_or(4);
    let mut slots = Vec::with_capacity(geometry.num_blocks());
    let mut present = blocks.into_iter().peekable();
    for position in 0..geometry.num_blocks() {
        let number = first + position as u64;
        slots.push(present.next_if(|block| block.number == number).unwrap_or_else(|| {
            let name = format!("{}{number:0digits$}.h5", group.prefix);
            let known = previous.and_then(|previous| previous.source.blocks.get(position));
            known
                .filter(|block| !block.is_present && block.number == number)
                .map_or_else(|| fresh(number, &name, false), Arc::clone)
        }));
    }

    let parts = parts_of(&reference, &geometry)
        .ok_or_else(|| FormatError::new(&place.folder, "holds blocks without voxels"))?;
    let facts = describe::Facts {
        place,
        claim: &claim,
        rig: &rig,
        header,
        geometry: &geometry,
        num_files: slots.iter().filter(|block| block.is_present).count(),
        is_put_aside,
        is_finished,
    };
    let info = facts.array_info(&mut problems)?;
    let axis = info.axes.get(layout.growth).copied().flatten();
    let placement = extent::Placement { axis, layout: &layout, first };
    let (mut beyond, of_tail) = extent::beyond(&tail, last_number, &placement);
    problems.extend(of_tail);
    problems.extend(doubt.map(|doubt| doubt.problem(&doubted, is_left_out, &placement)));
    beyond.extend(left.iter().map(|block| placement.piece(block.number, PieceState::LeftOut)));
    describe::name_problems(&facts, &strays, &slots, &info, &mut problems);
    let found = previous.map(|previous| kept_problems(previous, &slots)).unwrap_or_default();
    let mut source = SplitSource {
        info: Arc::new(info),
        place: Arc::clone(place),
        parts,
        key,
        channel: place.channel.min(layout.channels - 1),
        geometry,
        blocks: slots,
        indexes,
        problems,
        found: Mutex::new(found),
        is_finished,
        claim,
        claim_problems,
        rig,
        reference,
        beyond,
        suspects: doubt
            .filter(|_| !is_left_out)
            .map(|doubt| Suspects { from: position(&doubted, first), sign: doubt.sign }),
        is_tail_judged: tail.iter().all(|tail| tail.given_up.is_some()),
        tail: tail.iter().map(|tail| Arc::clone(&tail.block.path)).collect(),
        left_over,
        listed: Arc::clone(listing),
        seen: Arc::clone(seen),
        newest_readable: None,
    };
    source.newest_readable = source.find_newest();
    Ok(source)
}

/// Position in the recording of the first of some blocks.
fn position(blocks: &[Arc<Block>], first: u64) -> usize {
    blocks.first().map_or(usize::MAX, |block| usize::try_from(block.number - first).unwrap_or(usize::MAX))
}

/// The claim, what is wrong with it, and whether the recording is finished: the rigs write it last.
fn read_claim(
    place: &Place,
    listing: &Listing,
    group: &Group,
    previous: Option<&Previous<'_>>,
    seen: &Mutex<Seen>,
) -> (Claim, Vec<Problem>, bool) {
    if let Some(name) = listing.metadata(&place.prefix) {
        let path = place.folder.join(name);
        let identity = identity_of(&path).ok();
        let is_same = std::mem::replace(&mut seen.lock().metadata, identity) == identity && identity.is_some();
        if let Some(previous) = previous.filter(|previous| is_same && previous.source.claim.file == path) {
            return (previous.source.claim.clone(), previous.source.claim_problems.clone(), true);
        }
        let (claim, problems) = metadata::read_json(&path);
        return (claim, problems, true);
    }
    seen.lock().metadata = None;
    // The oldest form is looked for once: no rig of today writes it.
    let inside = match (previous, group.blocks.last()) {
        (None, Some(last)) => metadata::read_from_block(&place.folder.join(&last.name)),
        (Some(previous), _) if previous.source.is_finished => {
            let claim = &previous.source.claim;
            previous.blocks.keys().any(|name| claim.file.ends_with(Path::new(name))).then(|| claim.clone())
        }
        _ => None,
    };
    let is_finished = inside.is_some();
    (inside.unwrap_or_default(), Vec::new(), is_finished)
}

/// The first block that opens: its layout stands for all. A block that is not whole serves only when it
/// has no chance to become so.
fn find_reference(
    blocks: &[Arc<Block>],
    previous: Option<&Previous<'_>>,
    indexes: &Indexes,
    is_finished: bool,
    seen: &Mutex<Seen>,
) -> Result<Reference, FormatError> {
    // As long as one block of the recording is what it was, its layout is that of the recording.
    if let Some(previous) = previous.filter(|previous| !previous.blocks.is_empty()) {
        return Ok(previous.source.reference.clone());
    }
    let mut failure = None;
    // The first few, then the last, then a sample of the rest: a folder of a thousand broken files
    // must not take a thousand attempts.
    let n = blocks.len();
    let sample = (0..n.min(8)).chain(n.checked_sub(1)).chain((8..n).step_by((n / 16).max(1)));
    for block in sample.map(|i| &blocks[i]) {
        match block.open(&Key::Any, indexes) {
            Ok(open) => {
                let is_last = block.id() == blocks[n - 1].id();
                if is_last
                    && !is_finished
                    && !open.array.is_whole()
                    && !seen.lock().is_still(&block.path, &open.identity)
                {
                    let text = "the first block is being written";
                    failure.get_or_insert_with(|| FormatError::beginning(&*block.path, text, "the first"));
                    indexes.remove(block.id());
                    continue;
                }
                return Ok(Reference {
                    number: block.number,
                    header: open.array.header().clone(),
                    parts: open.array.parts(),
                });
            }
            Err(error) => {
                // A file of a moment ago is on its way to becoming a block.
                let is_coming = !is_finished
                    && identity_of(&block.path).is_ok_and(|file| !seen.lock().is_still(&block.path, &file));
                let code = match is_coming && error.kind != ReadErrorKind::Unsupported {
                    true => FormatErrorCode::Beginning,
                    false => FormatErrorCode::Unreadable,
                };
                failure.get_or_insert_with(|| FormatError::new(&error.file, &*error.message).with_code(code));
            }
        }
    }
    Err(failure.unwrap_or_else(|| FormatError::new(&*blocks[0].path, "no block opens")))
}

/// The grid of chunks: as the reference block is stored, within the extent of one block.
fn parts_of(reference: &Reference, geometry: &Geometry) -> Option<Grid> {
    let layout = &geometry.layout;
    let (mut block, mut parts) = ([1; MAX_RANK], [1; MAX_RANK]);
    for (axis, &part) in reference.parts.dims().iter().enumerate() {
        block[axis] = (layout.block[axis] + layout.padding[axis]).max(1);
        parts[axis] = if axis == 1 && layout.channels > 1 { 1 } else { part.clamp(1, block[axis]) };
    }
    let rank = reference.parts.rank();
    Grid::new(Shape::new(&block[..rank])?, Shape::new(&parts[..rank])?)
}

/// Problems found by reading that still concern a block of the new version.
fn kept_problems(previous: &Previous<'_>, slots: &[Arc<Block>]) -> Found {
    let found = previous.source.found.lock();
    if found.is_empty() {
        return Found::new();
    }
    let ids: std::collections::HashSet<u64> = slots.iter().map(|block| block.id()).collect();
    found.iter().filter(|((id, _), _)| ids.contains(id)).map(|(key, problem)| (*key, problem.clone())).collect()
}
