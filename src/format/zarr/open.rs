//! Opening one image or array of a Zarr hierarchy: which one, its resolutions, its channels, its facts.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::array::ZarrArray;
use super::entries::{Entry, Finder, What, described, location_of};
use super::node::{self, Node, join};
use super::ome::{self, Multiscale, OmeAxis, OmeroChannel};
use super::roles::{self, Scale};
use super::source::ZarrSource;
use crate::format::axes::{self, Axes};
use crate::format::look::{Kind, Look};
use crate::format::open::held_at;
use crate::format::store::{self, ByteStore, ZipStore};
use crate::format::tree::Shown;
use crate::format::{Channel, FormatError, FormatErrorCode, Growing, MAX_CHANNELS, OpenOptions, Opened, Source};
use crate::volume::{ArrayInfo, DType, Location, Problem, Severity, Shape, codes};

/// The files that mark a node of a hierarchy.
const MARKS: [&str; 5] = ["zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"];

/// A hierarchy and what the user wants of it.
struct Place<'a> {
    location: Location,
    store: Arc<dyn ByteStore>,
    /// The folder, where it lies in one of this machine.
    folder: Option<PathBuf>,
    options: &'a OpenOptions,
}

/// Opens a hierarchy by its folder, its archive, or the file that marks it.
pub fn open(look: &Look, options: &OpenOptions) -> Option<Result<Opened, FormatError>> {
    let (location, store) = match place(look, options)? {
        Ok(found) => found,
        Err(error) => return Some(Err(error)),
    };
    let folder = location.path().filter(|path| path.is_dir()).map(PathBuf::from);
    let place = Place { location, store, folder, options };
    match node::read(place.store.as_ref(), "", &options.cancel) {
        Ok(None) => None,
        Ok(Some(root)) => Some(place.open(&root)),
        Err(error) => Some(Err(error)),
    }
}

type Found = (Location, Arc<dyn ByteStore>);

/// Where a hierarchy could lie.
fn place(look: &Look, options: &OpenOptions) -> Option<Result<Found, FormatError>> {
    match &look.kind {
        Kind::Folder => Some(Ok((look.location.clone(), Arc::clone(&look.store)))),
        Kind::File { head, .. } if head.starts_with(b"PK\x03\x04") => {
            let archive = ZipStore::open(Arc::clone(&look.store), "", &options.cancel);
            Some(archive.map(|archive| (look.location.clone(), Arc::new(archive) as Arc<dyn ByteStore>)))
        }
        Kind::File { .. } => {
            let name = look.location.name().filter(|_| look.is_json())?;
            let folder = look.location.parent().filter(|_| MARKS.contains(&name.as_str()))?;
            Some(store::open(&folder, options).map(|store| (folder, store)))
        }
        Kind::Other => None,
    }
}

