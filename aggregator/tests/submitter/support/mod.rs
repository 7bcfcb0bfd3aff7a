//! A real chain with the contracts on it, four operators with a group key, and what they conclude.

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256};
use assay_aggregator::{
    Audience, Batch, Certificate, CertificateQuery, CertificateSource, Policy, PrivateKeySigner,
    SourceError, Submitter, SubmitterConfig, SubmitterEvent, Tick, Turn,
};
use bindings::AttestationHub;
use bindings::anvil::{Anvil, AnvilOptions, Mining};
use bindings::deploy::{Deployment, OperatorKeys, Settings, deploy, mint, register_operator};
use bindings::rpc::{BlockId, Transaction, Wallet};
use protocol::bytes::{HubAddress, PackedOutcome, accumulate, encode_packed, key_possession};
use protocol::ids::Epoch;
use threshold::{Share, Sharing, combine, sign_partial};

pub(crate) const CHAIN_ID: u64 = 31_337;
const LEDGER: B256 = B256::repeat_byte(0x1e);
const COMMITTEE: u32 = 1;
const EPOCH: u64 = 1;

/// Certificates as a node would give them.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Option<Certificate>>>, Arc<Mutex<Vec<B256>>>);

impl Shelf {
    /// Leaves out the batches up to an accumulator.
    pub(crate) fn after(&self, acc: B256) -> Option<Certificate> {
        let mut newest = self.0.lock().unwrap().clone()?;
        let known = self.1.lock().unwrap();
        let at = known.iter().position(|it| *it == acc)?;
        newest.batches.drain(..at);
        (!newest.batches.is_empty()).then_some(newest)
    }
}

impl CertificateSource for Shelf {
    async fn certificate(
        &self,
        query: CertificateQuery,
    ) -> Result<Option<Certificate>, SourceError> {
        Ok(self.after(query.after))
    }
}

pub(crate) struct World {
    pub(crate) anvil: Anvil,
    pub(crate) wallet: Wallet,
    pub(crate) deployment: Deployment,
    pub(crate) shelf: Shelf,
    sharing: Sharing,
    shares: Vec<Share>,
    jobs: u64,
}

impl World {
    pub(crate) async fn start() -> Self {
        let options = AnvilOptions { chain_id: CHAIN_ID, port: 0, mining: Mining::EachTransaction };
        let anvil = Anvil::start(options).await.unwrap();
        let key = PrivateKeySigner::from_slice(&[7; 32]).unwrap();
        anvil.set_balance(key.address(), U256::from(10u128.pow(24))).await.unwrap();
        let wallet = Wallet::connect(anvil.rpc().clone(), key).await.unwrap();
        let deployment = deploy(&wallet, &Settings::default()).await.unwrap();
        let (sharing, shares) = threshold::trusted::deal([3; 32], 4);
        let shelf = Shelf::default();
        shelf.1.lock().unwrap().push(B256::ZERO);
        let world = Self { anvil, wallet, deployment, shelf, sharing, shares, jobs: 0 };
        world.activate_group_key().await;
        world
    }

    async fn activate_group_key(&self) {
        let stake = U256::from(Settings::default().seat_stake) * U256::from(4);
        mint(&self.wallet, self.deployment.token, self.wallet.address(), stake).await.unwrap();
        let key = self.sharing.group_key().to_eip2537();
        let to = HubAddress { chain_id: CHAIN_ID, hub: self.deployment.hub };
        let possession = key_possession(LEDGER, to, COMMITTEE, Epoch(EPOCH), &key);
        let confirm = AttestationHub::confirmGroupKeyCall {
            ledgerId_: LEDGER,
            committeeId_: COMMITTEE,
            epoch_: EPOCH,
            key: Bytes::copy_from_slice(&key),
            pop: self.sign(possession),
        };
        for number in 1..=4 {
            let keys = OperatorKeys {
                operator: account(number),
                consensus: account(number + 100),
                network: B256::with_last_byte(number),
                encryption: B256::with_last_byte(number + 100),
                endpoint: format!("/ip4/127.0.0.1/tcp/900{number}"),
            };
            register_operator(&self.wallet, &self.deployment, &keys).await.unwrap();
        }
        for number in 1..=3 {
            let wei = U256::from(10u128.pow(20));
            self.anvil.set_balance(account(number).address(), wei).await.unwrap();
            let operator = self.wallet.with_key(account(number));
            operator.call(self.deployment.hub, &confirm, U256::ZERO).await.unwrap();
        }
    }

