//! Messages on their way, and what adversaries make of them.

use std::sync::Arc;

use operator::{Judged, VerifyTask};
use protocol::{block::Block, ids::JobId};

use super::{Happening, Payload, World, index};
use crate::{
    adversary::{Act, Adversary, Outgoing},
    trace::{Event, FaultClass},
};

impl World<'_> {
    /// A member says something to others.
    pub(super) fn say(&mut self, place: usize, to: Vec<usize>, payload: Payload) {
        if self.burn(place).is_none() {
            return;
        }
        let outgoing = vec![Outgoing { to, payload, delay_ms: 0 }];
        let outgoing = self.with_adversaries(place, outgoing, |adversary, act, outgoing| {
            outgoing.into_iter().flat_map(|it| adversary.say(act, it)).collect()
        });
        self.put_out(place, outgoing);
    }

    /// What leaves a member for good.
    fn put_out(&mut self, place: usize, outgoing: Vec<Outgoing>) {
        let lag_ms = self
            .members
            .get(place)
            .map_or(0, |member| member.busy_until_ms.saturating_sub(self.now_ms));
        for Outgoing { to, payload, delay_ms } in outgoing {
            self.tell_said(place, &payload);
            self.transmit(Some(place), &to, payload, delay_ms + lag_ms);
        }
    }

    /// Puts a message on its ways.
    pub(super) fn transmit(
        &mut self,
        from: Option<usize>,
        to: &[usize],
        payload: Payload,
        delay_ms: u64,
    ) {
        let (channel, bytes) = (payload.channel(), payload.bytes());
        let copies = u16::try_from(to.len()).unwrap_or(u16::MAX);
        self.tracer.tell(Event::Sent { from: from.map(index), channel, bytes, copies });
        for to in to {
            let route = self.links.route(&mut self.dice.network, self.now_ms, from, *to);
            for class in route.faults {
                let (at, other) = (from.map(index), Some(index(*to)));
                self.tracer.tell(Event::Fault { class, at, other });
            }
            for copy_ms in route.copies {
                let at_ms = self.now_ms + delay_ms + copy_ms;
                let payload = payload.clone();
                self.queue.add(at_ms, Happening::Arrive { from, to: *to, payload, bytes });
            }
        }
    }

    /// Passes something through a member's adversaries, one after another.
    fn with_adversaries<T>(
        &mut self,
        place: usize,
        mut subject: T,
        mut call: impl FnMut(&mut Box<dyn Adversary>, &mut Act<'_>, T) -> T,
    ) -> T {
        let Some(adversaries) = self.adversaries.get_mut(place) else { return subject };
        if adversaries.is_empty() {
            return subject;
        }
        let mut adversaries = std::mem::take(adversaries);
        let setup = Arc::clone(&self.setup);
        let mut acts = Vec::new();
        if let Some(member) = self.members.get(place)
            && let Some(operator) = member.operator()
        {
            let mut act = Act {
                place,
                now_ms: self.now_ms,
                unix_ms: self.unix_ms(),
                setup: &setup,
                operator,
                share: member.disk.share.as_ref(),
                dice: &mut self.dice.adversaries,
                acts: &mut acts,
            };
            for adversary in &mut adversaries {
                subject = call(adversary, &mut act, subject);
            }
        }
        for kind in acts {
            self.tracer.fault(FaultClass::Adversary(kind), index(place));
        }
        if let Some(slot) = self.adversaries.get_mut(place) {
            *slot = adversaries;
        }
        subject
    }

    /// The verdict that a member comes to; none if it does not look yet.
    pub(super) fn judge(
        &mut self,
        place: usize,
        task: &VerifyTask,
        honest: Judged,
    ) -> Option<Judged> {
        self.with_adversaries(place, Some(honest), |adversary, act, judged| {
            judged.and_then(|judged| adversary.judge(act, task, judged))
        })
    }

    /// The block that a member proposes.
    pub(super) fn build(&mut self, place: usize) -> Option<Block> {
        let block = self.process(place)?.operator.propose();
        Some(
            self.with_adversaries(place, block, |adversary, act, block| {
                adversary.build(act, block)
            }),
        )
    }

    /// What a member's adversaries do unasked.
    pub(super) fn adversaries_tick(&mut self, place: usize) {
        if self.adversaries.get(place).is_none_or(Vec::is_empty) || !self.is_up(place) {
            return;
        }
        let outgoing = self.with_adversaries(place, Vec::new(), |adversary, act, mut outgoing| {
            outgoing.extend(adversary.tick(act));
            outgoing
        });
        self.put_out(place, outgoing);
        let verdicts: Vec<(JobId, alloy_primitives::B256, Judged)> =
            self.with_adversaries(place, Vec::new(), |adversary, act, mut verdicts| {
                verdicts.extend(adversary.late_verdicts(act));
                verdicts
            });
        for (job, response, judged) in verdicts {
            self.verified(place, job, response, judged);
        }
    }

    /// Whether a member submits when it is its turn, and what it offers for a place in a block;
    /// none if it does not.
    pub(super) fn tip(&mut self, place: usize, tip: u32) -> Option<u32> {
        self.with_adversaries(place, Some(tip), |adversary, act, tip| {
            tip.and_then(|tip| adversary.submit(act, tip))
        })
    }

    /// Whether a member puts another's submission on chain as its own.
    pub(super) fn front_runs(&mut self, place: usize) -> bool {
        self.with_adversaries(place, false, |adversary, act, runs| {
            runs || adversary.front_runs(act)
        })
    }
}
