//! Filter pipelines of HDF5 and Zarr: which filters are known, and running them backwards over one chunk.

use super::{CodecError, bitshuffle, blosc, blosc2, crc32c, fletcher32, lz4, lzf, lzo, shuffle, streams, szip, zfp};

/// One stage of a chunk's filter pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Bytes of an item split into planes of this item size.
    Shuffle(usize),
    /// zlib.
    Deflate,
    /// A gzip file of one member.
    Gzip,
    /// A checksum behind the data.
    Fletcher32,
    /// Another checksum behind the data.
    Crc32c,
    /// Blosc 1, all its codecs.
    Blosc,
    /// Blosc 2, bare chunks or contiguous frames.
    Blosc2,
    /// PyTables' LZO.
    Lzo,
    /// h5py's LZF.
    Lzf,
    /// PyTables' bzip2.
    Bzip2,
    /// The registered LZ4 filter.
    Lz4,
    /// LZ4 as numcodecs writes it.
    Lz4Sized,
    /// The registered Zstandard filter.
    Zstd,
    /// Bitshuffle with its optional inner codec.
    Bitshuffle(bitshuffle::Options),
    /// HDF5's szip.
    Szip(szip::Options),
    /// The registered zfp filter.
    Zfp(zfp::Options),
    /// A filter that only libhdf5 may know.
    Other {
        /// Registered number of the filter.
        id: i32,
        /// Its name, where the file or the library knows one.
        name: String,
    },
}

impl Filter {
    /// The filter HDF5 stores under `id` with these client values.
    pub fn from_hdf5(id: i32, values: &[u32], name: &str) -> Self {
        let item = |at: usize| values.get(at).map_or(0, |&value| value as usize);
        match id {
            1 => Self::Deflate,
            2 if item(0) > 0 => Self::Shuffle(item(0)),
            3 => Self::Fletcher32,
            4 => match szip::Options::from_hdf5(values) {
                Some(options) => Self::Szip(options),
                None => Self::Other { id, name: name.to_owned() },
            },
            305 => Self::Lzo,
            307 => Self::Bzip2,
            32000 => Self::Lzf,
            32001 => Self::Blosc,
            32004 => Self::Lz4,
            32008 => match bitshuffle::Options::from_hdf5(values) {
                Some(options) => Self::Bitshuffle(options),
                None => Self::Other { id, name: name.to_owned() },
            },
            32013 => match zfp::Options::from_hdf5(values) {
                Some(options) => Self::Zfp(options),
                None => Self::Other { id, name: name.to_owned() },
            },
            32015 => Self::Zstd,
            32026 => Self::Blosc2,
            _ => Self::Other { id, name: name.to_owned() },
        }
    }

    /// Name in words, for the Dataset panel and for errors.
    pub fn name(&self) -> String {
        match self {
            Self::Shuffle(_) => "shuffle".into(),
            Self::Deflate => "deflate".into(),
            Self::Gzip => "gzip".into(),
            Self::Fletcher32 => "fletcher32".into(),
            Self::Crc32c => "crc32c".into(),
            Self::Blosc => "blosc".into(),
            Self::Blosc2 => "blosc2".into(),
            Self::Lzo => "lzo".into(),
            Self::Lzf => "lzf".into(),
            Self::Bzip2 => "bzip2".into(),
            Self::Lz4 | Self::Lz4Sized => "lz4".into(),
            Self::Zstd => "zstd".into(),
            Self::Bitshuffle(options) => options.name().into(),
            Self::Szip(_) => "szip".into(),
            Self::Zfp(_) => "zfp".into(),
            Self::Other { id, name } if name.is_empty() => format!("HDF5 filter {id}"),
            Self::Other { id, name } => format!("{name} (HDF5 filter {id})"),
        }
    }

    /// Bytes this stage adds to what it stores; `None` where that depends on the data.
    pub fn growth(&self) -> Option<usize> {
        match self {
            Self::Shuffle(_) => Some(0),
            Self::Bitshuffle(options) if !options.compresses() => Some(0),
            Self::Fletcher32 | Self::Crc32c => Some(4),
            _ => None,
        }
    }
}

