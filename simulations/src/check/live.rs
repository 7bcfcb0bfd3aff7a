//! INV-LIVE: after the heal every job is concluded, attested and on the hub.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    ids::{Height, HubIndex, JobId},
    subject::Subject,
};

use super::{Checker, Context};
use crate::trace::{Event, Record};

/// Jobs that a violation names.
const NAMED_MAX: usize = 3;

pub(super) struct Live {
    has_submitter: bool,
    /// Those that are not concluded.
    open: BTreeSet<JobId>,
    /// Concluded: height of the batch, and the hub's number.
    unsigned: BTreeMap<(HubIndex, Height), Vec<JobId>>,
    unrecorded: BTreeMap<(HubIndex, u64), JobId>,
    healed: bool,
}

impl Live {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            has_submitter: context.has_submitter,
            open: BTreeSet::new(),
            unsigned: BTreeMap::new(),
            unrecorded: BTreeMap::new(),
            healed: false,
        }
    }

    fn ended(&self) -> Result<(), String> {
        let name = |jobs: Vec<&JobId>| {
            let first: Vec<String> = jobs.iter().take(NAMED_MAX).map(ToString::to_string).collect();
            format!("{} jobs, first {}", jobs.len(), first.join(", "))
        };
        if !self.open.is_empty() {
            let jobs = name(self.open.iter().collect());
            return Err(format!("at the end of the run, not concluded: {jobs}"));
        }
        if !self.unsigned.is_empty() {
            let jobs = name(self.unsigned.values().flatten().collect());
            return Err(format!("at the end of the run, not attested: {jobs}"));
        }
        if self.has_submitter && !self.unrecorded.is_empty() {
            let jobs = name(self.unrecorded.values().collect());
            return Err(format!("at the end of the run, not on the hub: {jobs}"));
        }
        Ok(())
    }
}

impl Checker for Live {
    fn id(&self) -> &'static str {
        "INV-LIVE"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Requested { sighting, .. } => {
                let job = sighting.job.id();
                // After a re-organisation a request is told of again.
                if self.unrecorded.insert((sighting.hub, sighting.job.index), job).is_none() {
                    self.open.insert(job);
                }
            }
            Event::Concluded { outcome, .. } => {
                self.open.remove(&outcome.job);
            }
            Event::Batched { height, hub, outcomes, .. } => {
                let jobs = outcomes.iter().map(|outcome| outcome.job).collect();
                self.unsigned.insert((*hub, *height), jobs);
            }
            Event::Signed { subject: Subject::Attestation { height, hub }, .. } => {
                self.unsigned.retain(|(of, at), _| of != hub || at > height);
            }
            Event::Recorded { hub, outcomes, .. } => {
                for (index, ..) in outcomes {
                    self.unrecorded.remove(&(*hub, *index));
                }
            }
            Event::Healed => self.healed = true,
            Event::Ended if self.healed => return self.ended(),
            _ => {}
        }
        Ok(())
    }
}
