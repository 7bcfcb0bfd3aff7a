//! What a node keeps on disk, in one redb file.
//!
//! - [`Store::open`] checks whose file it is: schema, ledger and operator are written at creation.
//! - Writes are [`Batch`]es. [`Store::append`] returns when the batch is **durable**, whole or not
//!   at all; one thread writes, and puts all batches that wait into one commit, so that many of
//!   them cost one fsync.
//! - Reads are synchronous, take microseconds, and see the last commit. Iterators keep their own
//!   snapshot: drop them soon, pages they hold are not reused.
//! - [`Store::verify`] walks everything and refuses gaps and mismatches.
//!
//! | table | key | value | rule |
//! |---|---|---|---|
//! | blocks | height | body | the next height only; another body at a height is refused |
//! | certificates | height | bytes | its block is there; the first one stays |
//! | group signatures | kind, height | bytes | the last one stays |
//! | responses | hash | body | bounded in all; kept while a job that names it is kept |
//! | statements | keccak256 | bytes | the hash is checked |
//! | cursors | chain id | bytes | the last one stays |
//! | journal | sequence | bytes | append-only |
//! | records | key | bytes | the last one stays |
//!
//! ```
//! # use store::{Batch, Identity, Options, Store};
//! # use protocol::{Address, B256, ids::Height};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let identity = Identity { ledger_id: B256::repeat_byte(1), operator: Address::repeat_byte(2) };
//! let store = Store::open(&folder.path().join("node.redb"), identity, Options::default())?;
//! let mut batch = Batch::new();
//! batch.block(Height(1), b"body".to_vec());
//! batch.record(b"last-vote", b"1/0".to_vec());
//! store.append_blocking(batch)?;
//! assert_eq!(store.tip()?, Some(Height(1)));
//! # Ok(()) }
//! ```

mod apply;
mod batch;
mod check;
mod error;
mod open;
mod read;
mod tables;
mod verify;
mod writer;

pub use batch::{Batch, MAX_BATCH_BYTES, MAX_BATCH_WRITES, MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use error::{Refusal, StoreError};
pub use open::{Identity, OpenCheck, Options, Peek, SCHEMA, Store};
pub use read::{Blocks, Journal, KeyValue};
pub use verify::{Record, Report};
pub use writer::{Durable, MAX_COMMIT_BYTES, MAX_WAITING_BATCHES, Writing};
