//! How an array is cut into pages, and these into strips: which flavor can hold it, and where everything lies.

use anyhow::{Context, Result, bail};

use crate::volume::{ArrayInfo, DType, Grid, Shape};
use crate::write::letters::{letters, reordered};
use crate::write::{Codec, Compression, TargetOptions};

/// Bytes of a strip that is compressed.
const STRIP_BYTES: usize = 1 << 20;
/// Bytes of what is written at once where nothing is compressed.
const RUN_BYTES: usize = 4 << 20;
/// What files with offsets of 32 bits hold at most; some room is left for what compresses badly.
const CLASSIC_BYTES: u64 = u32::MAX as u64 - (32 << 20);

/// Who describes the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    ImageJ,
    Ome,
    /// As tifffile does.
    Plain,
}

/// The pages of a file.
#[derive(Clone, Debug)]
pub struct Pages {
    pub flavor: Flavor,
    pub dtype: DType,
    pub compression: Compression,
    /// Whether offsets have 64 bits.
    pub is_big: bool,
    /// A letter for each axis, in capitals.
    pub letters: Vec<char>,
    pub chunks: Grid,
    /// By how many pages neighbours along each axis but the last two are apart.
    strides: Vec<u64>,
    pub num: u64,
    pub height: usize,
    pub width: usize,
    /// Rows of a strip.
    pub rows: usize,
}

impl Pages {
    /// Of an array; `name` may say the flavor.
    ///
    /// # Errors
    /// If TIFF, or the flavor that was asked for, cannot hold the array.
    pub fn new(info: &ArrayInfo, name: &str, options: &TargetOptions) -> Result<Self> {
        let rank = info.shape.rank();
        let letters: Vec<char> = letters(info).iter().map(char::to_ascii_uppercase).collect();
        if rank < 2 || letters[rank - 2..] != ['Y', 'X'] {
            let shown: String = letters.iter().collect::<String>().to_lowercase();
            let how = match letters.contains(&'Y') && letters.contains(&'X') {
                true => reordered(&letters, |letter| "YX".find(letter).map_or(0, |at| at + 1)),
                false => "--axes says which they are".to_owned(),
            };
            bail!("pages of TIFF files are planes of y and x, which come last, and this array is {shown}; {how}");
        }
        let (height, width) = (info.shape.dims()[rank - 2], info.shape.dims()[rank - 1]);
        if info.shape.dims().contains(&0) {
            bail!("{}: a TIFF file has no pages without voxels", info.shape);
        }
        let compression = options.compression.unwrap_or(Compression::NONE);
        check(info.dtype, compression)?;
        let letters = with_channels(letters);
        let flavor = flavor(&letters, info.dtype, compression, name, options)?;
        let size = info.shape.num_bytes(info.dtype).and_then(|bytes| u64::try_from(bytes).ok());
        let size =
            size.filter(|bytes| *bytes < 1 << 62).with_context(|| format!("{} are more than any file", info.shape))?;
        let (strides, num) = strides(&letters, info.shape.dims(), flavor);
        let row = width * info.dtype.num_bytes();
        let is_compressed = compression.codec != Codec::None;
        let at_once = (if is_compressed { STRIP_BYTES } else { RUN_BYTES } / row).clamp(1, height);
        let mut cell = vec![1; rank];
        (cell[rank - 2], cell[rank - 1]) = (at_once, width);
        let chunks = Shape::new(&cell).and_then(|cell| Grid::new(info.shape, cell)).context("no such pages")?;
        let rows = if is_compressed { at_once } else { height };
        let directories = num.saturating_mul(260 + 16 * height.div_ceil(rows) as u64);
        // What LZW makes of noise is longer by half.
        let longer = if compression.codec == Codec::Lzw { size / 2 } else { size / 64 };
        let is_large = size.saturating_add(longer).saturating_add(directories) > CLASSIC_BYTES;
        if flavor == Flavor::ImageJ && options.big {
            bail!("--big: ImageJ itself opens no BigTIFF; --flavor ome or plain");
        }
        if [height, width].iter().any(|side| *side > 1 << 24) {
            bail!("pages of {height} × {width} are larger than programs read");
        }
        if flavor == Flavor::ImageJ && (row * height) as u64 > CLASSIC_BYTES {
            bail!("pages of {height} × {width} are larger than ImageJ reads; --flavor ome or plain");
        }
        let is_big = options.big || is_large && flavor != Flavor::ImageJ;
        Ok(Self { flavor, dtype: info.dtype, compression, is_big, letters, chunks, strides, num, height, width, rows })
    }

