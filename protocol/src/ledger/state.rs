//! Everything that the digest covers.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};

use super::{Ceremony, IndexSet, Job};
use crate::{
    bytes::{Preimage, Tag},
    genesis::Genesis,
    ids::{Epoch, Height, HubIndex, JobId, LedgerTime, OperatorIndex},
    job::Sighting,
    outcome::Outcome,
    subject::Subject,
};

/// The most jobs that are open at once.
pub const MAX_OPEN_JOBS: usize = 4096;

/// The most bytes that batches without a signed attestation have on chain before another one is
/// closed; with the largest batch on top, a transaction still holds them.
pub(super) const MAX_UNCOVERED_BYTES: u64 = 88 * 1024;

/// The most requests that one member can have seen alone.
pub const MAX_SIGHTINGS_PER_MEMBER: u32 = 1024;

/// What the ledger knows of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemberState {
    /// Bundles applied; the next one's number is one more.
    pub bundles: u64,
    /// The height of its latest bundle, 0 if none.
    pub spoke_at: Height,
    /// The latest bundle's time, the epoch's start if there is none.
    pub time: LedgerTime,
    /// Requests that it has seen and that are not open.
    pub sightings: u32,
}

impl MemberState {
    /// Whether it had a bundle in a block after `height`.
    pub fn spoke_after(&self, height: Height) -> bool {
        self.spoke_at > height
    }
}

/// The epoch's group, as the ledger's ceremony gave it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GroupState {
    /// The ceremony round that gave it.
    pub round: u64,
    /// The compressed group key (G2).
    pub key: [u8; 96],
    /// The ceremony's output, as `threshold` encodes it.
    pub output: Vec<u8>,
    /// The dealers' logs that it follows from, in committee order: members compute their shares
    /// from them.
    pub logs: Vec<Vec<u8>>,
}

/// The replicated state.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct State {
    /// The ledger's name.
    pub ledger_id: B256,
    /// The last applied height, 0 before the first.
    pub height: Height,
    /// Its block's id, zero before the first.
    pub block_id: B256,
    /// Ledger time after it.
    pub time: LedgerTime,
    /// The members' present after it: T of the specification, never smaller than before.
    pub present: LedgerTime,
    /// The epoch.
    pub epoch: Epoch,
    /// Members, in committee order.
    pub members: Vec<MemberState>,
    /// Requests that fewer than f+1 members have seen, and who has.
    pub sightings: BTreeMap<Sighting, BTreeSet<OperatorIndex>>,
    /// Open jobs.
    pub jobs: BTreeMap<JobId, Job>,
    /// Concluded, but not yet in a batch.
    pub ready: BTreeMap<(HubIndex, u64), Outcome>,
    /// Job indices that were ever concluded, a set a hub.
    pub concluded: Vec<IndexSet>,
    /// The accumulator of each hub.
    pub accumulators: Vec<B256>,
    /// Bytes on chain of each hub's batches that no signed attestation covers, by height.
    pub uncovered: Vec<BTreeMap<Height, u64>>,
    /// What the group shall sign, and the bytes of it.
    pub due: BTreeMap<Subject, B256>,
    /// The ceremony that is under way.
    pub ceremony: Option<Ceremony>,
    /// The epoch's group.
    pub group: Option<GroupState>,
}

impl State {
    pub(super) fn new(genesis: &Genesis) -> Self {
        let member = MemberState { time: genesis.time_ms, ..MemberState::default() };
        Self {
            ledger_id: genesis.ledger_id(),
            height: Height(0),
            block_id: B256::ZERO,
            time: genesis.time_ms,
            present: genesis.time_ms,
            epoch: Epoch(1),
            members: vec![member; genesis.members.len()],
            sightings: BTreeMap::new(),
            jobs: BTreeMap::new(),
            ready: BTreeMap::new(),
            concluded: vec![IndexSet::default(); genesis.hubs.len()],
            accumulators: vec![B256::ZERO; genesis.hubs.len()],
            uncovered: vec![BTreeMap::new(); genesis.hubs.len()],
            due: BTreeMap::new(),
            ceremony: Some(Ceremony::new(1, Height(0), genesis.parameters.ceremony_ms)),
            group: None,
        }
    }

    /// (STATE, keccak256 of the state's canonical bytes).
    pub fn digest(&self) -> B256 {
        let bytes = borsh::to_vec(self).unwrap_or_default();
        Preimage::new(Tag::State).word(keccak256(bytes)).hash()
    }

    /// The member at `index`.
    pub fn member(&self, index: OperatorIndex) -> Option<&MemberState> {
        self.members.get(usize::from(index.0))
    }

    /// Whether a job was ever concluded.
    pub fn is_concluded(&self, hub: HubIndex, job_index: u64) -> bool {
        self.concluded.get(usize::from(hub.0)).is_some_and(|set| set.contains(job_index))
    }

    /// All clocks that can end something.
    pub(super) fn clocks(&self) -> impl Iterator<Item = &super::Clock> {
        let ceremony = self.ceremony.iter().map(|ceremony| &ceremony.clock);
        self.jobs.values().filter_map(Job::clock).chain(ceremony)
    }

    /// The time that at most ⌊(n−1)/2⌋ members are behind by their latest bundles, not held back by
    /// the step that ledger time may move.
    pub(super) fn members_present(&self) -> LedgerTime {
        let mut times: Vec<LedgerTime> = self.members.iter().map(|member| member.time).collect();
        times.sort_unstable();
        let middle = times.len().saturating_sub(1) / 2;
        times.get(middle).copied().unwrap_or(self.present).max(self.present)
    }

    /// Whether the next block would bring something about even if it were empty: outcomes wait
    /// for a batch, a phase is due, or its clock runs while ledger time still catches up.
    pub fn wants_block(&self) -> bool {
        let behind = self.present > self.time;
        let wants =
            |clock: &super::Clock| clock.is_due(self.time) || (behind && clock.deadline.is_some());
        let batch = self.ready.keys().any(|(hub, _)| self.has_room(*hub));
        batch || self.clocks().any(wants)
    }

    /// Whether another batch of this hub still fits, with those that no signed attestation covers,
    /// into one transaction: so there is always a signed height that a submitter can reach.
    pub fn has_room(&self, hub: HubIndex) -> bool {
        self.uncovered
            .get(usize::from(hub.0))
            .is_some_and(|batches| batches.values().sum::<u64>() <= MAX_UNCOVERED_BYTES)
    }

    /// Whether a clock waits for a bundle of this member to start.
    pub fn wants_bundle(&self, index: OperatorIndex) -> bool {
        let Some(member) = self.member(index) else { return false };
        self.clocks().any(|clock| clock.deadline.is_none() && !member.spoke_after(clock.opened))
    }

    /// The earliest deadline that is still ahead of ledger time.
    pub fn next_deadline(&self) -> Option<LedgerTime> {
        self.clocks()
            .filter_map(|clock| clock.deadline)
            .filter(|deadline| *deadline > self.time)
            .min()
    }
}
