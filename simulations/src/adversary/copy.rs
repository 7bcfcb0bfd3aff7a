//! Verifies nothing: waits for the first reveal of another, and commits to the same.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use operator::{Judged, VerifyTask};
use protocol::ids::JobId;

use super::{Act, Adversary};
use crate::scenario;

/// Jobs that it waits for, at most.
const WAITING_MAX: usize = 4096;

pub(super) struct Copy {
    of: scenario::Adversary,
    waiting: BTreeMap<JobId, B256>,
}

impl Copy {
    pub(super) fn new(of: scenario::Adversary) -> Self {
        Self { of, waiting: BTreeMap::new() }
    }
}

impl Adversary for Copy {
    fn judge(&mut self, act: &mut Act<'_>, task: &VerifyTask, honest: Judged) -> Option<Judged> {
        if self.waiting.len() >= WAITING_MAX || !act.takes(&self.of) {
            return Some(honest);
        }
        self.waiting.insert(task.job, task.response);
        None
    }

    fn late_verdicts(&mut self, act: &mut Act<'_>) -> Vec<(JobId, B256, Judged)> {
        let jobs = &act.operator.ledger().state().jobs;
        self.waiting.retain(|job, _| jobs.contains_key(job));
        let seen = self.waiting.iter().filter_map(|(id, response)| {
            let (_, judgement) = jobs.get(id)?.reveals.first_key_value()?;
            let judged = Judged {
                verdict: judgement.verdict,
                code: judgement.code,
                value: judgement.value,
                reported: B256::ZERO,
            };
            Some((*id, *response, judged))
        });
        let copied: Vec<_> = seen.collect();
        for (job, _, _) in &copied {
            self.waiting.remove(job);
        }
        copied
    }
}
