//! Judges the opposite of what is true.

use operator::{Judged, VerifyTask};
use protocol::outcome::Verdict;

use super::{Act, Adversary};
use crate::{provider, scenario};

pub(super) struct LieVerdicts(pub(super) scenario::Adversary);

impl Adversary for LieVerdicts {
    fn judge(&mut self, act: &mut Act<'_>, _task: &VerifyTask, honest: Judged) -> Option<Judged> {
        if act.takes(&self.0) {
            Some(provider::judgement(honest.verdict != Verdict::Valid))
        } else {
            Some(honest)
        }
    }
}
