//! The node's one loop: whatever happens goes to the operator, and its effects are carried out in
//! their order. What must be durable is, before anybody sees what depends on it.

mod chains;
mod committee;
mod effects;
mod proposal;
mod throttle;
mod writes;

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
use tokio::sync::{Notify, mpsc, oneshot, watch};

use self::{proposal::Proposal, writes::After};

use crate::{
    archive::Archive,
    keys::KeyRing,
    metrics::Metrics,
    settle::SettlerControl,
    statements::{Stage, tell_message},
    timeline,
    verification::{Finished, Verification},
    views::{ChainStatus, Seen, View},
};

pub(crate) use self::{committee::Watch, throttle::Throttle, writes::Writes};

/// Records of the journal begin with this.
pub(crate) const JOURNAL_PREFIX: &[u8] = b"journal/";

/// How often the operator is told the time.
const TICK: Duration = Duration::from_millis(100);

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
    /// Makes each hub's watcher look at its chain at once.
    pub lookouts: Vec<Arc<Notify>>,
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
    pub changed: Changed,
    /// What is on its way to the disk.
    pub writes: Writes,
    /// What nothing waits for: it is written with what comes next, at the latest at a tick.
    pub later: Batch,
    /// Responses of concluded jobs by their roots, for the archive; then they leave the journal.
    pub archiving: Vec<(B256, SignedResponse)>,
    /// A proposal that waits for what others are about to state.
    pub proposal: Option<Proposal>,
    /// How many more warnings are logged.
    pub warnings: Throttle,
}

