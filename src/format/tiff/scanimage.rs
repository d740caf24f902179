//! What ScanImage says of a recording: its settings as lines of `SI.name = value`, in front of the first page
//! or in its tags; in files before 2015 as `state.name=value`.

use super::ifd::{Ask, Directory, TiffFile};
use super::layout::HEIGHT;
use super::regions;
use super::said::{MAX_TEXT_BYTES, Said, SaidChannel, Texts};
use crate::format::FetchError;
use crate::volume::Axis;

/// Marks the settings in front of the first page.
const MAGIC: u64 = 0x0703_0301;
/// The tag in which regions stand, where they are not in front of the first page.
const ARTIST: u16 = 315;
/// Channels of such a microscope; what says more is damaged.
const MAX_CHANNELS: usize = 64;

/// What the settings say; `None` where the file is not of ScanImage.
///
/// # Errors
/// What kept them from being read.
pub fn said(file: &TiffFile, directory: &Directory, texts: &Texts, ask: Ask<'_>) -> Result<Option<Said>, FetchError> {
    let [text, groups] = in_front(file, ask)?;
    let is_of_it = |text: &str| text.starts_with("SI.") || text.contains("\nSI.") || text.contains("scanimage.SI.");
    let settings = [text.as_deref(), Some(&texts.software), Some(&texts.description)];
    if let Some(text) = settings.into_iter().flatten().find(|text| is_of_it(text)) {
        let mut said = of_settings(&Settings(text));
        if Settings(text).is_true("SI.hRoiManager.mroiEnable") {
            let groups = match groups {
                Some(groups) => Some(groups),
                None => file.value(directory, ARTIST, MAX_TEXT_BYTES, ask)?.map(|value| value.text()),
            };
            let height = file.value(directory, HEIGHT, 64, ask)?.and_then(|value| value.numbers().first().copied());
            said.facts.push(regions::fact(groups.as_deref().unwrap_or_default(), height.unwrap_or_default()));
        }
        return Ok(Some(said));
    }
    Ok(texts.description.starts_with("state.").then(|| of_state(&Settings(&texts.description))))
}

/// The settings that stand in front of the first page, and the regions behind them.
fn in_front(file: &TiffFile, ask: Ask<'_>) -> Result<[Option<String>; 2], FetchError> {
    if !file.header.is_big || file.num_bytes < 32 {
        return Ok([None, None]);
    }
    let head = file.range(16..32, ask)?;
    let number = |at: usize| file.header.number(&head, at, 4).unwrap_or_default();
    if number(0) != MAGIC || !matches!(number(4), 3 | 4) {
        return Ok([None, None]);
    }
    let text = |at: u64, len: u64| -> Result<Option<String>, FetchError> {
        if len == 0 || len > MAX_TEXT_BYTES || at + len > file.num_bytes {
            return Ok(None);
        }
        let bytes = file.range(at..at + len, ask)?;
        Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()))
    };
    Ok([text(32, number(8))?, text(32 + number(8), number(12))?])
}

/// Lines of names and values, as Matlab writes them.
struct Settings<'a>(&'a str);

impl<'a> Settings<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| {
            let rest = line.trim_start_matches("scanimage.").strip_prefix(name)?;
            Some(rest.trim_start().strip_prefix('=')?.trim())
        })
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn count(&self, name: &str) -> Option<usize> {
        self.number(name).filter(|count| *count >= 1.0 && *count <= 1e9).map(|count| count as usize)
    }

    fn is_true(&self, name: &str) -> bool {
        matches!(self.text(name), Some("true" | "1"))
    }

    /// The entries of `[1;2]` or `{'green';'red'}`; one where there are no brackets.
    fn list(&self, name: &str) -> Vec<&'a str> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let inner = text.strip_prefix(['[', '{']).and_then(|text| text.strip_suffix([']', '}'])).unwrap_or(text);
        // Lists in lists are written without commas between their numbers: "{[0 100] [0 200]}".
        let parts: Vec<&str> = if inner.contains('[') {
            inner.split('[').skip(1).map(|part| part.split(']').next().unwrap_or_default()).collect()
        } else if text.starts_with('[') {
            inner.split([';', ' ', ',']).collect()
        } else {
            inner.split([';', ',']).collect()
        };
        parts.into_iter().map(|part| part.trim().trim_matches('\'')).filter(|part| !part.is_empty()).collect()
    }
}

