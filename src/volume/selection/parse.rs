//! From the text of an index to a [`Selection`].

use std::str::FromStr;

use super::{Item, Selection, SelectionError};

/// numpy's answer to an index of a type it does not take.
const NOT_AN_INDEX: &str = "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or \
                            boolean arrays are valid indices";
/// Deepest nesting of lists: numpy's own limit on axes.
const MAX_DEPTH: usize = 32;

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let mut parser = Parser { text, rest: text };
        let is_tuple = parser.take("(");
        let mut items = Vec::new();
        loop {
            if (is_tuple && parser.take(")")) || parser.peek().is_none() {
                break;
            }
            items.push(parser.item()?);
            if !parser.take(",") {
                if is_tuple && !parser.take(")") {
                    return Err(parser.syntax("expected `,` or `)`"));
                }
                break;
            }
        }
        match parser.peek() {
            Some(_) => Err(parser.syntax("expected `,`")),
            None if items.is_empty() && !is_tuple => Err(parser.syntax("empty; `...` names everything")),
            None => Ok(Self { items }),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

/// What a list holds.
enum Leaf {
    Integer(i64),
    Bool(bool),
}

/// A nested list as written.
enum Tree {
    Leaf(Leaf),
    List(Vec<Tree>),
}

impl Tree {
    /// Lengths along the first member at every depth.
    fn shape(&self) -> Vec<usize> {
        let (mut shape, mut tree) = (Vec::new(), Some(self));
        while let Some(Self::List(members)) = tree {
            shape.push(members.len());
            tree = members.first();
        }
        shape
    }

    /// Appends the leaves in order; false if the list is not of this shape.
    fn flatten(self, shape: &[usize], leaves: &mut Vec<Leaf>) -> bool {
        match (self, shape) {
            (Self::Leaf(leaf), []) => {
                leaves.push(leaf);
                true
            }
            (Self::List(members), [len, inner @ ..]) => {
                members.len() == *len && members.into_iter().all(|member| member.flatten(inner, leaves))
            }
            _ => false,
        }
    }
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        self.peek();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn syntax(&self, what: &str) -> SelectionError {
        let column = self.text.len() - self.rest.len() + 1;
        SelectionError::Syntax(format!("`{}` is not an index, at character {column}: {what}", self.text))
    }

    fn item(&mut self) -> Result<Item, SelectionError> {
        if self.take("...") || self.take("Ellipsis") {
            return Ok(Item::Ellipsis);
        }
        if self.take("[") {
            let list = self.list(0)?;
            let shape = list.shape();
            let mut leaves = Vec::new();
            return if list.flatten(&shape, &mut leaves) {
                Ok(Self::array(shape, leaves))
            } else {
                Err(SelectionError::Value("the lists inside an index list are not all of one length".into()))
            };
        }
        let start = self.bound()?;
        if !self.take(":") {
            return match start {
                Some(Some(value)) => {
                    i64::try_from(value).map(Item::Integer).map_err(|_| SelectionError::Index(NOT_AN_INDEX.into()))
                }
                Some(None) => Ok(Item::NewAxis),
                None if self.take("True") || self.take("False") => {
                    Err(SelectionError::Index("a single True or False is no index here".into()))
                }
                None => Err(self.syntax("expected an integer, a slice, a list, `...` or None")),
            };
        }
        let stop = self.bound()?;
        let step = if self.take(":") { self.bound()? } else { None };
        // Beyond the range of an index, a slice is clamped, not refused.
        let clamp =
            |bound: Option<Option<i128>>| bound.flatten().map(|v| v.clamp(-i64::MAX as i128, i64::MAX as i128) as i64);
        Ok(Item::Slice { start: clamp(start), stop: clamp(stop), step: clamp(step) })
    }

    /// An integer or `None`, if one of them comes next.
    fn bound(&mut self) -> Result<Option<Option<i128>>, SelectionError> {
        if self.take("None") || self.take("np.newaxis") || self.take("newaxis") {
            return Ok(Some(None));
        }
        Ok(self.integer()?.map(Some))
    }

    /// An integer, if one comes next; saturated if it is very large.
    fn integer(&mut self) -> Result<Option<i128>, SelectionError> {
        self.peek();
        let unsigned = self.rest.trim_start_matches(['+', '-']);
        let is_negative = self.rest[..self.rest.len() - unsigned.len()].matches('-').count() % 2 == 1;
        let num_digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = unsigned.split_at(num_digits);
        if rest.starts_with(['.', 'e', 'E', 'j']) && !rest.starts_with("...") {
            return Err(SelectionError::Index(NOT_AN_INDEX.into()));
        }
        if digits.is_empty() {
            return if unsigned.len() == self.rest.len() {
                Ok(None)
            } else {
                Err(self.syntax("a sign without a number"))
            };
        }
        let value = digits.parse().unwrap_or(i128::MAX / 2);
        self.rest = rest;
        Ok(Some(if is_negative { -value } else { value }))
    }

    /// The rest of a list whose `[` has been taken.
    fn list(&mut self, depth: usize) -> Result<Tree, SelectionError> {
        if depth >= MAX_DEPTH {
            return Err(self.syntax("lists nested too deeply"));
        }
        let mut members = Vec::new();
        while !self.take("]") {
            members.push(if self.take("[") { self.list(depth + 1)? } else { Tree::Leaf(self.leaf()?) });
            if !self.take(",") {
                if !self.take("]") {
                    return Err(self.syntax("expected `,` or `]`"));
                }
                break;
            }
        }
        Ok(Tree::List(members))
    }

    fn leaf(&mut self) -> Result<Leaf, SelectionError> {
        if self.take("True") {
            return Ok(Leaf::Bool(true));
        }
        if self.take("False") {
            return Ok(Leaf::Bool(false));
        }
        match self.integer()? {
            Some(value) => {
                i64::try_from(value).map(Leaf::Integer).map_err(|_| SelectionError::Index(NOT_AN_INDEX.into()))
            }
            None => Err(self.syntax("expected an integer, True or False, or a list of them")),
        }
    }

    /// Booleans alone are a mask; among integers they count as 0 and 1, as in numpy.
    fn array(shape: Vec<usize>, leaves: Vec<Leaf>) -> Item {
        if !leaves.is_empty() && leaves.iter().all(|leaf| matches!(leaf, Leaf::Bool(_))) {
            let values = leaves.iter().map(|leaf| matches!(leaf, Leaf::Bool(true))).collect();
            return Item::Mask { shape, values };
        }
        let values = leaves
            .iter()
            .map(|leaf| match *leaf {
                Leaf::Integer(value) => value,
                Leaf::Bool(value) => value.into(),
            })
            .collect();
        Item::Indices { shape, values }
    }
}
