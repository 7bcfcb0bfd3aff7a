//! Puts other operators' submissions on chain as its own, for a better place in the block.

use super::{Act, Adversary};
use crate::scenario;

pub(super) struct FrontRun(pub(super) scenario::Adversary);

impl Adversary for FrontRun {
    fn front_runs(&mut self, act: &mut Act<'_>) -> bool {
        act.takes(&self.0)
    }
}
