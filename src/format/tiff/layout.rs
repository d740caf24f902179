//! What a directory says of how its picture is stored, checked: extent, type, strips or tiles, compression.

use super::ifd::{Ask, Directory, TiffFile};
use crate::format::FetchError;
use crate::volume::DType;

pub const WIDTH: u16 = 256;
pub const HEIGHT: u16 = 257;
const BITS: u16 = 258;
pub const DESCRIPTION: u16 = 270;
pub const STRIP_OFFSETS: u16 = 273;
pub const STRIP_COUNTS: u16 = 279;
pub const TILE_OFFSETS: u16 = 324;
pub const TILE_COUNTS: u16 = 325;

/// How the bytes of a strip or tile are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
    Zstd,
}

/// What was done to the voxels before they were compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Predictor {
    None,
    /// Differences of neighbours in a row.
    Differences,
    /// The same of the bytes of fractions, those of each significance together.
    Fractions,
}

/// How a picture is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Numbers for each place of the picture.
    pub samples: usize,
    /// Whether these lie in pictures of their own, one behind the other.
    pub is_planar: bool,
    /// Type of one number, as it is shown.
    pub dtype: DType,
    /// Bits of one number as stored: fewer than the type has where they are packed.
    pub bits: usize,
    pub compression: Compression,
    pub predictor: Predictor,
    /// Whether a piece is a tile; a strip otherwise.
    pub is_tiled: bool,
    /// Rows and columns of a strip or tile. Tiles at the edge are stored whole, the last strip is not.
    pub piece: [usize; 2],
    /// Whether the bits of each byte are stored the other way round.
    pub is_reversed: bool,
    /// Byte order of numbers.
    pub is_big_endian: bool,
    /// Whether it is a small version of another picture.
    pub is_reduced: bool,
}

/// Rows or columns of a picture; what claims more is taken for damage.
const MAX_SIDE: u64 = 1 << 24;
/// Numbers for each place of a picture.
const MAX_SAMPLES: u64 = 4096;

impl Layout {
    /// Of a directory.
    ///
    /// # Errors
    /// What kept it from being read, or (inside) why the picture cannot be.
    pub fn of(file: &TiffFile, directory: &Directory, ask: Ask<'_>) -> Result<Result<Self, String>, FetchError> {
        let numbers = |tag: u16| -> Result<Option<Vec<u64>>, FetchError> {
            let value = file.value(directory, tag, 8 * MAX_SAMPLES, ask)?;
            Ok(value.map(|value| value.numbers()).filter(|numbers| !numbers.is_empty()))
        };
        let first = |tag: u16, otherwise: u64| -> Result<u64, FetchError> {
            Ok(numbers(tag)?.map_or(otherwise, |numbers| numbers[0]))
        };
        let tags = Tags {
            extent: [first(HEIGHT, 0)?, first(WIDTH, 0)?],
            samples: first(277, 1)?,
            compression: first(259, 1)?,
            photometric: first(262, 1)?,
            subsampling: first(530, 2)?,
            fill_order: first(266, 1)?,
            planar: first(284, 1)?,
            predictor: first(317, 1)?,
            rows_per_strip: first(278, u64::from(u32::MAX))?,
            tile: [first(323, 0)?, first(322, 0)?],
            subfile: first(254, 0)?,
            bits: bits(file, directory, numbers(BITS)?.unwrap_or_else(|| vec![1]), ask)?,
            formats: numbers(339)?.unwrap_or_else(|| vec![1]),
        };
        Ok(tags.layout(file.header.is_big_endian))
    }

    /// Strips or tiles of one picture down and across.
    pub fn num_pieces(&self) -> [usize; 2] {
        [self.height.div_ceil(self.piece[0]), self.width.div_ceil(self.piece[1])]
    }

    /// Pictures that lie one behind the other: one for each sample, or one.
    pub fn num_planes(&self) -> usize {
        if self.is_planar { self.samples } else { 1 }
    }

    /// Numbers for each place within one of them.
    pub fn interleaved(&self) -> usize {
        if self.is_planar { 1 } else { self.samples }
    }

    /// Whether numbers are stored as they are shown, but for their byte order.
    pub fn is_plain(&self) -> bool {
        self.compression == Compression::None
            && self.bits == self.dtype.num_bytes() * 8
            && !self.is_reversed
            && self.predictor == Predictor::None
    }

    /// Bytes that a row of so many columns is stored in.
    pub fn row_bytes(&self, columns: usize) -> usize {
        (columns * self.interleaved() * self.bits).div_ceil(8)
    }

    /// Bytes that all of it is stored in where it is not compressed, one plane.
    pub fn plane_bytes(&self) -> u64 {
        self.height as u64 * self.row_bytes(self.width) as u64
    }

    /// Whether pictures of both can lie in one array.
    pub fn is_like(&self, other: &Self) -> bool {
        let of = |layout: &Self| (layout.height, layout.width, layout.samples, layout.is_planar, layout.dtype);
        of(self) == of(other)
    }

    /// What is stored with, in words; empty where nothing is.
    pub fn compression_in_words(&self) -> String {
        let name = match self.compression {
            Compression::None => return String::new(),
            Compression::Lzw => "LZW",
            Compression::Deflate => "deflate",
            Compression::PackBits => "PackBits",
            Compression::Zstd => "zstd",
        };
        let suffix = if self.predictor == Predictor::None { "" } else { ", differences" };
        format!("{name}{suffix}")
    }
}

