//! What Zeiss's LSM files say: TIFF files with a block of numbers in a tag of their own, and a small picture behind
//! each page. Their channels are the planes of a page. Kinds of scans whose pages are no pictures, and files in
//! which numbers are known to be wrong (sizes of what is compressed, places beyond 4 GB), are refused by their name.

use super::ifd::{Ask, Directory, Header, TiffFile};
use super::said::{Said, SaidChannel};
use crate::format::FetchError;

/// The tag of the block.
pub const INFO: u16 = 34412;
/// How the block begins, in both versions there are.
const MAGIC: [u64; 2] = [0x0300_494c, 0x0400_494c];
/// Of the block, and of those that it names, at most so much is read.
const MAX_BYTES: u64 = 64 << 20;
/// Channels whose names are looked at.
const MAX_CHANNELS: usize = 64;

/// What the block of a file says; `None` where it has none.
///
/// # Errors
/// What kept it from being read.
pub fn said(file: &TiffFile, directory: &Directory, ask: Ask<'_>) -> Result<Option<Said>, FetchError> {
    if directory.entry(INFO).is_none() {
        return Ok(None);
    }
    let mut said = Said { by: "LSM file", ..Said::default() };
    let block =
        file.value(directory, INFO, MAX_BYTES, ask)?.map(|value| Block { bytes: value.bytes, header: file.header });
    let is_compressed = file.value(directory, 259, 64, ask)?.is_some_and(|value| value.numbers() != [1]);
    match block
        .as_ref()
        .ok_or("says nothing of its pages".to_owned())
        .and_then(|block| block.check(file, is_compressed))
    {
        Ok([t, z, c]) => said.dims = vec![('T', t), ('Z', z), ('C', c), ('Y', 0), ('X', 0)],
        Err(why) => said.refused = Some(format!("is an LSM file that {why}")),
    }
    let Some(block) = block.filter(|_| said.refused.is_none()) else { return Ok(Some(said)) };
    (said.dims[3].1, said.dims[4].1) = (block.count(12), block.count(8));
    let um = |at: usize| block.fraction(at).map(|metres| metres * 1e6).filter(|um| um.is_finite() && *um > 0.0);
    said.spacing_um = [um(56), um(48), um(40)];
    said.interval_s = block.fraction(112).filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    if let Some(times) = part(file, block.place(132), ask)? {
        said.times_s = times_in(&times, said.dims[0].1);
    }
    if let Some(colors) = part(file, block.place(108), ask)? {
        said.channels = channels(&colors);
    }
    Ok(Some(said))
}

/// Numbers of a file of Zeiss, which are little-endian.
struct Block {
    bytes: Vec<u8>,
    header: Header,
}

impl Block {
    fn number(&self, at: usize) -> u64 {
        self.header.number(&self.bytes, at, 4).unwrap_or_default()
    }

    /// A length; 0 where it makes no sense.
    fn count(&self, at: usize) -> usize {
        Some(self.number(at)).filter(|count| *count <= i32::MAX as u64).unwrap_or_default() as usize
    }

    fn fraction(&self, at: usize) -> Option<f64> {
        self.header.number(&self.bytes, at, 8).map(f64::from_bits)
    }

    /// Where a further block is; `None` where there is none.
    fn place(&self, at: usize) -> Option<u64> {
        Some(self.number(at)).filter(|place| *place >= 8)
    }

    /// Timepoints, planes and channels; or why the file is not read.
    fn check(&self, file: &TiffFile, is_compressed: bool) -> Result<[usize; 3], String> {
        if !MAGIC.contains(&self.number(0)) || file.header.is_big_endian || file.header.is_big {
            return Err("is damaged: what it says of its pages makes no sense".into());
        }
        let scan = self.header.number(&self.bytes, 88, 2).unwrap_or(u64::MAX);
        if ![0, 3, 6].contains(&scan) {
            return Err(format!("holds lines, sections or points (scan type {scan}), which are not read"));
        }
        if self.count(264) > 1 || self.count(268) > 1 {
            return Err("holds several positions, which are not read".into());
        }
        if is_compressed {
            return Err(
                "is compressed, with wrong sizes of what is stored; save it uncompressed, or as OME-TIFF".into()
            );
        }
        if file.num_bytes > u64::from(u32::MAX) {
            return Err("is longer than the places in it can be (4 GB); save it as OME-TIFF".into());
        }
        let counts = [24, 16, 20].map(|at| self.count(at));
        if counts.contains(&0) {
            return Err("is damaged: it says that it has no planes".into());
        }
        Ok(counts)
    }
}

/// A further block, as long as it says itself; `None` where it is not within the file.
fn part(file: &TiffFile, place: Option<u64>, ask: Ask<'_>) -> Result<Option<Block>, FetchError> {
    let Some(place) = place.filter(|place| place.saturating_add(24) <= file.num_bytes) else { return Ok(None) };
    let head = Block { bytes: file.range(place..place + 24, ask)?, header: file.header };
    let len = head.number(0);
    if !(8..=MAX_BYTES).contains(&len) || place.saturating_add(len) > file.num_bytes {
        return Ok(None);
    }
    Ok(Some(Block { bytes: file.range(place..place + len, ask)?, header: file.header }))
}

/// When each timepoint was taken, in seconds.
fn times_in(block: &Block, num: usize) -> Option<Vec<f64>> {
    let count = block.count(4);
    (count == num && block.bytes.len() == 8 + 8 * count)
        .then(|| (0..count).filter_map(|i| block.fraction(8 + 8 * i)).collect())
}

/// Names and colours of the channels.
fn channels(block: &Block) -> Vec<SaidChannel> {
    let (num, colors, mut at) = (block.count(4).min(MAX_CHANNELS), block.count(12), block.count(16));
    let mut channels = Vec::new();
    for i in 0..num {
        let color = block.bytes.get(colors.saturating_add(4 * i)..).and_then(|bytes| bytes.get(..3));
        let color = color.map(|rgb| [rgb[0], rgb[1], rgb[2]]).filter(|[r, g, b]| r != g || g != b);
        let len = block.count(at);
        let name = block.bytes.get(at.saturating_add(4)..).and_then(|bytes| bytes.get(..len));
        let name = name.map(|name| String::from_utf8_lossy(name).trim_end_matches('\0').to_owned());
        at = at.saturating_add(4 + len);
        channels.push(SaidChannel { name: name.filter(|name| !name.is_empty()), color, limits: None });
    }
    channels
}
