//! The write-ahead log of one height: what is synced survives a crash, the rest may not.

use super::Entry;

/// The log's entries, in order.
#[derive(Clone, Debug, Default)]
pub struct Wal {
    height: u64,
    entries: Vec<Entry>,
    synced: usize,
}

impl Wal {
    /// The height that the entries are of.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The entries, synced or not.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many entries a crash could take.
    pub fn unsynced(&self) -> usize {
        self.entries.len().saturating_sub(self.synced)
    }

    /// Begins a height: entries of others are gone.
    pub fn reset(&mut self, height: u64) {
        *self = Self { height, entries: Vec::new(), synced: 0 };
    }

    /// Writes an entry; another height's is ignored.
    pub fn append(&mut self, height: u64, entry: Entry) {
        if height == self.height {
            self.entries.push(entry);
        }
    }

    /// Makes every entry durable.
    pub fn sync(&mut self) {
        self.synced = self.entries.len();
    }

    /// A crash: of the entries that were not synced, only the first `kept` reached the disk.
    pub fn crash(&mut self, kept: usize) {
        self.entries.truncate(self.synced.saturating_add(kept));
        self.synced = self.entries.len();
    }
}