/// Whether the view is older than what it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Changed {
    /// It is not.
    #[default]
    No,
    /// It is replaced at the next tick.
    Somewhat,
    /// It lacks something that somebody waits for.
    Urgently,
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Until the node is to stop, or whoever would say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
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
        let effects = self.operator.start(now_ms());
        self.carry_out(effects, Batch::new()).await?;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => {
                    self.write_later().await?;
                    return self.drain().await;
                }
                result = self.writes.next() => self.written(result)?,
                event = inputs.host.recv() => {
                    let event = event.ok_or_else(|| eyre!("consensus has stopped"))?;
                    self.host_event(event).await?;
                }
                Some(finished) = inputs.verified.recv() => {
                    self.verified(finished).await?;
                }
                Some((hub, event)) = inputs.chains.recv() => {
                    self.chain_event(hub, event).await?;
                }
                Some(command) = inputs.commands.recv() => {
                    self.command(command).await?;
                }
                Some((peer, response)) = inputs.fetched.recv() => {
                    self.fetched(peer, response).await?;
                }
                _ = ticks.tick() => self.tick().await?,
                () = Proposal::patience(self.proposal.as_ref()), if !self.writes.bind() => {}
            }
            self.propose();
            if self.changed == Changed::Urgently {
                self.show();
            }
        }
    }

    async fn tick(&mut self) -> Result<()> {
        let effects = self.operator.tick(now_ms());
        self.carry_out(effects, Batch::new()).await?;
        self.write_later().await?;
        if self.changed != Changed::No {
            self.show();
        }
        Ok(())
    }

    fn show(&mut self) {
        self.changed = Changed::No;
        let seen = Seen {
            peers: &self.peers,
            clock_offset_ms: self.clock_offset_ms,
            chains: self.chains.clone(),
        };
        let view = View::of(&self.operator, seen);
        self.view.send_replace(Arc::new(view));
    }

    async fn host_event(&mut self, event: host::Event) -> Result<()> {
        match event {
            // Another node's block of the height may come by sync between question and answer; what
            // is dropped is not proposed.
            host::Event::Propose(host::Propose { height, .. })
            | host::Event::Validate(host::Validate { height, .. })
                if Height(height) <= self.operator.ledger().state().height =>
            {
                tracing::debug!(height, "asked about a decided height");
            }
            host::Event::Propose(ask) => self.proposal = Some(Proposal::new(ask)),
            host::Event::Validate(ask) => {
                let checked =
                    Block::decode(&ask.body).and_then(|block| self.operator.validate(&block));
                if let Err(error) = &checked {
                    tracing::error!(height = ask.height, %error, "block refused");
                }
                let _ = ask.reply.send(checked.is_ok());
            }
            host::Event::Decided(decided) => self.decided(decided).await?,
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
                if !matches!(acceptance, operator::Acceptance::Reject(_)) {
                    tell_message(Stage::Heard, topic, &message.bytes);
                }
                let _ = message.reply.send(match acceptance {
                    operator::Acceptance::Accept => host::Acceptance::Accept,
                    operator::Acceptance::Ignore => host::Acceptance::Ignore,
                    operator::Acceptance::Reject(fault) => {
                        host::Acceptance::Reject(effects::offence(fault))
                    }
                });
                self.carry_out(effects, Batch::new()).await?;
            }
            host::Event::Request(request) => self.peer_request(request).await?,
            host::Event::PeerConnected(peer) => {
                self.changed = self.changed.max(Changed::Somewhat);
                let operator = self.member_of(peer);
                self.peers.extend(operator);
                tracing::info!(?operator, peers = self.peers.len(), "operator connected");
            }
            host::Event::PeerDisconnected(peer) => {
                self.changed = self.changed.max(Changed::Somewhat);
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

    async fn decided(&mut self, decided: host::Decided) -> Result<()> {
        let height = Height(decided.height);
        let block = Block::decode(&decided.body)
            .wrap_err_with(|| format!("decided block {height} does not decode"))?;
        self.watch_block(decided.height, &decided.certificate, &block);
        timeline::decided(height, block.bundles.len());
        // A proposal for this height is too late.
        self.proposal = None;
        let mut batch = Batch::new();
        batch.block(height, decided.body).certificate(height, decided.certificate);
        let effects = self.operator.decided(now_ms(), B256::from(decided.block_id), &block);
        self.metrics.work.blocks.inc();
        let events: Vec<Event> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Ledger(event) => Some(event.clone()),
                _ => None,
            })
            .collect();
        self.archive.entries(self.operator.ledger(), &events)?.write(&mut batch);
        // The block and what follows from it are durable together, before anybody sees any of it.
        self.carry_out_then(effects, batch, After::Decided(decided.reply)).await
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

    async fn peer_request(&mut self, request: host::Request) -> Result<()> {
        match request.protocol {
            Protocol::Direct => {
                let _ = request.reply.send(Some(Vec::new()));
                if let Some(from) = self.member_of(request.from) {
                    let effects = self.operator.sent(now_ms(), from, &request.bytes);
                    self.carry_out(effects, Batch::new()).await?;
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

    async fn fetched(&mut self, peer: PeerKey, response: SignedResponse) -> Result<()> {
        match self.operator.responded(now_ms(), response) {
            Ok(effects) => self.carry_out(effects, Batch::new()).await,
            // The root is the one asked for, the provider's signature isn't its provider's.
            Err(ResponseRefused::Bad(_)) => {
                self.host.blame(peer, Offence::WrongAnswer).await;
                Ok(())
            }
            Err(ResponseRefused::NotWaiting(_) | ResponseRefused::TooMany(_)) => Ok(()),
        }
    }

    async fn verified(&mut self, finished: Finished) -> Result<()> {
        self.metrics.work.verifications.inc();
        let mut batch = Batch::new();
        for (hash, key) in finished.keys {
            batch.statement(hash, key.to_vec());
        }
        let effects =
            self.operator.verified(now_ms(), finished.job, finished.response, &finished.judged);
        self.carry_out(effects, batch).await
    }

    async fn command(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Respond { response, reply } => {
                let job = response.job;
                match self.operator.responded(now_ms(), response) {
                    Ok(effects) => {
                        // Acknowledged once it is durable.
                        let after = After::Responded(job, reply);
                        self.carry_out_then(effects, Batch::new(), after).await?;
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
