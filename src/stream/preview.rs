//! Which low-resolution previews to make, for recordings too slow to read while scrubbing: one for each
//! timepoint of the kind of picture on screen, the whole recording coarsely first.

use std::ops::Range;
use std::time::Duration;

use crate::array::ViewInfo;
use crate::volume::{DType, PictureKey, reduced_dtype};

/// Sides of previews, the largest for which the whole recording fits in the budget is taken.
const SIDES: [usize; 6] = [128, 96, 64, 48, 32, 16];
/// Weight of the newest read in the estimate of what a read takes.
const NEWEST: f64 = 0.2;

/// Progress of the previews, and how slow the recording is.
#[derive(Default)]
pub(super) struct Previewing {
    kind: Option<PictureKey>,
    num_t: usize,
    /// Position in the walk over time, and the length it was begun with.
    next: usize,
    walked_t: usize,
    /// Timepoints that came after that.
    new: Vec<Range<usize>>,
    /// Seconds a read takes, and seconds for each byte.
    read_s: Option<f64>,
    byte_s: f64,
    /// Decoded bytes a picture of this kind takes.
    picture_bytes: usize,
    /// Longest side of a preview.
    side: usize,
}

impl Previewing {
    /// The view is of this kind now; a picture of it takes that many bytes.
    pub(super) fn set_kind(&mut self, key: &PictureKey, num_t: usize, picture_bytes: usize) {
        if self.kind != Some(key.at(0)) || self.num_t != num_t {
            let has_grown = self.kind == Some(key.at(0)) && num_t > self.num_t;
            match has_grown {
                true => self.new.push(self.num_t..num_t),
                false => (self.next, self.walked_t, self.new) = (0, num_t, Vec::new()),
            }
            (self.kind, self.num_t) = (Some(key.at(0)), num_t);
        }
        if picture_bytes > 0 {
            self.picture_bytes = picture_bytes;
        }
    }

    /// Everything is to be looked at again.
    pub(super) fn start_over(&mut self) {
        (self.next, self.walked_t, self.new) = (0, self.num_t, Vec::new());
    }

    /// A read of that many bytes took that long.
    pub(super) fn note_read(&mut self, num_bytes: usize, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let per_byte = seconds / num_bytes.max(1) as f64;
        let Some(read_s) = self.read_s else {
            (self.read_s, self.byte_s) = (Some(seconds), per_byte);
            return;
        };
        self.read_s = Some(read_s + NEWEST * (seconds - read_s));
        self.byte_s += NEWEST * (per_byte - self.byte_s);
    }

    /// What reading a picture is estimated to take on that many threads.
    pub(super) fn picture_ms(&self, num_workers: usize) -> Option<f64> {
        let together = self.byte_s * self.picture_bytes as f64 / num_workers.max(1) as f64;
        Some(self.read_s?.max(together) * 1e3)
    }

    /// The next picture that should have a preview; `has` says which have.
    pub(super) fn next(&mut self, has: impl Fn(&PictureKey) -> bool) -> Option<PictureKey> {
        let kind = self.kind?;
        while let Some(range) = self.new.last_mut() {
            match range.next().map(|t| kind.at(t)) {
                Some(key) if !has(&key) => return Some(key),
                Some(_) => {}
                None => _ = self.new.pop(),
            }
        }
        let len = self.walked_t.next_power_of_two();
        while self.next < len {
            // Halves, then quarters, then eighths: bits of a counter from the other end.
            let bits = len.trailing_zeros();
            let t = if bits == 0 { 0 } else { self.next.reverse_bits() >> (usize::BITS - bits) };
            self.next += 1;
            let key = kind.at(t);
            if t < self.walked_t && !has(&key) {
                return Some(key);
            }
        }
        None
    }

    /// Chooses the size of previews, so that those of the whole recording fit in a budget.
    pub(super) fn set_side(&mut self, info: &ViewInfo, budget_bytes: usize) {
        self.side = Self::side_for(info.shape[0], info.dtype, budget_bytes);
    }

    /// Longest side of a preview.
    pub(super) fn side(&self) -> usize {
        self.side
    }

    fn side_for(num_t: usize, dtype: DType, budget_bytes: usize) -> usize {
        let item = reduced_dtype(dtype).num_bytes();
        let fits = |&side: &usize| side.saturating_mul(side * item).saturating_mul(num_t) <= budget_bytes;
        SIDES.into_iter().find(fits).unwrap_or(SIDES[SIDES.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{LayerId, Orientation, Picture};

    fn kind(t: usize, index: usize) -> PictureKey {
        PictureKey::finest(LayerId::numbered(0), Picture::Plane { t, orientation: Orientation::Xy, index })
    }

    #[test]
    fn walks_every_timepoint_once_the_whole_coarsely_first() {
        for num_t in [1usize, 2, 7, 64, 100] {
            let mut previewing = Previewing::default();
            previewing.set_kind(&kind(5, 3), num_t, 100);
            let order: Vec<_> = std::iter::from_fn(|| previewing.next(|_| false)).map(|key| key.picture.t()).collect();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..num_t).collect::<Vec<_>>());
            if num_t == 64 {
                assert_eq!(order[..4], [0, 32, 16, 48]);
            }
        }
    }

    #[test]
    fn what_comes_later_is_walked_without_beginning_again() {
        let mut previewing = Previewing::default();
        previewing.set_kind(&kind(0, 0), 4, 100);
        assert_eq!(std::iter::from_fn(|| previewing.next(|_| false)).count(), 4);
        previewing.set_kind(&kind(3, 0), 6, 100);
        let later: Vec<_> = std::iter::from_fn(|| previewing.next(|_| false)).map(|key| key.picture.t()).collect();
        assert_eq!(later, [4, 5]);
        previewing.set_kind(&kind(3, 1), 6, 100);
        assert_eq!(std::iter::from_fn(|| previewing.next(|_| false)).count(), 6, "another kind");
    }

    #[test]
    fn estimates_what_a_picture_takes() {
        let mut previewing = Previewing::default();
        assert_eq!(previewing.picture_ms(2), None);
        previewing.set_kind(&kind(0, 0), 10, 1000);
        (0..50).for_each(|_| previewing.note_read(100, Duration::from_millis(20)));
        let ms = previewing.picture_ms(2).expect("measured");
        assert!((ms - 100.0).abs() < 1.0, "{ms}");
        (0..50).for_each(|_| previewing.note_read(100, Duration::from_micros(20)));
        assert!(previewing.picture_ms(2).expect("measured") < 1.0);
    }

    #[test]
    fn the_whole_recording_fits_in_the_budget() {
        assert_eq!(Previewing::side_for(100, DType::U16, 250 << 20), 128);
        assert_eq!(Previewing::side_for(10_000, DType::U16, 250 << 20), 64);
        assert_eq!(Previewing::side_for(10_000, DType::F64, 250 << 20), 48);
    }
}
