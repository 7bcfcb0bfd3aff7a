//! Every way in which a statement, a key or a response of `groth16-bn254` is judged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alloy_primitives::{B256, Bytes, U256, keccak256};
use proofs::groth16_bn254::{
    BASE_MODULUS, Groth16Bn254, Input, PREPARED_KEYS_MAX, SCALAR_MODULUS, Statement, VerifyingKey,
};
use proofs::{Code, KeySource, Kind, Registry, Verdict, Verifier};

use crate::support::*;

fn invalid(code: Code) -> Verdict {
    Verdict::Invalid { code }
}

fn inconclusive(code: Code) -> Verdict {
    Verdict::Inconclusive { code }
}

/// Judges a response to [`statement`] under a fresh key.
fn judge(change: impl FnOnce(&mut Vec<u8>)) -> Verdict {
    let trapdoor = Trapdoor::new(1, 3);
    let mut part = response(&trapdoor, &context(9), 77, 1);
    change(&mut part);
    judge_part(&trapdoor, &part)
}

fn judge_part(trapdoor: &Trapdoor, part: &[u8]) -> Verdict {
    let verifier = Groth16Bn254::new(Arc::new(keys(&[trapdoor])));
    verifier.verify(&context(9), &statement(trapdoor.id()).encode(), &[part])
}

/// Judges a valid response under a key that is registered as `key`.
fn judge_key(key: Vec<u8>) -> Verdict {
    let trapdoor = Trapdoor::new(1, 3);
    let part = response(&trapdoor, &context(9), 77, 1);
    let id = keccak256(&key);
    let verifier = Groth16Bn254::new(Arc::new(BTreeMap::from([(id, Bytes::from(key))])));
    verifier.verify(&context(9), &statement(id).encode(), &[&part])
}

fn set_word(bytes: &mut [u8], index: usize, number: U256) {
    bytes[32 * index..32 * (index + 1)].copy_from_slice(&number.to_be_bytes::<32>());
}

fn word(bytes: &[u8], index: usize) -> U256 {
    U256::from_be_slice(&bytes[32 * index..32 * (index + 1)])
}

#[test]
fn valid_response_has_value_one_and_its_reported_values() {
    let reported = vec![U256::from(77).to_be_bytes::<32>()];
    assert_eq!(judge(|_| {}), Verdict::Valid { value: 1, reported });
}

#[test]
fn selector_is_keccak_of_the_name() {
    let registry = Registry::standard(Arc::new(BTreeMap::new()));
    let kind = Kind::of_name("groth16-bn254");
    assert_eq!(kind.0, keccak256("groth16-bn254")[..4]);
    assert_eq!(registry.kinds().collect::<Vec<_>>(), [(kind, "groth16-bn254")]);
}

#[test]
fn registry_judges_by_kind_and_knows_no_other() {
    let trapdoor = Trapdoor::new(1, 3);
    let (context, part) = (context(9), response(&Trapdoor::new(1, 3), &context(9), 77, 1));
    let mut registry = Registry::standard(Arc::new(keys(&[&trapdoor])));
    let statement = statement(trapdoor.id()).encode();
    let kind = Kind::of_name("groth16-bn254");
    assert_eq!(registry.verify(kind, &context, &statement, &[&part]).number(), 0);
    assert_eq!(registry.keys_needed(kind, &statement), [trapdoor.id()]);
    assert_eq!(registry.keys_needed(kind, &[]), Vec::<B256>::new());
    let other = Kind::of_name("groth16-bls12381");
    assert_eq!(
        registry.verify(other, &context, &statement, &[&part]),
        inconclusive(Code::KindUnknown)
    );
    let again = Arc::new(Groth16Bn254::new(Arc::new(BTreeMap::new())));
    assert!(registry.register(again).is_err());
}

#[test]
fn bound_input_of_another_context_is_rejected() {
    let trapdoor = Trapdoor::new(1, 3);
    let part = response(&trapdoor, &context(8), 77, 1);
    assert_eq!(judge_part(&trapdoor, &part), invalid(Code::ProofRejected));
}

#[test]
fn another_reported_value_is_rejected() {
    assert_eq!(judge(|part| set_word(part, 8, U256::from(78))), invalid(Code::ProofRejected));
}

#[test]
fn every_other_length_is_refused() {
    for length in [0, 32, 255, 256, 287] {
        assert_eq!(judge(|part| part.truncate(length)), invalid(Code::ResponseLength));
    }
    assert_eq!(judge(|part| part.push(0)), invalid(Code::ResponseLength));
    assert_eq!(judge(|part| part.extend([0; 32])), invalid(Code::ResponseLength));
}

