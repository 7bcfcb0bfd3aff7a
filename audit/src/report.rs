//! What an audit found.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use protocol::outcome::Verdict;
use serde::Serialize;

use crate::finding::Finding;

/// Jobs by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// The proof holds.
    pub valid: u64,
    /// It does not, or the provider signed two.
    pub invalid: u64,
    /// No answer in time.
    pub missed: u64,
    /// No agreement, or nothing to agree on.
    pub inconclusive: u64,
}

impl Verdicts {
    pub(crate) fn count(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Valid => &mut self.valid,
            Verdict::Invalid => &mut self.invalid,
            Verdict::Missed => &mut self.missed,
            Verdict::Inconclusive => &mut self.inconclusive,
        };
        *counter = counter.saturating_add(1);
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.valid
            .saturating_add(self.invalid)
            .saturating_add(self.missed)
            .saturating_add(self.inconclusive)
    }
}

/// What was read and checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records.
    pub records: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Blocks that follow from those before them.
    pub blocks: u64,
    /// Commit certificates that hold.
    pub certificates: u64,
    /// Votes in them.
    pub votes: u64,
    /// Bundles that their operators signed.
    pub bundles: u64,
    /// Facts in them.
    pub facts: u64,
    /// Facts that made no sense and changed nothing.
    pub facts_skipped: u64,
    /// Group signatures on the ledger that hold: beacons.
    pub beacons: u64,
    /// Attestations.
    pub attestations: u64,
    /// Proofs of possession of the group key.
    pub key_proofs: u64,
    /// Group signatures in blocks that were not due any more or do not hold; the ledger ignores them.
    pub signatures_skipped: u64,
    /// Key ceremonies that gave a key.
    pub ceremonies: u64,
    /// Jobs that were opened.
    pub jobs_opened: u64,
    /// Jobs that ended, by verdict.
    pub jobs: Verdicts,
    /// Jobs whose response was judged again, to the same judgement.
    pub rejudged: u64,
    /// Jobs that the ledger itself concluded.
    pub by_ledger: u64,
    /// Jobs that could not be judged again, because something is not in the file.
    pub not_rejudged: u64,
    /// Responses whose provider's signature holds.
    pub responses: u64,
    /// Batches of outcomes.
    pub batches: u64,
}

/// What a hub was, or is to be, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HubReport {
    /// Its chain.
    pub chain_id: u64,
    /// The contract.
    pub hub: Address,
    /// The chain's block from which it takes requests.
    pub start_block: u64,
    /// Batches of outcomes for it.
    pub batches: u64,
    /// Outcomes in them.
    pub outcomes: u64,
    /// Outcomes that an attestation on the ledger covers.
    pub attested: u64,
    /// The accumulator after all of them.
    pub acc: B256,
}

/// The whole audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything holds.
    pub verified: bool,
    /// The ledger.
    pub ledger_id: B256,
    /// Members of the committee.
    pub members: u64,
    /// Its quorum.
    pub quorum: u64,
    /// The last height that was applied.
    pub height: u64,
    /// Its block's id.
    pub block_id: B256,
    /// The state digest after it.
    pub state_digest: B256,
    /// Ledger time after it, unix milliseconds.
    pub ledger_time_ms: u64,
    /// The epoch.
    pub epoch: u64,
    /// The group key, compressed hex.
    pub group_key: Option<String>,
    /// Jobs that are still open.
    pub jobs_open: u64,
    /// What was read and checked.
    pub counts: Counts,
    /// The hubs, in the genesis' order.
    pub hubs: Vec<HubReport>,
    /// What does not hold; at most [`crate::MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_left_off: u64,
    /// State digests and block ids after the heights that the caller asked for.
    #[serde(skip)]
    pub watched: BTreeMap<u64, (B256, B256)>,
    /// The group key as hubs hold it (EIP-2537).
    #[serde(skip)]
    pub group_key_eip2537: Option<Box<[u8; 256]>>,
}

impl Report {
    /// The report of a file whose genesis cannot be used.
    pub(crate) fn of_nothing() -> Self {
        Self {
            verified: false,
            ledger_id: B256::ZERO,
            members: 0,
            quorum: 0,
            height: 0,
            block_id: B256::ZERO,
            state_digest: B256::ZERO,
            ledger_time_ms: 0,
            epoch: 0,
            group_key: None,
            jobs_open: 0,
            counts: Counts::default(),
            hubs: Vec::new(),
            findings: Vec::new(),
            findings_left_off: 0,
            watched: BTreeMap::new(),
            group_key_eip2537: None,
        }
    }
}
