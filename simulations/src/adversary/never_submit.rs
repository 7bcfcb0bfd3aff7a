//! Never submits what is its turn to submit.

use super::{Act, Adversary};
use crate::scenario;

pub(super) struct NeverSubmit(pub(super) scenario::Adversary);

impl Adversary for NeverSubmit {
    fn submit(&mut self, act: &mut Act<'_>, tip: u32) -> Option<u32> {
        if act.takes(&self.0) { None } else { Some(tip) }
    }
}