/// Whether every chunk of this pipeline can be decoded here. Two compressors in one pipeline are left
/// to the library: the size between them is not known.
pub fn is_decodable(filters: &[Filter]) -> bool {
    filters.iter().all(|filter| !matches!(filter, Filter::Other { .. }))
        && filters.iter().filter(|filter| filter.growth().is_none()).count() <= 1
}

/// Reusable memory for the stages between the stored and the decoded bytes.
#[derive(Default)]
pub struct Scratch {
    stages: [Vec<u8>; 2],
}

impl Scratch {
    /// Gives memory beyond `max_bytes` back to the system.
    pub fn shrink(&mut self, max_bytes: usize) {
        for stage in &mut self.stages {
            if stage.capacity() > max_bytes {
                *stage = Vec::new();
            }
        }
    }
}

/// The first `len` bytes of a reused vector. New memory comes untouched from the system, so that a size
/// that turns out to be a lie has cost nothing.
pub(crate) fn reuse(memory: &mut Vec<u8>, len: usize) -> Result<&mut [u8], CodecError> {
    if memory.len() < len {
        // The old memory goes first, so that both are never held.
        *memory = Vec::new();
        let mut probe = Vec::<u8>::new();
        if probe.try_reserve_exact(len).is_err() {
            return Err(CodecError::Unsupported(format!("not enough memory for a chunk of {len} bytes")));
        }
        drop(probe);
        *memory = vec![0; len];
    }
    Ok(&mut memory[..len])
}

/// Where the bytes of the last finished stage are.
enum Current {
    Stored { len: usize },
    Stage { which: usize, len: usize },
}

/// Decodes one chunk: `stored` are its bytes on disk, `mask` says which filters were skipped (bit i for
/// filter i), and `output` has exactly the decoded size.
///
/// # Errors
/// When the bytes do not decode to exactly `output`. Part of `output` may have been written by then.
pub fn decode(
    filters: &[Filter],
    mask: u32,
    stored: &[u8],
    output: &mut [u8],
    scratch: &mut Scratch,
) -> Result<(), CodecError> {
    let is_active = |i: usize| i >= 32 || mask & (1 << i) == 0;
    // Sizes in front of each stage, known as far as the first compressor.
    let mut size = Some(output.len());
    let mut sizes = Vec::with_capacity(filters.len());
    for (i, filter) in filters.iter().enumerate() {
        sizes.push(size);
        if is_active(i) {
            size = size.zip(filter.growth()).map(|(size, growth)| size + growth);
        }
    }
    if let Some(size) = size
        && size != stored.len()
    {
        return Err(CodecError::Corrupt(format!("chunk has {} bytes instead of {size}", stored.len())));
    }
    let last = (0..filters.len()).find(|&i| is_active(i));
    let mut current = Current::Stored { len: stored.len() };
    let mut is_done = false;
    for (i, filter) in filters.iter().enumerate().rev().filter(|&(i, _)| is_active(i)) {
        let [a, b] = &mut scratch.stages;
        let (input, free, free_which) = match current {
            Current::Stored { len } => (&stored[..len], a, 0),
            Current::Stage { which: 0, len } => (&a[..len], b, 1),
            Current::Stage { len, .. } => (&b[..len], a, 0),
        };
        if let Some(len) = verified(filter, input) {
            let len = len?;
            current = match current {
                Current::Stored { .. } => Current::Stored { len },
                Current::Stage { which, .. } => Current::Stage { which, len },
            };
            continue;
        }
        // Behind a compressor a stage that keeps sizes has an input of unknown, but given, length.
        let len = match (sizes[i], filter.growth()) {
            (Some(len), _) => len,
            (None, Some(_)) => input.len(),
            (None, None) => return Err(CodecError::Unsupported("two compressors in one pipeline".into())),
        };
        if Some(i) == last {
            if len != output.len() {
                return Err(CodecError::corrupt("chunk has a wrong size"));
            }
            run(filter, input, output)?;
            is_done = true;
        } else {
            run(filter, input, reuse(free, len)?)?;
            current = Current::Stage { which: free_which, len };
        }
    }
    if !is_done {
        let input = match current {
            Current::Stored { len } => &stored[..len],
            Current::Stage { which, len } => &scratch.stages[which][..len],
        };
        if input.len() != output.len() {
            return Err(CodecError::Corrupt(format!("chunk has {} bytes instead of {}", input.len(), output.len())));
        }
        output.copy_from_slice(input);
    }
    Ok(())
}

