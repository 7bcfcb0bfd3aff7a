//! What an operator's own endpoints say of its chains.

use chain::{ChainEvent, Cursor, JobRequest};
use eyre::Result;
use operator::Request;
use protocol::{
    ids::{HubIndex, JobId},
    job::{JobDescriptor, Position, Sighting},
};
use store::Batch;

use super::{Changed, Core, now_ms, writes::After};
use crate::{halt::Halt, timeline};

impl Core {
    /// A job was opened by what others have read: this operator's endpoint very likely shows it as well, and it judges
    /// nothing before that.
    pub(super) fn look_for(&self, job: JobId) {
        let open = self.operator.ledger().state().jobs.get(&job);
        if let Some(open) = open.filter(|_| self.operator.statement(job).is_none())
            && let Some(lookout) = self.lookouts.get(usize::from(open.sighting.hub.0))
        {
            lookout.notify_one();
        }
    }

    pub(super) async fn chain_event(&mut self, hub: HubIndex, event: ChainEvent) -> Result<()> {
        self.changed = self.changed.max(Changed::Somewhat);
        let Some(status) = self.chains.get_mut(usize::from(hub.0)) else { return Ok(()) };
        match event {
            ChainEvent::Requested { request, cursor } => {
                let mut batch = Batch::new();
                put_cursor(&mut batch, request.chain_id, &cursor)?;
                let effects = match request_of(hub, &request) {
                    Some(request) => {
                        let hash = request.sighting.job.statement_hash;
                        batch.statement(hash, request.statement.clone());
                        timeline::requested(request.sighting.job.id());
                        self.verification.prepare(&request, &self.genesis);
                        self.operator.requested(now_ms(), request)
                    }
                    None => {
                        tracing::error!(
                            job = %request.job_id,
                            "the hub's job id is not that of its request; ignored"
                        );
                        Vec::new()
                    }
                };
                self.carry_out(effects, batch).await?;
            }
            ChainEvent::Finalized { block, time, head, cursor } => {
                status.finalized = block.number;
                status.finalized_time = time;
                status.head = head;
                let mut batch = Batch::new();
                put_cursor(&mut batch, status.chain_id, &cursor)?;
                self.write(batch, Vec::new(), After::Nothing, false).await?;
            }
            ChainEvent::Hub { event, cursor, .. } => {
                tracing::info!(chain = status.chain_id, ?event, "hub");
                let mut batch = Batch::new();
                put_cursor(&mut batch, status.chain_id, &cursor)?;
                self.write(batch, Vec::new(), After::Nothing, false).await?;
            }
            ChainEvent::Reorg { old, new } => {
                self.metrics.work.chain_reorgs.inc();
                tracing::info!(chain = status.chain_id, ?old, ?new, "re-organised above finality");
            }
            ChainEvent::ReorgBeyondFinality { expected, found } => {
                let (chain, halt) = (status.chain_id, Halt { expected, found });
                status.halted = true;
                status.trouble = Some(halt.to_string());
                self.operator.halt(hub);
                if let Some(settler) = self.settlers.get(usize::from(hub.0)) {
                    settler.halted.send_replace(true);
                }
                tracing::error!(
                    chain, %halt,
                    "ALARM: a final block was replaced; this node signs nothing more for this \
                     chain, after a restart either. Find out which block is right, and start with \
                     --resume-chain {chain}"
                );
                let mut batch = Batch::new();
                halt.write(chain, &mut batch)?;
                self.store.append(batch).await?;
            }
            ChainEvent::NoEndpoint => {
                status.healthy = false;
                status.trouble = Some("no endpoint is of this chain".into());
                tracing::error!(
                    chain = status.chain_id,
                    "ALARM: no endpoint is of this chain; fix chains.rpc_urls and restart"
                );
            }
            ChainEvent::Unhealthy { endpoint, trouble } => {
                status.healthy = false;
                status.trouble = Some(format!("endpoint {endpoint}: {trouble}"));
                self.metrics.work.chain_troubles.inc();
                tracing::warn!(chain = status.chain_id, endpoint, %trouble, "chain cannot be read");
            }
            ChainEvent::Healthy { endpoint } => {
                status.healthy = true;
                status.trouble = None;
                tracing::info!(chain = status.chain_id, endpoint, "chain is read again");
            }
        }
        Ok(())
    }
}

fn put_cursor(batch: &mut Batch, chain_id: u64, cursor: &Cursor) -> Result<()> {
    batch.cursor(chain_id, serde_json::to_vec(cursor)?);
    Ok(())
}

/// A chain's request as the ledger names it; none if the hub's id is not its own.
fn request_of(hub: HubIndex, request: &JobRequest) -> Option<Request> {
    let job = JobDescriptor {
        chain_id: request.chain_id,
        escrow: request.escrow,
        index: request.job_index,
        provider: request.provider,
        kind: request.kind.0,
        statement_hash: alloy_primitives::keccak256(&request.statement),
        deadline_seconds: request.deadline,
    };
    let position = Position {
        block_number: request.position.block.number,
        log_index: u32::try_from(request.position.log_index).ok()?,
    };
    (job.id().0 == request.job_id).then(|| Request {
        sighting: Sighting { hub, job, position },
        statement: request.statement.to_vec(),
    })
}
