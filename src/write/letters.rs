//! A letter for each axis of an array, as formats name them.

use crate::volume::ArrayInfo;

/// A letter for each axis: t, z, y, x, c for channels, i for what else has no meaning. Where nothing is known of any
/// axis, the last ones are taken for what they mostly are; see [`guessed`].
pub fn letters(info: &ArrayInfo) -> Vec<char> {
    if is_guessed(info) {
        let letters = ["", "x", "yx", "zyx", "tzyx", "tczyx"].get(info.shape.rank()).copied();
        if let Some(letters) = letters {
            return letters.chars().collect();
        }
    }
    let letter = |(i, axis): (usize, &Option<crate::volume::Axis>)| match axis {
        Some(axis) => axis.letter(),
        None if info.channel_axis == Some(i) => 'c',
        None => 'i',
    };
    info.axes.iter().enumerate().map(letter).collect()
}

fn is_guessed(info: &ArrayInfo) -> bool {
    info.channel_axis.is_none() && info.axes.iter().all(Option::is_none)
}

/// Says so where axes were guessed.
pub fn guessed(info: &ArrayInfo) -> Option<String> {
    let shown: String = letters(info).into_iter().collect();
    is_guessed(info).then(|| format!("which axis is which, where nothing says so: the last ones are taken for {shown}"))
}

/// The operation that brings axes into the order of what `key` gives for each letter; those with the same stay in theirs.
pub fn reordered(letters: &[char], key: impl Fn(char) -> usize) -> String {
    let mut order: Vec<usize> = (0..letters.len()).collect();
    order.sort_by_key(|&axis| key(letters[axis]));
    let shown: Vec<String> = order.iter().map(usize::to_string).collect();
    format!("--op \"transpose {}\" brings them into that order", shown.join(", "))
}
