//! The async shell: looks at the chain, asks the machine, carries out what it decides.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolInterface};
use bindings::AttestationHub::{
    AttestationHubErrors, committeeIdCall, epochCall, groupKeyCall, lastAccCall, lastHeightCall,
    ledgerIdCall,
};
use bindings::rpc::{
    Backoff, BlockId, Endpoints, Limits, PrivateKeySigner, Rpc, RpcError, TRANSFER_GAS, Transaction,
};
use tokio::time::Instant;

use crate::certificate::{Audience, Certificate, saturating_u128};
use crate::config::{ConfigError, SubmitterConfig, Turn};
use crate::event::{Execution, SubmitterEvent};
use crate::fault::classify;
use crate::fees::Market;
use crate::machine::{Decision, Machine, Order, Purpose, Sighting, Snapshot};
use crate::source::{CertificateQuery, CertificateSource, SourceError};

/// Blocks whose tips are looked at.
const FEE_HISTORY_BLOCKS: u64 = 10;
/// First and longest pause after failures.
const BACKOFF_BASE: Duration = Duration::from_millis(500);
const BACKOFF_CAP: Duration = Duration::from_secs(60);

/// Why a look at the chain came to nothing. All but `NoEndpoint` may pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TickError {
    /// The endpoint failed; the next one is used from now on.
    #[error("rpc endpoint {endpoint}: {error}")]
    Rpc {
        /// The endpoint, without its path.
        endpoint: String,
        /// What happened.
        error: RpcError,
    },
    /// The endpoint is of another chain, and is not used again.
    #[error(
        "rpc endpoint {endpoint} is of chain {found}, the config says {expected}; fix chain_id or rpc_urls"
    )]
    WrongChain {
        /// The endpoint, without its path.
        endpoint: String,
        /// The chain configured.
        expected: u64,
        /// The chain found.
        found: u64,
    },
    /// The endpoint is behind what was seen before, or its head does not move; the next one is used from now on.
    #[error("rpc endpoint {endpoint}: its head stays at {head}, block {seen} was seen before")]
    Behind {
        /// The endpoint, without its path.
        endpoint: String,
        /// Its head.
        head: u64,
        /// The highest head seen.
        seen: u64,
    },
    /// Every endpoint was refused.
    #[error("no rpc endpoint is left for chain {0}; fix chain_id or rpc_urls")]
    NoEndpoint(u64),
    /// The node that certificates come from failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The key refused to sign.
    #[error("signing failed: {0}")]
    Signer(String),
}

/// What one look led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What was decided.
    pub decision: Decision,
    /// What happened.
    pub events: Vec<SubmitterEvent>,
}

/// What a hub says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubState {
    /// Accumulator up to which outcomes are recorded.
    pub last_acc: B256,
    /// Ledger height up to which outcomes are recorded.
    pub last_height: u64,
    /// The ledger; zero before the first key.
    pub ledger_id: B256,
    /// The active committee.
    pub committee_id: u32,
    /// The active epoch.
    pub epoch: u64,
    /// The active key, empty before the first.
    pub group_key: Bytes,
}

impl HubState {
    /// Reads all of it as of block `at`.
    pub async fn read(rpc: &Rpc, hub: Address, at: BlockId) -> Result<Self, RpcError> {
        Ok(Self {
            last_acc: rpc.call_at(hub, &lastAccCall {}, at).await?,
            last_height: rpc.call_at(hub, &lastHeightCall {}, at).await?,
            ledger_id: rpc.call_at(hub, &ledgerIdCall {}, at).await?,
            committee_id: rpc.call_at(hub, &committeeIdCall {}, at).await?,
            epoch: rpc.call_at(hub, &epochCall {}, at).await?,
            group_key: rpc.call_at(hub, &groupKeyCall {}, at).await?,
        })
    }
}

/// Settles one hub.
#[derive(Debug)]
pub struct Submitter<S> {
    config: SubmitterConfig,
    endpoints: Endpoints,
    key: PrivateKeySigner,
    source: S,
    machine: Machine,
    /// Bytes of the transactions that the machine watches.
    raw: BTreeMap<B256, Bytes>,
    checked: Option<Checked>,
    /// Digest of the last certificate that was refused, so that it is told of once.
    refused: Option<B256>,
    chain_checked: bool,
    head: Option<Head>,
    /// Until the next look.
    pause: Duration,
    started: Instant,
}

/// Heads of the endpoints so far.
#[derive(Clone, Copy, Debug)]
struct Head {
    highest: u64,
    latest: u64,
    /// Since when `latest` is the same.
    since: Instant,
}

