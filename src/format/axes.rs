//! What the axes of a recording are, and why. `axis_order` in the metadata says "zyx" for everything that is
//! not 4-D, movies too, so it is not asked.

use crate::volume::{ArrayInfo, Axis, AxisFrom, DType, Shape};

/// The axes of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axes {
    /// What each is; `None` for those beyond t, z, y and x.
    pub names: Vec<Option<Axis>>,
    /// Which of the latter counts channels.
    pub channel: Option<usize>,
    /// At which index each of the latter is held at first, in their order; those left out at 0.
    pub held: Vec<usize>,
    /// Why each is taken for what it is.
    pub from: Vec<AxisFrom>,
}

impl Axes {
    /// These axes, all for one reason.
    pub fn known(names: Vec<Option<Axis>>, channel: Option<usize>, from: AxisFrom) -> Self {
        let from = vec![from; names.len()];
        Self { names, channel, held: Vec::new(), from }
    }

    /// Those that an open dataset has.
    pub fn of(info: &ArrayInfo) -> Self {
        let (names, channel, held) = (info.axes.clone(), info.channel_axis, info.held.clone());
        Self { names, channel, held, from: info.axes_from.clone() }
    }

    /// The axes the user names, or else those that `others` gives, with what has to be said of them.
    ///
    /// # Errors
    /// When what the user says does not fit the array.
    pub fn told_or(
        told: Option<&str>,
        shape: &Shape,
        others: impl FnOnce() -> (Self, Option<String>),
    ) -> Result<(Self, Option<String>), String> {
        told.map_or_else(|| Ok(others()), |text| parse(text, shape).map(|axes| (axes, None)))
    }
}

/// What is known when the axes of an array must be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hints<'a> {
    /// Names of the folder and the prefix, or of the file and the array.
    pub names: &'a [&'a str],
    /// Storage type.
    pub dtype: DType,
    /// Number of blocks along the first axis; 1 for a single file.
    pub num_blocks: usize,
    /// The metadata's resolution, where it is not the default of ones.
    pub resolution: Option<&'a [f64]>,
}

/// Names of derived volumes in use in the laboratories; a movie is named otherwise.
const VOLUME_NAMES: [&str; 12] =
    ["anatomy", "reference", "ref", "mean", "std", "max", "average", "template", "atlas", "rois", "mask", "zstack"];

/// As arrays lie in files: rows before columns, both last.
const LAST: AxisFrom = AxisFrom::known("by its place");

/// The axes of an array whose file does not name them, and a sentence when that was a guess.
pub(super) fn guess(shape: &Shape, hints: &Hints<'_>) -> (Axes, Option<String>) {
    use Axis::{T, X, Y, Z};
    let dims = shape.dims();
    let known = |axes: &[Axis]| Axes::known(axes.iter().copied().map(Some).collect(), None, LAST);
    match dims.len() {
        0 => (Axes::known(Vec::new(), None, LAST), None),
        1 => (known(&[X]), None),
        2 => (known(&[Y, X]), None),
        3 => {
            let (is_volume, from) = is_volume(dims[0], hints);
            let (names, text) = if is_volume { ([Z, Y, X], "z, y, x") } else { ([T, Y, X], "t, y, x") };
            let mut axes = known(&names);
            axes.from[0] = from;
            let (why, other) = (from.words, if is_volume { "tyx" } else { "zyx" });
            (axes, Some(format!("3-D data taken for {text} {why}; --axes {other} says otherwise")))
        }
        rank => {
            let mut axes = known(&[T, Z, Y, X]);
            let beyond = rank - 4;
            axes.names.splice(0..0, vec![None; beyond]);
            // Nothing tells what an axis in front of time counts.
            axes.from.splice(0..0, vec![AxisFrom::guess("held at one index"); beyond]);
            if beyond == 0 && dims[0] <= MAX_COLORS {
                axes.from[0] = AxisFrom::guess("channels?");
            } else if dims[rank - 1] <= MAX_COLORS && dims[rank - 2] > MAX_COLORS {
                axes.from[rank - 1] = AxisFrom::guess("channels?");
            }
            (axes, None)
        }
    }
}

/// The same of an array that no convention describes. Programs that count the axes the other way put the rows and
/// columns before the planes: two equal lengths, and behind them one that is much shorter.
pub(super) fn guess_of_file(shape: &Shape, hints: &Hints<'_>) -> (Axes, Option<String>) {
    use Axis::{T, X, Y, Z};
    let is_square = |one: usize, other: usize, num_planes: usize| {
        one == other && one >= MIN_SIDE && num_planes > MAX_COLORS && 2 * num_planes <= one
    };
    let names = match *shape.dims() {
        [rows, columns, planes] if hints.resolution.is_none() && is_square(rows, columns, planes) => &[Y, X, Z][..],
        [_, rows, columns, planes] if is_square(rows, columns, planes) => &[T, Y, X, Z],
        _ => return guess(shape, hints),
    };
    let from = |axis: &Axis| AxisFrom::guess(if matches!(axis, Y | X) { "same length" } else { "from its length" });
    let from = names.iter().map(from).collect();
    let axes = Axes { names: names.iter().copied().map(Some).collect(), channel: None, held: Vec::new(), from };
    let letters: Vec<String> = names.iter().map(ToString::to_string).collect();
    let text = format!("axes taken for {} by their lengths; --axes says otherwise", letters.join(", "));
    (axes, Some(text))
}

