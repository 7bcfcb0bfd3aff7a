//! Real proofs of one key, as bytes and decoded for both sides.

use alloy_primitives::U256;
use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField, UniformRand};
use ark_groth16::{Groth16, PreparedVerifyingKey, prepare_verifying_key};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use ark_snark::SNARK;
use proofs::groth16_bn254::{PROOF_BYTES, PreparedKey, Proof, PublicInputs, VerifyingKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// Public inputs of the circuit.
const INPUTS: usize = 4;

/// A proof and its public inputs as the peer holds them.
pub(crate) type PeerDecoded = (ark_groth16::Proof<Bn254>, [Fr; INPUTS]);

/// What both sides verify.
pub(crate) struct Fixture {
    pub(crate) key: PreparedKey,
    pub(crate) peer_key: PreparedVerifyingKey<Bn254>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) decoded: Vec<(Proof, PublicInputs)>,
    pub(crate) peer_decoded: Vec<PeerDecoded>,
}

impl Fixture {
    /// One key and `count` proofs of it, the same in every run.
    pub(crate) fn new(count: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let (proving, verifying) =
            Groth16::<Bn254>::circuit_specific_setup(Products::random(&mut rng), &mut rng)?;
        let key = VerifyingKey::from_canonical(&key_bytes(&verifying))
            .map_err(|code| format!("the key does not decode: {code:?}"))?;
        let claims = (0..count)
            .map(|_| {
                let circuit = Products::random(&mut rng);
                let inputs = circuit.inputs().map(number);
                let proof = Groth16::<Bn254>::prove(&proving, circuit, &mut rng)?;
                Ok(Claim { proof: proof_bytes(&proof), inputs })
            })
            .collect::<Result<Vec<_>, SynthesisError>>()?;
        Ok(Self {
            key: key.prepare(),
            peer_key: prepare_verifying_key(&verifying),
            decoded: claims.iter().map(Claim::decode).collect(),
            peer_decoded: claims.iter().map(Claim::decode_peer).collect(),
            claims,
        })
    }
}

/// A proof in the encoding of EIP-197, and its public inputs.
pub(crate) struct Claim {
    proof: [u8; PROOF_BYTES],
    inputs: [U256; INPUTS],
}

impl Claim {
    pub(crate) fn decode(&self) -> (Proof, PublicInputs) {
        let proof = Proof::from_canonical(&self.proof).expect("a proof's bytes");
        (proof, PublicInputs::new(&self.inputs).expect("scalars"))
    }

    pub(crate) fn decode_peer(&self) -> PeerDecoded {
        let mut words = self.proof.chunks_exact(32).map(|word| {
            Fq::from_bigint(BigInt::new(*U256::from_be_slice(word).as_limbs())).expect("in range")
        });
        let mut next = || words.next().expect("eight words");
        let a = checked(G1Affine::new_unchecked(next(), next()));
        let (x1, x0, y1, y0) = (next(), next(), next(), next());
        let b = checked(G2Affine::new_unchecked(Fq2::new(x0, x1), Fq2::new(y0, y1)));
        let c = checked(G1Affine::new_unchecked(next(), next()));
        let inputs = self.inputs.map(|input| {
            Fr::from_bigint(BigInt::new(*input.as_limbs())).expect("a number below the order")
        });
        (ark_groth16::Proof { a, b, c }, inputs)
    }
}

fn checked<C: ark_ec::short_weierstrass::SWCurveConfig>(
    point: ark_ec::short_weierstrass::Affine<C>,
) -> ark_ec::short_weierstrass::Affine<C> {
    assert!(point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve());
    point
}

/// Each public input is the product of two secrets.
struct Products([(Fr, Fr); INPUTS]);

impl Products {
    fn random(rng: &mut ChaCha20Rng) -> Self {
        Self(std::array::from_fn(|_| (Fr::rand(rng), Fr::rand(rng))))
    }

    fn inputs(&self) -> [Fr; INPUTS] {
        self.0.map(|(left, right)| left * right)
    }
}

impl ConstraintSynthesizer<Fr> for Products {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        for (left, right) in self.0 {
            let product = cs.new_input_variable(|| Ok(left * right))?;
            let left = cs.new_witness_variable(|| Ok(left))?;
            let right = cs.new_witness_variable(|| Ok(right))?;
            let alone = |variable: Variable| move || LinearCombination::from(variable);
            cs.enforce_r1cs_constraint(alone(left), alone(right), alone(product))?;
        }
        Ok(())
    }
}

fn number<F: PrimeField<BigInt = BigInt<4>>>(element: F) -> U256 {
    U256::from_limbs(element.into_bigint().0)
}

fn put(out: &mut Vec<u8>, elements: &[Fq]) {
    elements.iter().for_each(|element| out.extend(number(*element).to_be_bytes::<32>()));
}

fn put_g1(out: &mut Vec<u8>, point: &G1Affine) {
    let (x, y) = point.xy().expect("not infinity");
    put(out, &[x, y]);
}

fn put_g2(out: &mut Vec<u8>, point: &G2Affine) {
    let (x, y) = point.xy().expect("not infinity");
    put(out, &[x.c1, x.c0, y.c1, y.c0]);
}

fn proof_bytes(proof: &ark_groth16::Proof<Bn254>) -> [u8; PROOF_BYTES] {
    let mut out = Vec::with_capacity(PROOF_BYTES);
    put_g1(&mut out, &proof.a);
    put_g2(&mut out, &proof.b);
    put_g1(&mut out, &proof.c);
    out.try_into().expect("eight words")
}

fn key_bytes(key: &ark_groth16::VerifyingKey<Bn254>) -> Vec<u8> {
    let mut out = Vec::new();
    put_g1(&mut out, &key.alpha_g1);
    [key.beta_g2, key.gamma_g2, key.delta_g2].iter().for_each(|point| put_g2(&mut out, point));
    key.gamma_abc_g1.iter().for_each(|point| put_g1(&mut out, point));
    out
}
