//! What was checked, what was found, and what to do.

use std::{fmt, process::ExitCode};

use eyre::Result;
use serde::Serialize;

/// How a check went; the greater, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// As it should be.
    Ok,
    /// It could not be looked at, for a reason that another check names.
    Skipped,
    /// It works, and may soon not.
    Warning,
    /// The node does not work like this.
    Failed,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub(super) check: String,
    pub(super) result: Outcome,
    /// What was measured.
    pub(super) found: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// All checks so far.
#[derive(Debug, Default)]
pub(super) struct Report(pub(super) Vec<Check>);

impl Report {
    fn add(&mut self, check: &str, result: Outcome, found: impl fmt::Display, next: Option<&str>) {
        self.0.push(Check {
            check: check.to_owned(),
            result,
            found: found.to_string(),
            next: next.map(str::to_owned),
        });
    }

    pub(super) fn ok(&mut self, check: &str, found: impl fmt::Display) {
        self.add(check, Outcome::Ok, found, None);
    }

    pub(super) fn skipped(&mut self, check: &str, found: impl fmt::Display) {
        self.add(check, Outcome::Skipped, found, None);
    }

    pub(super) fn warning(&mut self, check: &str, found: impl fmt::Display, next: &str) {
        self.add(check, Outcome::Warning, found, Some(next));
    }

    pub(super) fn failed(&mut self, check: &str, found: impl fmt::Display, next: &str) {
        self.add(check, Outcome::Failed, found, Some(next));
    }

    /// [`Report::ok`], or [`Report::warning`] if `next` says what to do.
    pub(super) fn warn_if(&mut self, check: &str, found: impl fmt::Display, next: Option<&str>) {
        match next {
            None => self.ok(check, found),
            Some(next) => self.warning(check, found, next),
        }
    }

    /// Gives the value, or adds a check that failed.
    pub(super) fn need<T>(&mut self, check: &str, result: Result<T>, next: &str) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed(check, format_args!("{error:#}"), next);
                None
            }
        }
    }

    /// 0 when all is well, 1 with warnings, 2 with failures.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.0.iter().map(|check| check.result).max() {
            None | Some(Outcome::Ok | Outcome::Skipped) => ExitCode::SUCCESS,
            Some(Outcome::Warning) => ExitCode::from(1),
            Some(Outcome::Failed) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.0 {
            let word = match check.result {
                Outcome::Ok => "ok",
                Outcome::Skipped => "skipped",
                Outcome::Warning => "WARNING",
                Outcome::Failed => "FAILED",
            };
            writeln!(f, "{word:<8} {:<30} {}", check.check, check.found)?;
            if let Some(next) = &check.next {
                writeln!(f, "{:<8} {:<30} → {next}", "", "")?;
            }
        }
        let count = |result| self.0.iter().filter(|check| check.result == result).count();
        let (failed, warned) = (count(Outcome::Failed), count(Outcome::Warning));
        writeln!(f, "{} checks, {failed} failed, {warned} warnings", self.0.len())
    }
}
