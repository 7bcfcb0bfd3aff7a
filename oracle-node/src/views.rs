//! What the API shows of the node: a copy that the core replaces after each change.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, hex};
use operator::Operator;
use protocol::{
    ids::{JobId, OperatorIndex},
    ledger::{Job, Phase},
    outcome::Outcome,
};
use serde::{Deserialize, Serialize};

use crate::halt::Halt;

/// A chain as this operator's endpoint shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStatus {
    /// EIP-155 id.
    pub chain_id: u64,
    /// The last final block that was read.
    pub finalized: u64,
    /// Its unix seconds, 0 before the first.
    pub finalized_time: u64,
    /// The head when it was read.
    pub head: u64,
    /// Whether reading works.
    pub healthy: bool,
    /// Set once a final block was replaced, until a person lifts it: this node signs nothing for the chain.
    pub halted: bool,
    /// Why it is not healthy, or halted.
    #[serde(default)]
    pub trouble: Option<String>,
}

impl ChainStatus {
    /// Nothing was read yet.
    pub(crate) fn at_start(chain_id: u64, halt: Option<&Halt>) -> Self {
        let trouble = halt.map(Halt::to_string);
        let halted = halt.is_some();
        Self { chain_id, finalized: 0, finalized_time: 0, head: 0, healthy: true, halted, trouble }
    }
}

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The ledger.
    pub ledger_id: B256,
    /// This operator.
    pub operator: Address,
    /// Its place in the committee.
    pub index: u16,
    /// The last applied height.
    pub height: u64,
    /// Its block's id.
    pub block_id: B256,
    /// The state digest after it.
    pub state_digest: B256,
    /// The epoch.
    pub epoch: u64,
    /// The committee.
    pub committee_id: u32,
    /// Members of the committee.
    pub members: u16,
    /// Operators that are connected, without this one.
    pub peers: u64,
    /// The group key, compressed hex; none before the ceremony has ended.
    pub group_key: Option<String>,
    /// Whether this operator holds a share of it.
    pub has_share: bool,
    /// Ledger time, unix milliseconds.
    pub ledger_time_ms: u64,
    /// How far this machine's clock is ahead of the other members', in milliseconds, the way of a
    /// bundle included; absent while none was heard.
    pub clock_offset_ms: Option<i64>,
    /// Jobs between opening and conclusion.
    pub open_jobs: u64,
    /// The chains.
    pub chains: Vec<ChainStatus>,
}

/// A job, open or concluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub job_id: B256,
    /// The hub's number for it.
    pub job_index: u64,
    /// Its chain.
    pub chain_id: u64,
    /// The contract that asked.
    pub escrow: Address,
    /// Who must answer.
    pub provider: Address,
    /// The proof kind's selector.
    pub kind: String,
    /// keccak256 of the statement.
    pub statement_hash: B256,
    /// Unix seconds.
    pub deadline: u64,
    /// `challenged`, `answering`, `judging`, `revealing` or `concluded`.
    pub phase: String,
    /// The height that opened it.
    pub opened: u64,
    /// The challenge's seed, once there is one.
    pub seed: Option<B256>,
    /// The response, once it is fixed.
    pub response: Option<B256>,
    /// Members that committed.
    pub commitments: u64,
    /// Members that revealed.
    pub reveals: u64,
    /// How it ended.
    pub outcome: Option<OutcomeView>,
}

/// A conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeView {
    /// `valid`, `invalid`, `missed` or `inconclusive`.
    pub verdict: protocol::outcome::Verdict,
    /// The reason code, 0 for none.
    pub code: u16,
    /// The value in the kind's unit, decimal.
    pub value: String,
    /// The EVIDENCE hash.
    pub evidence: B256,
    /// The height that concluded it.
    pub height: u64,
}

/// A challenge that waits for its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The ledger that the answer is signed for.
    pub ledger_id: B256,
    /// The job.
    pub job_id: B256,
    /// The hub's number for it.
    pub job_index: u64,
    /// The chain.
    pub chain_id: u64,
    /// The hub.
    pub hub: Address,
    /// Who must answer.
    pub provider: Address,
    /// The proof kind's selector.
    pub kind: String,
    /// The statement, hex.
    pub statement: String,
    /// The seed.
    pub seed: B256,
    /// When answers end, unix milliseconds of ledger time; absent while the clock has not started.
    pub answer_by_ms: Option<u64>,
}

/// A member of the committee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Its place, and the index of its share.
    pub index: u16,
    /// Its operator address.
    pub operator: Address,
    /// Bundles of it on the ledger.
    pub bundles: u64,
    /// The height of its latest bundle, 0 if there is none.
    pub spoke_at: u64,
    /// Whether it is connected, or this node's own.
    pub connected: bool,
    /// Partial signatures of it on what was due, since this node started.
    pub partials: u64,
}

/// What the node sees beside the ledger.
pub struct Seen<'a> {
    /// Connected operators.
    pub peers: &'a BTreeSet<OperatorIndex>,
    /// How far the clock is ahead of theirs.
    pub clock_offset_ms: Option<i64>,
    /// The chains.
    pub chains: Vec<ChainStatus>,
}

