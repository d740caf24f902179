//! From the stored bytes of a chunk to its voxels: the codecs of a Zarr array, undone from the last to the first.
//! Whatever the bytes claim, no more comes out than the metadata say a chunk holds.

use std::cell::RefCell;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde_json::Value;
use zarrs::array::{
    ArrayBytes, ArrayToArrayCodecTraits, ArrayToBytesCodecTraits, BytesRepresentation, CodecChain, CodecOptions,
    CodecTraits, DataType, FillValue,
};
use zarrs::metadata::v3::MetadataV3;
use zarrs::plugin::ZarrVersion;

use super::shard::Sharding;
use crate::codec::{self, CodecError, Filter, Scratch, reuse, swap_bytes};
use crate::volume::Shape;

/// How deep shards may lie in shards.
const MAX_DEPTH: usize = 4;

/// Memory that a thread keeps between chunks.
const MAX_KEPT_BYTES: usize = 48 << 20;

/// What the voxels of a chunk are, as zarrs needs to know it.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Extent.
    pub shape: Vec<NonZeroU64>,
    /// Type.
    pub dtype: DataType,
    /// Value of what is not stored.
    pub fill: FillValue,
}

impl Kind {
    /// Bytes of a voxel.
    pub fn item(&self) -> Option<usize> {
        self.dtype.fixed_size().filter(|size| *size > 0)
    }

    /// Bytes of a chunk.
    pub fn num_bytes(&self) -> Option<usize> {
        let item = self.item()?;
        self.shape.iter().try_fold(item, |n, dim| n.checked_mul(usize::try_from(dim.get()).ok()?))
    }

    /// Extent as indices count it.
    pub fn extent(&self) -> Option<Shape> {
        let dims: Option<Vec<usize>> = self.shape.iter().map(|dim| usize::try_from(dim.get()).ok()).collect();
        Shape::new(&dims?)
    }
}

/// The codecs of a chunk.
pub struct Chain {
    /// What comes out.
    kind: Kind,
    num_bytes: usize,
    /// Array to array, the first to encode first, each with what goes into its encoder.
    arrays: Vec<(Arc<dyn ArrayToArrayCodecTraits>, Kind)>,
    /// Bytes of the array that the body decodes to, and of an item of it.
    inner_bytes: usize,
    inner_item: usize,
    body: Body,
    /// Bytes that the body is made of, where that is known.
    body_bytes: usize,
    /// Bytes to bytes, the first to encode first.
    filters: Vec<Filter>,
    /// Whether each number, in C order, is the difference to the one before.
    is_delta: bool,
}

/// Array to bytes.
enum Body {
    /// The voxels one after the other.
    Plain {
        /// Whether the bytes of each are in the other order.
        is_swapped: bool,
    },
    /// Decoded by zarrs.
    Other(Arc<dyn ArrayToBytesCodecTraits>, Kind),
    /// Chunks of its own.
    Sharded(Box<Sharding>),
}

thread_local! {
    /// Touched before, so that decoding does not wait for page faults.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    static BODY: RefCell<Vec<u8>> = RefCell::default();
}

impl Chain {
    /// The codecs that these metadata name; in words why not.
    pub fn new(codecs: &CodecChain, kind: Kind) -> Result<Self, String> {
        Self::at_depth(codecs, kind, 0)
    }

    /// The same of codecs in a shard's configuration.
    pub fn nested(metadata: &Value, kind: Kind, depth: usize) -> Result<Self, String> {
        if depth > MAX_DEPTH {
            return Err("has shards within shards within shards, deeper than is read here".into());
        }
        let codecs: Vec<MetadataV3> =
            serde_json::from_value(metadata.clone()).map_err(|error| format!("its codecs make no sense: {error}"))?;
        let codecs = CodecChain::from_metadata(&codecs).map_err(|error| error.to_string())?;
        Self::at_depth(&codecs, kind, depth)
    }

