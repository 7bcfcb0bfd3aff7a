//! What can happen.

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use operator::JournalKey;
use protocol::{
    block::Block,
    ids::{Height, HubIndex, JobId, LedgerTime, OperatorIndex},
    job::Sighting,
    outcome::{Outcome, Verdict},
    subject::Subject,
};

use super::FaultClass;
use crate::scenario::Behaviour;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Channel {
    /// Proposals and votes.
    Consensus,
    /// Bodies of proposed blocks.
    Proposals,
    /// Decided blocks that a member asks for.
    Sync,
    /// Signed bundles.
    Bundles,
    /// Responses, or that one is held.
    Responses,
    /// Bodies of responses that a member asks for.
    Bodies,
    /// Partial signatures.
    Partials,
    /// Dealings and acknowledgements, from one to one.
    Ceremony,
    /// Answers of providers.
    Answers,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Consensus,
        Self::Proposals,
        Self::Sync,
        Self::Bundles,
        Self::Responses,
        Self::Bodies,
        Self::Partials,
        Self::Ceremony,
        Self::Answers,
    ];

    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Proposals => "proposals",
            Self::Sync => "sync",
            Self::Bundles => "bundles",
            Self::Responses => "responses",
            Self::Bodies => "bodies",
            Self::Partials => "partials",
            Self::Ceremony => "ceremony",
            Self::Answers => "answers",
        }
    }
}

/// A place that one operator may fill once: what it says there twice must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Place {
    /// A bundle, by its number.
    Bundle(u64),
    /// The commitment to a judgement.
    Commit(JobId),
    /// The judgement.
    Reveal(JobId),
    /// The key of a ceremony round.
    CeremonyKey(u64),
    /// The dealer's log of a ceremony round.
    CeremonyLog(u64),
    /// A partial signature.
    Partial(Subject),
    /// A proposal of consensus: height and round.
    Proposal(u64, u32),
    /// A prevote: height and round.
    Prevote(u64, u32),
    /// A precommit: height and round.
    Precommit(u64, u32),
}

/// One event, where it stands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Record {
    /// Of the world's scheduler: several events may have one.
    pub step: u64,
    /// Virtual milliseconds since the start.
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
}

