//! Says everything at the last moment: facts and partial signatures just before the deadline that
//! is next on the ledger, votes and proposals just before others stop waiting.

use super::{Act, Adversary, Outgoing};
use crate::{scenario, world::Payload};

/// Before a deadline of the ledger.
const MARGIN_MS: u64 = 300;

/// The longest that anything is held back.
const LONGEST_MS: u64 = 10_000;

/// What consensus is late by: others wait a second for each step.
const VOTE_MS: u64 = 800;

pub(super) struct DelayToDeadline(pub(super) scenario::Adversary);

impl Adversary for DelayToDeadline {
    fn say(&mut self, act: &mut Act<'_>, mut outgoing: Outgoing) -> Vec<Outgoing> {
        if act.takes(&self.0) {
            outgoing.delay_ms += match &outgoing.payload {
                Payload::Consensus(_) => VOTE_MS,
                Payload::Gossip(..)
                | Payload::Direct(_)
                | Payload::Fetch(..)
                | Payload::Body(_)
                | Payload::Answer(_) => {
                    let deadline = act.operator.ledger().state().next_deadline();
                    let left_ms = deadline.map_or(0, |at| at.0.saturating_sub(act.unix_ms));
                    left_ms.saturating_sub(MARGIN_MS).min(LONGEST_MS)
                }
            };
        }
        vec![outgoing]
    }
}
