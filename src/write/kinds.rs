//! The formats that can be written: which one is meant, and what can be said of how.

use std::path::Path;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::hdf5::Hdf5Target;
use super::split_dataset::SplitTarget;
use super::{Compression, Place, Subject, Target, npy, tiff, zarr};
use crate::volume::Location;

/// A format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One .npy file.
    Npy,
    /// An OME-Zarr image.
    Zarr,
    /// One TIFF file.
    Tiff,
    /// One HDF5 file.
    Hdf5,
    /// A folder of block files.
    Split,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Npy, Self::Zarr, Self::Tiff, Self::Hdf5, Self::Split];

    /// As it is said on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Zarr => "zarr",
            Self::Tiff => "tiff",
            Self::Hdf5 => "hdf5",
            Self::Split => "split",
        }
    }

    /// The one that a name means, by its ending; a name that ends in a slash is a folder of blocks.
    pub fn of(location: &Location) -> Option<Self> {
        // As it was given: as a path it has no slash at its end any more.
        let text = match location.path() {
            Some(path) => path.as_os_str().to_string_lossy().to_lowercase(),
            None => location.to_string().to_lowercase(),
        };
        let has = |endings: &[&str]| endings.iter().any(|ending| text.ends_with(ending));
        let tiff = &[".tif", ".tiff", ".btf", ".tf8"];
        let kinds = [
            (Self::Npy, &[".npy"][..]),
            (Self::Zarr, &[".zarr"]),
            (Self::Tiff, tiff),
            (Self::Hdf5, &[".h5", ".hdf5", ".hdf"]),
            (Self::Split, &["/", "\\"]),
        ];
        kinds.into_iter().find(|(_, endings)| has(endings)).map(|(kind, _)| kind)
    }
}

impl std::str::FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|kind| kind.name() == text) {
            Some(kind) => Ok(kind),
            None => bail!("{text} is nothing that is written; there are {}", Self::ALL.map(Self::name).join(", ")),
        }
    }
}

/// How an array is written, as far as somebody said so. What a format has no use for is refused by its target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetOptions {
    /// Extent of a chunk along each axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<Vec<usize>>,
    /// Extent of a shard along each axis; without extents, such as suit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Vec<usize>>,
    /// How chunks are compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// How many resolutions, the finest included; 0 for as many as suit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<usize>,
    /// How voxels become one of the next resolution: "mean", "nearest".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downsample: Option<String>,
    /// Who describes the pages of a TIFF file: "imagej", "ome", "plain".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Whether a TIFF file has offsets of 64 bits, however small it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub big: bool,
    /// Name of the array in its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Extent of a block file along each axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Vec<usize>>,
    /// How far a block reaches into the next one, along each axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padding: Option<Vec<usize>>,
}

impl TargetOptions {
    /// Refuses what was said and a format has no use for.
    ///
    /// # Errors
    /// Names the first of it.
    pub fn refuse_but(&self, kind: Kind, used: &[&str]) -> Result<()> {
        self.refuse(kind.name(), used)
    }

    /// The same for what is no kind of its own.
    ///
    /// # Errors
    /// Names the first of it.
    pub fn refuse(&self, what: &str, used: &[&str]) -> Result<()> {
        let Self { chunk, shard, compression, levels, downsample, flavor, big, name, block, padding } = self;
        let said = [
            ("chunk-shape", chunk.is_some()),
            ("shard-shape", shard.is_some()),
            ("compression", compression.is_some_and(|compression| compression != Compression::NONE)),
            ("levels", levels.is_some_and(|levels| levels != 1)),
            ("level-by", downsample.is_some()),
            ("flavor", flavor.is_some()),
            ("big", *big),
            ("name", name.is_some()),
            ("block", block.is_some()),
            ("padding", padding.is_some()),
        ];
        match said.iter().find(|(option, is_said)| *is_said && !used.contains(option)) {
            Some((option, _)) => bail!("--{option}: has no meaning for {what}"),
            None => Ok(()),
        }
    }

    /// A shape that was said, as one of the array's rank.
    ///
    /// # Errors
    /// For another rank, and an extent of 0.
    pub fn of_rank(option: &str, dims: &[usize], rank: usize) -> Result<()> {
        let shown = dims.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        if dims.len() != rank {
            bail!("--{option} {shown}: the array has {rank} axes, not {}", dims.len());
        }
        if dims.contains(&0) {
            bail!("--{option} {shown}: an extent of 0 holds nothing");
        }
        Ok(())
    }
}

/// A target of one of the formats, for a subject.
///
/// # Errors
/// If the format cannot hold the array, or the options make no sense for it.
pub fn target(kind: Kind, subject: &Subject, place: &Place, options: &TargetOptions) -> Result<Box<dyn Target>> {
    Ok(match kind {
        Kind::Npy => Box::new(npy::NpyTarget::new(subject, place, options)?),
        Kind::Zarr => Box::new(zarr::ZarrTarget::new(subject, place, options)?),
        Kind::Tiff => Box::new(tiff::TiffTarget::new(subject, place, options)?),
        Kind::Hdf5 => Box::new(Hdf5Target::new(subject, place, options)?),
        Kind::Split => Box::new(SplitTarget::new(subject, place, options)?),
    })
}

/// The name under which work for a location is done: its own for a path, and one in the present folder for what lies
/// afar.
pub fn work_name(location: &Location) -> Result<std::path::PathBuf> {
    if let Some(path) = location.path() {
        return Ok(path.to_owned());
    }
    let path = location.url_path().unwrap_or_default();
    match Path::new(&path).file_name() {
        Some(name) => Ok(name.into()),
        None => bail!("{location}: names nothing to write"),
    }
}
