//! One fact, applied: it changes the state, or is skipped with a code.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::B256;

use super::{
    Event, Job, Ledger, MAX_OPEN_JOBS, MAX_SIGHTINGS_PER_MEMBER, Phase, SkipCode, job::Commitment,
};
use crate::{
    block::Block,
    bytes,
    fact::{Fact, Reveal},
    ids::{Height, JobId, OperatorIndex},
    job::{Position, Sighting},
    outcome::Verdict,
    response::verify_response_digest,
};

/// Where a fact stands, and what its block has opened so far.
struct At<'a> {
    height: Height,
    block_id: B256,
    opened: &'a mut bool,
    events: &'a mut Vec<Event>,
}

impl Ledger {
    /// Applies all bundles; true if a job was opened.
    pub(super) fn apply_bundles(
        &mut self,
        height: Height,
        block_id: B256,
        block: &Block,
        events: &mut Vec<Event>,
    ) -> bool {
        let mut opened = false;
        for signed in &block.bundles {
            let bundle = &signed.bundle;
            let Some(member) = self.state.members.get_mut(usize::from(bundle.operator.0)) else {
                continue;
            };
            member.bundles = bundle.number;
            member.spoke_at = height;
            member.time = member.time.max(bundle.time);
            for (position, fact) in bundle.facts.iter().enumerate() {
                let mut at = At { height, block_id, opened: &mut opened, events };
                if let Err(code) = self.apply_fact(bundle.operator, fact, &mut at) {
                    let (operator, number) = (bundle.operator, bundle.number);
                    events.push(Event::Skipped { operator, number, position, code });
                }
            }
        }
        opened
    }

    fn apply_fact(
        &mut self,
        operator: OperatorIndex,
        fact: &Fact,
        at: &mut At<'_>,
    ) -> Result<(), SkipCode> {
        match fact {
            Fact::Saw(sighting) => self.saw(operator, sighting, at),
            Fact::Got { job, response, signature } => {
                self.got(operator, *job, *response, signature, at)
            }
            Fact::Commit { job, commitment } => self.committed(operator, *job, *commitment, at),
            Fact::Reveal { job, reveal } => self.revealed(operator, *job, reveal, at),
            Fact::CeremonyKey { round, key } => {
                self.ceremony_key(operator, *round, *key, at.height, at.events)
            }
            Fact::CeremonyLog { round, log } => {
                self.ceremony_log(operator, *round, log, at.height, at.events)
            }
        }
    }

    fn saw(
        &mut self,
        operator: OperatorIndex,
        sighting: &Sighting,
        at: &mut At<'_>,
    ) -> Result<(), SkipCode> {
        let hub = self.genesis.hub(sighting.hub).ok_or(SkipCode::Unknown)?;
        // Hubs count from 1.
        if hub.chain_id != sighting.job.chain_id || sighting.job.index == 0 {
            return Err(SkipCode::Unknown);
        }
        let id = sighting.job.id();
        if self.state.jobs.contains_key(&id)
            || self.state.is_concluded(sighting.hub, sighting.job.index)
        {
            return Err(SkipCode::AlreadyOpen);
        }
        // A job is worth opening only if its phases can end before its escrow takes the fee back.
        let phases_end = self.state.time.plus_ms(self.genesis.parameters.phases_ms());
        if sighting.job.deadline_seconds.saturating_mul(1000) <= phases_end.0 {
            return Err(SkipCode::Expired);
        }
        // Before there is a group there is nobody to make a seed.
        if self.group.is_none() {
            return Err(SkipCode::WrongPhase);
        }
        let already = self.state.sightings.get(sighting).is_some_and(|by| by.contains(&operator));
        if already {
            return Err(SkipCode::Duplicate);
        }
        let member =
            self.state.members.get_mut(usize::from(operator.0)).ok_or(SkipCode::Unknown)?;
        if member.sightings >= MAX_SIGHTINGS_PER_MEMBER {
            return Err(SkipCode::Full);
        }
        let enough = self.genesis.quorums().f + 1;
        let seen_by = self.state.sightings.get(sighting).map_or(0, BTreeSet::len) + 1;
        if seen_by >= enough && self.state.jobs.len() >= MAX_OPEN_JOBS {
            return Err(SkipCode::Full);
        }
        member.sightings += 1;
        self.state.sightings.entry(sighting.clone()).or_default().insert(operator);
        if seen_by >= enough {
            self.open(id, sighting, at);
        }
        Ok(())
    }

