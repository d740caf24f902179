//! Split datasets: random ones written as a rig writes them, and recordings of the fixtures.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tectum::demo::BlockWriter;
use tectum::format::{FormatError, OpenOptions, Refresh, Source, open};
use tectum::volume::{DType, Region, Shape};

use crate::common::{fixtures, read_whole};
use crate::suite::{State, Subject, Truth, contract};

const VOLUME: [usize; 3] = [3, 12, 14];

fn value(t: usize, z: usize, i: usize) -> u16 {
    let hash = ((t * 64 + z) * 4096 + i) as u64;
    let hash = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    1 + ((hash >> 40) % 65535) as u16
}

fn is_metadata(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "json")
}

/// Blocks of so many timepoints each, as a rig leaves them; with metadata once it is done.
struct Rig {
    lens: &'static [usize],
    chunk: [usize; 4],
    is_finished: bool,
    /// A block that is missing from the middle.
    lost: Option<usize>,
}

impl Rig {
    fn write_block(&self, folder: &Path, index: usize) {
        let first: usize = self.lens[..index].iter().sum();
        let draw = |t: usize, z: usize, plane: &mut [u16]| {
            plane.iter_mut().enumerate().for_each(|(i, voxel)| *voxel = value(first + t, z, i));
        };
        let writer = BlockWriter::new(folder, VOLUME).unwrap().with_chunk(self.chunk);
        writer.write_drawn(index, self.lens[index], self.lens[index], draw).unwrap();
        // As one that nobody has been writing for an hour.
        let file = std::fs::OpenOptions::new().write(true).open(folder.join(format!("{index:04}.h5"))).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }

    fn truth(&self, num_blocks: usize) -> Truth {
        let num_t: usize = self.lens[..num_blocks].iter().sum();
        let [num_z, num_y, num_x] = VOLUME;
        let mut bytes = Vec::new();
        for t in 0..num_t {
            for z in 0..num_z {
                bytes.extend((0..num_y * num_x).flat_map(|i| value(t, z, i).to_le_bytes()));
            }
        }
        let shape = Shape::from([num_t, num_z, num_y, num_x]);
        let lost = self.lost.filter(|lost| *lost < num_blocks).map(|lost| {
            let first: usize = self.lens[..lost].iter().sum();
            Region::whole(&shape).with_axis(0, first, first + self.lens[lost])
        });
        Truth { dtype: DType::U16, shape, bytes, missing: lost.into_iter().collect() }
    }
}

impl Subject for Rig {
    fn write(&self, folder: &Path) -> Truth {
        (0..self.lens.len()).for_each(|index| self.write_block(folder, index));
        if let Some(lost) = self.lost {
            std::fs::remove_file(folder.join(format!("{lost:04}.h5"))).unwrap();
        }
        if self.is_finished {
            let writer = BlockWriter::new(folder, VOLUME).unwrap();
            writer.finish(self.lens.iter().sum(), self.lens[0], [5.0, 0.5, 0.5]).unwrap();
        }
        self.truth(self.lens.len())
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        open(folder, options).map(|opened| opened.source)
    }

    fn is_layout(&self, file: &Path) -> bool {
        // Without metadata it begins with the first block there is.
        is_metadata(file) || !self.is_finished && file.ends_with("0000.h5")
    }

    fn grow(&self, folder: &Path) -> Vec<State> {
        if self.lost.is_some() {
            return Rig { lost: None, ..*self }.grow(folder);
        }
        self.write_block(folder, 0);
        let first = open(folder, &OpenOptions::default()).unwrap().growing.unwrap();
        let mut states = vec![State { source: Arc::clone(&first) as _, truth: self.truth(1), stale: Vec::new() }];
        let mut source = first;
        for index in 1..self.lens.len() {
            self.write_block(folder, index);
            let Ok(Refresh::Changed { source: new, stale }) = source.refresh(&[]) else { panic!("it has grown") };
            states.push(State { source: Arc::clone(&new) as _, truth: self.truth(index + 1), stale });
            source = new;
        }
        states
    }
}

/// A recording of the fixtures, held to its manifest: what is intact of it is read once, one chunk after
/// the other, and compared with the sum of the program that wrote it.
struct Fixture(&'static str);

impl Fixture {
    fn root(&self, folder: &Path) -> PathBuf {
        folder.join(manifest(self.0)["root"].as_str().unwrap())
    }
}

fn manifest(name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(fixtures().join(name).join("manifest.json")).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "manifest.json" {
            std::fs::copy(entry.path(), &target).unwrap();
            // As nobody is writing them.
            let file = std::fs::OpenOptions::new().write(true).open(&target).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        }
    }
}

impl Subject for Fixture {
    fn write(&self, folder: &Path) -> Truth {
        use sha2::{Digest, Sha256};
        copy(&fixtures().join(self.0), folder);
        let source = open(self.root(folder), &OpenOptions::default()).unwrap().source;
        let bytes = read_whole(source.as_ref()).bytes;
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sum, manifest(self.0)["sha256"], "{}", self.0);
        Truth { dtype: source.info().dtype, shape: source.info().shape, bytes, missing: Vec::new() }
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        open(self.root(folder), options).map(|opened| opened.source)
    }

    fn is_layout(&self, file: &Path) -> bool {
        is_metadata(file)
    }
}

const EVEN: Rig = Rig { lens: &[3, 3, 3, 2], chunk: [1, 3, 12, 14], is_finished: true, lost: None };
const UNFINISHED: Rig = Rig { lens: &[2, 2, 2, 2], chunk: [2, 1, 5, 14], is_finished: false, lost: None };
const WITH_A_GAP: Rig = Rig { lens: &[3, 3, 3, 3], chunk: [1, 1, 12, 14], is_finished: true, lost: Some(2) };

contract!(split, EVEN);
contract!(split_unfinished, UNFINISHED);
contract!(split_with_a_gap, WITH_A_GAP);
contract!(split_of_planes, Fixture("b_brunoise"));
contract!(split_in_space, Fixture("d_space_split"));
contract!(split_with_padding, Fixture("d_padding"));
contract!(split_of_pictures, Fixture("c_2d"));
contract!(split_of_floats, Fixture("f_float32_nan"));