/// The certificate whose signature was verified last, and under what.
#[derive(Debug)]
struct Checked {
    digest: B256,
    group_key: Bytes,
    certificate: Arc<Certificate>,
}

impl<S: CertificateSource> Submitter<S> {
    /// A submitter that pays with `key`. No request is made.
    pub fn new(
        config: SubmitterConfig,
        key: PrivateKeySigner,
        source: S,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let poll = Duration::from_millis(config.policy.poll_interval_ms);
        let backoff = Backoff::new(BACKOFF_BASE.min(poll), BACKOFF_CAP);
        let endpoints = Endpoints::new(&config.rpc_urls, Limits::default(), backoff)
            .map_err(|error| ConfigError { key: "rpc_urls", problem: error.to_string() })?;
        Ok(Self {
            machine: Machine::new(config.turn, config.policy),
            config,
            endpoints,
            key,
            source,
            raw: BTreeMap::new(),
            checked: None,
            refused: None,
            chain_checked: false,
            head: None,
            pause: Duration::ZERO,
            started: Instant::now(),
        })
    }

    /// The account that pays.
    pub fn account(&self) -> Address {
        self.key.address()
    }

    /// Sets whose turn it is, at the start of an epoch.
    pub fn set_turn(&mut self, turn: Turn) {
        self.machine.set_turn(turn);
    }

    /// Looks once, and does what there is to do: at most one transaction. Never waits for a block. After a failure the next
    /// tick uses the next endpoint.
    pub async fn tick(&mut self) -> Result<Tick, TickError> {
        let poll = Duration::from_millis(self.config.policy.poll_interval_ms);
        let result = self.look_and_act().await;
        self.pause = match &result {
            Ok(_) => {
                self.endpoints.succeed();
                poll
            }
            Err(TickError::Rpc { error, .. }) => {
                let asked = error.retry_after().unwrap_or_default().min(BACKOFF_CAP);
                let pause = self.endpoints.fail(rand::random());
                // No pause means that there is another endpoint to ask.
                if pause.is_zero() { pause } else { pause.max(asked) }
            }
            Err(TickError::Behind { .. }) => {
                self.chain_checked = false;
                let pause = self.endpoints.fail(rand::random());
                if !pause.is_zero() {
                    // All are: what was seen before was no head of this chain, or is none any more.
                    self.head = None;
                }
                pause
            }
            Err(TickError::WrongChain { .. }) => Duration::ZERO,
            Err(TickError::NoEndpoint(_)) => BACKOFF_CAP,
            Err(TickError::Source(_) | TickError::Signer(_)) => poll,
        };
        result
    }

    async fn look_and_act(&mut self) -> Result<Tick, TickError> {
        let expected = self.config.chain_id;
        let Some(rpc) = self.endpoints.current().cloned() else {
            return Err(TickError::NoEndpoint(expected));
        };
        let endpoint = rpc.label().to_owned();
        if !self.chain_checked {
            let found = rpc.chain_id().await.map_err(|error| self.rpc_error(&rpc, error))?;
            if found != expected {
                self.endpoints.refuse();
                return Err(TickError::WrongChain { endpoint, expected, found });
            }
            self.chain_checked = true;
        }
        let snapshot = self.look(&rpc).await?;
        let decision = self.machine.decide(&snapshot);
        match &decision {
            Decision::Wait(_) => {}
            Decision::Send(order) => self.send(&rpc, order).await?,
            Decision::Rebroadcast { hash } => {
                if let Some(raw) = self.raw.get(hash).cloned() {
                    self.broadcast(&rpc, &raw).await;
                }
            }
        }
        let watched = self.machine.watched();
        self.raw.retain(|hash, _| watched.contains(hash));
        Ok(Tick { decision, events: self.machine.take_events() })
    }

