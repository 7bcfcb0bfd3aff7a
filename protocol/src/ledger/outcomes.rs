//! Outcomes of one height for one hub: a tree, its packed bytes, and the accumulator.

use alloy_primitives::B256;

use super::{Event, Ledger};
use crate::{
    bytes::{self, MAX_TREE_DEPTH, MerkleTree, PackedOutcome},
    ids::{Height, HubIndex},
    outcome::Outcome,
    subject::Subject,
};

/// The most outcomes of a batch; what is left over goes into the next height's.
pub const MAX_BATCH_OUTCOMES: usize = 1 << MAX_TREE_DEPTH;

/// What a batch takes on chain beyond its packed bytes: its words and the padding.
const BATCH_FRAMING_BYTES: u64 = 5 * 32;

/// What one height concluded for one hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// For whom.
    pub hub: HubIndex,
    /// The height.
    pub height: Height,
    /// The outcomes, ascending by job index.
    pub outcomes: Vec<Outcome>,
    /// The root of the tree over their leaves.
    pub root: B256,
    /// Their packed bytes.
    pub packed: Vec<u8>,
    /// The hub's accumulator before this batch.
    pub previous: B256,
    /// And after it.
    pub acc: B256,
}

impl Batch {
    /// Makes the batch of outcomes that ascend by job index.
    pub fn new(hub: HubIndex, height: Height, previous: B256, outcomes: Vec<Outcome>) -> Self {
        let root = Self::tree_of(&outcomes).root();
        let rows: Vec<PackedOutcome> = outcomes
            .iter()
            .map(|outcome| PackedOutcome {
                job_index: outcome.job_index,
                verdict: outcome.judgement.verdict.to_u8(),
                code: outcome.judgement.code,
                value: outcome.judgement.value,
            })
            .collect();
        let packed = bytes::encode_packed(&rows);
        let count = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        let acc = bytes::accumulate(previous, root, &packed, count);
        Self { hub, height, outcomes, root, packed, previous, acc }
    }

    /// The tree over the outcomes' leaves, to make paths from.
    pub fn tree(&self) -> MerkleTree {
        Self::tree_of(&self.outcomes)
    }

    fn tree_of(outcomes: &[Outcome]) -> MerkleTree {
        MerkleTree::new(outcomes.iter().map(bytes::leaf).collect())
    }
}

impl Ledger {
    /// Puts what is ready into this height's batches, and makes their attestations due.
    pub(super) fn close_batches(
        &mut self,
        height: Height,
        block_id: B256,
        events: &mut Vec<Event>,
    ) {
        for (position, hub) in self.genesis.hubs.clone().iter().enumerate() {
            let index = HubIndex(u16::try_from(position).unwrap_or(u16::MAX));
            if !self.state.has_room(index) {
                continue;
            }
            let keys: Vec<_> = self
                .state
                .ready
                .range((index, 0)..=(index, u64::MAX))
                .take(MAX_BATCH_OUTCOMES)
                .map(|(key, _)| *key)
                .collect();
            let outcomes: Vec<Outcome> =
                keys.iter().filter_map(|key| self.state.ready.remove(key)).collect();
            let Some(acc) = self.state.accumulators.get_mut(position) else { continue };
            if outcomes.is_empty() {
                continue;
            }
            let batch = Batch::new(index, height, *acc, outcomes);
            *acc = batch.acc;
            let message = bytes::attestation(
                self.state.ledger_id,
                hub.address(),
                self.genesis.committee_id,
                self.state.epoch,
                height,
                block_id,
                batch.acc,
            );
            if let Some(uncovered) = self.state.uncovered.get_mut(position) {
                uncovered.insert(height, batch.packed.len() as u64 + BATCH_FRAMING_BYTES);
            }
            events.push(Event::BatchClosed(batch));
            self.make_due(Subject::Attestation { height, hub: index }, message, events);
        }
    }

    pub(super) fn make_due(&mut self, subject: Subject, message: B256, events: &mut Vec<Event>) {
        self.state.due.insert(subject, message);
        events.push(Event::SignatureDue { subject, message });
    }

    /// A signed attestation covers the earlier ones of its hub, and their batches.
    pub(super) fn cover_until(&mut self, hub: HubIndex, height: Height) {
        if let Some(uncovered) = self.state.uncovered.get_mut(usize::from(hub.0)) {
            uncovered.retain(|batch, _| *batch > height);
        }
        self.state.due.retain(|subject, _| match subject {
            Subject::Attestation { height: due, hub: at } => *at != hub || *due > height,
            Subject::Beacon { .. } | Subject::KeyPossession { .. } => true,
        });
    }
}
