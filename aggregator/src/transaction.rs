//! Signed EIP-1559 transactions.

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};

use crate::fees::Fees;

/// Gas of a plain transfer.
pub(crate) const TRANSFER_GAS: u64 = 21_000;

/// A transaction without its signature.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) gas_limit: u64,
    pub(crate) fees: Fees,
    pub(crate) to: Address,
    pub(crate) input: Bytes,
}

/// Signs; returns the transaction's hash and its bytes.
pub(crate) fn sign(
    it: Unsigned,
    key: &PrivateKeySigner,
) -> Result<(B256, Bytes), alloy::signers::Error> {
    let transaction = TxEip1559 {
        chain_id: it.chain_id,
        nonce: it.nonce,
        gas_limit: it.gas_limit,
        max_fee_per_gas: it.fees.max,
        max_priority_fee_per_gas: it.fees.tip,
        to: TxKind::Call(it.to),
        value: U256::ZERO,
        access_list: Default::default(),
        input: it.input,
    };
    let signature = key.sign_hash_sync(&transaction.signature_hash())?;
    let signed = transaction.into_signed(signature);
    let hash = *signed.hash();
    Ok((hash, TxEnvelope::from(signed).encoded_2718().into()))
}