/// Rows and columns that are shorter are no picture of a microscope.
const MIN_SIDE: usize = 32;

/// Channels of a microscope, colours of a picture: so few timepoints or columns are seldom meant.
const MAX_COLORS: usize = 4;

/// Whether a 3-D array is a volume and no movie, and why.
fn is_volume(len: usize, hints: &Hints<'_>) -> (bool, AxisFrom) {
    let is_named = hints.names.iter().any(|name| {
        name.to_ascii_lowercase().split(|c: char| !c.is_ascii_alphabetic()).any(|word| VOLUME_NAMES.contains(&word))
    });
    let is_spaced = hints.resolution.is_some_and(|r| r.len() == 3 && r[1] == r[2]);
    match () {
        () if is_named => (true, AxisFrom::known("by its name")),
        () if is_spaced => (true, AxisFrom::known("by its resolution")),
        () if hints.num_blocks > 1 => (false, AxisFrom::known("by its blocks")),
        // Label images of cell finders.
        () if hints.dtype == DType::I32 => (true, AxisFrom::guess("by its type")),
        // Nobody scans so many planes.
        () if len > 400 => (false, AxisFrom::known("by its length")),
        () => (true, AxisFrom::guess("by its length")),
    }
}

/// The axes the user names: for each one letter of t, z, y, x, c, in any order, each once; `_` or an index
/// for one that is held there.
pub(super) fn parse(text: &str, shape: &Shape) -> Result<Axes, String> {
    let words = words(text)?;
    if words.len() != shape.rank() {
        return Err(format!("--axes {text} names {} axes, the data have {}", words.len(), shape.rank()));
    }
    let mut axes = Axes::known(Vec::new(), None, AxisFrom::USER);
    for (i, (word, &len)) in words.iter().zip(shape.dims()).enumerate() {
        axes.names.push(match word {
            Word::Axis(axis) => Some(*axis),
            Word::Channel | Word::Held(_) => None,
        });
        match word {
            Word::Axis(_) => {}
            Word::Channel => {
                axes.channel = Some(i);
                axes.held.push(0);
            }
            Word::Held(index) if *index >= len.max(1) => {
                return Err(format!("--axes {text}: axis {i} has {len} indices, the first is 0"));
            }
            Word::Held(index) => axes.held.push(*index),
        }
    }
    axes.from = vec![AxisFrom::USER; words.len()];
    Ok(axes)
}

/// Whether a text can name axes at all; returns it in the form that [`crate::volume::ArrayInfo`] writes.
///
/// # Errors
/// When it cannot: what is wrong with it.
pub fn check_axes(text: &str) -> Result<String, String> {
    let words = words(text)?;
    let is_held = |word: &Word| matches!(word, Word::Held(_));
    let separator = if words.iter().any(is_held) { "," } else { "" };
    let words = words.iter().map(|word| match word {
        Word::Axis(axis) => axis.letter().to_string(),
        Word::Channel => "c".to_owned(),
        Word::Held(index) => index.to_string(),
    });
    Ok(words.collect::<Vec<_>>().join(separator))
}

