//! A real chain with the contracts on it, and what a test does to it.

pub(crate) mod proxy;

use std::time::Duration;

use alloy_primitives::{Address, Bytes, FixedBytes, U256};
use assay_chain::{ChainConfig, ChainEvent, Cursor, Finality, Watcher};
use bindings::AttestationHub;
use bindings::anvil::{Anvil, AnvilOptions, Mining};
use bindings::deploy::{Deployment, Settings, deploy};
use bindings::rpc::{BlockId, PrivateKeySigner, Wallet};

pub(crate) const CHAIN_ID: u64 = 31_337;
/// Far longer than anything here takes, so that a hang shows as a failure.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Devnet {
    pub(crate) anvil: Anvil,
    pub(crate) wallet: Wallet,
    pub(crate) deployment: Deployment,
}

impl Devnet {
    pub(crate) async fn start() -> Self {
        let options = AnvilOptions { chain_id: CHAIN_ID, port: 0, mining: Mining::EachTransaction };
        let anvil = Anvil::start(options).await.unwrap();
        let key = PrivateKeySigner::from_slice(&[7; 32]).unwrap();
        anvil.set_balance(key.address(), U256::from(10u128.pow(24))).await.unwrap();
        let wallet = Wallet::connect(anvil.rpc().clone(), key).await.unwrap();
        let deployment = deploy(&wallet, &Settings::default()).await.unwrap();
        Self { anvil, wallet, deployment }
    }

    /// A config whose watcher looks often.
    pub(crate) fn config(&self, finality: Finality) -> ChainConfig {
        self.config_at(vec![self.anvil.url().to_owned()], finality)
    }

    pub(crate) fn config_at(&self, rpc_urls: Vec<String>, finality: Finality) -> ChainConfig {
        let Deployment { hub, start_block, .. } = self.deployment;
        let mut config = ChainConfig::new(CHAIN_ID, hub, rpc_urls, finality, start_block);
        config.poll_interval_ms = 20;
        config
    }

    pub(crate) fn watch(&self, finality: Finality) -> Watcher {
        Watcher::new(self.config(finality), Cursor::START).unwrap()
    }

    /// Requests a verification of a statement, and waits for its block.
    pub(crate) async fn request(&self, statement: &str) {
        let (call, fee) = self.request_call(statement).await;
        self.wallet.call(self.deployment.hub, &call, fee).await.unwrap();
    }

    pub(crate) async fn request_call(
        &self,
        statement: &str,
    ) -> (AttestationHub::requestCall, U256) {
        let head = self.anvil.rpc().header(BlockId::Latest).await.unwrap().unwrap();
        let call = AttestationHub::requestCall {
            provider: Address::repeat_byte(0x11),
            kind: FixedBytes([1, 2, 3, 4]),
            statement: Bytes::copy_from_slice(statement.as_bytes()),
            deadline: head.time + 100_000,
        };
        (call, Settings::default().verification_fee)
    }

    pub(crate) async fn head(&self) -> u64 {
        self.anvil.rpc().header(BlockId::Latest).await.unwrap().unwrap().number
    }
}

/// The next event, however long the machine takes.
pub(crate) async fn next(watcher: &mut Watcher) -> Option<ChainEvent> {
    tokio::time::timeout(PATIENCE, watcher.next()).await.expect("an event in time")
}

/// Every event up to and including the first that `is_last` accepts.
pub(crate) async fn until(
    watcher: &mut Watcher,
    is_last: impl Fn(&ChainEvent) -> bool,
) -> Vec<ChainEvent> {
    let mut events = Vec::new();
    loop {
        let event = next(watcher).await.expect("more events");
        let last = is_last(&event);
        events.push(event);
        if last {
            return events;
        }
    }
}

/// Every event until block `number` was read.
pub(crate) async fn until_read(watcher: &mut Watcher, number: u64) -> Vec<ChainEvent> {
    until(
        watcher,
        |event| matches!(event, ChainEvent::Finalized { block, .. } if block.number >= number),
    )
    .await
}

/// The statements requested, in order.
pub(crate) fn statements(events: &[ChainEvent]) -> Vec<String> {
    let statement = |event: &ChainEvent| match event {
        ChainEvent::Requested { request, .. } => {
            Some(String::from_utf8(request.statement.to_vec()).unwrap())
        }
        _ => None,
    };
    events.iter().filter_map(statement).collect()
}

/// The cursor that an event brings.
pub(crate) fn cursor(event: &ChainEvent) -> Option<Cursor> {
    match event {
        ChainEvent::Requested { cursor, .. }
        | ChainEvent::Hub { cursor, .. }
        | ChainEvent::Finalized { cursor, .. } => Some(*cursor),
        _ => None,
    }
}
