//! Delays between tries: exponential, capped, with jitter. Pure: the caller brings the entropy.

use std::time::Duration;

/// Doubles allowed before the cap is taken for reached whatever the base.
const DOUBLINGS_MAX: u32 = 20;

/// Counts failures in a row and says how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// The first delay is about `base`, none is longer than `cap`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0 }
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure; returns a delay between half of the exponential step and all of it, `entropy` choosing where.
    pub fn fail(&mut self, entropy: u32) -> Duration {
        let doublings = self.failures.min(DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        let step = self.base.saturating_mul(1 << doublings).min(self.cap);
        let half = step / 2;
        half + half.mul_f64(f64::from(entropy) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_failing_on_doubles_to_the_cap() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let delays: Vec<_> = (0..6).map(|_| backoff.fail(u32::MAX).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.failures(), 6);
        backoff.reset();
        assert_eq!(backoff.fail(0), Duration::from_millis(50));
    }

    #[test]
    fn backoff_any_entropy_stays_within_half_and_all_of_the_step() {
        for entropy in [0, 1, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
            let delay = Backoff::new(Duration::from_secs(2), Duration::from_secs(60)).fail(entropy);
            assert!(delay >= Duration::from_secs(1) && delay <= Duration::from_secs(2));
        }
    }

    #[test]
    fn backoff_of_countless_failures_does_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(30), Duration::from_secs(60));
        backoff.failures = u32::MAX;
        assert!(backoff.fail(7) <= Duration::from_secs(60));
    }
}
