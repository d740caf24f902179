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
    cut: Option<Cut>,
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
        Ok(Self { run, within: is_within.then_some(run.buffer), left: left.into(), cut: None })
    }

    /// The next buffer; `None` behind the last.
    ///
    /// # Errors
    /// If a piece cannot be begun.
    pub fn next(&mut self) -> Result<Option<Step>> {
        loop {
            if let Some(step) = self.cut.as_mut().and_then(|cut| cut.next(self.run.target)) {
                return Ok(Some(step));
            }
            self.cut = None;
            let Some(&(group, piece)) = self.left.front() else { return Ok(None) };
            if let Some(buffer) = self.within {
                self.left.pop_front();
                self.cut = Some(Cut::new(self.run, piece, &buffer)?);
                continue;
            }
            let num = self.left.iter().take_while(|(other, _)| *other == group).count();
            let pieces: Vec<u64> = self.left.drain(..num).map(|(_, piece)| piece).collect();
            return whole(self.run.target, &pieces).map(Some);
        }
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

/// A piece that is larger than a buffer. Its chunks are listed buffer by buffer: of a large file there are millions.
struct Cut {
    piece: u64,
    region: Region,
    /// What is read at once, of what is left.
    buffers: VecDeque<Region>,
    /// Chunks from here on that a former run has written.
    num_kept: usize,
    /// Until the first buffer.
    writer: Option<Box<dyn PieceWriter>>,
    has_ended: bool,
}

impl Cut {
    /// The buffers of a piece that is begun.
    fn new(run: &Run<'_>, piece: u64, buffer: &Shape) -> Result<Self> {
        let region = region_of(run.target, piece)?;
        let grid = Grid::new(region.shape(), *buffer).context("the plan's buffers are none of its shape")?;
        let writer = run.target.begin(piece, run.is_resumed)?;
        let num_kept = usize::try_from(writer.num_kept())?;
        let mut buffers = VecDeque::new();
        grid.each(&Region::whole(&region.shape()), |cell| buffers.push_back(cell.region.offset_by(region.start())));
        Ok(Self { piece, region, buffers, num_kept, writer: Some(writer), has_ended: false })
    }

    /// The next buffer of which something is to be written; at the end perhaps one of nothing, for all of the piece may
    /// be there already but for its end.
    fn next(&mut self, target: &dyn Target) -> Option<Step> {
        while let Some(region) = self.buffers.pop_front() {
            let mut chunks = target.chunks_of(self.piece, &region);
            let kept = self.num_kept.min(chunks.len());
            self.num_kept -= kept;
            chunks.drain(..kept);
            if !chunks.is_empty() {
                self.has_ended = self.buffers.is_empty();
                return Some(self.step(region, chunks));
            }
        }
        if self.has_ended {
            return None;
        }
        self.has_ended = true;
        let start = self.region.start()[0];
        Some(self.step(self.region.with_axis(0, start, start), Vec::new()))
    }

    fn step(&mut self, region: Region, chunks: Vec<Region>) -> Step {
        let writer = self.writer.take();
        let part = Part { piece: self.piece, chunks, is_first: writer.is_some(), writer, is_last: self.has_ended };
        Step { region, parts: vec![part] }
    }
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
