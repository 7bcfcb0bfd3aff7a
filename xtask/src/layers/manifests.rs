//! What the crates' manifests say, read from cargo.

use std::collections::{BTreeMap, BTreeSet};

use eyre::{Context as _, Result};
use serde::Deserialize;

use crate::repository::Repository;

/// The workspace's crates by package name.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// Each crate's dependencies.
    pub(crate) crates: BTreeMap<String, Vec<Dependency>>,
}

/// One line of a manifest's dependencies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Dependency {
    /// The package's own name, whatever it is renamed to.
    pub(crate) package: String,
    /// What it is for.
    pub(crate) kind: Kind,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Linked into the crate, or run to build it.
    Normal,
    /// Only in tests, examples and benches.
    Tests,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    kind: Option<String>,
}

impl Manifests {
    /// Asks cargo.
    pub(crate) fn read(repository: &Repository) -> Result<Self> {
        let output = repository
            .cargo()?
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()?;
        Self::parse(&output)
    }

    /// From the output of `cargo metadata --no-deps`.
    pub(crate) fn parse(metadata: &str) -> Result<Self> {
        let metadata: Metadata =
            serde_json::from_str(metadata).wrap_err("cargo metadata is not understood")?;
        let crates = metadata
            .packages
            .into_iter()
            .map(|package| {
                let lines = package.dependencies.into_iter().map(Dependency::from).collect();
                (package.name, lines)
            })
            .collect();
        Ok(Self { crates })
    }
}

impl From<Line> for Dependency {
    fn from(line: Line) -> Self {
        let kind = match line.kind.as_deref() {
            Some("dev") => Kind::Tests,
            _ => Kind::Normal,
        };
        Self { package: line.name, kind }
    }
}

/// Names of all crates that `package` links, itself not among them.
pub(crate) fn linked(repository: &Repository, package: &str) -> Result<BTreeSet<String>> {
    let tree = repository
        .cargo()?
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}"])
        .output()?;
    Ok(parse_tree(&tree, package))
}

fn parse_tree(tree: &str, package: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_tells_kinds_apart_and_uses_package_names() {
        let manifests = Manifests::parse(
            r#"{"packages": [{"name": "a", "version": "1.0.0", "dependencies": [
                {"name": "b", "kind": null, "rename": "c"},
                {"name": "d", "kind": "dev"},
                {"name": "e", "kind": "build"}]}]}"#,
        )
        .unwrap();
        let kinds: Vec<(&str, Kind)> =
            manifests.crates["a"].iter().map(|line| (line.package.as_str(), line.kind)).collect();
        assert_eq!(kinds, [("b", Kind::Normal), ("d", Kind::Tests), ("e", Kind::Normal)]);
    }

    #[test]
    fn parse_tree_takes_names_once() {
        let tree = "a v0.1.0 (/somewhere)\nb v1.0.0\nc v2.1.0 (proc-macro)\nb v1.0.0 (*)\n\n";
        let names: Vec<String> = parse_tree(tree, "a").into_iter().collect();
        assert_eq!(names, ["b", "c"]);
    }
}
