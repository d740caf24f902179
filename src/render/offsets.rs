//! What shaders are told of contrast limits. Single precision cannot tell 10⁹ from 10⁹ + 1, so that wide
//! types are compared with an origin near the lower limit in whole numbers, and only the distance becomes
//! a float. All of it is uniforms: whichever limits are chosen, the voxels lie in their texture as stored.

use super::texel::Texel;

/// Limits in the units of `offset_of` in shaders/shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offsets {
    /// The key, or of floats the number and the power of two, that offsets are counted from.
    pub(super) origin: [u32; 2],
    /// Of doubles: the exponent, as stored, of a mantissa that counts steps as it is.
    pub(super) exponent: i32,
    pub(super) limits: [f32; 2],
    pub(super) full_scale: f32,
    pub(super) full_key: [u32; 2],
}

/// Distances larger than this are as good as it.
const LARGEST: f64 = 1e37;

/// A double's bits after the point.
const MANTISSA_BITS: u32 = 52;
/// How far the mantissa of the larger limit is shifted up: steps of a 256th of its last bit.
const LIMIT_SHIFT: i32 = 8;
/// Beyond this shift the largest key stands for all.
const MAX_SHIFT: i32 = 9;

impl Offsets {
    pub(super) fn new(texel: Texel, limits: [f64; 2], full_scale: f64) -> Self {
        match texel {
            Texel::U8 | Texel::I8 | Texel::U16 | Texel::I16 => Self::narrow(limits, full_scale),
            Texel::F32 | Texel::Color => Self::float(limits, full_scale),
            Texel::U32 => Self::integer(limits, full_scale, [0, u32::MAX.into()]),
            Texel::I32 => Self::integer(limits, full_scale, [i32::MIN.into(), i32::MAX.into()]),
            Texel::U64 => Self::integer(limits, full_scale, [0, u64::MAX.into()]),
            Texel::I64 => Self::integer(limits, full_scale, [i64::MIN.into(), i64::MAX.into()]),
            Texel::F64 => Self::double(limits, full_scale),
        }
    }

    fn narrow(limits: [f64; 2], full_scale: f64) -> Self {
        let limits = limits.map(single);
        Self { origin: [0; 2], exponent: 0, limits, full_scale: single(full_scale), full_key: [0; 2] }
    }

    fn float(limits: [f64; 2], full_scale: f64) -> Self {
        let largest = limits[0].abs().max(limits[1].abs());
        // A power of two changes no digit of a number.
        let power = if largest > 0.0 { (-largest.log2().floor()).clamp(-126.0, 126.0) } else { 0.0 };
        let scale = power.exp2();
        let origin = single(limits[0] * scale);
        Self {
            origin: [origin.to_bits(), (scale as f32).to_bits()],
            limits: limits.map(|limit| single(limit * scale - f64::from(origin))),
            // Numbers of single precision are compared with it as they are.
            full_scale: full_scale as f32,
            ..Self::narrow(limits, full_scale)
        }
    }

    fn integer(limits: [f64; 2], full_scale: f64, [min, max]: [i128; 2]) -> Self {
        let origin = (limits[0].floor() as i128).clamp(min, max);
        let offset = |limit: f64| {
            let whole = (limit.floor() as i128).saturating_sub(origin);
            single(whole as f64 + (limit - limit.floor()))
        };
        let key = |value: i128| halves((value.clamp(min, max) - min) as u64);
        Self {
            origin: key(origin),
            limits: limits.map(offset),
            full_key: key(full_scale.ceil() as i128),
            ..Self::narrow(limits, full_scale)
        }
    }

    fn double(limits: [f64; 2], full_scale: f64) -> Self {
        let largest = stored_exponent(limits[0]).max(stored_exponent(limits[1]));
        let exponent = largest - LIMIT_SHIFT;
        let [low, high] = limits.map(|limit| double_key(limit, exponent));
        Self {
            origin: halves(low),
            exponent,
            limits: [0.0, high.wrapping_sub(low) as f32],
            full_key: halves(double_key(full_scale, exponent)),
            ..Self::narrow(limits, full_scale)
        }
    }
}

