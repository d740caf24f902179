//! The blocks of a recording as one Zarr array: where they are stored alike and end where chunks end, their chunks are
//! its chunks.

use anyhow::{Result, bail};

use super::Naming;
use super::arrays::{chunk_of, metadata, pieces};
use super::document::{Array, Index};
use crate::format::hdf5::{H5Array, Header, Layout};
use crate::format::{HeldPart, Source, StoredPart};
use crate::volume::{Region, Shape};

/// Describes the array of a source; what is missing is named in the index.
///
/// # Errors
/// When the blocks are not alike: the message names the first that is not.
pub fn array(source: &dyn Source, naming: &Naming, index: &mut Index) -> Result<Array> {
    let info = source.info();
    let parts = source.stored_parts();
    if parts.is_empty() {
        bail!("{}: is no array of HDF5 files on this machine ({})", info.location, info.format);
    }
    let mut first: Option<(Header, Shape)> = None;
    let (mut chunks, mut names) = (Vec::new(), naming.names()?);
    for StoredPart { region, file, held } in &parts {
        let shown = file.display();
        let held = match held {
            Ok(held) => held,
            Err(error) => {
                index.leave_out(&region.to_string(), &error.to_string());
                continue;
            }
        };
        let array = H5Array::open(file, &held.dataset)?;
        let header = array.header();
        let own_chunk = block_chunk(header, held).map_err(|why| anyhow::anyhow!("{shown}: {why}"))?;
        let (like, chunk) = first.get_or_insert_with(|| (header.clone(), own_chunk));
        if let Some(why) = unlike(like, chunk, header, &own_chunk, region, &info.shape, held) {
            bail!(
                "{shown}: {why}, so that no Zarr array has these chunks; `tectum vds` makes one array of such blocks"
            );
        }
        let at: Vec<usize> = region.start().iter().zip(chunk.dims()).map(|(start, chunk)| start / chunk).collect();
        let name = names.of(file)?;
        pieces(&array, &own_chunk, &at, &info.shape, &name, &mut chunks)
            .map_err(|why| anyhow::anyhow!("{shown}: {why}"))?;
    }
    let Some((header, chunk)) = first else { bail!("{}: none of its blocks can be read", info.location) };
    let metadata = metadata(&header, &info.shape, &chunk, header.dtype);
    Ok(Array { metadata: metadata.map_err(|why| anyhow::anyhow!("{}: {why}", info.location))?, chunks })
}

/// The chunk in which a block lies; one in a single piece is one chunk.
fn block_chunk(header: &Header, held: &HeldPart) -> Result<Shape, String> {
    match header.layout {
        Layout::Contiguous if held.region == Region::whole(&held.shape) => Ok(held.shape),
        Layout::Contiguous => Err("is stored in one piece, of which only a part counts".into()),
        _ => chunk_of(header),
    }
}

/// Why a block does not go with the first one; `None` where it does.
fn unlike(
    like: &Header,
    chunk: &Shape,
    header: &Header,
    own_chunk: &Shape,
    region: &Region,
    shape: &Shape,
    held: &HeldPart,
) -> Option<String> {
    let is_piece = header.layout == Layout::Contiguous;
    if header.dtype != like.dtype || header.is_big_endian != like.is_big_endian {
        return Some(format!("is {} where the first block is {}, or in another byte order", header.dtype, like.dtype));
    }
    if header.filters != like.filters || is_piece != (like.layout == Layout::Contiguous) {
        return Some("is compressed otherwise than the first block".to_owned());
    }
    if header.fill != like.fill {
        return Some("has another fill value than the first block".to_owned());
    }
    // A shorter piece is filled up with zeros behind its end: it may be shorter along its first axis alone.
    let is_shorter = is_piece && own_chunk.dims()[0] <= chunk.dims()[0] && own_chunk.dims()[1..] == chunk.dims()[1..];
    if own_chunk != chunk && !is_shorter {
        return Some(format!("is stored in chunks of {own_chunk}, the first block in chunks of {chunk}"));
    }
    if held.region.start().iter().any(|&start| start != 0) {
        return Some("holds several channels".to_owned());
    }
    let ends_inside = |axis: &usize| {
        let (start, stop, step) = (region.start()[*axis], region.stop()[*axis], chunk.dims()[*axis]);
        start % step != 0 || (stop % step != 0 && stop != shape.dims()[*axis])
    };
    let axis = (0..shape.rank()).find(ends_inside)?;
    Some(format!(
        "goes from {} to {} along axis {axis}, which is not where chunks of {chunk} end",
        region.start()[axis],
        region.stop()[axis]
    ))
}
