//! As proposer, tries many contents of its block for the id that it likes best: a seed binds the
//! block's id, but also a beacon that nobody knows yet.

use consensus::block_id;
use protocol::block::Block;
use rand::Rng;

use super::{Act, Adversary};
use crate::scenario;

pub(super) struct GrindSeeds(pub(super) scenario::Adversary);

impl Adversary for GrindSeeds {
    fn build(&mut self, act: &mut Act<'_>, block: Block) -> Block {
        if !act.takes(&self.0) {
            return block;
        }
        let state = act.operator.ledger().state();
        let (ledger_id, height) = (state.ledger_id.0, state.height.next().0);
        let id = |block: &Block| block_id(&ledger_id, height, &block.encode());
        let mut best = block.clone();
        for _ in 0..self.0.attempts {
            let mut other = block.clone();
            other.bundles.retain(|_| act.dice.gen_range(0..4) != 0);
            if id(&other) < id(&best) {
                best = other;
            }
        }
        best
    }
}
