//! One block, applied.

use alloy_primitives::B256;

use super::{Event, Job, Ledger, Phase};
use crate::{
    block::Block,
    bytes,
    ids::{Height, JobId},
    outcome::Judgement,
    signatures::GroupPoint,
    subject::{GroupSignature, Subject},
};

/// The most that ledger time moves in one block.
const MAX_TIME_STEP_MS: u64 = 30_000;

impl Ledger {
    /// Applies the decided block of the next height. Total: whatever is in the block, the height
    /// passes, and every node that applies it reaches the same state.
    ///
    /// The block has passed [`Ledger::validate`], here or at the quorum that decided it.
    pub fn apply(&mut self, block_id: B256, block: &Block) -> Vec<Event> {
        let height = self.state.height.next();
        let mut events = Vec::new();
        self.end_due_phases(height, &mut events);
        self.end_due_ceremony(height, &mut events);
        for signature in &block.signatures {
            self.apply_signature(height, signature, &mut events);
        }
        let opened = self.apply_bundles(height, block_id, block, &mut events);
        self.advance_time();
        if opened {
            self.make_beacon_due(height, &mut events);
        }
        self.close_batches(height, block_id, &mut events);
        self.state.height = height;
        self.state.block_id = block_id;
        self.digest = self.state.digest();
        events
    }

    fn end_due_phases(&mut self, height: Height, events: &mut Vec<Event>) {
        let (time, quorums) = (self.state.time, self.genesis.quorums());
        let due: Vec<JobId> = self
            .state
            .jobs
            .iter()
            .filter(|(_, job)| {
                job.clock().is_some_and(|clock| clock.has_run_out(time, height, quorums))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(job) = self.state.jobs.get(&id) else { continue };
            match job.timed_out() {
                Some(judgement) => self.conclude(id, judgement, events),
                None => self.open_reveals(id, height, events),
            }
        }
        let expired = self.state.time.0 / 1000;
        let stale: Vec<_> = self
            .state
            .sightings
            .keys()
            .filter(|sighting| sighting.job.deadline_seconds <= expired)
            .cloned()
            .collect();
        for sighting in stale {
            self.forget_sighting(&sighting);
        }
    }

    pub(super) fn forget_sighting(&mut self, sighting: &crate::job::Sighting) {
        for operator in self.state.sightings.remove(sighting).unwrap_or_default() {
            if let Some(member) = self.state.members.get_mut(usize::from(operator.0)) {
                member.sightings = member.sightings.saturating_sub(1);
            }
        }
    }

    pub(super) fn open_reveals(&mut self, id: JobId, height: Height, events: &mut Vec<Event>) {
        let window = self.genesis.parameters.reveal_ms;
        if let Some(job) = self.state.jobs.get_mut(&id) {
            job.enter(Phase::Revealing, height, window);
            events.push(Event::RevealsOpened { job: id });
        }
    }

    /// Ends a job: INV-JOB-ONCE holds because the job leaves `jobs` and its index enters
    /// `concluded` here and nowhere else.
    pub(super) fn conclude(&mut self, id: JobId, judgement: Judgement, events: &mut Vec<Event>) {
        let Some(job) = self.state.jobs.remove(&id) else { return };
        let outcome = job.outcome(judgement);
        let position = usize::from(outcome.hub.0);
        if let Some(concluded) = self.state.concluded.get_mut(position)
            && concluded.insert(outcome.job_index)
        {
            self.state.ready.insert((outcome.hub, outcome.job_index), outcome.clone());
            events.push(Event::Concluded(outcome));
        }
    }

    fn apply_signature(
        &mut self,
        height: Height,
        signed: &GroupSignature,
        events: &mut Vec<Event>,
    ) {
        let subject = signed.subject;
        let Some(signature) = self.checked_signature(signed) else {
            events.push(Event::SignatureSkipped { subject });
            return;
        };
        self.state.due.remove(&subject);
        events.push(Event::Signed { subject, signature: signed.signature });
        match subject {
            Subject::Beacon { height: opened } => {
                self.challenge_jobs(opened, &signature, height, events);
            }
            Subject::Attestation { height, hub } => self.cover_until(hub, height),
            Subject::KeyPossession { .. } => {}
        }
    }

    fn checked_signature(&self, signed: &GroupSignature) -> Option<GroupPoint> {
        let message = self.state.due.get(&signed.subject)?;
        let group = self.group.as_ref()?;
        self.signatures.group_signature(&group.key, *message, &signed.signature)
    }

    fn challenge_jobs(
        &mut self,
        opened: Height,
        beacon: &GroupPoint,
        height: Height,
        events: &mut Vec<Event>,
    ) {
        let window = self.genesis.parameters.answer_ms;
        let of_height = |job: &Job| job.opened == opened && job.phase == Phase::Challenged;
        for (id, job) in self.state.jobs.iter_mut().filter(|(_, job)| of_height(job)) {
            job.seed = bytes::seed(&beacon.eip2537, job.opened_in, *id);
            job.enter(Phase::Answering, height, window);
            events.push(Event::Challenged { job: *id, seed: job.seed });
        }
    }

    /// Moves ledger time toward the members' present, and the clocks with it.
    ///
    /// A present that jumps by more than ledger time may move says that no quorum spoke for that
    /// long: running clocks stood still, so an outage ends no phase.
    fn advance_time(&mut self) {
        let present = self.state.members_present();
        let jump_ms = present.0.saturating_sub(self.state.present.0);
        let outage_ms = if jump_ms > MAX_TIME_STEP_MS { jump_ms } else { 0 };
        self.state.present = present;
        self.state.time = present.min(self.state.time.plus_ms(MAX_TIME_STEP_MS));
        let quorums = self.genesis.quorums();
        let state = &mut self.state;
        let ceremony = state.ceremony.as_mut().map(|ceremony| &mut ceremony.clock);
        for clock in state.jobs.values_mut().filter_map(Job::clock_mut).chain(ceremony) {
            clock.stand_still(outage_ms);
            clock.observe(&state.members, quorums, present);
        }
    }

    fn make_beacon_due(&mut self, height: Height, events: &mut Vec<Event>) {
        let (ledger, epoch) = (self.state.ledger_id, self.state.epoch);
        let message = bytes::beacon(ledger, self.genesis.committee_id, epoch, height);
        self.make_due(Subject::Beacon { height }, message, events);
    }
}
