use alloy_primitives::{B256, U256, keccak256};
use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_groth16::{Groth16, PreparedVerifyingKey, prepare_verifying_key};

use super::encoding::{PointFault, Words, g1_point, g2_point, put_g1, put_g2, scalar};
use super::{G1Numbers, G2Numbers, PUBLIC_INPUTS_MAX, Proof, batch};
use crate::Code;

/// Bytes of alpha, beta, gamma and delta.
const HEAD_BYTES: usize = 64 + 3 * 128;
/// Bytes of an IC point.
const IC_BYTES: usize = 64;

/// A Groth16 verifying key over BN254. Every point is on its curve and in its subgroup, only
/// IC points may be infinity, and there is at least one IC point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    alpha: G1Affine,
    beta: G2Affine,
    gamma: G2Affine,
    delta: G2Affine,
    ic: Vec<G1Affine>,
}

/// The key's points as numbers, before they are checked.
#[derive(Clone, Debug)]
pub(crate) struct KeyNumbers {
    pub(crate) alpha: G1Numbers,
    pub(crate) beta: G2Numbers,
    pub(crate) gamma: G2Numbers,
    pub(crate) delta: G2Numbers,
    pub(crate) ic: Vec<G1Numbers>,
}

impl VerifyingKey {
    /// Decodes canonical bytes: `alpha ‖ beta ‖ gamma ‖ delta ‖ IC…` as in EIP-197, 448 bytes
    /// and 64 for each IC point, of at most [`PUBLIC_INPUTS_MAX`] inputs. Errors are the
    /// `KEY_…` codes.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Code> {
        let ic_bytes = bytes.len().checked_sub(HEAD_BYTES).ok_or(Code::KeyLength)?;
        if ic_bytes == 0 || !ic_bytes.is_multiple_of(IC_BYTES) {
            return Err(Code::KeyLength);
        }
        if ic_bytes / IC_BYTES > PUBLIC_INPUTS_MAX + 1 {
            return Err(Code::KeyTooLarge);
        }
        let mut words = Words::new(bytes);
        let mut numbers = KeyNumbers {
            alpha: words.g1().ok_or(Code::KeyLength)?,
            beta: words.g2().ok_or(Code::KeyLength)?,
            gamma: words.g2().ok_or(Code::KeyLength)?,
            delta: words.g2().ok_or(Code::KeyLength)?,
            ic: Vec::with_capacity(ic_bytes / IC_BYTES),
        };
        while !words.is_empty() {
            numbers.ic.push(words.g1().ok_or(Code::KeyLength)?);
        }
        Self::from_numbers(&numbers).map_err(|(code, _)| code)
    }

    /// Checks every point; an error names the point.
    pub(crate) fn from_numbers(numbers: &KeyNumbers) -> Result<Self, (Code, String)> {
        if numbers.ic.is_empty() {
            return Err((Code::KeyLength, "IC".into()));
        }
        Ok(Self {
            alpha: key_g1(numbers.alpha).map_err(|code| (code, "alpha".into()))?,
            beta: key_g2(numbers.beta).map_err(|code| (code, "beta".into()))?,
            gamma: key_g2(numbers.gamma).map_err(|code| (code, "gamma".into()))?,
            delta: key_g2(numbers.delta).map_err(|code| (code, "delta".into()))?,
            ic: (numbers.ic.iter().enumerate())
                .map(|(i, point)| {
                    g1_point(*point).map_err(|fault| (key_code(fault), format!("IC[{i}]")))
                })
                .collect::<Result<_, _>>()?,
        })
    }

    /// The one encoding of the key.
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + IC_BYTES * self.ic.len());
        put_g1(&mut out, &self.alpha);
        put_g2(&mut out, &self.beta);
        put_g2(&mut out, &self.gamma);
        put_g2(&mut out, &self.delta);
        for point in &self.ic {
            put_g1(&mut out, point);
        }
        out
    }

    /// `vkId`: keccak256 of the canonical bytes.
    pub fn id(&self) -> B256 {
        keccak256(self.to_canonical())
    }

    /// Number of public inputs that the key takes.
    pub fn input_count(&self) -> usize {
        self.ic.len().saturating_sub(1)
    }

    /// Whether the proof holds for the inputs. For many proofs over one key, prepare it once.
    pub fn verify(&self, proof: &Proof, inputs: &PublicInputs) -> Result<(), Code> {
        self.prepare().verify(proof, inputs)
    }

    /// Computes what verifying needs of the key; costs as much as a verification.
    pub fn prepare(&self) -> PreparedKey {
        PreparedKey {
            inner: prepare_verifying_key(&ark_groth16::VerifyingKey {
                alpha_g1: self.alpha,
                beta_g2: self.beta,
                gamma_g2: self.gamma,
                delta_g2: self.delta,
                gamma_abc_g1: self.ic.clone(),
            }),
            beta: self.beta.into(),
        }
    }

    pub(crate) const fn points(&self) -> (&G1Affine, [&G2Affine; 3], &Vec<G1Affine>) {
        (&self.alpha, [&self.beta, &self.gamma, &self.delta], &self.ic)
    }
}

