//! Virtual datasets of HDF5, over files that libhdf5 has written.

use std::path::Path;
use std::sync::Arc;

use tectum::format::{FormatError, OpenOptions, Refresh, Source, open};
use tectum::volume::{DType, Region, Shape};

use crate::server::Server;
use crate::suite::{State, Subject, Truth, contract};
use crate::virtual_files::{Map, Slab, extend, slab, write_stored, write_virtual};

const PLANE: [u64; 2] = [5, 6];

fn values(t: u64) -> impl Iterator<Item = u16> {
    (0..PLANE[0] * PLANE[1]).map(move |i| (t * 331 + i * 7 + 1) as u16)
}

fn write_frames(path: &Path, frames: &[u64]) {
    let values: Vec<u16> = frames.iter().flat_map(|&t| values(t)).collect();
    let dims = [frames.len() as u64, PLANE[0], PLANE[1]];
    if path.exists() {
        extend(path, "d", &dims, &values);
    } else {
        write_stored(path, "d", &dims, &[2, 5, 6], &values);
    }
}

fn opened(folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
    let options = OpenOptions { axes: Some("tyx".into()), ..options.clone() };
    open(folder.join("v.h5"), &options).map(|opened| opened.source)
}

/// Files one behind the other, of unequal length, the second cut in the middle of a chunk and one lost; beside them
/// columns that belong to nobody.
struct Blocks {
    fill: Option<u16>,
}

impl Subject for Blocks {
    fn write(&self, folder: &Path) -> Truth {
        write_frames(&folder.join("a.h5"), &[0, 1, 2]);
        write_frames(&folder.join("b.h5"), &[90, 3, 4, 5, 6, 7]);
        write_frames(&folder.join("d.h5"), &[9, 10]);
        let map = |t: u64, len: u64, file: &'static str, from: u64| Map {
            part: slab(&[t, 0, 0], &[len, 5, 6]),
            file,
            dataset: "d",
            of_source: slab(&[from, 0, 0], &[len, 5, 6]),
        };
        let maps = [map(0, 3, "a.h5", 0), map(3, 5, "b.h5", 1), map(8, 1, "c.h5", 0), map(9, 2, "d.h5", 0)];
        write_virtual(&folder.join("v.h5"), "v", &[11, 5, 8], self.fill, &maps, true);
        let shape = Shape::from([11, 5, 8]);
        let mut bytes = Vec::new();
        for t in 0..11 {
            for row in values(t).collect::<Vec<_>>().chunks(6) {
                bytes.extend(row.iter().copied().chain([self.fill.unwrap_or(0); 2]).flat_map(u16::to_le_bytes));
            }
        }
        let whole = Region::whole(&shape);
        let mut missing = vec![whole.with_axis(0, 8, 9).with_axis(2, 0, 6)];
        if self.fill.is_none() {
            missing.push(whole.with_axis(2, 6, 8));
        }
        Truth { dtype: DType::U16, shape, bytes, missing }
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        opened(folder, options)
    }

    fn is_layout(&self, file: &Path) -> bool {
        file.ends_with("v.h5")
    }
}

/// Two writers that take turns without end.
struct Turns;

impl Turns {
    fn write_up_to(folder: &Path, num: u64) -> Truth {
        for writer in 0..2 {
            let frames: Vec<u64> = (0..num).filter(|t| t % 2 == writer).collect();
            write_frames(&folder.join(["even.h5", "odd.h5"][writer as usize]), &frames);
        }
        let endless = |start, stride| -> Slab { vec![[start, stride, u64::MAX, 1], [0, 5, 1, 5], [0, 6, 1, 6]] };
        let maps = [("even.h5", 0), ("odd.h5", 1)].map(|(file, start)| Map {
            part: endless(start, 2),
            file,
            dataset: "d",
            of_source: endless(0, 1),
        });
        if !folder.join("v.h5").exists() {
            write_virtual(&folder.join("v.h5"), "v", &[1, 5, 6], Some(9), &maps, true);
        }
        let bytes = (0..num).flat_map(values).flat_map(u16::to_le_bytes).collect();
        Truth { dtype: DType::U16, shape: Shape::from([num as usize, 5, 6]), bytes, missing: Vec::new() }
    }
}

impl Subject for Turns {
    fn write(&self, folder: &Path) -> Truth {
        Self::write_up_to(folder, 9)
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        opened(folder, options)
    }

    fn is_layout(&self, file: &Path) -> bool {
        file.ends_with("v.h5")
    }

    fn grow(&self, folder: &Path) -> Vec<State> {
        let truth = Self::write_up_to(folder, 2);
        let options = OpenOptions { axes: Some("tyx".into()), ..OpenOptions::default() };
        let mut source = open(folder.join("v.h5"), &options).unwrap().growing.unwrap();
        let mut states = vec![State { source: Arc::clone(&source) as _, truth, stale: Vec::new() }];
        for num in [3, 4, 7, 12] {
            let truth = Self::write_up_to(folder, num);
            let Ok(Refresh::Changed { source: new, stale }) = source.refresh(&[]) else { panic!("it has grown") };
            states.push(State { source: Arc::clone(&new) as _, truth, stale });
            source = new;
        }
        states
    }
}

/// The same blocks behind a URL.
struct Behind(Blocks);

impl Subject for Behind {
    fn write(&self, folder: &Path) -> Truth {
        self.0.write(folder)
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        // It serves until the tests are over: the source goes on asking.
        let server = Box::leak(Box::new(Server::of(folder)));
        let options = OpenOptions { axes: Some("tyx".into()), ..options.clone() };
        open(server.url("v.h5").as_str(), &options).map(|opened| opened.source)
    }

    fn is_layout(&self, file: &Path) -> bool {
        file.ends_with("v.h5")
    }
}

contract!(blocks, Blocks { fill: Some(77) });
contract!(blocks_beside_nothing, Blocks { fill: None });
contract!(blocks_behind_a_url, Behind(Blocks { fill: Some(77) }));
contract!(turns, Turns);
