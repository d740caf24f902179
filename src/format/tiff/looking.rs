//! A file with its pages: how it begins, its index (kept, made now, or made further in the background), the texts of
//! its first page; and the same of one that has grown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::book::Volume;
use super::ifd::{Ask, Directory, Header, TiffFile};
use super::index::{End, Index};
use super::indexing::Indexing;
use super::levels::SUB_DIRECTORIES;
use super::said::Texts;
use super::{kept, lsm, ome};
use crate::format::hdf5::Stamp;
use crate::format::store::{self, ByteStore};
use crate::format::{FormatError, FormatErrorCode, OpenOptions};

/// A file with its pages and the texts of the first of them. `former` is what was known of it before: where the
/// file has only grown, what is new is looked at.
pub fn look_into(
    store: Arc<dyn ByteStore>,
    name: String,
    header: Header,
    former: Option<&Volume>,
    options: &OpenOptions,
) -> Result<Volume, FormatError> {
    look_within(store, name, header, (former, None), options)
}

/// As [`look_into`]; where a time is given, pages that are not found within it may come later.
pub fn look_within(
    store: Arc<dyn ByteStore>,
    name: String,
    header: Header,
    (former, at_first): (Option<&Volume>, Option<Duration>),
    options: &OpenOptions,
) -> Result<Volume, FormatError> {
    let location = store.location(&name);
    let cancel = &options.cancel;
    let stamp = location.path().and_then(|path| std::fs::metadata(path).ok()).map(|metadata| Stamp::of(&metadata));
    let info = store::tried(&*store, &name, cancel, &mut |until| store.head(&name, until, cancel))?;
    let info = info.ok_or_else(|| FormatError::new(&location, "is gone").with_code(FormatErrorCode::NotFound))?;
    let file = TiffFile { store, name, num_bytes: info.num_bytes, header };
    if let Some(former) = former
        && let Some(grown) = grown(former, &file, stamp, options)?
    {
        return Ok(grown);
    }
    let version = info.version.as_deref();
    let index = match kept::recall(&file, version, options) {
        Some(index) => index,
        None => {
            let mut index = Index::begun(&file);
            index.follow(&file, at_first.map(|time| Instant::now() + time), cancel)?;
            kept::keep(&file, version, &index, options);
            index
        }
    };
    if index.pages.is_empty() {
        let why = match &index.end {
            End::Damaged(why) => format!("is a TIFF file whose first page is damaged: {why}"),
            _ => "is a TIFF file without a page: cut off, or not written yet".to_owned(),
        };
        return Err(FormatError::new(location, why));
    }
    let texts = texts_of(&file, options)?;
    let (index, indexing) = go_on(&file, index, &texts, info.version, options)?;
    let (texts, has_directories) = (Arc::new(texts), true);
    Ok(Volume { file, index, stamp, texts, has_directories, indexing, claimed: None })
}

/// An index whose end was not found yet goes on in the background, where the recording can be shown without it;
/// otherwise its end is looked for now.
fn go_on(
    file: &TiffFile,
    mut index: Index,
    texts: &Texts,
    version: Option<Arc<str>>,
    options: &OpenOptions,
) -> Result<(Arc<Index>, Option<Arc<Indexing>>), FormatError> {
    if index.end != End::Open {
        return Ok((Arc::new(index), None));
    }
    if is_shown_without_its_end(file, &index, texts, options)? {
        match Indexing::start(file, index, version.clone(), options) {
            Ok(indexing) => return Ok((indexing.seen(), Some(indexing))),
            Err(back) => index = back,
        }
    }
    index.follow(file, None, &options.cancel)?;
    kept::keep(file, version.as_deref(), &index, options);
    Ok((Arc::new(index), None))
}

/// Whether a file can be shown before all of its pages are known: not where they have smaller ones, are those of
/// several images, or are in several files.
fn is_shown_without_its_end(
    file: &TiffFile,
    index: &Index,
    texts: &Texts,
    options: &OpenOptions,
) -> Result<bool, FormatError> {
    let (Some(first), cancel) = (index.pages.first(), &options.cancel) else { return Ok(false) };
    let Ok(layout) = index.layout(first) else { return Ok(false) };
    let ome = ome::parse(&texts.description);
    let own = file.store.location(&file.name).name().unwrap_or_default();
    if ome.is_some_and(|ome| ome.is_ok_and(|ome| ome.one_image(&own, layout.samples).is_none())) {
        return Ok(false);
    }
    let directory =
        store::tried(&*file.store, &file.name, cancel, &mut |until| file.directory(first.at, Ask { until, cancel }))?;
    let needs_all =
        |directory: &Directory| [SUB_DIRECTORIES, lsm::INFO].iter().any(|tag| directory.entry(*tag).is_some());
    Ok(directory.is_ok_and(|directory| !needs_all(&directory)))
}

/// The texts of a file's first page.
fn texts_of(file: &TiffFile, options: &OpenOptions) -> Result<Texts, FormatError> {
    let cancel = &options.cancel;
    store::tried(&*file.store, &file.name, cancel, &mut |until| {
        let ask = Ask { until, cancel };
        match file.directory(file.header.first, ask)? {
            Ok(directory) => Texts::of(file, &directory, ask),
            Err(_) => Ok(Texts::default()),
        }
    })
}

/// A file that has grown since it was looked into; `None` where it may be another one.
fn grown(
    former: &Volume,
    file: &TiffFile,
    stamp: Option<Stamp>,
    options: &OpenOptions,
) -> Result<Option<Volume>, FormatError> {
    let (Some(then), Some(now)) = (former.stamp, stamp) else { return Ok(None) };
    if then.identity != now.identity || former.file.header != file.header {
        return Ok(None);
    }
    let is_untouched = then == now;
    if !is_untouched && (now.num_bytes <= then.num_bytes || texts_of(file, options)? != *former.texts) {
        return Ok(None);
    }
    let mut volume = Volume { file: file.clone(), stamp, ..former.clone() };
    if !is_untouched && former.has_directories {
        let mut index = Index::clone(&former.index);
        index.go_on(file, &options.cancel)?;
        (volume.index, volume.indexing) = (Arc::new(index), None);
    } else if !is_untouched {
        return Ok(None);
    }
    Ok(Some(volume))
}

/// The header of a file; `None` where it is no TIFF file, or not there.
pub fn header_of(store: &dyn ByteStore, name: &str, options: &OpenOptions) -> Result<Option<Header>, FormatError> {
    let cancel = &options.cancel;
    store::tried(store, name, cancel, &mut |until| {
        let Some(info) = store.head(name, until, cancel)? else { return Ok(None) };
        let range = 0..info.num_bytes.min(16);
        let head = store.ranges(name, &[range], until, cancel)?;
        Ok(head.and_then(|mut head| head.pop()).and_then(|head| Header::of(&head)))
    })
}