    /// The group's signature.
    pub(crate) fn sign(&self, message: B256) -> Bytes {
        let partials: Vec<_> =
            self.shares.iter().take(3).map(|share| sign_partial(share, &message.0)).collect();
        let combined = combine(&self.sharing, &message.0, &partials).unwrap();
        Bytes::copy_from_slice(&combined.signature.to_eip2537())
    }

    /// Requests jobs, and puts a certificate with all outcomes so far on the shelf.
    pub(crate) async fn conclude(&mut self, height: u64, jobs: u64) {
        let head = self.anvil.rpc().header(BlockId::Latest).await.unwrap().unwrap();
        let request = AttestationHub::requestCall {
            provider: Address::repeat_byte(0x11),
            kind: FixedBytes([1, 2, 3, 4]),
            statement: Bytes::from_static(b"statement"),
            deadline: head.time + 100_000,
        };
        let mut outcomes = Vec::new();
        for _ in 0..jobs {
            let fee = Settings::default().verification_fee;
            self.wallet.call(self.deployment.hub, &request, fee).await.unwrap();
            self.jobs += 1;
            outcomes.push(PackedOutcome { job_index: self.jobs, verdict: 0, code: 0, value: 1 });
        }
        self.attest(height, &outcomes);
    }

    fn attest(&self, height: u64, outcomes: &[PackedOutcome]) {
        let mut newest = self.shelf.0.lock().unwrap();
        let mut known = self.shelf.1.lock().unwrap();
        let (root, packed) = (B256::with_last_byte(height as u8), encode_packed(outcomes));
        let previous = known.last().copied().unwrap();
        let acc = accumulate(previous, root, &packed, outcomes.len() as u32);
        known.push(acc);
        let mut batches = newest.take().map(|it| it.batches).unwrap_or_default();
        batches.push(Batch { height, root, packed: packed.into() });
        let mut certificate = Certificate {
            height,
            epoch: EPOCH,
            committee_id: COMMITTEE,
            block_id: B256::with_last_byte(height as u8),
            acc,
            signature: Bytes::new(),
            batches,
        };
        certificate.signature = self.sign(certificate.digest(self.audience()));
        *newest = Some(certificate);
    }

    /// Changes the certificate on the shelf.
    pub(crate) fn corrupt(&self, change: impl FnOnce(&mut Certificate)) {
        change(self.shelf.0.lock().unwrap().as_mut().unwrap());
    }

    pub(crate) fn audience(&self) -> Audience {
        Audience { ledger_id: LEDGER, chain_id: CHAIN_ID, hub: self.deployment.hub }
    }

    pub(crate) fn config(&self) -> SubmitterConfig {
        SubmitterConfig {
            chain_id: CHAIN_ID,
            hub: self.deployment.hub,
            rpc_urls: vec![self.anvil.url().to_owned()],
            turn: Turn::Alone,
            policy: Policy { confirmations: 1, poll_interval_ms: 20, ..Policy::default() },
        }
    }

    /// A submitter with an account of its own that has wei.
    pub(crate) async fn submitter(&self, number: u8) -> Submitter<Shelf> {
        self.fund(number).await;
        Submitter::new(self.config(), account(number), self.shelf.clone()).unwrap()
    }