/// Of the settings since 2015.
fn of_settings(settings: &Settings<'_>) -> Said {
    let saved = settings.list("SI.hChannels.channelSave");
    let saved: Vec<usize> = saved.iter().take(MAX_CHANNELS).filter_map(|number| number.parse().ok()).collect();
    let num_channels = saved.len().max(1);
    let stack = Stack::of(settings);
    let mut dims = Vec::new();
    let skipping = stack.place(&mut dims, num_channels);
    let names = settings.list("SI.hChannels.channelName");
    let colors = settings.list("SI.hChannels.channelMergeColor");
    let limits = settings.list("SI.hChannels.channelLUT");
    let channel = |number: &usize| {
        let at = number.checked_sub(1);
        let of = |list: &[&str]| at.and_then(|at| list.get(at)).map(|text| (*text).to_owned());
        SaidChannel {
            name: of(&names),
            color: of(&colors).and_then(|name| color(&name)),
            limits: of(&limits).and_then(|text| pair(&text)),
        }
    };
    let rate = if stack.is_volume { "SI.hRoiManager.scanVolumeRate" } else { "SI.hRoiManager.scanFrameRate" };
    let average = settings.number("SI.hScan2D.logAverageFactor").filter(|factor| *factor >= 1.0).unwrap_or(1.0);
    let rate_hz = settings.number(rate).filter(|rate| *rate > 0.0).map(|rate| rate / average);
    let num_pages = stack.num_pages(settings, num_channels, average);
    let mut facts = Vec::new();
    if let Some(major) = settings.text("SI.VERSION_MAJOR") {
        let minor = settings.text("SI.VERSION_MINOR").unwrap_or_default();
        facts.push(("Written by".to_owned(), format!("ScanImage {}.{minor}", major.trim_matches('\''))));
    }
    if let Some(zoom) = settings.number("SI.hRoiManager.scanZoomFactor") {
        facts.push(("Zoom".to_owned(), format!("{zoom}")));
    }
    Said {
        by: "TIFF file (ScanImage)",
        dims,
        skipping,
        num_pages,
        channels: saved.iter().map(channel).collect(),
        spacing_um: pixel_um(settings, stack.step_um),
        interval_s: rate_hz.map(|rate| 1.0 / rate),
        facts,
        ..Said::default()
    }
}

/// How the frames of a stack follow one another.
struct Stack {
    slices: usize,
    frames_per_slice: usize,
    with_flyback: usize,
    is_volume: bool,
    step_um: Option<f64>,
}

impl Stack {
    fn of(settings: &Settings<'_>) -> Self {
        let average = settings.count("SI.hScan2D.logAverageFactor").unwrap_or(1);
        let is_fast = settings.is_true("SI.hFastZ.enable")
            || settings.is_true("SI.hStackManager.enable")
                && settings.text("SI.hStackManager.stackMode").is_none_or(|mode| mode.contains("fast"));
        let is_slow = settings.is_true("SI.hStackManager.enable") && !is_fast;
        let slices = settings
            .count("SI.hStackManager.actualNumSlices")
            .or(settings.count("SI.hStackManager.numSlices"))
            .or(settings.count("SI.hFastZ.numFramesPerVolume"))
            .filter(|_| is_fast || is_slow)
            .unwrap_or(1);
        let per_slice = settings.count("SI.hStackManager.framesPerSlice").unwrap_or(1);
        let frames_per_slice = if is_slow { (per_slice / average.min(per_slice)).max(1) } else { 1 };
        let flyback = settings
            .number("SI.hFastZ.numDiscardFlybackFrames")
            .filter(|num| is_fast && (0.0..1e6).contains(num))
            .map_or(0, |num| num as usize);
        let with_flyback = settings
            .count("SI.hStackManager.numFramesPerVolumeWithFlyback")
            .filter(|num| is_fast && *num >= slices)
            .unwrap_or(slices + flyback);
        let step = settings
            .number("SI.hStackManager.actualStackZStepSize")
            .or(settings.number("SI.hStackManager.stackZStepSize"));
        let step_um = step.map(f64::abs).filter(|step| *step > 0.0 && slices > 1);
        Self { slices, frames_per_slice, with_flyback, is_volume: is_fast && slices > 1, step_um }
    }

