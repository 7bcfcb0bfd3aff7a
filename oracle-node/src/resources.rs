//! What a machine has left for a node: disk, files, memory.

use std::{fs, io, path::Path};

use rustix::process::Resource;

/// Files in a data folder that are counted, a bound on what one look costs.
const FILES_MAX: usize = 10_000;

/// A file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What a process without privileges may still write.
    pub free_bytes: u64,
    /// All of it.
    pub size_bytes: u64,
}

/// The file system that holds `path`.
///
/// # Errors
/// When the system does not say.
pub fn disk(path: &Path) -> io::Result<Disk> {
    let found = rustix::fs::statvfs(path)?;
    Ok(Disk {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        size_bytes: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

/// Bytes of the files in a folder and below.
///
/// # Errors
/// When a folder cannot be read.
pub fn size(folder: &Path) -> io::Result<u64> {
    let (mut bytes, mut files) = (0u64, 0usize);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            files += 1;
            if files > FILES_MAX {
                return Ok(bytes);
            }
            // What was removed meanwhile takes no room.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes = bytes.saturating_add(metadata.len());
            }
        }
    }
    Ok(bytes)
}

/// Files and sockets that this process has open, where the system says so.
pub fn open_files() -> Option<u64> {
    u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

/// How many it may open; none for no limit.
pub fn open_files_max() -> Option<u64> {
    rustix::process::getrlimit(Resource::Nofile).current
}

/// Memory of this process that is in use, where the system says so.
pub fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    field(&text, "VmRSS:")
}

/// Memory that the machine could still give, where the system says so.
pub fn available_bytes() -> Option<u64> {
    field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// A line of `name value kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_in_kib_is_given_in_bytes() {
        let text = "VmPeak:\t  10 kB\nVmRSS:\t    2048 kB\n";
        assert_eq!(field(text, "VmRSS:"), Some(2 << 20));
        assert_eq!(field(text, "VmSwap:"), None);
    }

    #[test]
    fn size_counts_files_in_folders_below() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("wal")).unwrap();
        fs::write(folder.path().join("a"), [0; 10]).unwrap();
        fs::write(folder.path().join("wal/b"), [0; 5]).unwrap();
        assert_eq!(size(folder.path()).unwrap(), 15);
    }

    #[test]
    fn disk_of_a_folder_has_a_size_and_room() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(folder.path()).unwrap();
        assert!(disk.size_bytes > 0 && disk.free_bytes <= disk.size_bytes, "{disk:?}");
    }
}
