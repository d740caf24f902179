//! What ImageJ says of a stack: a line for each fact in the description, colours and limits in tags of its own.

use super::ifd::{Ask, Directory, TiffFile};
use super::said::{Resolution, Said, SaidChannel};
use crate::format::FetchError;
use crate::format::units;

/// Sizes and bytes of ImageJ's own tags.
const COUNTS: u16 = 50838;
const METADATA: u16 = 50839;
/// Of these at most so much is read.
const MAX_METADATA_BYTES: u64 = 64 << 20;
/// Channels whose colours are looked at.
const MAX_CHANNELS: usize = 64;

/// What the lines of a description say.
pub fn said(description: &str, resolution: Resolution) -> Said {
    let value = |name: &str| {
        let line = description.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(str::trim)
    };
    let number = |name: &str| value(name).and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
    let count = |name: &str| value(name).and_then(|text| text.parse::<usize>().ok()).filter(|count| *count > 0);
    let images = count("images").unwrap_or(1);
    let (channels, slices, frames) = (count("channels"), count("slices"), count("frames"));
    let mut dims = vec![('T', frames.unwrap_or(1)), ('Z', slices.unwrap_or(1)), ('C', channels.unwrap_or(1))];
    if channels.is_none() && slices.is_none() && frames.is_none() {
        // A plain stack: what its pages count is not said.
        dims = vec![('I', images)];
    }
    let order = value("order").unwrap_or("czt").to_lowercase();
    if order.len() == 3 && dims.len() == 3 {
        // The fastest is named first.
        let place = |letter: char| order.find(letter.to_ascii_lowercase()).unwrap_or(3);
        dims.sort_by_key(|(letter, _)| std::cmp::Reverse(place(*letter)));
    }
    let unit = value("unit").and_then(units::micrometres);
    let y_unit = value("yunit").and_then(units::micrometres).or(unit);
    let z_unit = value("zunit").and_then(units::micrometres).or(unit);
    let edge = |per_unit: Option<f64>, unit: Option<f64>| per_unit.zip(unit).map(|(per_unit, um)| um / per_unit);
    let spacing = number("spacing").map(f64::abs).filter(|spacing| *spacing > 0.0);
    let [x, y] = resolution.per_unit;
    let interval_s = number("finterval")
        .filter(|interval| *interval > 0.0)
        .map(|interval| interval * value("tunit").and_then(units::seconds).unwrap_or(1.0));
    let limits = number("min").zip(number("max")).filter(|(low, high)| low < high).map(|(low, high)| [low, high]);
    let mut channels = Vec::new();
    if limits.is_some() && dims.iter().all(|(letter, len)| *letter != 'C' || *len == 1) {
        channels.push(SaidChannel { limits, ..SaidChannel::default() });
    }
    let mut facts = Vec::new();
    if let Some(version) = value("ImageJ") {
        facts.push(("Written by".to_owned(), format!("ImageJ {version}")));
    }
    Said {
        by: "TIFF file (ImageJ)",
        dims,
        continued: (images > 1).then_some(images),
        channels,
        spacing_um: [spacing.zip(z_unit).map(|(spacing, um)| spacing * um), edge(y, y_unit), edge(x, unit)],
        interval_s,
        facts,
        ..Said::default()
    }
}

/// Adds the colours and limits that ImageJ keeps in tags of its own.
///
/// # Errors
/// What kept them from being read.
pub fn add_display(said: &mut Said, file: &TiffFile, directory: &Directory, ask: Ask<'_>) -> Result<(), FetchError> {
    let Some(counts) = file.value(directory, COUNTS, 1 << 20, ask)? else { return Ok(()) };
    let Some(metadata) = file.value(directory, METADATA, MAX_METADATA_BYTES, ask)? else { return Ok(()) };
    let (luts, ranges) = display(file, &counts.numbers(), &metadata.bytes);
    let num = luts.len().max(ranges.len()).min(MAX_CHANNELS);
    if num > said.channels.len() {
        said.channels.resize(num, SaidChannel::default());
    }
    for (channel, color) in said.channels.iter_mut().zip(luts) {
        // A grey table is no colour: several channels in grey could not be told apart.
        channel.color = Some(color).filter(|[r, g, b]| r != g || g != b);
    }
    for (channel, limits) in said.channels.iter_mut().zip(ranges) {
        channel.limits = Some(limits).filter(|[low, high]| low.is_finite() && high.is_finite() && low < high);
    }
    Ok(())
}

/// The brightest colour of each table and the limits of each channel, from ImageJ's block of metadata: a
/// header of kinds with how many there are of each, and the values of all of them, whose sizes stand elsewhere.
fn display(file: &TiffFile, counts: &[u64], bytes: &[u8]) -> (Vec<[u8; 3]>, Vec<[f64; 2]>) {
    let (mut luts, mut ranges) = (Vec::new(), Vec::new());
    let is_big_endian = match bytes.get(..4) {
        Some(b"IJIJ") => true,
        Some(b"JIJI") => false,
        _ => return (luts, ranges),
    };
    let header = super::ifd::Header { is_big_endian, ..file.header };
    let Some(header_len) = counts.first().and_then(|len| usize::try_from(*len).ok()) else { return (luts, ranges) };
    let mut sizes = counts[1..].iter();
    let mut at = header_len;
    let kinds = bytes.get(4..header_len).unwrap_or_default();
    for kind in kinds.chunks_exact(8) {
        let mut name = [kind[0], kind[1], kind[2], kind[3]];
        if !is_big_endian {
            name.reverse();
        }
        for _ in 0..header.number(kind, 4, 4).unwrap_or_default() {
            let Some(size) = sizes.next().and_then(|size| usize::try_from(*size).ok()) else { return (luts, ranges) };
            let Some(value) = at.checked_add(size).and_then(|stop| bytes.get(at..stop)) else { return (luts, ranges) };
            at += size;
            match &name {
                b"luts" if value.len() == 768 => luts.push([value[255], value[511], value[767]]),
                b"rang" => {
                    let number = |at: usize| header.number(value, at, 8).map(f64::from_bits).unwrap_or(f64::NAN);
                    ranges
                        .extend((0..value.len() / 16).take(MAX_CHANNELS).map(|i| [number(16 * i), number(16 * i + 8)]));
                }
                _ => {}
            }
        }
    }
    (luts, ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_hyperstack_are_read() {
        let text = "ImageJ=1.53t\nimages=120\nchannels=2\nslices=5\nframes=12\nhyperstack=true\nunit=micron\n\
                    spacing=-2.5\nfinterval=0.5\nmin=3.0\nmax=900.0\n";
        let said = said(text, Resolution { per_unit: [Some(2.0), Some(4.0)], unit: 1 });
        assert_eq!(said.dims, [('T', 12), ('Z', 5), ('C', 2)]);
        assert_eq!(said.spacing_um, [Some(2.5), Some(0.25), Some(0.5)]);
        assert_eq!((said.interval_s, said.continued), (Some(0.5), Some(120)));
        let order = super::said("ImageJ=1\nimages=6\nslices=2\nframes=3\norder=tzc", Resolution::default());
        assert_eq!(order.dims, [('C', 1), ('Z', 2), ('T', 3)]);
        let plain = super::said("ImageJ=1\nimages=7\nmin=0\nmax=0\nunit=pixel\nspacing=inf", Resolution::default());
        assert_eq!((plain.dims, plain.spacing_um, plain.channels), (vec![('I', 7)], [None; 3], vec![]));
    }
}
