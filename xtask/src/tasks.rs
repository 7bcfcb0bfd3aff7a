//! The tasks, in terms of the programs they run.

use std::process::ExitCode;
use std::time::Duration;

use eyre::{Result, bail};

use crate::args::Command;
use crate::contracts::{self, Derived, Effort};
use crate::repository::Repository;
use crate::sections::{self, OnFailure, Section};
use crate::shell::Program;
use crate::{docs, fuzz, layers, licences, setup, tidy};

/// How long a CI section may take; a hang is stopped then.
const TESTS_LIMIT: Duration = Duration::from_secs(45 * 60);
/// As above, for the demo.
const DEMO_LIMIT: Duration = Duration::from_secs(20 * 60);
/// Cases a property test tries in `test --long`.
const PROPERTY_CASES_LONG: &str = "4096";
/// The package with the kill campaign, and what selects it alone, with its log on the terminal.
const KILLS_PACKAGE: &str = "assay";
const KILLS: [&str; 5] =
    ["--test", "kills", "--ignore-default-filter", "--no-capture", "campaign_of_kills"];

/// Runs one task; the exit code is CI's, which reports its failures itself.
pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let repository = Repository::open()?;
    match command {
        Command::Ci { only, fail_fast } => return ci(&repository, &only, fail_fast),
        Command::Setup => setup::run(&repository),
        Command::Fmt { check: true } => format(&repository, Derived::Check),
        Command::Fmt { check: false } => format(&repository, Derived::Update),
        Command::Lint => lint(&repository),
        Command::Layers => layers::run(&repository),
        Command::Licences => licences::run(&repository),
        Command::Docs { fix: true } => docs::list_decisions(&repository),
        Command::Docs { fix: false } => docs::run(&repository),
        Command::Tidy => tidy::run(&repository),
        Command::Test { long, package, rest } => {
            let effort = if long { Effort::Long } else { Effort::Usual };
            test(&repository, effort, &package, &rest)
        }
        Command::Contracts { update } => {
            setup::ensure(&repository)?;
            let derived = if update { Derived::Update } else { Derived::Check };
            contracts::run(&repository, derived)
        }
        Command::Analyse { long } => {
            setup::ensure(&repository)?;
            contracts::analyse(&repository, if long { Effort::Long } else { Effort::Usual })
        }
        Command::Fuzz { seeds: true, .. } => fuzz::write_seeds(&repository),
        Command::Fuzz { targets, seconds, long, .. } => {
            let seconds = if long { fuzz::SECONDS_LONG } else { seconds };
            fuzz::run(&repository, &targets, seconds)
        }
        Command::Demo { rest } => demo(&repository, &rest, None),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn format(repository: &Repository, derived: Derived) -> Result<()> {
    let rust = repository.cargo()?.args(["fmt", "--all"]);
    match derived {
        Derived::Check => rust.arg("--check").run()?,
        Derived::Update => rust.run()?,
    }
    if contracts::present(repository) {
        setup::ensure(repository)?;
        contracts::format(repository, derived)?;
    }
    Ok(())
}

fn lint(repository: &Repository) -> Result<()> {
    repository
        .cargo()?
        .args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
        .run()
}

fn test(
    repository: &Repository,
    effort: Effort,
    packages: &[String],
    rest: &[String],
) -> Result<()> {
    setup::ensure(repository)?;
    rust_tests(repository, effort, packages, rest, None)?;
    if packages.is_empty() && rest.is_empty() && contracts::present(repository) {
        contracts::test(repository, effort)?;
    }
    Ok(())
}

/// Unit and integration tests by nextest where it is installed, else by cargo; then doc tests.
fn rust_tests(
    repository: &Repository,
    effort: Effort,
    packages: &[String],
    rest: &[String],
    limit: Option<Duration>,
) -> Result<()> {
    let selected = || -> Vec<&str> {
        match packages {
            [] => vec!["--workspace"],
            some => some.iter().flat_map(|package| ["--package", package.as_str()]).collect(),
        }
    };
    let prepare = |program: Program| {
        let program = match effort {
            Effort::Usual => program,
            Effort::Long => {
                program.env("ASSAY_TEST_LONG", "1").env("PROPTEST_CASES", PROPERTY_CASES_LONG)
            }
        };
        match limit {
            Some(limit) => program.limit(limit),
            None => program,
        }
    };
    if !has_nextest(repository) {
        println!("cargo-nextest is not installed; using cargo test");
        let program = repository.cargo()?.args(["test", "--locked", "--no-fail-fast"]);
        let program = program.args(selected());
        return prepare(if rest.is_empty() { program } else { program.arg("--").args(rest) }).run();
    }
    let nextest = || -> Result<Program> {
        Ok(repository.cargo()?.args(["nextest", "run", "--locked"]).args(selected()))
    };
    prepare(nextest()?.args(rest)).run()?;
    let kills = packages.is_empty() || packages.iter().any(|package| package == KILLS_PACKAGE);
    if matches!(effort, Effort::Long) && kills && rest.is_empty() {
        println!(
            "kill campaign: 100 jobs while operators are killed; a quarter of an hour or more, \
             its log is also in target/tmp/kills.log"
        );
        prepare(nextest()?.args(KILLS)).run()?;
    }
    if packages.is_empty() && rest.is_empty() {
        let program = repository.cargo()?.args(["test", "--doc", "--locked", "--workspace"]);
        prepare(program).run()?;
    }
    Ok(())
}

fn has_nextest(repository: &Repository) -> bool {
    repository
        .cargo()
        .and_then(|program| program.args(["nextest", "--version"]).output())
        .is_ok_and(|version| version.contains("nextest"))
}

fn demo(repository: &Repository, rest: &[String], limit: Option<Duration>) -> Result<()> {
    setup::ensure(repository)?;
    // With the features of the whole workspace, as the tests are built: nothing is compiled twice.
    repository.cargo()?.args(["build", "--locked", "--workspace", "--bin", "assay"]).run()?;
    let assay = repository.target()?.join("debug").join("assay");
    if !assay.exists() {
        bail!("cargo built no {}", assay.display());
    }
    let program = repository.program(&assay.to_string_lossy(), ".")?.arg("demo").args(rest);
    match limit {
        Some(limit) => program.limit(limit).run(),
        None => program.run(),
    }
}

fn ci(repository: &Repository, only: &[String], fail_fast: bool) -> Result<ExitCode> {
    let sections = vec![
        Section::new("setup", "cargo xtask setup", || setup::run(repository)),
        Section::new("fmt", "cargo xtask fmt --check", || format(repository, Derived::Check)),
        Section::new("layers", "cargo xtask layers", || layers::run(repository)),
        Section::new("licences", "cargo xtask licences", || licences::run(repository)),
        Section::new("docs", "cargo xtask docs", || docs::run(repository)),
        Section::new("tidy", "cargo xtask tidy", || tidy::run(repository)),
        Section::new("lint", "cargo xtask lint", || lint(repository)),
        Section::new("tests", "cargo xtask ci --only setup,tests", || {
            rust_tests(repository, Effort::Usual, &[], &[], Some(TESTS_LIMIT))
        }),
        Section::new("fuzz", "cargo xtask fuzz", || fuzz::run(repository, &[], fuzz::SECONDS)),
        Section::new("contracts", "cargo xtask contracts", || {
            contracts::run(repository, Derived::Check)
        }),
        Section::new("analyse", "cargo xtask analyse", || {
            setup::ensure(repository)?;
            contracts::analyse(repository, Effort::Usual)
        }),
        Section::new("demo", "cargo xtask demo", || demo(repository, &[], Some(DEMO_LIMIT))),
    ];
    let on_failure = if fail_fast { OnFailure::Stop } else { OnFailure::GoOn };
    Ok(match sections::run(sections::select(sections, only)?, on_failure) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
