//! The campaign's log: on standard error as it goes, and in a file.

use std::{fmt::Display, fs::File, io::Write as _, path::Path, time::Instant};

use eyre::{Context as _, Result};

/// Lines with the seconds since the start.
pub(crate) struct Log {
    file: File,
    started: Instant,
}

impl Log {
    /// A new log; an earlier one in the file is replaced.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).wrap_err_with(|| format!("{}", path.display()))?;
        Ok(Self { file, started: Instant::now() })
    }

    /// One line with its time.
    pub(crate) fn step(&mut self, text: impl Display) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.line(format_args!("{seconds:>7.1}s  {text}"));
    }

    /// One line.
    pub(crate) fn line(&mut self, text: impl Display) {
        eprintln!("{text}");
        writeln!(self.file, "{text}").expect("the log can be written");
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
