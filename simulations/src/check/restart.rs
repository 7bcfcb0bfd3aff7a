//! INV-RESTART: nobody honest contradicts itself, whenever it was killed.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use protocol::ids::OperatorIndex;

use super::{Checker, Context};
use crate::trace::{Event, Place, Record};

pub(super) struct Restart {
    context: Context,
    said: BTreeMap<(OperatorIndex, Place), B256>,
}

impl Restart {
    pub(super) fn new(context: &Context) -> Self {
        Self { context: context.clone(), said: BTreeMap::new() }
    }
}

impl Checker for Restart {
    fn id(&self) -> &'static str {
        "INV-RESTART"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Said { by, place, digest } if self.context.is_honest(*by) => {
                let first = self.said.entry((*by, *place)).or_insert(*digest);
                if first != digest {
                    return Err(format!("operator {by} said {first} at {place:?}, now {digest}"));
                }
            }
            // A later bundle or height replaces what was said before: what can't be said any more
            // is forgotten.
            Event::Applied { by, height, .. } => {
                let old = height.0.saturating_sub(1);
                self.said.retain(|(who, place), _| who != by || !is_before(place, old));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a place is one of consensus below a height.
fn is_before(place: &Place, height: u64) -> bool {
    match place {
        Place::Proposal(of, _) | Place::Prevote(of, _) | Place::Precommit(of, _) => *of < height,
        Place::Bundle(_)
        | Place::Commit(_)
        | Place::Reveal(_)
        | Place::CeremonyKey(_)
        | Place::CeremonyLog(_)
        | Place::Partial(_) => false,
    }
}