impl Place<'_> {
    fn open(&self, root: &Node) -> Result<Opened, FormatError> {
        let store = self.store.as_ref();
        let mut finder = Finder::new(store, &self.options.cancel);
        finder.find("", root)?;
        let chosen = self.choose(&mut finder)?;
        let (entries, failed, is_cut) = (finder.entries, finder.failed, finder.is_cut);
        let datasets = described(store, &entries, &self.options.cancel);
        let chosen = chosen.or_else(|| datasets.iter().position(|entry| !entry.is_no_image));
        let chosen = chosen.or((!entries.is_empty()).then_some(0));
        let Some((at, entry)) = chosen.and_then(|at| Some((at, entries.get(at)?))) else {
            return Err(failed.into_iter().next().unwrap_or_else(|| self.nothing()));
        };
        let mut problems = failed.iter().map(problem_of).collect::<Vec<_>>();
        if is_cut {
            let text = "holds more than was looked at; --dataset and a path open what is not listed";
            problems.push(Problem::of(codes::METADATA_VALUES, Severity::Note, &self.location, text.to_owned()));
        }
        let opened = self.open_entry(entry, entries.len() > 1, problems)?;
        Ok(Opened { datasets, chosen: at, ..opened })
    }

    fn nothing(&self) -> FormatError {
        FormatError::new(&self.location, "is a Zarr group that holds no array")
    }

    /// Position of what the user asked for. A well becomes its fields.
    fn choose(&self, finder: &mut Finder<'_>) -> Result<Option<usize>, FormatError> {
        let mut chosen = match self.options.dataset.as_deref() {
            None => finder.entries.iter().position(|entry| !entry.is_label),
            Some(wanted) => Some(self.named(finder, wanted)?),
        };
        let well = chosen.filter(|&at| finder.entries.get(at).is_some_and(|entry| entry.what == What::Well));
        if let Some(at) = well {
            let path = finder.entries[at].path.clone();
            self.find_below(finder, &path, at)?;
            let is_gone = finder.entries.get(at).is_none_or(|entry| entry.what == What::Well);
            if is_gone {
                let text = "the plate names this well, and it holds no image";
                return Err(FormatError::new(self.store.location(&path), text));
            }
            chosen = Some(at);
        }
        // What is an image is told by their arrays, once those were described.
        let is_asked = self.options.dataset.is_some() || well.is_some();
        Ok(chosen.filter(|_| is_asked))
    }

    /// Puts what lies below a path in the place of the entry there.
    fn find_below(&self, finder: &mut Finder<'_>, path: &str, at: usize) -> Result<(), FormatError> {
        let Some(node) = node::read(self.store.as_ref(), path, &self.options.cancel)? else { return Ok(()) };
        let before = std::mem::take(&mut finder.entries);
        finder.find(path, &node)?;
        let found = std::mem::replace(&mut finder.entries, before);
        if !found.is_empty() {
            let end = (at + 1).min(finder.entries.len());
            finder.entries.splice(at..end, found);
        }
        Ok(())
    }

    fn named(&self, finder: &mut Finder<'_>, wanted: &str) -> Result<usize, FormatError> {
        let path = wanted.trim_matches('/');
        let of_name = finder.entries.iter().position(|entry| entry.name == wanted);
        let found = of_name.or_else(|| finder.entries.iter().position(|entry| entry.path == path));
        if let Some(at) = found {
            return Ok(at);
        }
        // A field of a well, a single resolution, what is beyond what was looked at.
        let at = finder.entries.len();
        self.find_below(finder, path, at)?;
        let first = finder.entries.get(at);
        first.map(|_| at).ok_or_else(|| {
            let names = finder.entries.iter().map(|entry| entry.name.as_str());
            FormatError::no_dataset(&self.location, wanted, names)
        })
    }

    fn open_entry(&self, entry: &Entry, is_one_of_many: bool, problems: Vec<Problem>) -> Result<Opened, FormatError> {
        let store = self.store.as_ref();
        let node = node::read(store, &entry.path, &self.options.cancel)?;
        let node = node.ok_or_else(|| FormatError::new(location_of(store, entry), "is not there any more"))?;
        let image = Image { place: self, entry, problems, is_one_of_many, version: self.words(&node) };
        match &entry.what {
            What::Image(multiscale) => image.open_levels(&node, multiscale),
            _ => image.open_array(node),
        }
    }

    /// The format in words.
    fn words(&self, node: &Node) -> String {
        let ome = ome::of(node);
        match ome.contains_key("multiscales") {
            true => format!("OME-Zarr {}", ome::version(ome)).trim_end().to_owned(),
            false => format!("Zarr {}", node.version),
        }
    }

    /// The array of a node.
    fn array(&self, node: Option<Node>, path: &str) -> Result<ZarrArray, FormatError> {
        let location = self.store.location(path);
        let Some(node) = node else {
            return Err(FormatError::new(location, "the metadata name this array, and it is not there"));
        };
        let extent = node.array.as_ref().and_then(|array| array.get("shape")).and_then(Value::as_array);
        // A writer that makes its array longer with each timepoint begins with none.
        let is_begun = extent.is_some_and(|extent| extent.iter().any(|len| len.as_u64() == Some(0)));
        ZarrArray::new(&node, path).map_err(|text| match is_begun {
            true => FormatError::beginning(location, text, "its first timepoint"),
            false => FormatError::new(location, text),
        })
    }
}

