//! What the writer of a TIFF file says of its pages, in the ways that are common: ImageJ's lines, ScanImage's
//! settings, tifffile's JSON, Zeiss's numbers. (OME-XML, which names pages and files one by one, is in `ome.rs`.)

use serde_json::Value as Json;

use super::ifd::{Ask, Directory, TiffFile};
use super::layout::DESCRIPTION;
use super::{imagej, lsm, scanimage};
use crate::format::FetchError;

/// Text of a file that is looked at.
pub const MAX_TEXT_BYTES: u64 = 64 << 20;

/// What is said of one channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaidChannel {
    pub name: Option<String>,
    pub color: Option<[u8; 3]>,
    pub limits: Option<[f64; 2]>,
}

/// What is said of the pages of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Who says it, as a name of the format; empty where nobody does.
    pub by: &'static str,
    /// What the pages count, slowest first, by the letters in use (T, Z, C, and whatever else), and how far.
    pub dims: Vec<(char, usize)>,
    /// Of so many pages that are stored in a row only the first so many are of the recording: (stored, shown).
    pub skipping: Option<(usize, usize)>,
    /// How many pages there are, where that is said otherwise than by `dims`.
    pub num_pages: Option<usize>,
    /// When each timepoint was taken, in seconds.
    pub times_s: Option<Vec<f64>>,
    /// Why its pages are not read, where what is said of them makes no array.
    pub refused: Option<String>,
    /// How many pages follow one another behind the first without directories, where that is said.
    pub continued: Option<usize>,
    /// The channels, as far as something is said of them.
    pub channels: Vec<SaidChannel>,
    /// Micrometres between neighbours along z, y and x.
    pub spacing_um: [Option<f64>; 3],
    /// Seconds from one timepoint to the next.
    pub interval_s: Option<f64>,
    /// Further facts, label and value.
    pub facts: Vec<(String, String)>,
}

/// The texts of the first page that software writes to.
#[derive(Debug, Default, PartialEq)]
pub struct Texts {
    pub description: String,
    pub software: String,
    /// What else is needed of the directory.
    pub resolution: Resolution,
}

/// Pixels per unit along x and y, and what the unit is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Resolution {
    pub per_unit: [Option<f64>; 2],
    /// 1 none, 2 inch, 3 centimetre.
    pub unit: u64,
}

impl Texts {
    /// Of a page's directory.
    ///
    /// # Errors
    /// What kept them from being read.
    pub fn of(file: &TiffFile, directory: &Directory, ask: Ask<'_>) -> Result<Self, FetchError> {
        let text = |tag: u16| -> Result<String, FetchError> {
            Ok(file.value(directory, tag, MAX_TEXT_BYTES, ask)?.map_or_else(String::new, |value| value.text()))
        };
        let fraction = |tag: u16| -> Result<Option<f64>, FetchError> {
            let value = file.value(directory, tag, 64, ask)?;
            let first = value.and_then(|value| value.fractions().first().copied());
            Ok(first.filter(|value| value.is_finite() && *value > 0.0))
        };
        let unit = file.value(directory, 296, 64, ask)?.and_then(|value| value.numbers().first().copied());
        let resolution = Resolution { per_unit: [fraction(282)?, fraction(283)?], unit: unit.unwrap_or(2) };
        Ok(Self { description: text(DESCRIPTION)?, software: text(305)?, resolution })
    }
}

/// What is said of the pages of a file; nothing by nobody where that is of no kind that is known.
///
/// # Errors
/// What kept it from being read.
pub fn said(file: &TiffFile, directory: &Directory, texts: &Texts, ask: Ask<'_>) -> Result<Said, FetchError> {
    if let Some(said) = lsm::said(file, directory, ask)? {
        return Ok(said);
    }
    if let Some(said) = scanimage::said(file, directory, texts, ask)? {
        return Ok(said);
    }
    let mut said = at_hand(texts);
    if texts.description.starts_with(IMAGEJ) {
        imagej::add_display(&mut said, file, directory, ask)?;
    }
    Ok(said)
}

/// Begins a description by ImageJ.
const IMAGEJ: &str = "ImageJ=";

/// What the texts of a page say by themselves, without ScanImage's settings. No IO.
pub fn at_hand(texts: &Texts) -> Said {
    if texts.description.starts_with(IMAGEJ) {
        return imagej::said(&texts.description, texts.resolution);
    }
    shaped(&texts.description, texts.resolution).unwrap_or_else(|| nothing(texts.resolution))
}

/// What is known where nobody says anything: perhaps how large a pixel is.
fn nothing(resolution: Resolution) -> Said {
    Said { spacing_um: from_tags(resolution), ..Said::default() }
}

/// Pixel sizes by the tags for printers. Only those that no printer has are meant: in centimetres, and less
/// than 25 µm.
fn from_tags(resolution: Resolution) -> [Option<f64>; 3] {
    let edge = |per_unit: Option<f64>| {
        per_unit.filter(|_| resolution.unit == 3).map(|per_cm| 1e4 / per_cm).filter(|um| *um < 25.0)
    };
    let [x, y] = resolution.per_unit.map(edge);
    [None, y, x]
}

/// tifffile's JSON: `{"shape": [5, 2, 64, 64], "axes": "TCYX"}`.
fn shaped(description: &str, resolution: Resolution) -> Option<Said> {
    if !description.starts_with("{\"shape\":") {
        return None;
    }
    let json: Json = serde_json::from_str(description).ok()?;
    let shape: Vec<usize> =
        json["shape"].as_array()?.iter().map(|dim| dim.as_u64()?.try_into().ok()).collect::<Option<_>>()?;
    let axes: Vec<char> = json["axes"].as_str().unwrap_or_default().to_uppercase().chars().collect();
    let axes = if axes.len() == shape.len() { axes } else { vec!['Q'; shape.len()] };
    let is_cut = json["truncated"].as_bool() == Some(true);
    let dims: Vec<(char, usize)> = axes.into_iter().zip(shape).collect();
    // How many of the last axes lie within a page is found where the page is known.
    let number = |name: &str| json[name].as_f64().filter(|value| value.is_finite() && *value > 0.0);
    let mut spacing_um = from_tags(resolution);
    for (i, name) in ["PhysicalSizeZ", "PhysicalSizeY", "PhysicalSizeX"].into_iter().enumerate() {
        let unit = json[format!("{name}Unit")].as_str().unwrap_or("µm");
        spacing_um[i] =
            number(name).zip(crate::format::units::micrometres(unit)).map(|(size, um)| size * um).or(spacing_um[i]);
    }
    Some(Said {
        by: "TIFF file (tifffile)",
        dims,
        continued: is_cut.then_some(usize::MAX),
        spacing_um,
        interval_s: number("finterval").or(number("TimeIncrement")),
        ..Said::default()
    })
}
