//! Colours and contrast limits of channels, as ImageJ keeps them in two tags of its own: a block of values, and the
//! length of each of them.

use super::directory::Value;
use crate::write::ChannelLook;

/// The tag of the lengths.
pub const COUNTS: u16 = 50_838;
/// The tag of the block.
pub const METADATA: u16 = 50_839;

/// Both tags; `None` where no channel has a colour and not all have limits.
pub fn tags(channels: &[ChannelLook]) -> Option<(Value, Value)> {
    let limits: Option<Vec<[f64; 2]>> = channels.iter().map(|look| look.limits).collect();
    let limits = limits.filter(|limits| !limits.is_empty());
    let has_colors = channels.iter().any(|look| look.rgb.is_some());
    // Names of kinds stand as little-endian numbers do, from their last letter to the first.
    let mut kinds: Vec<(&[u8; 4], Vec<Vec<u8>>)> = Vec::new();
    if let Some(limits) = limits {
        kinds.push((b"gnar", vec![limits.iter().flatten().flat_map(|limit| limit.to_le_bytes()).collect()]));
    }
    if has_colors {
        kinds.push((b"stul", channels.iter().map(|look| table(look.rgb.unwrap_or([255; 3]))).collect()));
    }
    if kinds.is_empty() {
        return None;
    }
    let mut block = b"JIJI".to_vec();
    for (name, values) in &kinds {
        block.extend(*name);
        block.extend((values.len() as u32).to_le_bytes());
    }
    let mut counts = vec![block.len() as u32];
    for value in kinds.into_iter().flat_map(|(_, values)| values) {
        counts.push(value.len() as u32);
        block.extend(value);
    }
    Some((Value::Longs(counts), Value::Bytes(block)))
}

/// From black to a colour: 256 reds, greens, blues.
fn table(color: [u8; 3]) -> Vec<u8> {
    color.iter().flat_map(|most| (0..256u32).map(move |i| (i * u32::from(*most) / 255) as u8)).collect()
}
