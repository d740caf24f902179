//! HDF5's registered zfp filter (32013): arrays of 32- and 64-bit integers and floating-point numbers in blocks of
//! four along each axis, at a fixed rate, to a fixed precision or accuracy, or without loss.
//!
//! A block of floating-point numbers becomes integers with a common exponent. A transform brings most of what is in
//! a block into few coefficients; these are in base minus two, ordered by how fast they vary, and stored one plane
//! of bits after the other, the most significant first: of each plane as many bits as coefficients were met so far,
//! and then, each announced by a bit, how far it is to the next one.

use super::CodecError;

/// What the file says of how a chunk was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    kind: Kind,
    /// Axes that have more than one index, or the only one.
    rank: usize,
    /// Extents, the fastest axis first; 1 beyond `rank`.
    dims: [usize; 4],
    /// Bits that a block takes at least and at most.
    min_bits: u32,
    max_bits: u32,
    /// Planes of bits of a block at most.
    max_planes: u32,
    /// Exponent of the least plane that was stored.
    min_exponent: i32,
}

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    I32,
    I64,
    F32,
    F64,
}

/// Below every exponent that there is: nothing was left out.
const REVERSIBLE: i32 = -1075;

const MIN_EXPONENT: i32 = -1074;
const MAX_BITS: u32 = 16658;
const MAX_PLANES: u32 = 64;

/// Values in a block of four axes.
const MAX_VALUES: usize = 256;

impl Options {
    /// From the filter's client values, which are its version and the head of a stream; `None` where they make no
    /// sense, or are of another version of the code.
    pub fn from_hdf5(values: &[u32]) -> Option<Self> {
        let bytes: Vec<u8> = values.get(1..)?.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut head = Bits::new(&bytes);
        const MAGIC: [u8; 4] = *b"zfp\x05";
        if head.take(32) != u64::from(u32::from_le_bytes(MAGIC)) {
            return None;
        }
        let kind = [Kind::I32, Kind::I64, Kind::F32, Kind::F64][head.take(2) as usize];
        let rank = head.take(2) as usize + 1;
        let mut dims = [1; 4];
        for dim in &mut dims[..rank] {
            *dim = head.take(48 / rank as u32) as usize + 1;
        }
        let whole = Self {
            kind,
            rank,
            dims,
            min_bits: 1,
            max_bits: MAX_BITS,
            max_planes: MAX_PLANES,
            min_exponent: MIN_EXPONENT,
        };
        let options = match head.take(12) as u32 {
            bits @ 0..2048 => Self { min_bits: bits + 1, max_bits: bits + 1, ..whole },
            planes @ 2048..2176 => Self { max_planes: planes - 2048 + 1, ..whole },
            2176 => Self { min_exponent: REVERSIBLE, ..whole },
            exponent @ 2177..4095 => Self { min_exponent: exponent as i32 - 2177 + MIN_EXPONENT, ..whole },
            _ => Self {
                min_bits: head.take(15) as u32 + 1,
                max_bits: head.take(15) as u32 + 1,
                max_planes: head.take(7) as u32 + 1,
                min_exponent: head.take(15) as i32 - 16495,
                ..whole
            },
        };
        (!head.is_beyond() && options.min_bits <= options.max_bits).then_some(options)
    }

    fn num_bytes(&self) -> Option<usize> {
        self.dims.iter().try_fold(self.kind.num_bytes(), |n, &dim| n.checked_mul(dim))
    }

    fn is_reversible(&self) -> bool {
        self.min_exponent < MIN_EXPONENT
    }
}

