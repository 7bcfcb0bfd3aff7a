//! Crashes, cuts and the chain's faults: those that the scenario names, and those that the seed
//! draws until the heal.

use protocol::ids::HubIndex;
use rand::{Rng, seq::SliceRandom};

use super::{Happening, Own, World, chance, index};
use crate::trace::{Event, FaultClass};

/// The most writes and sends that a process makes before a kill strikes.
const FUSE_MAX: u32 = 24;

/// A process that does nothing dies after this.
const STRIKE_MS: u64 = 100;

impl World<'_> {
    /// Everything that the scenario has a time for.
    pub(super) fn schedule_scenario(&mut self) {
        let scenario = self.scenario.clone();
        if scenario.jobs.count > 0 {
            let jitter_ms = self.dice.jobs.gen_range(0..=scenario.jobs.jitter_ms);
            self.queue.add(scenario.jobs.first_ms + jitter_ms, Happening::Requests);
        }
        self.queue.add(scenario.chain.block_ms.max(1), Happening::ChainBlock);
        for (which, crash) in scenario.crashes.at.iter().enumerate() {
            self.queue.add(crash.at_ms, Happening::SetCrash(which));
        }
        for (which, partition) in scenario.network.partitions.iter().enumerate() {
            self.queue.add(partition.from_ms, Happening::SetPartition(which));
        }
        if let Some(random) = scenario.crashes.random {
            let at_ms = self.pause(random.every_ms);
            self.queue.add(at_ms, Happening::RandomCrash);
        }
        if let Some(random) = scenario.network.random_partitions {
            let at_ms = self.pause(random.every_ms);
            self.queue.add(at_ms, Happening::RandomPartition);
        }
        self.queue.add(scenario.clock.heal_ms, Happening::Heal);
    }

    /// After a pause whose mean is this.
    fn pause(&mut self, every_ms: u64) -> u64 {
        let most_ms = every_ms.saturating_mul(2).max(1);
        self.now_ms + self.dice.faults.gen_range(1..=most_ms)
    }

    /// Stops a process, as kill -9 does, and starts it again after `down_ms`.
    pub fn crash(&mut self, place: usize, down_ms: u64) {
        self.crash_now(place, down_ms);
    }

    /// A kill strikes a process somewhere between two of its next writes and sends.
    fn strike(&mut self, place: usize, down_ms: u64) {
        let left = self.dice.faults.gen_range(0..FUSE_MAX);
        if let Some(member) = self.members.get_mut(place) {
            member.fuse = Some((left, down_ms));
        }
        let die = Own::Die(u32::try_from(down_ms).unwrap_or(u32::MAX));
        self.own_later(place, self.now_ms + STRIKE_MS, die);
    }

    pub(super) fn set_crash(&mut self, which: usize) {
        let Some(crash) = self.scenario.crashes.at.get(which).copied() else { return };
        if !self.healed {
            self.strike(usize::from(crash.operator), crash.down_ms);
        }
    }

    pub(super) fn random_crash(&mut self) {
        let Some(random) = self.scenario.crashes.random else { return };
        if self.healed {
            return;
        }
        let at_ms = self.pause(random.every_ms);
        self.queue.add(at_ms, Happening::RandomCrash);
        let n = self.members.len();
        let up: Vec<usize> = (0..n).filter(|place| self.is_up(*place)).collect();
        if n - up.len() < usize::from(random.at_once)
            && let Some(place) = up.choose(&mut self.dice.faults).copied()
        {
            let down_ms = self.dice.faults.gen_range(1..=random.down_ms.max(1));
            self.strike(place, down_ms);
        }
    }

    fn part(&mut self, operators: Vec<usize>, until_ms: u64) {
        let until_ms = until_ms.min(self.scenario.clock.heal_ms);
        let parted = operators.iter().map(|place| index(*place)).collect();
        self.tracer.tell(Event::Parted { operators: parted, until_ms });
        self.links.cut(self.now_ms, operators, until_ms);
    }

    pub(super) fn set_partition(&mut self, which: usize) {
        let Some(partition) = self.scenario.network.partitions.get(which).cloned() else { return };
        let operators = partition.operators.into_iter().map(usize::from).collect();
        self.part(operators, partition.until_ms);
    }

    pub(super) fn random_partition(&mut self) {
        let Some(random) = self.scenario.network.random_partitions else { return };
        if self.healed {
            return;
        }
        let at_ms = self.pause(random.every_ms);
        self.queue.add(at_ms, Happening::RandomPartition);
        let most = usize::from(random.operators).min(self.members.len()).max(1);
        let count = self.dice.faults.gen_range(1..=most);
        let mut everybody: Vec<usize> = (0..self.members.len()).collect();
        everybody.shuffle(&mut self.dice.faults);
        everybody.truncate(count);
        everybody.sort_unstable();
        let lasting_ms = self.dice.faults.gen_range(1..=random.lasting_ms.max(1));
        self.part(everybody, self.now_ms + lasting_ms);
    }

    /// Nothing more is injected; whoever is down comes back.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.links.heal();
        self.away_until_ms.fill(0);
        self.fee.end();
        for member in &mut self.members {
            member.fuse = None;
        }
        self.tracer.tell(Event::Healed);
        for place in 0..self.members.len() {
            self.start(place);
        }
    }

    /// What befalls the chain before its next block.
    pub(super) fn chain_faults(&mut self) {
        let chain = self.scenario.chain.clone();
        let (now, last) = (self.now_ms, self.now_ms.saturating_sub(chain.block_ms));
        let due = |at_ms: u64| at_ms > last && at_ms <= now;
        for reorg in chain.reorgs.iter().filter(|reorg| due(reorg.at_ms)) {
            let shown: Vec<usize> = reorg.operators.iter().copied().map(usize::from).collect();
            self.reorganise(reorg.depth, &shown);
        }
        for spike in chain.fee_spikes.iter().filter(|spike| due(spike.from_ms)) {
            self.fee_spike(spike.fee_percent, spike.until_ms);
        }
        for outage in chain.outages.iter().filter(|outage| due(outage.from_ms)) {
            for place in outage.operators.iter().copied().map(usize::from) {
                self.outage(place, outage.until_ms);
            }
        }
        let Some(random) = chain.random.filter(|_| !self.healed) else { return };
        if random.reorg_depth > 0 && chance(&mut self.dice.chain, random.reorg_permille) {
            let depth = self.dice.chain.gen_range(1..=random.reorg_depth);
            self.reorganise(depth, &[]);
        }
        if chance(&mut self.dice.chain, random.fee_spike_permille) {
            let lasting_ms = self.dice.chain.gen_range(1..=random.fee_spike_ms.max(1));
            self.fee_spike(random.fee_percent, now + lasting_ms);
        }
        if chance(&mut self.dice.chain, random.outage_permille) {
            let place = self.dice.chain.gen_range(0..self.members.len());
            let lasting_ms = self.dice.chain.gen_range(1..=random.outage_ms.max(1));
            self.outage(place, now + lasting_ms);
        }
    }

    fn reorganise(&mut self, depth: u64, shown: &[usize]) {
        let beyond_finality = depth > self.scenario.chain.finality_blocks;
        let from_block = self.chain.reorganise(depth);
        self.tracer.tell(Event::Fault { class: FaultClass::Reorg, at: None, other: None });
        self.tracer.tell(Event::Reorganised { from_block, depth, beyond_finality });
        if beyond_finality {
            for place in 0..self.members.len() {
                if shown.is_empty() || shown.contains(&place) {
                    self.halt(place);
                }
            }
        }
    }

    /// A member's endpoint shows a re-organisation beyond finality.
    pub fn halt(&mut self, place: usize) {
        let hub = HubIndex(0);
        if let Some(process) = self.process(place) {
            process.operator.halt(hub);
        }
        if let Some(member) = self.members.get_mut(place) {
            member.disk.halted = true;
        }
        self.tracer.tell(Event::Halted { at: index(place), hub });
    }

    fn fee_spike(&mut self, fee_percent: u32, until_ms: u64) {
        self.fee.spike(fee_percent, until_ms.min(self.scenario.clock.heal_ms));
        self.tracer.tell(Event::Fault { class: FaultClass::FeeSpike, at: None, other: None });
    }

    fn outage(&mut self, place: usize, until_ms: u64) {
        let until_ms = until_ms.min(self.scenario.clock.heal_ms);
        if let Some(away) = self.away_until_ms.get_mut(place) {
            *away = (*away).max(until_ms);
            self.tracer.fault(FaultClass::Outage, index(place));
        }
    }
}
