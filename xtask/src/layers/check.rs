//! The table held against what the crates do.

use std::collections::BTreeSet;
use std::fmt;

use super::manifests::{Kind, Manifests};
use super::source;
use super::table::{Row, Table};

/// One import that the table forbids.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Violation {
    /// The crate, by its short name, with a place in it when there is one.
    pub(crate) importer: String,
    /// What it imports.
    pub(crate) import: String,
    /// The rule it breaks.
    pub(crate) rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: must not use {}: {}", self.importer, self.import, self.rule)
    }
}

impl Violation {
    fn new(importer: &str, import: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { importer: importer.to_owned(), import: import.into(), rule: rule.into() }
    }
}

/// Rows without a crate, crates without a row, forbidden arrows and forbidden direct dependencies.
pub(crate) fn manifests(table: &Table, manifests: &Manifests) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in manifests.crates.keys() {
        if !table.crates.values().any(|row| row.package == *package) {
            let rule = "every crate of the workspace has a row in xtask/layers.toml";
            found.push(Violation::new(package, "the workspace without a row", rule));
        }
    }
    for (name, row) in &table.crates {
        match manifests.crates.get(&row.package) {
            None => {
                let rule = "every row of xtask/layers.toml names a crate of the workspace";
                found.push(Violation::new(name, format!("the name {}", row.package), rule));
            }
            Some(lines) => {
                for line in lines {
                    found.extend(dependency(table, name, row, &line.package, line.kind));
                }
            }
        }
    }
    found
}

fn dependency(
    table: &Table,
    name: &str,
    row: &Row,
    package: &str,
    kind: Kind,
) -> Option<Violation> {
    let ours = table.crates.iter().find(|(_, other)| other.package == package);
    if let Some((used, _)) = ours {
        let allowed = row.uses.contains(used)
            || (kind == Kind::Tests && (row.tests_use.contains(used) || used == name));
        if allowed {
            return None;
        }
        let rule = match (kind, row.uses.is_empty()) {
            (Kind::Normal, true) => "it may use no crate of the workspace".to_owned(),
            (Kind::Normal, false) => format!("it may use only {}", row.uses.join(", ")),
            (Kind::Tests, _) => {
                let all: Vec<&str> =
                    row.uses.iter().chain(&row.tests_use).map(String::as_str).collect();
                format!("its tests may use only [{}]", all.join(", "))
            }
        };
        return Some(Violation::new(name, used, rule));
    }
    if kind == Kind::Tests {
        return None;
    }
    let (family, group) = table.family(&row.direct, package)?;
    Some(Violation::new(name, package, format!("{family}: {}", group.why)))
}

/// Forbidden crates among all that a crate links.
pub(crate) fn tree(
    table: &Table,
    name: &str,
    row: &Row,
    linked: &BTreeSet<String>,
) -> Vec<Violation> {
    let idle = row.tolerated.keys().filter(|package| !linked.contains(*package)).map(|package| {
        let rule = "it is tolerated but not linked any more: take it off the table";
        Violation::new(name, package, rule)
    });
    linked
        .iter()
        .filter(|package| !row.tolerated.contains_key(*package))
        .filter_map(|package| {
            let (family, group) = table.family(&row.tree, package)?;
            let rule = format!("{family}: {} (linked, perhaps by way of others)", group.why);
            Some(Violation::new(name, package, rule))
        })
        .chain(idle)
        .collect()
}

