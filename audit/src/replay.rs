//! Blocks in, state out: the ledger, driven without consensus.

use alloy_primitives::B256;
use protocol::{
    block::{Block, BlockError},
    bytes::block_id,
    genesis::{Genesis, GenesisError},
    ids::Height,
    ledger::{Event, Ledger},
};

use crate::conclusion::{Before, Conclusion};

/// A block that was applied.
pub(crate) struct Decided {
    pub(crate) height: Height,
    pub(crate) block: Block,
    pub(crate) events: Vec<Event>,
}

/// The ledger, driven by bodies.
pub(crate) struct Replay {
    pub(crate) ledger: Ledger,
}

impl Replay {
    pub(crate) fn new(genesis: Genesis) -> Result<Self, GenesisError> {
        Ok(Self { ledger: Ledger::new(genesis)? })
    }

    pub(crate) fn ledger_id(&self) -> B256 {
        self.ledger.state().ledger_id
    }

    /// The id that the next block has, if this is its body.
    pub(crate) fn next_id(&self, body: &[u8]) -> B256 {
        block_id(self.ledger_id(), self.ledger.state().height.next(), body)
    }

    /// Applies the next block.
    pub(crate) fn apply(&mut self, body: &[u8]) -> Result<(Decided, Vec<Conclusion>), BlockError> {
        let block = Block::decode(body)?;
        self.ledger.validate(&block)?;
        let id = self.next_id(body);
        let before = Before::of(&self.ledger);
        let events = self.ledger.apply(id, &block);
        let decided = Decided { height: self.ledger.state().height, block, events };
        let conclusions = before.conclusions(&self.ledger, &decided);
        Ok((decided, conclusions))
    }
}
