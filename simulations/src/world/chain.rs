//! The modelled chain: blocks, finality, re-organisations, and the hub on it.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::B256;
use operator::Request;
use protocol::{
    bytes::{self, HubAddress, accumulate},
    ids::{Epoch, Height},
    job::Position,
    ledger::Batch,
    outcome::Verdict,
};

/// Blocks for which the hub's earlier state is kept: no re-organisation is deeper.
const UNDO_BLOCKS: usize = 64;

/// A transaction to the hub.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Who sent it.
    pub by: usize,
    /// What it offers for a place in the block: more goes first.
    pub tip: u32,
    /// The height up to which it settles.
    pub height: Height,
    /// The block's id at that height.
    pub block_id: B256,
    /// The batches after the hub's last height up to this one.
    pub batches: Vec<Batch>,
    /// The group's signature on the attestation.
    pub signature: Box<[u8; 128]>,
}

/// What the hub keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hub {
    /// The last height that was settled.
    pub height: Height,
    /// The accumulator up to it.
    pub acc: B256,
    /// Outcomes by job index: verdict and code.
    pub outcomes: BTreeMap<u64, (u8, u16)>,
}

/// Why the hub refused a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another was faster.
    NotNewer,
    /// The batches do not continue from the hub's accumulator.
    Gap,
    /// The signature is not the group's on what the batches give.
    Signature,
    /// A job has an outcome already.
    Twice(u64),
}

/// What became of a submission.
#[derive(Clone, Debug)]
pub enum Settled {
    /// Recorded.
    Recorded {
        /// Who was paid.
        by: usize,
        /// Up to this height.
        height: Height,
        /// The outcomes in it.
        outcomes: Vec<(u64, Verdict, u16)>,
        /// What the hub keeps now.
        acc: B256,
    },
    /// Refused.
    Refused {
        /// Who sent it.
        by: usize,
        /// Up to this height.
        height: Height,
        /// Why.
        why: Refusal,
    },
}

/// What is in a block.
#[derive(Clone, Debug, Default)]
struct ChainBlock {
    requests: Vec<Request>,
    submissions: Vec<Submission>,
    /// The hub before it.
    before: Hub,
}

/// The chain.
#[derive(Debug, Default)]
pub struct Chain {
    /// The number of the last block; 0 is the first.
    head: u64,
    /// The last blocks, the newest last.
    recent: VecDeque<ChainBlock>,
    /// Final requests, by block.
    requests: BTreeMap<u64, Vec<Request>>,
    waiting_requests: Vec<Request>,
    mempool: Vec<Submission>,
    hub: Hub,
}

/// What a new block brought.
#[derive(Debug, Default)]
pub struct News {
    /// Requests that are on the chain, where they are now.
    pub requests: Vec<Request>,
    /// What became of submissions.
    pub settled: Vec<Settled>,
}

impl Chain {
    /// The number of the last block.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// What the hub keeps, as the last block has it.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Submissions that wait for a block.
    pub fn mempool(&self) -> &[Submission] {
        &self.mempool
    }

    /// A request that waits for a block.
    pub fn request(&mut self, request: Request) {
        self.waiting_requests.push(request);
    }

    /// A submission that waits for a block.
    pub fn submit(&mut self, submission: Submission) {
        self.mempool.push(submission);
    }

    /// Requests in the blocks of a range, both ends included.
    pub fn requests(&self, from: u64, to: u64) -> impl Iterator<Item = &Request> {
        self.requests.range(from..=to).flat_map(|(_, requests)| requests)
    }