    /// A submitter that asks other endpoints.
    pub(crate) fn submitter_at(&self, rpc_urls: Vec<String>, number: u8) -> Submitter<Shelf> {
        let config = SubmitterConfig { rpc_urls, ..self.config() };
        Submitter::new(config, account(number), self.shelf.clone()).unwrap()
    }

    /// Gives an account wei.
    pub(crate) async fn fund(&self, number: u8) {
        let wei = U256::from(10u128.pow(20));
        self.anvil.set_balance(account(number).address(), wei).await.unwrap();
    }

    /// Sends a transaction that the submitter knows nothing of.
    pub(crate) async fn send(&self, transaction: &Transaction, number: u8) {
        let signed = transaction.clone().sign(&account(number)).unwrap();
        self.anvil.rpc().send_raw(&signed.raw).await.unwrap();
    }

    /// The base fee of the next block.
    pub(crate) async fn base_fee(&self) -> u128 {
        self.anvil.rpc().fee_history(1).await.unwrap().next_base_fee
    }

    /// Makes blocks that no transaction fits into.
    pub(crate) async fn mine_without_room(&self, blocks: u64) {
        self.anvil.set_block_gas_limit(20_000).await.unwrap();
        self.anvil.mine(blocks).await.unwrap();
        self.anvil.set_block_gas_limit(30_000_000).await.unwrap();
    }

    /// The transaction of an account that waits with its next nonce.
    async fn pooled(&self, number: u8) -> Option<serde_json::Value> {
        let content: serde_json::Value =
            self.anvil.rpc().request("txpool_content", ()).await.unwrap();
        let of_account = content["pending"].as_object()?.iter().find_map(|(address, waiting)| {
            let address: Address = address.parse().ok()?;
            (address == account(number).address()).then_some(waiting)
        });
        of_account?.as_object()?.values().next().cloned()
    }

    pub(crate) async fn pooled_hash(&self, number: u8) -> Option<B256> {
        self.pooled(number).await?["hash"].as_str()?.parse().ok()
    }

    pub(crate) async fn pooled_gas(&self, number: u8) -> u64 {
        let pooled = self.pooled(number).await.unwrap();
        let gas = pooled["gas"].as_str().unwrap().trim_start_matches("0x");
        u64::from_str_radix(gas, 16).unwrap()
    }

    pub(crate) async fn hub_height(&self) -> u64 {
        let call = AttestationHub::lastHeightCall {};
        self.anvil.rpc().call(self.deployment.hub, &call).await.unwrap()
    }

    /// Transactions of an account that are mined.
    pub(crate) async fn mined(&self, number: u8) -> u64 {
        let address = account(number).address();
        self.anvil.rpc().transaction_count(address, BlockId::Latest).await.unwrap()
    }

    pub(crate) async fn waiting(&self, number: u8) -> u64 {
        let address = account(number).address();
        let pending = self.anvil.rpc().transaction_count(address, BlockId::Pending).await.unwrap();
        pending - self.mined(number).await
    }
}

pub(crate) fn account(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[number; 32]).unwrap()
}

/// A transfer of one wei, with fees of its own.
pub(crate) fn foreign(nonce: u64, fee_max: u128, tip_max: u128) -> Transaction {
    Transaction {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        fee_max,
        tip_max,
        to: Some(account(99).address()),
        value: U256::from(1),
        input: Bytes::new(),
    }
}

/// Nonce, hash and highest fee of what a tick has sent.
pub(crate) fn sent(tick: &Tick) -> (u64, B256, u128) {
    let submitting = tick.events.iter().find_map(|event| match event {
        SubmitterEvent::Submitting { nonce, hash, fees, .. } => Some((*nonce, *hash, fees.max)),
        _ => None,
    });
    submitting.unwrap_or_else(|| panic!("nothing sent: {tick:?}"))
}

/// The height that a tick has seen settled.
pub(crate) fn settled(tick: &Tick) -> Option<u64> {
    tick.events.iter().find_map(|event| match event {
        SubmitterEvent::Settled { height, .. } => Some(*height),
        _ => None,
    })
}
