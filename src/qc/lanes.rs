//! Loops with the widest lanes of the machine, and sums over many numbers within them.

use pulp::{Arch, Simd, WithSimd};

/// Numbers added at once.
const NUM_LANES: usize = 32;

/// Runs a loop, compiled for the widest lanes that the machine has. The loop is a closure with `inline(always)`:
/// called as `FnMut`, since the compiler puts a function of its own before one that is called as `FnOnce`, which is
/// not inlined and so has narrow lanes.
#[inline(always)]
pub(super) fn wide<R>(run: impl FnMut() -> R) -> R {
    struct Wide<F>(F);
    impl<R, F: FnMut() -> R> WithSimd for Wide<F> {
        type Output = R;

        #[inline(always)]
        fn with_simd<S: Simd>(mut self, _simd: S) -> R {
            (self.0)()
        }
    }
    Arch::new().dispatch(Wide(run))
}

/// Sum of squares. In single precision along a line, of which there may be some thousands.
#[inline(always)]
pub(super) fn sum_of_squares(line: &[f32]) -> f64 {
    fold(line, |sum, value| sum + value * value)
}

/// Sum.
#[inline(always)]
pub(super) fn sum(line: &[f32]) -> f64 {
    fold(line, |sum, value| sum + value)
}

#[inline(always)]
fn fold(line: &[f32], add: impl Fn(f32, f32) -> f32) -> f64 {
    let mut sums = [0.0_f32; NUM_LANES];
    let parts = line.chunks_exact(NUM_LANES);
    let rest = parts.remainder().iter().fold(0.0, |sum, value| add(sum, *value));
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, value)| *sum = add(*sum, *value));
    }
    sums.iter().fold(f64::from(rest), |all, sum| all + f64::from(*sum))
}

/// The products of a line with four others, summed.
#[inline(always)]
pub(super) fn products(line: &[f32], others: [&[f32]; 4]) -> [f32; 4] {
    const NUM: usize = 8;
    let mut sums = [[0.0_f32; NUM]; 4];
    let whole = line.len() / NUM * NUM;
    let [b, c, d, e] = others.map(|other| other.chunks_exact(NUM));
    for ((((a, b), c), d), e) in line.chunks_exact(NUM).zip(b).zip(c).zip(d).zip(e) {
        for (sums, other) in sums.iter_mut().zip([b, c, d, e]) {
            sums.iter_mut().zip(a.iter().zip(other)).for_each(|(sum, (a, b))| *sum += a * b);
        }
    }
    let mut of = [0.0; 4];
    for ((of, sums), other) in of.iter_mut().zip(&sums).zip(&others) {
        let rest: f32 = line[whole..].iter().zip(&other[whole..]).map(|(a, b)| a * b).sum();
        *of = rest + sums.iter().sum::<f32>();
    }
    of
}