    /// The next block. `verify` says whether a signature is the group's on a message, and `address`
    /// and `ledger` are what attestations are bound to.
    pub fn mine(&mut self, ledger: Attested<'_>) -> News {
        self.head += 1;
        let before = self.hub.clone();
        let mut news = News::default();
        for (log_index, mut request) in (0..).zip(std::mem::take(&mut self.waiting_requests)) {
            request.sighting.position = Position { block_number: self.head, log_index };
            news.requests.push(request);
        }
        self.requests.insert(self.head, news.requests.clone());
        let mut submissions = std::mem::take(&mut self.mempool);
        // A stable sort: among equals, who came first.
        submissions.sort_by_key(|submission| std::cmp::Reverse(submission.tip));
        for submission in &submissions {
            news.settled.push(self.execute(submission, &ledger));
        }
        self.recent.push_back(ChainBlock { requests: news.requests.clone(), submissions, before });
        if self.recent.len() > UNDO_BLOCKS {
            self.recent.pop_front();
        }
        news
    }

    fn execute(&mut self, submission: &Submission, ledger: &Attested<'_>) -> Settled {
        let (by, height) = (submission.by, submission.height);
        match self.hub.settle(submission, ledger) {
            Ok((hub, outcomes)) => {
                let acc = hub.acc;
                self.hub = hub;
                Settled::Recorded { by, height, outcomes, acc }
            }
            Err(why) => Settled::Refused { by, height, why },
        }
    }

    /// The last `depth` blocks are gone; what was in them waits again. The first block's number.
    pub fn reorganise(&mut self, depth: u64) -> u64 {
        let depth = depth.min(self.recent.len() as u64).min(self.head);
        for _ in 0..depth {
            let Some(block) = self.recent.pop_back() else { break };
            self.hub = block.before;
            self.requests.remove(&self.head);
            let later = std::mem::take(&mut self.waiting_requests);
            self.waiting_requests = block.requests.into_iter().chain(later).collect();
            let later = std::mem::take(&mut self.mempool);
            self.mempool = block.submissions.into_iter().chain(later).collect();
            self.head -= 1;
        }
        self.head + 1
    }
}

/// What attestations are bound to, and who checks them.
pub struct Attested<'a> {
    /// The ledger's id.
    pub ledger_id: B256,
    /// The hub.
    pub address: HubAddress,
    /// The committee.
    pub committee_id: u32,
    /// The epoch.
    pub epoch: Epoch,
    /// Whether these bytes are the group's signature on the message.
    pub verify: &'a dyn Fn(B256, &[u8; 128]) -> bool,
}

type Outcomes = Vec<(u64, Verdict, u16)>;

impl Hub {
    /// The hub after a submission: the accumulator continues, the group signed it, and no job has
    /// two outcomes.
    fn settle(
        &self,
        submission: &Submission,
        ledger: &Attested<'_>,
    ) -> Result<(Self, Outcomes), Refusal> {
        if submission.height <= self.height {
            return Err(Refusal::NotNewer);
        }
        let mut hub = self.clone();
        let mut outcomes = Vec::new();
        for batch in &submission.batches {
            let count = u32::try_from(batch.outcomes.len()).unwrap_or(u32::MAX);
            hub.acc = accumulate(hub.acc, batch.root, &batch.packed, count);
            for outcome in &batch.outcomes {
                let judgement = &outcome.judgement;
                let value = (judgement.verdict.to_u8(), judgement.code);
                if hub.outcomes.insert(outcome.job_index, value).is_some() {
                    return Err(Refusal::Twice(outcome.job_index));
                }
                outcomes.push((outcome.job_index, judgement.verdict, judgement.code));
            }
        }
        let last = submission.batches.last().map(|batch| batch.height);
        if last != Some(submission.height)
            || submission.batches.first().map(|batch| batch.previous) != Some(self.acc)
        {
            return Err(Refusal::Gap);
        }
        hub.height = submission.height;
        let message = bytes::attestation(
            ledger.ledger_id,
            ledger.address,
            ledger.committee_id,
            ledger.epoch,
            submission.height,
            submission.block_id,
            hub.acc,
        );
        if !(ledger.verify)(message, &submission.signature) {
            return Err(Refusal::Signature);
        }
        Ok((hub, outcomes))
    }
}
