//! One operator's view of one chain, through its own endpoints.
//!
//! [`Watcher`] follows final blocks from a [`Cursor`] and yields [`ChainEvent`]s: verifications requested at the hub, what
//! else the hub says, and how far it has read. It trusts no answer: what does not fit together is read again, elsewhere if
//! possible. When a block whose events were delivered is replaced, it halts for that chain with an alarm.

mod config;
mod confirm;
mod decode;
mod event;
mod page;
mod watcher;

pub use config::{
    ChainConfig, ConfigError, DEPTH_BLOCKS_MAX, FINALITY_STALL_FACTOR, Finality, RANGE_BLOCKS_MAX,
};
pub use decode::{Decoded, TOPICS, decode};
pub use event::{
    BlockRef, ChainEvent, Cursor, HubEvent, JobRequest, PartialBlock, Position, Trouble,
};
pub use page::{Page, PageFault, check as check_page};
pub use watcher::{ProbeError, Watcher};