/// One image that is being opened.
struct Image<'a> {
    place: &'a Place<'a>,
    entry: &'a Entry,
    problems: Vec<Problem>,
    is_one_of_many: bool,
    version: String,
}

impl Image<'_> {
    fn open_levels(mut self, node: &Node, multiscale: &Multiscale) -> Result<Opened, FormatError> {
        let paths: Vec<String> = multiscale.levels.iter().map(|level| join(&self.entry.path, &level.path)).collect();
        let mut arrays = self.read_all(&paths).into_iter();
        let finest = arrays.next().ok_or_else(|| self.place.nothing())??;
        let (shape, dtype) = (finest.shape, finest.dtype);
        let axes = self.axes(&finest, &multiscale.axes)?;
        let kept = self.fitting(&axes, &finest, arrays.zip(&paths[1..]).collect());
        let resolutions = 1 + kept.len();
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        let mut growing = None;
        for (i, array) in std::iter::once((0, finest)).chain(kept) {
            let level = multiscale.levels.get(i).and_then(|level| level.scale.as_deref());
            let scale = self.scale(&axes, &multiscale.axes, level.filter(|scale| scale.len() == shape.rank()));
            let problems = if i == 0 { std::mem::take(&mut self.problems) } else { Vec::new() };
            let info = self.info(&axes, &scale, &array, (i, resolutions));
            let source = ZarrSource::new(info, array, Arc::clone(&self.place.store), problems);
            if i > 0 {
                sources.push(Arc::new(source));
                continue;
            }
            let (finest, follows) = self.shared(source);
            sources.push(finest);
            growing = follows;
        }
        let told = ome::channels(ome::of(node));
        let channels = channels(told, &axes, &shape, dtype, &sources, growing.as_ref());
        let source = sources.remove(0);
        Ok(Opened { levels: sources, channels, ..Opened::of(source, growing) })
    }

    fn open_array(mut self, node: Node) -> Result<Opened, FormatError> {
        let array = self.place.array(Some(node), &self.entry.path)?;
        let axes = self.axes(&array, &[])?;
        let info = self.info(&axes, &Scale::default(), &array, (0, 1));
        let problems = std::mem::take(&mut self.problems);
        let (source, growing) = self.shared(ZarrSource::new(info, array, Arc::clone(&self.place.store), problems));
        Ok(Opened::of(source, growing))
    }

    /// A source, and the same where it may be followed.
    fn shared(&self, source: ZarrSource) -> Shown {
        let Some(root) = &self.place.folder else { return (Arc::new(source), None) };
        let dataset = Some(self.entry.name.clone()).filter(|_| self.is_one_of_many);
        let dataset = self.place.options.dataset.clone().or(dataset);
        let source = Arc::new(source.at(root.clone(), &OpenOptions { dataset, ..self.place.options.clone() }));
        (Arc::clone(&source) as Arc<dyn Source>, Some(source))
    }

    /// The arrays of several paths, at once where asking waits.
    fn read_all(&self, paths: &[String]) -> Vec<Result<ZarrArray, FormatError>> {
        let store = self.place.store.as_ref();
        let read = |path: &String| {
            let node = node::read(store, path, &self.place.options.cancel)?;
            self.place.array(node, path)
        };
        if !store.is_remote() {
            return paths.iter().map(read).collect();
        }
        std::thread::scope(|scope| {
            let reading: Vec<_> = paths.iter().map(|path| (path, scope.spawn(move || read(path)))).collect();
            let join = |(path, thread): (&String, std::thread::ScopedJoinHandle<'_, _>)| {
                let lost = || FormatError::new(store.location(path), "reading its metadata failed");
                thread.join().unwrap_or_else(|_| Err(lost()))
            };
            reading.into_iter().map(join).collect()
        })
    }

    /// The coarser resolutions that are ones of the finest, each with its place in the list; the others are
    /// named.
    fn fitting(
        &mut self,
        axes: &Axes,
        finest: &ZarrArray,
        arrays: Vec<(Result<ZarrArray, FormatError>, &String)>,
    ) -> Vec<(usize, ZarrArray)> {
        let mut kept: Vec<(usize, ZarrArray)> = Vec::new();
        for (i, (array, path)) in arrays.into_iter().enumerate() {
            let before = kept.last().map_or(finest, |(_, array)| array);
            let wrong = match &array {
                Ok(array) => misfit(axes, before, array).err(),
                Err(error) => Some(error.message.clone()),
            };
            match (wrong, array) {
                (None, Ok(array)) => kept.push((i + 1, array)),
                (wrong, _) => {
                    let text = format!("this resolution is left out: {}", wrong.unwrap_or_default());
                    let file = self.place.store.location(path);
                    self.problems.push(Problem::of(codes::METADATA_CONTRADICTS, Severity::Warning, &file, text));
                }
            }
        }
        kept
    }

    /// What the axes are: as the user says, or by OME metadata, or by the names of the array, or guessed.
    fn axes(&mut self, array: &ZarrArray, named: &[OmeAxis]) -> Result<Axes, FormatError> {
        let rank = array.shape.rank();
        let of_ome = if named.len() == rank { roles::named(named) } else { None };
        let location = self.place.location.clone();
        if of_ome.is_none() && !named.is_empty() {
            let names = named.iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>().join(", ");
            let text = format!("the axes of the metadata ({names}) are not those of the array {}", array.shape);
            self.problems.push(Problem::of(codes::METADATA_CONTRADICTS, Severity::Warning, &location, text));
        }
        let of_array = || {
            let names: Vec<OmeAxis> = array.axis_names.as_ref()?.iter().map(|name| axis(name.as_deref())).collect();
            roles::named(&names)
        };
        let of_version = || roles::unnamed_ome(rank).filter(|_| matches!(self.entry.what, What::Image(_)));
        let known = of_ome.or_else(of_array).or_else(of_version);
        let names = [self.stem(), array.path.clone()];
        let names = names.each_ref().map(String::as_str);
        let hints = axes::Hints { names: &names, dtype: array.dtype, num_blocks: 1, resolution: None };
        let told = self.place.options.axes.as_deref();
        let others = || known.map_or_else(|| axes::guess(&array.shape, &hints), |axes| (axes, None));
        let (axes, note) = Axes::told_or(told, &array.shape, others)
            .map_err(|error| FormatError::new(&location, error).with_code(FormatErrorCode::WrongOption))?;
        if let Some(message) = note {
            self.problems.push(Problem::of(codes::AXES_GUESSED, Severity::Note, &location, message));
        }
        Ok(axes)
    }

    fn scale(&self, axes: &Axes, named: &[OmeAxis], lengths: Option<&[f64]>) -> Scale {
        lengths
            .filter(|_| named.len() == axes.names.len())
            .map(|lengths| Scale::new(axes, named, lengths))
            .unwrap_or_default()
    }

    /// The name of the place without what says that it is Zarr.
    fn stem(&self) -> String {
        let name = self.place.location.short();
        let mut stem = name.as_str();
        for ending in [".zip", ".ozx", ".zarr", ".ome"] {
            stem = stem.strip_suffix(ending).filter(|stem| !stem.is_empty()).unwrap_or(stem);
        }
        stem.to_owned()
    }

    fn info(&self, axes: &Axes, scale: &Scale, array: &ZarrArray, (level, resolutions): (usize, usize)) -> ArrayInfo {
        let name = match self.is_one_of_many {
            true => format!("{} {}", self.stem(), self.entry.name),
            false => self.stem(),
        };
        let mut facts = Vec::new();
        let mut fact = |label: &str, value: String| facts.push((label.to_owned(), value));
        if !array.path.is_empty() {
            fact("Array", array.path.clone());
        }
        fact("Stored", array.stored_in_words());
        let fill = array.fill_in_words();
        fact(
            "Not stored",
            match self.place.folder {
                Some(_) => format!("has the fill value {fill}"),
                // Afar that would be a question for each chunk.
                None => format!("has the fill value {fill}; how many chunks that are was not looked up"),
            },
        );
        if resolutions > 1 {
            fact("Resolution", format!("{} of {resolutions}", level + 1));
        }
        if let Some(words) = &scale.not_understood {
            fact("Scale", words.clone());
        }
        ArrayInfo {
            axes: axes.names.clone(),
            channel_axis: axes.channel,
            held: axes.held.clone(),
            axes_from: axes.from.clone(),
            voxel_size: scale.voxel_size,
            rate_hz: scale.rate_hz,
            facts,
            ..ArrayInfo::new(name, &self.place.location, &self.version, array.shape, array.dtype)
        }
    }
}

