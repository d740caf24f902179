//! Frames that lie in files of their own, one after the other, as one array.

use std::ops::Range;
use std::sync::Arc;

use super::series::Series;
use crate::format::hdf5::AttributeValue;
use crate::format::tree::{Tree, numbers};
use crate::format::{Chunk, Filled, FormatError, OpenOptions, ReadError, ReadErrorKind, Source};
use crate::volume::{ArrayInfo, Axis, Location, Piece, PieceState, Problem, Region, Severity, Shape, codes};

/// Chunk indices of one file.
const INDICES: u64 = 1 << 40;

/// One file, or the gap where it should be.
enum Frames {
    There(Arc<dyn Source>),
    Missing(ReadError),
}

struct Part {
    /// First timepoint of it.
    start: usize,
    stop: usize,
    frames: Frames,
}

/// Sources joined along time.
pub struct Joined {
    info: Arc<ArrayInfo>,
    axis: usize,
    parts: Vec<Part>,
    problems: Vec<Problem>,
}

/// Opens the files that a series names, as one array. A file that is not there is a gap where the series says
/// how long it is.
pub fn open(
    tree: &dyn Tree,
    series: &Series,
    files: &[String],
    options: &OpenOptions,
) -> Result<Arc<dyn Source>, FormatError> {
    let starts = starting_frames(tree, series, files.len());
    let mut found: Vec<Result<Arc<dyn Source>, FormatError>> = Vec::with_capacity(files.len());
    for file in files {
        if options.is_cancelled() {
            return Err(FormatError::cancelled(tree.location()));
        }
        let options = OpenOptions { dataset: None, ..options.clone() };
        found.push(super::linked(tree.location(), file, &options).map(|opened| opened.source));
    }
    let Some(first) = found.iter().find_map(|found| found.as_ref().ok()).cloned() else {
        let why = found.into_iter().find_map(Result::err).map_or_else(
            || "names no file".to_owned(),
            |error| format!("its frames lie in {} file(s); {error}", files.len()),
        );
        return Err(FormatError::new(tree.location(), format!("{}: {why}", series.path)));
    };
    Joined::new(tree.location(), &first, found, &starts).map(|joined| Arc::new(joined) as Arc<dyn Source>)
}

/// The first frame of each file and the end, as far as the series says.
fn starting_frames(tree: &dyn Tree, series: &Series, num_files: usize) -> Vec<Option<usize>> {
    let node = tree.listing().find(&format!("{}/external_file", series.path)).map(|(_, node)| node);
    let starts = node.and_then(|node| node.attributes.get("starting_frame").and_then(AttributeValue::integers));
    let starts = starts.unwrap_or_default();
    let mut starts: Vec<Option<usize>> =
        (0..num_files).map(|i| starts.get(i).and_then(|&start| usize::try_from(start).ok())).collect();
    let end = numbers(tree, &format!("{}/num_samples", series.path), 1).ok().and_then(|end| end.first().copied());
    starts.push(end.filter(|end| (0.0..1e12).contains(end)).map(|end| end as usize));
    starts
}

impl Joined {
    fn new(
        location: &Location,
        first: &Arc<dyn Source>,
        found: Vec<Result<Arc<dyn Source>, FormatError>>,
        starts: &[Option<usize>],
    ) -> Result<Self, FormatError> {
        let like = first.info();
        let Some(axis) = like.axes.iter().position(|axis| *axis == Some(Axis::T)) else {
            return match found.len() {
                1 => Ok(Self::one(first)),
                _ => Err(FormatError::new(&like.location, "has no axis of time along which files could be joined")),
            };
        };
        let (mut parts, mut problems, mut start) = (Vec::new(), Vec::new(), 0usize);
        for (i, found) in found.into_iter().enumerate() {
            let len = match &found {
                Ok(source) => len_along(like, source.info(), axis)?,
                Err(error) => {
                    let message = error.message.as_str();
                    problems.push(Problem::of(codes::MISSING_BLOCK, Severity::Error, &error.file, message));
                    let next = starts.get(i + 1).copied().flatten();
                    next.and_then(|next| next.checked_sub(start)).unwrap_or(0)
                }
            };
            let frames = found.map_or_else(
                |error| Frames::Missing(ReadError::new(ReadErrorKind::Missing, error.file, error.message)),
                Frames::There,
            );
            let stop = start.saturating_add(len);
            parts.push(Part { start, stop, frames });
            start = stop;
        }
        let mut dims = like.shape.dims().to_vec();
        dims[axis] = start;
        let shape = Shape::new(&dims)
            .filter(|shape| shape.num_bytes(like.dtype).is_some_and(|bytes| bytes < isize::MAX as usize))
            .ok_or_else(|| FormatError::new(location, "claims more frames than can be"))?;
        let mut info = ArrayInfo { shape, num_blocks: parts.len(), ..ArrayInfo::clone(like) };
        info.location = location.clone();
        info.facts.push(("Files".to_owned(), parts.len().to_string()));
        Ok(Self { info: Arc::new(info), axis, parts, problems })
    }

