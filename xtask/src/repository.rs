//! The checkout this runs in.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use eyre::{Context as _, ContextCompat as _, Result, bail};

use crate::shell::Program;

/// Paths of the checkout.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    /// Its top folder.
    pub(crate) root: PathBuf,
}

impl Repository {
    /// The checkout that cargo runs us for; run by hand, the one we were built from.
    pub(crate) fn open() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().wrap_err("xtask has no parent folder")?;
        if !root.join("xtask/layers.toml").exists() {
            bail!("{} is no checkout any more; use `cargo xtask`", root.display());
        }
        Ok(Self { root: root.to_owned() })
    }

    /// A path below the top folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Where the tools of [`crate::setup`] are linked.
    pub(crate) fn tools(&self) -> PathBuf {
        self.path(".tools/bin")
    }

    /// Cargo in the top folder, with the tools on its path.
    pub(crate) fn cargo(&self) -> Result<Program> {
        Ok(Program::cargo(&self.root).env("PATH", self.search_path()?))
    }

    /// A program in `below`, with the tools on its path.
    pub(crate) fn program(&self, name: &str, below: &str) -> Result<Program> {
        Ok(Program::new(name, &self.path(below)).env("PATH", self.search_path()?))
    }

    /// `PATH` with our tools first.
    fn search_path(&self) -> Result<OsString> {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.tools()).chain(std::env::split_paths(&inherited));
        Ok(std::env::join_paths(folders)?)
    }

    /// Every file that git tracks or would track, relative to the top folder, ascending.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let listed = Program::new("git", &self.root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .wrap_err("listing the repository's files needs git")?;
        let mut files: Vec<String> = listed
            .split('\0')
            .filter(|path| !path.is_empty() && self.path(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// A file's text, or `None` when it isn't UTF-8.
    pub(crate) fn text(&self, below: &str) -> Result<Option<String>> {
        let bytes = fs::read(self.path(below)).wrap_err_with(|| format!("reading {below}"))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// Where cargo builds to.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let metadata = self
            .cargo()?
            .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
            .output()?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
        let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
        Ok(folder.wrap_err("cargo metadata names no target_directory")?.into())
    }
}
