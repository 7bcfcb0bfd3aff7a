//! Submitters: what the group has attested comes to the hub, whoever's turn it is.

use alloy_primitives::B256;
use protocol::{
    ids::{Height, HubIndex},
    ledger::{Event as LedgerEvent, Ledger},
    subject::Subject,
};

use super::{
    Archive, Own, Submission, World,
    chain::{Attested, News},
    index,
};
use crate::trace::Event;

/// The fee above which a submitter waits, 100 being the usual one.
const FEE_PERCENT_MAX: u32 = 400;

/// What a submission offers for its place, usually.
const TIP: u32 = 100;

/// What gas costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fee {
    percent: u32,
    until_ms: u64,
}

impl Fee {
    pub(super) fn spike(&mut self, percent: u32, until_ms: u64) {
        *self = Self { percent, until_ms };
    }

    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    fn is_dear(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms && self.percent > FEE_PERCENT_MAX
    }
}

impl Archive {
    /// Keeps what a block brought about for the hub.
    pub(super) fn note(&mut self, ledger: &Ledger, block_id: B256, event: &LedgerEvent) {
        match event {
            LedgerEvent::BatchClosed(batch) => {
                self.batches.insert(batch.height, (block_id, batch.clone()));
            }
            LedgerEvent::Signed { subject, signature } => {
                let signatures = ledger.signatures();
                let point = match (ledger.group(), self.message(ledger, *subject)) {
                    (Some(group), Some(message)) => {
                        signatures.group_signature(&group.key, message, signature)
                    }
                    _ => None,
                };
                if let Some(point) = point {
                    self.signed(*subject, point.eip2537);
                }
            }
            _ => {}
        }
    }

    /// What is signed of a batch that is kept here.
    fn message(&self, ledger: &Ledger, subject: Subject) -> Option<B256> {
        let Subject::Attestation { height, hub } = subject else { return None };
        let (block_id, batch) = self.batches.get(&height)?;
        let (genesis, state) = (ledger.genesis(), ledger.state());
        let to = genesis.hub(hub)?.address();
        let (id, epoch) = (genesis.committee_id, state.epoch);
        let attestation = protocol::bytes::attestation;
        Some(attestation(state.ledger_id, to, id, epoch, height, *block_id, batch.acc))
    }

    /// Keeps a group signature.
    pub(super) fn signed(&mut self, subject: Subject, signature: Box<[u8; 128]>) {
        match subject {
            Subject::Attestation { height, .. } => {
                self.attestations.insert(height, signature);
            }
            Subject::KeyPossession { .. } | Subject::Beacon { .. } => {}
        }
    }

    /// The highest height that can be settled after `from`, with what settles it.
    fn settlement(&self, from: Height) -> Option<(Height, Submission)> {
        let (height, signature) = self.attestations.range(from.next()..).next_back()?;
        let (block_id, _) = self.batches.get(height)?;
        let batches = self
            .batches
            .range(from.next()..=*height)
            .map(|(_, (_, batch))| batch.clone())
            .collect();
        let submission = Submission {
            by: 0,
            tip: 0,
            height: *height,
            block_id: *block_id,
            batches,
            signature: signature.clone(),
        };
        Some((*height, submission))
    }
}

impl World<'_> {
    /// A member combined a signature, or found it on the ledger.
    pub(super) fn combined(&mut self, place: usize, subject: Subject, signature: Box<[u8; 128]>) {
        self.tell_combined(place, subject, &signature);
        let Some(process) = self.process(place) else { return };
        process.archive.signed(subject, signature);
        if let Subject::Beacon { height } = subject {
            self.challenge(place, height);
        }
        self.plan_turn(place);
    }

    /// Seeds that follow from a beacon that is known here.
    fn challenge(&mut self, place: usize, opened: Height) {
        let Some(process) = self.process(place) else { return };
        let operator = &process.operator;
        let jobs = operator.ledger().state().jobs.iter().filter(|(_, job)| job.opened == opened);
        let seeds: Vec<_> =
            jobs.filter_map(|(id, _)| operator.seed(*id).map(|seed| (*id, seed))).collect();
        for (job, seed) in seeds {
            self.challenged(job, seed);
        }
    }

    /// Schedules a look at the hub when there is something to settle.
    pub(super) fn plan_turn(&mut self, place: usize) {
        let (now, n) = (self.now_ms, self.members.len() as u64);
        let block_ms = self.scenario.chain.block_ms.max(1);
        let from = self.chain.hub().height;
        let Some(process) = self.process(place) else { return };
        if process.submitting {
            return;
        }
        let Some((height, _)) = process.archive.settlement(from) else { return };
        process.submitting = true;
        // Operator (h + i) mod n waits i turns of two chain blocks.
        let turn = (place as u64 + n - height.0 % n) % n;
        self.own_later(place, now + 10 + turn * 2 * block_ms, Own::Submit);
    }

    /// It is this member's turn: it looks whether somebody was faster, and submits.
    pub(super) fn turn_to_submit(&mut self, place: usize) {
        let now = self.now_ms;
        let block_ms = self.scenario.chain.block_ms.max(1);
        let away = self.away_until_ms.get(place).copied().unwrap_or(0);
        let (hub, dear) = (self.chain.hub().clone(), self.fee.is_dear(now));
        let pending = self.chain.mempool().iter().map(|it| it.height).max().unwrap_or_default();
        let Some(process) = self.process(place) else { return };
        process.submitting = false;
        let Some((height, mut submission)) = process.archive.settlement(hub.height) else { return };
        process.submitting = true;
        // What was sent may be lost to a re-organisation: it is looked at again.
        self.own_later(place, now + 4 * block_ms, Own::Submit);
        if away > now || dear || pending >= height {
            return;
        }
        let Some(tip) = self.tip(place, TIP) else { return };
        submission.by = place;
        submission.tip = tip;
        let (by, hub) = (index(place), HubIndex(0));
        self.tracer.tell(Event::Submitted { by, height, hub });
        self.chain.submit(submission);
    }

    /// Members that see others' submissions and put them on chain as their own.
    pub(super) fn front_running(&mut self) {
        let waiting: Vec<Submission> = self.chain.mempool().to_vec();
        for place in 0..self.members.len() {
            for submission in waiting.iter().filter(|submission| submission.by != place) {
                if self.is_up(place) && self.front_runs(place) {
                    let mut own = submission.clone();
                    own.by = place;
                    own.tip = submission.tip.saturating_add(1);
                    let (by, height, hub) = (index(place), own.height, HubIndex(0));
                    self.tracer.tell(Event::Submitted { by, height, hub });
                    self.chain.submit(own);
                }
            }
        }
    }

    /// The chain's next block, and its number.
    pub(super) fn mine(&mut self) -> (News, u64) {
        let setup = self.setup.clone();
        // The hub knows the group's key from whoever registered it first; a world has one group.
        let group = self.members.iter().filter_map(super::Member::operator);
        let ledger = group.map(operator::Operator::ledger).find(|ledger| ledger.group().is_some());
        let state = setup.ledger.state();
        let verify = |message: B256, signature: &[u8; 128]| {
            ledger.is_some_and(|ledger| setup.is_group_signature(ledger, message, signature))
        };
        let attested = Attested {
            ledger_id: state.ledger_id,
            address: setup.genesis.hubs.first().expect("a genesis has a hub").address(),
            committee_id: setup.genesis.committee_id,
            epoch: state.epoch,
            verify: &verify,
        };
        let news = self.chain.mine(attested);
        (news, self.chain.head())
    }
}
