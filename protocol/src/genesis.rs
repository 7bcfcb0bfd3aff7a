//! The genesis: everything that the first block stands on.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    bytes::{self, HubAddress},
    ecdsa,
    ids::{HubIndex, LedgerTime, OperatorIndex, Quorums},
};

/// The most members of a committee; a block with all their bundles stays within its bound.
pub const MAX_MEMBERS: usize = 100;

/// The fewest members: with fewer, not even one may be faulty.
pub const MIN_MEMBERS: usize = 4;

/// The most hubs of a ledger.
pub const MAX_HUBS: usize = 16;

/// A hub that the ledger reads requests from and attests to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// The AttestationHub contract.
    pub hub: Address,
    /// The block from which operators read requests.
    pub start_block: u64,
}

impl Hub {
    /// The hub as messages name it.
    pub fn address(&self) -> HubAddress {
        HubAddress { chain_id: self.chain_id, hub: self.hub }
    }
}

/// One operator of the first committee.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Signs bundles and sends transactions.
    pub operator: Address,
    /// Signs consensus messages: compressed secp256k1 (SEC 1).
    #[serde(with = "hex_bytes")]
    pub consensus_key: [u8; 33],
    /// libp2p identity and envelopes: ed25519.
    #[serde(with = "hex_bytes")]
    pub network_key: [u8; 32],
    /// Where the node listens: multiaddrs.
    pub addresses: Vec<String>,
}

/// How long each phase lasts, in milliseconds of ledger time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// From a challenge to the end of answers.
    pub answer_ms: u64,
    /// From a response to the end of commitments.
    pub commit_ms: u64,
    /// From the opening of reveals to their end.
    pub reveal_ms: u64,
    /// From a ceremony stage's opening to its end.
    pub ceremony_ms: u64,
}

impl Parameters {
    /// How long a job takes at most once it is challenged.
    pub fn phases_ms(&self) -> u64 {
        self.answer_ms.saturating_add(self.commit_ms).saturating_add(self.reveal_ms)
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self { answer_ms: 300_000, commit_ms: 60_000, reveal_ms: 60_000, ceremony_ms: 120_000 }
    }
}

/// The genesis file.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Distinguishes ledgers that are otherwise alike.
    pub salt: B256,
    /// Ledger time before the first block: unix milliseconds.
    pub time_ms: LedgerTime,
    /// The committee's id; releases run one committee, 0.
    pub committee_id: u32,
    /// The hubs.
    pub hubs: Vec<Hub>,
    /// The first committee, ascending by network key: a member's place is the index of its share.
    pub members: Vec<Member>,
    /// Phase lengths.
    pub parameters: Parameters,
}

/// Why a genesis cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GenesisError {
    /// Too few or too many members.
    #[error("genesis has {0} members, expected {MIN_MEMBERS} to {MAX_MEMBERS}")]
    Members(usize),
    /// No hub, or too many.
    #[error("genesis has {0} hubs, expected 1 to {MAX_HUBS}")]
    Hubs(usize),
    /// A key or address that two members, or two hubs, share.
    #[error("genesis has {what} {value} twice")]
    Twice {
        /// What kind of key.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A consensus key that is no point of secp256k1.
    #[error("genesis member {0} has a consensus key that is not on secp256k1")]
    ConsensusKey(usize),
    /// Members are not in order.
    #[error("genesis members must ascend by network key, member {0} does not")]
    MemberOrder(usize),
    /// A phase that lasts no time, or more than a year.
    #[error("genesis parameter {0} must be from 1 ms to a year")]
    Parameter(&'static str),
}

const YEAR_MS: u64 = 366 * 24 * 3600 * 1000;

impl Genesis {
    /// The ledger's name.
    pub fn ledger_id(&self) -> B256 {
        bytes::ledger_id(&borsh::to_vec(self).unwrap_or_default())
    }

    /// n, f and q of the committee.
    pub fn quorums(&self) -> Quorums {
        Quorums::of(self.members.len())
    }

    /// The member at `index`.
    pub fn member(&self, index: OperatorIndex) -> Option<&Member> {
        self.members.get(usize::from(index.0))
    }

    /// The index of the member with this operator address.
    pub fn index_of(&self, operator: Address) -> Option<OperatorIndex> {
        let position = self.members.iter().position(|member| member.operator == operator)?;
        u16::try_from(position).ok().map(OperatorIndex)
    }

    /// All members' indices, in order.
    pub fn indices(&self) -> impl Iterator<Item = OperatorIndex> + use<> {
        (0..u16::try_from(self.members.len()).unwrap_or(u16::MAX)).map(OperatorIndex)
    }

    /// The hub at `index`.
    pub fn hub(&self, index: HubIndex) -> Option<&Hub> {
        self.hubs.get(usize::from(index.0))
    }

    /// Checks sizes, keys and parameters.
    ///
    /// # Errors
    /// On the first thing that no ledger can stand on.
    pub fn validate(&self) -> Result<(), GenesisError> {
        if !(MIN_MEMBERS..=MAX_MEMBERS).contains(&self.members.len()) {
            return Err(GenesisError::Members(self.members.len()));
        }
        if self.hubs.is_empty() || self.hubs.len() > MAX_HUBS {
            return Err(GenesisError::Hubs(self.hubs.len()));
        }
        unique("operator", self.members.iter().map(|member| member.operator.to_string()))?;
        unique("consensus key", self.members.iter().map(|member| hex(&member.consensus_key)))?;
        unique("network key", self.members.iter().map(|member| hex(&member.network_key)))?;
        // A job's id does not name its hub: two hubs of one chain could give one id to two jobs.
        unique("chain id", self.hubs.iter().map(|hub| hub.chain_id.to_string()))?;
        let keys = self.members.iter().map(|member| member.network_key);
        if let Some(position) =
            keys.clone().zip(keys.skip(1)).position(|(before, after)| before >= after)
        {
            return Err(GenesisError::MemberOrder(position + 1));
        }
        for (position, member) in self.members.iter().enumerate() {
            if ecdsa::address_of_public_key(&member.consensus_key).is_none() {
                return Err(GenesisError::ConsensusKey(position));
            }
        }
        let parameters = &self.parameters;
        for (name, value) in [
            ("answer_ms", parameters.answer_ms),
            ("commit_ms", parameters.commit_ms),
            ("reveal_ms", parameters.reveal_ms),
            ("ceremony_ms", parameters.ceremony_ms),
        ] {
            if !(1..=YEAR_MS).contains(&value) {
                return Err(GenesisError::Parameter(name));
            }
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode_prefixed(bytes)
}

fn unique(what: &'static str, values: impl Iterator<Item = String>) -> Result<(), GenesisError> {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value.clone()) {
            return Err(GenesisError::Twice { what, value });
        }
    }
    Ok(())
}

mod hex_bytes {
    use alloy_primitives::hex;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_prefixed(bytes))
    }

    pub(super) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode_to_array(&text)
            .map_err(|error| D::Error::custom(format!("expected {N} bytes of hex: {error}")))
    }
}
