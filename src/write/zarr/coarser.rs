//! A source at the next coarser resolution, computed from the one before as it is read.

use std::sync::Arc;

use anyhow::{Result, bail};

use super::mean::{Rule, made_of, reduce};
use crate::format::{Chunk, Composite, Filled, Given, Input, Need, ReadError, Source, gather, read_and_combine};
use crate::volume::{ArrayInfo, Grid, LayerId, Location, Problem, Region};

/// A source in which one voxel stands for several of another.
pub struct Coarser {
    info: Arc<ArrayInfo>,
    inputs: [Input; 1],
    fine: Grid,
    factors: Vec<usize>,
    rule: Rule,
    chunks: Grid,
}

impl Coarser {
    /// Of a source, of which `factors` voxels along each axis become one, in chunks of its own.
    ///
    /// # Errors
    /// If that many do not make an array of that extent.
    pub fn new(source: Arc<dyn Source>, factors: &[usize], rule: Rule, chunks: &Grid) -> Result<Self> {
        let former = Arc::clone(source.info());
        let dims = former.shape.dims().iter().zip(factors).map(|(dim, factor)| dim.div_ceil((*factor).max(1)));
        if former.shape.rank() != factors.len() || !dims.eq(chunks.shape().dims().iter().copied()) {
            bail!("{}: {} is no coarser resolution of {}", former.location, chunks.shape(), former.shape);
        }
        let info = ArrayInfo { shape: *chunks.shape(), voxel_size: None, ..(*former).clone() };
        let fine = Grid::of_one(former.shape);
        let inputs = [Input { source, layer: LayerId::next(), level: 0 }];
        Ok(Self { info: Arc::new(info), inputs, fine, factors: factors.to_vec(), rule, chunks: *chunks })
    }

    /// The same, described otherwise.
    #[must_use]
    pub fn described(mut self, change: impl FnOnce(&mut ArrayInfo)) -> Self {
        change(Arc::make_mut(&mut self.info));
        self
    }

    fn source(&self) -> &dyn Source {
        self.inputs[0].source.as_ref()
    }

    fn made_of(&self, region: &Region) -> Region {
        made_of(region, &self.factors, &self.fine)
    }
}

impl Source for Coarser {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.chunks.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        read_and_combine(self, chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        self.source().problems()
    }

    fn files(&self) -> Vec<Location> {
        self.source().files()
    }

    fn locations(&self) -> Vec<Location> {
        self.source().locations()
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

impl Composite for Coarser {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn needs(&self, chunk: &Chunk, needs: &mut Vec<Need>) {
        let region = self.made_of(&chunk.region);
        self.source().each_chunk(&region, &mut |chunk| needs.push(Need { input: 0, chunk: *chunk }));
    }

    fn combine(&self, chunk: &Chunk, given: &[Given<'_>], buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let (fine, dtype) = (self.made_of(&chunk.region), self.info.dtype);
        let item = dtype.num_bytes();
        let mut voxels = vec![0; fine.shape().num_bytes(dtype).unwrap_or(0)];
        let missing = gather(given, 0, &fine, item, &mut voxels);
        // No mean is made of what was never written.
        if let Some((_, error)) = missing.into_iter().next() {
            return Err(error);
        }
        reduce(self.rule, dtype, &self.factors, (&voxels, &fine), (buffer, &chunk.region));
        Ok(Filled::All)
    }
}