/// What a checksum has before it, once it was checked; `None` for other stages.
fn verified(filter: &Filter, input: &[u8]) -> Option<Result<usize, CodecError>> {
    match filter {
        Filter::Fletcher32 => Some(fletcher32::verify(input)),
        Filter::Crc32c => Some(crc32c::verify(input)),
        _ => None,
    }
}

/// One stage backwards; `output` has the size that must come out.
fn run(filter: &Filter, input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    match filter {
        Filter::Shuffle(item) => shuffle::unshuffle(*item, input, output),
        Filter::Deflate => streams::inflate(input, output),
        Filter::Gzip => streams::gunzip(input, output),
        Filter::Blosc => blosc::decode(input, output),
        Filter::Blosc2 => blosc2::decode(input, output),
        Filter::Lzo => lzo::decode(input, output),
        Filter::Lzf => lzf::decode(input, output),
        Filter::Bzip2 => streams::bunzip2(input, output),
        Filter::Lz4 => lz4::decode(input, output),
        Filter::Lz4Sized => lz4::decode_sized(input, output),
        Filter::Zstd => streams::unzstd(input, output),
        Filter::Bitshuffle(options) => bitshuffle::decode(options, input, output),
        Filter::Szip(options) => szip::decode(options, input, output),
        Filter::Zfp(options) => zfp::decode(options, input, output),
        Filter::Fletcher32 | Filter::Crc32c => {
            let len = verified(filter, input).unwrap_or(Ok(0))?;
            if len != output.len() {
                return Err(CodecError::corrupt("chunk has a wrong size"));
            }
            output.copy_from_slice(&input[..len]);
            Ok(())
        }
        Filter::Other { .. } => Err(CodecError::Unsupported(format!("{} is not read here", filter.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fletcher(data: &[u8]) -> Vec<u8> {
        [data, &fletcher32::checksum(data).to_le_bytes()].concat()
    }

    #[test]
    fn stages_run_backwards_in_any_order_and_masked_ones_are_skipped() {
        let data: Vec<u8> = (0..200u32).flat_map(|i| (i * i).to_le_bytes()).collect();
        let mut shuffled = vec![0; data.len()];
        shuffle::shuffle(4, &data, &mut shuffled);
        let mut out = vec![0; data.len()];
        let mut scratch = Scratch::default();
        let filters = [Filter::Shuffle(4), Filter::Fletcher32];
        decode(&filters, 0, &fletcher(&shuffled), &mut out, &mut scratch).unwrap();
        assert_eq!(out, data);
        decode(&filters, 1, &fletcher(&data), &mut out, &mut scratch).unwrap();
        assert_eq!(out, data);
        decode(&filters, 3, &data, &mut out, &mut scratch).unwrap();
        assert_eq!(out, data);
        let filters = [Filter::Fletcher32, Filter::Shuffle(4), Filter::Lz4];
        let inner = fletcher(&data);
        let mut shuffled = vec![0; inner.len()];
        shuffle::shuffle(4, &inner, &mut shuffled);
        out.fill(0);
        decode(&filters, 0, &lz4::encode(&shuffled, 64), &mut out, &mut scratch).unwrap();
        assert_eq!(out, data);
    }

    #[test]
    fn a_flipped_bit_under_a_checksum_is_an_error() {
        let mut stored = fletcher(&[7; 100]);
        stored[50] ^= 1;
        let error = decode(&[Filter::Fletcher32], 0, &stored, &mut [0; 100], &mut Scratch::default());
        assert!(matches!(error, Err(CodecError::Corrupt(_))));
    }

    #[test]
    fn sizes_that_do_not_fit_are_errors() {
        for filters in [vec![], vec![Filter::Shuffle(2)], vec![Filter::Shuffle(2), Filter::Lz4]] {
            for len in [0, 1, 99, 101] {
                let error = decode(&filters, 0, &vec![0; len], &mut [0; 100], &mut Scratch::default());
                assert!(error.is_err(), "{filters:?} {len}");
            }
        }
    }
}
