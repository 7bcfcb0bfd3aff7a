//! Operators that are not honest: one file a kind, freely combined.
//!
//! An adversary wraps an honest operator with that operator's own keys. It sees what the operator
//! is about to say, judge, propose and submit, and changes, drops, delays or adds to it; it may also
//! speak unasked. It has no other operator's key, and hears only what its operator hears.

mod bad_partials;
mod bad_shares;
mod censor_job;
mod copy;
mod delay_to_deadline;
mod eclipse;
mod equivocate_consensus;
mod equivocate_reveals;
mod front_run;
mod grind_seeds;
mod lie_verdicts;
mod never_submit;
mod spam;
mod stall_dkg;
mod withhold_partials;

use alloy_primitives::B256;
use operator::{Judged, Operator, VerifyTask};
use protocol::{block::Block, ids::JobId};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use threshold::Share;

use crate::{
    engine::Keys,
    scenario::{self, AdversaryKind, Scenario},
    world::{Payload, Setup},
};

/// Something that is about to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// To whom.
    pub to: Vec<usize>,
    /// What.
    pub payload: Payload,
    /// How much later.
    pub delay_ms: u64,
}

impl Outgoing {
    /// The same to every second receiver, and the rest of them.
    fn halves(&self) -> (Vec<usize>, Vec<usize>) {
        self.to.iter().partition(|to| *to % 2 == 0)
    }
}

/// What an adversary acts with.
pub struct Act<'a> {
    /// Its operator's place.
    pub place: usize,
    /// Virtual time.
    pub now_ms: u64,
    /// The operator's clock.
    pub unix_ms: u64,
    /// The world's setup; of its keys, only the operator's own are used.
    pub setup: &'a Setup,
    /// The operator.
    pub operator: &'a Operator,
    /// The operator's share.
    pub share: Option<&'a Share>,
    /// Draws.
    pub dice: &'a mut ChaCha8Rng,
    /// What was done, for the trace.
    pub acts: &'a mut Vec<AdversaryKind>,
}

impl Act<'_> {
    /// Whether the adversary takes this chance; if so, it is noted.
    fn takes(&mut self, of: &scenario::Adversary) -> bool {
        let takes = self.dice.gen_range(0..100) < of.percent;
        if takes {
            self.acts.push(of.kind);
        }
        takes
    }

    /// The operator's consensus keys.
    fn consensus_keys(&self) -> Keys {
        self.setup.consensus_keys(self.place)
    }

    /// Every other member.
    fn others(&self) -> Vec<usize> {
        (0..self.setup.members()).filter(|to| *to != self.place).collect()
    }
}

/// What an adversary may do; what it leaves out, its operator does honestly.
pub trait Adversary: Send {
    /// What leaves instead of what the operator is about to send.
    fn say(&mut self, _act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        vec![outgoing]
    }

    /// What it says unasked, now and then.
    fn tick(&mut self, _act: &mut Act<'_>) -> Vec<Outgoing> {
        Vec::new()
    }

    /// The verdict instead of the true one; none for not yet.
    fn judge(&mut self, _act: &mut Act<'_>, _task: &VerifyTask, honest: Judged) -> Option<Judged> {
        Some(honest)
    }

    /// Verdicts that were put off.
    fn late_verdicts(&mut self, _act: &mut Act<'_>) -> Vec<(JobId, B256, Judged)> {
        Vec::new()
    }

    /// The block that is proposed instead.
    fn build(&mut self, _act: &mut Act<'_>, block: Block) -> Block {
        block
    }

    /// What it offers for a submission when it is its turn; none if it does not submit.
    fn submit(&mut self, _act: &mut Act<'_>, tip: u32) -> Option<u32> {
        Some(tip)
    }

    /// Whether it puts another's submission on chain as its own.
    fn front_runs(&mut self, _act: &mut Act<'_>) -> bool {
        false
    }
}

/// The adversaries of one operator.
pub fn of(scenario: &Scenario, place: usize) -> Vec<Box<dyn Adversary>> {
    let own = |adversary: &&scenario::Adversary| {
        adversary.operators.iter().any(|operator| usize::from(*operator) == place)
    };
    scenario.adversaries.iter().filter(own).map(|adversary| make(adversary.clone())).collect()
}

fn make(of: scenario::Adversary) -> Box<dyn Adversary> {
    match of.kind {
        AdversaryKind::EquivocateConsensus => {
            Box::new(equivocate_consensus::EquivocateConsensus::new(of))
        }
        AdversaryKind::EquivocateReveals => Box::new(equivocate_reveals::EquivocateReveals(of)),
        AdversaryKind::WithholdPartials => Box::new(withhold_partials::WithholdPartials(of)),
        AdversaryKind::BadPartials => Box::new(bad_partials::BadPartials(of)),
        AdversaryKind::LieVerdicts => Box::new(lie_verdicts::LieVerdicts(of)),
        AdversaryKind::Copy => Box::new(copy::Copy::new(of)),
        AdversaryKind::GrindSeeds => Box::new(grind_seeds::GrindSeeds(of)),
        AdversaryKind::DelayToDeadline => Box::new(delay_to_deadline::DelayToDeadline(of)),
        AdversaryKind::Spam => Box::new(spam::Spam::new(of)),
        AdversaryKind::StallDkg => Box::new(stall_dkg::StallDkg(of)),
        AdversaryKind::BadShares => Box::new(bad_shares::BadShares(of)),
        AdversaryKind::CensorJob => Box::new(censor_job::CensorJob(of)),
        AdversaryKind::Eclipse => Box::new(eclipse::Eclipse(of)),
        AdversaryKind::FrontRun => Box::new(front_run::FrontRun(of)),
        AdversaryKind::NeverSubmit => Box::new(never_submit::NeverSubmit(of)),
    }
}
