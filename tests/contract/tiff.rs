//! TIFF files.

use std::path::Path;
use std::sync::Arc;

use tectum::format::{FormatError, OpenOptions, Refresh, Source, open};
use tectum::volume::{DType, Region, Shape};

use crate::suite::{State, Subject, Truth, contract};
use crate::tiff_writer::{Kind, Writer};
use crate::writer::sample;

/// A file of pages, and what is said of them.
struct Pages {
    kind: Kind,
    /// Pages, rows, columns.
    shape: [usize; 3],
    /// How the pages make an array, where ImageJ's lines say so.
    outer: &'static [usize],
    description: &'static str,
    /// Files that the pages are divided between.
    num_files: usize,
}

impl Pages {
    fn dims(&self, num_pages: usize) -> Vec<usize> {
        let [_, height, width] = self.shape;
        let outer = if self.outer.is_empty() { vec![num_pages] } else { self.outer.to_vec() };
        [outer, vec![height, width]].concat()
    }

    fn truth(&self, num_pages: usize) -> Truth {
        let dims = self.dims(num_pages);
        Truth {
            dtype: DType::U16,
            shape: Shape::new(&dims).unwrap(),
            bytes: sample(&dims, DType::U16),
            missing: Vec::new(),
        }
    }

    fn path(&self, folder: &Path, file: usize) -> std::path::PathBuf {
        folder.join(format!("pages_{}.tif", file + 1))
    }

    fn page(&self, writer: &mut Writer, bytes: &[u8], i: usize) {
        let [_, height, width] = self.shape;
        let len = height * width * 2;
        let description = if i == 0 { self.description } else { "" };
        writer.page(height, width, &bytes[i * len..(i + 1) * len], description);
    }
}

impl Subject for Pages {
    fn write(&self, folder: &Path) -> Truth {
        let truth = self.truth(self.shape[0]);
        let each = self.shape[0] / self.num_files;
        for file in 0..self.num_files {
            let mut writer = Writer::new(self.kind);
            (file * each..(file + 1) * each).for_each(|i| self.page(&mut writer, &truth.bytes, i));
            std::fs::write(self.path(folder, file), &writer.bytes).unwrap();
        }
        truth
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        let place = if self.num_files == 1 { self.path(folder, 0) } else { folder.to_owned() };
        open(place, options).map(|opened| opened.source)
    }

    /// Of several files the first one says where counting begins.
    fn is_layout(&self, file: &Path) -> bool {
        self.num_files > 1 && file.ends_with("pages_1.tif")
    }

    fn grow(&self, folder: &Path) -> Vec<State> {
        if !self.outer.is_empty() || self.num_files > 1 {
            return Vec::new();
        }
        let path = self.path(folder, 0);
        let all = sample(&self.dims(self.shape[0] + 6), DType::U16);
        let mut writer = Writer::new(self.kind);
        let mut num = self.shape[0];
        (0..num).for_each(|i| self.page(&mut writer, &all, i));
        writer.write_on(&path);
        let mut source = open(&path, &OpenOptions::default()).unwrap().growing.expect("a file may grow");
        let mut states = vec![State { source: as_source(&source), truth: self.truth(num), stale: Vec::new() }];
        for more in [1, 2, 3] {
            (num..num + more).for_each(|i| self.page(&mut writer, &all, i));
            num += more;
            writer.write_on(&path);
            let Refresh::Changed { source: longer, stale } = source.refresh(&[]).unwrap() else {
                panic!("it has grown")
            };
            source = longer;
            let truth = self.truth(num);
            states.push(State { source: as_source(&source), truth, stale });
        }
        states
    }
}

fn as_source(growing: &Arc<dyn tectum::format::Growing>) -> Arc<dyn Source> {
    Arc::clone(growing) as Arc<dyn Source>
}

/// The same with a part of the last page never written.
struct Cut(Pages);

impl Subject for Cut {
    fn write(&self, folder: &Path) -> Truth {
        let mut truth = self.0.write(folder);
        let path = self.0.path(folder, 0);
        let mut bytes = std::fs::read(&path).unwrap();
        let [num, height, width] = self.0.shape;
        let page = &truth.bytes[(num - 1) * height * width * 2..];
        let at = bytes.windows(page.len()).position(|window| window == page).unwrap();
        // The pages of this one lie in front of their data no more: the last page's data are at the end.
        let start = bytes.len();
        let cut = (height / 2) * width * 2;
        bytes.extend_from_slice(&page[..cut]);
        let old = (at as u32).to_le_bytes();
        let entry = bytes.windows(4).rposition(|window| window == old).unwrap();
        bytes[entry..entry + 4].copy_from_slice(&(start as u32).to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        truth.missing.push(Region::new(&[num - 1, height / 2, 0], &[num, height, width]).unwrap());
        truth
    }

    fn open(&self, folder: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, FormatError> {
        self.0.open(folder, options)
    }
}

fn plain() -> Pages {
    Pages { kind: Kind::PLAIN, shape: [6, 9, 7], outer: &[], description: "", num_files: 1 }
}

fn strips_big_endian() -> Pages {
    let kind = Kind { is_big_endian: true, is_deflated: true, rows_per_strip: 4, ..Kind::PLAIN };
    Pages { kind, shape: [4, 13, 6], ..plain() }
}

fn tiles_in_bigtiff() -> Pages {
    let kind = Kind { is_big: true, tile: [16, 16], ..Kind::PLAIN };
    Pages { kind, shape: [3, 33, 20], ..plain() }
}

fn hyperstack() -> Pages {
    let description = "ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n";
    Pages {
        shape: [12, 5, 8],
        outer: &[2, 3, 2],
        description,
        kind: Kind { is_big_endian: true, ..Kind::PLAIN },
        ..plain()
    }
}

fn numbered() -> Pages {
    Pages { shape: [5, 6, 7], num_files: 5, ..plain() }
}

contract!(tiff_plain, plain());
contract!(tiff_strips_big_endian, strips_big_endian());
contract!(tiff_tiles_in_bigtiff, tiles_in_bigtiff());
contract!(tiff_hyperstack, hyperstack());
contract!(tiff_numbered, numbered());
contract!(tiff_cut, Cut(plain()));