    /// How long to wait before the next tick.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// Ticks until `stop` is ready, and hands on every event and every error.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        mut report: impl FnMut(Result<SubmitterEvent, TickError>),
    ) {
        tokio::pin!(stop);
        loop {
            let tick = tokio::select! {
                () = &mut stop => return,
                tick = self.tick() => tick,
            };
            match tick {
                Ok(tick) => tick.events.into_iter().for_each(|event| report(Ok(event))),
                Err(error) => report(Err(error)),
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(self.pause) => {}
            }
        }
    }

    fn rpc_error(&mut self, rpc: &Rpc, error: RpcError) -> TickError {
        self.chain_checked = false;
        TickError::Rpc { endpoint: rpc.label().to_owned(), error }
    }

    /// Takes a snapshot, in the order that the machine relies on.
    async fn look(&mut self, rpc: &Rpc) -> Result<Snapshot, TickError> {
        let head = existing_head(rpc).await.map_err(|error| self.rpc_error(rpc, error))?;
        self.follow_head(rpc, head)?;
        let hub = HubState::read(rpc, self.config.hub, BlockId::Number(head)).await;
        let hub = hub.map_err(|error| self.rpc_error(rpc, error))?;
        let certificate = self.certificate(&hub).await?;
        let watched = self.machine.watched();
        let account = look_at_account(rpc, self.key.address(), &watched).await;
        let account = account.map_err(|error| self.rpc_error(rpc, error))?;
        Ok(Snapshot {
            now_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            head,
            market: account.market,
            hub_height: hub.last_height,
            hub_acc: hub.last_acc,
            certificate,
            balance: account.balance,
            nonce_mined: account.nonce_mined,
            nonce_pending: account.nonce_pending,
            seen: account.seen,
        })
    }

    /// What an endpoint says that is behind would be taken for a re-organisation; on one that stands still nothing is
    /// ever mined.
    fn follow_head(&mut self, rpc: &Rpc, latest: u64) -> Result<(), TickError> {
        let before = self.head;
        let highest = before.map_or(latest, |it| it.highest.max(latest));
        let same = before.filter(|it| it.latest == latest);
        let since = same.map_or_else(Instant::now, |it| it.since);
        self.head = Some(Head { highest, latest, since });
        let behind = latest.saturating_add(self.config.policy.confirmations) < highest;
        let stall_after = Duration::from_millis(self.config.policy.stall_after_ms);
        let stalled = since.elapsed() > stall_after && self.endpoints.usable() > 1;
        if stalled {
            // The next endpoint gets as long.
            self.head = Some(Head { highest, latest, since: Instant::now() });
        }
        if behind || stalled {
            let endpoint = rpc.label().to_owned();
            return Err(TickError::Behind { endpoint, head: latest, seen: highest });
        }
        Ok(())
    }

    /// The newest certificate, if there is one and it is right.
    async fn certificate(&mut self, hub: &HubState) -> Result<Option<Arc<Certificate>>, TickError> {
        if hub.group_key.is_empty() {
            return Ok(None);
        }
        let (chain_id, address) = (self.config.chain_id, self.config.hub);
        let query = CertificateQuery { chain_id, hub: address, after: hub.last_acc };
        let Some(certificate) = self.source.certificate(query).await? else { return Ok(None) };
        let audience = Audience { ledger_id: hub.ledger_id, chain_id, hub: address };
        let digest = certificate.digest(audience);
        if let Some(known) = &self.checked
            && known.digest == digest
            && known.group_key == hub.group_key
            && known.certificate.check_batches(hub.last_acc).is_ok()
            && *known.certificate == certificate
        {
            return Ok(Some(known.certificate.clone()));
        }
        match check(&certificate, hub, audience) {
            Ok(()) => {
                let certificate = Arc::new(certificate);
                let group_key = hub.group_key.clone();
                self.refused = None;
                self.checked =
                    Some(Checked { digest, group_key, certificate: certificate.clone() });
                Ok(Some(certificate))
            }
            Err(reason) => {
                if self.refused != Some(digest) {
                    self.refused = Some(digest);
                    self.machine.note_refused(certificate.height, reason);
                }
                Ok(None)
            }
        }
    }

    async fn send(&mut self, rpc: &Rpc, order: &Order) -> Result<(), TickError> {
        let account = self.key.address();
        let (to, input, gas_limit) = match &order.purpose {
            Purpose::Submit(certificate) => {
                let (hub, input) = (self.config.hub, certificate.submit_call().abi_encode().into());
                let gas = match rpc.estimate_gas(account, Some(hub), &input, U256::ZERO).await {
                    Ok(gas) => gas.saturating_add(gas / 5),
                    Err(error) if error.is_failed_call() => {
                        if self.overtaken(rpc, certificate).await {
                            self.machine.overtaken();
                        } else {
                            self.machine.refused(order, explain(&error));
                        }
                        return Ok(());
                    }
                    Err(error) => return Err(self.rpc_error(rpc, error)),
                };
                if gas > self.config.policy.gas_max {
                    let reason = format!("needs {gas} gas, above {}", self.config.policy.gas_max);
                    self.machine.refused(order, reason);
                    return Ok(());
                }
                (hub, input, gas)
            }
            Purpose::Cancel => (account, Bytes::new(), TRANSFER_GAS),
        };
        let transaction = Transaction {
            chain_id: self.config.chain_id,
            nonce: order.nonce,
            gas_limit,
            fee_max: order.fees.max,
            tip_max: order.fees.tip,
            to: Some(to),
            value: U256::ZERO,
            input,
        };
        let signed = transaction.sign(&self.key);
        let signed = signed.map_err(|error| TickError::Signer(error.to_string()))?;
        self.machine.sending(order, signed.hash);
        self.raw.insert(signed.hash, signed.raw.clone());
        tell("signed", account, order, signed.hash);
        self.broadcast(rpc, &signed.raw).await;
        tell("sent", account, order, signed.hash);
        Ok(())
    }

    /// The hub has moved on since it was looked at: another's submission, or an earlier one of this account, was mined.
    async fn overtaken(&self, rpc: &Rpc, certificate: &Certificate) -> bool {
        let now = HubState::read(rpc, self.config.hub, BlockId::Latest).await;
        now.is_ok_and(|hub| certificate.check_batches(hub.last_acc).is_err())
    }

    async fn broadcast(&mut self, rpc: &Rpc, raw: &Bytes) {
        if let Err(error) = rpc.send_raw(raw).await {
            tracing::debug!(endpoint = rpc.label(), %error, "transaction not taken");
            self.machine.not_sent(classify(&error));
        }
    }
}

