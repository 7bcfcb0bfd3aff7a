//! What is written together, whole or not at all.

use alloy_primitives::B256;
use protocol::ids::{Height, JobId};

use crate::Refusal;

/// The longest value of any table.
pub const MAX_VALUE_BYTES: usize = 4 * 1024 * 1024;

/// The longest key of a record.
pub const MAX_KEY_BYTES: usize = 256;

/// The most bytes of one batch.
pub const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// The most writes of one batch.
pub const MAX_BATCH_WRITES: usize = 16_384;

#[derive(Clone, Debug)]
pub(crate) enum Write {
    Block(Height, Vec<u8>),
    Certificate(Height, Vec<u8>),
    GroupSignature(u8, Height, Vec<u8>),
    Response { hash: B256, job: JobId, body: Vec<u8> },
    Concluded(JobId, Height),
    PruneResponses(Height),
    Statement(B256, Vec<u8>),
    Cursor(u64, Vec<u8>),
    Journal(Vec<u8>),
    Record(Vec<u8>, Vec<u8>),
    RemoveRecord(Vec<u8>),
}

impl Write {
    fn lengths(&self) -> (usize, usize) {
        match self {
            Self::Block(_, value)
            | Self::Certificate(_, value)
            | Self::GroupSignature(_, _, value)
            | Self::Response { body: value, .. }
            | Self::Statement(_, value)
            | Self::Cursor(_, value)
            | Self::Journal(value) => (32, value.len()),
            Self::Concluded(..) | Self::PruneResponses(_) => (32, 0),
            Self::Record(key, value) => (key.len(), value.len()),
            Self::RemoveRecord(key) => (key.len(), 0),
        }
    }
}

/// Writes that become durable together, in this order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    writes: Vec<Write>,
}

impl Batch {
    /// A batch that writes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds another batch's writes after these.
    pub fn append(&mut self, mut other: Self) -> &mut Self {
        self.writes.append(&mut other.writes);
        self
    }

    /// Appends a block. Its height is the next one; the same body again changes nothing.
    pub fn block(&mut self, height: Height, body: Vec<u8>) -> &mut Self {
        self.push(Write::Block(height, body))
    }

    /// Adds a block's commit certificate. The first one of a height stays.
    pub fn certificate(&mut self, height: Height, bytes: Vec<u8>) -> &mut Self {
        self.push(Write::Certificate(height, bytes))
    }

    /// Sets the group signature of a kind (the caller's numbering) over a height.
    pub fn group_signature(&mut self, kind: u8, height: Height, bytes: Vec<u8>) -> &mut Self {
        self.push(Write::GroupSignature(kind, height, bytes))
    }

    /// Keeps a response's body for `job`. Several jobs may name one body.
    pub fn response(&mut self, hash: B256, job: JobId, body: Vec<u8>) -> &mut Self {
        self.push(Write::Response { hash, job, body })
    }

    /// Notes that `job` was concluded at `height`: a later prune removes its responses.
    pub fn concluded(&mut self, job: JobId, height: Height) -> &mut Self {
        self.push(Write::Concluded(job, height))
    }

    /// Removes the responses of all jobs that were concluded at or before `height`, but those that
    /// another job still names.
    pub fn prune_responses(&mut self, height: Height) -> &mut Self {
        self.push(Write::PruneResponses(height))
    }

    /// Keeps a statement under its keccak256.
    pub fn statement(&mut self, hash: B256, bytes: Vec<u8>) -> &mut Self {
        self.push(Write::Statement(hash, bytes))
    }

    /// Sets how far a chain has been read.
    pub fn cursor(&mut self, chain_id: u64, bytes: Vec<u8>) -> &mut Self {
        self.push(Write::Cursor(chain_id, bytes))
    }

    /// Appends to the operator's journal; [`crate::Durable`] says under which numbers.
    pub fn journal(&mut self, bytes: Vec<u8>) -> &mut Self {
        self.push(Write::Journal(bytes))
    }

    /// Sets the operator's latest record of a key.
    pub fn record(&mut self, key: &[u8], value: Vec<u8>) -> &mut Self {
        self.push(Write::Record(key.to_vec(), value))
    }

    /// Removes the operator's record of a key, if there is one.
    pub fn remove_record(&mut self, key: &[u8]) -> &mut Self {
        self.push(Write::RemoveRecord(key.to_vec()))
    }

    /// Whether it writes nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    fn push(&mut self, write: Write) -> &mut Self {
        self.writes.push(write);
        self
    }

    pub(crate) fn writes(&self) -> &[Write] {
        &self.writes
    }

    pub(crate) fn bytes(&self) -> usize {
        self.writes.iter().map(Write::lengths).map(|(key, value)| key + value).sum()
    }

    /// The bounds that need no look into the file.
    pub(crate) fn check_bounds(&self) -> Result<(), Refusal> {
        let (writes, bytes) = (self.writes.len(), self.bytes());
        if writes > MAX_BATCH_WRITES || bytes > MAX_BATCH_BYTES {
            return Err(Refusal::BatchTooLarge { writes, bytes });
        }
        for write in &self.writes {
            let (key, value) = write.lengths();
            if key == 0 || key > MAX_KEY_BYTES {
                return Err(Refusal::KeyLength { bytes: key, max: MAX_KEY_BYTES });
            }
            if value > MAX_VALUE_BYTES {
                return Err(Refusal::ValueTooLong { bytes: value, max: MAX_VALUE_BYTES });
            }
        }
        Ok(())
    }
}
