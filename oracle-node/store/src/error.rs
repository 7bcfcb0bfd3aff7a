//! What can go wrong with the store.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;
use protocol::ids::Height;
use thiserror::Error;

/// Why the store can't be opened, read or written. Messages name the file and what to do.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// Another process, or another handle of this one, has the file open.
    #[error(
        "store {}: is open in another process; stop the node that runs on it, or give this one \
         its own data directory", path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("store {}: is no store of this program ({detail}); check the configured path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file is of a schema that this program does not know.
    #[error(
        "store {}: has schema {found}, this program reads schema {supported}; run the version that \
         wrote it, or start from an empty data directory and sync", path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// What the file says.
        found: u32,
        /// What is read.
        supported: u32,
    },
    /// The file was not closed in order, and is only looked at.
    #[error("store {}: was not closed in order; the next start of the node repairs it", path.display())]
    Unclean {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to another ledger or operator.
    #[error(
        "store {}: belongs to {what} {found}, this node is of {expected}; check the configured \
         data directory, genesis and operator key", path.display()
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// Ledger or operator.
        what: &'static str,
        /// What the file says.
        found: String,
        /// What this node is.
        expected: String,
    },
    /// The file's content is damaged.
    #[error(
        "store {}: is damaged ({detail}); move it away and let the node sync again, and check the \
         disk. The operator's journal is in this file: without it, don't judge jobs that were open",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// The system or the database refused.
    #[error("store {}: {action} failed: {source}; check space, permissions and the disk", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What came back.
        source: Arc<redb::Error>,
    },
    /// The file can't be made or read.
    #[error("store {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// A batch that would break a rule of its table; nothing of it was written.
    #[error("store {}: batch refused: {refusal}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Which rule.
        refusal: Refusal,
    },
    /// The writing thread has ended.
    #[error("store {}: is closed", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
}

/// Why a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A height that is not the next one.
    #[error("block {height} is not the next one, which is {next}")]
    Gap {
        /// What was to be written.
        height: Height,
        /// What must come.
        next: Height,
    },
    /// Two different blocks of one height.
    #[error("block {height} is stored with another body")]
    BlockConflict {
        /// Which.
        height: Height,
    },
    /// A certificate without its block.
    #[error("certificate {height} has no block")]
    NoBlock {
        /// Which.
        height: Height,
    },
    /// The bound on all response bodies is reached.
    #[error("responses take {stored} bytes, {added} more exceed the limit of {limit}")]
    ResponsesFull {
        /// Bytes kept.
        stored: u64,
        /// Bytes of the batch.
        added: u64,
        /// The bound.
        limit: u64,
    },
    /// Two different bodies of one hash.
    #[error("response {hash} is stored with another body")]
    ResponseConflict {
        /// Which.
        hash: B256,
    },
    /// A statement that does not have its hash.
    #[error("the statement for hash {hash} hashes to {actual}")]
    StatementHash {
        /// What was claimed.
        hash: B256,
        /// What it is.
        actual: B256,
    },
    /// A value longer than any.
    #[error("a value of {bytes} bytes, at most {max} are kept")]
    ValueTooLong {
        /// How long.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// A key longer than any, or empty.
    #[error("a record key of {bytes} bytes, allowed are 1 to {max}")]
    KeyLength {
        /// How long.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// A batch of too many writes or bytes.
    #[error("a batch of {writes} writes and {bytes} bytes is too large; split it")]
    BatchTooLarge {
        /// Writes.
        writes: usize,
        /// Bytes.
        bytes: usize,
    },
}

/// Puts path and action on what redb returns.
pub(crate) trait Context<T> {
    fn at(self, path: &Path, action: &'static str) -> Result<T, StoreError>;
}

impl<T, E: Into<redb::Error>> Context<T> for Result<T, E> {
    fn at(self, path: &Path, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| {
            let path = path.to_owned();
            match error.into() {
                redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
                redb::Error::Corrupted(detail) => StoreError::Damaged { path, detail },
                source => StoreError::Database { path, action, source: Arc::new(source) },
            }
        })
    }
}
