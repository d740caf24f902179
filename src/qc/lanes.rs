//! Sums over many numbers, in lanes that are added at once. Inlined, so that whoever calls them within
//! `pulp::Arch::dispatch` has them with the widest lanes of the machine.

/// Numbers added at once.
const NUM_LANES: usize = 32;

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
    for i in (0..whole).step_by(NUM) {
        for (sums, other) in sums.iter_mut().zip(&others) {
            let pairs = line[i..i + NUM].iter().zip(&other[i..i + NUM]);
            sums.iter_mut().zip(pairs).for_each(|(sum, (a, b))| *sum += a * b);
        }
    }
    let mut of = [0.0; 4];
    for ((of, sums), other) in of.iter_mut().zip(&sums).zip(&others) {
        let rest: f32 = line[whole..].iter().zip(&other[whole..]).map(|(a, b)| a * b).sum();
        *of = rest + sums.iter().sum::<f32>();
    }
    of
}
