//! From what a user gave to an open dataset: the table of formats.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::kinds::WHAT_TO_GIVE;
use super::look::Look;
use super::{Cancel, FormatError, FormatErrorCode, Growing, Source, split, zarr};
use crate::volume::{DType, Location};

/// What the user said beside the path.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Which array of several (`--dataset`).
    pub dataset: Option<String>,
    /// Prefix of a split dataset's block names (`--prefix`).
    pub prefix: Option<String>,
    /// Names of the axes, slowest first (`--axes tzyx`), where the file does not say or is wrong: c for one
    /// of channels, `_` or an index for one that is held there ("t,3,y,x").
    pub axes: Option<String>,
    /// Whether blocks that are perhaps left over from a former recording are left out
    /// (`--leave-out-suspects`); they are shown and marked otherwise.
    pub leave_out_suspects: bool,
    /// How many of the finest resolutions are left out; none without it.
    pub level: Option<usize>,
    /// How virtual datasets of HDF5 are put together.
    pub virtual_datasets: VirtualOptions,
    /// Abandons the opening.
    pub cancel: Cancel,
    /// Whether an opening may end before all of a recording was found, where the source goes on looking and tells
    /// of it as of growth ([`Growing::searching`]): for windows, which follow it.
    pub in_background: bool,
    /// The user's folder for what may be kept between openings (indices, bytes from afar); nothing is kept
    /// without one.
    pub cache: Option<PathBuf>,
    /// Room in that folder for what came from the network, in bytes; 0: none of it is kept.
    pub max_kept_bytes: u64,
    /// Hosts that files from elsewhere may refer to (`--allow-host`); what the user named himself is allowed.
    pub allowed_hosts: Vec<String>,
    /// How many files have led here, each naming the next: what leads in a ring ends.
    pub hops: u8,
}

/// How virtual datasets of HDF5 are put together, where that is a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualOptions {
    /// Folder in which their sources are looked for first (`--vds-prefix`); `${ORIGIN}` at its beginning stands for
    /// the folder of the virtual dataset.
    pub prefix: Option<String>,
    /// Whether one whose extent depends on its sources ends before the first index that one of them lacks
    /// (`--vds-first-missing`) rather than with the last that any of them holds.
    pub ends_at_first_missing: bool,
    /// How many numbered sources in a row may be absent before no more are looked for (`--vds-gap`).
    pub max_gap: usize,
}

impl OpenOptions {
    /// What holds for every opening of a run, whatever is opened.
    #[must_use]
    pub fn standing(&self) -> Self {
        let Self { cache, max_kept_bytes, allowed_hosts, .. } = self.clone();
        Self { cache, max_kept_bytes, allowed_hosts, ..Self::default() }
    }

    /// The same with what holds for every opening, where nothing of it was said for this one.
    #[must_use]
    pub fn or_standing(mut self, standing: &Self) -> Self {
        if self.cache.is_none() {
            self.cache = standing.cache.clone();
            self.max_kept_bytes = standing.max_kept_bytes;
        }
        if self.allowed_hosts.is_empty() {
            self.allowed_hosts = standing.allowed_hosts.clone();
        }
        self
    }

    /// Whether the opening has been abandoned.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// One array a path offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetEntry {
    /// What `--dataset` takes.
    pub name: String,
    /// Shape and type in words, for the picker.
    pub summary: String,
    /// Extent in its own axes, where it is known without opening it.
    pub shape: Vec<u64>,
    /// Storage type, where it is known.
    pub dtype: Option<DType>,
    /// Bytes it takes where it lies, where that is known.
    pub stored_bytes: Option<u64>,
    /// What it is stored with, in words: "gzip"; empty where nothing is, or it is not known.
    pub compression: String,
    /// Whether it cannot be meant as an image: traces, tables, labels of axes.
    pub is_no_image: bool,
}

/// Behind a name: the same array with its axes in the opposite order, as R and Fortran count them.
pub(super) const REVERSED: &str = "#reversed";

