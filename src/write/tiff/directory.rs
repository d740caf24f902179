//! Directories: the tags of a page, in either size of offsets, little-endian.

use anyhow::{Result, bail};

/// A value of a tag.
#[derive(Clone, Debug)]
pub enum Value {
    Bytes(Vec<u8>),
    Text(Vec<u8>),
    Short(u16),
    Longs(Vec<u32>),
    /// Offsets and lengths: of 32 or 64 bits, as the file has them.
    Places(Vec<u64>),
    Rational(f64),
}

/// The tags of one page, ascending.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    tags: Vec<(u16, Value)>,
}

impl Directory {
    /// Adds a tag, whose number is larger than those before.
    pub fn push(&mut self, tag: u16, value: Value) {
        debug_assert!(self.tags.last().is_none_or(|(last, _)| *last < tag));
        self.tags.push((tag, value));
    }

    /// Its bytes where it begins at an offset, with what its tags refer to behind them, and the offset of the next.
    ///
    /// # Errors
    /// If offsets of 32 bits do not reach so far.
    pub fn to_bytes(&self, is_big: bool, at: u64, next: u64) -> Result<Vec<u8>> {
        let (entry_bytes, inline, count_bytes) = if is_big { (20, 8, 8) } else { (12, 4, 2) };
        let head = count_bytes + self.tags.len() * entry_bytes + inline;
        let mut bytes = (self.tags.len() as u64).to_le_bytes()[..count_bytes].to_vec();
        let mut behind = Vec::new();
        for (tag, value) in &self.tags {
            let (kind, count, mut value) = encoded(value, is_big)?;
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            put(&mut bytes, count, is_big)?;
            if value.len() <= inline {
                value.resize(inline, 0);
                bytes.extend(value);
            } else {
                put(&mut bytes, at + (head + behind.len()) as u64, is_big)?;
                value.resize(value.len().next_multiple_of(8), 0);
                behind.extend(value);
            }
        }
        put(&mut bytes, next, is_big)?;
        bytes.extend(behind);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        Ok(bytes)
    }
}

/// The beginning of a file whose first directory is there.
///
/// # Errors
/// If offsets of 32 bits do not reach so far.
pub fn header(is_big: bool, first: u64) -> Result<Vec<u8>> {
    let mut bytes = match is_big {
        true => b"II\x2b\0\x08\0\0\0".to_vec(),
        false => b"II\x2a\0".to_vec(),
    };
    put(&mut bytes, first, is_big)?;
    Ok(bytes)
}

/// Length of [`header`].
pub fn header_bytes(is_big: bool) -> u64 {
    if is_big { 16 } else { 8 }
}

fn put(bytes: &mut Vec<u8>, number: u64, is_big: bool) -> Result<()> {
    match (is_big, u32::try_from(number)) {
        (true, _) => bytes.extend(number.to_le_bytes()),
        (false, Ok(number)) => bytes.extend(number.to_le_bytes()),
        (false, Err(_)) => bail!("has grown beyond the 4 GiB of a plain TIFF file; --big writes BigTIFF"),
    }
    Ok(())
}

/// Number of its type, how many, and bytes of a value.
fn encoded(value: &Value, is_big: bool) -> Result<(u16, u64, Vec<u8>)> {
    Ok(match value {
        Value::Bytes(bytes) => (1, bytes.len() as u64, bytes.clone()),
        Value::Text(text) => {
            let mut bytes = text.clone();
            bytes.push(0);
            (2, bytes.len() as u64, bytes)
        }
        Value::Short(number) => (3, 1, number.to_le_bytes().to_vec()),
        Value::Longs(numbers) => (4, numbers.len() as u64, numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
        Value::Places(places) => {
            let mut bytes = Vec::new();
            places.iter().try_for_each(|place| put(&mut bytes, *place, is_big))?;
            (if is_big { 16 } else { 4 }, places.len() as u64, bytes)
        }
        Value::Rational(number) => {
            let [above, below] = rational(*number);
            (5, 1, [above.to_le_bytes(), below.to_le_bytes()].concat())
        }
    })
}

/// The nearest quotient of two whole numbers that is found by a continued fraction.
fn rational(number: f64) -> [u32; 2] {
    let largest = f64::from(u32::MAX);
    if !number.is_finite() || number <= 0.0 || number >= largest {
        return [if number >= largest { u32::MAX } else { 0 }, 1];
    }
    let ([mut above, mut before], [mut below, mut under]) = ([1.0, 0.0], [0.0, 1.0]);
    let mut rest = number;
    for _ in 0..40 {
        let whole = rest.floor();
        let next = [whole * above + before, whole * below + under];
        if next.iter().any(|number| *number > largest) {
            break;
        }
        (before, under) = (above, below);
        [above, below] = next;
        if rest == whole || above / below == number {
            break;
        }
        rest = 1.0 / (rest - whole);
    }
    // Less than any quotient of two such numbers.
    if below == 0.0 { [0, 1] } else { [above as u32, below as u32] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_as_near_as_can_be() {
        for (number, wanted) in
            [(4.0, [4, 1]), (1.0 / 0.325, [40, 13]), (0.0, [0, 1]), (f64::NAN, [0, 1]), (1e300, [u32::MAX, 1])]
        {
            assert_eq!(rational(number), wanted, "{number}");
        }
        for number in [1.0 / 0.1083, 30769.230769, 0.000123456, std::f64::consts::PI] {
            let [above, below] = rational(number);
            assert!((f64::from(above) / f64::from(below) / number - 1.0).abs() < 1e-9, "{number}");
        }
    }

    #[test]
    fn offsets_that_do_not_fit_are_refused() {
        let mut directory = Directory::default();
        directory.push(273, Value::Places(vec![5 << 30]));
        assert!(directory.to_bytes(false, 8, 0).unwrap_err().to_string().contains("--big"));
        assert_eq!(directory.to_bytes(true, 16, 0).unwrap().len(), 40);
        assert!(header(false, 5 << 30).is_err());
    }
}
