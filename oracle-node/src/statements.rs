//! Statements in the log: what operators said, as this node said or heard it, one event each on
//! the target `statements`. From the logs of some nodes anybody can check that nobody contradicts
//! itself: one operator, kind and place has one digest, whatever was killed and started meanwhile.
//!
//! The host logs votes, and the submitter its transactions, to the same target.

use operator::{Effect, Topic, statements};
use tracing::{Level, debug, enabled};

/// How far a statement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Signed here; about to be durable, and known to nobody.
    Signed,
    /// Durable here; others hear of it from now on.
    Sent,
    /// Of another operator. Rejected messages are none.
    Heard,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Sent => "sent",
            Self::Heard => "heard",
        }
    }
}

/// Tells what an effect says to others.
pub(crate) fn tell(stage: Stage, effect: &Effect) {
    if let Effect::Publish { topic, bytes } = effect {
        tell_message(stage, *topic, bytes);
    }
}

/// Tells what a gossiped message says.
pub(crate) fn tell_message(stage: Stage, topic: Topic, message: &[u8]) {
    if !enabled!(target: "statements", Level::DEBUG) {
        return;
    }
    for said in statements(topic, message) {
        debug!(
            target: "statements",
            stage = stage.name(), operator = %said.operator, kind = said.place.kind(),
            place = %said.place, digest = %said.digest, "said"
        );
    }
}
