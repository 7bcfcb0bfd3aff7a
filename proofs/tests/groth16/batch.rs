//! A batch gives every item the verdict that it gets alone.

use std::sync::Arc;

use alloy_primitives::U256;
use ark_bn254::Fr;
use proofs::groth16_bn254::{Groth16Bn254, Proof, PublicInputs, VerifyingKey};
use proofs::{Code, Context, Item, Verdict, Verifier};
use proptest::prelude::*;

use crate::support::*;

/// One item with what it must get.
struct Case {
    context: Context,
    statement: Vec<u8>,
    parts: Vec<Vec<u8>>,
    expected: (u8, Option<Code>),
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    WrongInput,
    WrongProof,
    OffCurve,
    Short,
    NoPart,
    OtherKey,
    UnknownKey,
}

const FAULTS: [Fault; 8] = [
    Fault::None,
    Fault::WrongInput,
    Fault::WrongProof,
    Fault::OffCurve,
    Fault::Short,
    Fault::NoPart,
    Fault::OtherKey,
    Fault::UnknownKey,
];

fn case(keys: &[Trapdoor; 2], which: usize, fault: Fault, seed: u64) -> Case {
    let (own, other) = (&keys[which], &keys[1 - which]);
    let context = context(seed as u8);
    let mut part = response(own, &context, 77, seed);
    let mut vk_id = own.id();
    let mut part_count = 1;
    let expected = match fault {
        Fault::None => (0, None),
        Fault::WrongInput => {
            part[287] ^= 1;
            (1, Some(Code::ProofRejected))
        }
        Fault::WrongProof => {
            let inputs = [bound(&context), U256::from(5), U256::from(77)];
            part[..256].copy_from_slice(&own.prove_off(&inputs, seed, Fr::from(seed + 1)));
            (1, Some(Code::ProofRejected))
        }
        Fault::OffCurve => {
            part[63] ^= 1;
            (1, Some(Code::PointNotOnCurve))
        }
        Fault::Short => {
            part.pop();
            (1, Some(Code::ResponseLength))
        }
        Fault::NoPart => {
            part_count = 0;
            (1, Some(Code::ResponsePartCount))
        }
        Fault::OtherKey => {
            vk_id = other.id();
            (1, Some(Code::ProofRejected))
        }
        Fault::UnknownKey => {
            vk_id.0[0] ^= 1;
            (3, Some(Code::KeyUnknown))
        }
    };
    let parts = std::iter::repeat_n(part, part_count).collect();
    Case { context, statement: statement(vk_id).encode(), parts, expected }
}

fn check(verifier: &Groth16Bn254, cases: &[Case]) {
    let parts: Vec<Vec<&[u8]>> =
        cases.iter().map(|case| case.parts.iter().map(Vec::as_slice).collect()).collect();
    let items: Vec<_> = cases
        .iter()
        .zip(&parts)
        .map(|(case, parts)| Item {
            context: &case.context,
            statement: &case.statement,
            response: parts,
        })
        .collect();
    let batch = verifier.verify_batch(&items);
    let single: Vec<_> = items
        .iter()
        .map(|item| verifier.verify(item.context, item.statement, item.response))
        .collect();
    assert_eq!(batch, single);
    let seen: Vec<_> = batch.iter().map(|verdict| (verdict.number(), verdict.code())).collect();
    let expected: Vec<_> = cases.iter().map(|case| case.expected).collect();
    assert_eq!(seen, expected);
}

fn two_keys() -> [Trapdoor; 2] {
    [Trapdoor::new(1, 3), Trapdoor::new(2, 3)]
}

fn verifier(keys_of: &[Trapdoor; 2]) -> Groth16Bn254 {
    Groth16Bn254::new(Arc::new(keys(&[&keys_of[0], &keys_of[1]])))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn batch_is_one_by_one(
        mix in proptest::collection::vec((0usize..2, prop_oneof![2 => Just(0usize), 1 => 0usize..8]), 0..20)
    ) {
        let keys = two_keys();
        let cases: Vec<_> = (0u64..)
            .zip(&mix)
            .map(|(seed, (which, fault))| case(&keys, *which, FAULTS[*fault], seed))
            .collect();
        check(&verifier(&keys), &cases);
    }
}

