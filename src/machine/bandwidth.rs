//! When background reading may go on: below a cap, so that it never competes with a writer, and not while
//! the window draws the answer to a step.

use std::time::{Duration, Instant};

/// What may be read at once after a pause, as seconds of the rate.
const BURST_S: f64 = 0.25;

/// A token bucket. The clock is the caller's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bandwidth {
    bytes_per_s: Option<u64>,
    /// Bytes that may be read now; negative after a piece larger than that.
    balance: f64,
    last: Option<Instant>,
    held_until: Option<Instant>,
}

impl Bandwidth {
    /// At most so many bytes a second; any number without one.
    pub fn new(bytes_per_s: Option<u64>) -> Self {
        Self { bytes_per_s, balance: 0.0, last: None, held_until: None }
    }

    /// Nothing is read before that moment.
    pub fn hold_until(&mut self, moment: Instant) {
        self.held_until = Some(moment);
    }

    /// Whether nothing is read at the moment because of that.
    pub fn is_held(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|moment| moment > now)
    }

    /// How long to wait before the next read; `None` if it may start now.
    pub fn wait(&mut self, now: Instant) -> Option<Duration> {
        let held = self.held_until.map(|moment| moment.saturating_duration_since(now)).filter(|held| !held.is_zero());
        held.max(self.wait_for_rate(now))
    }

    fn wait_for_rate(&mut self, now: Instant) -> Option<Duration> {
        let rate = self.bytes_per_s? as f64;
        let burst = rate * BURST_S;
        let earned = self.last.map_or(burst, |last| now.saturating_duration_since(last).as_secs_f64() * rate);
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
        self.balance = (self.balance + earned).min(burst);
        if self.balance > 0.0 {
            return None;
        }
        // No rate at all: look again in a while, the limit may be lifted.
        let seconds = if rate > 0.0 { (1.0 - self.balance) / rate } else { 1.0 };
        Some(Duration::from_secs_f64(seconds.clamp(0.001, 1.0)))
    }

    /// A read of that many bytes begins.
    pub fn spend(&mut self, num_bytes: usize) {
        if self.bytes_per_s.is_some() {
            self.balance -= num_bytes as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_exceeds_the_rate_by_more_than_a_burst_and_a_piece(
            sizes in prop::collection::vec(1usize..5_000, 1..200),
            steps in prop::collection::vec(0u64..40, 1..200),
        ) {
            let rate = 10_000;
            let mut bandwidth = Bandwidth::new(Some(rate));
            let begin = Instant::now();
            let (mut now, mut total) = (begin, 0);
            for (size, step) in sizes.iter().zip(&steps) {
                now += Duration::from_millis(*step);
                if bandwidth.wait(now).is_none() {
                    bandwidth.spend(*size);
                    total += size;
                }
                let allowed = (now - begin).as_secs_f64() * rate as f64 + rate as f64 * BURST_S + 5_000.0;
                prop_assert!(total as f64 <= allowed);
            }
        }
    }

    #[test]
    fn waiting_as_told_is_enough_and_no_limit_is_no_wait() {
        let mut bandwidth = Bandwidth::new(Some(1000));
        let mut now = Instant::now();
        assert_eq!(bandwidth.wait(now), None);
        bandwidth.spend(900);
        let pause = bandwidth.wait(now).expect("the burst is spent");
        now += pause;
        assert_eq!(bandwidth.wait(now), None);
        assert_eq!(Bandwidth::new(None).wait(now), None);
        assert!(Bandwidth::new(Some(0)).wait(now).is_some());
    }
}
