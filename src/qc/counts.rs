//! How often each code of a plane occurs: one pass over its voxels, from which mean, deviation, percentiles and
//! the voxels at full scale follow exactly.

use super::lanes::wide;

/// Codes there can be.
const NUM_CODES: usize = 1 << 16;
/// Tables counted in turn, so that equal neighbours need not wait for each other.
const NUM_LANES: usize = 4;
/// Voxels handled while they are in the nearest cache.
pub(super) const BLOCK: usize = 8192;

/// Counts of 16-bit codes. Reused from plane to plane.
pub struct Counts {
    lanes: [Box<[u32; NUM_CODES]>; NUM_LANES],
    extent: [u16; 2],
    num: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { lanes: std::array::from_fn(|_| zeros()), extent: [u16::MAX, 0], num: 0 }
    }
}

fn zeros() -> Box<[u32; NUM_CODES]> {
    vec![0; NUM_CODES].into_boxed_slice().try_into().expect("it is that long")
}

impl Counts {
    /// Forgets what was counted.
    pub fn clear(&mut self) {
        let [low, high] = self.extent.map(usize::from);
        if low <= high {
            self.lanes[0][low..=high].fill(0);
        }
        self.extent = [u16::MAX, 0];
        self.num = 0;
    }

    /// Counts some voxels. [`Self::close`] follows the last of them.
    pub fn add(&mut self, codes: &[u16]) {
        let [low, high] = extent(codes);
        self.extent = [self.extent[0].min(low), self.extent[1].max(high)];
        self.num += codes.len() as u64;
        let [a, b, c, d] = &mut self.lanes;
        let mut fours = codes.chunks_exact(NUM_LANES);
        for four in &mut fours {
            count(a, four[0]);
            count(b, four[1]);
            count(c, four[2]);
            count(d, four[3]);
        }
        for code in fours.remainder() {
            count(a, *code);
        }
    }

    /// All voxels have been counted.
    pub fn close(&mut self) {
        let Some(range) = self.range() else { return };
        let [first, rest @ ..] = &mut self.lanes;
        wide(
            #[inline(always)]
            || {
                let all = &mut first[range.clone()];
                for lane in rest.iter_mut() {
                    for (sum, part) in all.iter_mut().zip(&mut lane[range.clone()]) {
                        *sum = sum.wrapping_add(*part);
                        *part = 0;
                    }
                }
            },
        );
    }

    /// Voxels counted.
    pub fn num(&self) -> u64 {
        self.num
    }

    /// Smallest and largest code; nothing where nothing was counted.
    pub fn extent(&self) -> Option<[u16; 2]> {
        (self.num > 0).then_some(self.extent)
    }

    /// Voxels of one code.
    pub fn of(&self, code: u16) -> u32 {
        self.lanes[0][usize::from(code)]
    }

    /// The sum of all codes and that of their squares.
    pub fn sums(&self) -> [u64; 2] {
        let Some(range) = self.range() else { return [0; 2] };
        let first = range.start as u64;
        self.lanes[0][range].iter().zip(first..).fold([0, 0], |[sum, squares], (count, code)| {
            let part = u64::from(*count).wrapping_mul(code);
            [sum.wrapping_add(part), squares.wrapping_add(part.wrapping_mul(code))]
        })
    }

    /// Percentiles, which are given in rising order, by linear interpolation between codes as numpy does by default.
    pub fn percentiles<const N: usize>(&self, percents: [f64; N]) -> [f64; N] {
        let Some(range) = self.range() else { return [f64::NAN; N] };
        let first = range.start;
        let counts = &self.lanes[0][range];
        let (mut i, mut up_to) = (0, u64::from(counts[0]));
        percents.map(|percent| {
            let position = percent / 100.0 * (self.num - 1) as f64;
            let rank = position as u64;
            while up_to <= rank {
                i += 1;
                up_to += u64::from(counts[i]);
            }
            let low = (first + i) as f64;
            let share = position - rank as f64;
            if share == 0.0 || up_to > rank + 1 {
                return low;
            }
            let next = counts[i + 1..].iter().position(|count| *count > 0).map_or(i, |more| i + 1 + more);
            low + ((first + next) as f64 - low) * share
        })
    }

    fn range(&self) -> Option<std::ops::Range<usize>> {
        self.extent().map(|[low, high]| usize::from(low)..usize::from(high) + 1)
    }
}

// A code is smaller than the table is long, so nothing is checked; a plane has fewer voxels than a count can hold.
#[inline(always)]
fn count(lane: &mut [u32; NUM_CODES], code: u16) {
    let count = &mut lane[usize::from(code)];
    *count = count.wrapping_add(1);
}

/// Smallest and largest code.
pub fn extent(codes: &[u16]) -> [u16; 2] {
    wide(
        #[inline(always)]
        || {
            // One after the other: each becomes one instruction for many codes, the two of them together do not.
            let low = codes.iter().fold(u16::MAX, |low, code| low.min(*code));
            let high = codes.iter().fold(0, |high: u16, code| high.max(*code));
            [low, high]
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(codes: &[u16]) -> Counts {
        let mut counts = Counts::default();
        // What was there before leaves nothing behind.
        counts.add(&[0, 9, 65_535]);
        counts.close();
        counts.clear();
        for block in codes.chunks(7) {
            counts.add(block);
        }
        counts.close();
        counts
    }

    #[test]
    fn counts_sums_and_percentiles_are_exact() {
        // np.percentile(v, [1, 50, 99]), v.sum(), (v.astype(int) ** 2).sum()
        let counts = counted(&[15, 20, 65_535, 20, 50, 3, 3, 3, 1000, 0]);
        assert_eq!(counts.num(), 10);
        assert_eq!(counts.extent(), Some([0, 65_535]));
        assert_eq!((counts.of(3), counts.of(4), counts.of(65_535)), (3, 0, 1));
        assert_eq!(counts.sums(), [66_649, 4_295_839_777]);
        let [low, median, high] = counts.percentiles([1.0, 50.0, 99.0]);
        for (a, b) in [(low, 0.27), (median, 17.5), (high, 59_726.85)] {
            assert!((a - b).abs() < 1e-9, "{a} for {b}");
        }
    }

    #[test]
    fn nothing_and_one_value_are_no_problem() {
        assert_eq!(counted(&[]).extent(), None);
        assert!(counted(&[]).percentiles([50.0])[0].is_nan());
        assert_eq!(counted(&[65_535]).percentiles([0.0, 50.0, 100.0]), [65_535.0; 3]);
    }
}
