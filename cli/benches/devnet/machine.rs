//! What the numbers were measured on.

use std::{
    fmt,
    fs::File,
    io::Write as _,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use eyre::{Context as _, Result, eyre};
use serde::Serialize;

use crate::numbers::Spread;

/// Writes that are timed to tell how fast the disk is.
const WRITES: usize = 64;

/// This machine, before anything is measured.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    load_average: f64,
    sync_ms: Spread,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let mut file = tempfile::tempfile()?;
        let mut times = Vec::new();
        for _ in 0..WRITES {
            file.write_all(&[1; 512])?;
            times.push(timed(|| File::sync_data(&file))?);
        }
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            load_average: load_average()?,
            sync_ms: Spread::of(times),
        })
    }
}

fn timed(work: impl FnOnce() -> std::io::Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cores, load average {:.1} before, a synced write {:.2} ms (p99 {:.2})",
            self.cores, self.load_average, self.sync_ms.median, self.sync_ms.p99
        )
    }
}

/// Processes that wanted to run over the last minute.
pub(crate) fn load_average() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").wrap_err("/proc/loadavg")?;
    let first = text.split_whitespace().next().ok_or_else(|| eyre!("/proc/loadavg is empty"))?;
    Ok(first.parse()?)
}

/// Unix time in microseconds: the clock of all nodes' logs.
pub(crate) fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}
