//! What happened, told to the trace.

use alloy_primitives::{B256, keccak256};
use arc_malachitebft_core_consensus::SignedConsensusMsg;
use arc_malachitebft_core_types::VoteType;
use operator::Topic;
use protocol::{
    block::Block, envelope::PartialEnvelope, ids::Height, ledger::Event as LedgerEvent,
    subject::Subject,
};

use super::{Payload, Refusal, Settled, World, index, message_of};
use crate::{
    engine::{DecidedBlock, Message},
    trace::{Event, Place},
};

/// Bytes before a gossiped message: which attempt it is.
const ATTEMPT_BYTES: usize = 4;

impl World<'_> {
    pub(super) fn tell_warning(&mut self, place: usize, what: String) {
        self.told.warnings.push(format!("{place}: {what}"));
        self.tracer.tell(Event::Warned { by: index(place), what });
    }

    /// What of a message its sender may say once.
    pub(super) fn tell_said(&mut self, place: usize, payload: &Payload) {
        match payload {
            Payload::Consensus(message) => {
                if let Message::Consensus(message) = &**message {
                    self.tell_vote(place, message);
                }
            }
            Payload::Gossip(topic, bytes) => {
                let Some((attempt, message)) = bytes.split_at_checked(ATTEMPT_BYTES) else {
                    return;
                };
                // An honest member that says the same again says nothing new.
                let first = attempt.iter().all(|byte| *byte == 0);
                if first || !self.is_plain(place) {
                    match topic {
                        Topic::Bundles => self.tell_bundle(place, bytes),
                        Topic::Partials => self.tell_partial(place, message),
                        Topic::Responses => {}
                    }
                }
            }
            Payload::Direct(_) | Payload::Fetch(..) | Payload::Body(_) | Payload::Answer(_) => {}
        }
    }

    /// Whether nothing but the operator itself decides what it says.
    fn is_plain(&self, place: usize) -> bool {
        self.adversaries.get(place).is_none_or(Vec::is_empty)
    }

    fn tell_vote(&mut self, place: usize, message: &SignedConsensusMsg<consensus::LedgerContext>) {
        let ledger_id = self.setup.ledger.state().ledger_id.0;
        let (said, digest) = match message {
            SignedConsensusMsg::Vote(signed) => {
                let vote = &signed.message;
                let (height, round) = (vote.height.0, vote.round.as_u32().unwrap_or_default());
                let said = match vote.step {
                    VoteType::Prevote => Place::Prevote(height, round),
                    VoteType::Precommit => Place::Precommit(height, round),
                };
                (said, vote.digest(&ledger_id))
            }
            SignedConsensusMsg::Proposal(signed) => {
                let proposal = &signed.message;
                let round = proposal.round.as_u32().unwrap_or_default();
                let said = Place::Proposal(proposal.height.0, round);
                (said, proposal.digest(&ledger_id))
            }
        };
        self.tracer.tell(Event::Said { by: index(place), place: said, digest: B256::from(digest) });
    }

    fn tell_bundle(&mut self, place: usize, bytes: &[u8]) {
        for statement in operator::statements(Topic::Bundles, bytes) {
            if statement.operator != index(place) {
                continue;
            }
            let said = match statement.place {
                operator::Place::Bundle(number) => Place::Bundle(number),
                operator::Place::Commit(job) => Place::Commit(job),
                operator::Place::Reveal(job) => Place::Reveal(job),
                operator::Place::CeremonyKey(round) => Place::CeremonyKey(round),
                operator::Place::CeremonyLog(round) => Place::CeremonyLog(round),
                operator::Place::Partial(subject) => Place::Partial(subject),
                operator::Place::Saw(_) | operator::Place::Got(..) => continue,
            };
            let (by, digest) = (statement.operator, statement.digest);
            self.tracer.tell(Event::Said { by, place: said, digest });
        }
    }

    fn tell_partial(&mut self, place: usize, message: &[u8]) {
        let Ok(envelope) = PartialEnvelope::decode(message) else { return };
        let (by, subject) = (index(place), envelope.subject);
        if envelope.operator != by {
            return;
        }
        let digest = keccak256(envelope.partial);
        self.tracer.tell(Event::Said { by, place: Place::Partial(subject), digest });
        let setup = self.setup.clone();
        let Some(operator) = self.members.get(place).and_then(super::Member::operator) else {
            return;
        };
        let ledger = operator.ledger();
        if let Some(message) = message_of(ledger, subject) {
            let holds = setup.is_partial(ledger, by.0, message, &envelope.partial);
            self.tracer.tell(Event::Partial { by, subject, message, holds });
        }
    }

    pub(super) fn tell_combined(&mut self, place: usize, subject: Subject, signature: &[u8; 128]) {
        let setup = self.setup.clone();
        let Some(operator) = self.members.get(place).and_then(super::Member::operator) else {
            return;
        };
        let ledger = operator.ledger();
        let message = message_of(ledger, subject);
        let holds =
            message.is_some_and(|message| setup.is_group_signature(ledger, message, signature));
        let (by, digest) = (index(place), keccak256(signature));
        if let Subject::Attestation { height, .. } = subject {
            self.told.attestations.insert(height, *signature);
        }
        self.tracer.tell(Event::Combined { by, subject, holds, digest });
    }

    /// Blocks that were decided before the world began.
    pub(super) fn tell_earlier_blocks(&mut self) {
        let Some(disk) = self.members.first().map(|member| &member.disk) else { return };
        let mut ledger = self.setup.ledger.clone();
        for decided in disk.blocks.clone() {
            let Ok(block) = Block::decode(&decided.body) else { return };
            self.tell_decided(&decided, &block);
            let id = decided.certificate.value_id.0.into();
            for event in ledger.apply(id, &block) {
                self.tell_ledger(ledger.state().height, event);
            }
            self.told.height = ledger.state().height.0;
        }
    }

    /// The first to decide a height tells of it.
    pub(super) fn tell_decided(&mut self, decided: &DecidedBlock, block: &Block) {
        let certificate = &decided.certificate;
        let height = certificate.height.0;
        if height != self.told.blocks.len() as u64 + 1 {
            return;
        }
        self.told.blocks.push(decided.clone());
        let round = certificate.round.as_u32().unwrap_or_default();
        let n = self.members.len() as u64;
        let proposer = usize::try_from((height + u64::from(round)) % n).unwrap_or(0);
        let event = Event::Decided {
            height: Height(height),
            round,
            proposer: index(proposer),
            id: certificate.value_id.0.into(),
            block: block.clone(),
        };
        self.tracer.tell(event);
    }

    /// What a block brought about: told by the first that applied it, heeded by everybody.
    pub(super) fn ledger_events(&mut self, place: usize, events: Vec<LedgerEvent>) {
        if events.is_empty() {
            return;
        }
        let Some(process) = self.process(place) else { return };
        let height = process.operator.ledger().state().height;
        let block_id = process.operator.ledger().state().block_id;
        for event in &events {
            process.archive.note(process.operator.ledger(), block_id, event);
        }
        let first = height.0 > self.told.height;
        if first {
            self.told.height = height.0;
        }
        for event in events {
            if let LedgerEvent::Challenged { job, seed } = &event {
                self.challenged(*job, *seed);
            }
            if first {
                self.tell_ledger(height, event);
            }
        }
        self.plan_turn(place);
    }

    fn tell_ledger(&mut self, height: Height, event: LedgerEvent) {
        let told = match event {
            LedgerEvent::Skipped { operator, number, position, code } => Event::Skipped {
                height,
                operator,
                number,
                position: u32::try_from(position).unwrap_or(u32::MAX),
                why: code.to_string(),
            },
            LedgerEvent::Opened { job } => Event::Opened { height, job },
            LedgerEvent::Challenged { job, seed } => Event::Challenged { height, job, seed },
            LedgerEvent::Answered { job, response } => Event::Answered { height, job, response },
            LedgerEvent::RevealsOpened { job } => Event::RevealsOpened { height, job },
            LedgerEvent::Concluded(outcome) => {
                self.told.outcomes.insert(outcome.job, outcome.clone());
                Event::Concluded { height, outcome }
            }
            LedgerEvent::BatchClosed(batch) => {
                let told = Event::Batched {
                    height,
                    hub: batch.hub,
                    outcomes: batch.outcomes.clone(),
                    previous: batch.previous,
                    acc: batch.acc,
                };
                self.told.batches.insert(batch.height, batch);
                told
            }
            LedgerEvent::Signed { subject, signature } => {
                Event::Signed { height, subject, signature }
            }
            LedgerEvent::GroupFormed { round, absent, revealed, .. } => {
                Event::GroupFormed { height, round, absent, revealed }
            }
            LedgerEvent::CeremonyFailed { round, absent, .. } => {
                Event::CeremonyFailed { height, round, absent }
            }
            LedgerEvent::SignatureDue { .. }
            | LedgerEvent::SignatureSkipped { .. }
            | LedgerEvent::CeremonyOpened { .. }
            | LedgerEvent::DealingOpened { .. } => return,
        };
        self.tracer.tell(told);
    }

    pub(super) fn tell_settled(&mut self, settled: Settled) {
        let hub = protocol::ids::HubIndex(0);
        let event = match settled {
            Settled::Recorded { by, height, outcomes, acc } => {
                Event::Recorded { by: index(by), height, hub, outcomes, acc }
            }
            Settled::Refused { by, height, why } => {
                let why = match why {
                    Refusal::NotNewer => "another was faster".into(),
                    Refusal::Gap => "it does not continue from the accumulator".into(),
                    Refusal::Signature => "the group did not sign it".into(),
                    Refusal::Twice(job) => format!("job {job} has an outcome already"),
                };
                Event::Refused { by: index(by), height, why }
            }
        };
        self.tracer.tell(event);
    }
}
