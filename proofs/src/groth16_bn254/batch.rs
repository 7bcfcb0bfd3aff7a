//! Many proofs over one key at the price of few.

use alloy_primitives::keccak256;
use ark_bn254::{Bn254, Fq12, Fr, G1Affine, G1Projective};
use ark_ec::pairing::{MillerLoopOutput, Pairing, PairingOutput};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{One, Zero};

use super::coefficient::{Coefficient, multiples, sum_of_multiples};
use super::{PreparedKey, Proof, PublicInputs};

/// Begins the bytes that the coefficients hash. They stay within one machine.
const COEFFICIENTS_TAG: &[u8] = b"assay/v1/GROTH16_BATCH";

/// Items that share one Miller loop. Its output is kept, so that a bisection down to blocks
/// takes no further loop.
const BLOCK: usize = 16;

/// One item with its coefficient, and its A multiplied by it.
struct Weighted<'a> {
    coefficient: Coefficient,
    a: G1Affine,
    proof: &'a Proof,
    inputs: &'a PublicInputs,
}

/// A batch, with the Miller loop of every block of items.
struct Batch<'a> {
    key: &'a PreparedKey,
    items: Vec<Weighted<'a>>,
    blocks: Vec<Fq12>,
}

/// Positions, ascending, of the items whose equation does not hold. Every item has as many
/// inputs as the key takes.
pub(crate) fn bad_items(key: &PreparedKey, items: &[(&Proof, &PublicInputs)]) -> Vec<usize> {
    if let [(proof, inputs)] = items {
        return if key.verify(proof, inputs).is_ok() { vec![] } else { vec![0] };
    }
    let items = weigh(items);
    let blocks = items.chunks(BLOCK).map(miller_loop).collect();
    let batch = Batch { key, items, blocks };
    let mut bad = Vec::new();
    let defect = batch.defect(0, batch.items.len());
    if !defect.is_zero() {
        batch.bisect(0, batch.items.len(), defect, &mut bad);
    }
    bad
}

/// Multiplies every A by a coefficient that the whole batch determines: nobody can choose an
/// item knowing the coefficients it will get.
fn weigh<'a>(items: &[(&'a Proof, &'a PublicInputs)]) -> Vec<Weighted<'a>> {
    let mut transcript = COEFFICIENTS_TAG.to_vec();
    for (proof, inputs) in items {
        transcript.extend_from_slice(&proof.to_canonical());
        for number in inputs.numbers() {
            transcript.extend_from_slice(&number.to_be_bytes::<32>());
        }
    }
    let root = keccak256(transcript);
    let coefficients: Vec<_> = (0u64..)
        .take(items.len())
        .map(|index| keccak256([root.as_slice(), &index.to_be_bytes()].concat()).0)
        .map(|digest| Coefficient::from_digest(&digest))
        .collect();
    let points: Vec<_> = items.iter().map(|(proof, _)| proof.inner().a).collect();
    let products = multiples(&points, &coefficients);
    (items.iter().zip(coefficients).zip(products))
        .map(|(((proof, inputs), coefficient), a)| Weighted { coefficient, a, proof, inputs })
        .collect()
}

/// The product of the Miller loops of weighted A with B.
fn miller_loop(items: &[Weighted<'_>]) -> Fq12 {
    let left = items.iter().map(|item| item.a);
    Bn254::multi_miller_loop(left, items.iter().map(|item| item.proof.inner().b)).0
}

impl Batch<'_> {
    /// The product of the equations of the items from `start` to `end`, each to the power of its
    /// coefficient: zero if all hold, and else, but for a chance of 2⁻¹²⁸, not zero. It is the
    /// sum of its parts' defects. The range begins and ends with blocks, or lies in one.
    fn defect(&self, start: usize, end: usize) -> PairingOutput<Bn254> {
        let items = &self.items[start..end];
        let vk = &self.key.inner.vk;
        let mut sum = Fr::zero();
        let mut scalars = vec![Fr::zero(); vk.gamma_abc_g1.len()];
        for item in items {
            let coefficient = item.coefficient.scalar();
            sum += coefficient;
            let with_one = std::iter::once(Fr::one()).chain(item.inputs.0.iter().copied());
            for (scalar, input) in scalars.iter_mut().zip(with_one) {
                *scalar += coefficient * input;
            }
        }
        let alpha = vk.alpha_g1 * -sum;
        let inputs = G1Projective::msm_unchecked(&vk.gamma_abc_g1, &scalars);
        let c = sum_of_multiples(items.iter().map(|item| (item.proof.inner().c, item.coefficient)));
        let points = G1Projective::normalize_batch(&[alpha, inputs, c]);
        let key = &self.key.inner;
        let prepared = [&self.key.beta, &key.gamma_g2_neg_pc, &key.delta_g2_neg_pc];
        let rest = Bn254::multi_miller_loop(points, prepared.map(Clone::clone));

        let whole =
            start.is_multiple_of(BLOCK) && (end.is_multiple_of(BLOCK) || end == self.items.len());
        let a_b = if whole {
            self.blocks[start / BLOCK..end.div_ceil(BLOCK)].iter().product()
        } else {
            miller_loop(items)
        };
        // A Miller loop's output is never zero, so the exponentiation always has a result; were
        // there none, one is what "does not hold" looks like.
        Bn254::final_exponentiation(MillerLoopOutput(a_b * rest.0))
            .unwrap_or(PairingOutput(-<Bn254 as Pairing>::TargetField::one()))
    }

    /// Names the bad ones among the items from `start` to `end`, whose common defect is not
    /// zero. The right half's defect is what the left half leaves, so each split costs one.
    fn bisect(&self, start: usize, end: usize, whole: PairingOutput<Bn254>, bad: &mut Vec<usize>) {
        if end - start == 1 {
            let item = &self.items[start];
            if self.key.verify(item.proof, item.inputs).is_err() {
                bad.push(start);
            }
            return;
        }
        let half = (end - start) / 2;
        let middle = start + if end - start > BLOCK { half.next_multiple_of(BLOCK) } else { half };
        let left = self.defect(start, middle);
        let right = whole - left;
        if !left.is_zero() {
            self.bisect(start, middle, left, bad);
        }
        if !right.is_zero() {
            self.bisect(middle, end, right, bad);
        }
    }
}
