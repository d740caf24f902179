//! The source that selects, transposes and computes voxel by voxel, all in one pass over a chunk.

use std::ops::Range;
use std::sync::Arc;

use super::cells::{Cells, edges_of};
use super::joint::{self, laid_as_input, of_inputs};
use super::kept::Kept;
use super::lane::Lane;
use super::program::Program;
use super::view::{Along, View};
use crate::format::{Chunk, Composite, Filled, Given, Input, Need, ReadError, ReadErrorKind, Source};
use crate::volume::{ArrayInfo, Axis, DType, Piece, Region, Shape};

/// A chain of steps that each make a voxel of one voxel of each input. Built step by step, then [`Chain::source`].
pub(super) struct Chain {
    pub inputs: Vec<Input>,
    views: Vec<View>,
    pub program: Program,
    /// What is known of the result so far; its shape is that of the chain.
    pub info: ArrayInfo,
    /// Whether inputs are costly, so that reading keeps some of what it read of them.
    pub is_kept: bool,
}

impl Chain {
    /// The source as it is.
    pub fn new(input: Input) -> Self {
        let info = ArrayInfo::clone(input.source.info());
        let view = View::identity(info.shape.rank());
        Self { program: Program::new(info.dtype), views: vec![view], inputs: vec![input], info, is_kept: false }
    }

    /// Adds an input that is laid under the result by `view`, and returns its number.
    pub fn lane(&mut self, input: Input, view: View) -> usize {
        self.inputs.push(input);
        self.views.push(view);
        self.views.len() - 1
    }

    /// Changes how all of them are laid.
    pub fn lay(&mut self, change: impl Fn(&mut View)) {
        self.views.iter_mut().for_each(change);
    }

    /// Whether nothing is done.
    pub fn is_bare(&self) -> bool {
        let input = self.inputs[0].source.info();
        self.program.is_empty() && self.views[0].is_identity(input.shape.dims(), self.info.shape.dims())
    }

    /// The source that it makes, and the input under whose name its chunks are kept where it is one; `num_voxels` of
    /// a shape that cannot be addressed is an error.
    pub fn source(mut self) -> Arc<dyn Source> {
        let first = Arc::clone(self.inputs[0].source.info());
        let is_described_alike = {
            let now = &self.info;
            (&now.facts, &now.axes, &now.voxel_size) == (&first.facts, &first.axes, &first.voxel_size)
        };
        if self.is_bare() && is_described_alike {
            return Arc::clone(&self.inputs[0].source);
        }
        self.info.dtype = self.program.dtype();
        Arc::new(Mapped::new(self))
    }
}

/// How the result is cut into chunks.
enum Layout {
    /// As the first input is.
    AsInput,
    Cells(Cells),
}

/// See the head of the file.
struct Mapped {
    info: Arc<ArrayInfo>,
    inputs: Vec<Input>,
    lanes: Vec<Lane>,
    items: Vec<usize>,
    program: Program,
    layout: Layout,
    kept: Option<Kept>,
}

impl Mapped {
    fn new(chain: Chain) -> Self {
        let Chain { inputs, views, program, mut info, is_kept } = chain;
        let lane = |(number, view): (usize, View)| Lane::new(number, &*inputs[number].source, view);
        let lanes: Vec<Lane> = views.into_iter().enumerate().map(lane).collect();
        let first = &inputs[0].source;
        let shape = info.shape;
        let cells = || {
            let edges: Vec<Vec<usize>> = (0..first.info().shape.rank()).map(|axis| edges_of(&**first, axis)).collect();
            let slowest = lanes[0].view.along.iter().find_map(|along| match along {
                Along::Dim { dim, .. } => Some(*dim),
                Along::Fixed(_) => None,
            });
            Cells::new(lanes[0].view.edges(&edges, shape.dims()), slowest.unwrap_or(0))
        };
        let layout = match lanes[0].view.is_identity(first.info().shape.dims(), shape.dims()) {
            true => Layout::AsInput,
            // Of the rank of a shape, which is one that can be.
            false => cells().map_or(Layout::AsInput, Layout::Cells),
        };
        if matches!(layout, Layout::Cells(_)) {
            info.num_blocks = 1;
        }
        let items = inputs.iter().map(|input| input.source.info().dtype.num_bytes()).collect();
        Self { info: Arc::new(info), inputs, lanes, items, program, layout, kept: is_kept.then(Kept::default) }
    }

    /// The view of the axis of time, where that is walked.
    fn time(&self) -> Option<(usize, &super::view::Index)> {
        let at = self.inputs[0].source.info().axes.iter().position(|axis| *axis == Some(Axis::T))?;
        match &self.lanes[0].view.along[at] {
            Along::Dim { dim, index } => Some((*dim, index)),
            Along::Fixed(_) => None,
        }
    }
}

