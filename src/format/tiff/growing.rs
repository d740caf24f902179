//! TIFF files that are still being written: pages that come at the end of a file, files that come into a folder.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::book::{Book, Volume};
use super::files;
use super::looking::{header_of, look_into};
use super::numbers;
use super::open::arrange;
use super::source::TiffSource;
use super::stack::{FIRST_ABSENT, Stack};
use crate::format::hdf5::Stamp;
use crate::format::store::{self, ByteStore};
use crate::format::{FormatError, FormatErrorCode, Growing, Growth, OpenOptions, Refresh, Source};
use crate::volume::{Severity, codes};

/// Where a recording is looked for again.
#[derive(Clone)]
pub enum Place {
    /// In its file, and those that this names.
    File,
    /// In a folder: the files called so.
    Folder(Arc<dyn ByteStore>, String),
}

/// So long after it was last written a file is taken to be finished: none says so itself.
pub const QUIET: Duration = Duration::from_secs(60);

/// How far a stack has come. Its pages come one by one, those of a timepoint together.
pub fn growth_of(book: &Book, stack: &Stack) -> Growth {
    let len = stack.dims.first().map_or(1, |(_, len)| *len);
    let each = (stack.frames.len() / len.max(1)).max(1);
    let is_there = |frame: &u32| *frame < FIRST_ABSENT && book.is_complete(*frame as usize);
    let is_whole = |step: &usize| stack.frames[step * each..(step + 1) * each].iter().all(is_there);
    // Pages that are still looked up were written long ago, as far as is known.
    let newest = match book.indexing() {
        Some(_) => len.checked_sub(1),
        None => (0..len).rev().find(is_whole),
    };
    let written = book.volumes().iter().filter_map(|volume| volume.stamp?.modified).max();
    let age = written.and_then(|time| SystemTime::now().duration_since(time).ok());
    let is_finished = age.is_none_or(|age| age > QUIET);
    let end = newest.map_or(0, |newest| newest + 1);
    let in_time = stack.dims.first().is_some_and(|(letter, _)| *letter != 'Z');
    Growth {
        axis: 0,
        piece_len: 1,
        is_finished,
        newest_readable: newest.filter(|_| in_time),
        writing: (!is_finished && end < len).then_some([end, len]),
    }
}

impl TiffSource {
    /// The recording as it is now, by what is known of its files.
    fn look_again(&self) -> Result<Option<Self>, FormatError> {
        let Some((place, options)) = &self.place else { return Ok(None) };
        let location = &self.info().location;
        let volumes = self.book.volumes();
        let mut former: HashMap<_, _> =
            volumes.iter().map(|volume| (volume.file.name.clone(), volume.clone())).collect();
        let (book, stacks) = match place {
            Place::File => {
                let file = &volumes[0].file;
                let header = header_of(&*file.store, &file.name, options)?;
                let gone = || FormatError::new(location, "the file is gone").with_code(FormatErrorCode::NotFound);
                let header = header.ok_or_else(gone)?;
                let first = look_into(Arc::clone(&file.store), file.name.clone(), header, volumes.first(), options)?;
                former.remove(&file.name);
                arrange(location, first, &former, options)?
            }
            Place::Folder(folder, pattern) => {
                let cancel = &options.cancel;
                let names = store::tried(&**folder, "", cancel, &mut |until| folder.list("", until, cancel))?;
                let groups = numbers::numbered(&names.unwrap_or_default());
                let gone = || FormatError::new(location, "the files are gone").with_code(FormatErrorCode::NotFound);
                let group =
                    groups.iter().find(|group| group.pattern == *pattern).or(groups.first()).ok_or_else(gone)?;
                files::of_numbered(location, folder, group, &former, options)?
            }
        };
        let wanted = options.dataset.as_deref();
        let stack = stacks.into_iter().find(|stack| wanted.is_none_or(|name| stack.name == name));
        let Some(stack) = stack else { return Ok(None) };
        self.next(book, stack, place, options).map(Some)
    }

