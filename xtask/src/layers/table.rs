//! The table of layers, as data.

use std::collections::BTreeMap;

use eyre::{Context as _, Result, bail};
use serde::Deserialize;

/// `xtask/layers.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// Groups of crates from outside, by name.
    pub(crate) families: BTreeMap<String, Family>,
    /// Groups of things that source text must not name, by name.
    pub(crate) sources: BTreeMap<String, Words>,
    /// One row a workspace crate, by its short name.
    pub(crate) crates: BTreeMap<String, Row>,
}

/// A group of outside crates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// Crate names; a trailing `*` stands for any ending.
    pub(crate) crates: Vec<String>,
    /// Why a layer stays clear of it.
    pub(crate) why: String,
}

/// A group of forbidden words in source text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// Paths, forbidden with all below them.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// Identifiers, forbidden wherever they stand.
    #[serde(default)]
    pub(crate) words: Vec<String>,
    /// Why a layer stays clear of it.
    pub(crate) why: String,
}

/// What one crate may and may not import.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Its name in its manifest.
    pub(crate) package: String,
    /// Its folder, relative to the top.
    pub(crate) folder: String,
    /// Workspace crates it may depend on.
    pub(crate) uses: Vec<String>,
    /// Workspace crates that only its tests may depend on, besides.
    #[serde(default)]
    pub(crate) tests_use: Vec<String>,
    /// Families that it must not depend on itself.
    #[serde(default)]
    pub(crate) direct: Vec<String>,
    /// Families that nothing it links may belong to.
    #[serde(default)]
    pub(crate) tree: Vec<String>,
    /// Crates of those families that come by way of others and are let through, with the reason.
    #[serde(default)]
    pub(crate) tolerated: BTreeMap<String, String>,
    /// Groups of words that its sources must not contain.
    #[serde(default)]
    pub(crate) source: Vec<String>,
}

impl Table {
    /// Reads a table and checks that every name it uses is defined.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let table: Self = toml::from_str(text).wrap_err("the layer table is not valid")?;
        for (name, row) in &table.crates {
            if let Some(crate_name) =
                row.uses.iter().chain(&row.tests_use).find(|used| !table.crates.contains_key(*used))
            {
                bail!("crates.{name}: `{crate_name}` has no row");
            }
            if let Some(family) =
                row.direct.iter().chain(&row.tree).find(|used| !table.families.contains_key(*used))
            {
                bail!("crates.{name}: no family `{family}`");
            }
            if let Some(group) = row.source.iter().find(|used| !table.sources.contains_key(*used)) {
                bail!("crates.{name}: no source group `{group}`");
            }
        }
        Ok(table)
    }

    /// The first of `families` that an outside crate belongs to.
    pub(crate) fn family<'a>(
        &'a self,
        families: &'a [String],
        crate_name: &str,
    ) -> Option<(&'a str, &'a Family)> {
        families.iter().find_map(|name| {
            let family = self.families.get(name)?;
            let matches = |pattern: &String| match pattern.strip_suffix('*') {
                Some(beginning) => crate_name.starts_with(beginning),
                None => crate_name == pattern,
            };
            family.crates.iter().any(matches).then_some((name.as_str(), family))
        })
    }
}