    pub fn is_compressed(&self) -> bool {
        self.compression.codec != Codec::None
    }

    /// Extent along the axis of a letter; 1 where there is none.
    pub fn len(&self, letter: char) -> usize {
        let at = self.letters.iter().position(|other| *other == letter);
        at.map_or(1, |at| self.chunks.shape().dims()[at])
    }

    /// The page and the row where a chunk begins.
    pub fn place(&self, start: &[usize]) -> (u64, usize) {
        let page = start.iter().zip(&self.strides).map(|(at, stride)| *at as u64 * stride).sum();
        (page, start[start.len() - 2])
    }

    pub fn row_bytes(&self) -> u64 {
        (self.width * self.dtype.num_bytes()) as u64
    }

    pub fn page_bytes(&self) -> u64 {
        self.row_bytes() * self.height as u64
    }

    pub fn strips_of_page(&self) -> usize {
        self.height.div_ceil(self.rows)
    }
}

/// Refuses what readers do not read.
fn check(dtype: DType, compression: Compression) -> Result<()> {
    if dtype == DType::Bool {
        bail!("TIFF files hold no bool that programs read; --dtype uint8 writes it as 0 and 1");
    }
    match compression.codec {
        Codec::None | Codec::Gzip | Codec::Zstd | Codec::Lzw => Ok(()),
        Codec::Lzf | Codec::Blosc(_) => {
            bail!("--compression {compression}: has no meaning for TIFF, which has none, deflate, zstd and lzw")
        }
    }
}

/// One axis without a meaning is counted as channels where there are no others: flavors have no room for more.
fn with_channels(mut letters: Vec<char>) -> Vec<char> {
    let nameless = letters.iter().filter(|letter| **letter == 'I').count();
    if nameless == 1 && !letters.contains(&'C') {
        letters.iter_mut().filter(|letter| **letter == 'I').for_each(|letter| *letter = 'C');
    }
    letters
}

/// The flavor that was asked for by word or by name; without either ImageJ's where it can hold the array.
fn flavor(
    letters: &[char],
    dtype: DType,
    compression: Compression,
    name: &str,
    options: &TargetOptions,
) -> Result<Flavor> {
    let lower = name.to_lowercase();
    let is_ome = [".ome.tif", ".ome.tiff", ".ome.btf", ".ome.tf8"].iter().any(|ending| lower.ends_with(ending));
    let others = letters.contains(&'I');
    let for_imagej = match dtype {
        _ if others => Err("has room for t, z and channels, and this array has more axes"),
        _ if compression.codec != Codec::None => Err("itself opens stacks only where they are not compressed"),
        DType::U8 | DType::U16 | DType::I16 | DType::F32 => Ok(()),
        _ => Err("holds uint8, uint16, int16 and float32 (--dtype)"),
    };
    let for_ome = match dtype {
        _ if others => Err("has room for t, z and channels, and this array has more axes"),
        DType::U64 | DType::I64 | DType::F16 => Err("has no 64-bit integers and no float16 (--dtype)"),
        _ => Ok(()),
    };
    match options.flavor.as_deref() {
        Some("imagej") => {
            for_imagej.map(|()| Flavor::ImageJ).or_else(|why| bail!("--flavor imagej: ImageJ {why}; or --flavor plain"))
        }
        Some("ome") => for_ome.map(|()| Flavor::Ome).or_else(|why| bail!("--flavor ome: OME {why}; or --flavor plain")),
        Some("plain") => Ok(Flavor::Plain),
        Some(other) => bail!("--flavor {other}: there are imagej, ome and plain"),
        None if is_ome => for_ome.map(|()| Flavor::Ome).or_else(|why| bail!("{name}: OME {why}; or --flavor plain")),
        None => Ok(if for_imagej.is_ok() && !options.big { Flavor::ImageJ } else { Flavor::Plain }),
    }
}

