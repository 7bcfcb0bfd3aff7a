//! The licences of all crates in the lock file against `xtask/licences.toml`.

use std::collections::{BTreeMap, BTreeSet};

use eyre::{Context as _, Result, bail};
use serde::Deserialize;

use crate::repository::Repository;

/// The table's place.
const TABLE: &str = "xtask/licences.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    allowed: BTreeSet<String>,
    exceptions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// Checks every crate; fails with one line for each that nothing allows.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let table: Table = toml::from_str(&std::fs::read_to_string(repository.path(TABLE))?)
        .wrap_err_with(|| format!("{TABLE} is not valid"))?;
    let output = repository.cargo()?.args(["metadata", "--format-version", "1"]).output()?;
    let metadata: Metadata = serde_json::from_str(&output)?;
    let faults = check(&table, &metadata.packages);
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} licences that {TABLE} does not allow", faults.len());
    }
    println!("{} crates are under licences that {TABLE} allows", metadata.packages.len());
    Ok(())
}

fn check(table: &Table, packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in packages {
        let Package { name, version, license } = package;
        let allowed = license.as_deref().is_some_and(|licence| permits(licence, &table.allowed));
        if !allowed && !table.exceptions.contains_key(name) {
            let licence = license.as_deref().unwrap_or("no licence");
            faults.push(format!("{name} {version}: {licence}"));
        }
    }
    for name in table.exceptions.keys() {
        if !packages.iter().any(|package| package.name == *name) {
            faults.push(format!("{name}: an exception for a crate that is gone"));
        }
    }
    faults
}

/// Can `expression` be met by `allowed` licences alone? What isn't understood can't.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, at: 0, allowed };
    let result = reader.either();
    result && reader.at == words.len()
}

/// Reads an SPDX expression; `AND` binds tighter than `OR`.
struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    allowed: &'a BTreeSet<String>,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> bool {
        let mut result = self.both();
        while self.take("OR") {
            let right = self.both();
            result = result || right;
        }
        result
    }

    fn both(&mut self) -> bool {
        let mut result = self.single();
        while self.take("AND") {
            let right = self.single();
            result = result && right;
        }
        result
    }

    fn single(&mut self) -> bool {
        if self.take("(") {
            let result = self.either();
            return self.take(")") && result;
        }
        let Some(name) = self.words.get(self.at) else { return false };
        self.at += 1;
        if self.take("WITH") {
            let exception = self.words.get(self.at).copied().unwrap_or_default();
            self.at += 1;
            return self.allowed.contains(&format!("{name} WITH {exception}"));
        }
        self.allowed.contains(*name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> BTreeSet<String> {
        ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into()
    }

    #[test]
    fn permits_takes_one_side_of_or_and_both_of_and() {
        for expression in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "MIT AND (Apache-2.0 OR GPL-3.0)",
            "GPL-3.0 AND X OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(permits(expression, &allowed()), "{expression}");
        }
    }

    #[test]
    fn permits_refuses_the_rest_and_what_is_malformed() {
        for expression in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR Apache-2.0) AND GPL-3.0",
            "MIT WITH Other",
            "",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "OR MIT",
        ] {
            assert!(!permits(expression, &allowed()), "{expression}");
        }
    }

    #[test]
    fn check_names_crates_without_licence_and_idle_exceptions() {
        let exceptions = [("kept", "x"), ("gone", "x")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let table = Table { allowed: allowed(), exceptions: exceptions.into() };
        let package = |name: &str, license: Option<&str>| Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
        };
        let packages =
            [package("kept", Some("GPL-3.0")), package("none", None), package("ok", Some("MIT"))];
        assert_eq!(
            check(&table, &packages),
            ["none 1.0.0: no licence", "gone: an exception for a crate that is gone"]
        );
    }
}
