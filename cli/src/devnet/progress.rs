use std::{fmt, time::Instant};

/// Tells a person how far things are: one line a step, with the seconds since the start.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    started: Instant,
    shown: Shown,
}

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    StandardError,
    Nowhere,
}

impl Progress {
    /// Lines on standard error.
    pub fn shown() -> Self {
        Self { started: Instant::now(), shown: Shown::StandardError }
    }

    /// No lines.
    pub fn hidden() -> Self {
        Self { started: Instant::now(), shown: Shown::Nowhere }
    }

    /// Tells a step.
    pub fn step(&self, text: impl fmt::Display) {
        if self.shown == Shown::StandardError {
            eprintln!("{:>7.1}s  {text}", self.started.elapsed().as_secs_f64());
        }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