#[test]
fn other_part_counts_are_refused() {
    let trapdoor = Trapdoor::new(1, 3);
    let verifier = Groth16Bn254::new(Arc::new(keys(&[&trapdoor])));
    let statement = statement(trapdoor.id()).encode();
    let part = response(&trapdoor, &context(9), 77, 1);
    for parts in [vec![], vec![part.as_slice(), &[]]] {
        assert_eq!(
            verifier.verify(&context(9), &statement, &parts),
            invalid(Code::ResponsePartCount)
        );
    }
}

#[test]
fn coordinate_and_its_twin_above_the_modulus_are_not_both_taken() {
    for index in 0..8 {
        let raised = |part: &mut Vec<u8>| {
            let number = word(part, index) + BASE_MODULUS;
            set_word(part, index, number);
        };
        assert_eq!(judge(raised), invalid(Code::CoordinateOutOfRange), "word {index}");
        assert_eq!(
            judge(|part| set_word(part, index, BASE_MODULUS)),
            invalid(Code::CoordinateOutOfRange)
        );
    }
}

#[test]
fn reported_value_and_its_twin_above_the_order_are_not_both_taken() {
    let raised = |part: &mut Vec<u8>| set_word(part, 8, U256::from(77) + SCALAR_MODULUS);
    assert_eq!(judge(raised), invalid(Code::InputOutOfRange));
}

#[test]
fn points_off_the_curve_are_refused() {
    for index in 0..8 {
        let moved = |part: &mut Vec<u8>| {
            let number = (word(part, index) + U256::ONE) % BASE_MODULUS;
            set_word(part, index, number);
        };
        assert_eq!(judge(moved), invalid(Code::PointNotOnCurve), "word {index}");
    }
}

#[test]
fn swapped_halves_of_g2_are_refused() {
    let swapped = |part: &mut Vec<u8>| {
        let words = [3, 2, 5, 4].map(|index| word(part, index));
        for (index, number) in (2..).zip(words) {
            set_word(part, index, number);
        }
    };
    assert_eq!(judge(swapped), invalid(Code::PointNotOnCurve));
}

#[test]
fn g2_point_outside_the_subgroup_is_refused() {
    let outside = g2_bytes(&g2_outside_subgroup());
    let moved = |part: &mut Vec<u8>| part[64..192].copy_from_slice(&outside);
    assert_eq!(judge(moved), invalid(Code::PointNotInSubgroup));
}

#[test]
fn infinity_in_a_proof_is_refused() {
    for range in [0..64, 64..192, 192..256] {
        let zeroed = |part: &mut Vec<u8>| part[range].fill(0);
        assert_eq!(judge(zeroed), invalid(Code::PointAtInfinity));
    }
}

#[test]
fn every_bit_of_a_proof_matters() {
    for byte in (0..288).step_by(7) {
        let verdict = judge(|part| part[byte] ^= 1 << (byte % 8));
        assert_eq!(verdict.number(), 1, "byte {byte}");
    }
}

#[test]
fn unknown_key_is_inconclusive() {
    let trapdoor = Trapdoor::new(1, 3);
    let verifier = Groth16Bn254::new(Arc::new(BTreeMap::new()));
    assert_eq!(
        verifier.verify(&context(9), &statement(trapdoor.id()).encode(), &[&[]]),
        inconclusive(Code::KeyUnknown)
    );
}

#[test]
fn key_that_does_not_hash_to_its_id_is_inconclusive() {
    let trapdoor = Trapdoor::new(1, 3);
    let source = BTreeMap::from([(B256::ZERO, Bytes::from(trapdoor.key()))]);
    let verifier = Groth16Bn254::new(Arc::new(source));
    assert_eq!(
        verifier.verify(&context(9), &statement(B256::ZERO).encode(), &[&[]]),
        inconclusive(Code::KeyIdMismatch)
    );
}

