//! Floods others with what is malformed, old, or of no meaning.

use std::sync::Arc;

use operator::Topic;
use protocol::{
    bundle::Bundle,
    fact::Fact,
    ids::{JobId, LedgerTime},
};
use rand::{Rng, RngCore};

use super::{Act, Adversary, Outgoing};
use crate::{
    engine::Message,
    scenario,
    world::{Payload, index},
};

/// Messages that are kept to be said again.
const KEPT_MAX: usize = 32;

/// The longest random message.
const RANDOM_BYTES_MAX: usize = 300;

pub(super) struct Spam {
    of: scenario::Adversary,
    kept: Vec<Payload>,
}

impl Spam {
    pub(super) fn new(of: scenario::Adversary) -> Self {
        Self { of, kept: Vec::new() }
    }

    fn one(&self, act: &mut Act<'_>) -> Payload {
        let topic = match act.dice.gen_range(0..3) {
            0 => Topic::Bundles,
            1 => Topic::Responses,
            _ => Topic::Partials,
        };
        match act.dice.gen_range(0..6) {
            0 => {
                let mut bytes = vec![0; act.dice.gen_range(0..RANDOM_BYTES_MAX)];
                act.dice.fill_bytes(&mut bytes);
                Payload::Gossip(topic, bytes.into())
            }
            1 => {
                let mut bytes = vec![0; act.dice.gen_range(0..RANDOM_BYTES_MAX)];
                act.dice.fill_bytes(&mut bytes);
                Payload::Direct(bytes.into())
            }
            2 => Payload::Consensus(Arc::new(Message::Wake(act.dice.next_u64()))),
            3 => Payload::Consensus(Arc::new(Message::Status(act.dice.next_u64()))),
            4 if !self.kept.is_empty() => {
                let which = act.dice.gen_range(0..self.kept.len());
                self.kept.get(which).cloned().unwrap_or_else(|| meaningless(act))
            }
            _ => meaningless(act),
        }
    }
}

/// A bundle of its own, far ahead, about jobs that nobody asked for.
fn meaningless(act: &mut Act<'_>) -> Payload {
    let facts = (0..3)
        .map(|_| {
            let word: [u8; 32] = act.dice.r#gen();
            Fact::Commit { job: JobId(word.into()), commitment: word.into() }
        })
        .collect();
    let number = act.dice.gen_range(1_000_000..u64::MAX);
    let bundle =
        Bundle { operator: index(act.place), number, time: LedgerTime(act.unix_ms), facts };
    let ledger = act.operator.ledger();
    let signer = act.setup.signer(act.place);
    let signed = bundle.sign_by(ledger.signatures(), ledger.state().ledger_id, &signer);
    let attempt: [u8; 4] = act.dice.r#gen();
    Payload::Gossip(Topic::Bundles, [attempt.as_slice(), &signed.encode()].concat().into())
}

impl Adversary for Spam {
    fn say(&mut self, act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        if self.kept.len() < KEPT_MAX {
            self.kept.push(outgoing.payload.clone());
        } else {
            let which = act.dice.gen_range(0..KEPT_MAX);
            if let Some(kept) = self.kept.get_mut(which) {
                *kept = outgoing.payload.clone();
            }
        }
        vec![outgoing]
    }

    fn tick(&mut self, act: &mut Act<'_>) -> Vec<Outgoing> {
        if !act.takes(&self.of) {
            return Vec::new();
        }
        let to = act.others();
        (0..self.of.attempts)
            .map(|_| Outgoing { to: to.clone(), payload: self.one(act), delay_ms: 0 })
            .collect()
    }
}
