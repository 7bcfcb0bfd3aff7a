use alloy_primitives::U256;
use ark_bn254::Bn254;
use ark_ec::AffineRepr;

use super::encoding::{PointFault, Words, g1_point, g2_point, put_g1, put_g2};
use super::{G1Numbers, G2Numbers, Input, PublicInputs, Statement};
use crate::Code;

/// Bytes of a proof.
pub const PROOF_BYTES: usize = 256;

/// A Groth16 proof over BN254: every point is on its curve, in its subgroup, not infinity.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof(ark_groth16::Proof<Bn254>);

/// The proof's points as numbers, before they are checked.
#[derive(Clone, Debug)]
pub(crate) struct ProofNumbers {
    pub(crate) a: G1Numbers,
    pub(crate) b: G2Numbers,
    pub(crate) c: G1Numbers,
}

impl Eq for Proof {}

impl Proof {
    /// Decodes 256 bytes in the order of EIP-197: A.x, A.y, B.x.c1, B.x.c0, B.y.c1, B.y.c0,
    /// C.x, C.y.
    pub fn from_canonical(bytes: &[u8; PROOF_BYTES]) -> Result<Self, Code> {
        let mut words = Words::new(bytes);
        let (Some(a), Some(b), Some(c)) = (words.g1(), words.g2(), words.g1()) else {
            return Err(Code::ResponseLength);
        };
        Self::from_numbers(&ProofNumbers { a, b, c }).map_err(|(code, _)| code)
    }

    /// Checks every point; an error names the point.
    pub(crate) fn from_numbers(numbers: &ProofNumbers) -> Result<Self, (Code, &'static str)> {
        let a = finite(g1_point(numbers.a), "A")?;
        let b = finite(g2_point(numbers.b), "B")?;
        let c = finite(g1_point(numbers.c), "C")?;
        Ok(Self(ark_groth16::Proof { a, b, c }))
    }

    /// The one encoding of the proof.
    pub fn to_canonical(&self) -> [u8; PROOF_BYTES] {
        let mut bytes = Vec::with_capacity(PROOF_BYTES);
        put_g1(&mut bytes, &self.0.a);
        put_g2(&mut bytes, &self.0.b);
        put_g1(&mut bytes, &self.0.c);
        let mut out = [0u8; PROOF_BYTES];
        out.copy_from_slice(&bytes);
        out
    }

    pub(crate) const fn inner(&self) -> &ark_groth16::Proof<Bn254> {
        &self.0
    }
}

fn finite<P: AffineRepr>(
    point: Result<P, PointFault>,
    name: &'static str,
) -> Result<P, (Code, &'static str)> {
    let point = point.map_err(|fault| (proof_code(fault), name))?;
    if point.is_zero() { Err((Code::PointAtInfinity, name)) } else { Ok(point) }
}

pub(crate) const fn proof_code(fault: PointFault) -> Code {
    match fault {
        PointFault::OutOfRange => Code::CoordinateOutOfRange,
        PointFault::NotOnCurve => Code::PointNotOnCurve,
        PointFault::NotInSubgroup => Code::PointNotInSubgroup,
    }
}

/// The response (its one part) that answers a statement with a proof and all the public
/// inputs it was made for: the proof, then the inputs that the statement calls reported.
pub fn response_bytes(
    statement: &Statement,
    proof: &Proof,
    inputs: &PublicInputs,
) -> Result<Vec<u8>, Code> {
    if inputs.len() != statement.inputs.len() {
        return Err(Code::InputCount);
    }
    let mut out = proof.to_canonical().to_vec();
    for (input, number) in statement.inputs.iter().zip(inputs.numbers()) {
        match input {
            Input::Reported => out.extend_from_slice(&number.to_be_bytes::<32>()),
            Input::Fixed(_) | Input::Bound => {}
        }
    }
    Ok(out)
}

/// Splits a response's one part into the proof and the reported numbers.
pub(crate) fn split_response(
    part: &[u8],
    reported_count: usize,
) -> Result<(&[u8; PROOF_BYTES], Vec<U256>), Code> {
    let (proof, mut rest) = part.split_first_chunk().ok_or(Code::ResponseLength)?;
    if rest.len() != 32 * reported_count {
        return Err(Code::ResponseLength);
    }
    let mut reported = Vec::with_capacity(reported_count);
    while let Some((word, tail)) = rest.split_first_chunk::<32>() {
        reported.push(U256::from_be_bytes(*word));
        rest = tail;
    }
    Ok((proof, reported))
}