impl DatasetEntry {
    /// Its name as people read it.
    pub fn title(&self) -> Cow<'_, str> {
        match self.name.strip_suffix(REVERSED) {
            Some(name) => format!("{name}, axes in the opposite order").into(),
            None => Cow::Borrowed(&self.name),
        }
    }
}

/// One of several images that belong together, of the same extent: light of one colour.
#[derive(Clone)]
pub struct Channel {
    /// What the files call it, or "Channel 1".
    pub name: String,
    /// Its colour (red, green, blue), where the files say so.
    pub color: Option<[u8; 3]>,
    /// Contrast limits, where the files say so.
    pub limits: Option<[f64; 2]>,
    /// Whether the files want it shown at first.
    pub is_visible: bool,
    /// The array at its resolutions, the finest first. Channels may share them.
    pub levels: Vec<Arc<dyn Source>>,
    /// The finest one where it can grow.
    pub growing: Option<Arc<dyn Growing>>,
    /// At which index each of the array's axes beyond t, z, y and x is held, in their order.
    pub held: Vec<usize>,
}

/// An open dataset and its siblings.
pub struct Opened {
    /// The array.
    pub source: Arc<dyn Source>,
    /// The same array where it can grow, for [`crate::live::Watcher`].
    pub growing: Option<Arc<dyn Growing>>,
    /// The same array in coarser resolutions, the finer ones first.
    pub levels: Vec<Arc<dyn Source>>,
    /// The images that are shown together, `source` among them; fewer than two: it is shown alone. A source
    /// with a [`crate::volume::ArrayInfo::channel_axis`] gets them from [`open()`], unless its format made
    /// them itself.
    pub channels: Vec<Channel>,
    /// Every array the path offers, `source` among them.
    pub datasets: Vec<DatasetEntry>,
    /// Index of `source` in `datasets`.
    pub chosen: usize,
}

/// At which index each of `num` axes beyond t, z, y and x is held: as these are, but for some given by their place
/// among them.
pub(super) fn held_at(held: &[usize], num: usize, others: &[(usize, usize)]) -> Vec<usize> {
    let mut held = held.to_vec();
    held.resize(num, 0);
    others.iter().for_each(|&(place, index)| held[place] = index);
    held
}

impl Opened {
    /// The only array of its path, in one resolution.
    pub fn of(source: Arc<dyn Source>, growing: Option<Arc<dyn Growing>>) -> Self {
        Self { source, growing, levels: Vec::new(), channels: Vec::new(), datasets: Vec::new(), chosen: 0 }
    }

    /// Name of the array among several of its path; `None` for the only one.
    pub fn chosen_name(&self) -> Option<&str> {
        self.datasets.get(self.chosen).filter(|_| self.datasets.len() > 1).map(|entry| entry.name.as_str())
    }

    /// The array and those of its channels that lie elsewhere, each once.
    pub fn sources(&self) -> Vec<&Arc<dyn Source>> {
        let mut found = vec![&self.source];
        for source in self.channels.iter().filter_map(|channel| channel.levels.first()) {
            if !found.iter().any(|known| Arc::ptr_eq(known, source)) {
                found.push(source);
            }
        }
        found
    }

    /// The same with a coarser resolution as the finest, which does not grow.
    ///
    /// # Errors
    /// When there are not so many.
    fn at_level(mut self, level: usize) -> Result<Self, FormatError> {
        if level == 0 {
            return Ok(self);
        }
        let channels = self.channels.iter().map(|channel| channel.levels.len());
        let num = channels.chain([1 + self.levels.len()]).min().unwrap_or(1);
        if level >= num {
            let there = if num == 1 { "one resolution".to_owned() } else { format!("levels 0 to {}", num - 1) };
            let error = FormatError::new(
                self.source.info().location.clone(),
                format!("there is no level {level}: it has {there}"),
            );
            return Err(error.with_code(FormatErrorCode::WrongOption));
        }
        self.source = self.levels.drain(..level).next_back().unwrap_or(self.source);
        self.growing = None;
        for channel in &mut self.channels {
            channel.levels.drain(..level);
            channel.growing = None;
        }
        Ok(self)
    }