impl Composite for Mapped {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>) {
        for lane in &self.lanes {
            lane.needs(&*self.inputs[lane.input].source, &chunk.region, needs);
        }
    }

    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let mut rest = given;
        let mut laid = Vec::with_capacity(self.lanes.len());
        for lane in &self.lanes {
            // They come in the order in which they were needed: those of one lane after those of another.
            let (own, others) = rest.split_at(rest.partition_point(|given| given.need.input <= lane.input));
            laid.push(lane.laid(own, &chunk.region, self.items[lane.input]));
            rest = others;
        }
        let missing = laid.iter_mut().flat_map(|laid| std::mem::take(&mut laid.missing)).collect();
        let filled = joint::filled(&chunk.region, missing)?;
        self.program.run(&laid, buffer);
        Ok(filled)
    }
}

impl Source for Mapped {
    of_inputs!();

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        match &self.layout {
            Layout::AsInput => self.inputs[0].source.each_chunk(region, visit),
            Layout::Cells(cells) => cells.each(region, visit),
        }
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        match &self.layout {
            Layout::AsInput => self.inputs[0].source.region_of(indices),
            Layout::Cells(cells) => cells.region_of(indices),
        }
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        match &self.kept {
            Some(kept) => kept.read_and_combine(self, chunk, buffer),
            None => joint::read(self, chunk, buffer),
        }
    }

    fn pieces(&self) -> Vec<Piece> {
        match &self.layout {
            Layout::AsInput => self.inputs[0].source.pieces(),
            Layout::Cells(_) => Vec::new(),
        }
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        let (dim, index) = self.time()?;
        let times = self.inputs[0].source.times_s()?;
        let num = self.info.shape.dims()[dim];
        Some((0..num).map(|position| times.get(index.at(position)).copied().unwrap_or(f64::NAN)).collect())
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

/// A source with a value in place of what is missing: what is there stays as it is.
struct FilledIn {
    info: Arc<ArrayInfo>,
    inputs: [Input; 1],
    value: Vec<u8>,
}

/// The source with these bytes of a voxel in place of voxels that are missing or damaged. What is stored in a way that
/// is not read here, is being written or was refused by the system stays missing: it may be there and whole.
pub(super) fn filled(input: Input, value: Vec<u8>, words: &str) -> Arc<dyn Source> {
    let mut info = ArrayInfo::clone(input.source.info());
    info.facts.push(("Missing voxels".to_owned(), format!("stand as {words}")));
    Arc::new(FilledIn { info: Arc::new(info), inputs: [input], value })
}

impl FilledIn {
    fn fill(&self, chunk: &Region, part: &Region, buffer: &mut [u8]) {
        let runs = crate::volume::runs(part, chunk, chunk, self.value.len());
        let num_bytes = runs.num_bytes;
        for [at, _] in runs {
            buffer[at..at + num_bytes]
                .chunks_exact_mut(self.value.len())
                .for_each(|to| to.copy_from_slice(&self.value));
        }
    }
}

impl Composite for FilledIn {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>) {
        needs.push(Need { input: 0, chunk: *chunk });
    }

    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError> {
        // What is stored in another way, or could not be had at this moment, may be there and whole.
        let may_be_whole = |error: &ReadError| !matches!(error.kind, ReadErrorKind::Missing | ReadErrorKind::Corrupt);
        for Given { voxels, .. } in given {
            match voxels {
                Ok((bytes, Filled::All)) => buffer.copy_from_slice(bytes),
                Ok((bytes, Filled::Except(parts, error))) => {
                    buffer.copy_from_slice(bytes);
                    if may_be_whole(error) {
                        return Ok(Filled::Except(parts.clone(), (*error).clone()));
                    }
                    parts.iter().for_each(|part| self.fill(&chunk.region, part, buffer));
                }
                Err(error) if may_be_whole(error) => return Err((*error).clone()),
                Err(_) => self.fill(&chunk.region, &chunk.region, buffer),
            }
        }
        Ok(Filled::All)
    }
}

impl Source for FilledIn {
    of_inputs!();
    laid_as_input!();

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        joint::read(self, chunk, buffer)
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

/// The type and extent of a result, whose bytes have to be countable.
pub(super) fn shape_of(dims: &[usize], dtype: DType) -> Result<Shape, String> {
    let shape = Shape::new(dims).ok_or_else(|| format!("the result has {} axes, and 8 is the most", dims.len()))?;
    match shape.num_bytes(dtype).filter(|&num| num <= isize::MAX as usize) {
        Some(_) => Ok(shape),
        None => Err(format!("the result of {shape} voxels is larger than any array")),
    }
}
