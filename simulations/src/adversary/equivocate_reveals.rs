//! Signs two bundles of one number: every second member hears of one with another reveal, or of
//! another commitment.

use alloy_primitives::keccak256;
use operator::Topic;
use protocol::{
    bundle::{Bundle, SignedBundle},
    fact::Fact,
    outcome::Verdict,
};

use super::{Act, Adversary, Outgoing};
use crate::{provider, scenario, world::Payload};

/// Bytes before a gossiped message.
const ATTEMPT_BYTES: usize = 4;

pub(super) struct EquivocateReveals(pub(super) scenario::Adversary);

impl Adversary for EquivocateReveals {
    fn say(&mut self, act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let Payload::Gossip(Topic::Bundles, bytes) = &outgoing.payload else {
            return vec![outgoing];
        };
        let Some((attempt, other)) = other_bundle(act, bytes) else { return vec![outgoing] };
        if !act.takes(&self.0) {
            return vec![outgoing];
        }
        let (these, those) = outgoing.halves();
        let other = Payload::Gossip(Topic::Bundles, [attempt, other].concat().into());
        let delay_ms = outgoing.delay_ms;
        vec![
            Outgoing { to: these, payload: outgoing.payload, delay_ms },
            Outgoing { to: those, payload: other, delay_ms },
        ]
    }
}

/// The same number with other facts, if there is one to say differently.
fn other_bundle(act: &Act<'_>, bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (attempt, message) = bytes.split_at_checked(ATTEMPT_BYTES)?;
    let bundle = SignedBundle::decode(message).ok()?.bundle;
    let facts: Vec<Fact> = bundle.facts.iter().map(other_fact).collect();
    if facts == bundle.facts {
        return None;
    }
    let ledger = act.operator.ledger();
    let other = Bundle { facts, ..bundle };
    let signer = act.setup.signer(act.place);
    let signed = other.sign_by(ledger.signatures(), ledger.state().ledger_id, &signer);
    Some((attempt.to_vec(), signed.encode()))
}

fn other_fact(fact: &Fact) -> Fact {
    match fact {
        Fact::Commit { job, commitment } => {
            Fact::Commit { job: *job, commitment: keccak256(commitment) }
        }
        Fact::Reveal { job, reveal } => {
            let other = provider::judgement(reveal.verdict != Verdict::Valid);
            let mut reveal = *reveal;
            (reveal.verdict, reveal.code, reveal.value) = (other.verdict, other.code, other.value);
            Fact::Reveal { job: *job, reveal }
        }
        Fact::Saw(_) | Fact::Got { .. } | Fact::CeremonyKey { .. } | Fact::CeremonyLog { .. } => {
            fact.clone()
        }
    }
}
