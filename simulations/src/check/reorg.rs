//! INV-REORG: who has halted a hub says nothing new about its jobs and signs nothing for it.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    ids::{HubIndex, OperatorIndex},
    subject::Subject,
};

use super::{Checker, Context};
use crate::trace::{Event, Place, Record};

pub(super) struct Reorg {
    context: Context,
    halted: BTreeMap<OperatorIndex, BTreeSet<HubIndex>>,
    /// What was said before: it may be said again.
    before: BTreeSet<(OperatorIndex, Place)>,
}

impl Reorg {
    pub(super) fn new(context: &Context) -> Self {
        Self { context: context.clone(), halted: BTreeMap::new(), before: BTreeSet::new() }
    }

    fn is_halted(&self, by: OperatorIndex, place: &Place) -> bool {
        let Some(hubs) = self.halted.get(&by) else { return false };
        match place {
            // A world has one hub.
            Place::Commit(_) | Place::Reveal(_) => !hubs.is_empty(),
            Place::Partial(Subject::Attestation { hub, .. }) => hubs.contains(hub),
            Place::Partial(Subject::Beacon { .. } | Subject::KeyPossession { .. })
            | Place::Bundle(_)
            | Place::CeremonyKey(_)
            | Place::CeremonyLog(_)
            | Place::Proposal(..)
            | Place::Prevote(..)
            | Place::Precommit(..) => false,
        }
    }
}

impl Checker for Reorg {
    fn id(&self) -> &'static str {
        "INV-REORG"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Halted { at, hub } => {
                self.halted.entry(*at).or_default().insert(*hub);
            }
            Event::Said { by, place, .. } if self.context.is_honest(*by) => {
                let is_about_hub = matches!(
                    place,
                    Place::Commit(_)
                        | Place::Reveal(_)
                        | Place::Partial(Subject::Attestation { .. })
                );
                if !is_about_hub {
                    return Ok(());
                }
                if !self.is_halted(*by, place) {
                    self.before.insert((*by, *place));
                } else if !self.before.contains(&(*by, *place)) {
                    return Err(format!("operator {by} has halted, and says {place:?}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
