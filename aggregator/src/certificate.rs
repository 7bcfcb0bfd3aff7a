//! What one group signature settles: the outcomes of every ledger height since an accumulator.

use alloy_primitives::{Address, B256, Bytes, U256};
use bindings::{AttestationHub, IAttestationHub};
use protocol::bytes::{self, HubAddress, PACKED_OUTCOME_BYTES, decode_packed};
use protocol::ids::{Epoch, Height};
use serde::{Deserialize, Serialize};
use threshold::{GroupPublicKey, Signature};

/// Most outcomes of one batch: a tree of depth 10.
pub const BATCH_OUTCOMES_MAX: usize = 1 << bytes::MAX_TREE_DEPTH;
/// Most batches of one certificate.
pub const BATCHES_MAX: usize = 1_024;
/// Most bytes that a certificate's call may have: nodes' pools refuse transactions above 128 KiB. A source that has more
/// to settle gives the certificate of an earlier height first; [`CallSize`] tells which.
pub const CALL_BYTES_MAX: usize = 120 << 10;

/// Selector, the five head words, the length words of `batches` and `signature`, and the signature.
const CALL_BYTES_BASE: usize = 4 + 5 * 32 + 2 * 32 + 128;
/// Offset, root, offset of `packed` and its length.
const CALL_BYTES_PER_BATCH: usize = 4 * 32;

/// The outcomes of one ledger height for one hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The ledger height.
    pub height: u64,
    /// Merkle root over the outcomes' leaves.
    pub root: B256,
    /// 27 bytes an outcome, ascending by job index.
    pub packed: Bytes,
}

/// A group signature, and the batches from an accumulator to the one that it attests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Ledger height of the last batch.
    pub height: u64,
    /// The epoch whose key signed.
    pub epoch: u64,
    /// The committee.
    pub committee_id: u32,
    /// The ledger block at `height`.
    pub block_id: B256,
    /// The accumulator after the last batch.
    pub acc: B256,
    /// Signature over ATTEST, EIP-2537 G1, 128 bytes.
    pub signature: Bytes,
    /// In order, the last of them at `height`.
    pub batches: Vec<Batch>,
}

/// Which ledger a certificate is of, and where it is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience {
    /// The ledger.
    pub ledger_id: B256,
    /// The chain.
    pub chain_id: u64,
    /// The hub.
    pub hub: Address,
}

/// Why a certificate must not be submitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Nothing in it, or too much.
    #[error("certificate has {0} batches, must be 1 to {BATCHES_MAX}")]
    BatchCount(usize),
    /// Its call would not fit a transaction.
    #[error("certificate needs a call of {0} bytes, above {CALL_BYTES_MAX}")]
    TooLarge(usize),
    /// Heights that do not ascend to the certificate's own.
    #[error("batch at height {0} is out of order")]
    Order(u64),
    /// A batch without outcomes, with too many, or malformed ones.
    #[error("batch at height {height}: {problem}")]
    Packed {
        /// The batch.
        height: u64,
        /// What is wrong.
        problem: String,
    },
    /// The batches do not lead from the hub's accumulator to the certificate's.
    #[error("batches lead to accumulator {computed}, the certificate says {stated}")]
    Acc {
        /// What the batches give.
        computed: B256,
        /// What the certificate says.
        stated: B256,
    },
    /// The signature is no point of the group.
    #[error("signature is malformed: {0}")]
    SignatureMalformed(String),
    /// The group did not sign this.
    #[error("signature does not verify under the hub's group key")]
    SignatureInvalid,
}

/// Counts the bytes of a call while batches are added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSize(usize);

impl Default for CallSize {
    fn default() -> Self {
        Self(CALL_BYTES_BASE)
    }
}

impl CallSize {
    /// Adds a batch with `packed_bytes`, unless the call would become too large.
    #[must_use]
    pub fn with(self, packed_bytes: usize) -> Option<Self> {
        let padded = packed_bytes.checked_next_multiple_of(32)?;
        let bytes = self.0.checked_add(CALL_BYTES_PER_BATCH)?.checked_add(padded)?;
        (bytes <= CALL_BYTES_MAX).then_some(Self(bytes))
    }