/// Forbidden words in one source file.
pub(crate) fn source(
    table: &Table,
    name: &str,
    row: &Row,
    file: &str,
    text: &str,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for named in source::names(text) {
        let rule = row.source.iter().find_map(|group| {
            let words = table.sources.get(group)?;
            let by_path = words.paths.iter().any(|path| named.is_below(path));
            let by_word = words.words.iter().any(|word| named.contains(word));
            (by_path || by_word).then(|| format!("{group}: {}", words.why))
        });
        if let Some(rule) = rule {
            let place = format!("{name} ({file}:{})", named.line);
            found.push(Violation::new(&place, named.path(), rule));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
        [families.runtime]
        crates = ["tokio", "libp2p*"]
        why = "no runtime here"

        [sources.clock]
        paths = ["std::time::Instant"]
        words = ["SystemTime"]
        why = "time is an input"

        [crates.core]
        package = "x-core"
        folder = "core"
        uses = []
        tests_use = ["kit"]
        direct = ["runtime"]
        tree = ["runtime"]
        source = ["clock"]

        [crates.kit]
        package = "x-kit"
        folder = "kit"
        uses = ["core"]
    "#;

    fn manifest(core: &str, kit: &str) -> Manifests {
        Manifests::parse(&format!(
            r#"{{"packages": [{{"name": "x-core", "dependencies": [{core}]}},
                              {{"name": "x-kit", "dependencies": [{kit}]}}]}}"#
        ))
        .unwrap()
    }

    fn lines(violations: &[Violation]) -> Vec<String> {
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn manifests_within_the_table_pass() {
        let table = Table::parse(TABLE).unwrap();
        let read = manifest(
            r#"{"name": "serde", "kind": null}, {"name": "x-kit", "kind": "dev"},
               {"name": "tokio", "kind": "dev"}"#,
            r#"{"name": "x-core", "kind": null}, {"name": "tokio", "kind": null}"#,
        );
        assert_eq!(manifests(&table, &read), []);
    }

    #[test]
    fn manifests_with_an_arrow_upward_fail() {
        let table = Table::parse(TABLE).unwrap();
        let read = manifest(r#"{"name": "x-kit", "kind": null}"#, "");
        assert_eq!(
            lines(&manifests(&table, &read)),
            ["core: must not use kit: it may use no crate of the workspace"]
        );
    }

    #[test]
    fn manifests_with_an_undeclared_test_arrow_fail() {
        let text = TABLE.replace(r#"tests_use = ["kit"]"#, "");
        let table = Table::parse(&text).unwrap();
        let read = manifest(r#"{"name": "x-kit", "kind": "dev"}"#, "");
        assert_eq!(
            lines(&manifests(&table, &read)),
            ["core: must not use kit: its tests may use only []"]
        );
    }

    #[test]
    fn manifests_with_a_forbidden_family_fail_by_name_and_by_prefix() {
        let table = Table::parse(TABLE).unwrap();
        let read = manifest(
            r#"{"name": "tokio", "kind": null}, {"name": "libp2p-swarm", "kind": "build"}"#,
            "",
        );
        assert_eq!(
            lines(&manifests(&table, &read)),
            [
                "core: must not use tokio: runtime: no runtime here",
                "core: must not use libp2p-swarm: runtime: no runtime here",
            ]
        );
    }

    #[test]
    fn manifests_without_a_row_and_rows_without_a_crate_fail() {
        let table = Table::parse(TABLE).unwrap();
        let read = Manifests::parse(
            r#"{"packages": [{"name": "x-core", "dependencies": []},
                             {"name": "x-new", "dependencies": []}]}"#,
        )
        .unwrap();
        let found = lines(&manifests(&table, &read));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("x-new: must not use the workspace without a row"));
        assert!(found[1].starts_with("kit: must not use the name x-kit"));
    }

    #[test]
    fn tree_with_a_crate_by_way_of_others_fails() {
        let table = Table::parse(TABLE).unwrap();
        let linked = ["serde".to_owned(), "tokio".to_owned()].into();
        let row = &table.crates["core"];
        assert_eq!(
            lines(&tree(&table, "core", row, &linked)),
            [
                "core: must not use tokio: runtime: no runtime here (linked, perhaps by way of others)"
            ]
        );
        assert_eq!(tree(&table, "kit", &table.crates["kit"], &linked), []);
    }

    #[test]
    fn tree_with_a_tolerated_crate_passes_until_it_is_gone() {
        let text = format!("{TABLE}\n[crates.core.tolerated]\ntokio = \"test macros\"\n");
        let table = Table::parse(&text).unwrap();
        let row = &table.crates["core"];
        assert_eq!(tree(&table, "core", row, &["tokio".to_owned()].into()), []);
        assert_eq!(
            lines(&tree(&table, "core", row, &["serde".to_owned()].into())),
            ["core: must not use tokio: it is tolerated but not linked any more: \
                 take it off the table"]
        );
    }

    #[test]
    fn source_with_a_clock_fails_and_says_where() {
        let table = Table::parse(TABLE).unwrap();
        let text = "use std::time::{Duration, Instant};\n\nfn f() { x::SystemTime::now(); }\n";
        assert_eq!(
            lines(&source(&table, "core", &table.crates["core"], "core/src/a.rs", text)),
            [
                "core (core/src/a.rs:1): must not use std::time::Instant: clock: time is an input",
                "core (core/src/a.rs:3): must not use x::SystemTime::now: clock: time is an input",
            ]
        );
    }

    #[test]
    fn table_with_an_undefined_name_is_refused() {
        let error = Table::parse(&TABLE.replace(r#"uses = ["core"]"#, r#"uses = ["cor"]"#));
        assert_eq!(error.unwrap_err().to_string(), "crates.kit: `cor` has no row");
        let error = Table::parse(&TABLE.replace(r#"source = ["clock"]"#, r#"source = ["clok"]"#));
        assert_eq!(error.unwrap_err().to_string(), "crates.core: no source group `clok`");
    }

    #[test]
    fn the_committed_table_is_well_formed() {
        let text = include_str!("../../layers.toml");
        let table = Table::parse(text).unwrap();
        assert!(table.crates["protocol"].tree.iter().any(|family| family == "runtime"));
    }
}
