//! Arrays of numbers of an HDF5 file: where their chunks lie; small ones with their values.

use std::path::Path;

use serde_json::{Value, json};

use super::document::{Array, Entry};
use super::own::own_array;
use super::values::float;
use crate::codec::Filter;
use crate::dispatch_dtype;
use crate::format::Filled;
use crate::format::hdf5::{H5Array, Header, Layout};
use crate::volume::{DType, Region, Shape, Voxel, unravel};

/// Arrays of fewer values stand in the reference file.
const MIN_VALUES: usize = 1000;

/// An array in one piece that is not compressed is cut along its first axis into chunks of about so many bytes.
const MAX_PIECE_BYTES: usize = 20_000_000;

/// Describes an array of the file at `path`, which chunks call `name`.
///
/// # Errors
/// When no Zarr array has its chunks, in words.
pub fn numbers(path: &Path, dataset: &str, name: &str) -> Result<Array, String> {
    let array = H5Array::open(path, dataset).map_err(|error| error.message)?.with_fill();
    let header = array.header();
    let num = header.shape.num_voxels().unwrap_or(usize::MAX);
    // As lindi: truth values stand there however many they are.
    let is_small = num > 0 && (num < MIN_VALUES || header.layout == Layout::Compact || header.dtype == DType::Bool);
    if is_small {
        return small(&array);
    }
    let chunk = chunk_of(header)?;
    let mut chunks = Vec::new();
    if num > 0 {
        pieces(&array, &chunk, &vec![0; header.shape.rank()], &header.shape, name, &mut chunks)?;
    }
    Ok(Array { metadata: metadata(header, &header.shape, &chunk, header.dtype)?, chunks })
}

/// An array with its values.
fn small(array: &H5Array) -> Result<Array, String> {
    let header = array.header();
    let mut bytes = vec![0; header.shape.num_bytes(header.dtype).ok_or("is too large")?];
    match array.read(&Region::whole(&header.shape), &mut bytes) {
        Ok(Filled::All) => {}
        Ok(Filled::Except(_, error)) | Err(error) => return Err(error.message.to_string()),
    }
    let dims: Vec<u64> = header.shape.dims().iter().map(|&dim| dim as u64).collect();
    let fill = if header.dtype == DType::Bool { json!(false) } else { json!(0) };
    own_array(&dims, header.dtype.npy_descr(), header.dtype.num_bytes(), fill, Value::Null, &bytes)
}

/// The chunks in which the bytes of an array lie.
///
/// # Errors
/// When they lie in no such.
pub fn chunk_of(header: &Header) -> Result<Shape, String> {
    let dims = header.shape.dims();
    let row_bytes = dims[1..].iter().product::<usize>() * header.dtype.num_bytes();
    let chunk: Vec<usize> = match &header.layout {
        Layout::Chunked(chunk) => chunk.dims().to_vec(),
        _ if dims.contains(&0) => vec![1; dims.len()],
        Layout::Contiguous if row_bytes * dims[0] > MAX_PIECE_BYTES => {
            let rows = (MAX_PIECE_BYTES / row_bytes.max(1)).max(1);
            std::iter::once(rows).chain(dims[1..].iter().copied()).collect()
        }
        Layout::Contiguous => dims.to_vec(),
        Layout::Virtual => return Err("is a virtual dataset: its voxels lie in other files".into()),
        Layout::External(_) => return Err("lies in bare files beside the HDF5 file".into()),
        Layout::Compact => return Err("lies in the header of its file".into()),
    };
    Shape::new(&chunk).ok_or_else(|| "has too many axes".into())
}

/// What `.zarray` says of an array of this extent that is stored as a header says.
///
/// # Errors
/// When Zarr has no such filter.
pub fn metadata(header: &Header, shape: &Shape, chunk: &Shape, dtype: DType) -> Result<Value, String> {
    if header.has_odd_bits {
        return Err("has numbers of fewer bits than their bytes".into());
    }
    let codecs = header.filters.iter().map(codec).collect::<Result<Vec<_>, _>>()?;
    let order = if header.is_big_endian { ">" } else { "<" };
    let descr = dtype.npy_descr();
    let descr = if descr.starts_with('<') { descr.replace('<', order) } else { descr.to_owned() };
    Ok(json!({
        "chunks": chunk.dims(), "compressor": null, "dtype": descr, "fill_value": fill(header), "order": "C",
        "filters": if codecs.is_empty() { Value::Null } else { Value::Array(codecs) },
        "shape": shape.dims(), "zarr_format": 2,
    }))
}

