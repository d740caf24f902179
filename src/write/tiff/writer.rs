//! The file while it is being written: strips where they belong or one behind the other, and at the end the directories.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::directory::header;
use super::target::FilePlan;
use crate::codec::crc32c;
use crate::volume::Region;
use crate::write::journal::is_there;
use crate::write::{Entry, Journal, PieceWriter, Place, Written, sync_folder};

/// A file that is being written.
pub struct Writer {
    shown: String,
    plan: Arc<FilePlan>,
    file: File,
    /// Where the file lies.
    folder: PathBuf,
    journal: Journal,
    num_kept: u64,
    /// Begin and length of each strip, where they are compressed.
    strips: Vec<[u64; 2]>,
    /// Where the next compressed strip goes.
    end: u64,
    first_voxel: u64,
}

impl Writer {
    /// Begins the file of a place, or goes on with it.
    pub fn begin(place: &Place, plan: &Arc<FilePlan>, is_resumed: bool) -> Result<Self> {
        let shown = place.path().display().to_string();
        let first_voxel = plan.first_voxel()?;
        let head = plan.head()?;
        let open = || -> io::Result<(File, Journal)> {
            let mut file =
                File::options().read(true).write(true).create(true).truncate(!is_resumed).open(place.data())?;
            let journal = match is_resumed {
                true => Journal::resume(&place.journal(), |entry| is_there(&mut file, entry))?,
                false => Journal::begin(&place.journal())?,
            };
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&head)?;
            Ok((file, journal))
        };
        let (file, journal) = open().with_context(|| format!("{shown}: cannot write"))?;
        let num_kept = journal.entries().len() as u64;
        let end = head.len() as u64;
        let mut writer = Self {
            shown,
            plan: Arc::clone(plan),
            file,
            folder: place.work(),
            journal,
            num_kept,
            strips: Vec::new(),
            end,
            first_voxel,
        };
        writer.remember().with_context(|| format!("{}: cannot write", writer.shown))?;
        Ok(writer)
    }

    /// Takes up where a former process stopped.
    fn remember(&mut self) -> io::Result<()> {
        let pages = &self.plan.pages;
        if pages.is_compressed() {
            let num = pages.num as usize * pages.strips_of_page();
            if self.strips.try_reserve_exact(num).is_err() {
                return Err(io::Error::new(io::ErrorKind::OutOfMemory, "more pages than memory holds the places of"));
            }
            self.strips.resize(num, [0, 0]);
            for entry in self.journal.entries() {
                if let Some(strip) = self.strips.get_mut(entry.chunk as usize) {
                    *strip = [entry.offset, entry.num_bytes];
                }
                self.end = entry.offset + entry.num_bytes;
            }
            self.file.set_len(self.end)?;
        }
        Ok(())
    }

    fn write(&mut self, number: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.journal.put(Entry {
            chunk: number,
            offset,
            num_bytes: bytes.len() as u64,
            crc32c: crc32c::checksum(bytes),
        })
    }

    /// Writes the directories that come behind the voxels, and returns the checksum and the length of all of that.
    fn write_tail(&mut self) -> Result<(u32, u64)> {
        let pages = &self.plan.pages;
        let end = if pages.is_compressed() { self.end } else { self.first_voxel + pages.num * pages.page_bytes() };
        let first = if pages.is_compressed() { 0 } else { 1 };
        let (mut crc, mut at) = (0, end);
        if first == pages.num || self.plan.is_cut() {
            return Ok((0, 0));
        }
        self.file.seek(SeekFrom::Start(end))?;
        let mut out = BufWriter::with_capacity(1 << 20, &self.file);
        let mut put = |bytes: &[u8], at: &mut u64| -> io::Result<()> {
            crc = crc32c::extended(crc, bytes);
            *at += bytes.len() as u64;
            out.write_all(bytes)
        };
        put(&vec![0; (end.next_multiple_of(8) - end) as usize], &mut at)?;
        for page in first..pages.num {
            let directory = self.plan.directory(page, &self.places(page));
            let len = directory.to_bytes(pages.is_big, at, 0)?.len() as u64;
            let next = if page + 1 == pages.num { 0 } else { at + len };
            put(&directory.to_bytes(pages.is_big, at, next)?, &mut at)?;
        }
        out.flush()?;
        Ok((crc, at - end))
    }

    /// Begin and length of the strips of a page.
    fn places(&self, page: u64) -> Vec<[u64; 2]> {
        let pages = &self.plan.pages;
        match pages.is_compressed() {
            true => {
                let num = pages.strips_of_page();
                self.strips[page as usize * num..][..num].to_vec()
            }
            false => vec![[self.first_voxel + page * pages.page_bytes(), pages.page_bytes()]],
        }
    }

    fn complete(&mut self) -> Result<Written> {
        let pages = &self.plan.pages;
        if pages.is_compressed() && self.strips.contains(&[0, 0]) {
            bail!("not all of its strips were written");
        }
        let (tail, tail_bytes) = self.write_tail()?;
        let pages = &self.plan.pages;
        let head = match pages.is_compressed() {
            true => header(pages.is_big, self.end.next_multiple_of(8))?,
            false => self.plan.head()?,
        };
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&head)?;
        self.file.sync_all()?;
        sync_folder(&self.folder)?;
        let num_bytes = self.file.metadata()?.len();
        let before = self.journal.checksum_behind(&head);
        Ok(Written { num_bytes, crc32c: crc32c::joined(before, tail, tail_bytes) })
    }
}

impl PieceWriter for Writer {
    fn num_kept(&self) -> u64 {
        self.num_kept
    }

    fn put(&mut self, region: &Region, encoded: Option<Vec<u8>>) -> Result<()> {
        let bytes = encoded.unwrap_or_default();
        let pages = &self.plan.pages;
        let (page, row) = pages.place(region.start());
        let number = page * pages.strips_of_page() as u64 + (row / pages.rows) as u64;
        let offset = match pages.is_compressed() {
            true => self.end,
            false => self.first_voxel + page * pages.page_bytes() + row as u64 * pages.row_bytes(),
        };
        self.write(number, offset, &bytes).with_context(|| format!("{}: cannot write", self.shown))?;
        if self.plan.pages.is_compressed() {
            self.strips[number as usize] = [offset, bytes.len() as u64];
            self.end = offset + bytes.len() as u64;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        self.complete().with_context(|| format!("{}: cannot write", self.shown))
    }
}
