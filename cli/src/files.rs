//! Files that commands write and read.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use eyre::{Context as _, Result, bail};
use serde::{Serialize, de::DeserializeOwned};

/// The longest file that is read whole.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Writes a file that must not be there yet, whole or not at all as far as the caller sees.
pub(crate) fn write_new(path: &Path, content: &str, mode: u32) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    };
    match write() {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} is there already; move it away, or choose another folder", path.display())
        }
        Err(error) => Err(error).wrap_err_with(|| format!("{}", path.display())),
    }
}

/// Writes a value as JSON to a file that must not be there yet.
pub(crate) fn write_new_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write_new(path, &json(value)?, 0o644)
}

/// A value as indented JSON with a line end.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Reads a file of bounded length.
pub(crate) fn read(path: &Path) -> Result<String> {
    let text = || -> Result<String> {
        let length = fs::metadata(path)?.len();
        if length > MAX_FILE_BYTES {
            bail!("{length} bytes, the most is {MAX_FILE_BYTES}");
        }
        Ok(fs::read_to_string(path)?)
    };
    text().wrap_err_with(|| format!("{}", path.display()))
}

/// Reads a value from JSON.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = read(path)?;
    serde_json::from_str(&text).wrap_err_with(|| format!("{}", path.display()))
}

/// Makes a folder, and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).wrap_err_with(|| format!("folder {}", path.display()))
}