fn single(value: f64) -> f32 {
    value.clamp(-LARGEST, LARGEST) as f32
}

fn halves(key: u64) -> [u32; 2] {
    [key as u32, (key >> 32) as u32]
}

/// The exponent as a double's bits hold it; that of the smallest normal numbers for those below them.
fn stored_exponent(value: f64) -> i32 {
    ((value.to_bits() >> MANTISSA_BITS & 0x7ff) as i32).max(1)
}

/// A double in whole steps of 2^(exponent - 1075), with zero in the middle of the unsigned numbers. The
/// arithmetic of `key_of` in shaders/shared/key_float64.wgsl.
fn double_key(value: f64, exponent: i32) -> u64 {
    let bits = value.to_bits();
    let is_subnormal = bits >> MANTISSA_BITS & 0x7ff == 0;
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1) | u64::from(!is_subnormal) << MANTISSA_BITS;
    let shift = stored_exponent(value) - exponent;
    let steps = match shift {
        MAX_SHIFT.. if shift > MAX_SHIFT => i64::MAX as u64,
        0.. => mantissa << shift,
        _ => mantissa >> (-shift).min(63),
    };
    let signed = if value.is_sign_negative() { steps.wrapping_neg() } else { steps };
    signed ^ 1 << 63
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys are in the order of their values, and the distance of limits is theirs to single precision.
    #[test]
    fn doubles_keep_their_order_and_distance_wherever_the_limits_are() {
        let values = [f64::MIN, -1e300, -1.0, -1e-300, -5e-324, 0.0, 5e-324, 1e-300, 0.1, 1.0, 1e300, f64::MAX];
        for (i, &low) in values.iter().enumerate() {
            for &high in &values[i + 1..] {
                let offsets = Offsets::new(Texel::F64, [low, high], high);
                let keys = values.map(|value| double_key(value, offsets.exponent));
                assert!(keys.is_sorted(), "{low} {high}");
                assert!(keys[i] < double_key(high, offsets.exponent));
                let step = 2f64.powi(offsets.exponent - 1075);
                // Quarters, because the largest distance is beyond the largest number.
                let (told, distance) = (f64::from(offsets.limits[1]) / 4.0 * step, high / 4.0 - low / 4.0);
                let is_close = (told - distance).abs() <= 1e-6 * distance;
                assert!(is_close || step == 0.0, "{told} for {distance}");
            }
        }
        // Neighbours far from zero.
        let [low, high] = [1e300, 1e300f64.next_up()];
        let offsets = Offsets::new(Texel::F64, [low, high], high);
        assert_eq!(offsets.limits, [0.0, 256.0]);
    }

    #[test]
    fn limits_of_integers_count_from_the_whole_number_below_the_lower_one() {
        let offsets = Offsets::new(Texel::I32, [1e9 + 0.5, 1e9 + 110.0], f64::from(i32::MAX));
        assert_eq!(offsets.limits, [0.5, 110.0]);
        assert_eq!(offsets.origin, [1_000_000_000 + (1 << 31), 0]);
        assert_eq!(offsets.full_key, [u32::MAX, 0]);
        // Limits beyond what the type holds are told as they are.
        let beyond = Offsets::new(Texel::U32, [-10.0, 1e10], f64::from(u32::MAX));
        assert_eq!((beyond.origin, beyond.limits), ([0, 0], [-10.0, 1e10]));
        let wide = Offsets::new(Texel::U64, [2f64.powi(60), 2f64.powi(60) + 4096.0], u64::MAX as f64);
        assert_eq!((wide.origin, wide.limits), ([0, 1 << 28], [0.0, 4096.0]));
    }
}
