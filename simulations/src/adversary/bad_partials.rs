//! Releases partial signatures that are its own, but on other bytes: points of the right form that
//! spoil a combination which trusts them.

use alloy_primitives::keccak256;
use operator::Topic;
use protocol::envelope::PartialEnvelope;

use super::{Act, Adversary, Outgoing};
use crate::{
    scenario,
    world::{Payload, message_of},
};

/// Bytes before a gossiped message.
const ATTEMPT_BYTES: usize = 4;

pub(super) struct BadPartials(pub(super) scenario::Adversary);

impl Adversary for BadPartials {
    fn say(&mut self, act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let Payload::Gossip(Topic::Partials, bytes) = &outgoing.payload else {
            return vec![outgoing];
        };
        if !act.takes(&self.0) {
            return vec![outgoing];
        }
        match spoilt(act, bytes) {
            Some(bytes) => {
                let payload = Payload::Gossip(Topic::Partials, bytes.into());
                vec![Outgoing { payload, ..outgoing }]
            }
            None => vec![outgoing],
        }
    }
}

fn spoilt(act: &Act<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    let (attempt, message) = bytes.split_at_checked(ATTEMPT_BYTES)?;
    let envelope = PartialEnvelope::decode(message).ok()?;
    let ledger = act.operator.ledger();
    let due = message_of(ledger, envelope.subject)?;
    let signatures = ledger.signatures();
    let partial = signatures.sign_partial(act.share?, keccak256(due));
    let spoilt = PartialEnvelope::seal_by(
        signatures,
        ledger.state().ledger_id,
        envelope.operator,
        envelope.subject,
        due,
        partial,
        &act.setup.network_key(act.place),
    );
    Some([attempt, &spoilt.encode()].concat())
}