/// What is said of one axis.
enum Word {
    Axis(Axis),
    Channel,
    Held(usize),
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        words.push(match letter.to_ascii_lowercase() {
            ',' | ' ' => continue,
            'c' => Word::Channel,
            '_' | '-' | '?' => Word::Held(0),
            digit if digit.is_ascii_digit() => {
                let mut number = digit.to_string();
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    number.push(digit);
                }
                Word::Held(number.parse().map_err(|_| format!("--axes {text}: {number} is no index"))?)
            }
            other => Word::Axis(Axis::from_letter(other).ok_or_else(|| {
                format!("--axes {text}: {other} names no axis; t, z, y, x and c do, _ or an index holds one")
            })?),
        });
    }
    let num = |axis: Axis| words.iter().filter(|word| matches!(word, Word::Axis(a) if *a == axis)).count();
    let num_channels = words.iter().filter(|word| matches!(word, Word::Channel)).count();
    if num_channels > 1 || Axis::ALL.into_iter().any(|axis| num(axis) > 1) {
        return Err(format!("--axes {text} names an axis twice"));
    }
    match words.len() {
        0 => Err("--axes: one letter for each axis, slowest first".to_owned()),
        1 => Ok(words),
        _ if num(Axis::Y) == 1 && num(Axis::X) == 1 => Ok(words),
        _ => Err(format!("--axes {text}: a picture needs both y and x")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(axes: &[Option<Axis>]) -> String {
        axes.iter().map(|axis| axis.map_or('_', Axis::letter)).collect()
    }

    fn guessed(dims: &[usize], hints: &Hints<'_>) -> Axes {
        guess(&Shape::new(dims).unwrap(), hints).0
    }

    const MOVIE: Hints<'_> = Hints { names: &["data"], dtype: DType::U16, num_blocks: 4, resolution: None };

    #[test]
    fn three_dimensional_data_are_told_by_name_then_resolution_then_blocks() {
        let told = |len: usize, hints: &Hints<'_>| {
            let (axes, note) = guess(&Shape::from([len, 30, 40]), hints);
            assert!(note.is_some_and(|note| note.contains(axes.from[0].words)), "a guess is always said");
            (letters(&axes.names), axes.from[0].is_guess)
        };
        let told_of = |hints: &Hints<'_>| told(17, hints);
        assert_eq!(told_of(&MOVIE), ("tyx".to_owned(), false));
        assert_eq!(told_of(&Hints { names: &["anatomy"], ..MOVIE }), ("zyx".to_owned(), false));
        assert_eq!(told_of(&Hints { names: &["fish_Mean_3"], ..MOVIE }), ("zyx".to_owned(), false));
        assert_eq!(told_of(&Hints { names: &["refraction"], ..MOVIE }), ("tyx".to_owned(), false));
        assert_eq!(told_of(&Hints { resolution: Some(&[5.0, 0.6, 0.6]), ..MOVIE }), ("zyx".to_owned(), false));
        let single = Hints { num_blocks: 1, ..MOVIE };
        assert_eq!(told_of(&single), ("zyx".to_owned(), true), "seventeen of anything");
        assert_eq!(told_of(&Hints { dtype: DType::I32, ..single }), ("zyx".to_owned(), true));
        assert_eq!(told(3000, &single), ("tyx".to_owned(), false));
    }

    #[test]
    fn equal_lengths_before_a_shorter_one_are_rows_and_columns_of_a_file_of_no_convention() {
        let hints = Hints { names: &["data"], dtype: DType::U16, num_blocks: 1, resolution: None };
        let of = |dims: &[usize]| {
            let axes = guess_of_file(&Shape::new(dims).unwrap(), &hints).0;
            (letters(&axes.names), axes.from.iter().filter(|from| from.words == "same length").count())
        };
        let expected = |text: &str, num: usize| (text.to_owned(), num);
        assert_eq!(of(&[60, 128, 128, 10]), expected("tyxz", 2));
        assert_eq!(of(&[512, 512, 120]), expected("yxz", 2));
        // Planes before their rows, colours, a table.
        for dims in
            [&[60, 10, 128, 128][..], &[60, 128, 128, 3], &[60, 128, 128, 100], &[60, 8, 8, 2], &[60, 128, 64, 10]]
        {
            assert_eq!(of(dims), expected("tzyx", 0), "{dims:?}");
        }
    }

    #[test]
    fn what_may_be_channels_is_a_guess() {
        let is_guess = |dims: &[usize]| guessed(dims, &MOVIE).from.iter().map(|from| from.is_guess).collect::<Vec<_>>();
        assert_eq!(is_guess(&[11, 5, 30, 40]), [false; 4]);
        assert_eq!(is_guess(&[2, 5, 30, 40]), [true, false, false, false]);
        assert_eq!(is_guess(&[11, 30, 40, 3]), [false, false, false, true]);
        assert_eq!(is_guess(&[2, 11, 5, 30, 40]), [true, false, false, false, false]);
        assert_eq!(letters(&guessed(&[2, 11, 5, 30, 40], &MOVIE).names), "_tzyx");
    }

    #[test]
    fn the_users_word_must_fit() {
        let shape = Shape::from([2, 9, 30, 40]);
        let told = |text: &str| parse(text, &shape);
        let of = |text: &str| told(text).map(|axes| (letters(&axes.names), axes.channel, axes.held));
        assert_eq!(of("TZYX"), Ok(("tzyx".into(), None, vec![])));
        assert_eq!(of("_zyx"), Ok(("_zyx".into(), None, vec![0])));
        assert_eq!(of("ctyx"), Ok(("_tyx".into(), Some(0), vec![0])));
        assert_eq!(of("c,8,y,x"), Ok(("__yx".into(), Some(0), vec![0, 8])));
        assert_eq!(of("1 8 y x"), Ok(("__yx".into(), None, vec![1, 8])));
        assert_eq!(told("yxtz").unwrap().from, [AxisFrom::USER; 4]);
        for bad in [
            "tzy",
            "tzyxx",
            "ttyx",
            "cczyx",
            "abcd",
            "",
            "tz_x",
            "2zyx",
            "c,9,y,x",
            "18yx",
            "t99999999999999999999999yx",
        ] {
            let error = told(bad).unwrap_err();
            assert!(error.starts_with("--axes"), "{error}");
        }
        assert!(check_axes("cc").is_err() && check_axes("tzx").is_err());
        let written = ["TZYX", "t _ 12yx", "c,y,x"].map(|text| check_axes(text).unwrap());
        assert_eq!(written, ["tzyx", "t,0,12,y,x", "cyx"]);
    }
}