/// Everything the API shows without asking the core.
#[derive(Clone, Debug)]
pub struct View {
    /// The committee.
    pub members: Vec<MemberView>,
    /// The node.
    pub status: Status,
    /// Open jobs, by id.
    pub jobs: Vec<JobView>,
    /// Challenges that wait for an answer.
    pub challenges: Vec<Challenge>,
}

impl View {
    /// The view of an operator.
    pub fn of(operator: &Operator, seen: Seen<'_>) -> Self {
        let ledger = operator.ledger();
        let (state, genesis) = (ledger.state(), ledger.genesis());
        let address = genesis.member(operator.index()).map(|member| member.operator);
        let status = Status {
            ledger_id: state.ledger_id,
            operator: address.unwrap_or_default(),
            index: operator.index().0,
            height: state.height.0,
            block_id: state.block_id,
            state_digest: ledger.digest(),
            epoch: state.epoch.0,
            committee_id: genesis.committee_id,
            members: u16::try_from(genesis.members.len()).unwrap_or(u16::MAX),
            peers: seen.peers.len() as u64,
            group_key: state.group.as_ref().map(|group| hex::encode_prefixed(group.key)),
            has_share: operator.has_share(),
            ledger_time_ms: state.time.0,
            clock_offset_ms: seen.clock_offset_ms,
            open_jobs: state.jobs.len() as u64,
            chains: seen.chains,
        };
        let jobs = state.jobs.iter().map(|(id, job)| open_job(*id, job)).collect();
        let challenges = state
            .jobs
            .iter()
            .filter(|(_, job)| matches!(job.phase, Phase::Challenged | Phase::Answering))
            .filter_map(|(id, job)| challenge(operator, *id, job))
            .collect();
        let members = genesis
            .indices()
            .zip(genesis.members.iter().zip(&state.members))
            .map(|(index, (member, state))| MemberView {
                index: index.0,
                operator: member.operator,
                bundles: state.bundles,
                spoke_at: state.spoke_at.0,
                connected: index == operator.index() || seen.peers.contains(&index),
                partials: operator.partials(index),
            })
            .collect();
        Self { members, status, jobs, challenges }
    }
}

fn open_job(id: JobId, job: &Job) -> JobView {
    let known = |hash: B256| (hash != B256::ZERO).then_some(hash);
    let phase = match job.phase {
        Phase::Challenged => "challenged",
        Phase::Answering => "answering",
        Phase::Judging => "judging",
        Phase::Revealing => "revealing",
    };
    JobView {
        phase: phase.into(),
        seed: known(job.seed),
        response: known(job.response),
        commitments: job.commitments.len() as u64,
        reveals: job.reveals.len() as u64,
        ..described(id, &job.sighting.job, job.opened.0)
    }
}

fn described(id: JobId, job: &protocol::job::JobDescriptor, opened: u64) -> JobView {
    JobView {
        job_id: id.0,
        job_index: job.index,
        chain_id: job.chain_id,
        escrow: job.escrow,
        provider: job.provider,
        kind: hex::encode_prefixed(job.kind),
        statement_hash: job.statement_hash,
        deadline: job.deadline_seconds,
        phase: "concluded".into(),
        opened,
        seed: None,
        response: None,
        commitments: 0,
        reveals: 0,
        outcome: None,
    }
}

impl JobView {
    /// The view of an archived job.
    pub fn archived(id: JobId, record: &crate::archive::JobRecord) -> Self {
        let known = |hash: B256| (hash != B256::ZERO).then_some(hash);
        let outcome = |(outcome, height): &(Outcome, protocol::ids::Height)| OutcomeView {
            verdict: outcome.judgement.verdict,
            code: outcome.judgement.code,
            value: outcome.judgement.value.to_string(),
            evidence: outcome.judgement.evidence,
            height: height.0,
        };
        Self {
            seed: known(record.seed),
            response: known(record.response),
            outcome: record.concluded.as_ref().map(outcome),
            ..described(id, &record.sighting.job, record.opened.0)
        }
    }
}

fn challenge(operator: &Operator, id: JobId, job: &Job) -> Option<Challenge> {
    let genesis = operator.ledger().genesis();
    let hub = genesis.hub(job.sighting.hub)?;
    // Without the statement from its own endpoint, this operator leaves the challenge to others.
    let statement = operator.statement(id)?;
    Some(Challenge {
        ledger_id: operator.ledger().state().ledger_id,
        job_id: id.0,
        job_index: job.sighting.job.index,
        chain_id: hub.chain_id,
        hub: hub.hub,
        provider: job.sighting.job.provider,
        kind: hex::encode_prefixed(job.sighting.job.kind),
        statement: hex::encode_prefixed(statement),
        // Known before the ledger knows it, so that the provider loses no time.
        seed: operator.seed(id)?,
        answer_by_ms: job.clock().and_then(|clock| clock.deadline).map(|deadline| deadline.0),
    })
}