    fn one(source: &Arc<dyn Source>) -> Self {
        let info = Arc::clone(source.info());
        let stop = info.shape.dims().first().copied().unwrap_or(1);
        let parts = vec![Part { start: 0, stop, frames: Frames::There(Arc::clone(source)) }];
        Self { info, axis: 0, parts, problems: Vec::new() }
    }

    /// A box of the whole in the coordinates of a part.
    fn inside(&self, part: &Part, region: &Region) -> Option<Region> {
        let (start, stop) = (*region.start().get(self.axis)?, *region.stop().get(self.axis)?);
        let (from, to) = (start.max(part.start), stop.min(part.stop));
        (from < to).then(|| region.with_axis(self.axis, from - part.start, to - part.start))
    }

    /// A box of a part in the coordinates of the whole.
    fn outside(&self, part: &Part, region: &Region) -> Region {
        let (start, stop) = (region.start()[self.axis], region.stop()[self.axis]);
        region.with_axis(self.axis, start + part.start, stop + part.start)
    }
}

/// Timepoints of a file that is to be joined with others like `like`.
fn len_along(like: &ArrayInfo, info: &ArrayInfo, axis: usize) -> Result<usize, FormatError> {
    let is_alike = info.dtype == like.dtype
        && info.axes == like.axes
        && info.shape.dims().iter().zip(like.shape.dims()).enumerate().all(|(i, (a, b))| i == axis || a == b);
    if !is_alike {
        let text =
            format!("holds {}, {}, other files of the series {}, {}", info.shape, info.dtype, like.shape, like.dtype);
        return Err(FormatError::new(&info.location, text));
    }
    Ok(info.shape.dims()[axis])
}

impl Source for Joined {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        for (part, base) in self.parts.iter().zip((0..).map(|i: u64| i * INDICES)) {
            let Some(inside) = (region.rank() == self.info.shape.rank()).then(|| self.inside(part, region)).flatten()
            else {
                continue;
            };
            match &part.frames {
                Frames::There(source) => source.each_chunk(&inside, &mut |chunk| {
                    let region = self.outside(part, &chunk.region);
                    chunks.push(Chunk { index: base + chunk.index, region });
                }),
                Frames::Missing(_) => {
                    let whole = Region::whole(&self.info.shape);
                    if region.intersect(&whole).is_none() {
                        continue;
                    }
                    // Frame by frame, so that none is larger than what is read elsewhere.
                    let (from, to) = (inside.start()[self.axis], inside.stop()[self.axis]);
                    chunks.extend((from..to).map(|t| {
                        let at = part.start + t;
                        Chunk { index: base + t as u64, region: whole.with_axis(self.axis, at, at + 1) }
                    }));
                }
            }
        }
    }

    fn region_of(&self, indices: &Range<u64>) -> Region {
        let whole = Region::whole(&self.info.shape);
        let part = |index: u64| usize::try_from(index / INDICES).ok().and_then(|i| self.parts.get(i));
        match (part(indices.start), part(indices.end.saturating_sub(1))) {
            (Some(first), Some(last)) => whole.with_axis(self.axis, first.start, last.stop),
            _ => whole,
        }
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let part = usize::try_from(chunk.index / INDICES).ok().and_then(|i| self.parts.get(i));
        let inside = part.and_then(|part| Some((part, self.inside(part, &chunk.region)?)));
        let Some((part, region)) = inside else {
            return Err(ReadError::new(ReadErrorKind::Missing, &self.info.location, "there is no such frame"));
        };
        match &part.frames {
            Frames::Missing(error) => Err(error.clone()),
            Frames::There(source) => match source.read(&Chunk { index: chunk.index % INDICES, region }, buffer)? {
                Filled::All => Ok(Filled::All),
                Filled::Except(gaps, error) => {
                    Ok(Filled::Except(gaps.iter().map(|gap| self.outside(part, gap)).collect(), error))
                }
            },
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        for part in &self.parts {
            if let Frames::There(source) = &part.frames {
                problems.extend(source.problems());
            }
        }
        problems
    }

    fn inspect(&self) {
        for part in &self.parts {
            if let Frames::There(source) = &part.frames {
                source.inspect();
            }
        }
    }

    fn files(&self) -> Vec<Location> {
        let of = |part: &Part| match &part.frames {
            Frames::There(source) => source.files(),
            Frames::Missing(error) => vec![error.file.clone()],
        };
        self.parts.iter().flat_map(of).collect()
    }

    fn pieces(&self) -> Vec<Piece> {
        let piece = |part: &Part| Piece {
            axis: self.info.axes.get(self.axis).copied().flatten(),
            range: [part.start, part.stop],
            state: match part.frames {
                Frames::There(_) => PieceState::Whole,
                Frames::Missing(_) => PieceState::Missing,
            },
        };
        self.parts.iter().map(piece).collect()
    }

    fn forget_failures(&self) {
        for part in &self.parts {
            if let Frames::There(source) = &part.frames {
                source.forget_failures();
            }
        }
    }
}
