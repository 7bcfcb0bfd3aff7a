//! The node's one loop: whatever happens goes to the operator, and its effects are carried out in
//! their order. What must be durable is, before anybody sees what depends on it.

mod chains;
mod committee;
mod effects;
mod throttle;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use alloy_primitives::B256;
use borsh::BorshDeserialize;
use chain::ChainEvent;
use eyre::{Context as _, Result, eyre};
use host::{Host, Offence, PeerKey, Protocol};
use operator::{Effect, Operator, ResponseRefused};
use protocol::{
    block::Block,
    genesis::Genesis,
    ids::{Height, HubIndex, JobId, OperatorIndex},
    ledger::Event,
    response::SignedResponse,
};
use store::{Batch, Store};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    archive::Archive,
    keys::KeyRing,
    metrics::Metrics,
    settle::SettlerControl,
    timeline,
    verification::{Finished, Verification},
    views::{ChainStatus, Seen, View},
};

pub(crate) use self::{committee::Watch, throttle::Throttle};

/// Records of the journal begin with this.
pub(crate) const JOURNAL_PREFIX: &[u8] = b"journal/";

/// How often the operator is told the time.
const TICK: Duration = Duration::from_millis(100);

/// How long the engine may forget that a block is wanted.
const WAKE_AGAIN_TICKS: u32 = 10;

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
    pub fetched: mpsc::Receiver<(PeerKey, SignedResponse)>,
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
    /// What each hub's settler is told.
    pub settlers: Vec<SettlerControl>,
    /// Brings fetched bodies back.
    pub fetched: mpsc::Sender<(PeerKey, SignedResponse)>,
    /// Chains as they were last seen.
    pub chains: Vec<ChainStatus>,
    /// Operators that are connected.
    pub peers: BTreeSet<OperatorIndex>,
    /// Follows the blocks.
    pub watch: Watch,
    /// How far this clock is ahead of the other members', in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Whether the view is older than what it shows.
    pub changed: bool,
    /// How many more warnings are logged.
    pub warnings: Throttle,
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
                Some((peer, response)) = inputs.fetched.recv() => {
                    self.fetched(peer, response, &mut waking).await?;
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
        let seen = Seen {
            peers: &self.peers,
            clock_offset_ms: self.clock_offset_ms,
            chains: self.chains.clone(),
        };
        let view = View::of(&self.operator, seen);
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
                // Only members are connected.
                let Some(from) = self.member_of(message.from) else { return Ok(()) };
                let (acceptance, effects) =
                    self.operator.gossiped(now_ms(), from, topic, &message.bytes);
                let _ = message.reply.send(match acceptance {
                    operator::Acceptance::Accept => host::Acceptance::Accept,
                    operator::Acceptance::Ignore => host::Acceptance::Ignore,
                    operator::Acceptance::Reject(fault) => {
                        host::Acceptance::Reject(effects::offence(fault))
                    }
                });
                self.carry_out(effects, Batch::new(), waking).await?;
            }
            host::Event::Request(request) => self.peer_request(request, waking).await?,
            host::Event::PeerConnected(peer) => {
                self.changed = true;
                let operator = self.member_of(peer);
                self.peers.extend(operator);
                tracing::info!(?operator, peers = self.peers.len(), "operator connected");
            }
            host::Event::PeerDisconnected(peer) => {
                self.changed = true;
                let operator = self.member_of(peer);
                self.peers.retain(|it| Some(*it) != operator);
                tracing::warn!(?operator, peers = self.peers.len(), "operator gone");
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
        self.watch_block(decided.height, &decided.certificate, &block);
        timeline::decided(height, block.bundles.len());
        let mut batch = Batch::new();
        batch.block(height, decided.body).certificate(height, decided.certificate);
        self.store.append(batch).await?;
        *waking = Waking::default();
        let effects = self.operator.decided(now_ms(), B256::from(decided.block_id), &block);
        self.metrics.work.blocks.inc();
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

    async fn fetched(
        &mut self,
        peer: PeerKey,
        response: SignedResponse,
        waking: &mut Waking,
    ) -> Result<()> {
        match self.operator.responded(now_ms(), response) {
            Ok(effects) => self.carry_out(effects, Batch::new(), waking).await,
            // The root is the one asked for, the provider's signature isn't its provider's.
            Err(ResponseRefused::Bad(_)) => {
                self.host.blame(peer, Offence::WrongAnswer).await;
                Ok(())
            }
            Err(ResponseRefused::NotWaiting(_) | ResponseRefused::TooMany(_)) => Ok(()),
        }
    }

    async fn verified(&mut self, finished: Finished, waking: &mut Waking) -> Result<()> {
        self.metrics.work.verifications.inc();
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
                let job = response.job;
                match self.operator.responded(now_ms(), response) {
                    Ok(effects) => {
                        // Acknowledged once it is durable.
                        self.carry_out(effects, Batch::new(), waking).await?;
                        timeline::responded(job);
                        let _ = reply.send(Ok(()));
                    }
                    Err(refused) => {
                        self.metrics.work.responses_refused.inc();
                        let _ = reply.send(Err(refused));
                    }
                }
            }
        }
        Ok(())
    }
}
