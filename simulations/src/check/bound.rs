//! INV-BOUND: what is sent, decided and held stays within its bounds.

use protocol::{
    block::{MAX_BLOCK_BYTES, MAX_BLOCK_SIGNATURES},
    bundle::{MAX_BUNDLE_BYTES, MAX_BUNDLE_FACTS},
};

use super::{Checker, Context};
use crate::trace::{Channel, Event, Record};

/// What a message carries besides what it is about.
const FRAME_BYTES: usize = 1_024;

/// Journal entries an open job: request, two responses, judgement.
const JOURNAL_A_JOB: u64 = 4;

/// And besides: bundle, ceremony secrets and logs of some rounds, a dealing of each member each.
const JOURNAL_ROUNDS: u64 = 4;

pub(super) struct Bound {
    members: u64,
    requested: u64,
}

impl Bound {
    pub(super) fn new(context: &Context) -> Self {
        Self { members: context.quorums.n as u64, requested: 0 }
    }

    fn bytes_max(channel: Channel) -> usize {
        match channel {
            // Several blocks, or one with its proposal.
            Channel::Sync => 8 * MAX_BLOCK_BYTES + FRAME_BYTES,
            Channel::Consensus | Channel::Proposals => MAX_BLOCK_BYTES + FRAME_BYTES,
            Channel::Bundles | Channel::Ceremony => MAX_BUNDLE_BYTES + FRAME_BYTES,
            Channel::Responses | Channel::Bodies | Channel::Answers => 256 * 1_024 + FRAME_BYTES,
            Channel::Partials => 512,
        }
    }

    fn journal_max(&self) -> u64 {
        let round = 2 + self.members;
        self.requested * JOURNAL_A_JOB + JOURNAL_ROUNDS * round + 1
    }
}

impl Checker for Bound {
    fn id(&self) -> &'static str {
        "INV-BOUND"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Requested { .. } => self.requested += 1,
            Event::Sent { channel, bytes, .. } => {
                let most = Self::bytes_max(*channel);
                if usize::try_from(*bytes).unwrap_or(usize::MAX) > most {
                    let name = channel.name();
                    return Err(format!(
                        "a message of {name} has {bytes} bytes, the most is {most}"
                    ));
                }
            }
            Event::Decided { height, block, .. } => {
                let signatures = block.signatures.len();
                if signatures > MAX_BLOCK_SIGNATURES {
                    return Err(format!("height {height} has {signatures} group signatures"));
                }
                let facts = block.bundles.iter().map(|signed| signed.bundle.facts.len()).max();
                if facts.is_some_and(|facts| facts > MAX_BUNDLE_FACTS) {
                    return Err(format!("height {height} has a bundle of {facts:?} facts"));
                }
            }
            Event::Held { by, journal, .. } => {
                let most = self.journal_max();
                if u64::from(*journal) > most {
                    return Err(format!(
                        "operator {by} keeps {journal} journal entries, the most for {} requests is {most}",
                        self.requested
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
