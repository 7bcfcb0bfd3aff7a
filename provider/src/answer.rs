//! From a prover's output to the parts of a response that may be signed.

use std::{collections::BTreeMap, fs, io::Read, path::Path, sync::Arc};

use alloy_primitives::{Address, B256, Bytes};
use proofs::{
    Code, Kind, Registry, Verdict,
    formats::{Format, FormatError, snarkjs},
    groth16_bn254::{Groth16Bn254, Statement, response_bytes},
};
use protocol::response::{MAX_RESPONSE_BYTES, MAX_RESPONSE_PARTS};
use serde::Deserialize;
use thiserror::Error;

use crate::{Challenge, Check, ConfigError};

/// The largest verifying key file.
const MAX_KEY_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Why a prover's output is not signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// Not JSON, or not of either form.
    #[error("the prover's output is neither a snarkjs proof nor a list of parts: {0}")]
    Output(String),
    /// A proof that can't be read.
    #[error("the prover's proof can't be used: {0}")]
    Proof(FormatError),
    /// A proof that does not fit the statement.
    #[error("the prover's proof does not fit the statement: {}", .0.explanation())]
    Unfit(Code),
    /// Too many parts or bytes.
    #[error(
        "the prover's answer has {parts} parts and {bytes} bytes, expected 1 to \
         {MAX_RESPONSE_PARTS} parts and at most {MAX_RESPONSE_BYTES} bytes"
    )]
    Size {
        /// Parts.
        parts: usize,
        /// Bytes of all.
        bytes: usize,
    },
    /// The proof would be judged as no good.
    #[error("the proof would be {verdict}: {}", code.explanation())]
    Rejected {
        /// `invalid` or `inconclusive`.
        verdict: &'static str,
        /// Why.
        code: Code,
    },
}

/// What a prover prints: `{"proof": …, "publicSignals": […]}`, or the parts themselves.
#[derive(Deserialize)]
struct Parts {
    parts: Vec<Bytes>,
}

/// The response's parts. An object with `parts` (hex strings) is taken as it is, for any kind; for
/// `groth16-bn254`, snarkjs' proof and public signals become the canonical bytes.
///
/// # Errors
/// On output of neither form, or too much of it.
pub fn answer_parts(challenge: &Challenge, output: &[u8]) -> Result<Vec<Vec<u8>>, AnswerError> {
    let parts = match serde_json::from_slice::<Parts>(output) {
        Ok(Parts { parts }) => parts.into_iter().map(|part| part.to_vec()).collect(),
        Err(_) if challenge.proof_kind() == Kind::of_name(Groth16Bn254::NAME) => {
            vec![groth16_part(challenge, output)?]
        }
        Err(error) => return Err(AnswerError::Output(error.to_string())),
    };
    let bytes = parts.iter().map(Vec::len).sum();
    if parts.is_empty() || parts.len() > MAX_RESPONSE_PARTS || bytes > MAX_RESPONSE_BYTES {
        return Err(AnswerError::Size { parts: parts.len(), bytes });
    }
    Ok(parts)
}

fn groth16_part(challenge: &Challenge, output: &[u8]) -> Result<Vec<u8>, AnswerError> {
    let statement = Statement::decode(&challenge.statement).map_err(AnswerError::Unfit)?;
    let (proof, inputs) = snarkjs::read_proved(output).map_err(|error| match error {
        unreadable @ FormatError::Unreadable { .. } => AnswerError::Output(unreadable.to_string()),
        refused @ FormatError::Refused { .. } => AnswerError::Proof(refused),
    })?;
    response_bytes(&statement, &proof, &inputs).map_err(AnswerError::Unfit)
}

/// Turns a prover's output into parts, and verifies them as an operator would.
#[derive(Debug)]
pub struct Answerer {
    provider: Address,
    /// None when nothing is to be checked.
    registry: Option<Registry>,
}

impl Answerer {
    /// An answerer that checks against these keys' canonical bytes.
    pub fn new(provider: Address, check: Check, keys: BTreeMap<B256, Bytes>) -> Self {
        let registry = match check {
            Check::BeforeSigning => Some(Registry::standard(Arc::new(keys))),
            Check::Never => None,
        };
        Self { provider, registry }
    }

    /// The parts to sign.
    ///
    /// # Errors
    /// When the output can't be used, or would not be judged valid.
    pub fn answer(
        &self,
        challenge: &Challenge,
        output: &[u8],
        now_ms: u64,
    ) -> Result<Vec<Vec<u8>>, AnswerError> {
        let parts = answer_parts(challenge, output)?;
        let Some(registry) = &self.registry else { return Ok(parts) };
        let borrowed: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let context = challenge.context(self.provider, now_ms);
        match registry.verify(challenge.proof_kind(), &context, &challenge.statement, &borrowed) {
            Verdict::Valid { .. } => Ok(parts),
            Verdict::Invalid { code } => Err(AnswerError::Rejected { verdict: "invalid", code }),
            Verdict::Inconclusive { code } => {
                Err(AnswerError::Rejected { verdict: "inconclusive", code })
            }
        }
    }
}

/// Reads verifying keys from snarkjs or gnark files.
pub(crate) fn read_keys(files: &[impl AsRef<Path>]) -> Result<BTreeMap<B256, Bytes>, ConfigError> {
    let mut keys = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        let named = |reason: String| ConfigError {
            key: format!("verifying_keys[{index}]"),
            reason: format!("{}: {reason}", file.as_ref().display()),
        };
        let mut bytes = Vec::new();
        fs::File::open(file)
            .and_then(|open| open.take(MAX_KEY_FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| named(error.to_string()))?;
        if bytes.len() as u64 > MAX_KEY_FILE_BYTES {
            return Err(named(format!("has more than {MAX_KEY_FILE_BYTES} bytes")));
        }
        let key =
            Format::detect(&bytes).read_key(&bytes).map_err(|error| named(error.to_string()))?;
        keys.insert(key.id(), Bytes::from(key.to_canonical()));
    }
    Ok(keys)
}