    fn open(&mut self, id: JobId, sighting: &Sighting, at: &mut At<'_>) {
        let lowest =
            Sighting { position: Position { block_number: 0, log_index: 0 }, ..sighting.clone() };
        let highest = Sighting {
            position: Position { block_number: u64::MAX, log_index: u32::MAX },
            ..sighting.clone()
        };
        let variants: Vec<Sighting> =
            self.state.sightings.range(lowest..=highest).map(|(key, _)| key.clone()).collect();
        for variant in variants {
            self.forget_sighting(&variant);
        }
        self.state.jobs.insert(id, Job::new(sighting.clone(), at.height, at.block_id));
        *at.opened = true;
        at.events.push(Event::Opened { job: id });
    }

    fn got(
        &mut self,
        operator: OperatorIndex,
        id: JobId,
        response: B256,
        signature: &[u8; 65],
        at: &mut At<'_>,
    ) -> Result<(), SkipCode> {
        let enough = self.genesis.quorums().f + 1;
        let window = self.genesis.parameters.commit_ms;
        let (ledger, time) = (self.state.ledger_id, self.state.time);
        let signatures = Arc::clone(&self.signatures);
        let job = self.state.jobs.get_mut(&id).ok_or(SkipCode::Unknown)?;
        if job.phase == Phase::Challenged {
            return Err(SkipCode::WrongPhase);
        }
        if job.gots.get(&response).is_some_and(|by| by.contains(&operator)) {
            return Err(SkipCode::Duplicate);
        }
        let hub = self.genesis.hub(job.sighting.hub).ok_or(SkipCode::Unknown)?.address();
        let provider = job.sighting.job.provider;
        let digest = bytes::response_digest(ledger, hub, id, job.seed, response);
        verify_response_digest(signatures.as_ref(), id, digest, signature, provider)
            .map_err(|_| SkipCode::BadSignature)?;
        job.gots.entry(response).or_default().insert(operator);
        if let Some(judgement) = job.equivocated() {
            self.conclude(id, judgement, at.events);
            return Ok(());
        }
        let held_by = job.gots.get(&response).map_or(0, BTreeSet::len);
        if job.phase == Phase::Answering && held_by >= enough {
            job.response = response;
            job.answered_at = time;
            job.enter(Phase::Judging, at.height, window);
            at.events.push(Event::Answered { job: id, response });
        }
        Ok(())
    }

    fn committed(
        &mut self,
        operator: OperatorIndex,
        id: JobId,
        hash: B256,
        at: &mut At<'_>,
    ) -> Result<(), SkipCode> {
        let n = self.genesis.members.len();
        let job = self.state.jobs.get_mut(&id).ok_or(SkipCode::Unknown)?;
        let late = match job.phase {
            Phase::Judging => false,
            Phase::Revealing => true,
            Phase::Challenged | Phase::Answering => return Err(SkipCode::WrongPhase),
        };
        match job.commitments.get(&operator) {
            Some(earlier) if earlier.hash == hash => return Err(SkipCode::Duplicate),
            Some(_) => return Err(SkipCode::Contradiction),
            None => job.commitments.insert(operator, Commitment { hash, late }),
        };
        if job.phase == Phase::Judging && job.commitments.len() == n {
            self.open_reveals(id, at.height, at.events);
        }
        Ok(())
    }

    fn revealed(
        &mut self,
        operator: OperatorIndex,
        id: JobId,
        reveal: &Reveal,
        at: &mut At<'_>,
    ) -> Result<(), SkipCode> {
        let quorums = self.genesis.quorums();
        let ledger = self.state.ledger_id;
        let address = self.genesis.member(operator).ok_or(SkipCode::Unknown)?.operator;
        let job = self.state.jobs.get_mut(&id).ok_or(SkipCode::Unknown)?;
        if job.phase != Phase::Revealing {
            return Err(SkipCode::WrongPhase);
        }
        let judgement = reveal.judgement(job.sighting.job.statement_hash);
        let commitment = job.commitments.get(&operator).ok_or(SkipCode::NotCommitted)?;
        if bytes::commitment(ledger, id, address, &judgement, reveal.salt) != commitment.hash {
            return Err(SkipCode::NotCommitted);
        }
        if reveal.seed != job.seed
            || reveal.response != job.response
            || reveal.verdict == Verdict::Missed
        {
            return Err(SkipCode::WrongSubject);
        }
        match job.reveals.get(&operator) {
            Some(earlier) if *earlier == judgement => return Err(SkipCode::Duplicate),
            Some(_) => return Err(SkipCode::Contradiction),
            None => job.reveals.insert(operator, judgement),
        };
        if let Some(judgement) = job.agreed(quorums) {
            self.conclude(id, judgement, at.events);
        }
        Ok(())
    }
}