    /// How many pages the file was to have: as many as were asked for, or as one file takes.
    fn num_pages(&self, settings: &Settings<'_>, num_channels: usize, average: f64) -> Option<usize> {
        let frames = if self.is_volume {
            let volumes = "SI.hStackManager.actualNumVolumes";
            let num = settings.count(volumes).or(settings.count("SI.hStackManager.numVolumes"))?;
            num.checked_mul(self.with_flyback)?
        } else {
            let each = (settings.count("SI.hStackManager.framesPerSlice")? as f64 / average) as usize;
            each.checked_mul(self.slices)?
        };
        let in_file = settings.count("SI.hScan2D.logFramesPerFile").unwrap_or(usize::MAX);
        frames.min(in_file).checked_mul(num_channels)
    }

    /// What the pages count; and where frames between volumes are of none, how many are stored and shown.
    fn place(&self, dims: &mut Vec<(char, usize)>, num_channels: usize) -> Option<(usize, usize)> {
        if self.is_volume || self.slices == 1 {
            // Each plane once in every volume; a volume of one plane is a frame.
            dims.extend([('T', 0), ('Z', self.slices), ('C', num_channels)]);
            let (stored, shown) = (self.with_flyback * num_channels, self.slices * num_channels);
            return (self.is_volume && stored > shown).then_some((stored, shown));
        }
        // A stack of planes, each of them several times before the next.
        dims.extend([('Z', 0), ('T', self.frames_per_slice), ('C', num_channels)]);
        None
    }
}

/// Micrometres between planes, rows and columns: the field of view by its corners where these are given,
/// divided by its pixels.
fn pixel_um(settings: &Settings<'_>, step_um: Option<f64>) -> [Option<f64>; 3] {
    let corners = settings.text("SI.hRoiManager.imagingFovUm").unwrap_or_default();
    let points: Vec<Vec<f64>> = corners
        .trim_matches(['[', ']'])
        .split(';')
        .map(|point| point.split_whitespace().filter_map(|number| number.parse().ok()).collect())
        .collect();
    let side = |axis: Axis| {
        let at = usize::from(axis == Axis::Y);
        let along = points.iter().filter_map(|point| point.get(at).copied());
        let (low, high) = along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), um| (low.min(um), high.max(um)));
        let name = if axis == Axis::Y { "SI.hRoiManager.linesPerFrame" } else { "SI.hRoiManager.pixelsPerLine" };
        settings.number(name).map(|num| (high - low) / num).filter(|um| um.is_finite() && *um > 0.0)
    };
    let is_one_field = points.len() == 4 && !settings.is_true("SI.hRoiManager.mroiEnable");
    if is_one_field { [step_um, side(Axis::Y), side(Axis::X)] } else { [step_um, None, None] }
}