    /// What the pages that were looked up since make of it; `None` where its pages are not looked up any more.
    ///
    /// # Errors
    /// When what is found makes no array.
    fn look_further(&self) -> Result<Option<Refresh>, FormatError> {
        let Some((indexing, (place, options))) = self.book.indexing().zip(self.place.as_ref()) else {
            return Ok(None);
        };
        let former = &self.book.volumes()[0];
        let progress = indexing.progress();
        let (had, found) = (former.index.pages.len(), progress.num_pages);
        let is_whole = !progress.is_under_way && progress.failure.is_none();
        let is_more = match former.claimed {
            // The array is there: only its last page makes it another.
            Some(_) => false,
            // In steps that grow with it: each costs as much as all that there is.
            None if progress.is_under_way => found - had > had / 16,
            None => found > had,
        };
        let come_late = indexing.come_late();
        if !is_whole && !is_more && come_late.is_empty() {
            // What could not be read is looked at as every file is: it may be another one by now.
            return Ok(progress.is_under_way.then_some(Refresh::Unchanged));
        }
        let next = (!is_whole).then(|| Arc::clone(indexing));
        let index = if is_more || is_whole { indexing.seen() } else { Arc::clone(&former.index) };
        let volume = Volume { index, indexing: next, ..former.clone() };
        let (book, mut stacks) = arrange(&self.info().location, volume, &HashMap::new(), options)?;
        let num_more = stacks.len().saturating_sub(self.num_stacks);
        let Some(at) = stacks.iter().position(|stack| stack.name == self.stack.name) else { return Ok(None) };
        let mut stack = stacks.swap_remove(at);
        if num_more > 0 && is_whole {
            let text = format!(
                "{num_more} more kind(s) of pages were found behind those that were known when it was opened;                  open it again to choose among them"
            );
            stack.problems.push((codes::METADATA_CONTRADICTS, Severity::Note, text));
        }
        let new = self.next(book, stack, place, options)?;
        if !new.is_begun_by(self) {
            return Ok(Some(Refresh::Replaced(Arc::new(new))));
        }
        let mut stale = new.stale_since(self);
        let late = self.stack.frames.iter().enumerate().filter(|(_, page)| come_late.contains(&(**page as usize)));
        stale.extend(late.map(|(place, _)| self.chunks_of(place)));
        Ok(Some(Refresh::Changed { source: Arc::new(new), stale }))
    }

    /// The next state of this array: with axes of the same meaning, whatever a guess would make of its length now.
    fn next(&self, book: Book, stack: Stack, place: &Place, options: &OpenOptions) -> Result<Self, FormatError> {
        let (book, location) = (Arc::new(book), &self.info().location);
        let make = |options: &OpenOptions| Self::new(Arc::clone(&book), stack.clone(), location, options);
        let mut new = make(options)?;
        if new.info.axes != self.info.axes && new.stack.dims.len() == self.stack.dims.len() {
            new = make(&OpenOptions { axes: Some(self.info.axes_in_letters()), ..options.clone() })?;
        }
        Ok(new.at(place.clone(), options).of_stacks(self.num_stacks))
    }

    /// Whether every file is as it was, and none has come: nothing needs to be read for that.
    fn is_as_it_was(&self) -> bool {
        let volumes = self.book.volumes();
        let stamp = |volume: &Volume| {
            let location = volume.file.store.location(&volume.file.name);
            Some(Stamp::of(&std::fs::metadata(location.path()?).ok()?))
        };
        if volumes.iter().any(|volume| volume.stamp.is_none() || stamp(volume) != volume.stamp) {
            return false;
        }
        let Some((Place::Folder(folder, pattern), options)) = &self.place else {
            // Files that were not there may have come.
            return self.stack.absent.len() <= 1;
        };
        let cancel = &options.cancel;
        let names = store::tried(&**folder, "", cancel, &mut |until| folder.list("", until, cancel));
        let groups = numbers::numbered(&names.ok().flatten().unwrap_or_default());
        let group = groups.iter().find(|group| group.pattern == *pattern);
        group.is_some_and(|group| group.names.iter().eq(volumes.iter().map(|volume| &volume.file.name)))
    }

