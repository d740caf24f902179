//! OME-XML: which page of which file is which plane of which image, and what is known of it.

use std::collections::HashMap;
use std::sync::Arc;

use roxmltree::{Document, Node, ParsingOptions};

use super::book::Book;
use super::layout::Layout;
use super::said::SaidChannel;
use super::stack::{MAX_PLANES, Stack, num_places};
use crate::format::units;
use crate::volume::{Severity, codes};

/// Elements of an XML text; more is taken for damage.
const MAX_NODES: u32 = 8 << 20;
/// Axes within axes, and their labels, that are told.
const MAX_FOLDED: usize = 64;
/// Images of one file that are offered.
const MAX_IMAGES: usize = 4096;

/// What the XML says.
#[derive(Debug, Default)]
pub struct Ome {
    /// Which of the files the XML stands in.
    uuid: Option<String>,
    /// Where it stands instead, where this file has only a hint.
    pub elsewhere: Option<String>,
    images: Vec<Image>,
    /// What else is counted along its axes, in words.
    folded: Vec<(String, String)>,
}

/// One image.
#[derive(Debug)]
struct Image {
    name: String,
    /// What its planes count, slowest first.
    dims: Vec<(char, usize)>,
    extent: [usize; 2],
    planes: Vec<Planes>,
    channels: Vec<SaidChannel>,
    spacing_um: [Option<f64>; 3],
    interval_s: Option<f64>,
    /// When the first plane of each timepoint was taken.
    times_s: Option<Arc<[f64]>>,
}

/// Pages of one file that follow one another.
#[derive(Debug, Default)]
struct Planes {
    uuid: Option<String>,
    file: Option<String>,
    ifd: usize,
    /// The first of them, by the letters of the dimensions.
    first: Vec<(char, usize)>,
    /// How many; `None` for all that the file has.
    num: Option<usize>,
}

/// Reads the XML of a description; `None` where it is none of OME.
///
/// # Errors
/// Why it makes no sense.
pub fn parse(text: &str) -> Option<Result<Ome, String>> {
    let text = text.trim();
    if !text.starts_with('<') || !text.get(..text.len().min(4096)).unwrap_or(text).contains("<OME") {
        return None;
    }
    Some(read(text))
}

fn read(text: &str) -> Result<Ome, String> {
    // No document types: an entity of a few bytes could stand for gigabytes.
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| format!("its OME-XML is damaged: {error}"))?;
    let root = document.root_element();
    let mut ome = Ome { uuid: root.attribute("UUID").map(str::to_owned), ..Ome::default() };
    for node in children(root, "BinaryOnly") {
        ome.elsewhere = node.attribute("MetadataFile").map(str::to_owned);
    }
    ome.folded = root.descendants().filter(Node::is_element).filter_map(folded).take(MAX_FOLDED).collect();
    for node in children(root, "Image").take(MAX_IMAGES) {
        for pixels in children(node, "Pixels") {
            let name = node.attribute("Name").or(node.attribute("ID")).unwrap_or("image");
            ome.images.push(image(name, pixels)?);
        }
    }
    Ok(ome)
}