/// Of the settings before 2015.
fn of_state(settings: &Settings<'_>) -> Said {
    let num_channels = settings.count("state.acq.numberOfChannelsSave").unwrap_or(1).min(MAX_CHANNELS);
    let slices = settings.count("state.acq.numberOfZSlices").unwrap_or(1);
    let frames = settings.count("state.acq.numberOfFrames").unwrap_or(1);
    let is_averaged = settings.is_true("state.acq.averaging");
    let dims = if slices == 1 {
        vec![('T', 0), ('Z', 1), ('C', num_channels)]
    } else {
        vec![('Z', 0), ('T', if is_averaged { 1 } else { frames }), ('C', num_channels)]
    };
    let rate = settings.number("state.acq.frameRate").filter(|rate| *rate > 0.0 && !is_averaged);
    let step_um = settings.number("state.acq.zStepSize").map(f64::abs).filter(|step| *step > 0.0 && slices > 1);
    Said {
        by: "TIFF file (ScanImage)",
        dims,
        spacing_um: [step_um, None, None],
        interval_s: rate.map(|rate| 1.0 / rate),
        facts: vec![("Written by".to_owned(), "ScanImage 3".to_owned())],
        ..Said::default()
    }
}

fn pair(text: &str) -> Option<[f64; 2]> {
    let numbers: Vec<f64> = text.split([' ', ',']).filter_map(|number| number.trim().parse().ok()).collect();
    let [low, high] = numbers[..] else { return None };
    (low < high).then_some([low, high])
}

fn color(name: &str) -> Option<[u8; 3]> {
    Some(match name {
        "red" => [255, 0, 0],
        "green" => [0, 255, 0],
        "blue" => [0, 0, 255],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: &str = "SI.VERSION_MAJOR = 2023\nSI.VERSION_MINOR = 1\nSI.hChannels.channelSave = [1;3]\n\
        SI.hChannels.channelName = {'GCaMP';'off';'tdTomato';'none'}\n\
        SI.hChannels.channelMergeColor = {'green';'red';'red';'blue'}\n\
        SI.hChannels.channelLUT = {[0 100] [0 100] [-5 300] [0 100]}\n\
        SI.hStackManager.enable = true\nSI.hStackManager.stackMode = 'fast'\n\
        SI.hStackManager.actualNumSlices = 4\nSI.hStackManager.numFramesPerVolumeWithFlyback = 5\n\
        SI.hStackManager.framesPerSlice = 1\nSI.hStackManager.actualStackZStepSize = -15\n\
        SI.hRoiManager.scanVolumeRate = 6\nSI.hRoiManager.scanFrameRate = 30\n\
        SI.hRoiManager.imagingFovUm = [-100 -50;100 -50;100 50;-100 50]\n\
        SI.hRoiManager.linesPerFrame = 50\nSI.hRoiManager.pixelsPerLine = 400";

    #[test]
    fn volumes_with_flyback_frames_are_told_from_frames() {
        let said = of_settings(&Settings(FAST));
        assert_eq!(said.dims, [('T', 0), ('Z', 4), ('C', 2)]);
        assert_eq!(said.skipping, Some((10, 8)));
        assert_eq!(said.spacing_um, [Some(15.0), Some(2.0), Some(0.5)]);
        assert_eq!(said.interval_s, Some(1.0 / 6.0));
        let names: Vec<_> = said.channels.iter().map(|channel| channel.name.as_deref()).collect();
        assert_eq!(names, [Some("GCaMP"), Some("tdTomato")]);
        assert_eq!(said.channels[1].color, Some([255, 0, 0]));
        assert_eq!(said.channels[1].limits, Some([-5.0, 300.0]));
        let slow = FAST.replace("'fast'", "'slow'").replace("framesPerSlice = 1", "framesPerSlice = 20");
        assert_eq!(of_settings(&Settings(&slow)).dims, [('Z', 0), ('T', 20), ('C', 2)]);
        let flat = FAST.replace("hStackManager.enable = true", "hStackManager.enable = false");
        let flat = of_settings(&Settings(&flat));
        assert_eq!(
            (flat.dims, flat.skipping, flat.interval_s),
            (vec![('T', 0), ('Z', 1), ('C', 2)], None, Some(1.0 / 30.0))
        );
    }
}
