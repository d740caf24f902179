//! Writes TIFF files, page by page, as a recorder does: the kinds that readers are easily wrong about.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::io::Write;
use std::path::Path;

/// Type, bytes and number of values of an entry.
type Entry = (u16, Vec<u8>, usize);

/// How pages are written.
#[derive(Clone, Copy)]
pub struct Kind {
    pub is_big: bool,
    pub is_big_endian: bool,
    pub is_deflated: bool,
    /// Rows of a strip; 0 for one strip.
    pub rows_per_strip: usize,
    /// Rows and columns of a tile; zeros for strips.
    pub tile: [usize; 2],
}

impl Kind {
    pub const PLAIN: Self =
        Self { is_big: false, is_big_endian: false, is_deflated: false, rows_per_strip: 0, tile: [0, 0] };
}

/// A file that is being written.
pub struct Writer {
    kind: Kind,
    pub bytes: Vec<u8>,
    /// Where the place of the next directory is to be written.
    link: usize,
}

impl Writer {
    pub fn new(kind: Kind) -> Self {
        let mut writer = Self { kind, bytes: Vec::new(), link: 0 };
        writer.bytes.extend(if kind.is_big_endian { b"MM" } else { b"II" });
        writer.push(if kind.is_big { 43 } else { 42 }, 2);
        if kind.is_big {
            writer.push(8, 2);
            writer.push(0, 2);
        }
        writer.link = writer.bytes.len();
        writer.push(0, writer.place());
        writer
    }

    fn place(&self) -> usize {
        if self.kind.is_big { 8 } else { 4 }
    }

    fn number(&self, value: u64, len: usize) -> Vec<u8> {
        if self.kind.is_big_endian {
            value.to_be_bytes()[8 - len..].to_vec()
        } else {
            value.to_le_bytes()[..len].to_vec()
        }
    }

    fn push(&mut self, value: u64, len: usize) {
        let number = self.number(value, len);
        self.bytes.extend(number);
    }

    /// Appends a page of 16-bit numbers in C order, `bytes` little-endian. The link to it is written last, as
    /// far as a buffer has an order.
    pub fn page(&mut self, height: usize, width: usize, bytes: &[u8], description: &str) {
        let (rows, columns) = match self.kind.tile {
            [0, 0] if self.kind.rows_per_strip == 0 => (height, width),
            [0, 0] => (self.kind.rows_per_strip, width),
            [rows, columns] => (rows, columns),
        };
        let is_tiled = self.kind.tile != [0, 0];
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        for row in (0..height).step_by(rows) {
            for column in (0..width).step_by(columns) {
                let stop = if is_tiled { row + rows } else { (row + rows).min(height) };
                let mut piece = Vec::new();
                for y in row..stop {
                    for x in column..column + columns {
                        let at = (y * width + x) * 2;
                        let pair = if y < height && x < width { [bytes[at], bytes[at + 1]] } else { [0, 0] };
                        piece.extend(if self.kind.is_big_endian { [pair[1], pair[0]] } else { pair });
                    }
                }
                if self.kind.is_deflated {
                    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(4).unwrap());
                    let mut packed = vec![0; compressor.zlib_compress_bound(piece.len())];
                    let len = compressor.zlib_compress(&piece, &mut packed).unwrap();
                    packed.truncate(len);
                    piece = packed;
                }
                offsets.push(self.bytes.len() as u64);
                counts.push(piece.len() as u64);
                self.bytes.extend(piece);
            }
        }
        self.directory(height, width, [rows, columns], is_tiled, &offsets, &counts, description);
    }

    #[allow(clippy::too_many_arguments)]
    fn directory(
        &mut self,
        height: usize,
        width: usize,
        [rows, columns]: [usize; 2],
        is_tiled: bool,
        offsets: &[u64],
        counts: &[u64],
        description: &str,
    ) {
        let long = |value: usize| (4u16, self.number(value as u64, 4), 1);
        let short = |value: u64| (3u16, self.number(value, 2), 1);
        let list = |values: &[u64]| (4u16, values.iter().flat_map(|v| self.number(*v, 4)).collect(), values.len());
        let mut entries: Vec<(u16, Entry)> = vec![
            (256, long(width)),
            (257, long(height)),
            (258, short(16)),
            (259, short(if self.kind.is_deflated { 8 } else { 1 })),
            (262, short(1)),
        ];
        if !description.is_empty() {
            let text = [description.as_bytes(), &[0]].concat();
            let len = text.len();
            entries.push((270, (2, text, len)));
        }
        if is_tiled {
            entries.extend([(322, long(columns)), (323, long(rows)), (324, list(offsets)), (325, list(counts))]);
        } else {
            entries.extend([(273, list(offsets)), (278, long(rows)), (279, list(counts))]);
        }
        entries.sort_by_key(|entry| entry.0);
        let place = self.place();
        let mut values = Vec::new();
        for (tag, (kind, value, count)) in entries {
            let at = if value.len() > place {
                let at = self.bytes.len() as u64;
                self.bytes.extend(&value);
                self.number(at, place)
            } else {
                [value, vec![0; place]].concat()[..place].to_vec()
            };
            values.push((tag, kind, count, at));
        }
        let at = self.bytes.len();
        let entry_count = values.len() as u64;
        self.push(entry_count, if self.kind.is_big { 8 } else { 2 });
        for (tag, kind, count, value) in values {
            self.push(u64::from(tag), 2);
            self.push(u64::from(kind), 2);
            self.push(count as u64, place);
            self.bytes.extend(value);
        }
        let link = std::mem::replace(&mut self.link, self.bytes.len());
        self.push(0, place);
        let number = self.number(at as u64, place);
        self.bytes[link..link + place].copy_from_slice(&number);
    }

    /// Writes what there is by now into the file that is there, as a recorder does: what is new at the end,
    /// then the link to it.
    pub fn write_on(&self, path: &Path) {
        use std::io::{Seek, SeekFrom};
        let mut file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path).unwrap();
        let old = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(old)).unwrap();
        file.write_all(&self.bytes[old as usize..]).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(&self.bytes).unwrap();
    }
}
