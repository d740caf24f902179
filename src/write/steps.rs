//! In which order an array is written: buffer by buffer, each with the pieces it holds or the part of a piece it is.

use std::collections::VecDeque;

use anyhow::{Context, Result};

use super::convert::Run;
use super::{PieceWriter, Target};
use crate::volume::{Grid, Region, Shape};

/// A part of a piece that one buffer holds.
pub struct Part {
    /// The piece, by its position.
    pub piece: u64,
    /// The chunks of it that are to be written, in C order.
    pub chunks: Vec<Region>,
    /// What writes it, where it was begun with this part; without one for a first part, it is to be begun.
    pub writer: Option<Box<dyn PieceWriter>>,
    /// Whether the piece begins with this part.
    pub is_first: bool,
    /// Whether the piece ends with this part.
    pub is_last: bool,
}

/// A buffer to be filled, and what is written of it.
pub struct Step {
    /// What is read.
    pub region: Region,
    /// What is written of it, in order.
    pub parts: Vec<Part>,
}

/// The steps of a run, one after the other.
pub struct Steps<'a> {
    run: &'a Run<'a>,
    /// Buffers within pieces, where these are larger.
    within: Option<Shape>,
    /// The wanted pieces that are left, each behind the group it belongs to: those that one buffer holds.
    left: VecDeque<(u64, u64)>,
    /// What is left of the piece that is being cut up.
    cut: VecDeque<Step>,
}

impl<'a> Steps<'a> {
    /// Those of a run.
    ///
    /// # Errors
    /// If its buffers or pieces are none of the array.
    pub fn new(run: &'a Run<'a>) -> Result<Self> {
        let (pieces, shape) = (run.target.pieces(), run.target.chunks().shape());
        let is_within = run.buffer.dims().iter().zip(pieces.cell().dims()).any(|(buffer, piece)| buffer < piece);
        let groups = Grid::new(*shape, if is_within { *pieces.cell() } else { run.buffer });
        let groups = groups.context("the plan's buffers are none of its shape")?;
        let group = |&piece: &u64| -> Result<(u64, u64)> {
            let region = region_of(run.target, piece)?;
            let at = region.start().iter().zip(groups.cell().dims()).map(|(start, cell)| start / cell);
            Ok((groups.position(&at.collect::<Vec<_>>()), piece))
        };
        let mut left = run.pieces.iter().map(group).collect::<Result<Vec<_>>>()?;
        left.sort_unstable();
        left.dedup();
        Ok(Self { run, within: is_within.then_some(run.buffer), left: left.into(), cut: VecDeque::new() })
    }

    /// The next buffer; `None` behind the last.
    ///
    /// # Errors
    /// If a piece cannot be begun.
    pub fn next(&mut self) -> Result<Option<Step>> {
        while self.cut.is_empty() {
            let Some(&(group, piece)) = self.left.front() else { return Ok(None) };
            match self.within {
                Some(buffer) => {
                    self.left.pop_front();
                    self.cut = cut(self.run, piece, &buffer)?;
                }
                None => {
                    let num = self.left.iter().take_while(|(other, _)| *other == group).count();
                    let pieces: Vec<u64> = self.left.drain(..num).map(|(_, piece)| piece).collect();
                    self.cut.push_back(whole(self.run.target, &pieces)?);
                }
            }
        }
        Ok(self.cut.pop_front())
    }
}

/// A buffer of whole pieces.
fn whole(target: &dyn Target, pieces: &[u64]) -> Result<Step> {
    let mut bounds: Option<Region> = None;
    let mut parts = Vec::with_capacity(pieces.len());
    for &piece in pieces {
        let region = region_of(target, piece)?;
        bounds = Some(bounds.map_or(region, |bounds| hull(&bounds, &region)));
        let chunks = target.chunks_of(piece, &region);
        parts.push(Part { piece, chunks, writer: None, is_first: true, is_last: true });
    }
    Ok(Step { region: bounds.context("a buffer of no pieces")?, parts })
}

/// The buffers of one piece, but for what a former run has written of it.
fn cut(run: &Run<'_>, piece: u64, buffer: &Shape) -> Result<VecDeque<Step>> {
    let region = region_of(run.target, piece)?;
    let buffers = Grid::new(region.shape(), *buffer).context("the plan's buffers are none of its shape")?;
    let writer = run.target.begin(piece, run.is_resumed)?;
    let mut num_kept = usize::try_from(writer.num_kept())?;
    let mut steps = VecDeque::new();
    buffers.each(&Region::whole(&region.shape()), |cell| {
        let region = cell.region.offset_by(region.start());
        let mut chunks = run.target.chunks_of(piece, &region);
        let kept = num_kept.min(chunks.len());
        num_kept -= kept;
        chunks.drain(..kept);
        if !chunks.is_empty() {
            let part = Part { piece, chunks, writer: None, is_first: false, is_last: false };
            steps.push_back(Step { region, parts: vec![part] });
        }
    });
    // All of it may be there already but for its end.
    if steps.is_empty() {
        let none = region.with_axis(0, region.start()[0], region.start()[0]);
        let part = Part { piece, chunks: Vec::new(), writer: None, is_first: false, is_last: false };
        steps.push_back(Step { region: none, parts: vec![part] });
    }
    if let Some(part) = steps.front_mut().and_then(|step| step.parts.first_mut()) {
        part.is_first = true;
        part.writer = Some(writer);
    }
    if let Some(part) = steps.back_mut().and_then(|step| step.parts.first_mut()) {
        part.is_last = true;
    }
    Ok(steps)
}

/// The box of a piece; that of an array without voxels is empty.
fn region_of(target: &dyn Target, piece: u64) -> Result<Region> {
    let whole = Region::whole(target.pieces().shape());
    let is_empty = whole.is_empty() && piece == 0;
    let region = if is_empty { Some(whole) } else { target.piece_region(piece) };
    region.with_context(|| format!("there is no piece {piece}"))
}

/// The smallest box that holds two others.
fn hull(a: &Region, b: &Region) -> Region {
    let start: Vec<usize> = a.start().iter().zip(b.start()).map(|(a, b)| *a.min(b)).collect();
    let stop: Vec<usize> = a.stop().iter().zip(b.stop()).map(|(a, b)| *a.max(b)).collect();
    Region::new(&start, &stop).unwrap_or(*a)
}
