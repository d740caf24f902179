//! One .npy file as a target: every chunk has its place from the beginning on.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::header;
use crate::codec::crc32c;
use crate::volume::{DType, Grid, Region, Shape};
use crate::write::journal::{Entry, Journal, is_there};
use crate::write::kinds::{Kind, TargetOptions};
use crate::write::{Chunking, PieceWriter, Place, Subject, Target, Written, not_carried, sync_folder};

/// Bytes of what is written at once.
const CHUNK_BYTES: usize = 4 << 20;

/// One .npy file.
pub struct NpyTarget {
    place: Place,
    dtype: DType,
    chunks: Grid,
    pieces: Grid,
    not_carried: Vec<String>,
}

impl NpyTarget {
    /// For an array. A chunk is a run of voxels of the file.
    ///
    /// # Errors
    /// For options that mean nothing here, and a size that no file can have.
    pub fn new(subject: &Subject, place: &Place, options: &TargetOptions) -> Result<Self> {
        options.refuse_but(Kind::Npy, &[])?;
        let info = subject.source.info();
        let shown = place.path().display();
        let is_possible = info.shape.num_bytes(info.dtype).is_some_and(|bytes| bytes < isize::MAX as usize / 2);
        if !is_possible {
            bail!("{shown}: {} of {} are more than a file can hold", info.shape, info.dtype);
        }
        let cell = Chunking::runs(&info.shape, info.dtype.num_bytes(), CHUNK_BYTES);
        let chunks = Grid::new(info.shape, cell).with_context(|| format!("{shown}: no such chunks"))?;
        let pieces = Grid::of_one(info.shape);
        let not_carried = not_carried(subject, &[]);
        Ok(Self { place: place.clone(), dtype: info.dtype, chunks, pieces, not_carried })
    }

    fn header(&self) -> Vec<u8> {
        header(self.dtype, self.chunks.shape().dims())
    }

    fn num_bytes(&self) -> u64 {
        let voxels = self.chunks.shape().num_bytes(self.dtype).unwrap_or(0);
        (self.header().len() + voxels) as u64
    }
}

impl Target for NpyTarget {
    fn chunks(&self) -> &Grid {
        &self.chunks
    }

    fn pieces(&self) -> &Grid {
        &self.pieces
    }

    fn not_carried(&self) -> Vec<String> {
        self.not_carried.clone()
    }

    fn prepare(&self) -> Result<()> {
        Ok(())
    }

    fn encode(&self, _region: &Region, voxels: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(Some(voxels.to_vec()))
    }

    fn begin(&self, _piece: u64, is_resumed: bool) -> Result<Box<dyn PieceWriter>> {
        let path = self.place.data();
        let shown = self.place.path().display().to_string();
        let begin = || -> io::Result<(File, Journal)> {
            let mut file = File::options().read(true).write(true).create(true).truncate(!is_resumed).open(&path)?;
            reserve(&file, self.num_bytes())?;
            let journal = match is_resumed {
                true => Journal::resume(&self.place.journal(), |entry| is_there(&mut file, entry))?,
                false => Journal::begin(&self.place.journal())?,
            };
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&self.header())?;
            Ok((file, journal))
        };
        let (file, journal) = begin().with_context(|| format!("{shown}: cannot write"))?;
        let num_kept = journal.entries().len() as u64;
        let (shape, item, data) = (*self.chunks.shape(), self.dtype.num_bytes(), self.header().len());
        Ok(Box::new(NpyWriter { shown, folder: self.place.work(), file, journal, num_kept, shape, item, data }))
    }

    fn finish(&self) -> Result<()> {
        self.place.finish()
    }
}

/// Makes a file as long as it will be, so that a disk without room says so at once.
fn reserve(file: &File, num_bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, num_bytes) {
        // Not every file system can.
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    file.set_len(num_bytes)
}

/// The file that is being written.
struct NpyWriter {
    shown: String,
    folder: PathBuf,
    file: File,
    journal: Journal,
    num_kept: u64,
    shape: Shape,
    item: usize,
    /// Where the voxels begin.
    data: usize,
}

impl PieceWriter for NpyWriter {
    fn num_kept(&self) -> u64 {
        self.num_kept
    }

    fn put(&mut self, region: &Region, encoded: Option<Vec<u8>>) -> Result<()> {
        let bytes = encoded.unwrap_or_default();
        let first = self.shape.offset(region.start()).unwrap_or(0);
        let offset = (self.data + first * self.item) as u64;
        let entry =
            Entry { chunk: first as u64, offset, num_bytes: bytes.len() as u64, crc32c: crc32c::checksum(&bytes) };
        let mut write = || -> io::Result<()> {
            self.file.seek(SeekFrom::Start(offset))?;
            self.file.write_all(&bytes)?;
            self.journal.put(entry)
        };
        write().with_context(|| format!("{}: cannot write", self.shown))
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let Self { shown, folder, mut file, journal, .. } = *self;
        let on_disk = file.sync_all().and_then(|()| sync_folder(&folder));
        let synced = on_disk.and_then(|()| journal.checksum_of(&mut file));
        synced.with_context(|| format!("{shown}: cannot write"))
    }
}