impl Kind {
    fn num_bytes(self) -> usize {
        match self {
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// Decodes one chunk.
///
/// # Errors
/// When it is packed for another extent than `output` has, or the bytes end too early.
pub fn decode(options: &Options, input: &[u8], output: &mut [u8]) -> Result<(), CodecError> {
    if options.num_bytes() != Some(output.len()) {
        return Err(CodecError::corrupt("zfp data are of another extent than the chunk"));
    }
    let mut bits = Bits::new(input);
    let mut block = [0u64; MAX_VALUES];
    let [x, y, z, w] = options.dims;
    for w in (0..w).step_by(4) {
        for z in (0..z).step_by(4) {
            for y in (0..y).step_by(4) {
                for x in (0..x).step_by(4) {
                    decode_block(options, &mut bits, &mut block);
                    if bits.is_beyond() {
                        return Err(CodecError::corrupt("zfp data end too early"));
                    }
                    place(options, &block, [x, y, z, w], output);
                }
            }
        }
    }
    Ok(())
}

/// Puts what of a block lies inside the array where it belongs.
fn place(options: &Options, block: &[u64; MAX_VALUES], at: [usize; 4], output: &mut [u8]) {
    let item = options.kind.num_bytes();
    let [dim_x, dim_y, dim_z, _] = options.dims;
    let len = |axis: usize| (options.dims[axis] - at[axis]).min(4);
    for w in 0..len(3) {
        for z in 0..len(2) {
            for y in 0..len(1) {
                let row = ((at[3] + w) * dim_z + at[2] + z) * dim_y + at[1] + y;
                let to = (row * dim_x + at[0]) * item;
                let values = &block[64 * w + 16 * z + 4 * y..][..len(0)];
                for (place, value) in output[to..].chunks_exact_mut(item).zip(values) {
                    place.copy_from_slice(&value.to_le_bytes()[..item]);
                }
            }
        }
    }
}

/// Decodes one block into the bits of its values.
fn decode_block(options: &Options, bits: &mut Bits<'_>, block: &mut [u64; MAX_VALUES]) {
    let begin = bits.at;
    match options.kind {
        Kind::I32 => {
            let mut values = [0i32; MAX_VALUES];
            integers(options, bits, begin, options.max_planes, &mut values);
            block.iter_mut().zip(values).for_each(|(place, value)| *place = u64::from(value.cast_unsigned()));
        }
        Kind::I64 => {
            let mut values = [0i64; MAX_VALUES];
            integers(options, bits, begin, options.max_planes, &mut values);
            block.iter_mut().zip(values).for_each(|(place, value)| *place = value.cast_unsigned());
        }
        Kind::F32 => {
            let mut values = [0i32; MAX_VALUES];
            let in_words = |value: i32| if value < 0 { value ^ i32::MAX } else { value }.cast_unsigned();
            match floats(options, bits, [8, 127], &mut values) {
                Some(exponent) => {
                    let scale = power_of_two(exponent - 30) as f32;
                    let value = |value: i32| (scale * value as f32).to_bits();
                    block.iter_mut().zip(values).for_each(|(place, bits)| *place = u64::from(value(bits)));
                }
                None => block.iter_mut().zip(values).for_each(|(place, bits)| *place = u64::from(in_words(bits))),
            }
        }
        Kind::F64 => {
            let mut values = [0i64; MAX_VALUES];
            let in_words = |value: i64| if value < 0 { value ^ i64::MAX } else { value }.cast_unsigned();
            match floats(options, bits, [11, 1023], &mut values) {
                Some(exponent) => {
                    let scale = power_of_two(exponent - 62);
                    block.iter_mut().zip(values).for_each(|(place, bits)| *place = (scale * bits as f64).to_bits());
                }
                None => block.iter_mut().zip(values).for_each(|(place, bits)| *place = in_words(bits)),
            }
        }
    }
    // Whatever a block took, the next one begins behind its least size.
    bits.at = bits.at.max(begin.saturating_add(options.min_bits as usize));
}

/// The integers of a block of floating-point numbers, and their common exponent; `None` where they stand for the
/// numbers' own bits, zeros among them.
fn floats<I: Integer>(
    options: &Options,
    bits: &mut Bits<'_>,
    [num_bits, bias]: [u32; 2],
    values: &mut [I; MAX_VALUES],
) -> Option<i32> {
    let begin = bits.at;
    if bits.take(1) == 0 {
        return None;
    }
    if options.is_reversible() && bits.take(1) == 1 {
        integers(options, bits, begin, options.max_planes, values);
        return None;
    }
    let exponent = bits.take(num_bits) as i32 - bias as i32;
    let planes = exponent.saturating_sub(options.min_exponent).saturating_add(2 * options.rank as i32 + 2);
    let planes = options.max_planes.min(planes.max(0).cast_unsigned());
    integers(options, bits, begin, planes, values);
    Some(exponent)
}

/// The integers of a block that began there.
fn integers<I: Integer>(
    options: &Options,
    bits: &mut Bits<'_>,
    begin: usize,
    max_planes: u32,
    values: &mut [I; MAX_VALUES],
) {
    let num_values = 1 << (2 * options.rank);
    let is_reversible = options.is_reversible();
    let max_planes = match is_reversible {
        true => bits.take(I::BITS.ilog2()) as u32 + 1,
        false => max_planes,
    };
    let left = (options.max_bits as usize).saturating_sub(bits.at.saturating_sub(begin));
    let mut coefficients = [0u64; MAX_VALUES];
    planes(bits, left, I::BITS, max_planes, &mut coefficients[..num_values]);
    for (coefficient, &at) in coefficients.iter().zip(order(options.rank)) {
        values[usize::from(at)] = I::from_base_minus_two(*coefficient);
    }
    let lift = if is_reversible { lift_exactly } else { lift };
    for axis in (0..options.rank).rev() {
        let step = 1 << (2 * axis);
        // Every line of four along the axis.
        for first in (0..num_values).filter(|i| i / step % 4 == 0) {
            let line = lift([0, 1, 2, 3].map(|i| values[first + i * step]));
            line.into_iter().enumerate().for_each(|(i, value)| values[first + i * step] = value);
        }
    }
}

/// Reads planes of bits of a block's coefficients, no more than `left` bits.
fn planes(bits: &mut Bits<'_>, mut left: usize, num_bits: u32, max_planes: u32, coefficients: &mut [u64]) {
    let num = coefficients.len();
    let mut num_met = 0;
    for plane in (num_bits.saturating_sub(max_planes)..num_bits).rev() {
        if left == 0 {
            return;
        }
        let known = num_met.min(left);
        left -= known;
        for some in coefficients[..known].chunks_mut(64) {
            let mut set = bits.take(some.len() as u32);
            while set != 0 {
                some[set.trailing_zeros() as usize] |= 1 << plane;
                set &= set - 1;
            }
        }
        while num_met < num && left > 0 {
            left -= 1;
            if bits.take(1) == 0 {
                break;
            }
            while num_met < num - 1 && left > 0 {
                left -= 1;
                if bits.take(1) == 1 {
                    break;
                }
                num_met += 1;
            }
            coefficients[num_met] |= 1 << plane;
            num_met += 1;
        }
    }
}

/// Integers of either width, as they wrap around.
trait Integer: Copy {
    const BITS: u32;
    fn from_base_minus_two(bits: u64) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn half(self) -> Self;
}

macro_rules! integer {
    ($signed:ty, $unsigned:ty) => {
        impl Integer for $signed {
            const BITS: u32 = <$signed>::BITS;
            fn from_base_minus_two(bits: u64) -> Self {
                const ODD: $unsigned = <$unsigned>::MAX / 3 * 2;
                ((bits as $unsigned ^ ODD).wrapping_sub(ODD)).cast_signed()
            }
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            fn half(self) -> Self {
                self >> 1
            }
        }
    };
}

integer!(i32, u32);
integer!(i64, u64);

/// Four values from their coefficients, with the rounding of the transform that made these.
fn lift<I: Integer>([mut x, mut y, mut z, mut w]: [I; 4]) -> [I; 4] {
    let crossed = |a: I, b: I| (a.plus(a).minus(b), b);
    y = y.plus(w.half());
    w = w.minus(y.half());
    y = y.plus(w);
    (w, y) = crossed(w, y);
    z = z.plus(x);
    (x, z) = crossed(x, z);
    y = y.plus(z);
    (z, y) = crossed(z, y);
    w = w.plus(x);
    (x, w) = crossed(x, w);
    [x, y, z, w]
}

/// The same of the transform that loses nothing: coefficients are differences of differences.
fn lift_exactly<I: Integer>([x, mut y, mut z, mut w]: [I; 4]) -> [I; 4] {
    w = w.plus(z);
    z = z.plus(y);
    w = w.plus(z);
    y = y.plus(x);
    z = z.plus(y);
    w = w.plus(z);
    [x, y, z, w]
}

/// Two to this power; 0 where it is too small for a number.
fn power_of_two(exponent: i32) -> f64 {
    match exponent {
        ..-1074 => 0.0,
        -1074..-1022 => f64::from_bits(1 << (exponent + 1074)),
        -1022..=1023 => f64::from_bits(u64::from((exponent + 1023).cast_unsigned()) << 52),
        _ => f64::INFINITY,
    }
}

/// Bytes as bits, the least significant first; zeros behind their end.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, up to 64.
    fn take(&mut self, num: u32) -> u64 {
        let (byte, shift) = (self.at / 8, self.at % 8);
        self.at = self.at.saturating_add(num as usize);
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let low = match rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        let mut bits = low >> shift;
        if shift > 0 && num as usize > 64 - shift {
            bits |= rest.get(8).map_or(0, |byte| u64::from(*byte) << (64 - shift));
        }
        if num < 64 { bits & ((1 << num) - 1) } else { bits }
    }

    /// Whether more was taken than there is.
    fn is_beyond(&self) -> bool {
        self.at > self.bytes.len() * 8
    }
}

/// Where coefficients belong, in the order in which they are stored: by the sum of their places along the axes.
fn order(rank: usize) -> &'static [u8] {
    match rank {
        1 => &[0, 1, 2, 3],
        2 => &ORDER_2,
        3 => &ORDER_3,
        _ => &ORDER_4,
    }
}

const ORDER_2: [u8; 16] = [0, 1, 4, 5, 2, 8, 6, 9, 3, 12, 10, 7, 13, 11, 14, 15];
#[rustfmt::skip]
const ORDER_3: [u8; 64] = [
    0, 1, 4, 16, 20, 17, 5, 2, 8, 32, 21, 6, 18, 24, 9, 33, 36, 3, 12, 48, 22, 25,
    37, 40, 34, 10, 7, 19, 28, 13, 49, 52, 41, 38, 26, 23, 29, 53, 11, 35, 44, 14, 50, 56,
    42, 27, 39, 45, 30, 54, 57, 60, 51, 15, 43, 46, 58, 61, 55, 31, 62, 59, 47, 63,
];
#[rustfmt::skip]
const ORDER_4: [u8; 256] = [
    0, 1, 4, 16, 64, 5, 80, 17, 68, 65, 20, 2, 8, 32, 128, 84, 81, 69, 21, 6, 18, 66,
    24, 72, 9, 96, 33, 36, 129, 132, 144, 3, 12, 48, 192, 85, 82, 70, 22, 73, 25, 88, 37, 100,
    97, 148, 145, 133, 10, 160, 34, 136, 130, 40, 7, 19, 67, 28, 76, 13, 112, 49, 52, 193, 196, 208,
    86, 89, 101, 149, 161, 137, 41, 134, 38, 164, 26, 152, 146, 104, 98, 74, 83, 71, 23, 77, 29, 92,
    53, 116, 113, 212, 209, 197, 11, 35, 131, 44, 140, 14, 176, 50, 56, 194, 200, 224, 90, 165, 102, 153,
    150, 105, 168, 162, 138, 42, 87, 93, 117, 213, 27, 75, 99, 39, 135, 147, 108, 45, 141, 156, 30, 78,
    177, 180, 54, 114, 120, 57, 198, 210, 216, 201, 225, 228, 15, 240, 51, 204, 195, 60, 169, 166, 154, 106,
    91, 103, 151, 109, 157, 94, 181, 118, 121, 214, 217, 229, 163, 139, 43, 142, 46, 172, 58, 184, 178, 232,
    226, 202, 241, 205, 61, 199, 55, 244, 31, 220, 211, 124, 115, 79, 170, 167, 155, 107, 158, 110, 173, 122,
    185, 182, 233, 230, 218, 95, 245, 119, 221, 215, 125, 242, 206, 62, 203, 59, 248, 47, 236, 227, 188, 179,
    143, 171, 174, 186, 234, 246, 222, 126, 219, 123, 249, 111, 237, 231, 189, 183, 159, 252, 243, 207, 63, 175,
    250, 187, 238, 235, 190, 253, 247, 223, 127, 254, 251, 239, 191, 255,
];
