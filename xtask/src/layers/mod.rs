//! The layer check: each crate imports only what its row in `xtask/layers.toml` allows.
//!
//! Three looks, each for what the others miss:
//! - the manifests, for arrows between our crates and for forbidden direct dependencies;
//! - `cargo tree`, for forbidden crates anywhere in what a crate links;
//! - the sources of the pure crates, for what the standard library would let through (clocks,
//!   files, sockets, entropy).

use eyre::{Result, bail};

use crate::repository::Repository;

mod check;
mod manifests;
mod source;
mod table;

pub(crate) use check::Violation;
use manifests::Manifests;
use table::Table;

/// The table's place.
const TABLE: &str = "xtask/layers.toml";

/// Checks the whole workspace; fails with one line a violation.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let table = Table::parse(&std::fs::read_to_string(repository.path(TABLE))?)?;
    let manifests = Manifests::read(repository)?;
    let mut violations = check::manifests(&table, &manifests);
    let mut trees = 0;
    let mut sources = 0;
    for (name, row) in &table.crates {
        if !row.tree.is_empty() {
            let linked = manifests::linked(repository, &row.package)?;
            violations.extend(check::tree(&table, name, row, &linked));
            trees += 1;
        }
        if row.source.is_empty() {
            continue;
        }
        let folder = format!("{}/src/", row.folder);
        for file in repository.files()?.iter().filter(|file| file.starts_with(&folder)) {
            if !file.ends_with(".rs") || source::is_test_file(file) {
                continue;
            }
            let text = repository.text(file)?.unwrap_or_default();
            violations.extend(check::source(&table, name, row, file, &text));
            sources += 1;
        }
    }
    report(&violations)?;
    println!(
        "{} crates keep to {TABLE} ({trees} dependency trees, {sources} source files read)",
        table.crates.len()
    );
    Ok(())
}

fn report(violations: &[Violation]) -> Result<()> {
    for violation in violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("1 import that {TABLE} forbids"),
        many => bail!("{many} imports that {TABLE} forbids"),
    }
}
