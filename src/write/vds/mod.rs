//! Virtual datasets over recordings: one HDF5 file that refers to the arrays of others, so that programs see one
//! array and nothing is copied.

mod common_type;
mod growing;
mod names;
mod plan;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

pub use plan::{Gap, Over};

pub(super) use self::names::Names;
use self::plan::Plan;
use super::hdf5::{Attribute, Mapping, VirtualFile, described};
use super::{Output, check_name, refuse_inside};
use crate::format::Source;
use crate::volume::{ArrayInfo, DType};

/// How a virtual dataset is written.
#[derive(Clone, Debug)]
pub struct VirtualOptions {
    /// Path of the dataset in the file.
    pub dataset: String,
    /// How several sources follow one another.
    pub over: Over,
    /// Whether sources are named by their absolute paths, not relative to the file's folder.
    pub is_absolute: bool,
    /// Whether sources that appear later belong to it.
    pub is_growing: bool,
    /// Whether a file of that name is replaced.
    pub is_forced: bool,
}

/// A virtual dataset that is ready to be written. Sources were looked at, and are only read.
pub struct VirtualDataset {
    plan: Plan,
    mappings: Vec<Mapping>,
    endless: Option<usize>,
    info: ArrayInfo,
}

impl VirtualDataset {
    /// Decides which part is where. `out` is where the file will lie: names are relative to its folder. Blocks: every
    /// file of the sources is looked at.
    ///
    /// # Errors
    /// When `out` cannot be written or lies in the folder of a source, when a source does not lie in HDF5 files, when
    /// the sources do not fit together, and when it cannot grow although it should, with the reason.
    pub fn new(sources: &[Arc<dyn Source>], out: &Path, options: &VirtualOptions) -> Result<Self> {
        check_name(out, "h5", options.is_forced)?;
        for source in sources {
            refuse_inside(out, source.info())?;
        }
        let plan = Plan::of(sources, options.over)?;
        if let Ok(there) = out.canonicalize()
            && plan.parts.iter().any(|part| part.file.canonicalize().is_ok_and(|file| file == there))
        {
            bail!("{}: is one of the files that the virtual dataset is made of", out.display());
        }
        let mut names = Names::from(out.parent().unwrap_or(Path::new("")), options.is_absolute)?;
        let mapping = |part: &plan::Part| {
            Ok(Mapping {
                region: part.region,
                file: names::escaped(&names.of(&part.file)?),
                dataset: part.held.dataset.replace('%', "%%"),
                source_shape: part.held.shape,
                source_region: part.held.region,
            })
        };
        let mappings = plan.parts.iter().map(mapping).collect::<Result<Vec<_>>>()?;
        let info = sources.first().context("nothing to make a virtual dataset of")?.info().as_ref().clone();
        let mut made = Self { plan, mappings, endless: None, info };
        if options.is_growing {
            let (mapping, axis) = growing::endless(&made.plan, &made.mappings)
                .map_err(|why| anyhow::anyhow!("{}: cannot grow: {why}", out.display()))?;
            (made.mappings, made.endless) = (vec![mapping], Some(axis));
        }
        Ok(made)
    }

    /// What no file holds, which will read as the fill value.
    pub fn gaps(&self) -> &[Gap] {
        &self.plan.gaps
    }

    /// Extent, type, and how many parts it is made of.
    pub fn summary(&self) -> String {
        let num = self.plan.parts.len();
        let plural = if num == 1 { "" } else { "s" };
        let grows = if self.endless.is_some() { ", and those to come" } else { "" };
        format!("{}, {}, {num} part{plural} in other files{grows}", self.plan.shape, self.plan.dtype)
    }

    /// The type of its voxels, which holds what every source holds.
    pub fn dtype(&self) -> DType {
        self.plan.dtype
    }

    /// The file; `fill` is one voxel of [`VirtualDataset::dtype`].
    ///
    /// # Errors
    /// When libhdf5 refuses it.
    pub fn bytes(&self, out: &Path, fill: &[u8], options: &VirtualOptions) -> Result<Vec<u8>> {
        let (axes, channel_axis) = (self.plan.axes.clone(), self.plan.channel_axis);
        let attributes = described(&ArrayInfo { axes, channel_axis, ..self.info.clone() }, &[]);
        let file = VirtualFile {
            dataset: &options.dataset,
            shape: self.plan.shape,
            dtype: self.plan.dtype,
            fill,
            mappings: &self.mappings,
            endless: self.endless,
            attributes: &attributes,
        };
        file.bytes().map_err(|failed| failed.at(out.display()))
    }
}

/// Writes the file, in place of another where that is to be. Returns its size in bytes.
///
/// # Errors
/// When it cannot be written; what was there stays then.
pub fn write_file(bytes: &[u8], out: &Path, is_forced: bool) -> Result<u64> {
    let mut output = Output::create(out, is_forced)?;
    output.file().write_all(bytes).with_context(|| format!("{}: cannot write", out.display()))?;
    output.finish()
}

/// The same of an array by itself, in JSON.
pub(super) fn attributes_of_array(info: &ArrayInfo) -> serde_json::Value {
    let value = |attribute: Attribute| match attribute {
        Attribute::Text(text) => serde_json::json!(text),
        Attribute::Ascii(text) | Attribute::Utf8(text) => serde_json::json!(text),
        Attribute::Integer(number) => serde_json::json!(number),
        Attribute::Texts(texts) => serde_json::json!(texts),
        Attribute::Number(number) => serde_json::json!(number),
        Attribute::Numbers(numbers) => serde_json::json!(numbers),
        Attribute::Integers(numbers) => serde_json::json!(numbers),
    };
    let attributes = described(info, &[]);
    attributes.into_iter().map(|(name, attribute)| (name.to_owned(), value(attribute))).collect()
}
