//! Sends no dealing and acknowledges none.

use super::{Act, Adversary, Outgoing};
use crate::{scenario, world::Payload};

pub(super) struct StallDkg(pub(super) scenario::Adversary);

impl Adversary for StallDkg {
    fn say(&mut self, act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let is_ceremony = matches!(outgoing.payload, Payload::Direct(_));
        if is_ceremony && act.takes(&self.0) { Vec::new() } else { vec![outgoing] }
    }
}
