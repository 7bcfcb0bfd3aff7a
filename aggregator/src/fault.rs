//! What a node says when it does not take a transaction. The words differ between clients; the sorts of trouble don't.

use bindings::rpc::RpcError;

/// Why a broadcast failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// The nonce was used already.
    NonceTooLow,
    /// The node has this very transaction.
    AlreadyKnown,
    /// Another transaction waits with this nonce, and these fees don't displace it.
    Underpriced,
    /// The fee is below what the next block, or the pool, asks.
    FeeTooLow,
    /// The node's pool has no room. It may have later, for this or for a higher fee.
    PoolFull(String),
    /// The account can't pay.
    InsufficientFunds,
    /// The node refuses it for another reason, in its words.
    Rejected(String),
    /// No answer: it may have arrived.
    Unknown(String),
}

/// Sorts a failed `eth_sendRawTransaction`.
pub(crate) fn classify(error: &RpcError) -> SendFault {
    let message = match error {
        RpcError::Answered { message, .. } => message,
        other => return SendFault::Unknown(other.to_string()),
    };
    let lower = message.to_lowercase();
    let says = |needles: &[&str]| needles.iter().any(|needle| lower.contains(needle));
    if says(&["nonce too low", "nonce is too low", "old nonce", "invalid nonce", "nonce_too_small"])
    {
        SendFault::NonceTooLow
    } else if says(&[
        "already known",
        "alreadyknown",
        "already imported",
        "already_exists",
        "known transaction",
    ]) {
        SendFault::AlreadyKnown
    } else if says(&[
        "pool is full",
        "pool full",
        "poolfull",
        "pool overflow",
        "too many transactions",
    ]) {
        SendFault::PoolFull(message.clone())
    } else if says(&["replacement", "underpriced"]) {
        SendFault::Underpriced
    } else if says(&[
        "less than block base fee",
        "fee too low",
        "feetoolow",
        "fee cap less",
        "below base fee",
    ]) {
        SendFault::FeeTooLow
    } else if says(&["insufficient funds", "insufficient balance", "not enough funds"]) {
        SendFault::InsufficientFunds
    } else {
        SendFault::Rejected(message.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: SendFault) {
        let error = RpcError::Answered { code: -32000, message: message.into(), revert: None };
        assert_eq!(classify(&error), expected, "{message}");
    }

    #[test]
    fn classify_knows_the_words_of_several_clients() {
        check("nonce too low: next nonce 5, tx nonce 4", SendFault::NonceTooLow);
        check("already known", SendFault::AlreadyKnown);
        check("AlreadyKnown", SendFault::AlreadyKnown);
        check("transaction already imported", SendFault::AlreadyKnown);
        check("replacement transaction underpriced", SendFault::Underpriced);
        check("transaction underpriced", SendFault::Underpriced);
        check("max fee per gas less than block base fee: address 0x0", SendFault::FeeTooLow);
        check("insufficient funds for gas * price + value", SendFault::InsufficientFunds);
        check("Insufficient funds for gas * price + value", SendFault::InsufficientFunds);
        check("txpool is full", SendFault::PoolFull("txpool is full".into()));
        check("exceeds block gas limit", SendFault::Rejected("exceeds block gas limit".into()));
    }

    #[test]
    fn classify_no_answer_is_unknown_whatever_it_says() {
        let error = RpcError::Unreachable("nonce too low".into());
        assert!(matches!(classify(&error), SendFault::Unknown(_)));
    }
}
