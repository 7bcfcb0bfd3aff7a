//! Releases no partial signature: the group must sign without it.

use operator::Topic;

use super::{Act, Adversary, Outgoing};
use crate::{scenario, world::Payload};

pub(super) struct WithholdPartials(pub(super) scenario::Adversary);

impl Adversary for WithholdPartials {
    fn say(&mut self, act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let is_partial = matches!(outgoing.payload, Payload::Gossip(Topic::Partials, _));
        if is_partial && act.takes(&self.0) { Vec::new() } else { vec![outgoing] }
    }
}
