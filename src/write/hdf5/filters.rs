//! Filters of HDF5 that chunks are written through: what is stored of them, and coding a chunk outside the library.

use std::ffi::CString;

use anyhow::{Context, Result, bail};

use crate::codec::{blosc, shuffle};
use crate::volume::DType;
use crate::write::coders;
use crate::write::{BloscCodec, Codec, Compression};

/// No chunk is larger: Blosc's limit, and half of HDF5's.
pub const MAX_CHUNK_BYTES: usize = (1 << 31) - (1 << 20);

const DEFLATE: i32 = 1;
const SHUFFLE: i32 = 2;
const LZF: i32 = 32000;
const BLOSC: i32 = 32001;
const ZSTD: i32 = 32015;

/// The filters of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filters {
    compression: Compression,
    item: usize,
    /// Number, whether a reader may do without it, and values of each.
    stored: Vec<(i32, bool, Vec<u32>)>,
}

impl Filters {
    /// Those that stand for a compression, of chunks of so many bytes.
    ///
    /// # Errors
    /// For what HDF5 has no filter for, and chunks that are too large.
    pub fn new(compression: Compression, dtype: DType, chunk_bytes: usize) -> Result<Self> {
        if chunk_bytes > MAX_CHUNK_BYTES {
            bail!("a chunk of {chunk_bytes} bytes is more than an HDF5 filter takes; 2 GiB are the most");
        }
        let (item, level) = (dtype.num_bytes(), u32::from(compression.level));
        let shuffled = (item > 1).then(|| (SHUFFLE, true, vec![item as u32]));
        let stored = match compression.codec {
            Codec::None => Vec::new(),
            Codec::Gzip => shuffled.into_iter().chain([(DEFLATE, true, vec![level])]).collect(),
            Codec::Zstd => shuffled.into_iter().chain([(ZSTD, true, vec![level])]).collect(),
            Codec::Blosc(codec) => {
                let mut values = vec![2, 2, item as u32, chunk_bytes as u32, level, 1];
                // As PyTables leaves it out: it is Blosc's own.
                values.extend((codec != BloscCodec::Blosclz).then(|| codec.number()));
                vec![(BLOSC, true, values)]
            }
            Codec::Lzf => {
                // Versions of h5py's filter and of LibLZF, as h5py says them.
                let own = vec![4, 0x0105, chunk_bytes as u32];
                shuffled.into_iter().chain([(LZF, true, own)]).collect()
            }
            Codec::Lzw => {
                bail!(
                    "--compression {compression}: is not written into HDF5; there are none, gzip, lzf, zstd and blosc"
                )
            }
        };
        Ok(Self { compression, item, stored })
    }

    /// What is stored of them: number, whether a reader may do without, values.
    pub fn stored(&self) -> &[(i32, bool, Vec<u32>)] {
        &self.stored
    }

    /// Codes one whole chunk.
    ///
    /// # Errors
    /// If the compressor refuses.
    pub fn encode(&self, chunk: &[u8]) -> Result<Vec<u8>> {
        let level = self.compression.level;
        match self.compression.codec {
            Codec::Gzip => self.shuffled(chunk, |bytes| coders::zlib(level, bytes)),
            Codec::Zstd => self.shuffled(chunk, |bytes| coders::zstandard(level, bytes)),
            Codec::Lzf => self.shuffled(chunk, |bytes| Ok(coders::lzf(bytes))),
            Codec::Blosc(codec) => {
                let name = CString::new(codec.name())?;
                blosc::encode(chunk, self.item, i32::from(level), &name, 0).context("cannot compress a chunk")
            }
            Codec::None | Codec::Lzw => Ok(chunk.to_vec()),
        }
    }

    fn shuffled(&self, chunk: &[u8], code: impl FnOnce(&[u8]) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        thread_local! {
            static PLANES: std::cell::Cell<Vec<u8>> = const { std::cell::Cell::new(Vec::new()) };
        }
        if self.item == 1 {
            return code(chunk);
        }
        let mut planes = PLANES.take();
        planes.resize(chunk.len(), 0);
        shuffle::shuffle(self.item, chunk, &mut planes);
        let coded = code(&planes);
        PLANES.set(planes);
        coded
    }
}