    fn at_depth(codecs: &CodecChain, kind: Kind, depth: usize) -> Result<Self, String> {
        let num_bytes = kind.num_bytes().ok_or("its chunks are larger than any memory")?;
        let mut inner = kind.clone();
        let mut arrays = Vec::new();
        for codec in codecs.array_to_array_codecs() {
            let (shape, dtype, fill) = codec
                .encoded_representation(&inner.shape, &inner.dtype, &inner.fill)
                .map_err(|error| error.to_string())?;
            arrays.push((Arc::clone(codec), std::mem::replace(&mut inner, Kind { shape, dtype, fill })));
        }
        let codec = codecs.array_to_bytes_codec();
        let (name, configuration) = described(codec.as_ref());
        let inner_bytes = inner.num_bytes().ok_or("its chunks are larger than any memory")?;
        let inner_item = inner.item().unwrap_or(1);
        let (body, body_bytes) = match name.as_str() {
            "bytes" => {
                let is_big = configuration.get("endian").and_then(Value::as_str) == Some("big");
                let is_swapped = is_big != cfg!(target_endian = "big") && inner_item > 1;
                (Body::Plain { is_swapped }, inner_bytes)
            }
            "sharding_indexed" => {
                let sharding = Sharding::new(&configuration, &inner, depth + 1)?;
                let most = sharding.max_bytes();
                (Body::Sharded(Box::new(sharding)), most)
            }
            _ => {
                let representation = codec.encoded_representation(&inner.shape, &inner.dtype, &inner.fill);
                let BytesRepresentation::FixedSize(size) = representation.map_err(|error| error.to_string())? else {
                    return Err(format!("is coded by {name}, which is not read here"));
                };
                let size = usize::try_from(size).map_err(|_| "its chunks are larger than any memory")?;
                (Body::Other(Arc::clone(codec), inner), size)
            }
        };
        let filters: Result<Vec<Filter>, String> = codecs
            .bytes_to_bytes_codecs()
            .iter()
            .map(|codec| {
                let (name, configuration) = described(codec.as_ref());
                filter(&name, &configuration).ok_or_else(|| format!("is compressed by {name}, which is not read here"))
            })
            .collect();
        let filters = filters?;
        if !codec::is_decodable(&filters) || (matches!(body, Body::Sharded(_)) && !filters.is_empty()) {
            return Err(format!("is compressed twice ({}), which is not read here", names(&filters)));
        }
        Ok(Self { kind, num_bytes, arrays, inner_bytes, inner_item, body, body_bytes, filters, is_delta: false })
    }

    /// The same of whole numbers that are stored as differences to the one before.
    pub fn of_differences(self, is_delta: bool) -> Result<Self, String> {
        match self.kind.item() {
            Some(1 | 2 | 4 | 8) => Ok(Self { is_delta, ..self }),
            _ if is_delta => Err("is stored as differences of what are no whole numbers".into()),
            _ => Ok(self),
        }
    }

    /// What comes out.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Bytes of a decoded chunk.
    pub fn num_bytes(&self) -> usize {
        self.num_bytes
    }

    /// The most bytes a stored chunk has: what compresses badly may become a little longer.
    pub fn max_stored_bytes(&self) -> usize {
        self.fixed_bytes().unwrap_or_else(|| self.body_bytes.saturating_add(self.body_bytes / 16).saturating_add(8192))
    }

    /// How many bytes every stored chunk has, where that does not depend on the data.
    pub fn fixed_bytes(&self) -> Option<usize> {
        if matches!(self.body, Body::Sharded(_)) {
            return None;
        }
        self.filters.iter().try_fold(self.body_bytes, |n, filter| n.checked_add(filter.growth()?))
    }

    /// Whether the stored bytes are the voxels in C order, and if so whether the bytes of each are in the other
    /// order.
    pub fn as_plain(&self) -> Option<bool> {
        match self.body {
            Body::Plain { is_swapped } if self.is_bare() => Some(is_swapped),
            _ => None,
        }
    }

    /// The chunks within, where they can be read alone.
    pub fn into_sharding(self: Box<Self>) -> Result<Sharding, Box<Self>> {
        let is_bare = self.is_bare();
        match self.body {
            Body::Sharded(sharding) if is_bare => Ok(*sharding),
            _ => Err(self),
        }
    }

    /// Whether there is nothing but the body.
    fn is_bare(&self) -> bool {
        self.filters.is_empty() && self.arrays.is_empty() && !self.is_delta
    }

    /// What it is stored with, in words: "blosc", "transpose, zstd"; empty where nothing is.
    pub fn in_words(&self) -> String {
        let delta = self.is_delta.then(|| "delta".to_owned());
        let arrays = self.arrays.iter().map(|(codec, _)| described(codec.as_ref()).0);
        let body = match &self.body {
            Body::Plain { .. } => None,
            Body::Other(codec, _) => Some(described(codec.as_ref()).0),
            Body::Sharded(sharding) => Some(sharding.in_words()),
        };
        let words: Vec<String> =
            delta.into_iter().chain(arrays).chain(body).chain(self.filters.iter().map(Filter::name)).collect();
        words.join(", ")
    }

    /// Decodes a stored chunk into `output`, which has exactly its bytes, in C order and this machine's byte
    /// order.
    ///
    /// # Errors
    /// When the bytes do not decode to exactly that. Part of `output` may have been written by then.
    pub fn decode(&self, stored: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
        self.decode_arrays(stored, output)?;
        if self.is_delta {
            match self.kind.item() {
                Some(1) => sum_up::<1>(output, |a, b| [a[0].wrapping_add(b[0])]),
                Some(2) => {
                    sum_up::<2>(output, |a, b| u16::from_ne_bytes(a).wrapping_add(u16::from_ne_bytes(b)).to_ne_bytes())
                }
                Some(4) => {
                    sum_up::<4>(output, |a, b| u32::from_ne_bytes(a).wrapping_add(u32::from_ne_bytes(b)).to_ne_bytes())
                }
                _ => {
                    sum_up::<8>(output, |a, b| u64::from_ne_bytes(a).wrapping_add(u64::from_ne_bytes(b)).to_ne_bytes())
                }
            }
        }
        Ok(())
    }

