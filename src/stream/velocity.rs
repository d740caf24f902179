//! How fast the user moves along an axis, and how likely a place is to be needed soon. The clock is the
//! caller's.

use std::time::{Duration, Instant};

/// How fast the estimate follows the hand.
const FAST_HALF_LIFE: Duration = Duration::from_millis(50);
/// How long the model of the movement remembers.
const SLOW_HALF_LIFE: Duration = Duration::from_millis(1000);
/// What may be needed within this time is worth reading ahead.
pub(super) const HORIZON_S: f64 = 2.0;

/// Signed velocity along one axis, in steps per second.
#[derive(Clone, Copy, Debug)]
pub struct Velocity {
    last: Option<(Instant, f64)>,
    /// Smoothed over the fast half-life.
    current: f64,
    /// Mean and variance over the slow half-life.
    mean: f64,
    variance: f64,
    /// Standard deviation of where an idle user will step within the horizon.
    idle_spread: f64,
}

impl Velocity {
    /// At rest. `idle_spread` is how many steps away (standard deviation) an idle user will look.
    pub fn new(idle_spread: f64) -> Self {
        Self { last: None, current: 0.0, mean: 0.0, variance: 0.0, idle_spread }
    }

    /// The position is `position` at `now`. Times that run backwards are ignored.
    pub fn sample(&mut self, position: usize, now: Instant) {
        let position = position as f64;
        let Some((then, before)) = self.last else {
            self.last = Some((now, position));
            return;
        };
        let elapsed = now.saturating_duration_since(then);
        if elapsed.is_zero() {
            // Two events at one instant: the later one counts, the speed shows at the next.
            return;
        }
        let velocity = (position - before) / elapsed.as_secs_f64();
        let (fast, slow) = (decay(elapsed, FAST_HALF_LIFE), decay(elapsed, SLOW_HALF_LIFE));
        self.current = self.current * fast + velocity * (1.0 - fast);
        let delta = self.current - self.mean;
        self.mean += delta * (1.0 - slow);
        self.variance = slow * (self.variance + (1.0 - slow) * delta * delta);
        self.last = Some((now, position));
    }

    /// Steps per second at `now`: what was measured last, fading while nothing moves.
    pub fn at(&self, now: Instant) -> f64 {
        self.outlook(now).speed
    }

    /// Whether the user rests at `now`.
    pub fn is_idle(&self, now: Instant) -> bool {
        (self.at(now) * HORIZON_S).abs() < 1.0
    }

    /// What is to be expected within the horizon.
    pub fn outlook(&self, now: Instant) -> Outlook {
        let rested = self.last.map_or(Duration::ZERO, |(then, _)| now.saturating_duration_since(then));
        // The hand rests for a moment between two pushes: the model fades slowly, the hand at once.
        let (hand, model) = (self.current * decay(rested, FAST_HALF_LIFE), self.mean * decay(rested, SLOW_HALF_LIFE));
        let speed = if hand.abs() > model.abs() { hand } else { model };
        let deviation = (self.variance * decay(rested, SLOW_HALF_LIFE)).sqrt();
        Outlook { speed, spread: self.idle_spread + 0.5 * deviation * HORIZON_S }
    }
}

fn decay(elapsed: Duration, half_life: Duration) -> f64 {
    (-elapsed.as_secs_f64() / half_life.as_secs_f64()).exp2()
}

/// A bell curve of where the user will be at the end of the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Steps per second, signed.
    pub speed: f64,
    /// Standard deviation of the place at the end of the horizon, steps.
    pub spread: f64,
}

impl Outlook {
    /// Playing at a steady rate: signed steps per second.
    pub fn playing(speed: f64) -> Self {
        Self { speed, spread: 1.0 + 0.1 * speed.abs() * HORIZON_S }
    }

    /// How likely the place `offset` steps away is passed or reached within the horizon.
    pub fn probability(&self, offset: isize) -> f64 {
        if offset == 0 {
            return 1.0;
        }
        let distance = offset as f64 * (offset.signum() as f64);
        let expected = self.speed * HORIZON_S * offset.signum() as f64;
        1.0 - normal_cdf((distance - expected) / self.spread.max(1e-9))
    }
}

/// The normal distribution function, good to 1e-4.
fn normal_cdf(x: f64) -> f64 {
    1.0 / (1.0 + (-1.5976 * x - 0.070_565_992 * x * x * x).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Moves `step` positions every `ms` milliseconds, `n` times.
    fn moved(step: isize, ms: u64, n: usize) -> (Velocity, Instant) {
        let mut velocity = Velocity::new(4.0);
        let mut now = Instant::now();
        let mut position = 10_000isize;
        for _ in 0..n {
            velocity.sample(position as usize, now);
            now += Duration::from_millis(ms);
            position += step;
        }
        (velocity, now - Duration::from_millis(ms))
    }

    proptest! {
        #[test]
        fn has_the_sign_and_size_of_the_motion(step in -20isize..=20, ms in 8u64..40) {
            let (velocity, now) = moved(step, ms, 100);
            let expected = step as f64 * 1000.0 / ms as f64;
            prop_assert!((velocity.at(now) - expected).abs() <= 0.05 * expected.abs() + 1e-9);
        }

        #[test]
        fn backwards_is_the_mirror_of_forwards(step in 1isize..20, offset in -40isize..40) {
            let (forwards, now) = moved(step, 16, 30);
            let (backwards, later) = moved(-step, 16, 30);
            let (a, b) = (forwards.outlook(now).probability(offset), backwards.outlook(later).probability(-offset));
            prop_assert!((a - b).abs() < 1e-9);
        }

        #[test]
        fn ahead_is_likelier_than_behind_and_near_than_far(step in 1isize..20, offset in 1isize..40) {
            let (velocity, now) = moved(step, 16, 30);
            let outlook = velocity.outlook(now);
            prop_assert!(outlook.probability(offset) >= outlook.probability(-offset));
            prop_assert!(outlook.probability(offset) >= outlook.probability(offset + 1));
            prop_assert!(outlook.probability(-offset) >= outlook.probability(-offset - 1));
        }
    }

    #[test]
    fn an_idle_user_may_go_either_way() {
        let velocity = Velocity::new(4.0);
        let now = Instant::now();
        assert!(velocity.is_idle(now));
        assert_eq!(velocity.outlook(now).probability(3), velocity.outlook(now).probability(-3));
        let (moving, now) = moved(5, 16, 30);
        assert!(!moving.is_idle(now));
        let rested = now + Duration::from_secs(20);
        assert!(moving.is_idle(rested));
        let outlook = moving.outlook(rested);
        assert!((outlook.probability(2) - outlook.probability(-2)).abs() < 0.01);
    }

    #[test]
    fn one_late_event_does_not_hide_the_motion() {
        let (mut velocity, mut now) = moved(-10, 16, 30);
        now += Duration::from_millis(16);
        velocity.sample(10_000 - 290, now);
        assert!(velocity.at(now) < -100.0, "{}", velocity.at(now));
    }

    #[test]
    fn a_clock_that_stands_or_runs_back_is_survived() {
        let mut velocity = Velocity::new(4.0);
        let now = Instant::now() + Duration::from_secs(10);
        velocity.sample(1, now);
        velocity.sample(5, now);
        velocity.sample(9, now - Duration::from_secs(5));
        assert!(velocity.at(now).is_finite());
    }
}