    /// Whether another state holds this one: the same array, perhaps longer.
    fn is_begun_by(&self, old: &Self) -> bool {
        let (a, b) = (&self.stack, &old.stack);
        let dims = |stack: &Stack| stack.dims.iter().map(|(letter, _)| *letter).collect::<Vec<_>>();
        let same_files = self.book.volumes().iter().zip(old.book.volumes()).all(|(new, old)| {
            let identity = |volume: &Volume| volume.stamp.map(|stamp| stamp.identity);
            new.file.name == old.file.name && identity(new) == identity(old) && new.texts == old.texts
        });
        same_files
            && self.book.volumes().len() >= old.book.volumes().len()
            && dims(a) == dims(b)
            && a.layout.is_like(&b.layout)
            && a.dims.iter().skip(1).eq(b.dims.iter().skip(1))
            && a.frames.len() >= b.frames.len()
            && a.layout.piece == b.layout.piece
    }

    /// Chunks of the old state that hold other data in this one.
    fn stale_since(&self, old: &Self) -> Vec<Range<u64>> {
        let is_rewritten = |number: u32| {
            let (Some((now, page, _)), Some((then, former, _))) =
                (self.book.page(number as usize), old.book.page(number as usize))
            else {
                return true;
            };
            // Written once more in place, at the same length: nothing of it is known to be as it was.
            let is_touched = now.stamp != then.stamp && now.file.num_bytes == then.file.num_bytes;
            page != former || is_touched
        };
        // A page that was still looked up is read by nobody before it is found, and stays as it was found; whoever
        // has waited in vain is told of it apart.
        let (then, now) = (&old.book.volumes()[0], &self.book.volumes()[0]);
        let is_only_found = |number: u32| {
            let was_looked_up = then.indexing.is_some() && number as usize >= then.index.pages.len();
            was_looked_up && then.stamp == now.stamp && (number as usize) < now.num_pages()
        };
        let mut stale: Vec<Range<u64>> = Vec::new();
        for (place, (new, former)) in self.stack.frames.iter().zip(old.stack.frames.iter()).enumerate() {
            let is_as_it_was = |number: u32| {
                number < FIRST_ABSENT
                    && (is_only_found(number) || old.book.is_complete(number as usize) && !is_rewritten(number))
            };
            if new == former && is_as_it_was(*new) {
                continue;
            }
            let range = self.chunks_of(place);
            match stale.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => stale.push(range),
            }
        }
        stale
    }
}

impl Growing for TiffSource {
    fn growth(&self) -> Growth {
        self.growth
    }

    fn refresh(&self, _hints: &[PathBuf]) -> Result<Refresh, FormatError> {
        if let Some(further) = self.look_further()? {
            return Ok(further);
        }
        // What lies afar is not asked again.
        if self.is_remote() || self.is_as_it_was() && growth_of(&self.book, &self.stack) == self.growth {
            return Ok(Refresh::Unchanged);
        }
        let new = match self.look_again() {
            Ok(Some(new)) => new,
            Ok(None) => return Ok(Refresh::Gone("the recording is gone".into())),
            Err(error) if error.code == FormatErrorCode::NotFound => return Ok(Refresh::Gone(error.message)),
            Err(error) => return Err(error),
        };
        let stamps = |source: &Self| source.book.volumes().iter().map(|volume| volume.stamp).collect::<Vec<_>>();
        if stamps(&new) == stamps(self) && new.growth == self.growth {
            return Ok(Refresh::Unchanged);
        }
        if !new.is_begun_by(self) {
            return Ok(Refresh::Replaced(Arc::new(new)));
        }
        let stale = new.stale_since(self);
        Ok(Refresh::Changed { source: Arc::new(new), stale })
    }

    fn searching(&self) -> Option<String> {
        let progress = self.book.indexing()?.progress();
        let found = progress.num_pages;
        let of = self.book.volumes()[0].claimed.map_or_else(String::new, |num| format!(" of {num}"));
        progress.is_under_way.then(|| format!("looking up its pages: {found}{of}"))
    }

    fn folder(&self) -> Option<PathBuf> {
        let path = self.info().location.path()?;
        match self.place.as_ref()?.0 {
            Place::Folder(..) => Some(path.to_owned()),
            Place::File => path.parent().map(ToOwned::to_owned),
        }
    }

    fn piece_times(&self, pieces: Range<usize>) -> Vec<Option<SystemTime>> {
        let volumes = self.book.volumes();
        let is_by_file = volumes.len() == self.info().num_blocks;
        let time = |piece: usize| {
            let volume = if is_by_file { volumes.get(piece) } else { volumes.last() };
            volume?.stamp?.modified
        };
        pieces.map(time).collect()
    }
}
