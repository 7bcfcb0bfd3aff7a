//! The node's one loop: whatever happens goes to the operator, and its effects are carried out in
//! their order. What must be durable is, before anybody sees what depends on it.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use borsh::BorshDeserialize;
use chain::{ChainEvent, Cursor, JobRequest};
use eyre::{Context as _, Result, eyre};
use host::{Host, PeerKey, Protocol};
use operator::{Effect, JournalKey, Operator, Request, ResponseRefused};
use protocol::{
    block::Block,
    genesis::Genesis,
    ids::{Height, HubIndex, JobId, OperatorIndex},
    job::{JobDescriptor, Position, Sighting},
    ledger::Event,
    response::SignedResponse,
    subject::Subject,
};
use store::{Batch, Store};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    archive::{Archive, response_key},
    keys::KeyRing,
    metrics::Metrics,
    settle::ProvenKey,
    verification::{Finished, Verification},
    views::{ChainStatus, View},
};

/// Records of the journal begin with this.
pub(crate) const JOURNAL_PREFIX: &[u8] = b"journal/";

/// How often the operator is told the time.
const TICK: Duration = Duration::from_millis(100);

/// How long the engine may forget that a block is wanted.
const WAKE_AGAIN_TICKS: u32 = 10;

/// Writes, and bytes of them, after which a batch is written although nothing waits for it.
const FLUSH_WRITES: usize = 512;
const FLUSH_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of archived responses above which the oldest are dropped.
const ARCHIVED_RESPONSE_BYTES: u64 = 768 * 1024 * 1024;

/// Heights for which responses are kept even then.
const RESPONSE_RETENTION_HEIGHTS: u64 = 1_000;

/// What the API asks of the core.
#[derive(Debug)]
pub enum Command {
    /// A provider brings a response.
    Respond {
        /// The response.
        response: SignedResponse,
        /// Whether it was taken.
        reply: oneshot::Sender<Result<(), ResponseRefused>>,
    },
}

/// Where everything that happens arrives.
pub(crate) struct Inputs {
    /// Consensus and the network.
    pub host: mpsc::Receiver<host::Event>,
    /// Chains, by their place in the genesis.
    pub chains: mpsc::Receiver<(HubIndex, ChainEvent)>,
    /// Verdicts.
    pub verified: mpsc::Receiver<Finished>,
    /// The API.
    pub commands: mpsc::Receiver<Command>,
    /// Bodies that other operators gave.
    pub fetched: mpsc::Receiver<SignedResponse>,
}

/// The operator with everything that carries out its effects.
pub(crate) struct Core {
    /// Decides.
    pub operator: Operator,
    /// What it stands on.
    pub genesis: Arc<Genesis>,
    /// Makes durable.
    pub store: Store,
    /// Keeps conclusions.
    pub archive: Archive,
    /// Keeps shares.
    pub keys: Arc<KeyRing>,
    /// Consensus and the network.
    pub host: Host,
    /// Verifies.
    pub verification: Verification,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Shows.
    pub view: watch::Sender<Arc<View>>,
    /// Hands on the proof of possession of the group key, a hub each.
    pub proven: Vec<watch::Sender<Option<ProvenKey>>>,
    /// Brings fetched bodies back.
    pub fetched: mpsc::Sender<SignedResponse>,
    /// Chains as they were last seen.
    pub chains: Vec<ChainStatus>,
    /// Operators that are connected.
    pub peers: u64,
    /// Whether the view is older than what it shows.
    pub changed: bool,
}

