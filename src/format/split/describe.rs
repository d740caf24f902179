//! What a split dataset says of itself: facts for the Dataset panel, and everything known to be wrong
//! at opening, each thing once.

use std::sync::Arc;

use super::block::Block;
use super::layout::Geometry;
use super::metadata::Claim;
use super::place::Place;
use super::rig::{self, Rig};
use crate::format::axes::{self, Axes};
use crate::format::hdf5::Header;
use crate::format::{FormatError, FormatErrorCode};
use crate::volume::{ArrayInfo, Axis, Problem, Severity, Span, VoxelSize, codes};

/// Everything the description is made of.
pub(super) struct Facts<'a> {
    /// Where it lies.
    pub place: &'a Place,
    /// What the metadata say.
    pub claim: &'a Claim,
    /// What the rig says.
    pub rig: &'a Rig,
    /// The reference block's array.
    pub header: &'a Header,
    /// The layout by the files.
    pub geometry: &'a Geometry,
    /// Number of block files in use.
    pub num_files: usize,
    /// Whether the files contradict the claim.
    pub is_put_aside: bool,
    /// Whether the metadata are there.
    pub is_finished: bool,
}

impl Facts<'_> {
    /// Puts the facts together.
    ///
    /// # Errors
    /// When the axes the user names do not fit.
    pub fn array_info(&self, problems: &mut Vec<Problem>) -> Result<ArrayInfo, FormatError> {
        let shape = self.geometry.shape;
        let resolution = self.resolution();
        let folder_name = self.place.folder.file_name().unwrap_or_default().to_string_lossy();
        let hints = axes::Hints {
            names: &[&folder_name, &self.place.prefix],
            dtype: self.header.dtype,
            num_blocks: self.geometry.grid().first().copied().unwrap_or(1),
            resolution,
        };
        let (axes, note) = Axes::told_or(self.place.axes.as_deref(), &shape, || axes::guess(&shape, &hints))
            .map_err(|error| FormatError::new(&self.place.folder, error).with_code(FormatErrorCode::WrongOption))?;
        problems.extend(note.map(|message| self.note(codes::AXES_GUESSED, message)));
        let writer = self.writer();
        let format = match writer {
            Some(writer) => format!("split dataset ({writer})"),
            None => "split dataset".to_owned(),
        };
        Ok(ArrayInfo {
            name: self.name(),
            location: (&self.place.folder).into(),
            format,
            channel_axis: axes.channel,
            held: axes.held,
            axes_from: axes.from,
            voxel_size: self.voxel_size(&axes.names, resolution),
            rate_hz: self.rate_hz(),
            claimed_shape: self.claim.full.clone().filter(|full| !is_same(full, shape.dims())),
            value_scale: None,
            num_blocks: self.geometry.num_blocks(),
            facts: self.facts(),
            dtype: self.header.dtype,
            shape,
            axes: axes.names,
        })
    }

    /// The acquisition's name: rigs call the folder of the blocks `original`, and channels by colour.
    fn name(&self) -> String {
        let folder = std::path::absolute(&self.place.folder).unwrap_or_else(|_| self.place.folder.clone());
        let mut names = folder.iter().rev().map(|name| name.to_string_lossy().into_owned());
        let own = names.next().unwrap_or_else(|| "recording".into());
        let prefix = self.place.prefix.trim_end_matches(['_', '-']);
        let (channel, own) = match own.as_str() {
            "green" | "red" => (Some(own), names.next().unwrap_or_default()),
            _ => (None, own),
        };
        let mut name = if own == "original" { names.next().unwrap_or(own) } else { own };
        if !prefix.is_empty() {
            name = format!("{name} / {prefix}");
        }
        if self.geometry.layout.channels > 1 {
            name = format!("{name} (channel {})", self.place.channel);
        }
        channel.map_or(name.clone(), |channel| format!("{name} ({channel})"))
    }

    fn writer(&self) -> Option<&'static str> {
        match (self.claim.writer, self.rig.writer) {
            // The older of brunoise's and split_dataset's metadata have the same keys.
            (Some("brunoise"), Some(rig)) => Some(rig),
            (Some("brunoise"), None) if self.geometry.layout.growth != 1 => Some("split_dataset"),
            (Some("shapes only"), rig) => rig,
            (None, rig) => rig.or((self.rig.time_file.is_some()).then_some("brunoise")),
            (claimed, _) => claimed,
        }
    }

    /// The resolution unless it is the default of ones along space.
    fn resolution(&self) -> Option<&[f64]> {
        let all = self.claim.resolution.as_deref()?;
        let space = if all.len() == 4 { &all[1..] } else { all };
        space.iter().any(|&value| value != 1.0).then_some(all)
    }

    fn voxel_size(&self, axes: &[Option<Axis>], resolution: Option<&[f64]>) -> Option<VoxelSize> {
        if let Some(edges) = self.claim.voxel_size {
            return Some(VoxelSize::of(edges));
        }
        let all = resolution?;
        // Three numbers for four axes leave out time.
        let offset = axes.len().checked_sub(all.len())?;
        let along = |wanted: Axis| {
            let axis = axes.iter().position(|axis| *axis == Some(wanted))?;
            all.get(axis.checked_sub(offset)?).copied()
        };
        Some(VoxelSize { z_um: along(Axis::Z).unwrap_or(1.0), y_um: along(Axis::Y)?, x_um: along(Axis::X)? })
    }

    fn rate_hz(&self) -> Option<f64> {
        if self.claim.rate_hz.is_some() {
            return self.claim.rate_hz;
        }
        if self.rig.rate_hz.is_some() || self.geometry.layout.growth == 0 {
            return self.rig.rate_hz;
        }
        let times = rig::clock(self.rig.time_file.as_deref()?)?;
        rig::rate_of_times(&times)
    }

    fn facts(&self) -> Vec<(String, String)> {
        let layout = &self.geometry.layout;
        let block = crate::volume::Shape::new(&layout.block).map_or_else(String::new, |shape| shape.to_string());
        let mut facts = vec![
            ("Blocks".to_owned(), format!("{} of {block}", self.num_files)),
            ("Array".to_owned(), self.header.name.clone()),
            ("Stored".to_owned(), self.header.filters_in_words()),
        ];
        if layout.padding.iter().any(|&padding| padding > 0) {
            facts.push(("Overlap".to_owned(), format!("{:?}, trimmed", layout.padding)));
        }
        if self.claim.file.as_os_str().is_empty() {
            facts.push(("Metadata".to_owned(), "none (running, or interrupted)".to_owned()));
        } else {
            let name = self.claim.file.file_name().unwrap_or_default().to_string_lossy();
            facts.push(("Metadata".to_owned(), name.into_owned()));
        }
        if let (Some(step), None) = (self.rig.z_step_um, self.claim.voxel_size) {
            facts.push(("Plane distance".to_owned(), format!("{step} µm")));
        }
        facts
    }

    fn note(&self, code: &'static str, message: String) -> Problem {
        Problem { code, severity: Severity::Note, file: None, span: None, message }
    }
}

