//! INV-AGREE and INV-DIGEST: one block a height, and one state after it.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use protocol::ids::{Height, OperatorIndex};

use super::Checker;
use crate::trace::{Event, Record};

/// INV-AGREE: no two members decide different blocks at one height.
#[derive(Default)]
pub(super) struct Agree {
    decided: BTreeMap<Height, B256>,
}

impl Checker for Agree {
    fn id(&self) -> &'static str {
        "INV-AGREE"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        let (height, id) = match &record.event {
            Event::Decided { height, id, .. } | Event::Applied { height, id, .. } => (height, id),
            _ => return Ok(()),
        };
        let first = self.decided.entry(*height).or_insert(*id);
        if first == id {
            return Ok(());
        }
        Err(format!("height {height}: block {first} is decided, and block {id}"))
    }
}

/// INV-DIGEST: the same blocks give the same state, on every member.
#[derive(Default)]
pub(super) struct Digest {
    states: BTreeMap<Height, (B256, OperatorIndex)>,
}

impl Checker for Digest {
    fn id(&self) -> &'static str {
        "INV-DIGEST"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Applied { by, height, state_digest, .. } => {
                let (first, who) = self.states.entry(*height).or_insert((*state_digest, *by));
                if first != state_digest {
                    return Err(format!(
                        "height {height}: operator {who} reached state {first}, operator {by} {state_digest}"
                    ));
                }
            }
            Event::Decided { height, block, .. } => {
                let before = Height(height.0.saturating_sub(1));
                if let Some((state, who)) = self.states.get(&before)
                    && *state != block.state_digest
                {
                    return Err(format!(
                        "height {height} is built on state {}, operator {who} reached {state}",
                        block.state_digest
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
