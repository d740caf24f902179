//! Which recordings are channels of one: brunoise writes a folder for each colour, and in 2020 wrote both colours
//! into each file.

use std::path::Path;
use std::sync::Arc;

use super::discover::{Candidate, Listing};
use super::source::SplitSource;
use crate::format::{Channel, FormatError, Growing, Source};

/// The folders of channels and their light, in the order they are shown.
const FOLDERS: [(&str, [u8; 3]); 2] = [("green", [0, 255, 0]), ("red", [255, 0, 0])];

/// The channels that a recording is one of: `source`, which is that of `candidates[chosen]`, among them; none where
/// it has no others. `build` opens a candidate at one of the channels inside its files; what it fails with is told in
/// the log, and the channel left out.
pub(super) fn channels(
    candidates: &[Candidate],
    chosen: usize,
    source: &Arc<SplitSource>,
    build: impl Fn(&Candidate, usize) -> Result<Arc<SplitSource>, FormatError>,
) -> Vec<Channel> {
    let Some(own) = candidates.get(chosen) else { return Vec::new() };
    let inside = 0..source.num_channels();
    let found: Vec<Channel> = if inside.len() > 1 {
        let built = inside.map(|channel| {
            let is_own = channel == source.channel;
            let built = if is_own { Ok(Arc::clone(source)) } else { build(own, channel) };
            (format!("channel {channel}"), None, built)
        });
        built.filter_map(opened).collect()
    } else {
        let parts = FOLDERS.iter().filter_map(|(name, light)| {
            let part = candidates.iter().position(|part| is_folder(&part.folder, name) && is_beside(part, own))?;
            let built = if part == chosen { Ok(Arc::clone(source)) } else { build(&candidates[part], 0) };
            Some(((*name).to_owned(), Some(*light), built))
        });
        let is_part = FOLDERS.iter().any(|(name, _)| is_folder(&own.folder, name));
        if is_part {
            FOLDERS.iter().for_each(|(name, _)| tell_of_empty(own, name));
        }
        parts.filter(|_| is_part).filter_map(opened).collect()
    };
    if found.len() > 1 { found } else { Vec::new() }
}

/// Says so where the folder of a channel is there and holds no block yet: it will not be shown when it does.
fn tell_of_empty(own: &Candidate, name: &str) {
    let folder = own.folder.with_file_name(name);
    if folder != own.folder && Listing::of(&folder).is_ok_and(|listing| listing.groups.is_empty()) {
        tracing::warn!("channel {name} holds no block yet; open the recording again once it does, to see both");
    }
}

fn is_folder(folder: &Path, name: &str) -> bool {
    folder.file_name().is_some_and(|own| own == name)
}

fn is_beside(part: &Candidate, own: &Candidate) -> bool {
    part.folder.parent() == own.folder.parent() && part.prefix == own.prefix
}

/// A name, its light, and what came of opening it.
type Built = (String, Option<[u8; 3]>, Result<Arc<SplitSource>, FormatError>);

fn opened((name, color, built): Built) -> Option<Channel> {
    let source = built.inspect_err(|error| tracing::warn!("channel {name} is left out: {error}")).ok()?;
    let growing = Some(Arc::clone(&source) as Arc<dyn Growing>);
    let levels = vec![source as Arc<dyn Source>];
    Some(Channel { name, color, limits: None, is_visible: true, levels, growing, held: Vec::new() })
}