/// How many pages apart neighbours along each axis but the last two are, and how many pages there are. ImageJ has
/// channels fastest, then planes, then time; the others take the order there is.
fn strides(letters: &[char], dims: &[usize], flavor: Flavor) -> (Vec<u64>, u64) {
    let outer = dims.len() - 2;
    let mut order: Vec<usize> = (0..outer).rev().collect();
    if flavor == Flavor::ImageJ {
        order.sort_by_key(|&axis| ['C', 'Z', 'T'].iter().position(|letter| *letter == letters[axis]));
    }
    let (mut strides, mut stride) = (vec![0; outer], 1u64);
    for axis in order {
        strides[axis] = stride;
        stride = stride.saturating_mul(dims[axis] as u64);
    }
    (strides, stride)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::volume::Axis;

    fn of(letters: &str, dims: &[usize], dtype: DType, name: &str, options: &TargetOptions) -> Result<Pages> {
        let shape = Shape::new(dims).unwrap();
        let info = ArrayInfo {
            axes: letters.chars().map(Axis::from_letter).collect(),
            channel_axis: letters.find('c'),
            ..ArrayInfo::new("a", Path::new("a"), "array", shape, dtype)
        };
        Pages::new(&info, name, options)
    }

    #[test]
    fn pages_lie_as_their_flavor_has_them() {
        let none = TargetOptions::default();
        let pages = of("tczyx", &[2, 3, 5, 7, 9], DType::U16, "a.tif", &none).unwrap();
        assert_eq!((pages.flavor, pages.num), (Flavor::ImageJ, 30));
        assert_eq!((pages.place(&[1, 2, 4, 6, 0]), pages.place(&[0, 1, 0, 0, 0]).0), (((5 + 4) * 3 + 2, 6), 1));
        let pages = of("tczyx", &[2, 3, 5, 7, 9], DType::U16, "a.OME.tif", &none).unwrap();
        assert_eq!((pages.flavor, pages.place(&[1, 2, 4, 6, 0])), (Flavor::Ome, (29, 6)));
        assert_eq!(of("zyx", &[2, 3, 4], DType::F64, "a.tif", &none).unwrap().flavor, Flavor::Plain);
        let large = |flavor: &str| {
            let options = TargetOptions { flavor: Some(flavor.into()), ..TargetOptions::default() };
            of("tyx", &[3000, 1024, 1024], DType::U16, "a.tif", &options).unwrap()
        };
        assert_eq!((large("imagej").is_big, large("ome").is_big, large("plain").is_big), (false, true, true));
    }

    #[test]
    fn what_cannot_be_held_is_refused_with_a_way_out() {
        let with = |flavor: Option<&str>, compression: Option<&str>, big: bool| TargetOptions {
            flavor: flavor.map(str::to_owned),
            compression: compression.map(|text| text.parse().unwrap()),
            big,
            ..TargetOptions::default()
        };
        for (letters, dtype, name, options, word) in [
            ("zyx", DType::Bool, "a.tif", with(None, None, false), "--dtype uint8"),
            ("zyx", DType::U64, "a.ome.tif", with(None, None, false), "--dtype"),
            ("zyx", DType::F64, "a.tif", with(Some("imagej"), None, false), "--dtype"),
            ("zyx", DType::U8, "a.tif", with(Some("imagej"), Some("zstd"), false), "not compressed"),
            ("zyx", DType::U8, "a.tif", with(Some("imagej"), None, true), "BigTIFF"),
            ("zyx", DType::U8, "a.tif", with(None, Some("blosc"), false), "no meaning"),
            ("zyx", DType::U8, "a.tif", with(Some("fiji"), None, false), "there are imagej"),
            ("yxz", DType::U8, "a.tif", with(None, None, false), "transpose 2, 0, 1"),
            ("__yx", DType::U8, "a.ome.tif", with(None, None, false), "more axes"),
            ("zx", DType::U8, "a.tif", with(None, None, false), "--axes"),
            ("y", DType::U8, "a.tif", with(None, None, false), "planes of y and x"),
        ] {
            let error = of(letters, &vec![2; letters.len()], dtype, name, &options).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let none = TargetOptions::default();
        assert!(of("zyx", &[0, 2, 2], DType::U8, "a.tif", &none).is_err());
        assert!(of("zyx", &[usize::MAX, 9, 9], DType::U8, "a.tif", &none).is_err());
        assert!(of("zyx", &[1, 1, usize::MAX / 8], DType::F64, "a.tif", &none).is_err());
    }
}