    /// With the channels that its channel axis gives it, where nobody has made them.
    fn with_channels(mut self) -> Self {
        let info = Arc::clone(self.source.info());
        let Some(axis) = info.channel_axis.filter(|_| self.channels.is_empty()) else { return self };
        let nameless = (0..info.shape.rank()).filter(|&i| info.axes.get(i).copied().flatten().is_none());
        let nameless: Vec<usize> = nameless.collect();
        let (num, Some(at)) = (info.shape.dims()[axis], nameless.iter().position(|&i| i == axis)) else { return self };
        if !(2..=MAX_CHANNELS).contains(&num) {
            return self;
        }
        let levels: Vec<_> = std::iter::once(&self.source).chain(&self.levels).cloned().collect();
        let channel = |index: usize| Channel {
            name: format!("Channel {}", index + 1),
            color: None,
            limits: None,
            is_visible: true,
            levels: levels.clone(),
            growing: self.growing.clone(),
            held: held_at(&info.held, nameless.len(), &[(at, index)]),
        };
        self.channels = (0..num).map(channel).collect();
        self
    }
}

/// More indices of an axis than this are no channels.
pub const MAX_CHANNELS: usize = 16;

/// A format.
struct Format {
    /// Opens what was looked at; `None` where that is not of this format, by what it holds.
    open: fn(&Look, &OpenOptions) -> Option<Result<Opened, FormatError>>,
}

/// The formats, in the order they are asked: the first that knows what was looked at opens it. A new one
/// gets a line here. Those whose folders are marked by a file come first: a folder that no format knows is
/// for split datasets, which look for blocks in the folders below it.
const FORMATS: &[Format] = &[
    Format { open: zarr::open },
    Format { open: super::tiff::open },
    Format { open: super::npy::open },
    Format { open: super::lindi::open },
    Format { open: split::open },
    Format { open: super::nwb::open },
    Format { open: super::plain::open },
];

/// Opens a folder, its parent, a file, or what lies behind a URL: by what is there, not by what it is
/// called. Blocks; never writes.
///
/// # Errors
/// When nothing can be viewed: the message names the file, what is wrong and what to do.
pub fn open(location: impl Into<Location>, options: &OpenOptions) -> Result<Opened, FormatError> {
    let location = location.into();
    let look = Look::at(&location, options)?;
    let opened = FORMATS.iter().find_map(|format| (format.open)(&look, options));
    let opened = opened.unwrap_or_else(|| {
        let text = format!("{}; {WHAT_TO_GIVE}", look.in_words());
        Err(FormatError::new(location, text).with_code(FormatErrorCode::OtherFormat))
    })?;
    opened.with_channels().at_level(options.level.unwrap_or(0))
}

/// Opens an HDF5 file as a recording of its own, whatever its neighbours are: by its name it may be one block of
/// many. What is no HDF5 file is opened as by [`open()`]. Blocks.
///
/// # Errors
/// As [`open()`].
pub fn open_alone(location: impl Into<Location>, options: &OpenOptions) -> Result<Opened, FormatError> {
    let location = location.into();
    let look = Look::at(&location, options)?;
    let opened = super::nwb::open(&look, options).or_else(|| super::plain::open(&look, options));
    match opened {
        Some(opened) => opened?.with_channels().at_level(options.level.unwrap_or(0)),
        None => open(location, options),
    }
}

/// Most files that lead from one to the next.
const MAX_HOPS: u8 = 8;

/// Opens what a file that is being opened names. Blocks.
///
/// # Errors
/// As [`open()`], and when more files lead to one another than anybody means.
pub(super) fn open_linked(location: &Location, options: &OpenOptions) -> Result<Opened, FormatError> {
    if options.hops >= MAX_HOPS {
        let text = format!("more than {MAX_HOPS} files lead from one to the next, perhaps in a ring");
        return Err(FormatError::new(location, text));
    }
    // Whoever opened the first of them leaves out what is to be left out.
    open(location, &OpenOptions { hops: options.hops + 1, level: None, in_background: false, ..options.clone() })
}

