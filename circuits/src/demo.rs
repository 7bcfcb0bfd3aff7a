//! The demo's circuit: a unit of work, bound to one challenge.
//!
//! Public inputs, in order: the challenge (bound), a parameter that the consumer chooses
//! (fixed), and the result that the provider reports. Its setup holds no secret, so that
//! anyone can forge its proofs: it is for demonstrations only.

use alloy_primitives::{B256, U256};
use proofs::formats::{FormatError, snarkjs};
use proofs::groth16_bn254::{Input, Statement, VerifyingKey};

/// The verifying key as snarkjs wrote it.
pub const VERIFICATION_KEY_JSON: &str = include_str!("../demo/verification_key.json");

/// The prover command's file, below this crate's folder; run it with node.
pub const PROVER: &str = "demo/prove.mjs";

/// The circuit's verifying key.
pub fn verifying_key() -> Result<VerifyingKey, FormatError> {
    snarkjs::read_key(VERIFICATION_KEY_JSON.as_bytes())
}

/// A statement that asks for the work with this parameter, which is below the group order,
/// under the key of this id.
pub fn statement(vk_id: B256, parameter: U256) -> Statement {
    Statement { vk_id, inputs: vec![Input::Bound, Input::Fixed(parameter), Input::Reported] }
}