fn fill(header: &Header) -> Value {
    let Some(bytes) = header.fill.as_deref().filter(|bytes| bytes.len() == header.dtype.num_bytes()) else {
        return if header.dtype == DType::Bool { json!(false) } else { json!(0) };
    };
    match header.dtype {
        DType::Bool => json!(bytes[0] != 0),
        DType::U64 => json!(bytemuck::pod_read_unaligned::<u64>(bytes)),
        DType::I64 => json!(bytemuck::pod_read_unaligned::<i64>(bytes)),
        dtype => {
            let value = dispatch_dtype!(dtype, V => bytemuck::pod_read_unaligned::<V>(bytes).to_f64());
            if dtype.is_float() { float(value) } else { json!(value as i64) }
        }
    }
}

/// A filter as numcodecs names it. How strongly it packs is told to decoders of none.
fn codec(filter: &Filter) -> Result<Value, String> {
    Ok(match filter {
        Filter::Shuffle(item) => json!({ "id": "shuffle", "elementsize": item }),
        Filter::Deflate => json!({ "id": "zlib", "level": 4 }),
        Filter::Fletcher32 => json!({ "id": "fletcher32" }),
        Filter::Zstd => json!({ "id": "zstd", "level": 3, "checksum": false }),
        Filter::Blosc => super::compressor(),
        other => return Err(format!("is stored with {}, which lindi does not read", other.name())),
    })
}

/// Where the chunks of an array lie that begins at chunk `first` of another of this extent.
///
/// # Errors
/// When a chunk was stored otherwise than the others, or its place is not known.
pub fn pieces(
    array: &H5Array,
    chunk: &Shape,
    first: &[usize],
    shape: &Shape,
    name: &str,
    chunks: &mut Vec<(String, Entry)>,
) -> Result<(), String> {
    let header = array.header();
    if !array.is_placed() {
        return Err("where its chunks lie cannot be told".into());
    }
    let key = |at: &[usize]| {
        let at: Vec<String> = at.iter().zip(first).map(|(at, first)| (at + first).to_string()).collect();
        at.join(".")
    };
    let piece = |offset, num_bytes| Entry::Piece { name: name.to_owned(), offset, num_bytes };
    if let Layout::Chunked(_) = header.layout {
        let counts: Vec<usize> =
            header.shape.dims().iter().zip(chunk.dims()).map(|(dim, chunk)| dim.div_ceil(*chunk)).collect();
        for stored in array.stored_chunks() {
            let at = unravel(stored.position, &counts);
            let at = &at[..counts.len()];
            let is_inside = at
                .iter()
                .zip(first)
                .zip(shape.dims().iter().zip(chunk.dims()))
                .all(|((at, first), (dim, chunk))| (at + first) * chunk < *dim);
            if stored.filter_mask != 0 {
                return Err(format!("chunk {} was stored without all of its filters, which Zarr cannot say", key(at)));
            }
            if stored.num_bytes == 0 {
                return Err(format!("the place of chunk {} cannot be told", key(at)));
            }
            if is_inside {
                chunks.push((key(at), piece(stored.offset, stored.num_bytes as u64)));
            }
        }
        return Ok(());
    }
    let dims = header.shape.dims();
    // What was never written is the fill value, as in HDF5.
    let Some(offset) = array.contiguous_offset() else { return Ok(()) };
    let row_bytes = (dims[1..].iter().product::<usize>() * header.dtype.num_bytes()) as u64;
    let rows = chunk.dims()[0];
    for (number, start) in (0..dims[0]).step_by(rows.max(1)).enumerate() {
        let mut at = vec![0; dims.len()];
        at[0] = number;
        let num = rows.min(dims[0] - start) as u64;
        chunks.push((key(&at), piece(offset + start as u64 * row_bytes, num * row_bytes)));
    }
    Ok(())
}
