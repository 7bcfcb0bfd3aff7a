//! One account that sends one transaction after the other and waits for each: what a person at a command line, a
//! deployment or a test needs. The submitter of attestations is not made of this.

use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;

use super::account::Receipt;
use super::client::{BlockId, Rpc};
use super::error::RpcError;
use super::transaction::Transaction;

/// Pause between looks for a receipt.
const RECEIPT_POLL: Duration = Duration::from_millis(100);
/// Longest wait for a receipt.
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(120);
/// Least tip, in wei a gas.
const TIP_MIN_WEI: u128 = 1_000_000;
/// Blocks whose tips are looked at.
const FEE_HISTORY_BLOCKS: u64 = 10;

/// Why a transaction did not do what it was sent for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// The endpoint failed, or says that the call would revert.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// It was mined and did nothing.
    #[error("transaction {0} reverted")]
    Reverted(B256),
    /// It was sent and not seen in a block.
    #[error("transaction {0} was not mined in time")]
    NotMined(B256),
    /// The key refused to sign.
    #[error("signing failed: {0}")]
    Signer(String),
    /// A creation whose receipt names no contract.
    #[error("transaction {0} created no contract")]
    NoContract(B256),
}

/// An account, its key and an endpoint.
#[derive(Clone, Debug)]
pub struct Wallet {
    rpc: Rpc,
    key: PrivateKeySigner,
    chain_id: u64,
    gas_room: u64,
    replacements: u32,
}

impl Wallet {
    /// Asks the endpoint for its chain.
    pub async fn connect(rpc: Rpc, key: PrivateKeySigner) -> Result<Self, RpcError> {
        let chain_id = rpc.chain_id().await?;
        Ok(Self { rpc, key, chain_id, gas_room: 0, replacements: 0 })
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// The key.
    pub fn key(&self) -> &PrivateKeySigner {
        &self.key
    }

    /// The endpoint.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// The chain.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The same endpoint, another account.
    pub fn with_key(&self, key: PrivateKeySigner) -> Self {
        Self { key, ..self.clone() }
    }

    /// The same account, allowing each transaction this much gas above the estimate: for calls that cost more when others
    /// of the same block come first.
    #[must_use]
    pub fn with_gas_room(mut self, gas: u64) -> Self {
        self.gas_room = gas;
        self
    }

    /// The same account, whose transactions take the place of one that is not mined, for the n-th time: at its nonce, each
    /// time an eighth dearer, since a pool takes no replacement that pays less than a tenth more. 0 replaces nothing.
    #[must_use]
    pub fn replacing(mut self, n: u32) -> Self {
        self.replacements = n;
        self
    }

    /// Calls a contract and waits until it did.
    pub async fn call<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        value: U256,
    ) -> Result<Receipt, WalletError> {
        self.execute(Some(to), value, call.abi_encode().into()).await
    }

    /// Sends wei.
    pub async fn transfer(&self, to: Address, value: U256) -> Result<Receipt, WalletError> {
        self.execute(Some(to), value, Bytes::new()).await
    }

    /// Creates a contract.
    pub async fn create(&self, code: Bytes) -> Result<Address, WalletError> {
        let hash = self.send(None, U256::ZERO, code).await?;
        let receipt = self.wait(hash).await?;
        receipt.contract.ok_or(WalletError::NoContract(hash))
    }

    /// Sends a transaction and does not wait for it.
    pub async fn send(
        &self,
        to: Option<Address>,
        value: U256,
        input: Bytes,
    ) -> Result<B256, WalletError> {
        let account = self.address();
        let gas = self.rpc.estimate_gas(account, to, &input, value).await?;
        let fees = self.rpc.fee_history(FEE_HISTORY_BLOCKS).await?;
        let tip_max = fees.tips.iter().copied().max().unwrap_or(0).max(TIP_MIN_WEI);
        let dearer =
            |wei: u128| (0..self.replacements).fold(wei, |wei, _| wei.saturating_add(wei / 8));
        let state = if self.replacements == 0 { BlockId::Pending } else { BlockId::Latest };
        let transaction = Transaction {
            chain_id: self.chain_id,
            nonce: self.rpc.transaction_count(account, state).await?,
            gas_limit: gas.saturating_add(gas / 5).saturating_add(self.gas_room),
            fee_max: dearer(fees.next_base_fee.saturating_mul(2).saturating_add(tip_max)),
            tip_max: dearer(tip_max),
            to,
            value,
            input,
        };
        let signed =
            transaction.sign(&self.key).map_err(|error| WalletError::Signer(error.to_string()))?;
        self.rpc.send_raw(&signed.raw).await?;
        Ok(signed.hash)
    }

    /// Waits until a transaction is mined.
    pub async fn wait(&self, transaction: B256) -> Result<Receipt, WalletError> {
        let mined = async {
            loop {
                if let Some(receipt) = self.rpc.receipt(transaction).await? {
                    return Ok::<_, RpcError>(receipt);
                }
                tokio::time::sleep(RECEIPT_POLL).await;
            }
        };
        let receipt = tokio::time::timeout(RECEIPT_TIMEOUT, mined)
            .await
            .map_err(|_| WalletError::NotMined(transaction))??;
        if receipt.status == 1 { Ok(receipt) } else { Err(WalletError::Reverted(transaction)) }
    }

    async fn execute(
        &self,
        to: Option<Address>,
        value: U256,
        input: Bytes,
    ) -> Result<Receipt, WalletError> {
        let hash = self.send(to, value, input).await?;
        self.wait(hash).await
    }
}
