//! INV-JOB-QUORUM: f + 1 equal sightings open a job, q equal reveals conclude it.

use std::collections::BTreeSet;

use protocol::{
    fact::Reveal,
    ids::{JobId, OperatorIndex},
    outcome::{Outcome, Verdict, code},
};

use super::{
    Checker, Context,
    tally::{Said, Tally},
};
use crate::trace::{Event, Record};

pub(super) struct Quorum {
    context: Context,
    tally: Tally,
}

/// Whether a reveal says what an outcome says; the evidence is the ledger's to derive.
pub(super) fn says(reveal: &Reveal, outcome: &Outcome) -> bool {
    let judgement = &outcome.judgement;
    (reveal.verdict, reveal.code, reveal.value)
        == (judgement.verdict, judgement.code, judgement.value)
}

/// Those whose first reveal about one response says what the outcome says.
pub(super) fn supporters<'a>(
    said: &'a Said,
    outcome: &'a Outcome,
) -> impl Iterator<Item = (OperatorIndex, &'a Reveal)> {
    said.reveals.iter().filter_map(|(by, reveals)| {
        let (reveal, _) = reveals.iter().find(|(reveal, _)| says(reveal, outcome))?;
        Some((*by, reveal))
    })
}

impl Quorum {
    pub(super) fn new(context: &Context) -> Self {
        Self { context: context.clone(), tally: Tally::default() }
    }

    fn opened(&self, job: JobId) -> Result<(), String> {
        let needed = self.context.quorums.f + 1;
        let saws = self.tally.of(job).map(|said| &said.saws);
        let most = saws.and_then(|saws| saws.values().map(BTreeSet::len).max()).unwrap_or(0);
        if most < needed {
            return Err(format!(
                "job {job} is open with {most} equal sightings, {needed} are needed"
            ));
        }
        Ok(())
    }

    fn concluded(&self, outcome: &Outcome) -> Result<(), String> {
        let by_reveals = match outcome.judgement.verdict {
            Verdict::Valid => true,
            Verdict::Invalid => outcome.judgement.code != code::EQUIVOCATED,
            Verdict::Inconclusive => outcome.judgement.code != code::NO_QUORUM,
            Verdict::Missed => false,
        };
        if !by_reveals {
            return Ok(());
        }
        let needed = self.context.quorums.q;
        let said = self.tally.of(outcome.job);
        let equal = said.map_or(0, |said| supporters(said, outcome).count());
        if equal < needed {
            return Err(format!(
                "job {} is {:?} with {equal} equal reveals, {needed} are needed",
                outcome.job, outcome.judgement.verdict
            ));
        }
        Ok(())
    }
}

impl Checker for Quorum {
    fn id(&self) -> &'static str {
        "INV-JOB-QUORUM"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Decided { height, block, .. } => self.tally.read(*height, block),
            Event::Opened { job, .. } => return self.opened(*job),
            Event::Concluded { outcome, .. } => {
                let result = self.concluded(outcome);
                self.tally.forget(outcome.job);
                return result;
            }
            _ => {}
        }
        Ok(())
    }
}
