//! Files that are numbered in a folder: which names belong together, in what order, and what each number counts.

use std::collections::{BTreeMap, BTreeSet};

use super::files::MAX_FILES;

/// The files of a folder that make one recording.
pub struct Numbered {
    /// Names in the order of their numbers.
    pub names: Vec<String>,
    /// What each number in a name counts: axes by the letter in front of it, where all have one.
    pub dims: Option<Vec<(char, usize)>>,
    /// For each place of the dimensions, which name belongs there.
    pub places: Vec<Option<usize>>,
    /// What they are called, with a star for each number.
    pub pattern: String,
    /// The first number, where one alone counts them.
    pub begins_at: Option<u64>,
}

/// Whether a file is called as TIFF files are.
pub fn is_called_tiff(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [".tif", ".tiff", ".btf", ".tf8"].iter().any(|ending| lower.ends_with(ending)) && !lower.starts_with('.')
}

/// A name cut into what stands around its numbers, and the numbers.
fn parts_of(name: &str) -> (Vec<String>, Vec<u64>) {
    let (mut texts, mut numbers, mut digits) = (vec![String::new()], Vec::new(), String::new());
    for c in name.chars() {
        if c.is_ascii_digit() && digits.len() < 18 {
            digits.push(c);
            continue;
        }
        if let Ok(number) = digits.parse() {
            numbers.push(number);
            texts.push(String::new());
            digits.clear();
        }
        if let Some(text) = texts.last_mut() {
            text.push(c);
        }
    }
    if let Ok(number) = digits.parse() {
        numbers.push(number);
        texts.push(String::new());
    }
    (texts, numbers)
}

/// The groups of numbered files among names, the largest first: names that differ in numbers alone.
pub fn numbered(names: &[String]) -> Vec<Numbered> {
    let mut groups: BTreeMap<Vec<String>, Vec<(Vec<u64>, &String)>> = BTreeMap::new();
    for name in names.iter().filter(|name| is_called_tiff(name)).take(MAX_FILES) {
        let (texts, numbers) = parts_of(name);
        groups.entry(texts).or_default().push((numbers, name));
    }
    let mut groups: Vec<Numbered> = groups.into_iter().map(|(texts, files)| in_order(&texts, files)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.names.len()));
    groups
}

fn in_order(texts: &[String], mut files: Vec<(Vec<u64>, &String)>) -> Numbered {
    files.sort();
    let num_numbers = texts.len() - 1;
    let values = |i: usize| files.iter().map(|(numbers, _)| numbers[i]).collect::<BTreeSet<u64>>();
    let varying: Vec<usize> = (0..num_numbers).filter(|&i| values(i).len() > 1).collect();
    let fixed = |i: usize| files[0].0[i].to_string();
    let mut pattern = texts[0].clone();
    for i in 0..num_numbers {
        pattern.push_str(if varying.contains(&i) { "*" } else { "" });
        if !varying.contains(&i) {
            pattern.push_str(&fixed(i));
        }
        pattern.push_str(&texts[i + 1]);
    }
    let names: Vec<String> = files.iter().map(|(_, name)| (*name).clone()).collect();
    let letter = |i: &usize| {
        let word: String = texts[*i]
            .chars()
            .rev()
            .take_while(|c| c.is_ascii_alphabetic())
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        match word.to_ascii_lowercase().as_str() {
            "t" | "time" | "timepoint" | "tp" => Some('T'),
            "z" | "plane" | "slice" => Some('Z'),
            "c" | "ch" | "channel" => Some('C'),
            _ => None,
        }
    };
    let letters: Option<Vec<char>> = varying.iter().map(letter).collect();
    let lists: Vec<Vec<u64>> = varying.iter().map(|&i| values(i).into_iter().collect()).collect();
    let num_places = lists.iter().try_fold(1usize, |num, list| num.checked_mul(list.len()));
    let is_grid =
        letters.as_ref().is_some_and(|letters| letters.iter().collect::<BTreeSet<_>>().len() == letters.len());
    // Where the numbers are of no known meaning, or most of their combinations do not exist: one after the other.
    let Some((letters, num_places)) =
        letters.filter(|_| is_grid && !varying.is_empty()).zip(num_places.filter(|num| *num <= 2 * names.len()))
    else {
        let (places, begins_at) = one_number(&files, &lists, &varying);
        return Numbered { names, dims: None, places, pattern, begins_at };
    };
    let mut places = vec![None; num_places];
    for (file, (numbers, _)) in files.iter().enumerate() {
        let at = varying
            .iter()
            .zip(&lists)
            .fold(0, |at, (&i, list)| at * list.len() + list.binary_search(&numbers[i]).unwrap_or_default());
        places[at] = Some(file);
    }
    let dims = letters.into_iter().zip(lists.iter().map(Vec::len)).collect();
    Numbered { names, dims: Some(dims), places, pattern, begins_at: None }
}

/// Which file belongs to each number from the first to the last, where one number counts them and most of them
/// are there; otherwise one file after the other.
fn one_number(
    files: &[(Vec<u64>, &String)],
    lists: &[Vec<u64>],
    varying: &[usize],
) -> (Vec<Option<usize>>, Option<u64>) {
    let all = || (0..files.len()).map(Some).collect();
    let ([numbers], [which]) = (lists, varying) else { return (all(), None) };
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    let num = (last - first).saturating_add(1);
    // The same number written in two ways names two files.
    if num > 2 * files.len() as u64 || numbers.len() != files.len() {
        return (all(), None);
    }
    let mut places = vec![None; num as usize];
    for (file, (numbers, _)) in files.iter().enumerate() {
        places[(numbers[*which] - first) as usize] = Some(file);
    }
    (places, Some(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Vec<Numbered> {
        numbered(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn numbers_are_ordered_by_their_value_and_named_by_what_stands_before_them() {
        let plain = groups(&["f_10.tif", "f_2.tif", "notes.txt", "f_1.TIF", "f_1.tif", "mean.tif"]);
        assert_eq!(plain[0].names, ["f_1.tif", "f_2.tif", "f_10.tif"]);
        assert_eq!((plain[0].pattern.as_str(), plain[0].dims.as_ref()), ("f_*.tif", None));
        assert_eq!(plain.len(), 3);
        let grid = groups(&["x_T1_Z0_C0.tif", "x_T1_Z1_C0.tif", "x_T2_Z0_C0.tif"]);
        assert_eq!(grid[0].dims, Some(vec![('T', 2), ('Z', 2)]));
        assert_eq!(grid[0].places, [Some(0), Some(1), Some(2), None]);
        assert_eq!(grid[0].pattern, "x_T*_Z*_C0.tif");
        // ScanImage: acquisition and file; most combinations are none.
        let files = groups(&["a_00001_00001.tif", "a_00001_00002.tif", "a_00002_00001.tif"]);
        assert_eq!((files[0].names.len(), files[0].dims.as_ref()), (3, None));
    }
}
