//! Signed EIP-1559 transactions.

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};

/// Gas of a plain transfer.
pub const TRANSFER_GAS: u64 = 21_000;

/// A transaction without its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// EIP-155 id.
    pub chain_id: u64,
    /// The sender's transactions before it.
    pub nonce: u64,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// Most that is paid, base fee included, in wei a gas.
    pub fee_max: u128,
    /// Most that the block's producer gets, in wei a gas.
    pub tip_max: u128,
    /// Whom it calls; nobody, to create a contract.
    pub to: Option<Address>,
    /// Wei that go along.
    pub value: U256,
    /// Call data, or creation code.
    pub input: Bytes,
}

/// A transaction that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// Its hash.
    pub hash: B256,
    /// Its bytes, EIP-2718.
    pub raw: Bytes,
}

impl Transaction {
    /// Signs it.
    pub fn sign(self, key: &PrivateKeySigner) -> Result<SignedTransaction, alloy::signers::Error> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.fee_max,
            max_priority_fee_per_gas: self.tip_max,
            to: self.to.map_or(TxKind::Create, TxKind::Call),
            value: self.value,
            access_list: Default::default(),
            input: self.input,
        };
        let signature = key.sign_hash_sync(&transaction.signature_hash())?;
        let signed = transaction.into_signed(signature);
        let hash = *signed.hash();
        Ok(SignedTransaction { hash, raw: TxEnvelope::from(signed).encoded_2718().into() })
    }
}
