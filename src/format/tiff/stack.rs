//! How the pages of a recording make an array: which of them, in what order, and what they count.

use std::sync::Arc;

use super::book::{Book, Volume};
use super::index::End;
use super::layout::Layout;
use super::said::{Said, SaidChannel};
use crate::format::axes::{self, Axes, Hints};
use crate::volume::{Axis, AxisFrom, Severity, Shape, codes};

/// An array made of pages.
#[derive(Clone)]
pub struct Stack {
    /// What `--dataset` takes.
    pub name: String,
    /// Name of the format in words.
    pub format: &'static str,
    /// What the pages count, slowest first, and how far.
    pub dims: Vec<(char, usize)>,
    /// For each place, in C order of `dims`, the number of its page; from [`FIRST_ABSENT`] on there is none.
    pub frames: Arc<[u32]>,
    /// Why pages are not there: those of `u32::MAX` the first, of one less the second.
    pub absent: Vec<String>,
    /// How its pictures are stored; all are of this extent and type.
    pub layout: Layout,
    /// What the numbers at each place of a picture are: samples, unless something else is said.
    pub samples_are: char,
    /// Channels, as far as something is said of them.
    pub channels: Vec<SaidChannel>,
    /// Micrometres between neighbours along z, y and x.
    pub spacing_um: [Option<f64>; 3],
    /// Seconds from one timepoint to the next.
    pub interval_s: Option<f64>,
    /// When each timepoint was taken, where the files say so in one place.
    pub times_s: Option<Arc<[f64]>>,
    /// How far the slowest of `dims` is said to go, where that is another length.
    pub claimed: Option<usize>,
    /// How far the slowest goes on, by how much of the file its pages take, where these are still looked up.
    pub estimate: Option<usize>,
    /// Whether the number of a page is its place among those of its kind.
    pub is_in_order: bool,
    /// Further facts, label and value.
    pub facts: Vec<(String, String)>,
    /// What is wrong with it: code, severity, words.
    pub problems: Vec<(&'static str, Severity, String)>,
}

/// Places of an array; what claims more is taken for damage: memory is set aside for each, page or not.
pub const MAX_PLANES: usize = 16 << 20;

/// How many places there are; `None` where there are more than any file has.
pub fn num_places(dims: &[(char, usize)]) -> Option<usize> {
    dims.iter().try_fold(1usize, |num, (_, len)| num.checked_mul(*len)).filter(|num| *num <= MAX_PLANES)
}

/// Page numbers from here on say why there is none.
pub const FIRST_ABSENT: u32 = u32::MAX - 0xffff;

impl Stack {
    /// Why the place of such a number has no page; `None` where it has one.
    pub fn absence(&self, number: u32) -> Option<&str> {
        let reason = || self.absent.get((u32::MAX - number) as usize).map_or("has no page", String::as_str);
        (number >= FIRST_ABSENT).then(reason)
    }
}

/// Pages of one kind in their order.
struct Group {
    layout: Layout,
    pages: Vec<u32>,
}

/// Sorts the pages by the kind of their pictures, the kind of the first one first; and counts those that
/// cannot be read, with the reason.
fn groups(book: &Book) -> (Vec<Group>, Vec<(String, usize)>) {
    let (mut groups, mut unread): (Vec<Group>, Vec<(String, usize)>) = (Vec::new(), Vec::new());
    let mut number = 0;
    for volume in book.volumes() {
        // Most pages are like their predecessor: where each layout of the file belongs is found once.
        let of: Vec<Result<usize, usize>> = volume
            .index
            .layouts
            .iter()
            .map(|layout| match layout {
                Ok(layout) => {
                    let is_same =
                        |group: &Group| group.layout.is_like(layout) && group.layout.is_reduced == layout.is_reduced;
                    Ok(groups.iter().position(is_same).unwrap_or_else(|| {
                        groups.push(Group { layout: layout.clone(), pages: Vec::new() });
                        groups.len() - 1
                    }))
                }
                Err(why) => Err(unread.iter().position(|(known, _)| known == why).unwrap_or_else(|| {
                    unread.push((why.clone(), 0));
                    unread.len() - 1
                })),
            })
            .collect();
        for page in &volume.index.pages {
            match of[page.layout as usize] {
                Ok(group) => groups[group].pages.push(number),
                Err(why) => unread[why].1 += 1,
            }
            number += 1;
        }
    }
    groups.sort_by_key(|group| (group.layout.is_reduced, group.pages.first().copied()));
    (groups, unread)
}

/// The arrays that the pages of a recording make, the one that its writer describes first.
///
/// # Errors
/// Why there is none.
pub fn stacks(book: &Book, said: &Said) -> Result<Vec<Stack>, String> {
    if let Some(why) = &said.refused {
        return Err(why.clone());
    }
    let (mut groups, unread) = groups(book);
    if groups.is_empty() {
        let (why, _) = unread.into_iter().next().ok_or("holds no picture")?;
        return Err(why);
    }
    let mut first = groups.remove(0);
    let (mut dims, samples_are) = outer(&said.dims, &first.layout);
    let mut problems: Vec<_> = unread
        .into_iter()
        .map(|(why, num)| (codes::UNSUPPORTED, Severity::Warning, format!("{num} of its pages are left out: {why}")))
        .collect();
    if said.by.ends_with("(tifffile)") {
        // Several arrays of one shape may follow one another.
        let own = dims.iter().fold(1usize, |num, (_, len)| num.saturating_mul(*len)).max(1);
        let is_said = !dims.is_empty() || num_pages(said, &first.layout).is_some();
        if first.pages.len() > own && is_said {
            groups.insert(0, Group { layout: first.layout.clone(), pages: first.pages.split_off(own) });
        }
    }
    let late = Late::of(book);
    if let Some(num) = late.as_ref().and_then(|late| late.claimed).filter(|num| *num > first.pages.len()) {
        let found = first.pages.len();
        first.pages.extend(late.iter().filter(|late| late.is_under_way).flat_map(|late| late.next..num as u32));
        if first.pages.len() < num {
            // The array keeps the extent it was opened with.
            first.pages.resize(num, u32::MAX);
            let text = format!("the file says that it has {num} pages; {found} were found");
            problems.push((codes::STOPPED_EARLY, Severity::Warning, text));
        }
    }
    if let Some((stored, shown)) = said.skipping {
        let is_shown = |place: usize| place % stored < shown;
        first.pages = first.pages.iter().enumerate().filter(|(i, _)| is_shown(*i)).map(|(_, page)| *page).collect();
    }
    // A file that was cut off within its first page was to be more than that.
    let goes_on = book.volumes().iter().any(|volume| !matches!(volume.index.end, End::Last));
    let (fitted, claimed) = fit(&mut dims, first.pages.len(), goes_on);
    if let Some(claimed) = claimed {
        problems.push(contradiction(claimed, &fitted));
    }
    let num_places = num_places(&fitted).ok_or("says that it has more pages than any file")?;
    first.pages.resize(num_places, u32::MAX);
    let main = Stack {
        name: "pages".into(),
        format: if said.by.is_empty() { "TIFF file" } else { said.by },
        dims: fitted,
        frames: first.pages.into(),
        absent: vec!["the file ends before this page".into()],
        layout: first.layout,
        samples_are,
        channels: said.channels.clone(),
        spacing_um: said.spacing_um,
        interval_s: said.interval_s,
        times_s: said.times_s.as_deref().map(Arc::from),
        claimed,
        estimate: late.and_then(|late| late.estimate),
        is_in_order: true,
        facts: said.facts.clone(),
        problems,
    };
    let further = groups.into_iter().enumerate().map(|(i, group)| plain(&main, i, group));
    Ok(std::iter::once(main.clone()).chain(further.collect::<Vec<_>>()).collect())
}

/// Pages that are, or were when the array was opened, still to be found.
struct Late {
    is_under_way: bool,
    /// The number of the next one.
    next: u32,
    /// How many there are said to be in all.
    claimed: Option<usize>,
    /// How many there are in all by how much of the file those that were found take.
    estimate: Option<usize>,
}

/// How many pages a file has if the others take as much of it as those that were found.
pub fn estimate(volume: &Volume) -> usize {
    let (pages, num_bytes) = (&volume.index.pages, volume.file.num_bytes);
    let [first, .., last] = &pages[..] else {
        let reached = pages.first().map_or(1, |page| page.at).max(1);
        return (num_bytes / reached) as usize;
    };
    let each = (last.at.saturating_sub(first.at) / (pages.len() as u64 - 1)).max(1);
    pages.len() + (num_bytes.saturating_sub(last.at) / each) as usize
}

impl Late {
    fn of(book: &Book) -> Option<Self> {
        let [volume] = book.volumes() else { return None };
        let (is_under_way, found) = (volume.indexing.is_some(), volume.index.pages.len());
        (is_under_way || volume.claimed.is_some()).then_some(Self {
            is_under_way,
            next: found as u32,
            claimed: volume.claimed,
            estimate: is_under_way.then(|| estimate(volume)),
        })
    }
}

/// Pages that nobody describes.
fn plain(main: &Stack, i: usize, group: Group) -> Stack {
    let kind = if group.layout.is_reduced { "small pages" } else { "further pages" };
    Stack {
        name: format!("{kind} {}", i + 1),
        dims: if group.pages.len() > 1 { vec![('I', group.pages.len())] } else { Vec::new() },
        frames: group.pages.into(),
        layout: group.layout,
        samples_are: 'S',
        channels: Vec::new(),
        claimed: None,
        problems: Vec::new(),
        ..main.clone()
    }
}

/// How many pages are said to be there; `None` where that is not said.
pub fn num_pages(said: &Said, layout: &Layout) -> Option<usize> {
    let (dims, _) = outer(&said.dims, layout);
    let inner = [layout.height, layout.width, layout.samples].into_iter().fold(1, usize::saturating_mul);
    let all = said.dims.iter().fold(1, |product: usize, (_, len)| product.saturating_mul(*len));
    // One picture alone is said too.
    (!dims.is_empty() || all == inner && !said.dims.is_empty())
        .then(|| dims.iter().fold(1, |product: usize, (_, len)| product.saturating_mul(*len)))
}

/// What is said to be counted, without what lies within a page, and what the numbers at each place of a picture
/// are; nothing where that does not fit a page.
fn outer(dims: &[(char, usize)], layout: &Layout) -> (Vec<(char, usize)>, char) {
    if !dims.iter().any(|(letter, _)| matches!(letter, 'X' | 'Y' | 'Q')) {
        return (dims.to_vec(), 'S');
    }
    let mut inner = vec![layout.height, layout.width];
    let place = if layout.is_planar { 0 } else { 2 };
    if layout.samples > 1 {
        inner.insert(place, layout.samples);
    }
    match dims.split_at_checked(dims.len().wrapping_sub(inner.len())) {
        Some((outer, own)) if own.iter().map(|(_, len)| *len).eq(inner) => {
            let letter = own.get(place).map_or('S', |(letter, _)| *letter);
            (outer.to_vec(), if layout.samples > 1 && "TZCS".contains(letter) { letter } else { 'S' })
        }
        _ => (in_front_of(dims, layout), 'S'),
    }
}

/// What is said to be counted in front of as many of the last dimensions as have the numbers of a page, however
/// these are cut up; nothing where there are none such.
fn in_front_of(dims: &[(char, usize)], layout: &Layout) -> Vec<(char, usize)> {
    let page = layout.height.saturating_mul(layout.width).saturating_mul(layout.samples);
    let mut product = 1usize;
    for (i, (_, len)) in dims.iter().enumerate().rev() {
        product = product.saturating_mul(*len);
        if product == page {
            return dims[..i].to_vec();
        }
    }
    Vec::new()
}

/// The dimensions for so many pages, and how long the slowest was said to be where that is another length.
/// A length of 0 is as long as there are pages. `goes_on` where there should be more than these.
fn fit(dims: &mut [(char, usize)], num_pages: usize, goes_on: bool) -> (Vec<(char, usize)>, Option<usize>) {
    let is_open = dims.first().is_some_and(|(_, len)| *len == 0);
    let mut kept: Vec<_> = dims
        .iter()
        .copied()
        .enumerate()
        .filter(|(i, (_, len))| *len > 1 || is_open && *i == 0)
        .map(|(_, dim)| dim)
        .collect();
    if kept.is_empty() {
        return (if num_pages > 1 || goes_on { vec![('I', num_pages)] } else { Vec::new() }, None);
    }
    let others = kept[1..].iter().fold(1, |product: usize, (_, len)| product.saturating_mul(*len));
    let have = num_pages.div_ceil(others).max(1);
    let said = std::mem::replace(&mut kept[0].1, have);
    // One plane or picture of a kind that could be more.
    if said == 0 && have == 1 && kept.len() > 1 && kept[0].0 != 'T' {
        kept.remove(0);
    }
    (kept, Some(said).filter(|said| *said > 0 && *said != have))
}

fn contradiction(claimed: usize, fitted: &[(char, usize)]) -> (&'static str, Severity, String) {
    let (letter, have) = fitted.first().copied().unwrap_or(('T', 0));
    let axis = letter.to_ascii_lowercase();
    if claimed > have {
        let text = format!("the file says that it has {claimed} along {axis}; there are pages for {have}");
        (codes::STOPPED_EARLY, Severity::Warning, text)
    } else {
        let text = format!("the file says that it has {claimed} along {axis}; its pages go on to {have}");
        (codes::LONGER_THAN_CLAIMED, Severity::Note, text)
    }
}

/// What each axis of an array of this shape is, by the letters that its dimensions and its picture have, and a
/// sentence where that was guessed.
pub fn axes_of(stack: &Stack, letters: &[char], shape: &Shape, hints: &Hints<'_>) -> (Axes, Option<String>) {
    let name = |letter: &char| match letter {
        'T' => Some(Axis::T),
        'Z' => Some(Axis::Z),
        'Y' => Some(Axis::Y),
        'X' => Some(Axis::X),
        _ => None,
    };
    let place = |wanted: char| letters.iter().position(|letter| *letter == wanted);
    let mut axes = Axes::known(letters.iter().map(name).collect(), place('C').or(place('S')), AxisFrom::FILE);
    let counted = &stack.dims;
    let unknown: Vec<usize> = (0..counted.len()).filter(|&i| !matches!(counted[i].0, 'T' | 'Z' | 'C' | 'S')).collect();
    let (true, [first, rest @ ..]) = (!counted.iter().any(|(letter, _)| matches!(letter, 'T' | 'Z')), &unknown[..])
    else {
        return (axes, None);
    };
    if let [second, ..] = rest {
        (axes.names[*first], axes.names[*second]) = (Some(Axis::T), Some(Axis::Z));
        (axes.from[*first], axes.from[*second]) = (AxisFrom::guess("by its place"), AxisFrom::guess("by its place"));
        return (axes, Some("pages taken for t, z; --axes says otherwise".to_owned()));
    }
    let dims = shape.dims();
    let len = dims[*first].max(stack.estimate.unwrap_or_default());
    let picture = Shape::from([len, stack.layout.height, stack.layout.width]);
    let (guessed, note) = axes::guess(&picture, hints);
    (axes.names[*first], axes.from[*first]) = (guessed.names[0], guessed.from[0]);
    (axes, note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_fill_what_is_said_as_far_as_they_go() {
        let fitted = |dims: &[(char, usize)], num| fit(&mut dims.to_vec(), num, false);
        assert_eq!(fitted(&[('T', 3), ('Z', 1), ('C', 2)], 6), (vec![('T', 3), ('C', 2)], None));
        assert_eq!(fitted(&[('T', 3), ('C', 2)], 3), (vec![('T', 2), ('C', 2)], Some(3)));
        assert_eq!(fitted(&[('T', 3), ('C', 2)], 8), (vec![('T', 4), ('C', 2)], Some(3)));
        assert_eq!(fitted(&[('T', 0), ('Z', 4), ('C', 1)], 9), (vec![('T', 3), ('Z', 4)], None));
        assert_eq!(fitted(&[('T', 0), ('Z', 1), ('C', 1)], 1), (vec![('T', 1)], None));
        assert_eq!(fitted(&[('Z', 0), ('T', 20), ('C', 1)], 20), (vec![('T', 20)], None));
        assert_eq!(fitted(&[], 5), (vec![('I', 5)], None));
        assert_eq!(fitted(&[('I', 1)], 1), (vec![], None));
    }
}
