//! What the status bar says of speed: time from an input to the exact picture, and pictures per second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::volume::Picture;

/// Pictures counted over at most this long.
const WINDOW: Duration = Duration::from_secs(2);

/// Follows wished and shown pictures. Time is passed in.
#[derive(Debug, Default)]
pub struct Measure {
    waiting: Option<(Picture, Instant)>,
    shown: Option<Picture>,
    times: VecDeque<Instant>,
    /// Time from the last input to its exact picture, ms.
    pub image_ms: Option<f64>,
}

impl Measure {
    /// An input at `now` asked for `picture`.
    pub fn wished(&mut self, picture: Picture, now: Instant) {
        if self.shown != Some(picture) && self.waiting.is_none_or(|(wished, _)| wished != picture) {
            self.waiting = Some((picture, now));
        }
    }

    /// The exact `picture` is on screen at `now`.
    pub fn shown(&mut self, picture: Picture, now: Instant) {
        if let Some((wished, since)) = self.waiting
            && wished == picture
        {
            self.image_ms = Some(now.duration_since(since).as_secs_f64() * 1e3);
            self.waiting = None;
        }
        if self.shown != Some(picture) {
            self.shown = Some(picture);
            self.times.push_back(now);
            self.forget_old(now);
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while self.times.front().is_some_and(|&time| now.duration_since(time) > WINDOW) {
            self.times.pop_front();
        }
    }

    /// New pictures per second over the last two seconds; `None` when nothing moves.
    pub fn pictures_per_s(&mut self, now: Instant) -> Option<f64> {
        self.forget_old(now);
        let (first, last) = (self.times.front()?, self.times.back()?);
        let span = last.duration_since(*first).as_secs_f64();
        (self.times.len() > 1 && span > 0.0).then(|| (self.times.len() - 1) as f64 / span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Orientation;

    fn plane(t: usize) -> Picture {
        Picture::Plane { t, orientation: Orientation::Xy, index: 0 }
    }

    #[test]
    fn time_runs_from_the_input_to_the_exact_picture() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut measure = Measure::default();
        measure.wished(plane(3), at(0));
        measure.wished(plane(3), at(5));
        measure.shown(plane(2), at(8));
        assert_eq!(measure.image_ms, None);
        measure.shown(plane(3), at(12));
        assert_eq!(measure.image_ms, Some(12.0));
    }

    #[test]
    fn playing_for_days_remembers_two_seconds() {
        let start = Instant::now();
        let mut measure = Measure::default();
        for i in 0..10_000u64 {
            measure.shown(plane(i as usize), start + Duration::from_millis(i * 20));
        }
        assert!(measure.times.len() <= 101, "{}", measure.times.len());
    }

    #[test]
    fn rate_counts_new_pictures_only() {
        let start = Instant::now();
        let mut measure = Measure::default();
        for i in 0..21u64 {
            measure.shown(plane(i as usize / 2), start + Duration::from_millis(i * 50));
        }
        let rate = measure.pictures_per_s(start + Duration::from_secs(1));
        assert!(rate.is_some_and(|rate| (rate - 10.0).abs() < 0.1), "{rate:?}");
        assert_eq!(measure.pictures_per_s(start + Duration::from_secs(9)), None);
    }
}