    /// The bytes so far.
    pub fn bytes(self) -> usize {
        self.0
    }
}

impl Certificate {
    /// Whether its batches lead from `previous` to its accumulator, in shape and in content. Returns how many outcomes it
    /// settles.
    pub fn check_batches(&self, previous: B256) -> Result<usize, CertificateError> {
        if self.batches.is_empty() || self.batches.len() > BATCHES_MAX {
            return Err(CertificateError::BatchCount(self.batches.len()));
        }
        let (mut acc, mut outcomes, mut last) = (previous, 0usize, None);
        let mut size = CallSize::default();
        for batch in &self.batches {
            if last.is_some_and(|last| last >= batch.height) {
                return Err(CertificateError::Order(batch.height));
            }
            size = size.with(batch.packed.len()).ok_or_else(|| {
                CertificateError::TooLarge(size.bytes().saturating_add(batch.packed.len()))
            })?;
            let count = count_outcomes(batch)?;
            acc = bytes::accumulate(acc, batch.root, &batch.packed, count);
            outcomes = outcomes.saturating_add(batch.packed.len() / PACKED_OUTCOME_BYTES);
            last = Some(batch.height);
        }
        if last != Some(self.height) {
            return Err(CertificateError::Order(self.height));
        }
        if acc != self.acc {
            return Err(CertificateError::Acc { computed: acc, stated: self.acc });
        }
        Ok(outcomes)
    }

    /// Whether the group with `key` (EIP-2537 G2, 256 bytes) signed it for `audience`.
    pub fn check_signature(&self, audience: Audience, key: &[u8]) -> Result<(), CertificateError> {
        let malformed =
            |error: threshold::PointError| CertificateError::SignatureMalformed(error.to_string());
        let key = GroupPublicKey::from_eip2537(key).map_err(malformed)?;
        let signature = Signature::from_eip2537(&self.signature).map_err(malformed)?;
        threshold::verify(&key, &self.digest(audience).0, &signature)
            .map_err(|_| CertificateError::SignatureInvalid)
    }

    /// The ATTEST message that the group signs.
    pub fn digest(&self, audience: Audience) -> B256 {
        bytes::attestation(
            audience.ledger_id,
            HubAddress { chain_id: audience.chain_id, hub: audience.hub },
            self.committee_id,
            Epoch(self.epoch),
            Height(self.height),
            self.block_id,
            self.acc,
        )
    }

    /// The call that settles it.
    pub fn submit_call(&self) -> AttestationHub::submitCall {
        AttestationHub::submitCall {
            epoch_: self.epoch,
            height: self.height,
            blockId: self.block_id,
            batches: self.hub_batches(),
            signature: self.signature.clone(),
        }
    }

    /// The call that emits its outcomes without recording them.
    pub fn announce_call(&self) -> AttestationHub::announceCall {
        AttestationHub::announceCall {
            epoch_: self.epoch,
            height: self.height,
            blockId: self.block_id,
            batches: self.hub_batches(),
            signature: self.signature.clone(),
        }
    }

    /// The height whose outcomes have waited longest.
    pub fn first_height(&self) -> u64 {
        self.batches.first().map_or(self.height, |batch| batch.height)
    }

    fn hub_batches(&self) -> Vec<IAttestationHub::Batch> {
        let batch =
            |it: &Batch| IAttestationHub::Batch { root: it.root, packed: it.packed.clone() };
        self.batches.iter().map(batch).collect()
    }
}

fn count_outcomes(batch: &Batch) -> Result<u32, CertificateError> {
    let bad = |problem| Err(CertificateError::Packed { height: batch.height, problem });
    let count = match decode_packed(&batch.packed) {
        Ok(outcomes) => outcomes.len(),
        Err(error) => return bad(error.to_string()),
    };
    match u32::try_from(count) {
        Ok(count @ 1..) if count as usize <= BATCH_OUTCOMES_MAX => Ok(count),
        _ => bad(format!("{count} outcomes, must be 1 to {BATCH_OUTCOMES_MAX}")),
    }
}

/// Wei as a 128-bit number, saturating: more wei than that exist nowhere.
pub(crate) fn saturating_u128(value: U256) -> u128 {
    value.saturating_to()
}