/// The folder whose changes tell of a recording that is expected at a location. Asks the disk.
pub fn expected_in(location: &Location) -> Option<PathBuf> {
    location.path().map(split::expected_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_another_kind_is_refused_by_its_name() {
        for url in ["gs://bucket/fish.zarr", "smb://host/fish"] {
            let error = open(url, &OpenOptions::default()).err().unwrap();
            assert_eq!(error.file, Location::parse(url));
            let scheme = url.split(':').next().unwrap();
            assert!(error.to_string().starts_with(&format!("{url}: {scheme}:// is not read")), "{error}");
            assert_eq!(error.code, FormatErrorCode::NoStore, "nothing will appear there");
        }
    }

    fn fixture(name: &str) -> PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split").join(name)
    }

    fn copied(from: &str, to: &std::path::Path) {
        std::fs::copy(fixture(from), to).unwrap();
    }

    #[test]
    fn a_file_is_opened_by_what_it_holds_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fish.dat");
        copied("g_single_files/data/array.h5", &file);
        let opened = open(&file, &OpenOptions::default()).unwrap();
        assert_eq!((opened.source.info().format.as_str(), opened.source.info().name.as_str()), ("HDF5 file", "fish"));
        // Behind a user block of 1024 bytes.
        let behind = folder.path().join("behind");
        let stored = std::fs::read(fixture("g_single_files/data/array.h5")).unwrap();
        std::fs::write(&behind, [vec![b' '; 1024], stored].concat()).unwrap();
        assert!(Look::at(&behind.into(), &OpenOptions::default()).unwrap().is_hdf5());
        // Metadata of another name lead to the blocks beside them.
        for name in ["0000.h5", "0001.h5"] {
            copied(&format!("a_4d_default/data/{name}"), &folder.path().join(name));
        }
        let claim = folder.path().join("what the rig said");
        copied("a_4d_default/data/stack_metadata.json", &claim);
        assert!(open(&claim, &OpenOptions::default()).unwrap().growing.is_some());
    }

    #[test]
    fn what_is_no_recording_is_refused_by_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, word) in [
            ("notes.h5", &b"plane 3 is out of focus\n"[..], "is text"),
            ("umlaut.h5", "Größe: 3 µm".as_bytes(), "is text"),
            ("mean.hdf5", b"\x93NUMPY\x01\0", "is no numpy array of numbers"),
            ("empty.h5", b"", "is empty"),
            ("copying.h5", &[0; 5000], "begins with zeros"),
            ("noise.h5", &[0xfe; 5000], "is not HDF5"),
            ("noise.dat", &[0xfe; 5000], "is of no format"),
            ("settings.json", b"{\"a\": 1}", "is JSON"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = open(&path, &OpenOptions::default()).err().unwrap();
            assert!(error.message.starts_with(word), "{error}");
            assert_eq!((error.file, error.code), (path.into(), FormatErrorCode::OtherFormat));
        }
    }

    #[test]
    fn an_axis_is_of_channels_or_held_where_the_user_says_so() {
        let of = |axes: &str| {
            let options = OpenOptions { axes: Some(axes.to_owned()), ..OpenOptions::default() };
            open(fixture("a_4d_default/data"), &options).map_err(|error| error.code)
        };
        let opened = of("tcyx").unwrap();
        let num_planes = opened.source.info().shape.dims()[1];
        assert_eq!(opened.channels.len(), num_planes);
        assert!(opened.channels.iter().enumerate().all(|(i, channel)| channel.held == [i]));
        let opened = of("t2yx").unwrap();
        assert!(opened.channels.is_empty());
        assert_eq!(
            (opened.source.info().held.as_slice(), opened.source.info().axes_in_letters().as_str()),
            (&[2][..], "t,2,y,x")
        );
        assert_eq!(of("t99yx").err(), Some(FormatErrorCode::WrongOption));
    }
}
