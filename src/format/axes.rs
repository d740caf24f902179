//! What the axes of a recording are. `axis_order` in the metadata says "zyx" for everything that is not
//! 4-D, movies too, so it is not asked.

use crate::volume::{Axis, DType};

/// What is known when the axes of a 3-D array must be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hints<'a> {
    /// Names of the folder and the prefix, or of the file and the array.
    pub names: &'a [&'a str],
    /// Storage type.
    pub dtype: DType,
    /// Extent of the first axis.
    pub len: usize,
    /// Number of blocks along the first axis; 1 for a single file.
    pub num_blocks: usize,
    /// The metadata's resolution, where it is not the default of ones.
    pub resolution: Option<&'a [f64]>,
}

/// Names of derived volumes in use in the laboratories; a movie is named otherwise.
const VOLUME_NAMES: [&str; 12] =
    ["anatomy", "reference", "ref", "mean", "std", "max", "average", "template", "atlas", "rois", "mask", "zstack"];

/// The axes of an array of `rank`, and a sentence when that was a guess.
pub(super) fn guess(rank: usize, hints: &Hints<'_>) -> (Vec<Option<Axis>>, Option<String>) {
    use Axis::{T, X, Y, Z};
    let known = |axes: &[Axis]| axes.iter().copied().map(Some).collect::<Vec<_>>();
    match rank {
        0 => (Vec::new(), None),
        1 => (known(&[X]), None),
        2 => (known(&[Y, X]), None),
        3 => {
            let is_volume_name = hints.names.iter().any(|name| {
                name.to_ascii_lowercase()
                    .split(|c: char| !c.is_ascii_alphabetic())
                    .any(|word| VOLUME_NAMES.contains(&word))
            });
            let is_spaced = hints.resolution.is_some_and(|r| r.len() == 3 && r[1] == r[2]);
            let (is_volume, why) = if is_volume_name {
                (true, "by its name")
            } else if is_spaced {
                (true, "by its resolution")
            } else if hints.num_blocks > 1 {
                (false, "by its blocks")
            } else if hints.dtype == DType::I32 {
                // Label images of cell finders.
                (true, "by its type")
            } else {
                (hints.len <= 400, "by its length")
            };
            let (axes, text) = if is_volume { ([Z, Y, X], "z, y, x") } else { ([T, Y, X], "t, y, x") };
            let other = if is_volume { "tyx" } else { "zyx" };
            (known(&axes), Some(format!("3-D data taken for {text} {why}; --axes {other} says otherwise")))
        }
        _ => {
            let mut axes = vec![None; rank - 4];
            axes.extend(known(&[T, Z, Y, X]));
            (axes, None)
        }
    }
}

/// The axes the user names: one letter of t, z, y, x for each, in any order, each once; `_` for none.
pub(super) fn parse(text: &str, rank: usize) -> Result<Vec<Option<Axis>>, String> {
    let axes: Option<Vec<Option<Axis>>> = text
        .chars()
        .filter(|c| !matches!(c, ',' | ' '))
        .map(|c| if matches!(c, '_' | '-' | '?') { Some(None) } else { Axis::from_letter(c).map(Some) })
        .collect();
    let axes = axes.ok_or_else(|| format!("--axes {text}: only the letters t, z, y and x name axes"))?;
    if axes.len() != rank {
        return Err(format!("--axes {text} names {} axes, the data have {rank}", axes.len()));
    }
    for (i, axis) in axes.iter().enumerate() {
        if axis.is_some() && axes[..i].contains(axis) {
            return Err(format!("--axes {text} names an axis twice"));
        }
    }
    Ok(axes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(axes: &[Option<Axis>]) -> String {
        axes.iter().map(|axis| axis.map_or('_', Axis::letter)).collect()
    }

    #[test]
    fn three_dimensional_data_are_told_by_name_then_resolution_then_blocks() {
        let hints = Hints { names: &["data"], dtype: DType::U16, len: 17, num_blocks: 4, resolution: None };
        let told = |hints: &Hints<'_>| {
            let (axes, note) = guess(3, hints);
            assert!(note.is_some(), "a guess is always said");
            letters(&axes)
        };
        assert_eq!(told(&hints), "tyx");
        assert_eq!(told(&Hints { names: &["anatomy"], ..hints }), "zyx");
        assert_eq!(told(&Hints { names: &["fish_Mean_3"], ..hints }), "zyx");
        assert_eq!(told(&Hints { names: &["refraction"], ..hints }), "tyx");
        assert_eq!(told(&Hints { resolution: Some(&[5.0, 0.6, 0.6]), ..hints }), "zyx");
        assert_eq!(told(&Hints { num_blocks: 1, ..hints }), "zyx");
        assert_eq!(told(&Hints { num_blocks: 1, len: 3000, ..hints }), "tyx");
        assert_eq!(letters(&guess(5, &hints).0), "_tzyx");
    }

    #[test]
    fn the_users_word_must_fit() {
        assert_eq!(parse("TYX", 3).map(|axes| letters(&axes)), Ok("tyx".into()));
        assert_eq!(parse("_zyx", 4).map(|axes| letters(&axes)), Ok("_zyx".into()));
        for bad in ["tzy", "tzyxx", "ttyx", "abcd", ""] {
            assert!(parse(bad, 4).is_err(), "{bad}");
        }
    }
}
