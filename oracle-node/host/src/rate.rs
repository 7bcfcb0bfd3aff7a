//! Token buckets.

use tokio::time::Instant;

/// How fast something may come, and how much of it at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: u64,
    pub(crate) burst: u64,
}

/// Parts of a token that are counted.
const PARTS: u64 = 1_000_000;

/// What is left of a rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    parts: u64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, parts: rate.burst.saturating_mul(PARTS), at: now }
    }

    /// Takes `cost` tokens; false, and none are taken, if there are fewer.
    pub(crate) fn take(&mut self, cost: u64, now: Instant) -> bool {
        let nanos = now.saturating_duration_since(self.at).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        let gained = nanos.saturating_mul(self.rate.per_second) / (1_000_000_000 / PARTS);
        let full = self.rate.burst.saturating_mul(PARTS);
        self.parts = self.parts.saturating_add(gained).min(full);
        self.at = self.at.max(now);
        match self.parts.checked_sub(cost.saturating_mul(PARTS)) {
            Some(left) => {
                self.parts = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn bucket_gives_its_burst_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_second: 10, burst: 3 }, start);
        let taken = |bucket: &mut Bucket, at: u64| {
            let now = start + Duration::from_millis(at);
            (0..100).filter(|_| bucket.take(1, now)).count()
        };
        assert_eq!(taken(&mut bucket, 0), 3);
        assert_eq!(taken(&mut bucket, 99), 0);
        assert_eq!(taken(&mut bucket, 100), 1);
        assert_eq!(taken(&mut bucket, 350), 2);
        assert_eq!(taken(&mut bucket, 60_000), 3);
    }

    #[test]
    fn refused_cost_takes_nothing_and_time_never_runs_back() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut bucket = Bucket::new(Rate { per_second: 1, burst: 5 }, start);
        assert!(!bucket.take(6, start));
        assert!(bucket.take(5, start));
        assert!(!bucket.take(1, start - Duration::from_secs(5)));
        assert!(!bucket.take(1, start + Duration::from_millis(999)));
        assert!(bucket.take(1, start + Duration::from_secs(1)));
    }
}
