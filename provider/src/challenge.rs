//! A challenge, as nodes show it.

use alloy_primitives::{Address, B256, Bytes, FixedBytes, keccak256};
use proofs::{Context, Kind};
use protocol::bytes::HubAddress;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest statement that is taken.
pub const MAX_STATEMENT_BYTES: usize = 64 * 1024;

/// Why a node's challenge is not taken from it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChallengeError {
    /// Not a challenge.
    #[error("is no challenge: {0}")]
    Json(String),
    /// For another provider.
    #[error("is for provider {0}, not for this one")]
    Provider(Address),
    /// Of another ledger.
    #[error("is of ledger {0}, not of the configured one")]
    Ledger(B256),
    /// A statement that is too long.
    #[error("has a statement of {0} bytes, at most {MAX_STATEMENT_BYTES} are taken")]
    Statement(usize),
    /// A seed of zero: there is none yet.
    #[error("has no seed yet")]
    Seed,
}

/// An open challenge. Two are the same if all but `answer_by_ms` is: nodes at different heights
/// may know its deadline or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The ledger, where the node states it.
    #[serde(default)]
    pub ledger_id: Option<B256>,
    /// The job.
    pub job_id: B256,
    /// The hub's number for it.
    pub job_index: u64,
    /// The hub's chain.
    pub chain_id: u64,
    /// The hub.
    pub hub: Address,
    /// Who must answer, where the node states it.
    #[serde(default)]
    pub provider: Option<Address>,
    /// The proof kind's selector.
    pub kind: FixedBytes<4>,
    /// What must be shown, in the kind's encoding.
    pub statement: Bytes,
    /// What nobody could know before.
    pub seed: B256,
    /// When answers end, unix milliseconds of ledger time.
    #[serde(default)]
    pub answer_by_ms: Option<u64>,
}

impl Challenge {
    /// Reads a challenge for `provider` on `ledger`.
    ///
    /// # Errors
    /// When it is not one, or not for them.
    pub fn from_json(text: &[u8], ledger: B256, provider: Address) -> Result<Self, ChallengeError> {
        let challenge: Self = serde_json::from_slice(text)
            .map_err(|error| ChallengeError::Json(error.to_string()))?;
        challenge.checked(ledger, provider)
    }

    /// Refuses a challenge that is not for `provider` on `ledger`.
    ///
    /// # Errors
    /// As [`Challenge::from_json`].
    pub fn checked(self, ledger: B256, provider: Address) -> Result<Self, ChallengeError> {
        match (self.ledger_id, self.provider) {
            (Some(other), _) if other != ledger => return Err(ChallengeError::Ledger(other)),
            (_, Some(other)) if other != provider => return Err(ChallengeError::Provider(other)),
            _ => (),
        }
        if self.statement.len() > MAX_STATEMENT_BYTES {
            return Err(ChallengeError::Statement(self.statement.len()));
        }
        if self.seed == B256::ZERO {
            return Err(ChallengeError::Seed);
        }
        Ok(Self { ledger_id: Some(ledger), provider: Some(provider), ..self })
    }

    /// What nodes must agree on: all but the deadline.
    pub(crate) fn content(&self) -> Self {
        Self { answer_by_ms: None, ..self.clone() }
    }

    /// The statement's name.
    pub fn statement_hash(&self) -> B256 {
        keccak256(&self.statement)
    }

    /// The hub that asked.
    pub fn asked_by(&self) -> HubAddress {
        HubAddress { chain_id: self.chain_id, hub: self.hub }
    }

    /// The proof kind.
    pub fn proof_kind(&self) -> Kind {
        Kind(self.kind.0)
    }

    /// What a verifier is told.
    pub fn context(&self, provider: Address, ledger_time_ms: u64) -> Context {
        Context {
            chain_id: self.chain_id,
            hub: self.hub,
            job_id: self.job_id,
            provider,
            seed: self.seed,
            ledger_time_ms,
        }
    }
}