/// What happened. New kinds are added at the end: earlier traces stay readable.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Event {
    /// The world begins: unix milliseconds of its time 0, and what its ledger stands on.
    Began {
        /// Unix milliseconds at time 0.
        unix_ms: u64,
        /// Unix milliseconds at which its ledger begins: earlier, if the ceremony is done.
        genesis_ms: u64,
        /// The ledger.
        ledger_id: B256,
        /// Members, by place: address of the operator key.
        operators: Vec<[u8; 20]>,
    },
    /// A request is on the chain.
    Requested {
        /// What was asked, and where it is.
        sighting: Sighting,
        /// What its provider is going to do.
        provider: Behaviour,
    },
    /// An operator's endpoint shows a request as final.
    Shown {
        /// Whose.
        by: OperatorIndex,
        /// Which.
        job: JobId,
    },
    /// A provider answers a challenge; for each body once.
    Responded {
        /// The job.
        job: JobId,
        /// The response's root.
        response: B256,
        /// Whether it is right.
        holds: bool,
    },
    /// A message leaves.
    Sent {
        /// Who sends; a provider if nobody.
        from: Option<OperatorIndex>,
        /// What.
        channel: Channel,
        /// Its length in bytes.
        bytes: u32,
        /// To how many.
        copies: u16,
    },
    /// A message arrives at a process that runs.
    Arrived {
        /// From whom; a provider if nobody.
        from: Option<OperatorIndex>,
        /// At whom.
        at: OperatorIndex,
        /// What.
        channel: Channel,
        /// Its length in bytes.
        bytes: u32,
    },
    /// A fault of the world, or an act of an adversary.
    Fault {
        /// Which.
        class: FaultClass,
        /// Whom it befell, or who did it.
        at: Option<OperatorIndex>,
        /// The other side of a link, or its victim.
        other: Option<OperatorIndex>,
    },
    /// A process is gone.
    Crashed {
        /// Whose.
        at: OperatorIndex,
        /// Journal entries, blocks and votes that were written and are lost.
        lost_writes: u32,
    },
    /// A process runs again.
    Started {
        /// Whose.
        at: OperatorIndex,
        /// The height that its disk has.
        height: Height,
    },
    /// Operators are cut off from the rest.
    Parted {
        /// Who.
        operators: Vec<OperatorIndex>,
        /// Until when, in virtual milliseconds.
        until_ms: u64,
    },
    /// From here on nothing more is injected.
    Healed,
    /// An operator's endpoint shows a re-organisation beyond finality: it halts.
    Halted {
        /// Who.
        at: OperatorIndex,
        /// For which hub.
        hub: HubIndex,
    },
    /// Chain blocks were replaced.
    Reorganised {
        /// The first one's number.
        from_block: u64,
        /// How many.
        depth: u64,
        /// Whether some were final.
        beyond_finality: bool,
    },
    /// An operator says something that it may say once: first time or again.
    Said {
        /// Who.
        by: OperatorIndex,
        /// Where.
        place: Place,
        /// What, hashed.
        digest: B256,
    },
    /// A journal entry is durable.
    Synced {
        /// Whose.
        by: OperatorIndex,
        /// Which.
        key: JournalKey,
        /// What, hashed; zero once removed.
        digest: B256,
    },
    /// A verifier has judged.
    Verified {
        /// Whose.
        by: OperatorIndex,
        /// The job.
        job: JobId,
        /// The response's root.
        response: B256,
        /// What it said.
        verdict: Verdict,
        /// The reason code.
        code: u16,
    },
    /// A round of consensus begins at an operator.
    Round {
        /// Where.
        at: OperatorIndex,
        /// The height.
        height: Height,
        /// The round.
        round: u32,
        /// Whose turn it is to propose.
        proposer: OperatorIndex,
    },
    /// A block is decided: told once, with its body, by the first that decided it.
    Decided {
        /// The height.
        height: Height,
        /// The round.
        round: u32,
        /// Who proposed it.
        proposer: OperatorIndex,
        /// Its id.
        id: B256,
        /// Its body.
        block: Block,
    },
    /// An operator has applied a block.
    Applied {
        /// Who.
        by: OperatorIndex,
        /// The height.
        height: Height,
        /// The block's id.
        id: B256,
        /// The state's digest after it.
        state_digest: B256,
        /// Ledger time after it.
        time: LedgerTime,
    },
    /// The ledger opened a job: told once, by the first that applied the block; so are all up to
    /// [`Event::Signed`].
    Opened {
        /// The height.
        height: Height,
        /// The job.
        job: JobId,
    },
    /// The ledger has the job's seed.
    Challenged {
        /// The height.
        height: Height,
        /// The job.
        job: JobId,
        /// The seed.
        seed: B256,
    },
    /// The ledger has fixed the response.
    Answered {
        /// The height.
        height: Height,
        /// The job.
        job: JobId,
        /// The response's root.
        response: B256,
    },
    /// The ledger takes reveals.
    RevealsOpened {
        /// The height.
        height: Height,
        /// The job.
        job: JobId,
    },
    /// The ledger skipped a fact.
    Skipped {
        /// The height.
        height: Height,
        /// Whose.
        operator: OperatorIndex,
        /// In which bundle.
        number: u64,
        /// Its place there.
        position: u32,
        /// Why, in words.
        why: String,
    },
    /// The ledger concluded a job.
    Concluded {
        /// The height.
        height: Height,
        /// How.
        outcome: Outcome,
    },
    /// The ledger closed a batch.
    Batched {
        /// The height.
        height: Height,
        /// For whom.
        hub: HubIndex,
        /// Its outcomes.
        outcomes: Vec<Outcome>,
        /// The accumulator before.
        previous: B256,
        /// And after.
        acc: B256,
    },
    /// The ledger has the group's key.
    GroupFormed {
        /// The height.
        height: Height,
        /// The ceremony's round.
        round: u64,
        /// Members without a log.
        absent: Vec<OperatorIndex>,
        /// Whether a share had to be made public.
        revealed: bool,
    },
    /// A ceremony round gave no key.
    CeremonyFailed {
        /// The height.
        height: Height,
        /// The round.
        round: u64,
        /// Whose key or log was missing.
        absent: Vec<OperatorIndex>,
    },
    /// The ledger has a group signature.
    Signed {
        /// The height.
        height: Height,
        /// On what.
        subject: Subject,
        /// The signature, compressed.
        signature: [u8; 48],
    },
    /// An operator releases its partial signature, the first time since it started.
    Partial {
        /// Who.
        by: OperatorIndex,
        /// On what.
        subject: Subject,
        /// The 32 bytes that are signed.
        message: B256,
        /// Whether it is that operator's on these bytes.
        holds: bool,
    },
    /// An operator has combined partial signatures.
    Combined {
        /// Who.
        by: OperatorIndex,
        /// On what.
        subject: Subject,
        /// Whether the group's key verifies it.
        holds: bool,
        /// Its EIP-2537 bytes, hashed.
        digest: B256,
    },
    /// An operator sends a transaction to the hub.
    Submitted {
        /// Who.
        by: OperatorIndex,
        /// The height up to which it settles.
        height: Height,
        /// The hub.
        hub: HubIndex,
    },
    /// The hub has recorded it.
    Recorded {
        /// Who was paid.
        by: OperatorIndex,
        /// The height up to which it settles.
        height: Height,
        /// The hub.
        hub: HubIndex,
        /// Outcomes in it: job index, verdict, code.
        outcomes: Vec<(u64, Verdict, u16)>,
        /// The accumulator that the hub keeps now.
        acc: B256,
    },
    /// The hub refused it.
    Refused {
        /// Who sent it.
        by: OperatorIndex,
        /// The height up to which it was to settle.
        height: Height,
        /// Why.
        why: String,
    },
    /// An operator blames a member for a message.
    Blamed {
        /// Who says so.
        by: OperatorIndex,
        /// Whom.
        member: OperatorIndex,
        /// For what.
        why: String,
    },
    /// An operator tells a person something.
    Warned {
        /// Who.
        by: OperatorIndex,
        /// What.
        what: String,
    },
    /// What an operator holds in memory, told now and then.
    Held {
        /// Who.
        by: OperatorIndex,
        /// Messages in its queues.
        messages: u32,
        /// Journal entries.
        journal: u32,
        /// Bytes of the journal.
        journal_bytes: u64,
    },
    /// The run is over.
    Ended,
}
