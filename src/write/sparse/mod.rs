//! Dense arrays as sparse matrices in HDF5: the values that are not zero, in the layouts that HDF5Array, 10x Genomics
//! and AnnData read.

mod bands;
mod layout;

use std::path::Path;

use anyhow::{Context, Result, bail};

pub use layout::SparseLayout;

use self::bands::{Band, bands};
use super::hdf5::{Failed, File, List};
use super::{Output, check_name, read_buffer, refuse_inside};
use crate::format::Source;
use crate::volume::{DType, Region};

/// How a sparse matrix is written.
#[derive(Clone, Debug)]
pub struct SparseOptions {
    /// How it is packed and described.
    pub layout: SparseLayout,
    /// Memory for voxels that are read at once, in bytes.
    pub buffer_bytes: usize,
    /// Whether a file of that name is replaced.
    pub is_forced: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SparseWritten {
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Values that are stored: those that are not zero.
    pub num_stored: u64,
    /// Size of the file.
    pub num_bytes: u64,
}

/// Writes an array of two axes (beside those of one index) as a sparse matrix; the first axis is its rows. Streams:
/// of the voxels no more than `buffer_bytes` are in memory, or one chunk for each core. A value is stored if any of its
/// bits is set, so that reading gives the same bits back (−0.0 and NaN are stored).
///
/// `progress` is called with how many voxels of how many are done; where it returns false, nothing is left.
///
/// # Errors
/// When the array has other axes, a voxel is missing, or the file cannot be written.
pub fn write_sparse(
    source: &dyn Source,
    out: &Path,
    options: &SparseOptions,
    mut progress: impl FnMut(u64, u64) -> bool,
) -> Result<SparseWritten> {
    let info = source.info();
    let shown = out.display();
    let suffix = if out.extension().is_some_and(|ending| ending == "h5ad") { "h5ad" } else { "h5" };
    check_name(out, suffix, options.is_forced)?;
    refuse_inside(out, info)?;
    let dims = info.shape.dims();
    let axes: Vec<usize> = (0..dims.len()).filter(|&axis| dims[axis] != 1 || dims.len() == 2).collect();
    let [rows, columns] = axes[..] else {
        bail!("{}: is {}; a sparse matrix has two axes (--select picks them)", info.location, info.shape);
    };
    let shape = [dims[rows], dims[columns]];
    if shape.contains(&0) {
        bail!("{}: is empty ({} × {})", info.location, shape[0], shape[1]);
    }
    let mut output = Output::create_named(out, options.is_forced)?;
    let part = output.part_path().map(Path::to_owned).with_context(|| format!("{shown}: cannot write here"))?;
    let cannot = |failed: Failed| failed.at(&shown);
    let layout = options.layout;
    let file = File::create(&part).map_err(cannot)?;
    let group = layout.describe(&file, shape).map_err(cannot)?;
    let packed = usize::from(layout.is_by_column());
    let mut lists = Lists::begin(&file, group, info.dtype, shape[1 - packed], layout).map_err(cannot)?;
    let (mut done, all) = (0, shape[0] as u64 * shape[1] as u64);
    for band in bands(source, [rows, columns][packed], [rows, columns][1 - packed], options.buffer_bytes) {
        let voxels = read(source, &band, [rows, columns], packed)?;
        lists.append(&voxels, &band, shape[1 - packed], info.dtype.num_bytes()).map_err(cannot)?;
        done += band.region.shape().num_voxels().unwrap_or(0) as u64;
        if !progress(done, all) {
            bail!("{shown}: cancelled");
        }
    }
    let num_stored = lists.finish().map_err(cannot)?;
    // Closed before it gets its name.
    drop(file);
    output.file().sync_all().with_context(|| format!("{shown}: cannot write"))?;
    Ok(SparseWritten { shape, num_stored, num_bytes: output.finish()? })
}

/// A band in the order in which it is packed: line by line, along the other axis.
fn read(source: &dyn Source, band: &Band, axes: [usize; 2], packed: usize) -> Result<Vec<u8>> {
    let (info, region) = (source.info(), &band.region);
    let item = info.dtype.num_bytes();
    let buffer = read_buffer(source, region)?;
    if let Some((part, error)) = buffer.missing.first() {
        bail!("{error} ({part} of the array; --fill says what stands for it)");
    }
    if packed == 0 {
        return Ok(buffer.bytes);
    }
    let [rows, columns] = axes.map(|axis| region.shape().dims()[axis]);
    let mut transposed = vec![0; buffer.bytes.len()];
    for (row, line) in buffer.bytes.chunks_exact((columns * item).max(1)).enumerate() {
        for (column, voxel) in line.chunks_exact(item).enumerate() {
            let to = (column * rows + row) * item;
            transposed[to..to + item].copy_from_slice(voxel);
        }
    }
    Ok(transposed)
}

/// The three lists of a matrix.
struct Lists {
    data: List,
    indices: List,
    indptr: List,
    /// Whether indices take four bytes.
    is_narrow: bool,
    num_stored: u64,
}

impl Lists {
    fn begin(file: &File, group: &str, dtype: DType, other: usize, layout: SparseLayout) -> Result<Self, Failed> {
        let is_narrow = layout.has_narrow_indices() && i32::try_from(other).is_ok();
        let data = file.list(&format!("{group}/data"), dtype)?;
        let indices = file.list(&format!("{group}/indices"), if is_narrow { DType::I32 } else { DType::I64 })?;
        let mut indptr = file.list(&format!("{group}/indptr"), DType::I64)?;
        indptr.append(&0i64.to_le_bytes())?;
        Ok(Self { data, indices, indptr, is_narrow, num_stored: 0 })
    }

    /// Appends the values of a band, which is a number of whole lines or a part of one.
    fn append(&mut self, voxels: &[u8], band: &Band, other: usize, item: usize) -> Result<(), Failed> {
        let (mut data, mut indices, mut indptr) = (Vec::new(), Vec::new(), Vec::new());
        let width = band.others.len();
        for line in voxels.chunks_exact((width * item).max(1)) {
            for (i, value) in
                line.chunks_exact(item).enumerate().filter(|(_, value)| value.iter().any(|&byte| byte != 0))
            {
                data.extend_from_slice(value);
                let index = (band.others.start + i) as i64;
                match self.is_narrow {
                    true => indices.extend_from_slice(&(index as i32).to_le_bytes()),
                    false => indices.extend_from_slice(&index.to_le_bytes()),
                }
                self.num_stored += 1;
            }
            if band.others.end == other {
                indptr.extend_from_slice(&(self.num_stored as i64).to_le_bytes());
            }
        }
        self.data.append(&data)?;
        self.indices.append(&indices)?;
        self.indptr.append(&indptr)
    }

    fn finish(self) -> Result<u64, Failed> {
        self.data.finish()?;
        self.indices.finish()?;
        self.indptr.finish()?;
        Ok(self.num_stored)
    }
}

/// A box along two of the axes of an array, all of the others.
fn along(whole: &Region, ranges: [(usize, &std::ops::Range<usize>); 2]) -> Region {
    ranges.iter().fold(*whole, |region, (axis, range)| region.with_axis(*axis, range.start, range.end))
}
