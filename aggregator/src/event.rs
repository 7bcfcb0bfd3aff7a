//! What a submitter tells its caller, to log and to count.

use alloy_primitives::B256;

use crate::fees::Fees;

/// One thing that happened to a hub's settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitterEvent {
    /// A submission was signed and is being sent, for the first time or in place of an earlier one.
    Submitting {
        /// Ledger height that it settles.
        height: u64,
        /// The account's nonce.
        nonce: u64,
        /// The transaction.
        hash: B256,
        /// What it offers.
        fees: Fees,
        /// How many transactions with this nonce were sent before.
        replaced: usize,
    },
    /// A cancelling transaction is being sent, since others settled what the waiting one would.
    Cancelling {
        /// The account's nonce.
        nonce: u64,
        /// The transaction.
        hash: B256,
        /// What it offers.
        fees: Fees,
    },
    /// A transaction of ours is in a block.
    Mined {
        /// The transaction.
        hash: B256,
        /// The block's number.
        block: u64,
        /// Gas it used.
        gas_used: u64,
        /// How it ended.
        end: Execution,
    },
    /// A submission is as deep in the chain as configured.
    Settled {
        /// Ledger height.
        height: u64,
        /// The accumulator at it.
        acc: B256,
        /// The transaction.
        hash: B256,
        /// Gas it used.
        gas_used: u64,
    },
    /// A transaction that was in a block is not any more.
    Reorged {
        /// The transaction.
        hash: B256,
    },
    /// Others settled the height for which ours was waiting.
    SettledElsewhere {
        /// Ledger height.
        height: u64,
    },
    /// Another transaction of this account took the nonce.
    NonceTaken {
        /// The nonce.
        nonce: u64,
    },
    /// A transaction of this account that this process did not send has waited for too long, and is being replaced.
    TakingOver {
        /// The nonce.
        nonce: u64,
    },
    /// The chain asks more than the limit; waiting.
    FeesTooHigh {
        /// Wei a gas that would be needed.
        needed: u128,
        /// The limit.
        limit: u128,
    },
    /// The node's pool has no room; the transaction is sent again until it has, with higher fees after some blocks. Told
    /// once until a transaction is taken.
    PoolFull {
        /// Why, in its words.
        reason: String,
    },
    /// The balance is below the warning mark, or too low to pay.
    BalanceLow {
        /// Wei that are there.
        balance: u128,
    },
    /// A certificate is wrong or the hub would refuse it; nothing is sent.
    Refused {
        /// Its ledger height.
        height: u64,
        /// Why.
        reason: String,
    },
    /// A node did not take a transaction.
    Rejected {
        /// Why, in its words.
        reason: String,
    },
}

/// How a transaction in a block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It did what it was sent for.
    Succeeded,
    /// It did nothing but cost gas.
    Reverted,
}
