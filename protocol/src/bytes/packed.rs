//! Outcomes as the hub reads them: 27 bytes each, mostly zeros.

use thiserror::Error;

/// Bytes of one packed outcome: jobIndex u64 ‖ verdict u8 ‖ code u16 ‖ value u128, big-endian.
pub const PACKED_OUTCOME_BYTES: usize = 27;

/// One outcome without its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedOutcome {
    /// The hub's number for the job.
    pub job_index: u64,
    /// See `Verdict`.
    pub verdict: u8,
    /// The reason code, 0 when there is none.
    pub code: u16,
    /// The value in the kind's unit.
    pub value: u128,
}

/// Why bytes are not a list of packed outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PackedError {
    /// The length is no multiple of [`PACKED_OUTCOME_BYTES`].
    #[error("packed outcomes have {0} bytes, which is no multiple of {PACKED_OUTCOME_BYTES}")]
    Length(usize),
    /// A verdict that does not exist.
    #[error("packed outcome {position} has verdict {verdict}, the largest is 3")]
    Verdict {
        /// Which outcome, from 0.
        position: usize,
        /// What stands there.
        verdict: u8,
    },
    /// Job indices do not ascend strictly.
    #[error("packed outcome {position} does not have a larger job index than the one before it")]
    Order {
        /// Which outcome, from 0.
        position: usize,
    },
}

/// Concatenates outcomes; the caller has them ascending by job index.
pub fn encode_packed(outcomes: &[PackedOutcome]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(outcomes.len().saturating_mul(PACKED_OUTCOME_BYTES));
    for outcome in outcomes {
        bytes.extend_from_slice(&outcome.job_index.to_be_bytes());
        bytes.push(outcome.verdict);
        bytes.extend_from_slice(&outcome.code.to_be_bytes());
        bytes.extend_from_slice(&outcome.value.to_be_bytes());
    }
    bytes
}

/// Reads what [`encode_packed`] wrote.
///
/// # Errors
/// On a wrong length, an unknown verdict, or job indices that do not ascend.
pub fn decode_packed(bytes: &[u8]) -> Result<Vec<PackedOutcome>, PackedError> {
    let (chunks, rest) = bytes.as_chunks::<PACKED_OUTCOME_BYTES>();
    if !rest.is_empty() {
        return Err(PackedError::Length(bytes.len()));
    }
    let mut outcomes: Vec<PackedOutcome> = Vec::with_capacity(chunks.len());
    for (position, chunk) in chunks.iter().enumerate() {
        let outcome = read_one(chunk);
        if outcome.verdict > 3 {
            return Err(PackedError::Verdict { position, verdict: outcome.verdict });
        }
        if outcomes.last().is_some_and(|last| last.job_index >= outcome.job_index) {
            return Err(PackedError::Order { position });
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn read_one(chunk: &[u8; PACKED_OUTCOME_BYTES]) -> PackedOutcome {
    let (mut index, mut code, mut value) = ([0u8; 8], [0u8; 2], [0u8; 16]);
    index.copy_from_slice(&chunk[..8]);
    code.copy_from_slice(&chunk[9..11]);
    value.copy_from_slice(&chunk[11..]);
    PackedOutcome {
        job_index: u64::from_be_bytes(index),
        verdict: chunk[8],
        code: u16::from_be_bytes(code),
        value: u128::from_be_bytes(value),
    }
}