fn children<'a, 'input>(node: Node<'a, 'input>, name: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn number<T: std::str::FromStr>(node: Node<'_, '_>, name: &str) -> Option<T> {
    node.attribute(name)?.trim().parse().ok()
}

/// What is counted along z, t or c besides: angles, lifetimes, phases, which OME folds into one of them.
fn folded(node: Node<'_, '_>) -> Option<(String, String)> {
    let axis = node.tag_name().name().strip_prefix("ModuloAlong").filter(|axis| axis.len() == 1)?;
    let what = node.attribute("TypeDescription").or(node.attribute("Type")).unwrap_or("something else");
    let unit = node.attribute("Unit").map(|unit| format!(" {unit}")).unwrap_or_default();
    let labels: Vec<&str> = children(node, "Label").take(MAX_FOLDED).filter_map(|label| label.text()).collect();
    let range = match (node.attribute("Start"), node.attribute("End")) {
        _ if !labels.is_empty() => format!(": {}", labels.join(", ")),
        (Some(start), Some(end)) => {
            let step = node.attribute("Step").map(|step| format!(" in steps of {step}")).unwrap_or_default();
            format!(" from {start} to {end}{unit}{step}")
        }
        _ => String::new(),
    };
    Some((
        format!("Counted along {} too", axis.to_lowercase()),
        format!("{what}{range}; shown in the order of the file"),
    ))
}

fn image(name: &str, pixels: Node<'_, '_>) -> Result<Image, String> {
    let order = pixels.attribute("DimensionOrder").unwrap_or("XYZCT");
    let size = |letter: char| {
        number::<usize>(pixels, &format!("Size{letter}"))
            .filter(|size| *size > 0)
            .ok_or_else(|| format!("its OME-XML does not say how far {letter} goes"))
    };
    let letters: Vec<char> = order.chars().rev().filter(|letter| "TZC".contains(*letter)).collect();
    if letters.len() != 3 {
        return Err(format!("its OME-XML has an order of axes that makes no sense: {order}"));
    }
    let dims: Vec<(char, usize)> =
        letters.iter().map(|letter| Ok((*letter, size(*letter)?))).collect::<Result<_, String>>()?;
    let length = |name: &str| {
        let um = units::micrometres(pixels.attribute(format!("{name}Unit").as_str()).unwrap_or("µm"))?;
        number::<f64>(pixels, name).map(|size| size * um).filter(|um| um.is_finite() && *um > 0.0)
    };
    let unit = pixels.attribute("TimeIncrementUnit").and_then(units::seconds).unwrap_or(1.0);
    let interval_s =
        number::<f64>(pixels, "TimeIncrement").map(|time| time * unit).filter(|s| s.is_finite() && *s > 0.0);
    let channel = |node: Node<'_, '_>| SaidChannel {
        name: node.attribute("Name").map(str::to_owned).filter(|name| !name.trim().is_empty()),
        // Red, green, blue and how opaque, in the four bytes of a signed number.
        color: number::<i64>(node, "Color").map(|color| (color as u32).to_be_bytes()).map(|[r, g, b, _]| [r, g, b]),
        limits: None,
    };
    Ok(Image {
        name: name.to_owned(),
        dims,
        extent: [size('Y')?, size('X')?],
        planes: children(pixels, "TiffData").map(planes).collect(),
        channels: children(pixels, "Channel").map(channel).collect(),
        spacing_um: [length("PhysicalSizeZ"), length("PhysicalSizeY"), length("PhysicalSizeX")],
        interval_s,
        times_s: times(pixels, size('T')?),
    })
}

/// When timepoints were taken: the earliest that is said of a plane of each, NaN where nothing is.
fn times(pixels: Node<'_, '_>, num: usize) -> Option<Arc<[f64]>> {
    let mut times = vec![f64::NAN; Some(num).filter(|num| *num <= MAX_PLANES)?];
    for plane in children(pixels, "Plane") {
        let unit = plane.attribute("DeltaTUnit").and_then(units::seconds).unwrap_or(1.0);
        let time = number::<f64>(plane, "DeltaT").map(|time| time * unit).filter(|time| time.is_finite());
        let place = number::<usize>(plane, "TheT").and_then(|t| times.get_mut(t));
        if let Some((place, time)) = place.zip(time) {
            *place = place.min(time);
        }
    }
    times.iter().any(|time| !time.is_nan()).then(|| times.into())
}

fn planes(node: Node<'_, '_>) -> Planes {
    let uuid = children(node, "UUID").next();
    let ifd = number(node, "IFD");
    let first = ['T', 'Z', 'C'].map(|letter| (letter, number(node, &format!("First{letter}")).unwrap_or(0)));
    let num = number(node, "PlaneCount").or(number(node, "NumPlanes"));
    Planes {
        uuid: uuid.and_then(|node| node.text()).map(|text| text.trim().to_owned()),
        file: uuid.and_then(|node| node.attribute("FileName")).map(str::to_owned),
        ifd: ifd.unwrap_or(0),
        first: first.to_vec(),
        num: num.or(ifd.map(|_| 1)).filter(|num| *num > 0),
    }
}

impl Ome {
    /// The files that it names beside the one called `own`, in their order.
    pub fn other_files(&self, own: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut known: HashMap<&str, ()> = HashMap::new();
        for planes in self.images.iter().flat_map(|image| &image.planes) {
            if let Some(name) = planes.file.as_deref().filter(|_| !self.is_own(planes, own))
                && known.insert(name, ()).is_none()
            {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Whether it describes one image of its own file alone; and how many pages that needs, as far as the file's
    /// numbers at each place of a picture are no channels of their own.
    pub fn one_image(&self, own: &str, samples: usize) -> Option<usize> {
        let [image] = &self.images[..] else { return None };
        if self.elsewhere.is_some() || !self.other_files(own).is_empty() {
            return None;
        }
        let len = |letter: char, len: usize| match letter {
            'C' if samples > 1 => (len / samples).max(1),
            _ => len,
        };
        let num = image.dims.iter().fold(1, |num: usize, (letter, of)| num.saturating_mul(len(*letter, *of)));
        let ends = image.planes.iter().map(|planes| planes.ifd.saturating_add(planes.num.unwrap_or(num)));
        Some(ends.max().unwrap_or(num))
    }

    fn is_own(&self, planes: &Planes, own: &str) -> bool {
        match (&planes.uuid, &planes.file) {
            (_, Some(name)) if name.eq_ignore_ascii_case(own) => true,
            (Some(uuid), name) => self.uuid.as_ref() == Some(uuid) || name.is_none(),
            (None, name) => name.is_none(),
        }
    }

    /// The arrays of its images. `places` tells which file of the book has a name, or why it is not there.
    ///
    /// # Errors
    /// Why there is none.
    pub fn stacks(
        &self,
        book: &Book,
        own: &str,
        places: &HashMap<String, Result<usize, String>>,
    ) -> Result<Vec<Stack>, String> {
        let mut stacks: Vec<Stack> = Vec::new();
        let mut why = "its OME-XML describes no image".to_owned();
        for (i, image) in self.images.iter().enumerate() {
            match self.stack(image, i == 0, book, own, places) {
                Ok(mut stack) => {
                    if stacks.iter().any(|other| other.name == stack.name) {
                        stack.name = format!("{} ({})", stack.name, i + 1);
                    }
                    stacks.push(stack);
                }
                Err(error) => why = error,
            }
        }
        if stacks.is_empty() { Err(why) } else { Ok(stacks) }
    }

    fn stack(
        &self,
        image: &Image,
        is_first: bool,
        book: &Book,
        own: &str,
        places: &HashMap<String, Result<usize, String>>,
    ) -> Result<Stack, String> {
        let Placed { mut dims, mut frames, absent, layout } = self.place(image, is_first, book, own, places)?;
        let mut problems = Vec::new();
        if image.extent != [layout.height, layout.width] {
            let [height, width] = image.extent;
            let text = format!(
                "OME-XML says that planes are {height} × {width}; they are {} × {}",
                layout.height, layout.width
            );
            problems.push((codes::METADATA_CONTRADICTS, Severity::Warning, text));
        }
        for why in absent.iter().skip(1) {
            problems.push((codes::MISSING_BLOCK, Severity::Error, why.clone()));
        }
        let claimed = trim(&mut dims, &mut frames);
        dims.retain(|(_, len)| *len > 1);
        if let Some(claimed) = claimed {
            let text = format!("OME-XML says that it has {claimed} along its slowest axis; fewer are there");
            problems.push((codes::STOPPED_EARLY, Severity::Warning, text));
        }
        Ok(Stack {
            name: image.name.clone(),
            format: "TIFF file (OME)",
            dims,
            frames: Arc::from(frames),
            absent,
            layout,
            samples_are: 'S',
            channels: image.channels.clone(),
            spacing_um: image.spacing_um,
            interval_s: image.interval_s,
            times_s: image.times_s.clone(),
            claimed,
            estimate: None,
            is_in_order: false,
            facts: [("Image".to_owned(), image.name.clone())].into_iter().chain(self.folded.iter().cloned()).collect(),
            problems,
        })
    }

    /// Which page each plane of an image is.
    fn place(
        &self,
        image: &Image,
        is_first: bool,
        book: &Book,
        own: &str,
        places: &HashMap<String, Result<usize, String>>,
    ) -> Result<Placed, String> {
        let all = [Planes::default()];
        let planes = if image.planes.is_empty() && is_first { &all[..] } else { &image.planes };
        let mut absent = vec!["no page of any file is said to hold this plane".to_owned()];
        let (mut dims, mut layout, mut frames) = (image.dims.clone(), None, Vec::new());
        let mut waiting = Vec::with_capacity(planes.len());
        for planes in planes {
            let place = match &planes.file {
                Some(name) if !self.is_own(planes, own) => {
                    places.get(name).cloned().unwrap_or_else(|| Err(format!("{name} is not there")))
                }
                _ => Ok(0),
            };
            let first = place.as_ref().ok().and_then(|at| book.page(book.starts()[*at].checked_add(planes.ifd)?));
            if let (None, Some((_, _, found))) = (&layout, first) {
                let found = found?;
                if let Some((_, c)) = dims.iter_mut().find(|(letter, _)| *letter == 'C' && found.samples > 1) {
                    // Colours of one place are no planes.
                    *c = if *c % found.samples == 0 { *c / found.samples } else { 1 };
                }
                layout = Some(found);
                frames.resize(
                    num_places(&dims).ok_or("its OME-XML says that it has more planes than any file")?,
                    u32::MAX,
                );
            }
            waiting.push((planes, place));
        }
        let layout = layout.ok_or("no file that its OME-XML names is there")?;
        for (planes, place) in waiting {
            put(&mut frames, &mut absent, &dims, planes, place, book);
        }
        Ok(Placed { dims, frames, absent, layout })
    }
}

/// The planes of an image with their pages.
struct Placed {
    dims: Vec<(char, usize)>,
    frames: Vec<u32>,
    absent: Vec<String>,
    layout: Layout,
}

/// Writes down which pages planes are.
fn put(
    frames: &mut [u32],
    absent: &mut Vec<String>,
    dims: &[(char, usize)],
    planes: &Planes,
    place: Result<usize, String>,
    book: &Book,
) {
    let at = dims.iter().try_fold(0, |at: usize, (letter, len)| {
        let first = planes.first.iter().find(|(of, _)| of == letter).map_or(0, |(_, first)| *first);
        (first < *len).then(|| at * len + first)
    });
    // What lies outside the image belongs to nothing.
    let Some(at) = at else { return };
    let (start, num_pages) = match &place {
        Ok(place) => (book.starts()[*place], book.volumes()[*place].num_pages()),
        Err(_) => (0, 0),
    };
    let num = planes.num.unwrap_or(if place.is_ok() { num_pages } else { 1 }).min(frames.len() - at);
    let reason = match place {
        Ok(_) => None,
        Err(why) => Some(absent.iter().position(|known| *known == why).unwrap_or_else(|| {
            // So many files are missing that all of them need not be named.
            if absent.len() < 0x1000 {
                absent.push(why);
            }
            absent.len() - 1
        })),
    };
    for (i, frame) in frames[at..at + num].iter_mut().enumerate() {
        *frame = match reason {
            Some(reason) => u32::MAX - reason as u32,
            None if planes.ifd.saturating_add(i) < num_pages => (start + planes.ifd + i) as u32,
            None => continue,
        };
    }
}

/// Leaves out the end of the slowest dimension as far as no page was ever said to be there; how far it was to
/// go where that is so.
fn trim(dims: &mut [(char, usize)], frames: &mut Vec<u32>) -> Option<usize> {
    let slowest = dims.iter().position(|(_, len)| *len > 1)?;
    let others: usize = dims[slowest + 1..].iter().map(|(_, len)| *len).product();
    let have = frames.iter().rposition(|frame| *frame != u32::MAX).map_or(1, |last| last / others + 1);
    let claimed = dims[slowest].1;
    // The axis is kept, however little there is of it.
    let have = have.clamp(2, claimed);
    dims[slowest].1 = have;
    frames.truncate(have * others);
    (claimed != have).then_some(claimed)
}