fn key_g1(numbers: G1Numbers) -> Result<G1Affine, Code> {
    let point = g1_point(numbers).map_err(key_code)?;
    if point.is_zero() { Err(Code::KeyPointAtInfinity) } else { Ok(point) }
}

fn key_g2(numbers: G2Numbers) -> Result<G2Affine, Code> {
    let point = g2_point(numbers).map_err(key_code)?;
    if point.is_zero() { Err(Code::KeyPointAtInfinity) } else { Ok(point) }
}

pub(crate) const fn key_code(fault: PointFault) -> Code {
    match fault {
        PointFault::OutOfRange => Code::KeyCoordinateOutOfRange,
        PointFault::NotOnCurve => Code::KeyPointNotOnCurve,
        PointFault::NotInSubgroup => Code::KeyPointNotInSubgroup,
    }
}

/// Public inputs of a circuit, in order, each below the group order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicInputs(pub(crate) Vec<Fr>);

impl PublicInputs {
    /// Takes numbers below [`SCALAR_MODULUS`](super::SCALAR_MODULUS); another is
    /// [`Code::InputOutOfRange`].
    pub fn new(numbers: &[U256]) -> Result<Self, Code> {
        numbers
            .iter()
            .map(|number| scalar(*number).ok_or(Code::InputOutOfRange))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The inputs as numbers.
    pub fn numbers(&self) -> Vec<U256> {
        self.0.iter().map(|element| super::uint(*element)).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A verifying key with its pairing computed and its G2 points prepared.
#[derive(Clone, Debug)]
pub struct PreparedKey {
    pub(crate) inner: PreparedVerifyingKey<Bn254>,
    pub(crate) beta: <Bn254 as Pairing>::G2Prepared,
}

impl PreparedKey {
    /// Number of public inputs that the key takes.
    pub fn input_count(&self) -> usize {
        self.inner.vk.gamma_abc_g1.len().saturating_sub(1)
    }

    /// Whether the circuit uses the input at this position: its IC point is not infinity.
    pub fn uses_input(&self, position: usize) -> bool {
        let mut points = self.inner.vk.gamma_abc_g1.iter().skip(1);
        points.nth(position).is_some_and(|point| !point.is_zero())
    }

    /// Whether the proof holds for the inputs.
    pub fn verify(&self, proof: &Proof, inputs: &PublicInputs) -> Result<(), Code> {
        if inputs.len() != self.input_count() {
            return Err(Code::InputCount);
        }
        match Groth16::<Bn254>::verify_proof(&self.inner, proof.inner(), &inputs.0) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Code::ProofRejected),
        }
    }

    /// Positions, ascending, of the proofs that [`PreparedKey::verify`] refuses for their
    /// inputs; many good ones together cost a fraction of what they cost alone.
    pub fn bad_items(&self, items: &[(&Proof, &PublicInputs)]) -> Vec<usize> {
        let (fitting, mut bad): (Vec<_>, Vec<_>) =
            (0..items.len()).partition(|position| items[*position].1.len() == self.input_count());
        let batch: Vec<_> = fitting.iter().map(|position| items[*position]).collect();
        bad.extend(batch::bad_items(self, &batch).into_iter().map(|place| fitting[place]));
        bad.sort_unstable();
        bad
    }
}
