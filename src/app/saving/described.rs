//! An array with what somebody said of it in the place of what its files say.

use std::ops::Range;
use std::sync::Arc;

use crate::array::ViewInfo;
use crate::format::{Chunk, Fetching, Filled, ReadError, Source};
use crate::volume::{ArrayInfo, Axis, Location, Piece, Problem, Region};

/// The array.
struct Described {
    source: Arc<dyn Source>,
    info: Arc<ArrayInfo>,
}

/// What is to be written of an array, with the voxel size and the rate that are shown of it where those are not what
/// its files say (`recorded`), and what was done to it has left its files' alone.
pub fn described(source: Arc<dyn Source>, shown: &ViewInfo, recorded: &ArrayInfo) -> Arc<dyn Source> {
    let mut info = ArrayInfo::clone(source.info());
    let is_said = shown.voxel_size != recorded.voxel_size && info.voxel_size == recorded.voxel_size;
    if is_said {
        info.voxel_size = shown.voxel_size;
    }
    let has_time = info.axes.contains(&Some(Axis::T));
    if has_time && shown.rate_hz != recorded.rate_hz && info.rate_hz == recorded.rate_hz {
        info.rate_hz = shown.rate_hz;
    }
    match info == **source.info() {
        true => source,
        false => Arc::new(Described { source, info: Arc::new(info) }),
    }
}

impl Source for Described {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.source.chunks(region, chunks);
    }

    fn each_chunk(&self, region: &Region, visit: &mut dyn FnMut(&Chunk)) {
        self.source.each_chunk(region, visit);
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        self.source.region_of(indices)
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.source.read(chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        self.source.problems()
    }

    fn pieces(&self) -> Vec<Piece> {
        self.source.pieces()
    }

    fn files(&self) -> Vec<Location> {
        self.source.files()
    }

    fn locations(&self) -> Vec<Location> {
        self.source.locations()
    }

    fn fetching(&self) -> Option<&dyn Fetching> {
        self.source.fetching()
    }
}
