//! Installs and checks the pinned tools; safe to repeat.
//!
//! Every tool comes from npm, by a committed lock file, with install scripts off:
//!
//! | packages | installed into | gives |
//! |---|---|---|
//! | `xtask/tools` | `.tools` | anvil, cast |
//! | `contracts` | in place | forge, solc, OpenZeppelin |
//! | `circuits/demo`, where it exists | in place | snarkjs, circom |
//!
//! `.tools/bin` links to the executables; tasks put it first on `PATH`.

use std::fs;
use std::path::{Path, PathBuf};

use eyre::{Context as _, ContextCompat as _, Result, bail};

use crate::repository::Repository;

/// The oldest node whose features the tools need.
const NODE_MAJOR_MIN: u64 = 20;
/// What was installed last, beside `node_modules`: a copy of its lock file.
const STAMP: &str = "node_modules/.installed-lock.json";

/// A set of npm packages under one lock file.
struct Packages {
    /// Where the committed `package.json` and lock are.
    source: &'static str,
    /// Where they get installed.
    target: &'static str,
    /// An absent folder is no error.
    optional: Presence,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Presence {
    Required,
    IfThere,
}

const PACKAGES: [Packages; 3] = [
    Packages { source: "xtask/tools", target: ".tools", optional: Presence::Required },
    Packages { source: "contracts", target: "contracts", optional: Presence::IfThere },
    Packages { source: "circuits/demo", target: "circuits/demo", optional: Presence::IfThere },
];

/// An executable to link into `.tools/bin`, and the version it must answer with.
struct Executable {
    name: &'static str,
    /// Relative to the top folder; `{platform}` is filled in.
    path: &'static str,
    /// The `package.json`, and the package in it, that pins the version.
    pinned_by: (&'static str, &'static str),
    /// How it is asked for its version; `None` when it has no such option.
    ask: Option<&'static str>,
    presence: Presence,
}

const EXECUTABLES: [Executable; 6] = [
    Executable {
        name: "anvil",
        path: ".tools/node_modules/@foundry-rs/anvil-{platform}/bin/anvil",
        pinned_by: ("xtask/tools", "@foundry-rs/anvil-{platform}"),
        ask: Some("--version"),
        presence: Presence::Required,
    },
    Executable {
        name: "cast",
        path: ".tools/node_modules/@foundry-rs/cast-{platform}/bin/cast",
        pinned_by: ("xtask/tools", "@foundry-rs/cast-{platform}"),
        ask: Some("--version"),
        presence: Presence::Required,
    },
    Executable {
        name: "forge",
        path: "contracts/node_modules/@foundry-rs/forge-{platform}/bin/forge",
        pinned_by: ("contracts", "@foundry-rs/forge"),
        ask: Some("--version"),
        presence: Presence::IfThere,
    },
    Executable {
        name: "solc",
        path: "contracts/tools/solc",
        pinned_by: ("contracts", "solc"),
        ask: Some("--version"),
        presence: Presence::IfThere,
    },
    Executable {
        name: "snarkjs",
        path: "circuits/demo/node_modules/.bin/snarkjs",
        pinned_by: ("circuits/demo", "snarkjs"),
        ask: None,
        presence: Presence::IfThere,
    },
    Executable {
        name: "circom2",
        path: "circuits/demo/node_modules/.bin/circom2",
        pinned_by: ("circuits/demo", "circom2"),
        ask: None,
        presence: Presence::IfThere,
    },
];

/// Installs what is missing or out of date, then checks every version.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    check_node(repository)?;
    for packages in &PACKAGES {
        install(repository, packages)?;
    }
    let platform = platform(std::env::consts::OS, std::env::consts::ARCH)?;
    let folder = repository.tools();
    fs::create_dir_all(&folder)?;
    for executable in &EXECUTABLES {
        link_and_check(repository, executable, platform)?;
    }
    println!("tools are ready; they are in .tools/bin, which every task puts first on PATH");
    Ok(())
}

/// Runs [`run`] only when a lock file isn't the one that was installed.
pub(crate) fn ensure(repository: &Repository) -> Result<()> {
    let stale = PACKAGES.iter().any(|packages| {
        let wanted = fs::read(repository.path(packages.source).join("package-lock.json"));
        let installed = fs::read(repository.path(packages.target).join(STAMP));
        wanted.is_ok_and(|wanted| installed.map_or(true, |installed| installed != wanted))
    });
    if stale || !repository.tools().join("anvil").exists() {
        println!("tools are missing or out of date; running setup");
        run(repository)?;
    }
    Ok(())
}

fn check_node(repository: &Repository) -> Result<()> {
    let advice = format!("install Node.js {NODE_MAJOR_MIN} or later, which comes with npm");
    let version = repository
        .program("node", ".")?
        .arg("--version")
        .output()
        .wrap_err_with(|| advice.clone())?;
    let version = version.trim();
    let major = node_major(version).wrap_err_with(|| format!("node says `{version}`"))?;
    if major < NODE_MAJOR_MIN {
        bail!("node is {version}; {advice}");
    }
    let npm = repository.program("npm", ".")?.arg("--version").output().wrap_err(advice)?;
    println!("node {version}, npm {}", npm.trim());
    Ok(())
}

