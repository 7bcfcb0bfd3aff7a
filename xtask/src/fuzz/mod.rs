//! Fuzzing: builds the targets once, coverage-guided, and runs each for a while.
//!
//! Only the crates of this workspace are instrumented: `fuzz/instrument.sh` stands before the
//! compiler for them, so that all others are those of every other build. Stable Rust serves.

mod outcome;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use eyre::{Context as _, Result, bail};

use self::outcome::Outcome;
use crate::repository::Repository;

/// Targets that run at a time.
const PARALLEL: usize = 2;
/// The longest that one input may take, in seconds.
const INPUT_SECONDS_MAX: u64 = 20;
/// The most memory of the process, in MiB.
const MEMORY_MIB_MAX: u64 = 2048;
/// Seconds of a usual run, and of a long one.
pub(crate) const SECONDS: u64 = 10;
pub(crate) const SECONDS_LONG: u64 = 300;

/// A target as the binary lists it.
#[derive(Clone, Debug)]
struct Target {
    name: String,
    input_bytes_max: usize,
}

/// Writes the seeds that the targets make.
pub(crate) fn write_seeds(repository: &Repository) -> Result<()> {
    let binary = build(repository)?;
    repository.program(&binary.to_string_lossy(), ".")?.env("ASSAY_FUZZ_TARGET", "seeds").run()
}

/// Builds, runs the named targets (all when none is named) for `seconds` each, and prints a table.
pub(crate) fn run(repository: &Repository, names: &[String], seconds: u64) -> Result<()> {
    let binary = build(repository)?;
    let targets = select(list(&binary)?, names)?;
    let work = repository.target()?.join("fuzz");
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let count = targets.len();
    println!("{count} targets, {seconds} s each, {PARALLEL} at a time; logs in {}", work.display());
    let failures: Vec<String> = thread::scope(|scope| {
        let worker = || -> Result<Vec<String>> {
            let mut failures = Vec::new();
            while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                let run =
                    Run { repository, binary: &binary, target, folder: work.join(&target.name) };
                let outcome = run.for_seconds(seconds)?;
                println!("  {outcome}");
                failures.extend(outcome.failure(&target.name));
                if let Ok(mut outcomes) = outcomes.lock() {
                    outcomes.push(outcome);
                }
            }
            Ok(failures)
        };
        let workers: Vec<_> = (0..PARALLEL).map(|_| scope.spawn(worker)).collect();
        let ended = workers.into_iter().map(|worker| match worker.join() {
            Ok(result) => result,
            Err(_) => bail!("a worker panicked"),
        });
        ended.collect::<Result<Vec<_>>>().map(|failures| failures.concat())
    })?;
    let mut outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.sort_by_key(|outcome| targets.iter().position(|it| it.name == outcome.target));
    outcome::print_table(&outcomes);
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}

fn build(repository: &Repository) -> Result<PathBuf> {
    repository
        .cargo()?
        .env("RUSTC_WORKSPACE_WRAPPER", repository.path("fuzz/instrument.sh"))
        // A compiler cache that a machine has set up takes no second wrapper.
        .args(["--config", "build.rustc-wrapper=\"\""])
        .args(["build", "--locked", "--workspace", "--bin", "assay-fuzz"])
        .args(["--features", "assay-fuzz/libfuzzer"])
        .run()?;
    Ok(repository.target()?.join("debug").join("assay-fuzz"))
}

fn list(binary: &Path) -> Result<Vec<Target>> {
    let listed = Command::new(binary)
        .env("ASSAY_FUZZ_TARGET", "list")
        .output()
        .wrap_err_with(|| format!("could not start {}", binary.display()))?;
    let text = String::from_utf8(listed.stdout)?;
    let targets: Option<Vec<Target>> = text
        .lines()
        .map(|line| {
            let (name, length) = line.split_once(' ')?;
            Some(Target { name: name.to_owned(), input_bytes_max: length.parse().ok()? })
        })
        .collect();
    targets.filter(|targets| !targets.is_empty()).ok_or_else(|| eyre::eyre!("no list: {text:?}"))
}

fn select(targets: Vec<Target>, names: &[String]) -> Result<Vec<Target>> {
    let known = |name: &String| targets.iter().any(|target| target.name == *name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        bail!("no target `{unknown}`; there are {}", all.join(", "));
    }
    let wanted = |target: &Target| names.is_empty() || names.contains(&target.name);
    Ok(targets.into_iter().filter(wanted).collect())
}

/// One target's run.
struct Run<'a> {
    repository: &'a Repository,
    binary: &'a Path,
    target: &'a Target,
    /// Where its corpus grows and what fails is kept.
    folder: PathBuf,
}

impl Run<'_> {
    fn for_seconds(&self, seconds: u64) -> Result<Outcome> {
        let (corpus, failing) = (self.folder.join("corpus"), self.folder.join("failing"));
        for folder in [&corpus, &failing] {
            fs::create_dir_all(folder)?;
        }
        let log = self.folder.join("log");
        let status = Command::new(self.binary)
            .env("ASSAY_FUZZ_TARGET", &self.target.name)
            .env("RUST_BACKTRACE", "0")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={}", self.target.input_bytes_max))
            .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
            .arg(format!("-artifact_prefix={}/", failing.display()))
            .args(["-print_final_stats=1", "-reload=0"])
            .arg(&corpus)
            .args(self.committed())
            .stdout(File::create(self.folder.join("out"))?)
            .stderr(File::create(&log)?)
            .status()
            .wrap_err_with(|| format!("could not start {}", self.binary.display()))?;
        Ok(Outcome::read(&self.target.name, &fs::read(&log)?, status.success()))
    }

    /// Seeds, and what once failed.
    fn committed(&self) -> impl Iterator<Item = PathBuf> + '_ {
        ["corpus", "regressions"]
            .into_iter()
            .map(|kind| self.repository.path("fuzz").join(kind).join(&self.target.name))
            .filter(|folder| folder.is_dir())
    }
}
