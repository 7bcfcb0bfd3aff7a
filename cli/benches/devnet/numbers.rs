//! Samples, summed up.

use serde::Serialize;

/// What many samples say.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Spread {
    pub(crate) samples: usize,
    pub(crate) median: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
}

impl Spread {
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self {
            samples: samples.len(),
            median: quantile(&samples, 50),
            p90: quantile(&samples, 90),
            p99: quantile(&samples, 99),
        }
    }
}

/// The smallest sample that at least this many of a hundred do not exceed.
fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// Microseconds from `from` to `to` in milliseconds, negative if `to` is the earlier.
pub(crate) fn ms_between(from: u64, to: u64) -> f64 {
    (to as f64 - from as f64) / 1000.0
}
