//! What a watcher tells its caller.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, FixedBytes};
use serde::{Deserialize, Serialize};

pub use bindings::rpc::BlockRef;

/// How far a chain was read. Store it once what came with it is stored, and give it back at the next start: nothing is
/// lost and nothing comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Every event up to this block was delivered. `None` before the first.
    pub block: Option<BlockRef>,
    /// The part of the block after it that was delivered too.
    pub partial: Option<PartialBlock>,
}

/// A block whose first events were delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialBlock {
    /// The block.
    pub block: BlockRef,
    /// Events with a log index below this one were delivered.
    pub next_log: u64,
}

impl Cursor {
    /// Nothing was read yet: start at the config's `start_block`.
    pub const START: Self = Self { block: None, partial: None };
}

/// Where on the chain an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The block.
    pub block: BlockRef,
    /// Unix seconds of the block.
    pub time: u64,
    /// The transaction.
    pub transaction: B256,
    /// The log's place in the block.
    pub log_index: u64,
}

/// A verification that a contract asked for. The hub computed `job_id`; whoever relies on it recomputes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRequest {
    /// The chain.
    pub chain_id: u64,
    /// The hub.
    pub hub: Address,
    /// The hub's id of the job.
    pub job_id: B256,
    /// The hub's counter.
    pub job_index: u64,
    /// Who must answer.
    pub provider: Address,
    /// The requesting contract.
    pub escrow: Address,
    /// The proof kind's selector.
    pub kind: FixedBytes<4>,
    /// Unix seconds after which the escrow may expire the job.
    pub deadline: u64,
    /// What is to be proven.
    pub statement: Bytes,
    /// Where it was asked.
    pub position: Position,
}

/// Other things that the hub said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HubEvent {
    /// An operator confirmed a group key.
    KeyConfirmed {
        /// The key's epoch.
        epoch: u64,
        /// Who confirmed.
        operator: Address,
        /// keccak256 of the 256-byte key.
        key_hash: B256,
        /// Confirmations so far.
        confirmations: u32,
        /// Confirmations needed.
        quorum: u32,
    },
    /// A later epoch's key has its quorum and waits for the outgoing key's signature.
    KeyReady {
        /// The key's epoch.
        epoch: u64,
        /// Its committee.
        committee_id: u32,
        /// EIP-2537 G2, 256 bytes.
        key: Bytes,
    },
    /// A key is the group key from now on.
    KeyActivated {
        /// The key's epoch.
        epoch: u64,
        /// Its committee.
        committee_id: u32,
        /// The ledger.
        ledger_id: B256,
        /// Last ledger height of the epoch before.
        last_height: u64,
        /// EIP-2537 G2, 256 bytes.
        key: Bytes,
    },
    /// All outcomes up to a ledger height are recorded.
    Attested {
        /// The ledger height.
        height: u64,
        /// The accumulator at it.
        acc: B256,
    },
}

/// Why a chain can't be read at the moment.
///
/// The words of an endpoint are shortened, and none of these names more of a URL than host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No usable answer.
    Unreachable(String),
    /// The endpoint has too much to do, or counts requests.
    Busy {
        /// The HTTP status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// An answer that contradicts itself, another endpoint, or what the endpoint said before.
    Inconsistent(String),
    /// The endpoint is behind what was read already.
    Lagging {
        /// Its head.
        head: u64,
        /// The last block read.
        cursor: u64,
    },
    /// The endpoint's head has not moved for longer than configured.
    Stalled {
        /// Its head.
        head: u64,
    },
    /// The endpoint's head moves, and its last final block has not for longer than configured.
    NotFinalizing {
        /// Its head.
        head: u64,
        /// Its last final block.
        last: u64,
    },
    /// The endpoint is of another chain, and is not used again.
    WrongChain {
        /// The chain it is of.
        found: u64,
    },
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::Inconsistent(why) => write!(f, "inconsistent: {why}"),
            Self::Lagging { head, cursor } => {
                write!(f, "its head {head} is behind block {cursor}, read before")
            }
            Self::Busy { status, .. } => write!(f, "busy: http status {status}"),
            Self::NotFinalizing { head, last } => {
                write!(f, "its head is {head}, and its last final block stays at {last}")
            }
            Self::Stalled { head } => write!(f, "its head stays at {head}"),
            Self::WrongChain { found } => write!(f, "it is of chain {found}; fix rpc_urls"),
        }
    }
}

/// One event of a chain, in the chain's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainEvent {
    /// A verification was requested, in a final block.
    Requested {
        /// What was asked.
        request: JobRequest,
        /// Store this after the request.
        cursor: Cursor,
    },
    /// The hub said something else, in a final block.
    Hub {
        /// What it said.
        event: HubEvent,
        /// Where.
        position: Position,
        /// Store this after the event.
        cursor: Cursor,
    },
    /// All events up to this block were delivered.
    Finalized {
        /// The block.
        block: BlockRef,
        /// Its unix seconds.
        time: u64,
        /// The chain's head at the time, by the same endpoint.
        head: u64,
        /// Store this.
        cursor: Cursor,
    },
    /// The head was replaced below finality: nothing that was delivered changes.
    Reorg {
        /// The block that is gone.
        old: BlockRef,
        /// What took its place.
        new: BlockRef,
    },
    /// A block whose events were delivered is not of the chain any more. Nothing follows: the watcher has halted, and
    /// halts again at each start from this cursor, until a person decides.
    ReorgBeyondFinality {
        /// The block that was read.
        expected: BlockRef,
        /// What every endpoint that answers has in its place.
        found: B256,
    },
    /// Every endpoint was refused; nothing follows.
    NoEndpoint,
    /// Reading fails and is tried again. Sent once until `Healthy`.
    Unhealthy {
        /// The endpoint that failed, without its path.
        endpoint: String,
        /// Why.
        trouble: Trouble,
    },
    /// Reading works again.
    Healthy {
        /// The endpoint in use.
        endpoint: String,
    },
}
