//! When a block is proposed: at once, or when what others are about to state has come.
//!
//! The facts that end a phase of a job come from all members within a few milliseconds. A block
//! that is built a moment too early lacks some, and the job waits for another height.

use std::time::Duration;

use host::Propose;
use protocol::ids::Height;
use tokio::time::{Instant, sleep_until};

use super::Core;

/// The longest that a proposal waits: much less than the consensus timeout, more than members'
/// ways differ by.
const PATIENCE: Duration = Duration::from_millis(100);

/// A body that the engine waits for.
pub(crate) struct Proposal {
    ask: Propose,
    until: Instant,
}

impl Proposal {
    pub(super) fn new(ask: Propose) -> Self {
        Self { ask, until: Instant::now() + PATIENCE }
    }

    /// Until a proposal waits no longer; for ever if there is none.
    pub(super) async fn patience(proposal: Option<&Self>) {
        match proposal {
            Some(proposal) => sleep_until(proposal.until).await,
            None => std::future::pending().await,
        }
    }
}

impl Core {
    /// Hands the engine the body it waits for, if nothing more is to be waited for.
    pub(super) fn propose(&mut self) {
        // Another node's block of the height may have come by sync while the proposal waited.
        let decided = self.operator.ledger().state().height;
        self.proposal.take_if(|proposal| Height(proposal.ask.height) <= decided);
        // This operator's own bundle may be among what is on its way to the disk.
        if self.writes.bind() {
            return;
        }
        let ready = |proposal: &mut Proposal| {
            Instant::now() >= proposal.until || !self.operator.awaits_more()
        };
        if let Some(Proposal { ask, .. }) = self.proposal.take_if(ready) {
            let _ = ask.reply.send(self.operator.propose().encode());
        }
    }
}