fn axis(name: Option<&str>) -> OmeAxis {
    OmeAxis { name: name.unwrap_or_default().to_owned(), ..OmeAxis::default() }
}

/// Why an array is no coarser resolution of another.
fn misfit(axes: &Axes, finer: &ZarrArray, coarser: &ZarrArray) -> Result<(), String> {
    let what = || format!("{} {} beside {} {}", coarser.shape, coarser.dtype, finer.shape, finer.dtype);
    let ([t, rest @ ..], [coarse_t, coarse @ ..]) =
        (roles::view(axes, &finer.shape), roles::view(axes, &coarser.shape));
    let is_same_elsewhere = finer.shape.rank() == coarser.shape.rank()
        && finer.dtype == coarser.dtype
        && t == coarse_t
        && (0..finer.shape.rank())
            .filter(|&i| axes.names.get(i).copied().flatten().is_none())
            .all(|i| finer.shape.dims()[i] == coarser.shape.dims()[i]);
    if !is_same_elsewhere {
        return Err(format!("it is another array ({})", what()));
    }
    let shrinks = rest.iter().zip(&coarse).all(|(fine, coarse)| (1..=*fine).contains(coarse)) && rest != coarse;
    if shrinks { Ok(()) } else { Err(format!("it is not coarser than the one before ({})", what())) }
}

