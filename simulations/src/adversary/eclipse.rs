//! Says everything to everybody but its targets, and takes no part in what they hear.

use super::{Act, Adversary, Outgoing};
use crate::scenario;

pub(super) struct Eclipse(pub(super) scenario::Adversary);

impl Adversary for Eclipse {
    fn say(&mut self, act: &mut Act<'_>, mut outgoing: Outgoing) -> Vec<Outgoing> {
        let targets = &self.0.targets;
        let is_target = |to: &usize| {
            targets.is_empty() || targets.iter().any(|target| usize::from(*target) == *to)
        };
        if outgoing.to.iter().any(is_target) && act.takes(&self.0) {
            outgoing.to.retain(|to| !is_target(to));
        }
        if outgoing.to.is_empty() { Vec::new() } else { vec![outgoing] }
    }
}