#[test]
fn each_position_of_a_bad_item_is_named() {
    let keys = two_keys();
    let verifier = verifier(&keys);
    for bad in 0..5 {
        let fault = |index| if index == bad { Fault::WrongProof } else { Fault::None };
        let cases: Vec<_> = (0..5).map(|index| case(&keys, 0, fault(index), index)).collect();
        check(&verifier, &cases);
    }
}

#[test]
fn bad_items_of_long_batches_are_named() {
    let keys = two_keys();
    let verifier = verifier(&keys);
    for (count, bad) in [(32, vec![31]), (33, vec![0, 15, 16, 32]), (57, vec![17, 18, 47, 56])] {
        let fault = |index| if bad.contains(&index) { Fault::WrongProof } else { Fault::None };
        let cases: Vec<_> = (0..count).map(|index| case(&keys, 0, fault(index), index)).collect();
        check(&verifier, &cases);
    }
}

#[test]
fn items_with_another_number_of_inputs_are_bad() {
    let trapdoor = Trapdoor::new(1, 3);
    let key = VerifyingKey::from_canonical(&trapdoor.key()).unwrap().prepare();
    let numbers = [1, 2, 3].map(U256::from);
    let proofs: Vec<_> = (0..4)
        .map(|seed| trapdoor.prove(&numbers, seed).try_into().unwrap())
        .map(|bytes| Proof::from_canonical(&bytes).unwrap())
        .collect();
    let inputs = [&numbers[..], &numbers[..2], &[numbers[0]; 3], &numbers[..]]
        .map(|numbers| PublicInputs::new(numbers).unwrap());
    let items: Vec<_> = proofs.iter().zip(&inputs).collect();
    assert_eq!(key.bad_items(&items), [1, 2]);
    assert!(key.bad_items(&[]).is_empty());
}

#[test]
fn all_bad_and_all_good_batches_are_judged() {
    let keys = two_keys();
    let verifier = verifier(&keys);
    for fault in [Fault::None, Fault::WrongInput] {
        let cases: Vec<_> = (0..9).map(|index| case(&keys, 1, fault, index)).collect();
        check(&verifier, &cases);
    }
    check(&verifier, &[]);
}

#[test]
fn errors_that_cancel_are_both_named() {
    let keys = two_keys();
    let verifier = verifier(&keys);
    let context = context(9);
    let inputs = [bound(&context), U256::from(5), U256::from(77)];
    let offset = scalar(&[7]);
    let cases: Vec<_> = [offset, -offset]
        .into_iter()
        .zip(0..)
        .map(|(offset, seed)| {
            let mut part = keys[0].prove_off(&inputs, seed, offset);
            part.extend(inputs[2].to_be_bytes::<32>());
            Case {
                context,
                statement: statement(keys[0].id()).encode(),
                parts: vec![part],
                expected: (1, Some(Code::ProofRejected)),
            }
        })
        .collect();
    check(&verifier, &cases);
}

#[test]
fn same_item_twice_is_judged_twice() {
    let keys = two_keys();
    let cases = [Fault::None, Fault::WrongProof, Fault::None, Fault::WrongProof]
        .map(|fault| case(&keys, 0, fault, 4));
    check(&verifier(&keys), &cases);
}

#[test]
fn verdicts_of_a_batch_carry_their_own_reported_values() {
    let keys = two_keys();
    let contexts = [context(1), context(2)];
    let statement = statement(keys[0].id()).encode();
    let parts: Vec<_> = (contexts.iter().zip(0..))
        .map(|(context, seed)| response(&keys[0], context, 100 + seed, seed))
        .collect();
    let responses: Vec<[&[u8]; 1]> = parts.iter().map(|part| [part.as_slice()]).collect();
    let items: Vec<_> = contexts
        .iter()
        .zip(&responses)
        .map(|(context, response)| Item { context, statement: &statement, response })
        .collect();
    let expected = [100, 101].map(|number| Verdict::Valid {
        value: 1,
        reported: vec![U256::from(number).to_be_bytes::<32>()],
    });
    assert_eq!(verifier(&keys).verify_batch(&items), expected);
}