    fn decode_arrays(&self, stored: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
        if self.arrays.is_empty() {
            return self.decode_body(stored, output);
        }
        let mut bytes = vec![0; self.inner_bytes];
        self.decode_body(stored, &mut bytes)?;
        for (codec, kind) in self.arrays.iter().rev() {
            let options = CodecOptions::default();
            let decoded = codec
                .decode(ArrayBytes::new_flen(bytes), &kind.shape, &kind.dtype, &kind.fill, &options)
                .and_then(|decoded| Ok(decoded.into_fixed()?.into_owned()));
            bytes = decoded.map_err(|error| corrupt(error.to_string()))?;
        }
        same_len(&bytes, output)?;
        output.copy_from_slice(&bytes);
        Ok(())
    }

    fn decode_body(&self, stored: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
        match &self.body {
            Body::Plain { is_swapped } => {
                self.undo_filters(stored, output)?;
                if *is_swapped {
                    swap_bytes(self.inner_item, output);
                }
                Ok(())
            }
            Body::Sharded(sharding) => sharding.decode_all(stored, output),
            Body::Other(codec, kind) => BODY.with_borrow_mut(|memory| {
                let result = reuse(memory, self.body_bytes).and_then(|bytes| {
                    self.undo_filters(stored, bytes)?;
                    let options = CodecOptions::default();
                    let decoded = codec
                        .decode((&*bytes).into(), &kind.shape, &kind.dtype, &kind.fill, &options)
                        .and_then(|decoded| Ok(decoded.into_fixed()?.into_owned()))
                        .map_err(|error| corrupt(error.to_string()))?;
                    same_len(&decoded, output)?;
                    output.copy_from_slice(&decoded);
                    Ok(())
                });
                give_back(memory);
                result
            }),
        }
    }

    fn undo_filters(&self, stored: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
        SCRATCH.with_borrow_mut(|scratch| {
            let result = codec::decode(&self.filters, 0, stored, output, scratch);
            scratch.shrink(MAX_KEPT_BYTES);
            result
        })
    }
}

/// Each number is the sum of itself and all before it.
fn sum_up<const N: usize>(bytes: &mut [u8], add: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let mut sum = [0; N];
    for number in bytes.as_chunks_mut::<N>().0 {
        sum = add(sum, *number);
        *number = sum;
    }
}

/// Gives memory back that is more than a thread keeps between chunks.
pub fn give_back(memory: &mut Vec<u8>) {
    if memory.capacity() > MAX_KEPT_BYTES {
        *memory = Vec::new();
    }
}

fn corrupt(message: impl Into<String>) -> CodecError {
    CodecError::Corrupt(message.into())
}

fn same_len(decoded: &[u8], output: &[u8]) -> Result<(), CodecError> {
    if decoded.len() == output.len() {
        return Ok(());
    }
    Err(corrupt(format!("chunk has {} bytes instead of {}", decoded.len(), output.len())))
}

fn names(filters: &[Filter]) -> String {
    filters.iter().map(Filter::name).collect::<Vec<_>>().join(", ")
}

/// Name of a codec, without the prefix of those that are in no specification, and its configuration.
fn described<C: CodecTraits + ?Sized>(codec: &C) -> (String, serde_json::Map<String, Value>) {
    let name = codec.name(ZarrVersion::V3).map_or_else(|| "an unknown codec".to_owned(), |name| name.into_owned());
    let configuration = codec.configuration_v3(&Default::default()).map(Into::into).unwrap_or_default();
    (name.trim_start_matches("numcodecs.").to_owned(), configuration)
}

/// The filter that undoes a codec.
fn filter(name: &str, configuration: &serde_json::Map<String, Value>) -> Option<Filter> {
    Some(match name {
        "blosc" => Filter::Blosc,
        "gzip" => Filter::Gzip,
        "zlib" => Filter::Deflate,
        "zstd" => Filter::Zstd,
        "bz2" => Filter::Bzip2,
        "crc32c" => Filter::Crc32c,
        "fletcher32" => Filter::Fletcher32,
        "shuffle" => match configuration.get("elementsize").and_then(Value::as_u64) {
            Some(0) | None => return None,
            Some(super::codecs::LZ4) => Filter::Lz4Sized,
            Some(item) => Filter::Shuffle(usize::try_from(item).ok()?),
        },
        _ => return None,
    })
}
