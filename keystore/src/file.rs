//! Reading and writing key files.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use crate::{FileError, FileProblem};

/// The longest key file that is read.
pub const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Reads at most [`MAX_FILE_BYTES`] of text.
pub(crate) fn read(path: &Path) -> Result<String, FileError> {
    named(path, || {
        let mut text = String::new();
        File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(FileProblem::TooLarge { max: MAX_FILE_BYTES });
        }
        Ok(text)
    })
}

/// Writes a new file whole or not at all: a temporary one beside it, mode 0600, is synced, given
/// its name if nothing has that name yet, and the folder is synced.
///
/// # Errors
/// [`FileProblem::Exists`] when there is one; otherwise what the system says.
pub fn write_new(path: &Path, content: &str) -> Result<(), FileError> {
    named(path, || {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if path.symlink_metadata().is_ok() {
            return Err(FileProblem::Exists);
        }
        let mut file = tempfile::Builder::new().prefix(".keystore-").tempfile_in(folder)?;
        file.write_all(content.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|failed| match failed.error.kind() {
            std::io::ErrorKind::AlreadyExists => FileProblem::Exists,
            _ => FileProblem::Io(failed.error),
        })?;
        File::open(folder)?.sync_all()?;
        Ok(())
    })
}

/// Runs `work`, and puts the file's name on what goes wrong.
pub(crate) fn named<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, FileProblem>,
) -> Result<T, FileError> {
    work().map_err(|problem| FileError { path: path.to_owned(), problem })
}
