use std::{
    fs,
    path::{Path, PathBuf},
};

use eyre::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::files;

/// The file by which a devnet's folder is known.
pub(crate) const SUMMARY: &str = "devnet.json";
/// Written first, so that a start that failed can be replaced too.
const MARK: &str = ".assay-devnet";

/// A devnet's folder: given by a person and kept, or temporary and deleted with this handle.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl Folder {
    /// Makes the folder.
    ///
    /// # Errors
    /// When `dir` holds anything but an earlier devnet that may be replaced.
    pub fn create(dir: Option<&Path>, replace: bool) -> Result<Self> {
        let Some(dir) = dir else {
            let temporary = tempfile::Builder::new().prefix("assay-devnet-").tempdir()?;
            fs::write(temporary.path().join(MARK), "")?;
            let path = temporary.path().to_owned();
            return Ok(Self { path, temporary: Some(temporary) });
        };
        let path = std::path::absolute(dir)?;
        let in_use = fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some());
        if in_use {
            let earlier = path.join(MARK).exists();
            if !earlier {
                bail!("{} is not empty; choose another folder", path.display());
            }
            if !replace {
                bail!(
                    "{} holds an earlier devnet; delete it with --replace, or choose another \
                     folder",
                    path.display()
                );
            }
            fs::remove_dir_all(&path).wrap_err_with(|| format!("{}", path.display()))?;
        }
        files::make_folder(&path)?;
        fs::write(path.join(MARK), "").wrap_err_with(|| format!("{}", path.display()))?;
        Ok(Self { path, temporary: None })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where processes log.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Keeps it, also if it is temporary, and says where it is.
    pub fn keep(mut self) -> PathBuf {
        match self.temporary.take() {
            Some(temporary) => temporary.keep(),
            None => self.path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_with_foreign_files_is_never_taken() {
        let temporary = TempDir::new().unwrap();
        fs::write(temporary.path().join("thesis.tex"), "years of work").unwrap();
        let refused = Folder::create(Some(temporary.path()), true).unwrap_err();
        assert!(refused.to_string().contains("not empty"), "{refused}");
        assert!(temporary.path().join("thesis.tex").exists());
    }

    #[test]
    fn folder_of_an_earlier_devnet_is_replaced_only_on_demand() {
        let temporary = TempDir::new().unwrap();
        let dir = temporary.path().join("net");
        Folder::create(Some(&dir), false).unwrap();
        fs::write(dir.join("genesis.json"), "{}").unwrap();
        let refused = Folder::create(Some(&dir), false).unwrap_err();
        assert!(refused.to_string().contains("--replace"), "{refused}");
        Folder::create(Some(&dir), true).unwrap();
        assert!(!dir.join("genesis.json").exists());
    }

    #[test]
    fn folder_without_a_name_is_gone_when_dropped() {
        let folder = Folder::create(None, false).unwrap();
        let path = folder.path().to_owned();
        assert!(path.exists());
        drop(folder);
        assert!(!path.exists());
    }
}
