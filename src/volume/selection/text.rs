//! A [`Selection`] as it is written, and taken apart where its lists are to be taken along each axis for itself.

use std::fmt;

use super::{Item, Selection, SelectionError};

impl fmt::Display for Selection {
    /// As Python writes an index, without the brackets around it: "1:5:2, :, [3, 1]".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return f.write_str("()");
        }
        for (number, item) in self.items.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { ", " })?;
            item.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Slice { start, stop, step } => {
                let bound = |bound: &Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
                write!(f, "{}:{}", bound(start), bound(stop))?;
                step.map_or(Ok(()), |step| write!(f, ":{step}"))
            }
            Self::Ellipsis => f.write_str("..."),
            Self::NewAxis => f.write_str("None"),
            Self::Indices { shape, values } => list(f, shape, values, &|value| value.to_string()),
            Self::Mask { shape, values } => {
                list(f, shape, values, &|value| if *value { "True" } else { "False" }.to_owned())
            }
        }
    }
}

/// A nested list of that shape.
fn list<T>(f: &mut fmt::Formatter<'_>, shape: &[usize], values: &[T], text: &dyn Fn(&T) -> String) -> fmt::Result {
    let Some((len, inner)) = shape.split_first() else {
        return f.write_str(&values.first().map_or_else(String::new, text));
    };
    let num_inner: usize = inner.iter().product();
    f.write_str("[")?;
    for number in 0..*len {
        f.write_str(if number == 0 { "" } else { ", " })?;
        list(f, inner, &values[number * num_inner..(number + 1) * num_inner], text)?;
    }
    f.write_str("]")
}

impl Selection {
    /// Indices that, one after the other, take every list along its own axis, whatever the others are: what numpy
    /// names by `ix_`. `rank` is that of the array.
    ///
    /// # Errors
    /// When there are more indices than axes, or a list is nested.
    pub fn outer(&self, rank: usize) -> Result<Vec<Self>, SelectionError> {
        let whole = || Item::Slice { start: None, stop: None, step: None };
        let used: usize = self.items.iter().map(Item::num_axes).sum();
        let num_left = rank.saturating_sub(used);
        let (mut first, mut lists, mut dim) = (Vec::new(), Vec::new(), 0);
        for item in &self.items {
            let (kept, num_dims) = match item {
                Item::Indices { shape, .. } | Item::Mask { shape, .. } if shape.len() != 1 => {
                    return Err(SelectionError::Value("a nested list names no indices along one axis".into()));
                }
                Item::Indices { .. } | Item::Mask { .. } => {
                    lists.push((dim, item.clone()));
                    (whole(), 1)
                }
                Item::Integer(_) => (item.clone(), 0),
                Item::Ellipsis => (item.clone(), num_left),
                Item::Slice { .. } | Item::NewAxis => (item.clone(), 1),
            };
            first.push(kept);
            dim += num_dims;
        }
        let of_list = |(dim, list): (usize, Item)| Self {
            items: std::iter::repeat_with(whole).take(dim).chain([list]).collect(),
        };
        Ok(std::iter::once(Self { items: first }).chain(lists.into_iter().map(of_list)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_written_as_it_was_read() {
        for text in ["1:5:2, :, 3:, ::-1", "..., -3", "None, [3, 1, 1], [True, False]", "[[1, 2], [3, 4]]", "[]", "()"]
        {
            let selection: Selection = text.parse().expect("an index");
            assert_eq!(selection.to_string(), text);
            assert_eq!(selection.to_string().parse(), Ok(selection));
        }
    }

    #[test]
    fn lists_are_taken_along_each_axis() {
        let selection: Selection = "[0, 2], 1, ..., [True, False, True]".parse().expect("an index");
        let apart: Vec<String> = selection.outer(4).expect("of rank 4").iter().map(ToString::to_string).collect();
        assert_eq!(apart, [":, 1, ..., :", "[0, 2]", ":, :, [True, False, True]"]);
        assert!("[[0, 1]]".parse::<Selection>().expect("an index").outer(1).is_err());
    }
}
