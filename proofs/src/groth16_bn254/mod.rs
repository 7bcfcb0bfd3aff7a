//! `groth16-bn254`: a Groth16 proof over BN254, of any circuit from any toolchain.
//!
//! *Statement*, [`Statement`]: `abi.encode(bytes32 vkId, (uint8 mode, uint256 value)[] inputs)`,
//! one input for each public input of the circuit, in order. Mode 0 is *fixed*: the
//! value stands in the statement. Mode 1 is *bound*: the value is [`bound_input`], which
//! the chain, the hub, the job and the challenge seed determine, so that a proof answers
//! one challenge only. Mode 2 is *reported*: the provider supplies the value, and the
//! consumer gets it. Bound and reported inputs carry the value 0.
//!
//! *Response*: one part, the 256 bytes of the [`Proof`] and then 32 bytes for each
//! reported input, in order; nothing else.
//!
//! *Verifying key*, [`VerifyingKey`]: `alpha ‖ beta ‖ gamma ‖ delta ‖ IC…` in the encoding
//! of EIP-197; its id is keccak256 of these bytes.
//!
//! *Valid* has the value 1, one unit of work.
//!
//! *Points* are on the curve, both coordinates below the modulus; G2 points are in the
//! subgroup. As with the EIP-197 precompile, (0, 0) is the point at infinity. It is refused
//! in a proof and in a key, but for IC points: an input that the circuit does not use has
//! one, and such an input cannot be bound. The Solidity verifier refuses the same.
//!
//! *Batches.* Proofs over one key are checked together: with coefficients `ρᵢ`, one of 2¹²⁸ each,
//! derived from keccak256 of the whole batch, the equation
//! `∏ e(ρᵢAᵢ, Bᵢ) = e(∑ρᵢ·α, β) e(∑ρᵢLᵢ, γ) e(∑ρᵢCᵢ, δ)` takes one multi-pairing. When it
//! fails, halves are checked until every bad item is named; a single item is always
//! checked by its own equation (Bellare, Garay, Rabin 1998, the small exponents test).

mod batch;
mod bound;
mod cache;
mod coefficient;
mod encoding;
mod key;
mod proof;
mod statement;
mod verify;

pub use bound::{BOUND_TAG, bound_input};
pub use cache::PREPARED_KEYS_MAX;
pub use encoding::{BASE_MODULUS, SCALAR_MODULUS};
pub use key::{PreparedKey, PublicInputs, VerifyingKey};
pub use proof::{PROOF_BYTES, Proof, response_bytes};
pub use statement::{Input, Statement};
pub use verify::Groth16Bn254;

pub(crate) use encoding::{
    G1Numbers, G2Numbers, PointFault, base_field, g1_numbers, g1_point, g2_numbers, uint,
};
pub(crate) use key::{KeyNumbers, key_code};
pub(crate) use proof::{ProofNumbers, proof_code};

/// Most public inputs that a registered key may take, as in the Solidity verifier; bounds
/// the work and memory of one key.
pub const PUBLIC_INPUTS_MAX: usize = 256;
