//! The contracts: build, test, gas snapshots, and the ABIs that the Rust bindings are made from.

use eyre::{Result, bail};

use crate::repository::Repository;
use crate::shell::Program;

/// The profile of `contracts/foundry.toml` for `test --long`.
const PROFILE_LONG: (&str, &str) = ("FOUNDRY_PROFILE", "long");

/// Tells forge to compare gas with the committed snapshots.
const SNAPSHOT_CHECK: &str = "FORGE_SNAPSHOT_CHECK";
/// Tells forge whether to write snapshots.
const SNAPSHOT_WRITE: &str = "FORGE_SNAPSHOT_EMIT";

/// How much testing is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effort {
    /// What every change goes through.
    Usual,
    /// More runs of everything random.
    Long,
}

/// What to do with files that are made from the contracts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Derived {
    /// Fail when they are out of date.
    Check,
    /// Write them anew.
    Update,
}

/// Are there contracts in this checkout?
pub(crate) fn present(repository: &Repository) -> bool {
    repository.path("contracts/foundry.toml").exists()
}

/// Builds, tests, and checks or writes what is derived from the contracts.
pub(crate) fn run(repository: &Repository, derived: Derived) -> Result<()> {
    if !present(repository) {
        bail!("contracts/foundry.toml is missing");
    }
    forge(repository, &["build"])?.run()?;
    // A stale ABI says nothing about the tests: run both before reporting either.
    let abis = abis(repository, derived);
    gas(repository, derived)?;
    abis
}

/// Formats the contracts, or checks that they are formatted.
pub(crate) fn format(repository: &Repository, derived: Derived) -> Result<()> {
    match derived {
        Derived::Check => forge(repository, &["fmt", "--check"])?.run(),
        Derived::Update => forge(repository, &["fmt"])?.run(),
    }
}

/// Runs the contracts' tests; gas snapshots are left as they are.
pub(crate) fn test(repository: &Repository, effort: Effort) -> Result<()> {
    let program = forge(repository, &["test"])?.env(SNAPSHOT_WRITE, "false");
    match effort {
        Effort::Usual => program.run(),
        Effort::Long => program.env(PROFILE_LONG.0, PROFILE_LONG.1).run(),
    }
}

/// Static analysis against the committed answers; with `Long` the symbolic checks too.
pub(crate) fn analyse(repository: &Repository, effort: Effort) -> Result<()> {
    repository.program("node", "contracts")?.arg("tools/slither.js").run()?;
    match effort {
        Effort::Usual => Ok(()),
        Effort::Long => repository.program("node", "contracts")?.arg("tools/halmos.js").run(),
    }
}

/// The ABIs in `contracts/abi` against the ones just built.
fn abis(repository: &Repository, derived: Derived) -> Result<()> {
    let script = "tools/export-abi.js";
    if !repository.path("contracts").join(script).exists() {
        bail!("contracts/{script} is missing: the committed ABIs can't be checked");
    }
    let program = repository.program("node", "contracts")?.arg(script);
    match derived {
        Derived::Check => program.arg("--check").run(),
        Derived::Update => program.run(),
    }
}

/// The contracts' tests, which measure gas as they go, against the committed snapshots.
fn gas(repository: &Repository, derived: Derived) -> Result<()> {
    let program = forge(repository, &["test"])?;
    match derived {
        Derived::Update => program.run(),
        Derived::Check if repository.path("contracts/snapshots").is_dir() => {
            program.env(SNAPSHOT_CHECK, "true").env(SNAPSHOT_WRITE, "false").run()
        }
        Derived::Check => {
            bail!("contracts/snapshots is missing; write it with `cargo xtask contracts --update`")
        }
    }
}

/// forge with the pinned compiler, in the contracts' folder.
fn forge(repository: &Repository, arguments: &[&str]) -> Result<Program> {
    Ok(repository.program("node", "contracts")?.arg("tools/forge.js").args(arguments))
}
