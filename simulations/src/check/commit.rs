//! INV-COMMIT: verdicts are committed before any is revealed, and only what opens its commitment
//! counts.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use protocol::{
    bytes,
    fact::Reveal,
    ids::{JobId, OperatorIndex},
    outcome::{Outcome, Verdict, code},
};

use super::{
    Checker, Context,
    quorum::supporters,
    tally::{Said, Tally},
};
use crate::trace::{Event, Place, Record};

pub(super) struct Commit {
    context: Context,
    ledger_id: B256,
    addresses: Vec<Address>,
    statements: BTreeMap<JobId, B256>,
    tally: Tally,
    revealing: BTreeSet<JobId>,
}

impl Commit {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            ledger_id: B256::ZERO,
            addresses: Vec::new(),
            statements: BTreeMap::new(),
            tally: Tally::default(),
            revealing: BTreeSet::new(),
        }
    }

    fn opens(&self, said: &Said, job: JobId, by: OperatorIndex, reveal: &Reveal) -> bool {
        let (Some(statement), Some(address), Some((commitment, _))) = (
            self.statements.get(&job),
            self.addresses.get(usize::from(by.0)),
            said.commits.get(&by),
        ) else {
            return false;
        };
        let judgement = reveal.judgement(*statement);
        bytes::commitment(self.ledger_id, job, *address, &judgement, reveal.salt) == *commitment
    }

    fn concluded(&self, outcome: &Outcome) -> Result<(), String> {
        let (job, judgement) = (outcome.job, &outcome.judgement);
        let by_reveals = match judgement.verdict {
            Verdict::Valid => true,
            Verdict::Invalid => judgement.code != code::EQUIVOCATED,
            Verdict::Inconclusive => judgement.code != code::NO_QUORUM,
            Verdict::Missed => false,
        };
        let Some(said) = self.tally.of(job).filter(|_| by_reveals) else { return Ok(()) };
        let needed = self.context.quorums.q;
        let supporters: Vec<_> = supporters(said, outcome).collect();
        let good =
            supporters.iter().filter(|(by, reveal)| self.opens(said, job, *by, reveal)).count();
        if good < needed && supporters.len() >= needed {
            return Err(format!(
                "job {job} is {:?} by {} reveals, of which {good} open a commitment; {needed} are needed",
                judgement.verdict,
                supporters.len()
            ));
        }
        Ok(())
    }
}

impl Checker for Commit {
    fn id(&self) -> &'static str {
        "INV-COMMIT"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Began { ledger_id, operators, .. } => {
                self.ledger_id = *ledger_id;
                self.addresses = operators.iter().map(Address::from).collect();
            }
            Event::Requested { sighting, .. } => {
                self.statements.insert(sighting.job.id(), sighting.job.statement_hash);
            }
            Event::Decided { height, block, .. } => self.tally.read(*height, block),
            Event::RevealsOpened { job, .. } => {
                self.revealing.insert(*job);
            }
            Event::Said { by, place: Place::Reveal(job), .. }
                if self.context.is_honest(*by) && !self.revealing.contains(job) =>
            {
                return Err(format!("operator {by} reveals on job {job} before reveals are open"));
            }
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
