//! Which files of a folder are blocks of a recording, and in what order. Looks at names only.

/// Two neighbouring block numbers may differ by this much before more than the names is asked for (a file
/// may be named after a date), so that one odd name does not claim a million missing blocks.
const MAX_GAP: u64 = 256;

/// One block's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockName {
    /// The number in its name.
    pub number: u64,
    /// The file name.
    pub name: String,
}

/// The blocks that share a prefix, in numeric order, each number once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// What stands before the digits: usually nothing.
    pub prefix: String,
    /// The blocks: the longest run of numbers.
    pub blocks: Vec<BlockName>,
    /// Numbers far from those, in order: blocks if the metadata count them or their content says so.
    pub far: Vec<BlockName>,
    /// Files that are not used: a second one of a number.
    pub left_out: Vec<String>,
}

impl Group {
    /// Whether a user who names `prefix` means it, with or without the underscore; all who name none do.
    pub fn is_asked_for(&self, prefix: Option<&str>) -> bool {
        prefix.is_none_or(|wanted| self.prefix == wanted || self.prefix.strip_suffix('_') == Some(wanted))
    }

    /// Number of files that may be blocks.
    pub fn num_files(&self) -> usize {
        self.blocks.len() + self.far.len()
    }

    /// The blocks and what is far from them, in order.
    pub fn all(&self) -> Vec<BlockName> {
        let mut all: Vec<BlockName> = self.blocks.iter().chain(&self.far).cloned().collect();
        all.sort_unstable_by_key(|block| block.number);
        all
    }

    /// All file names, those left out last.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let named = self.blocks.iter().chain(&self.far).map(|block| block.name.as_str());
        named.chain(self.left_out.iter().map(String::as_str))
    }
}

/// Splits `fish1_0012.h5` into `("fish1_", 12)`. Names with a prefix need three digits, so that
/// `scan2.h5` and `mean_4d.h5` are no blocks.
pub(super) fn parse(name: &str) -> Option<(&str, u64)> {
    let stem = name.strip_suffix(".h5")?;
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (prefix, number) = stem.split_at(stem.len() - digits);
    if digits == 0 || (digits < 3 && !prefix.is_empty()) || prefix.starts_with('.') {
        return None;
    }
    Some((prefix, number.parse().ok()?))
}

/// Sorts names into groups, the likeliest recording first (bare numbers, then the largest group), and those
/// that are no blocks.
pub(super) fn group(names: Vec<String>) -> (Vec<Group>, Vec<String>) {
    let (mut groups, mut others): (Vec<Group>, Vec<String>) = Default::default();
    for name in names {
        let Some((prefix, number)) = parse(&name) else {
            others.push(name);
            continue;
        };
        let known = groups.iter().position(|group| group.prefix == prefix).unwrap_or_else(|| {
            groups.push(Group { prefix: prefix.to_owned(), ..Group::default() });
            groups.len() - 1
        });
        groups[known].blocks.push(BlockName { number, name });
    }
    for group in &mut groups {
        group.blocks.sort_unstable_by_key(|block| block.number);
        // Of two files with one number the four-digit name is the writer's own.
        let usual = group.prefix.len() + 7;
        let is_better = |a: &BlockName, b: &BlockName| {
            (a.name.len().abs_diff(usual), &a.name) < (b.name.len().abs_diff(usual), &b.name)
        };
        let mut unique: Vec<BlockName> = Vec::with_capacity(group.blocks.len());
        for mut block in group.blocks.drain(..) {
            match unique.last_mut() {
                Some(last) if last.number == block.number => {
                    if is_better(&block, last) {
                        std::mem::swap(&mut block, last);
                    }
                    group.left_out.push(block.name);
                }
                _ => unique.push(block),
            }
        }
        (group.blocks, group.far) = largest_run(unique);
        group.left_out.sort_unstable();
    }
    groups.sort_by(|a, b| {
        (!a.prefix.is_empty())
            .cmp(&!b.prefix.is_empty())
            .then(b.blocks.len().cmp(&a.blocks.len()))
            .then_with(|| a.prefix.cmp(&b.prefix))
    });
    (groups, others)
}

/// The longest run of numbers without a large gap (the first of equals), and everything else.
fn largest_run(blocks: Vec<BlockName>) -> (Vec<BlockName>, Vec<BlockName>) {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for i in 0..blocks.len() {
        match runs.last_mut() {
            Some(run) if blocks[i].number - blocks[i - 1].number <= MAX_GAP => run.1 = i + 1,
            _ => runs.push((i, i + 1)),
        }
    }
    let longest = runs.iter().map(|run| run.1 - run.0).max().unwrap_or(0);
    let Some(&(start, stop)) = runs.iter().find(|run| run.1 - run.0 == longest) else {
        return (blocks, Vec::new());
    };
    let mut far = blocks;
    let mut above = far.split_off(stop);
    let kept = far.split_off(start);
    far.append(&mut above);
    (kept, far)
}

/// Cuts blocks in order into runs without a large gap.
pub(super) fn runs(blocks: &[BlockName]) -> impl Iterator<Item = &[BlockName]> {
    blocks.chunk_by(|a, b| b.number - a.number <= MAX_GAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group_all<const N: usize>(names: [&str; N]) -> Vec<Group> {
        group(names.map(str::to_owned).to_vec()).0
    }

    fn names(group: &Group) -> Vec<&str> {
        group.blocks.iter().map(|block| block.name.as_str()).collect()
    }

    #[test]
    fn numeric_order_beyond_four_digits_and_strays_left_out() {
        let groups = group_all(["10000.h5", "9999.h5", "mean_4d.h5", "9998.h5", "shifts_sobel.h5", "20240131.h5"]);
        assert_eq!(groups.len(), 1);
        assert_eq!(names(&groups[0]), ["9998.h5", "9999.h5", "10000.h5"]);
        assert_eq!((groups[0].far.len(), groups[0].far[0].name.as_str()), (1, "20240131.h5"));
    }

    #[test]
    fn prefixes_make_groups_and_can_be_asked_for_with_or_without_the_underscore() {
        let all = ["fish1_0000.h5", "fish1_0001.h5", "0000.h5", "fish2_0000.h5"];
        let groups = group_all(all);
        assert_eq!(groups.iter().map(|g| g.prefix.as_str()).collect::<Vec<_>>(), ["", "fish1_", "fish2_"]);
        for prefix in ["fish1", "fish1_"] {
            let asked: Vec<&Group> = groups.iter().filter(|group| group.is_asked_for(Some(prefix))).collect();
            assert_eq!(asked.len(), 1);
            assert_eq!(names(asked[0]), ["fish1_0000.h5", "fish1_0001.h5"]);
        }
    }

    #[test]
    fn one_number_twice_takes_the_usual_name() {
        let groups = group_all(["000.h5", "0000.h5", "001.h5"]);
        assert_eq!(names(&groups[0]), ["0000.h5", "001.h5"]);
        assert_eq!(groups[0].left_out, ["000.h5"]);
    }

    #[test]
    fn odd_names_are_no_blocks() {
        for name in
            ["", ".h5", "a.h5", "scan2.h5", "0000.h5.tmp", "._0000.h5", "99999999999999999999999.h5", "0000.hdf5"]
        {
            assert_eq!(parse(name), None, "{name}");
        }
        assert_eq!(parse("7.h5"), Some(("", 7)));
    }
}