fn node_major(version: &str) -> Option<u64> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn install(repository: &Repository, packages: &Packages) -> Result<()> {
    let Packages { source, target, optional } = packages;
    let from = repository.path(source);
    let to = repository.path(target);
    if !from.join("package.json").exists() {
        if *optional == Presence::IfThere {
            println!("{source}: no package.json, nothing to install");
            return Ok(());
        }
        bail!("{source}/package.json is missing");
    }
    let lock = fs::read(from.join("package-lock.json"))
        .wrap_err_with(|| format!("{source}/package-lock.json must be committed"))?;
    if fs::read(to.join(STAMP)).is_ok_and(|installed| installed == lock) {
        println!("{source}: up to date");
        return Ok(());
    }
    fs::create_dir_all(&to)?;
    if from != to {
        for file in ["package.json", "package-lock.json", ".npmrc"] {
            fs::copy(from.join(file), to.join(file))
                .wrap_err_with(|| format!("copying {source}/{file} to {target}"))?;
        }
    }
    println!("{source}: installing into {target}");
    repository
        .program("npm", target)?
        .args(["ci", "--ignore-scripts", "--no-fund", "--no-audit"])
        .run()
        .wrap_err_with(|| format!("installing {source}; the npm registry must be reachable"))?;
    fs::write(to.join(STAMP), lock)?;
    Ok(())
}

fn link_and_check(repository: &Repository, tool: &Executable, platform: &str) -> Result<()> {
    let below = tool.path.replace("{platform}", platform);
    let target = repository.path(&below);
    let link = repository.tools().join(tool.name);
    if !target.exists() {
        remove_link(&link)?;
        if tool.presence == Presence::IfThere {
            println!("{:<8} not part of this checkout", tool.name);
            return Ok(());
        }
        bail!("{below} is missing though its package was installed; delete .tools and repeat");
    }
    remove_link(&link)?;
    make_link(&target, &link)?;
    let (source, package) = tool.pinned_by;
    let package = package.replace("{platform}", platform);
    let pinned = pinned_version(repository, source, &package)?;
    let Some(ask) = tool.ask else {
        println!("{:<8} {pinned}", tool.name);
        return Ok(());
    };
    let said = repository.program(tool.name, ".")?.arg(ask).output()?;
    let answer = said.lines().find(|line| line.contains("ersion")).unwrap_or_default();
    if !answer.contains(&pinned) {
        bail!("{} must be {pinned} but says `{answer}`; delete .tools and repeat", tool.name);
    }
    println!("{:<8} {pinned}", tool.name);
    Ok(())
}

/// The exact version that `source/package.json` pins.
fn pinned_version(repository: &Repository, source: &str, package: &str) -> Result<String> {
    let path = repository.path(source).join("package.json");
    let manifest: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
    let version = ["dependencies", "devDependencies", "optionalDependencies"]
        .iter()
        .find_map(|kind| manifest.get(kind)?.get(package)?.as_str())
        .wrap_err_with(|| format!("{source}/package.json does not name {package}"))?;
    if !version.starts_with(|first: char| first.is_ascii_digit()) {
        bail!("{source}/package.json must pin {package} exactly, not `{version}`");
    }
    Ok(version.to_owned())
}

/// The npm packages' word for this platform.
fn platform(system: &str, machine: &str) -> Result<&'static str> {
    Ok(match (system, machine) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-amd64",
        ("macos", "aarch64") => "darwin-arm64",
        _ => bail!("no pinned tools for {system} on {machine}; use Linux or macOS"),
    })
}

fn remove_link(link: &Path) -> Result<()> {
    if link.symlink_metadata().is_ok() {
        fs::remove_file(link)?;
    }
    Ok(())
}

#[cfg(unix)]
fn make_link(target: &PathBuf, link: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(target, link)?)
}

#[cfg(not(unix))]
fn make_link(_target: &PathBuf, _link: &Path) -> Result<()> {
    bail!("the tools need Linux or macOS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_major_reads_the_first_number() {
        assert_eq!(node_major("v20.20.2"), Some(20));
        assert_eq!(node_major("20.1"), None);
        assert_eq!(node_major("vx.1"), None);
    }

    #[test]
    fn platform_refuses_what_has_no_package() {
        assert_eq!(platform("linux", "x86_64").unwrap(), "linux-amd64");
        assert_eq!(platform("macos", "aarch64").unwrap(), "darwin-arm64");
        let error = platform("windows", "x86_64").unwrap_err();
        assert_eq!(error.to_string(), "no pinned tools for windows on x86_64; use Linux or macOS");
    }

    #[test]
    fn pinned_version_of_our_chain_is_exact() {
        let repository = Repository::open().unwrap();
        let version =
            pinned_version(&repository, "xtask/tools", "@foundry-rs/anvil-linux-amd64").unwrap();
        assert_eq!(version, "1.7.1");
    }
}
