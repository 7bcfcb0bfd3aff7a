//! Requests of whoever sends transactions.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::client::{BlockId, BlockRef, Rpc, u64_of, u128_of};
use super::error::RpcError;

/// What recent blocks charged, in wei a gas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeHistory {
    /// Base fee of the block to come.
    pub next_base_fee: u128,
    /// Median tip of each recent block, oldest first, 0 for an empty one.
    pub tips: Vec<u128>,
}

/// What a mined transaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The block it is in.
    pub block: BlockRef,
    /// Gas it used.
    pub gas_used: u64,
    /// What it paid, in wei a gas.
    pub gas_price: u128,
    /// 1 for success, 0 for a revert.
    pub status: u64,
    /// The contract it created.
    pub contract: Option<Address>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFeeHistory {
    base_fee_per_gas: Vec<U256>,
    #[serde(default)]
    reward: Option<Vec<Vec<U256>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReceipt {
    transaction_hash: B256,
    block_number: U256,
    block_hash: B256,
    gas_used: U256,
    effective_gas_price: U256,
    status: U256,
    contract_address: Option<Address>,
}

impl Rpc {
    /// `eth_feeHistory` of the last `blocks` blocks.
    pub async fn fee_history(&self, blocks: u64) -> Result<FeeHistory, RpcError> {
        let parameters = (U64::from(blocks), "latest", [50.0]);
        let raw: RawFeeHistory = self.request("eth_feeHistory", parameters).await?;
        let next = raw.base_fee_per_gas.last().copied();
        let next =
            next.ok_or_else(|| RpcError::Malformed("a fee history without base fees".into()))?;
        let tips =
            raw.reward.unwrap_or_default().into_iter().map(|percentiles| {
                u128_of("tip", percentiles.first().copied().unwrap_or_default())
            });
        Ok(FeeHistory {
            next_base_fee: u128_of("base fee", next)?,
            tips: tips.collect::<Result<_, _>>()?,
        })
    }

    /// `eth_estimateGas` at the head: the gas that a call needs, or why it reverts. Not at the pending block, where some
    /// nodes would execute what the same account has waiting.
    pub async fn estimate_gas(
        &self,
        from: Address,
        to: Option<Address>,
        data: &Bytes,
        value: U256,
    ) -> Result<u64, RpcError> {
        let mut call = serde_json::json!({ "from": from, "data": data, "value": value });
        if let Some(to) = to {
            call["to"] = serde_json::json!(to);
        }
        u64_of("gas", self.request("eth_estimateGas", (call, BlockId::Latest)).await?)
    }

    /// `eth_sendRawTransaction`.
    pub async fn send_raw(&self, raw: &Bytes) -> Result<B256, RpcError> {
        self.request("eth_sendRawTransaction", (raw.clone(),)).await
    }

    /// The receipt of a mined transaction.
    pub async fn receipt(&self, transaction: B256) -> Result<Option<Receipt>, RpcError> {
        let raw: Option<RawReceipt> =
            self.request("eth_getTransactionReceipt", (transaction,)).await?;
        let Some(raw) = raw else { return Ok(None) };
        if raw.transaction_hash != transaction {
            return Err(RpcError::Malformed("a receipt of another transaction".into()));
        }
        Ok(Some(Receipt {
            block: BlockRef {
                number: u64_of("receipt's block", raw.block_number)?,
                hash: raw.block_hash,
            },
            gas_used: u64_of("gas used", raw.gas_used)?,
            gas_price: u128_of("gas price", raw.effective_gas_price)?,
            status: u64_of("status", raw.status)?,
            contract: raw.contract_address,
        }))
    }

    /// Whether the endpoint has a transaction, mined or waiting.
    pub async fn knows_transaction(&self, transaction: B256) -> Result<bool, RpcError> {
        let found: Option<IgnoredAny> =
            self.request("eth_getTransactionByHash", (transaction,)).await?;
        Ok(found.is_some())
    }
}
