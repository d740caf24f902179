//! The file while it is being written: strips where they belong or one behind the other, and at the end the directories.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::directory::header;
use super::target::FilePlan;
use crate::codec::crc32c;
use crate::volume::Region;
use crate::write::{Entry, Journal, PieceWriter, Place, Written};

/// A file that is being written.
pub struct Writer {
    shown: String,
    plan: Arc<FilePlan>,
    file: File,
    journal: Journal,
    /// Which strip each entry of the journal is, in a file of its own.
    numbers: File,
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
        let open = || -> io::Result<(File, Journal, File)> {
            let mut options = File::options();
            options.read(true).write(true).create(true);
            let mut file = options.clone().truncate(!is_resumed).open(place.data())?;
            let numbers = options.truncate(!is_resumed).open(place.work().join("strips"))?;
            let known = numbers.metadata()?.len() / 8;
            let mut num = 0;
            let journal = match is_resumed {
                true => Journal::resume(&place.journal(), |entry| {
                    num += 1;
                    Ok(num <= known && is_there(&mut file, entry)?)
                })?,
                false => Journal::begin(&place.journal())?,
            };
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&head)?;
            Ok((file, journal, numbers))
        };
        let (file, journal, numbers) = open().with_context(|| format!("{shown}: cannot write"))?;
        let num_kept = journal.entries().len() as u64;
        let end = head.len() as u64;
        let mut writer = Self {
            shown,
            plan: Arc::clone(plan),
            file,
            journal,
            numbers,
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
            self.strips = vec![[0, 0]; num];
            let mut bytes = vec![0; self.journal.entries().len() * 8];
            self.numbers.seek(SeekFrom::Start(0))?;
            self.numbers.read_exact(&mut bytes)?;
            for (entry, number) in self.journal.entries().iter().zip(bytes.as_chunks::<8>().0) {
                if let Some(strip) = self.strips.get_mut(u64::from_le_bytes(*number) as usize) {
                    *strip = [entry.offset, entry.num_bytes];
                }
                self.end = entry.offset + entry.num_bytes;
            }
            self.file.set_len(self.end)?;
        }
        self.numbers.set_len(self.num_kept * 8)?;
        self.numbers.seek(SeekFrom::End(0))?;
        Ok(())
    }

    fn write(&mut self, number: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.numbers.write_all(&number.to_le_bytes())?;
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
        let num_bytes = self.file.metadata()?.len();
        let before = self.journal.checksum_behind(&head);
        Ok(Written { num_bytes, crc32c: crc32c::joined(before, tail, tail_bytes) })
    }
}

/// Whether a file holds what an entry of its journal says.
fn is_there(file: &mut File, entry: &Entry) -> io::Result<bool> {
    let len = file.metadata()?.len();
    if entry.offset.checked_add(entry.num_bytes).is_none_or(|end| end > len) {
        return Ok(false);
    }
    let mut bytes = vec![0; usize::try_from(entry.num_bytes).unwrap_or(0)];
    file.seek(SeekFrom::Start(entry.offset))?;
    file.read_exact(&mut bytes)?;
    Ok(crc32c::checksum(&bytes) == entry.crc32c)
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
