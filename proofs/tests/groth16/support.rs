//! Keys with a known trapdoor: their holder makes a valid proof of anything, without a
//! circuit, so that tests get as many keys and proofs as they like.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};
use proofs::Context;
use proofs::groth16_bn254::{Input, Statement, bound_input};

/// Discrete logarithms of a key's points.
pub(crate) struct Trapdoor {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    ic: Vec<Fr>,
}

impl Trapdoor {
    pub(crate) fn new(seed: u64, input_count: usize) -> Self {
        let scalar = |index: usize| scalar(&[seed, index as u64]);
        Self {
            alpha: scalar(0),
            beta: scalar(1),
            gamma: scalar(2),
            delta: scalar(3),
            ic: (4..5 + input_count).map(scalar).collect(),
        }
    }

    /// Makes the key ignore an input.
    pub(crate) fn without_input(mut self, position: usize) -> Self {
        self.ic[position + 1] = Fr::from(0u64);
        self
    }

    pub(crate) fn key(&self) -> Vec<u8> {
        let mut out = g1_bytes(&g1(self.alpha));
        for exponent in [self.beta, self.gamma, self.delta] {
            out.extend(g2_bytes(&g2(exponent)));
        }
        for exponent in &self.ic {
            out.extend(g1_bytes(&g1(*exponent)));
        }
        out
    }

    pub(crate) fn id(&self) -> B256 {
        keccak256(self.key())
    }

    /// A valid proof for the inputs, another one for each seed.
    pub(crate) fn prove(&self, inputs: &[U256], seed: u64) -> Vec<u8> {
        self.prove_off(inputs, seed, Fr::from(0u64))
    }

    /// The valid proof with C moved by `offset`.
    pub(crate) fn prove_off(&self, inputs: &[U256], seed: u64, offset: Fr) -> Vec<u8> {
        let (a, b) = (scalar(&[seed, 100]), scalar(&[seed, 101]));
        let sum = (self.ic.iter().skip(1).zip(inputs))
            .fold(self.ic[0], |sum, (ic, input)| sum + *ic * fr(*input));
        let c = (a * b - self.alpha * self.beta - sum * self.gamma) * self.delta.inverse().unwrap();
        [g1_bytes(&g1(a)), g2_bytes(&g2(b)), g1_bytes(&g1(c + offset))].concat()
    }
}

pub(crate) fn scalar(parts: &[u64]) -> Fr {
    let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_be_bytes()).collect();
    Fr::from_be_bytes_mod_order(keccak256(bytes).as_slice())
}

fn fr(number: U256) -> Fr {
    Fr::from_be_bytes_mod_order(&number.to_be_bytes::<32>())
}

pub(crate) fn g1(exponent: Fr) -> G1Affine {
    (G1Affine::generator() * exponent).into_affine()
}

pub(crate) fn g2(exponent: Fr) -> G2Affine {
    (G2Affine::generator() * exponent).into_affine()
}

pub(crate) fn fq_bytes(element: Fq) -> [u8; 32] {
    U256::from_limbs(element.into_bigint().0).to_be_bytes()
}

pub(crate) fn g1_bytes(point: &G1Affine) -> Vec<u8> {
    let (x, y) = point.xy().unwrap_or_default();
    [fq_bytes(x), fq_bytes(y)].concat()
}

pub(crate) fn g2_bytes(point: &G2Affine) -> Vec<u8> {
    let (x, y) = point.xy().unwrap_or_default();
    [fq_bytes(x.c1), fq_bytes(x.c0), fq_bytes(y.c1), fq_bytes(y.c0)].concat()
}

/// A point of the twist outside the prime-order subgroup.
pub(crate) fn g2_outside_subgroup() -> G2Affine {
    (1u64..)
        .filter_map(|c1| {
            let x = Fq2::new(Fq::from(1u64), Fq::from(c1));
            let (y, _) = G2Affine::get_ys_from_x_unchecked(x)?;
            Some(G2Affine::new_unchecked(x, y))
        })
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap()
}

pub(crate) fn context(seed: u8) -> Context {
    Context {
        chain_id: 31337,
        hub: Address::repeat_byte(1),
        job_id: B256::repeat_byte(2),
        provider: Address::repeat_byte(3),
        seed: B256::repeat_byte(seed),
        ledger_time_ms: 0,
    }
}

pub(crate) fn bound(context: &Context) -> U256 {
    bound_input(context.chain_id, &context.hub, &context.job_id, &context.seed)
}

/// Bound, fixed at 5, reported.
pub(crate) fn statement(vk_id: B256) -> Statement {
    Statement { vk_id, inputs: vec![Input::Bound, Input::Fixed(U256::from(5)), Input::Reported] }
}

/// The response with a valid proof that reports this number.
pub(crate) fn response(
    trapdoor: &Trapdoor,
    context: &Context,
    reported: u64,
    seed: u64,
) -> Vec<u8> {
    let inputs = [bound(context), U256::from(5), U256::from(reported)];
    let mut out = trapdoor.prove(&inputs, seed);
    out.extend(U256::from(reported).to_be_bytes::<32>());
    out
}

pub(crate) fn keys(trapdoors: &[&Trapdoor]) -> BTreeMap<B256, Bytes> {
    trapdoors.iter().map(|trapdoor| (trapdoor.id(), trapdoor.key().into())).collect()
}

/// A file or folder below `tests/fixtures`.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// The folders in a folder of fixtures, in order.
pub(crate) fn fixture_folders(path: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(fixture(path)).unwrap();
    let mut folders: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
