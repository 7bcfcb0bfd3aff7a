//! Many proofs over one key at the price of few.

use alloy_primitives::{U128, keccak256};
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::pairing::{MillerLoopOutput, Pairing, PairingOutput};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, One, Zero};

use super::{PreparedKey, Proof, PublicInputs};

/// Begins the bytes that the coefficients hash. They stay within one machine.
const COEFFICIENTS_TAG: &[u8] = b"assay/v1/GROTH16_BATCH";

/// One item with its coefficient, and its A and C multiplied by it.
struct Weighted<'a> {
    coefficient: Fr,
    a: G1Affine,
    c: G1Projective,
    proof: &'a Proof,
    inputs: &'a PublicInputs,
}

/// Positions, ascending, of the items whose equation does not hold. Every item has as many
/// inputs as the key takes.
pub(crate) fn bad_items(key: &PreparedKey, items: &[(&Proof, &PublicInputs)]) -> Vec<usize> {
    if let [(proof, inputs)] = items {
        return if key.verify(proof, inputs).is_ok() { vec![] } else { vec![0] };
    }
    let weighted = weigh(items);
    let mut bad = Vec::new();
    let defect = defect(key, &weighted);
    if !defect.is_zero() {
        bisect(key, &weighted, 0, defect, &mut bad);
    }
    bad
}

/// Multiplies every A and C by a coefficient that the whole batch determines: nobody can
/// choose an item knowing the coefficients it will get.
fn weigh<'a>(items: &[(&'a Proof, &'a PublicInputs)]) -> Vec<Weighted<'a>> {
    let mut transcript = COEFFICIENTS_TAG.to_vec();
    for (proof, inputs) in items {
        transcript.extend_from_slice(&proof.to_canonical());
        for number in inputs.numbers() {
            transcript.extend_from_slice(&number.to_be_bytes::<32>());
        }
    }
    let root = keccak256(transcript);
    let mut products = Vec::with_capacity(items.len());
    let mut coefficients = Vec::with_capacity(items.len());
    for (index, (proof, _)) in (0u64..).zip(items) {
        let digest = keccak256([root.as_slice(), &index.to_be_bytes()].concat()).0;
        let coefficient =
            digest.first_chunk::<16>().map_or(1, |half| u128::from_be_bytes(*half)).max(1);
        let limbs = U128::from(coefficient).into_limbs();
        products.push(proof.inner().a.mul_bigint(limbs));
        coefficients.push((Fr::from(coefficient), proof.inner().c.mul_bigint(limbs)));
    }
    let products = G1Projective::normalize_batch(&products);
    (items.iter().zip(coefficients).zip(products))
        .map(|(((proof, inputs), (coefficient, c)), a)| Weighted {
            coefficient,
            a,
            c,
            proof,
            inputs,
        })
        .collect()
}

/// The product of the items' equations, each to the power of its coefficient: zero if all
/// hold, and else, but for a chance of 2⁻¹²⁸, not zero. It is the sum of its parts' defects.
fn defect(key: &PreparedKey, items: &[Weighted<'_>]) -> PairingOutput<Bn254> {
    let vk = &key.inner.vk;
    let mut sum = Fr::zero();
    let mut c = G1Projective::ZERO;
    let mut scalars = vec![Fr::zero(); vk.gamma_abc_g1.len()];
    for item in items {
        sum += item.coefficient;
        c += item.c;
        let with_one = std::iter::once(Fr::one()).chain(item.inputs.0.iter().copied());
        for (scalar, input) in scalars.iter_mut().zip(with_one) {
            *scalar += item.coefficient * input;
        }
    }
    let inputs = G1Projective::msm_unchecked(&vk.gamma_abc_g1, &scalars);
    let alpha = vk.alpha_g1 * -sum;
    let [alpha, inputs, c] = [alpha, inputs, c].map(|point| point.into_affine());

    let left = items.iter().map(|item| item.a);
    let right = items.iter().map(|item| item.proof.inner().b);
    let a_b = Bn254::multi_miller_loop(left, right);
    let rest = Bn254::multi_miller_loop(
        [alpha, inputs, c],
        [key.beta.clone(), key.inner.gamma_g2_neg_pc.clone(), key.inner.delta_g2_neg_pc.clone()],
    );
    // A Miller loop's output is never zero, so the exponentiation always has a result; were
    // there none, one is what "does not hold" looks like.
    Bn254::final_exponentiation(MillerLoopOutput(a_b.0 * rest.0))
        .unwrap_or(PairingOutput(-<Bn254 as Pairing>::TargetField::one()))
}

/// Names the bad ones among `items`, whose common defect is not zero. The right half's
/// defect is what the left half leaves, so each split costs one multi-pairing.
fn bisect(
    key: &PreparedKey,
    items: &[Weighted<'_>],
    offset: usize,
    whole: PairingOutput<Bn254>,
    bad: &mut Vec<usize>,
) {
    if let [item] = items {
        if key.verify(item.proof, item.inputs).is_err() {
            bad.push(offset);
        }
        return;
    }
    let (left, right) = items.split_at(items.len() / 2);
    let left_defect = defect(key, left);
    let right_defect = whole - left_defect;
    if !left_defect.is_zero() {
        bisect(key, left, offset, left_defect, bad);
    }
    if !right_defect.is_zero() {
        bisect(key, right, offset + left.len(), right_defect, bad);
    }
}
