//! What an operator asks for, carried out in order, as the node does: what must be durable is so,
//! in one go, before the first effect that anybody sees.

use operator::{Effect, JournalKey, Topic};
use rand::Rng;

use super::{Disk, Own, Payload, World, chance, index};
use crate::{
    engine::DecidedBlock,
    provider,
    trace::{Event, FaultClass},
};

/// From a response to its verdict.
const VERIFY_MS: u64 = 5;

/// Writes that belong together.
#[derive(Default)]
struct Batch {
    block: Option<DecidedBlock>,
    journal: Vec<(JournalKey, Option<Vec<u8>>)>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.block.is_none() && self.journal.is_empty()
    }
}

impl World<'_> {
    /// One more write or send: none if the process died of it.
    pub(super) fn burn(&mut self, place: usize) -> Option<&mut Disk> {
        let member = self.members.get_mut(place)?;
        if let Some((left, down_ms)) = &mut member.fuse {
            if *left == 0 {
                let down_ms = *down_ms;
                self.crash_now(place, down_ms);
                return None;
            }
            *left -= 1;
        }
        let member = self.members.get_mut(place)?;
        member.process.as_ref()?;
        Some(&mut member.disk)
    }

    /// A sync takes its time: what is said after it in this step is late.
    pub(super) fn disk_lag(&mut self, place: usize) {
        let sync_ms = self.scenario.disks.sync_ms;
        if sync_ms > 0 && !self.healed {
            let lag_ms = self.dice.faults.gen_range(0..=sync_ms);
            if let Some(member) = self.members.get_mut(place) {
                member.busy_until_ms = member.busy_until_ms.max(self.now_ms + lag_ms);
            }
        }
    }

    /// Carries out effects, up to a crash.
    pub(super) fn carry_out(&mut self, place: usize, effects: Vec<Effect>) {
        self.carry_out_with(place, effects, None);
    }

    /// As [`World::carry_out`], with the block that they follow from.
    pub(super) fn carry_out_with(
        &mut self,
        place: usize,
        effects: Vec<Effect>,
        block: Option<DecidedBlock>,
    ) {
        let mut batch = Batch { block, journal: Vec::new() };
        let mut outward = Vec::new();
        let mut events = Vec::new();
        for effect in effects {
            if !self.is_up(place) {
                return;
            }
            match effect {
                Effect::Persist { key, value: Some(value) } => {
                    batch.journal.push((key, Some(value)));
                }
                Effect::Persist { key, value: None } => {
                    if batch.is_empty() || matches!(key, JournalKey::Response(..)) {
                        if let Some(process) = self.process(place) {
                            process.later.push(key);
                        }
                    } else {
                        batch.journal.push((key, None));
                    }
                }
                // What it was made from is erased after it.
                Effect::StoreShare { share, .. } => {
                    self.flush(place, std::mem::take(&mut batch));
                    if let Some(disk) = self.burn(place) {
                        disk.share = Some(*share);
                    }
                }
                Effect::Ledger(event) => events.push(event),
                Effect::Warn(warning) => self.tell_warning(place, warning.to_string()),
                Effect::Blame { member, fault } => {
                    let (by, why) = (index(place), format!("{fault:?}"));
                    self.tracer.tell(Event::Blamed { by, member, why });
                }
                // A verdict is durable before it is committed to. A partial signature follows from
                // the decision alone, which the logs of a quorum hold.
                Effect::Verify(_) | Effect::Publish { topic: Topic::Partials, .. } => {
                    self.ledger_events(place, std::mem::take(&mut events));
                    self.outward(place, effect);
                }
                Effect::StoreResponse { .. } => {}
                Effect::Publish { .. }
                | Effect::Send { .. }
                | Effect::Fetch { .. }
                | Effect::WantBlock
                | Effect::Signed { .. } => outward.push(effect),
            }
        }
        self.ledger_events(place, events);
        self.flush(place, batch);
        for effect in outward {
            if !self.is_up(place) {
                return;
            }
            self.outward(place, effect);
        }
    }

    /// Writes a batch, with what was left for later before it.
    fn flush(&mut self, place: usize, batch: Batch) {
        if batch.is_empty() || !self.is_up(place) {
            return;
        }
        let later = self.process(place).map(|it| std::mem::take(&mut it.later)).unwrap_or_default();
        let Some(disk) = self.burn(place) else { return };
        disk.blocks.extend(batch.block);
        let removed = later.into_iter().map(|key| (key, None));
        let writes: Vec<_> = removed.chain(batch.journal).collect();
        for (key, value) in &writes {
            match value {
                Some(value) => disk.journal.insert(*key, value.clone()),
                None => disk.journal.remove(key),
            };
        }
        for (key, value) in writes {
            let digest = value.map(alloy_primitives::keccak256).unwrap_or_default();
            self.tracer.tell(Event::Synced { by: index(place), key, digest });
        }
        self.disk_lag(place);
    }

    fn outward(&mut self, place: usize, effect: Effect) {
        let now = self.now_ms;
        match effect {
            Effect::Publish { topic, bytes } => {
                let others = (0..self.members.len()).filter(|to| *to != place).collect();
                self.say(place, others, Payload::Gossip(topic, bytes.into()));
            }
            Effect::Send { to, bytes } => {
                self.say(place, vec![usize::from(to.0)], Payload::Direct(bytes.into()));
            }
            Effect::Fetch { job, response, from } => {
                if !from.is_empty() {
                    let which = self.dice.network.gen_range(0..from.len());
                    if let Some(to) = from.get(which).filter(|to| usize::from(to.0) != place) {
                        let payload = Payload::Fetch(job, response);
                        self.say(place, vec![usize::from(to.0)], payload);
                    }
                }
            }
            Effect::Verify(task) => {
                let honest = provider::verify(&task);
                if let Some(judged) = self.judge(place, &task, honest) {
                    let own = Own::Verified(task.job, task.response, judged);
                    self.own_later(place, now + VERIFY_MS, own);
                }
            }
            Effect::WantBlock => {
                let actions = self.consensus(place, |engine, operator| {
                    let next = operator.ledger().state().height.next().0;
                    engine.wake(now, next, operator)
                });
                self.act(place, actions);
            }
            Effect::Signed { subject, signature } => self.combined(place, subject, signature),
            Effect::Persist { .. }
            | Effect::StoreResponse { .. }
            | Effect::StoreShare { .. }
            | Effect::Ledger(_)
            | Effect::Blame { .. }
            | Effect::Warn(_) => {}
        }
    }

    /// A process is gone, with what it had not written.
    pub(super) fn crash_now(&mut self, place: usize, down_ms: u64) {
        let loses = chance(&mut self.dice.faults, self.scenario.disks.lose_unsynced_permille);
        let Some(member) = self.members.get_mut(place) else { return };
        let Some(process) = member.process.take() else { return };
        member.fuse = None;
        let unsynced = member.disk.wal.unsynced();
        let kept =
            if loses && unsynced > 0 { self.dice.faults.gen_range(0..=unsynced) } else { unsynced };
        member.disk.wal.crash(kept);
        let lost = (unsynced - kept) + process.later.len();
        self.tracer.fault(FaultClass::Crash, index(place));
        if lost > 0 {
            self.tracer.fault(FaultClass::LostWrite, index(place));
        }
        let lost_writes = u32::try_from(lost).unwrap_or(u32::MAX);
        self.tracer.tell(Event::Crashed { at: index(place), lost_writes });
        self.queue.add(self.now_ms + down_ms.max(1), super::Happening::Start(place));
    }
}