fn is_same(claimed: &[u64], dims: &[usize]) -> bool {
    claimed.len() == dims.len() && claimed.iter().zip(dims).all(|(&a, &b)| a == b as u64)
}

/// Names what the listing and the metadata show to be wrong.
pub(super) fn name_problems(
    facts: &Facts<'_>,
    strays: &[String],
    slots: &[Arc<Block>],
    info: &ArrayInfo,
    problems: &mut Vec<Problem>,
) {
    let folder = &facts.place.folder;
    for name in strays {
        let message = "looks like a block and is none of this recording's; left out".to_owned();
        let file = Some(folder.join(name).into());
        problems.push(Problem { code: codes::STRAY_FILE, severity: Severity::Warning, file, span: None, message });
    }
    // Runs of missing blocks, each named once.
    let growth = facts.geometry.layout.growth;
    let mut i = 0;
    while i < slots.len() {
        let start = i;
        while i < slots.len() && !slots[i].is_present {
            i += 1;
        }
        if i == start {
            i += 1;
            continue;
        }
        let name = |k: usize| slots[k].path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let message = match i - start {
            1 => "the block is missing".to_owned(),
            n => format!("this and the next {} blocks, up to {}, are missing", n - 1, name(i - 1)),
        };
        let (a, b) = (facts.geometry.region(start), facts.geometry.region(i - 1));
        let range = [a.start()[growth], b.stop()[growth]];
        let span = info.axes.get(growth).copied().flatten().map(|axis| Span { axis, range });
        let file = Some((&slots[start].path).into());
        problems.push(Problem { code: codes::MISSING_BLOCK, severity: Severity::Error, file, span, message });
    }
    if facts.claim.file.as_os_str().is_empty() && !facts.is_finished {
        let axis = if facts.geometry.layout.growth == 0 { "volume after volume" } else { "plane after plane" };
        let text =
            format!("no stack_metadata.json: the recording is running or was interrupted; read as recorded {axis}");
        let file = Some(folder.into());
        problems.push(Problem { code: codes::NO_METADATA, severity: Severity::Note, file, span: None, message: text });
    }
    if facts.is_put_aside {
        let text = match facts.claim.full_text() {
            claim if claim.is_empty() => "does not describe these blocks; the blocks are believed".to_owned(),
            claim => {
                format!("claims {claim}, which is not what the blocks hold ({}); the blocks are believed", info.shape)
            }
        };
        problems.push(claim_problem(facts, codes::METADATA_CONTRADICTS, text));
    } else if info.claimed_shape.is_some() {
        let (claim, have) = (facts.geometry.layout.claimed_len, info.shape.dims()[growth]);
        let axis = info.axes.get(growth).copied().flatten().map_or('?', Axis::letter);
        let what = if claim > have { "stopped early, or its last blocks are missing" } else { "the blocks go on" };
        let text = format!("claims {claim} along {axis}, the blocks hold {have}: {what}");
        let code = if claim > have { codes::STOPPED_EARLY } else { codes::LONGER_THAN_CLAIMED };
        problems.push(claim_problem(facts, code, text));
    }
}

fn claim_problem(facts: &Facts<'_>, code: &'static str, message: String) -> Problem {
    Problem { code, severity: Severity::Note, file: Some((&facts.claim.file).into()), span: None, message }
}