#[test]
fn malformed_keys_are_inconclusive() {
    let key = Trapdoor::new(1, 3).key();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut key = key.clone();
        change(&mut key);
        judge_key(key)
    };
    for length in [0, 447, 448, 512 - 1] {
        assert_eq!(with(&|key| key.truncate(length)), inconclusive(Code::KeyLength));
    }
    assert_eq!(with(&|key| key.push(0)), inconclusive(Code::KeyLength));
    let too_many = |key: &mut Vec<u8>| {
        let last = key[key.len() - 64..].to_vec();
        key.extend(last.repeat(254));
    };
    assert_eq!(with(&too_many), inconclusive(Code::KeyTooLarge));
    for index in [0, 2, 6, 10, 14, 21] {
        let raised = |key: &mut Vec<u8>| {
            let number = word(key, index) + BASE_MODULUS;
            set_word(key, index, number);
        };
        assert_eq!(with(&raised), inconclusive(Code::KeyCoordinateOutOfRange));
        let moved = |key: &mut Vec<u8>| {
            let number = (word(key, index) + U256::ONE) % BASE_MODULUS;
            set_word(key, index, number);
        };
        assert_eq!(with(&moved), inconclusive(Code::KeyPointNotOnCurve));
    }
    let outside = g2_bytes(&g2_outside_subgroup());
    for start in [64, 192, 320] {
        assert_eq!(
            with(&|key| key[start..start + 128].copy_from_slice(&outside)),
            inconclusive(Code::KeyPointNotInSubgroup)
        );
    }
    for range in [0..64, 64..192, 192..320, 320..448] {
        assert_eq!(with(&|key| key[range.clone()].fill(0)), inconclusive(Code::KeyPointAtInfinity));
    }
}

#[test]
fn input_that_the_circuit_does_not_use_cannot_be_bound() {
    let unbound = Trapdoor::new(1, 3).without_input(0);
    let part = response(&unbound, &context(9), 77, 1);
    assert_eq!(judge_part(&unbound, &part), inconclusive(Code::StatementBoundUnused));
    let unfixed = Trapdoor::new(1, 3).without_input(1);
    let part = response(&unfixed, &context(9), 77, 1);
    assert_eq!(judge_part(&unfixed, &part).number(), 0);
}

#[test]
fn statement_of_another_input_count_is_inconclusive() {
    let trapdoor = Trapdoor::new(1, 3);
    let verifier = Groth16Bn254::new(Arc::new(keys(&[&trapdoor])));
    for count in [0, 2, 4] {
        let inputs = vec![Input::Bound; count];
        let statement = Statement { vk_id: trapdoor.id(), inputs }.encode();
        assert_eq!(
            verifier.verify(&context(9), &statement, &[&[]]),
            inconclusive(Code::StatementInputCount)
        );
    }
}

#[test]
fn statement_that_does_not_decode_is_inconclusive() {
    let verifier = Groth16Bn254::new(Arc::new(BTreeMap::new()));
    let mut longer = statement(B256::ZERO).encode();
    longer.push(0);
    let verdicts = [&[][..], &longer].map(|bytes| verifier.verify(&context(9), bytes, &[]));
    assert_eq!(verdicts[0], inconclusive(Code::StatementMalformed));
    assert_eq!(verdicts[1], inconclusive(Code::StatementNotCanonical));
}

/// Keys that can be taken away.
#[derive(Default)]
struct Changing(Mutex<BTreeMap<B256, Bytes>>);

impl KeySource for Changing {
    fn key(&self, id: &B256) -> Option<Bytes> {
        self.0.lock().unwrap().get(id).cloned()
    }
}

#[test]
fn cached_key_does_not_outlive_its_registration() {
    let trapdoor = Trapdoor::new(1, 3);
    let source = Arc::new(Changing(Mutex::new(keys(&[&trapdoor]))));
    let verifier = Groth16Bn254::new(source.clone());
    let part = response(&trapdoor, &context(9), 77, 1);
    let statement = statement(trapdoor.id()).encode();
    assert_eq!(verifier.verify(&context(9), &statement, &[&part]).number(), 0);
    source.0.lock().unwrap().clear();
    assert_eq!(verifier.verify(&context(9), &statement, &[&part]), inconclusive(Code::KeyUnknown));
}

#[test]
fn more_keys_than_the_cache_holds_are_judged_alike() {
    let trapdoors: Vec<_> =
        (0..PREPARED_KEYS_MAX as u64 + 3).map(|seed| Trapdoor::new(seed, 3)).collect();
    let verifier = Groth16Bn254::new(Arc::new(keys(&trapdoors.iter().collect::<Vec<_>>())));
    for _ in 0..2 {
        for trapdoor in &trapdoors {
            let part = response(trapdoor, &context(9), 77, 1);
            let statement = statement(trapdoor.id()).encode();
            assert_eq!(verifier.verify(&context(9), &statement, &[&part]).number(), 0);
        }
    }
}

#[test]
fn key_survives_the_round_trip() {
    let key = Trapdoor::new(1, 3).key();
    let decoded = VerifyingKey::from_canonical(&key).unwrap();
    assert_eq!(decoded.to_canonical(), key);
    assert_eq!(decoded.id(), keccak256(&key));
    assert_eq!(decoded.input_count(), 3);
}
