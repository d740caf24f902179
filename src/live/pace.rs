//! How fast blocks come, and how long the newest has been there.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

/// Blocks the rate is taken over.
const NUM_REMEMBERED: usize = 9;

/// With one block only, so long without another is quiet.
const FIRST_QUIET: Duration = Duration::from_secs(60);

/// A file's time says when it was closed only if that lies this little before it was noticed: clocks of
/// file servers differ, and clocks jump.
const MAX_NOTICE: Duration = Duration::from_secs(5);

/// When the last blocks landed.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    landings: VecDeque<(Instant, Option<SystemTime>)>,
}

impl Pace {
    /// The pace of a recording found with these times of its last blocks, oldest first.
    pub fn found(times: &[Option<SystemTime>], now: Instant, clock: SystemTime) -> Self {
        let mut pace = Self::default();
        for time in times {
            let age = time.and_then(|time| clock.duration_since(time).ok());
            let at = age.and_then(|age| now.checked_sub(age)).unwrap_or(now);
            pace.push(at, *time);
        }
        pace
    }

    /// Records a block noticed at `now` whose file was last changed at `modified`; `clock` is the wall
    /// clock at `now`. Returns when it landed, as far as can be told.
    pub fn landed(&mut self, modified: Option<SystemTime>, now: Instant, clock: SystemTime) -> Instant {
        let age = modified.and_then(|time| clock.duration_since(time).ok()).filter(|age| *age <= MAX_NOTICE);
        let at = age.and_then(|age| now.checked_sub(age)).unwrap_or(now);
        self.push(at, modified);
        at
    }

    fn push(&mut self, at: Instant, modified: Option<SystemTime>) {
        if self.landings.len() == NUM_REMEMBERED {
            self.landings.pop_front();
        }
        self.landings.push_back((at, modified));
    }

    /// The usual time from one block to the next: the median of the last ones. By the files' own times
    /// where these go forward, by when they were noticed elsewhere.
    pub fn interval(&self) -> Option<Duration> {
        let mut steps: Vec<Duration> = self
            .landings
            .iter()
            .zip(self.landings.iter().skip(1))
            .filter_map(|((a, file_a), (b, file_b))| {
                let by_file = file_a.zip(*file_b).and_then(|(a, b)| b.duration_since(a).ok());
                let noticed = b.saturating_duration_since(*a);
                by_file.or(Some(noticed)).filter(|step| !step.is_zero())
            })
            .collect();
        if steps.is_empty() {
            return None;
        }
        let middle = steps.len() / 2;
        Some(*steps.select_nth_unstable(middle).1)
    }

    /// How long ago the newest block landed.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.landings.back().map(|(at, _)| now.saturating_duration_since(*at))
    }

    /// When the newest block landed.
    pub fn newest(&self) -> Option<Instant> {
        self.landings.back().map(|(at, _)| *at)
    }

    /// Whether nothing has come for three times the usual interval.
    pub fn is_quiet(&self, now: Instant) -> bool {
        // Blocks of small tests come many times a second; a second is no silence to a person.
        let limit = self.interval().map_or(FIRST_QUIET, |interval| (interval * 3).max(Duration::from_secs(2)));
        self.age(now).is_some_and(|age| age > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_median_interval_is_kept_in_spite_of_a_pause_and_of_clocks_that_jump() {
        let (start, clock) = (Instant::now(), SystemTime::now());
        let mut pace = Pace::default();
        for i in 0..6 {
            let at = i * 10 * SECOND + if i > 3 { 100 * SECOND } else { Duration::ZERO };
            pace.landed(Some(clock + at), start + at, clock + at);
        }
        assert_eq!(pace.interval(), Some(10 * SECOND));
        // The file server's clock is an hour behind, then jumps ahead: noticing decides.
        let mut pace = Pace::default();
        let hour = 3600 * SECOND;
        for i in 0..3 {
            let at = i * 10 * SECOND;
            let landed = pace.landed(Some(clock + at - hour), start + at, clock + at);
            assert_eq!(landed, start + at);
        }
        pace.landed(Some(clock + hour), start + 30 * SECOND, clock + 30 * SECOND);
        assert_eq!(pace.interval(), Some(10 * SECOND));
        assert_eq!(pace.age(start + 35 * SECOND), Some(5 * SECOND));
    }

    #[test]
    fn three_intervals_without_a_block_are_quiet() {
        let (start, clock) = (Instant::now(), SystemTime::now());
        let times: Vec<_> = (0..4).map(|i| clock.checked_sub((40 - i * 10) * SECOND)).collect();
        let pace = Pace::found(&times, start, clock);
        assert_eq!(pace.age(start), Some(10 * SECOND));
        assert!(!pace.is_quiet(start + 15 * SECOND));
        assert!(pace.is_quiet(start + 25 * SECOND));
        let one = Pace::found(&[Some(clock)], start, clock);
        assert!(!one.is_quiet(start + 50 * SECOND) && one.is_quiet(start + 70 * SECOND));
        assert!(!Pace::default().is_quiet(start));
    }
}
