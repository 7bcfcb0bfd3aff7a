//! One member: its disk, and the process that runs on it.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use operator::{JournalKey, Operator};
use protocol::{
    block::Block,
    ids::Height,
    ledger::{Batch, Ledger},
};
use threshold::Share;

use crate::engine::{Application, Bodies, DecidedBlock, Engine, Wal};

/// What is on a member's disk.
#[derive(Clone, Default)]
pub struct Disk {
    /// Decided blocks, in order.
    pub blocks: Vec<DecidedBlock>,
    /// The operator's journal.
    pub journal: BTreeMap<JournalKey, Vec<u8>>,
    /// Its share of the group key.
    pub share: Option<Share>,
    /// The write-ahead log of consensus.
    pub wal: Wal,
    /// Bodies of the height under way.
    pub bodies: Bodies,
    /// Hubs that a person has to look at.
    pub halted: bool,
    /// The ledger as it was when the group was formed, and the blocks that led there: a restart
    /// begins from it, since applying a ceremony costs more than all that follows.
    pub checkpoint: Option<(usize, Ledger)>,
}

/// A body that consensus waits for.
#[derive(Clone, Copy, Debug)]
pub struct Proposal {
    /// For this height.
    pub height: u64,
    /// And round.
    pub round: u32,
    /// No longer than this.
    pub until_ms: u64,
}

/// What a member keeps of what the ledger concluded, for the hub.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// Batches by height, with their blocks' ids.
    pub batches: BTreeMap<Height, (B256, Batch)>,
    /// Group signatures on attestations, by height.
    pub attestations: BTreeMap<Height, Box<[u8; 128]>>,
}

/// A process.
pub struct Process {
    /// Decides.
    pub operator: Operator,
    /// Orders.
    pub engine: Engine,
    /// What the hub is to be told.
    pub archive: Archive,
    /// What consensus waits for.
    pub proposal: Option<Proposal>,
    /// Journal entries that are over; they are removed with the next write.
    pub later: Vec<JournalKey>,
    /// Blocks of the chain up to here were looked at.
    pub chain_cursor: u64,
    /// Whether a turn to submit is scheduled.
    pub submitting: bool,
}

/// A member.
pub struct Member {
    /// What survives.
    pub disk: Disk,
    /// The running process, if it runs.
    pub process: Option<Process>,
    /// How often it was started.
    pub starts: u32,
    /// After so many more writes and sends it dies, and is down for so long.
    pub fuse: Option<(u32, u64)>,
    /// Its disk is busy until then, and what it says is late.
    pub busy_until_ms: u64,
}

impl Member {
    pub(super) fn new(disk: Disk) -> Self {
        Self { disk, process: None, starts: 0, fuse: None, busy_until_ms: 0 }
    }

    /// The operator, if it runs.
    pub fn operator(&self) -> Option<&Operator> {
        self.process.as_ref().map(|process| &process.operator)
    }

    /// Consensus, if it runs.
    pub fn engine(&self) -> Option<&Engine> {
        self.process.as_ref().map(|process| &process.engine)
    }
}

impl Application for Operator {
    fn is_valid(&self, body: &[u8]) -> bool {
        Block::decode(body).is_ok_and(|block| self.validate(&block).is_ok())
    }
}
