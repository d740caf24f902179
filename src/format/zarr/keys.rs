//! How the objects of an array are called and counted.

use std::path::{Path, PathBuf};

use super::array::ZarrArray;
use super::node::join;
use crate::volume::{Index, MAX_RANK};

/// Names of objects that are made of numbers: `c/0/1`, `c.0.1`, `0/1` or `0.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    folder: &'static str,
    prefix: &'static str,
    /// Whether each number but the last is the name of a folder.
    pub is_nested: bool,
    rank: usize,
}

impl Keys {
    /// Those of an array; `None` where its objects are called otherwise.
    pub fn of(array: &ZarrArray) -> Option<Self> {
        let rank = array.shape.rank();
        let mut probe: Index = [0; MAX_RANK];
        probe.iter_mut().enumerate().for_each(|(axis, number)| *number = 3 * axis + 1);
        let kinds = [("c", "", true), ("", "c.", false), ("", "", true), ("", "", false)];
        let kinds = kinds.map(|(folder, prefix, is_nested)| Self { folder, prefix, is_nested, rank });
        kinds
            .into_iter()
            .find(|keys| [[0; MAX_RANK], probe].iter().all(|at| keys.name(array, at) == array.object_name(at)))
    }

    fn name(&self, array: &ZarrArray, at: &Index) -> String {
        join(&array.path, &join(self.folder, &self.below_root(at)))
    }

    /// The name of an object below [`Keys::root`].
    pub fn below_root(&self, at: &Index) -> String {
        let numbers: Vec<String> = at.iter().take(self.rank).map(usize::to_string).collect();
        format!("{}{}", self.prefix, numbers.join(if self.is_nested { "/" } else { "." }))
    }

    /// The folder that the names begin in, below that of the array.
    pub fn root(&self, array: &Path) -> PathBuf {
        if self.folder.is_empty() { array.to_owned() } else { array.join(self.folder) }
    }

    /// How many of its numbers a name in a folder holds.
    pub fn num_in_name(&self) -> usize {
        if self.is_nested { 1 } else { self.rank }
    }

    /// The numbers of a name in a folder, the first of them on axis `depth`; `None` where it is none of these, or
    /// one that the array does not have.
    pub fn numbers(&self, name: &str, depth: usize, counts: &[usize]) -> Option<Index> {
        let mut at = [0; MAX_RANK];
        let mut num = 0;
        for (number, (axis, count)) in
            name.strip_prefix(self.prefix)?.split('.').zip(counts.iter().enumerate().skip(depth))
        {
            // As they are written: no sign, no zeros in front.
            let is_plain =
                number.bytes().all(|byte| byte.is_ascii_digit()) && (number.len() == 1 || !number.starts_with('0'));
            at[axis] = number.parse().ok().filter(|number| is_plain && number < count)?;
            num += 1;
        }
        (num == self.num_in_name() && name[self.prefix.len()..].split('.').count() == num).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_as_they_are_written_are_numbers() {
        let counts = [3, 12, 5];
        let flat = Keys { folder: "", prefix: "", is_nested: false, rank: 3 };
        assert_eq!(flat.numbers("2.11.0", 0, &counts).map(|at| [at[0], at[1], at[2]]), Some([2, 11, 0]));
        for bad in
            ["", "2", "2.11", "2.11.0.0", "3.0.0", "02.1.1", "+1.1.1", "1..1", "1.1.1.partial", "c.1.1.1", ".zarray"]
        {
            assert_eq!(flat.numbers(bad, 0, &counts), None, "{bad}");
        }
        let prefixed = Keys { prefix: "c.", ..flat.clone() };
        assert!(prefixed.numbers("c.1.1.1", 0, &counts).is_some() && prefixed.numbers("1.1.1", 0, &counts).is_none());
        let nested = Keys { folder: "c", is_nested: true, ..flat };
        assert_eq!(nested.numbers("11", 1, &counts).map(|at| at[1]), Some(11));
        for bad in ["12", "1.1", "c", "zarr.json", "99999999999999999999999"] {
            assert_eq!(nested.numbers(bad, 1, &counts), None, "{bad}");
        }
        assert_eq!(nested.root(Path::new("a")), Path::new("a/c"));
    }
}
