//! What several test binaries share: the fixtures, and reading whole arrays.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tectum::format::{Filled, ReadError, Source};
use tectum::volume::{Region, copy_region};

/// `tests/fixtures/split`.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split")
}

/// Every voxel of a source, read chunk by chunk, and what of it is not there and why.
pub struct Whole {
    pub bytes: Vec<u8>,
    pub missing: Vec<(Region, ReadError)>,
}

impl Whole {
    pub fn is_missing(&self, index: &[usize]) -> bool {
        self.missing.iter().any(|(region, _)| region.contains(index))
    }
}

/// Reads all of a source. Checks on the way that chunks are disjoint, complete, and inside the array.
pub fn read_whole(source: &dyn Source) -> Whole {
    read_region(source, &Region::whole(&source.info().shape))
}

/// Reads a region of a source, as [`read_whole`].
pub fn read_region(source: &dyn Source, wanted: &Region) -> Whole {
    let info = source.info();
    let item = info.dtype.num_bytes();
    let mut chunks = Vec::new();
    source.chunks(wanted, &mut chunks);
    let mut bytes = vec![0xAA; wanted.shape().num_bytes(info.dtype).unwrap()];
    let mut missing = Vec::new();
    let mut num_voxels = 0;
    let mut indices: Vec<u64> = chunks.iter().map(|chunk| chunk.index).collect();
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), chunks.len(), "chunk indices are unique");
    let whole = Region::whole(&info.shape);
    for chunk in &chunks {
        assert_eq!(chunk.region.intersect(&whole), Some(chunk.region), "a chunk lies inside the array");
        let mut buffer = vec![0x55; chunk.region.shape().num_bytes(info.dtype).unwrap()];
        match source.read(chunk, &mut buffer) {
            Ok(Filled::All) => {}
            Ok(Filled::Except(regions, error)) => {
                missing.extend(regions.into_iter().map(|region| (region, error.clone())));
            }
            Err(error) => missing.push((chunk.region, error)),
        }
        let common = copy_region(&buffer, &chunk.region, &mut bytes, wanted, item).expect("a chunk touches the region");
        num_voxels += common.shape().num_voxels().unwrap();
    }
    assert_eq!(Some(num_voxels), wanted.shape().num_voxels(), "chunks are disjoint and leave nothing out");
    Whole { bytes, missing }
}

/// Every file below a folder with its length and time of last change, to prove that nothing was touched.
pub fn state_of(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut state = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let metadata = std::fs::metadata(&folder).unwrap();
        state.insert(folder.clone(), (0, metadata.modified().unwrap()));
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                state.insert(entry.path(), (metadata.len(), metadata.modified().unwrap()));
            }
        }
    }
    state
}

/// Runs `work` and asserts that no file below `folder` was made, deleted or changed by it.
pub fn untouched<T>(folder: &Path, work: impl FnOnce() -> T) -> T {
    let before = state_of(folder);
    let result = work();
    assert_eq!(state_of(folder), before, "{} was changed", folder.display());
    result
}

/// All indices of a shape, C order.
pub fn indices(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let dims = dims.to_vec();
    (0..dims.iter().product()).map(move |mut flat: usize| {
        let mut index = vec![0; dims.len()];
        for axis in (0..dims.len()).rev() {
            index[axis] = flat % dims[axis];
            flat /= dims[axis];
        }
        index
    })
}