/// What the metadata say of the channels, where they are those of the array.
fn channels(
    described: Vec<OmeroChannel>,
    axes: &Axes,
    shape: &Shape,
    dtype: DType,
    levels: &[Arc<dyn Source>],
    growing: Option<&Arc<dyn Growing>>,
) -> Vec<Channel> {
    let nameless: Vec<usize> = (0..shape.rank()).filter(|&i| axes.names[i].is_none()).collect();
    let Some((axis, at)) = axes.channel.and_then(|axis| Some((axis, nameless.iter().position(|&i| i == axis)?))) else {
        return Vec::new();
    };
    let num = shape.dims()[axis];
    if described.is_empty() || num > MAX_CHANNELS {
        return Vec::new();
    }
    let range = dtype.integer_range();
    let channel = |index: usize| {
        let channel = described.get(index).cloned().unwrap_or(OmeroChannel { is_active: true, ..Default::default() });
        Channel {
            name: channel.label.unwrap_or_else(|| format!("Channel {}", index + 1)),
            color: channel.color,
            // All of the type is what writers put who have not looked at the values.
            limits: channel.limits.filter(|limits| Some(*limits) != range),
            is_visible: channel.is_active,
            levels: levels.to_vec(),
            growing: growing.cloned(),
            held: held_at(&axes.held, nameless.len(), &[(at, index)]),
        }
    };
    (0..num).map(channel).collect()
}

fn problem_of(error: &FormatError) -> Problem {
    Problem::of(codes::METADATA_UNREADABLE, Severity::Warning, &error.file, error.message.as_str())
}