/// Bits of each sample. Of two that differ the four bytes are the place of the two, as Zeiss writes it, though there is
/// room for them.
fn bits(file: &TiffFile, directory: &Directory, said: Vec<u64>, ask: Ask<'_>) -> Result<Vec<u64>, FetchError> {
    let ([low, high], false) = (&said[..], file.header.is_big || file.header.is_big_endian) else { return Ok(said) };
    let place = low + (high << 16);
    let is_pair = directory.entry(BITS).is_some_and(|entry| (entry.kind, entry.count) == (3, 2));
    if low == high || !is_pair || place + 4 > file.num_bytes {
        return Ok(said);
    }
    let bytes = file.range(place..place + 4, ask)?;
    let pair = [0, 2].map(|at| file.header.number(&bytes, at, 2).unwrap_or_default());
    Ok(if pair[0] == pair[1] && matches!(pair[0], 8 | 16 | 32) { pair.to_vec() } else { said })
}

/// The numbers of a directory that say how its picture is stored.
struct Tags {
    extent: [u64; 2],
    samples: u64,
    compression: u64,
    photometric: u64,
    subsampling: u64,
    fill_order: u64,
    planar: u64,
    predictor: u64,
    rows_per_strip: u64,
    tile: [u64; 2],
    subfile: u64,
    bits: Vec<u64>,
    formats: Vec<u64>,
}

impl Tags {
    fn layout(self, is_big_endian: bool) -> Result<Layout, String> {
        let [height, width] = self.extent;
        if self.extent.iter().any(|side| *side == 0 || *side > MAX_SIDE) {
            return Err(format!("a picture of {height} × {width} makes no sense"));
        }
        if self.samples == 0 || self.samples > MAX_SAMPLES {
            return Err(format!("{} samples at each place make no sense", self.samples));
        }
        let compression = compression(self.compression)?;
        // Colours at half the resolution: only JPEG files have them, but nothing keeps others from it.
        if self.photometric == 6 && self.subsampling != 1 {
            return Err("colours are stored at a lower resolution (YCbCr), which is not read".into());
        }
        let (dtype, bits) = self.dtype()?;
        let predictor = match self.predictor {
            0 | 1 => Predictor::None,
            2 if bits % 8 == 0 => Predictor::Differences,
            3 if matches!(dtype, DType::F16 | DType::F32 | DType::F64) => Predictor::Fractions,
            other => return Err(format!("predictor {other} of {bits}-bit numbers is not read")),
        };
        // libtiff and others undo a predictor only where something was compressed.
        let predictor = if compression == Compression::None { Predictor::None } else { predictor };
        let is_tiled = self.tile.iter().all(|side| *side > 0);
        if self.tile.iter().any(|side| *side > MAX_SIDE) {
            return Err(format!("tiles of {} × {} make no sense", self.tile[0], self.tile[1]));
        }
        let rows_per_strip = if self.rows_per_strip == 0 { height } else { self.rows_per_strip.min(height) };
        let piece = if is_tiled { self.tile } else { [rows_per_strip, width] };
        Ok(Layout {
            width: width as usize,
            height: height as usize,
            samples: self.samples as usize,
            is_planar: self.planar == 2 && self.samples > 1,
            dtype,
            bits,
            compression,
            predictor,
            is_tiled,
            piece: piece.map(|side| side as usize),
            is_reversed: self.fill_order == 2,
            is_big_endian,
            is_reduced: self.subfile & 1 != 0,
        })
    }

    /// The type of a number and the bits it is stored in, the same for all samples.
    fn dtype(&self) -> Result<(DType, usize), String> {
        if self.bits.iter().any(|bits| *bits != self.bits[0]) || self.formats.iter().any(|f| *f != self.formats[0]) {
            return Err("samples of different types at one place are not read".into());
        }
        let (bits, format) = (self.bits[0], self.formats[0]);
        let dtype = match (format, bits) {
            (1 | 4, 1) => DType::Bool,
            (1 | 4, 2..=8) => DType::U8,
            (1 | 4, 9..=16) => DType::U16,
            (1 | 4, 32) => DType::U32,
            (1 | 4, 64) => DType::U64,
            (2, 8) => DType::I8,
            (2, 16) => DType::I16,
            (2, 32) => DType::I32,
            (2, 64) => DType::I64,
            (3, 16) => DType::F16,
            (3, 32) => DType::F32,
            (3, 64) => DType::F64,
            (5 | 6, _) => return Err("complex numbers are not read".into()),
            (_, bits) => {
                let kind = ["whole", "signed", "fractional"].get((format as usize).wrapping_sub(1));
                return Err(format!("{} numbers of {bits} bits are not read", kind.unwrap_or(&"unknown")));
            }
        };
        Ok((dtype, bits as usize))
    }
}

fn compression(code: u64) -> Result<Compression, String> {
    let name = match code {
        1 => return Ok(Compression::None),
        5 => return Ok(Compression::Lzw),
        8 | 32946 => return Ok(Compression::Deflate),
        32773 => return Ok(Compression::PackBits),
        50000 | 34926 => return Ok(Compression::Zstd),
        2..=4 => "fax (CCITT)",
        6 | 7 | 33007 | 34892 => "JPEG",
        33003..=33005 | 34712 => "JPEG 2000",
        22610 | 34934 | 50002 | 52546 => "JPEG XR or XL",
        34887 => "LERC",
        34925 => "LZMA",
        34933 => "PNG",
        48124 => "Jetraw",
        50001 | 34927 => "WebP",
        other => return Err(format!("compression {other} is not read")),
    };
    Err(format!("{name} compression is not read"))
}
