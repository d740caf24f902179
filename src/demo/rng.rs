//! Random numbers that depend on what they are for and on nothing else: every voxel, cell and event
//! asks with its own coordinates, so the recording is the same whatever thread draws which plane.

/// Scrambles a counter into 64 well-mixed bits (the finaliser of SplitMix64).
#[inline]
pub fn mix(counter: u64) -> u64 {
    let mut bits = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A stream of numbers for one purpose.
#[derive(Clone, Copy, Debug)]
pub struct Stream(u64);

impl Stream {
    /// The stream of `purpose` under `seed`.
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(seed ^ mix(purpose)))
    }

    /// A stream within this one.
    pub fn at(self, index: u64) -> Self {
        Self(mix(self.0 ^ mix(index.wrapping_add(1))))
    }

    /// 64 bits.
    #[inline]
    pub fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_mul(0xD1B5_4A32_D192_ED03)))
    }

    /// Uniform in 0..1.
    #[inline]
    pub fn uniform(self, index: u64) -> f32 {
        (self.bits(index) >> 40) as f32 * (1.0 / (1u64 << 24) as f32)
    }

    /// Uniform in `from..to`.
    #[inline]
    pub fn between(self, index: u64, from: f32, to: f32) -> f32 {
        from + (to - from) * self.uniform(index)
    }

    /// Standard normal, from two uniform numbers.
    pub fn normal(self, index: u64) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform(2 * index)).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.uniform(2 * index + 1)).cos()
    }
}

/// Number of entries in the table of normal quantiles: 12 bits, so that 64 bits serve five voxels and
/// the table stays in the first-level cache.
pub const NUM_QUANTILES: usize = 4096;

/// Quantiles of the standard normal distribution at (i + ½) / 4096, scaled to unit variance.
pub fn normal_quantiles() -> Box<[f32; NUM_QUANTILES]> {
    let mut table = Box::new([0.0; NUM_QUANTILES]);
    let mut sum_of_squares = 0.0;
    let mut values = vec![0.0f64; NUM_QUANTILES];
    for (i, value) in values.iter_mut().enumerate() {
        *value = quantile((i as f64 + 0.5) / NUM_QUANTILES as f64);
        sum_of_squares += *value * *value;
    }
    let scale = (NUM_QUANTILES as f64 / sum_of_squares).sqrt();
    for (entry, value) in table.iter_mut().zip(values) {
        *entry = (value * scale) as f32;
    }
    table
}

/// The inverse of the normal distribution function, by bisection of its series (only 4096 calls).
fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-6.0, 6.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if distribution(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The normal distribution function, by its Taylor series (exact enough within ±6).
fn distribution(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for i in 1..200 {
        term *= x * x / (2 * i + 1) as f64;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_the_counter_alone_and_are_uniform() {
        let stream = Stream::new(7, 3);
        assert_eq!(stream.bits(5), Stream::new(7, 3).bits(5));
        assert_ne!(stream.bits(5), Stream::new(8, 3).bits(5));
        let mean = (0..10_000).map(|i| f64::from(stream.uniform(i))).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }

    #[test]
    fn quantiles_are_those_of_a_normal_distribution() {
        let table = normal_quantiles();
        assert!(table.windows(2).all(|pair| pair[0] < pair[1]));
        assert!((table[NUM_QUANTILES / 2]).abs() < 1e-3);
        let sigma = (0.841_344_7 * NUM_QUANTILES as f64) as usize;
        assert!((table[sigma] - 1.0).abs() < 0.01, "{}", table[sigma]);
    }
}