/// Tells of a transaction on the log target of everything that operators say.
fn tell(stage: &str, account: Address, order: &Order, hash: B256) {
    let (kind, height) = match &order.purpose {
        Purpose::Submit(certificate) => ("submission", Some(certificate.height)),
        Purpose::Cancel => ("cancellation", None),
    };
    tracing::debug!(
        target: "statements",
        stage, operator = %account, kind, place = %hash, digest = %hash, height, "said"
    );
}

fn check(certificate: &Certificate, hub: &HubState, audience: Audience) -> Result<(), String> {
    if (certificate.epoch, certificate.committee_id) != (hub.epoch, hub.committee_id) {
        return Err(format!(
            "certificate is of epoch {} of committee {}, the hub's key of epoch {} of committee {}",
            certificate.epoch, certificate.committee_id, hub.epoch, hub.committee_id
        ));
    }
    certificate.check_batches(hub.last_acc).map_err(|error| error.to_string())?;
    certificate.check_signature(audience, &hub.group_key).map_err(|error| error.to_string())
}

async fn existing_head(rpc: &Rpc) -> Result<u64, RpcError> {
    let head = rpc.header(BlockId::Latest).await?;
    head.map(|head| head.number).ok_or_else(|| RpcError::Malformed("no head".into()))
}

struct Account {
    market: Market,
    balance: u128,
    nonce_mined: u64,
    nonce_pending: u64,
    seen: BTreeMap<B256, Sighting>,
}

async fn look_at_account(
    rpc: &Rpc,
    account: Address,
    watched: &[B256],
) -> Result<Account, RpcError> {
    let nonce_mined = rpc.transaction_count(account, BlockId::Latest).await?;
    let nonce_pending = rpc.transaction_count(account, BlockId::Pending).await?;
    let mut seen = BTreeMap::new();
    for hash in watched {
        if let Some(sighting) = look_for(rpc, *hash).await? {
            seen.insert(*hash, sighting);
        }
    }
    let fees = rpc.fee_history(FEE_HISTORY_BLOCKS).await?;
    let balance = saturating_u128(rpc.balance(account).await?);
    let market = Market::of_history(fees.next_base_fee, fees.tips);
    Ok(Account { market, balance, nonce_mined, nonce_pending, seen })
}

async fn look_for(rpc: &Rpc, hash: B256) -> Result<Option<Sighting>, RpcError> {
    if let Some(receipt) = rpc.receipt(hash).await? {
        let end = if receipt.status == 1 { Execution::Succeeded } else { Execution::Reverted };
        let (block, gas_used) = (receipt.block.number, receipt.gas_used);
        return Ok(Some(Sighting::Mined { block, gas_used, end }));
    }
    Ok(rpc.knows_transaction(hash).await?.then_some(Sighting::Pooled))
}

/// The hub's own error in words, if the answer holds one.
fn explain(error: &RpcError) -> String {
    if let RpcError::Answered { revert: Some(data), .. } = error
        && let Ok(known) = AttestationHubErrors::abi_decode(data)
    {
        return format!("the hub would revert: {known:?}");
    }
    error.to_string()
}