/// Counts ticks until consensus is woken again.
#[derive(Default)]
struct Waking {
    wanted: bool,
    ticks: u32,
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

impl Core {
    /// Runs until `stop` changes, or the node cannot go on.
    ///
    /// # Errors
    /// When consensus has stopped for good, or the disk failed.
    pub(crate) async fn run(
        mut self,
        mut inputs: Inputs,
        mut stop: watch::Receiver<bool>,
    ) -> Result<()> {
        let mut waking = Waking::default();
        let effects = self.operator.start(now_ms());
        self.carry_out(effects, Batch::new(), &mut waking).await?;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                event = inputs.host.recv() => {
                    let event = event.ok_or_else(|| eyre!("consensus has stopped"))?;
                    self.host_event(event, &mut waking).await?;
                }
                Some(finished) = inputs.verified.recv() => {
                    self.verified(finished, &mut waking).await?;
                }
                Some((hub, event)) = inputs.chains.recv() => {
                    self.chain_event(hub, event, &mut waking).await?;
                }
                Some(command) = inputs.commands.recv() => {
                    self.command(command, &mut waking).await?;
                }
                Some(response) = inputs.fetched.recv() => {
                    if let Ok(effects) = self.operator.responded(now_ms(), response) {
                        self.carry_out(effects, Batch::new(), &mut waking).await?;
                    }
                }
                _ = ticks.tick() => self.tick(&mut waking).await?,
            }
        }
    }

    async fn tick(&mut self, waking: &mut Waking) -> Result<()> {
        waking.ticks += 1;
        if waking.ticks >= WAKE_AGAIN_TICKS {
            *waking = Waking::default();
        }
        let effects = self.operator.tick(now_ms());
        self.carry_out(effects, Batch::new(), waking).await?;
        if std::mem::take(&mut self.changed) {
            self.show();
        }
        Ok(())
    }

    fn show(&self) {
        let view = View::of(&self.operator, self.peers, self.chains.clone());
        self.view.send_replace(Arc::new(view));
    }

    async fn host_event(&mut self, event: host::Event, waking: &mut Waking) -> Result<()> {
        match event {
            host::Event::Propose(ask) => {
                let _ = ask.reply.send(self.operator.propose().encode());
            }
            host::Event::Validate(ask) => {
                let checked =
                    Block::decode(&ask.body).and_then(|block| self.operator.validate(&block));
                if let Err(error) = &checked {
                    tracing::error!(height = ask.height, %error, "block refused");
                }
                let _ = ask.reply.send(checked.is_ok());
            }
            host::Event::Decided(decided) => self.decided(decided, waking).await?,
            host::Event::StoredBlocks(ask) => {
                let blocks = self.stored_blocks(ask.from, ask.to)?;
                let _ = ask.reply.send(blocks);
            }
            host::Event::EarliestHeight(reply) => {
                let _ = reply.send(1);
            }
            host::Event::Gossip(message) => {
                let topic = match message.topic {
                    host::Topic::Bundles => operator::Topic::Bundles,
                    host::Topic::Responses => operator::Topic::Responses,
                    host::Topic::Partials => operator::Topic::Partials,
                };
                let (acceptance, effects) = self.operator.gossiped(now_ms(), topic, &message.bytes);
                let _ = message.reply.send(match acceptance {
                    operator::Acceptance::Accept => host::Acceptance::Accept,
                    operator::Acceptance::Ignore => host::Acceptance::Ignore,
                    operator::Acceptance::Reject => host::Acceptance::Reject,
                });
                self.carry_out(effects, Batch::new(), waking).await?;
            }
            host::Event::Request(request) => self.peer_request(request, waking).await?,
            host::Event::PeerConnected(peer) => {
                self.changed = true;
                self.peers = self.peers.saturating_add(1);
                tracing::info!(operator = ?self.member_of(peer), peers = self.peers, "operator connected");
            }
            host::Event::PeerDisconnected(peer) => {
                self.changed = true;
                self.peers = self.peers.saturating_sub(1);
                tracing::warn!(operator = ?self.member_of(peer), peers = self.peers, "operator gone");
            }
            host::Event::Fatal(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn member_of(&self, peer: PeerKey) -> Option<OperatorIndex> {
        self.genesis.indices().find(|index| {
            self.genesis.member(*index).is_some_and(|member| member.network_key == peer.0)
        })
    }

    async fn decided(&mut self, decided: host::Decided, waking: &mut Waking) -> Result<()> {
        let height = Height(decided.height);
        let block = Block::decode(&decided.body)
            .wrap_err_with(|| format!("decided block {height} does not decode"))?;
        let mut batch = Batch::new();
        batch.block(height, decided.body).certificate(height, decided.certificate);
        self.store.append(batch).await?;
        *waking = Waking::default();
        let effects = self.operator.decided(now_ms(), B256::from(decided.block_id), &block);
        self.metrics.blocks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let events: Vec<Event> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Ledger(event) => Some(event.clone()),
                _ => None,
            })
            .collect();
        let mut batch = Batch::new();
        self.archive.entries(self.operator.ledger(), &events)?.write(&mut batch);
        self.carry_out(effects, batch, waking).await?;
        let _ = decided.reply.send(());
        self.changed = false;
        self.show();
        Ok(())
    }

    fn stored_blocks(&self, from: u64, to: u64) -> Result<Vec<host::StoredBlock>> {
        let mut blocks = Vec::new();
        for height in from..=to {
            let (Some(body), Some(certificate)) =
                (self.store.block(Height(height))?, self.store.certificate(Height(height))?)
            else {
                break;
            };
            blocks.push(host::StoredBlock { height, body, certificate });
        }
        Ok(blocks)
    }

    async fn peer_request(&mut self, request: host::Request, waking: &mut Waking) -> Result<()> {
        match request.protocol {
            Protocol::Direct => {
                let _ = request.reply.send(Some(Vec::new()));
                if let Some(from) = self.member_of(request.from) {
                    let effects = self.operator.sent(now_ms(), from, &request.bytes);
                    self.carry_out(effects, Batch::new(), waking).await?;
                }
            }
            Protocol::Fetch => {
                let body = match <(JobId, B256)>::try_from_slice(&request.bytes) {
                    Ok((job, response)) => {
                        self.operator.response(job, response).map(SignedResponse::encode)
                    }
                    Err(_) => None,
                };
                let _ = request.reply.send(body);
            }
        }
        Ok(())
    }

    async fn verified(&mut self, finished: Finished, waking: &mut Waking) -> Result<()> {
        self.metrics.verifications.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut batch = Batch::new();
        for (hash, key) in finished.keys {
            batch.statement(hash, key.to_vec());
        }
        let effects =
            self.operator.verified(now_ms(), finished.job, finished.response, &finished.judged);
        self.carry_out(effects, batch, waking).await
    }

    async fn command(&mut self, command: Command, waking: &mut Waking) -> Result<()> {
        match command {
            Command::Respond { response, reply } => {
                match self.operator.responded(now_ms(), response) {
                    Ok(effects) => {
                        // Acknowledged once it is durable.
                        self.carry_out(effects, Batch::new(), waking).await?;
                        let _ = reply.send(Ok(()));
                    }
                    Err(refused) => {
                        self.metrics
                            .responses_refused
                            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let _ = reply.send(Err(refused));
                    }
                }
            }
        }
        Ok(())
    }

    async fn chain_event(
        &mut self,
        hub: HubIndex,
        event: ChainEvent,
        waking: &mut Waking,
    ) -> Result<()> {
        self.changed = true;
        let Some(status) = self.chains.get_mut(usize::from(hub.0)) else { return Ok(()) };
        match event {
            ChainEvent::Requested { request, cursor } => {
                let mut batch = Batch::new();
                put_cursor(&mut batch, request.chain_id, &cursor)?;
                let effects = match request_of(hub, &request) {
                    Some(request) => {
                        let hash = request.sighting.job.statement_hash;
                        batch.statement(hash, request.statement.clone());
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
                self.carry_out(effects, batch, waking).await?;
            }
            ChainEvent::Finalized { block, cursor, .. } => {
                status.finalized = block.number;
                let mut batch = Batch::new();
                put_cursor(&mut batch, status.chain_id, &cursor)?;
                self.store.append(batch).await?;
            }
            ChainEvent::Hub { event, cursor, .. } => {
                tracing::info!(chain = status.chain_id, ?event, "hub");
                let mut batch = Batch::new();
                put_cursor(&mut batch, status.chain_id, &cursor)?;
                self.store.append(batch).await?;
            }
            ChainEvent::Reorg { old, new } => {
                tracing::info!(chain = status.chain_id, ?old, ?new, "re-organised above finality");
            }
            ChainEvent::ReorgBeyondFinality { expected, found } => {
                status.halted = true;
                self.operator.halt(hub);
                tracing::error!(
                    chain = status.chain_id, ?expected, %found,
                    "ALARM: a final block was replaced; this node signs nothing more for this \
                     chain. Find out which chain is right before you start it again"
                );
            }
            ChainEvent::NoEndpoint => {
                status.healthy = false;
                tracing::error!(
                    chain = status.chain_id,
                    "ALARM: no endpoint is of this chain; fix chains.rpc_urls and restart"
                );
            }
            ChainEvent::Unhealthy { endpoint, trouble } => {
                status.healthy = false;
                self.metrics.chain_troubles.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                tracing::warn!(chain = status.chain_id, endpoint, %trouble, "chain cannot be read");
            }
            ChainEvent::Healthy { endpoint } => {
                status.healthy = true;
                tracing::info!(chain = status.chain_id, endpoint, "chain is read again");
            }
        }
        Ok(())
    }

    /// Carries out effects in their order. `batch` holds writes that belong to their cause.
    async fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        mut batch: Batch,
        waking: &mut Waking,
    ) -> Result<()> {
        let (mut writes, mut bytes) = (0usize, 0usize);
        for effect in effects {
            match effect {
                Effect::Persist { key, value } => {
                    writes += 1;
                    bytes += value.as_ref().map_or(0, Vec::len);
                    let key = journal_key(&key)?;
                    match value {
                        Some(value) => batch.record(&key, value),
                        None => batch.remove_record(&key),
                    };
                }
                Effect::StoreResponse { response, body } => {
                    self.store_response(response, &body).await?;
                }
                Effect::Ledger(event) => self.ledger_event(&event, &mut batch),
                Effect::Warn(warning) => {
                    self.metrics.warnings.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    tracing::warn!("{warning}");
                }
                outward => {
                    self.flush(&mut batch).await?;
                    (writes, bytes) = (0, 0);
                    self.outward(outward, &mut batch, waking)?;
                }
            }
            if writes >= FLUSH_WRITES || bytes >= FLUSH_BYTES {
                self.flush(&mut batch).await?;
                (writes, bytes) = (0, 0);
            }
        }
        self.flush(&mut batch).await
    }

    /// Archives a response. The archive serves auditors; what it has no room for is said, and the
    /// node goes on.
    async fn store_response(&self, root: B256, response: &SignedResponse) -> Result<()> {
        let mut batch = Batch::new();
        if self.store.response_bytes()? > ARCHIVED_RESPONSE_BYTES {
            let height = self.operator.ledger().state().height.0;
            batch.prune_responses(Height(height.saturating_sub(RESPONSE_RETENTION_HEIGHTS)));
            self.store.append(std::mem::take(&mut batch)).await?;
        }
        batch.response(response_key(response.job, root), response.job, response.encode());
        match self.store.append(batch).await {
            Ok(_) => Ok(()),
            Err(store::StoreError::Refused { refusal, .. }) => {
                tracing::error!(job = %response.job, %root, %refusal, "response not archived");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn flush(&self, batch: &mut Batch) -> Result<()> {
        if !batch.is_empty() {
            self.store.append(std::mem::take(batch)).await?;
        }
        Ok(())
    }

    fn outward(&mut self, effect: Effect, batch: &mut Batch, waking: &mut Waking) -> Result<()> {
        match effect {
            Effect::Publish { topic, bytes } => {
                let topic = match topic {
                    operator::Topic::Bundles => host::Topic::Bundles,
                    operator::Topic::Responses => host::Topic::Responses,
                    operator::Topic::Partials => host::Topic::Partials,
                };
                let host = self.host.clone();
                tokio::spawn(async move {
                    if let Err(error) = host.publish(topic, bytes).await {
                        tracing::debug!(?topic, %error, "not published; it is sent again");
                    }
                });
            }
            Effect::Send { to, bytes } => self.send(to, bytes),
            Effect::Fetch { job, response, from } => self.fetch(job, response, &from),
            Effect::Verify(task) => self.verification.start(*task),
            Effect::WantBlock => {
                if !std::mem::replace(&mut waking.wanted, true) {
                    waking.ticks = 0;
                    self.host.wake();
                }
            }
            Effect::StoreShare { epoch, round, share } => {
                self.keys.store_share(epoch, round, &share)?;
                tracing::info!(%epoch, round, "share of the group key stored");
            }
            Effect::Signed { subject, signature } => {
                self.metrics.signatures.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                self.signed(subject, &signature, batch);
            }
            Effect::Persist { .. }
            | Effect::StoreResponse { .. }
            | Effect::Ledger(_)
            | Effect::Warn(_) => {}
        }
        Ok(())
    }

    fn send(&self, to: OperatorIndex, bytes: Vec<u8>) {
        let Some(member) = self.genesis.member(to) else { return };
        let (host, peer) = (self.host.clone(), PeerKey(member.network_key));
        tokio::spawn(async move {
            if let Err(error) = host.request(peer, Protocol::Direct, bytes).await {
                tracing::debug!(%to, %error, "not delivered; it is sent again");
            }
        });
    }

    fn fetch(&self, job: JobId, response: B256, from: &[OperatorIndex]) {
        let peers: Vec<PeerKey> = from
            .iter()
            .filter_map(|index| self.genesis.member(*index))
            .map(|member| PeerKey(member.network_key))
            .collect();
        let (host, fetched) = (self.host.clone(), self.fetched.clone());
        let Ok(ask) = borsh::to_vec(&(job, response)) else { return };
        tokio::spawn(async move {
            for peer in peers {
                if let Ok(body) = host.request(peer, Protocol::Fetch, ask.clone()).await
                    && let Ok(body) = SignedResponse::decode(&body)
                    && body.hash() == response
                {
                    let _ = fetched.send(body).await;
                    return;
                }
            }
        });
    }

    /// A signature that this node combined, or found on the ledger.
    fn signed(&mut self, subject: Subject, signature: &[u8; 128], batch: &mut Batch) {
        match subject {
            Subject::Attestation { height, hub } => {
                tracing::info!(%height, hub = hub.0, "outcomes attested");
                self.archive.attestation(hub, height, *signature).write(batch);
            }
            Subject::KeyPossession { hub, epoch } => {
                self.archive.possession(hub, epoch, *signature).write(batch);
                let key = self.operator.ledger().group().map(|group| group.key.to_eip2537());
                if let (Some(key), Some(proven)) = (key, self.proven.get(usize::from(hub.0))) {
                    let proof = Box::new(*signature);
                    proven.send_replace(Some(ProvenKey { epoch, key: Box::new(key), proof }));
                }
            }
            Subject::Beacon { .. } => {}
        }
    }

    fn ledger_event(&mut self, event: &Event, batch: &mut Batch) {
        self.metrics.ledger(event);
        match event {
            Event::Skipped { operator, number, position, code } => {
                tracing::debug!(%operator, number, position, %code, "fact skipped");
            }
            Event::Signed { subject, signature } => {
                if let Ok(signature) = threshold::Signature::from_bytes(signature) {
                    self.signed(*subject, &signature.to_eip2537(), batch);
                }
            }
            Event::Concluded(outcome) => {
                batch.concluded(outcome.job, self.operator.ledger().state().height);
                let judgement = &outcome.judgement;
                tracing::info!(
                    job = %outcome.job, index = outcome.job_index, verdict = ?judgement.verdict,
                    code = judgement.code, value = judgement.value, "job concluded"
                );
            }
            Event::CeremonyFailed { round, absent, reason } => {
                tracing::warn!(round, ?absent, reason, "key ceremony failed; the next round opens");
            }
            Event::GroupFormed { epoch, round, absent, revealed } => {
                tracing::info!(%epoch, round, ?absent, "group key formed");
                if *revealed {
                    tracing::error!("ALARM: a share was made public; refresh the key at once");
                }
            }
            other => tracing::info!(event = ?other, "ledger"),
        }
    }
}

/// The store's key of a journal entry.
///
/// # Errors
/// Never for the keys that exist.
pub(crate) fn journal_key(key: &JournalKey) -> Result<Vec<u8>> {
    Ok([JOURNAL_PREFIX, &borsh::to_vec(key)?].concat())
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
