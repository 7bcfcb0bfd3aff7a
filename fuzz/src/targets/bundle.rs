use protocol::{
    bundle::{MAX_BUNDLE_FACTS, SignedBundle},
    fact::Fact,
    ids::OperatorIndex,
};

use super::block::{STATES, every_fact};
use crate::seed::{Seed, plain};

pub(super) fn run(input: &[u8]) {
    let Ok(signed) = SignedBundle::decode(input) else { return };
    assert_eq!(signed.encode(), input, "a second spelling was read");
    assert!(signed.bundle.facts.len() <= MAX_BUNDLE_FACTS);
    let committee = STATES.key();
    let ledger = committee.ledger.state().ledger_id;
    for member in &committee.ledger.genesis().members {
        let owner = committee.ledger.genesis().index_of(member.operator);
        if signed.verify(ledger, member.operator).is_ok() {
            // The signature covers everything but the index, which the ledger compares.
            assert!(owner.is_some());
        }
    }
    for fact in &signed.bundle.facts {
        fact.hash();
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let committee = STATES.answering();
    let mut seeds = vec![plain("empty", committee.bundle(0, Vec::new()).encode())];
    for (position, fact) in every_fact(committee).into_iter().enumerate() {
        let member = position % 4;
        let name = format!("{}-of-{}", name(&fact), OperatorIndex(member as u16));
        seeds.push(plain(&name, committee.bundle(member, vec![fact]).encode()));
    }
    seeds
}

fn name(fact: &Fact) -> &'static str {
    match fact {
        Fact::Saw(_) => "saw",
        Fact::Got { .. } => "got",
        Fact::Commit { .. } => "commit",
        Fact::Reveal { .. } => "reveal",
        Fact::CeremonyKey { .. } => "ceremony-key",
        Fact::CeremonyLog { .. } => "ceremony-log",
    }
}
