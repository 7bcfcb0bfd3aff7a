//! What is on its way to the disk, and what waits for it.
//!
//! The loop goes on while the disk syncs: what comes meanwhile is judged, signed and put in line behind it,
//! and the store commits together what waits. Nothing that depends on a write leaves before it is durable, and
//! what leaves keeps its order.

use std::collections::VecDeque;

use alloy_primitives::B256;
use eyre::Result;
use operator::{Effect, JournalKey, ResponseRefused};
use protocol::ids::JobId;
use store::{Batch, StoreError, Writing};
use tokio::sync::oneshot;

use super::{Changed, Core, effects::journal_key};
use crate::{
    statements::{Stage, tell},
    timeline,
};

/// Entries that may wait; then the loop waits for the disk.
const PENDING_MAX: usize = 64;

/// Something that waits for the disk.
#[derive(Debug)]
struct Pending {
    /// None if it only keeps its place behind others.
    writing: Option<Writing>,
    /// What is seen from outside once all before is durable.
    outward: Vec<Effect>,
    after: After,
    /// Whether it holds what this operator may not contradict.
    binds: bool,
}

/// What else is done once something is durable.
#[derive(Debug)]
pub(super) enum After {
    Nothing,
    /// The engine goes on to the next height.
    Decided(oneshot::Sender<()>),
    /// A provider learns that its response is held.
    Responded(JobId, oneshot::Sender<Result<(), ResponseRefused>>),
    /// A response leaves the journal.
    Archived(JobId, B256),
}

/// All of it, in order.
#[derive(Debug, Default)]
pub(crate) struct Writes(VecDeque<Pending>);

impl Writes {
    /// Until the first one is durable; for ever if there is none. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<(), StoreError> {
        match self.0.front_mut() {
            Some(Pending { writing: Some(writing), .. }) => writing.await.map(|_| ()),
            Some(_) => Ok(()),
            None => std::future::pending().await,
        }
    }

    /// Whether the first one waits for nothing, or there are too many.
    fn is_full_or_done(&self) -> bool {
        self.0.len() > PENDING_MAX || self.0.front().is_some_and(|first| first.writing.is_none())
    }

    /// Whether something is on its way that this operator may not contradict: it is in no block of its own until then.
    pub(super) fn bind(&self) -> bool {
        self.0.iter().any(|pending| pending.binds)
    }
}

impl Core {
    /// Puts a batch in line, with what was left for later before it; `outward` and `after` follow once it is durable, and all
    /// before it.
    pub(super) async fn write(
        &mut self,
        batch: Batch,
        outward: Vec<Effect>,
        after: After,
        binds: bool,
    ) -> Result<()> {
        if batch.is_empty() && outward.is_empty() && matches!(after, After::Nothing) {
            return Ok(());
        }
        let writing = if batch.is_empty() {
            None
        } else {
            let mut all = std::mem::take(&mut self.later);
            all.append(batch);
            Some(self.store.begin(all).await?)
        };
        self.writes.0.push_back(Pending { writing, outward, after, binds });
        while self.writes.is_full_or_done() {
            let written = self.writes.next().await;
            self.written(written)?;
        }
        Ok(())
    }

    /// The first write has ended: what waited for it goes out.
    pub(super) fn written(&mut self, result: Result<(), StoreError>) -> Result<()> {
        let Some(first) = self.writes.0.pop_front() else { return Ok(()) };
        match (result, first.after) {
            (Ok(()), After::Nothing) => {}
            (Ok(()), After::Decided(reply)) => {
                let _ = reply.send(());
                self.changed = Changed::Urgently;
            }
            (Ok(()), After::Responded(job, reply)) => {
                timeline::responded(job);
                let _ = reply.send(Ok(()));
            }
            (Ok(()), After::Archived(job, root)) => self.leaves_journal(job, root)?,
            // The archive serves auditors; what it has no room for is said, and the node goes on.
            (Err(StoreError::Refused { refusal, .. }), After::Archived(job, root)) => {
                tracing::error!(%job, %root, %refusal, "response not archived");
                self.leaves_journal(job, root)?;
            }
            (Err(error), _) => return Err(error.into()),
        }
        for effect in first.outward {
            tell(Stage::Sent, &effect);
            self.outward(effect);
        }
        Ok(())
    }

    fn leaves_journal(&mut self, job: JobId, root: B256) -> Result<()> {
        self.later.remove_record(&journal_key(&JournalKey::Response(job, root))?);
        Ok(())
    }

    /// Waits until everything is durable and has gone out.
    pub(super) async fn drain(&mut self) -> Result<()> {
        while !self.writes.0.is_empty() {
            let written = self.writes.next().await;
            self.written(written)?;
        }
        Ok(())
    }
}
