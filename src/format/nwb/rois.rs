//! The regions of interest of a file (its plane segmentations) as plain data.

use std::collections::BTreeMap;

use crate::format::hdf5::check_chunk_bytes;
use crate::format::tree::{self, NodeKind, Tree, Values, numbers, to_numbers, values};
use crate::format::{Chunk, Filled, FormatError, OpenOptions, Source};
use crate::volume::{Location, Region};

/// Most voxels that all regions of a table may have.
const MAX_VOXELS: usize = 16 << 20;

/// Most voxels of pictures that are looked through: some thousands of a camera's.
const MAX_DRAWN: usize = 16 << 30;

/// The regions that one segmentation found.
#[derive(Clone, Debug, PartialEq)]
pub struct RoiTable {
    /// Path of the segmentation in the file.
    pub path: String,
    /// In the order of the file.
    pub rois: Vec<Roi>,
}

/// One region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roi {
    /// The number that the file gives it.
    pub id: i64,
    /// What belongs to it.
    pub voxels: Vec<RoiVoxel>,
}

/// A voxel of a region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoiVoxel {
    /// Depth; 0 where the segmentation is of one plane.
    pub z: u32,
    /// Row.
    pub y: u32,
    /// Column.
    pub x: u32,
    /// How much it counts.
    pub weight: f32,
}

/// How many regions each segmentation of a file has, by path. Without reading them.
pub(super) fn counts(tree: &dyn Tree) -> Vec<(String, u64)> {
    let listing = tree.listing();
    let tables = listing.iter().filter(|(_, node)| node.text("neurodata_type") == Some("PlaneSegmentation"));
    let count = |path: &str| match listing.find(&format!("{path}/id"))?.1.kind {
        NodeKind::Array { shape, .. } => shape.first().copied(),
        _ => None,
    };
    tables.filter_map(|(path, _)| Some((path.to_owned(), count(path)?))).collect()
}

/// The regions of every segmentation of an NWB file, which may be kept as references; blocks.
///
/// # Errors
/// When the file is none, or one of them cannot be read, makes no sense, or has more voxels than are taken into
/// memory.
pub fn read_rois(location: impl Into<Location>, options: &OpenOptions) -> Result<Vec<RoiTable>, FormatError> {
    let tree = tree::read(location, options)?;
    counts(tree.as_ref()).into_iter().map(|(path, num)| table(tree.as_ref(), path, num)).collect()
}

fn table(tree: &dyn Tree, path: String, num: u64) -> Result<RoiTable, FormatError> {
    let failed = |what: &str| FormatError::new(tree.location(), format!("{path}: {what}"));
    let num =
        usize::try_from(num).ok().filter(|&num| num <= MAX_VOXELS).ok_or_else(|| failed("has too many regions"))?;
    let ids = numbers(tree, &format!("{path}/id"), num)?;
    let mut rois: Vec<Roi> = ids.iter().map(|&id| Roi { id: id as i64, voxels: Vec::new() }).collect();
    let has = |name: &str| tree.listing().find(&format!("{path}/{name}")).is_some();
    let result = match () {
        () if has("pixel_mask") => listed(tree, &format!("{path}/pixel_mask"), &mut rois),
        () if has("voxel_mask") => listed(tree, &format!("{path}/voxel_mask"), &mut rois),
        () if has("image_mask") => drawn(tree, &format!("{path}/image_mask"), &mut rois),
        () => Ok(()),
    };
    result.map_err(|what| failed(&what))?;
    Ok(RoiTable { path, rois })
}

/// Regions as lists of voxels, one behind the other, with the end of each in an array of its own.
fn listed(tree: &dyn Tree, path: &str, rois: &mut [Roi]) -> Result<(), String> {
    let words = |error: FormatError| error.message;
    let Values::Columns(columns) = values(tree, path, MAX_VOXELS).map_err(words)? else {
        return Err("its voxels are no table".to_owned());
    };
    let columns: BTreeMap<String, Vec<f64>> = columns.into_iter().collect();
    let column = |name: &str| columns.get(name).map(Vec::as_slice);
    let (Some(x), Some(y), Some(weight)) = (column("x"), column("y"), column("weight")) else {
        return Err("its voxels lack x, y or weight".to_owned());
    };
    let ends = numbers(tree, &format!("{path}_index"), rois.len()).map_err(words)?;
    let mut start = 0;
    for (roi, &end) in rois.iter_mut().zip(&ends) {
        let end = Some(end as usize).filter(|end| (start..=x.len()).contains(end));
        let end = end.ok_or("the ends of its regions are out of order or beyond its voxels")?;
        let place = |value: f64| value.clamp(0.0, f64::from(u32::MAX)) as u32;
        roi.voxels = (start..end)
            .map(|i| RoiVoxel {
                z: column("z").map_or(0, |z| place(z[i])),
                y: place(y[i]),
                x: place(x[i]),
                weight: weight[i] as f32,
            })
            .collect();
        start = end;
    }
    Ok(())
}

/// Regions as one picture for each: (region, x, y[, z]), zero outside.
fn drawn(tree: &dyn Tree, path: &str, rois: &mut [Roi]) -> Result<(), String> {
    let (path, _) = tree.listing().find(path).ok_or("its pictures are not there")?;
    let source = tree.open(&path, &OpenOptions::default()).map_err(|error| error.message)?;
    let info = source.info();
    if !(3..=4).contains(&info.shape.rank()) || info.shape.dims()[0] > rois.len() {
        return Err(format!("pictures of {} are not one for each region", info.shape));
    }
    let num_drawn = info.shape.num_voxels().filter(|&num| num <= MAX_DRAWN);
    num_drawn.ok_or_else(|| format!("pictures of {} are more than are looked through", info.shape))?;
    let (mut buffer, mut num_voxels) = (Vec::new(), 0usize);
    let mut result = Ok(());
    source.each_chunk(&Region::whole(&info.shape), &mut |chunk| {
        if result.is_ok() {
            result = put_drawn(source.as_ref(), chunk, &mut buffer, &mut num_voxels, rois);
        }
    });
    result?;
    // Chunks come in their own order.
    for roi in rois {
        roi.voxels.sort_unstable_by_key(|voxel| (voxel.z, voxel.y, voxel.x));
    }
    Ok(())
}

/// Adds what is not zero of one chunk of the pictures.
fn put_drawn(
    source: &dyn Source,
    chunk: &Chunk,
    buffer: &mut Vec<u8>,
    num_voxels: &mut usize,
    rois: &mut [Roi],
) -> Result<(), String> {
    let info = source.info();
    let num_bytes = chunk.region.shape().num_bytes(info.dtype).unwrap_or(usize::MAX);
    check_chunk_bytes(num_bytes)?;
    buffer.clear();
    buffer.resize(num_bytes, 0);
    match source.read(chunk, buffer) {
        Ok(Filled::All) => {}
        Ok(Filled::Except(_, error)) | Err(error) => return Err(error.message.to_string()),
    }
    for (at, value) in chunk.region.indices().zip(to_numbers(info.dtype, buffer)) {
        if value == 0.0 {
            continue;
        }
        *num_voxels += 1;
        if *num_voxels > MAX_VOXELS {
            return Err(format!("its regions have more than {MAX_VOXELS} voxels"));
        }
        let z = if info.shape.rank() == 4 { at[3] } else { 0 };
        let voxel = RoiVoxel { z: z as u32, y: at[2] as u32, x: at[1] as u32, weight: value as f32 };
        rois[at[0]].voxels.push(voxel);
    }
    Ok(())
}
