//! A proof that `demo/prove.mjs` made answers the statement, and only its own challenge.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use circuits::demo;
use proofs::formats::snarkjs;
use proofs::groth16_bn254::{Groth16Bn254, bound_input, response_bytes};
use proofs::{Code, Context, Verdict, Verifier};

/// Made from `fixtures/challenge.json`.
const PROVED: &str = include_str!("fixtures/proved.json");
const CHALLENGE: &str = include_str!("fixtures/challenge.json");

fn context() -> Context {
    Context {
        chain_id: 31337,
        hub: Address::repeat_byte(0x11),
        job_id: B256::repeat_byte(0x22),
        provider: Address::repeat_byte(0x33),
        seed: B256::repeat_byte(0x44),
        ledger_time_ms: 1_767_225_600_000,
    }
}

/// The verifier, the statement, and the response that the committed proof gives.
fn case() -> (Groth16Bn254, Vec<u8>, Vec<u8>) {
    let key = demo::verifying_key().unwrap();
    let statement = demo::statement(key.id(), U256::from(5));
    let (proof, inputs) = snarkjs::read_proved(PROVED.as_bytes()).unwrap();
    let response = response_bytes(&statement, &proof, &inputs).unwrap();
    let keys = BTreeMap::from([(key.id(), Bytes::from(key.to_canonical()))]);
    (Groth16Bn254::new(Arc::new(keys)), statement.encode(), response)
}

#[test]
fn challenge_fixture_is_the_context_s() {
    let Context { chain_id, hub, job_id, seed, .. } = context();
    let bound = bound_input(chain_id, &hub, &job_id, &seed).to_string();
    let (_, statement, _) = case();
    for text in [bound, Bytes::from(statement).to_string()] {
        assert!(CHALLENGE.contains(&text), "the challenge should hold {text}");
    }
}

#[test]
fn proof_for_the_challenge_is_valid_and_reports_the_result() {
    let (verifier, statement, response) = case();
    let (_, inputs) = snarkjs::read_proved(PROVED.as_bytes()).unwrap();
    let result = inputs.numbers()[2].to_be_bytes::<32>();
    assert_eq!(
        verifier.verify(&context(), &statement, &[&response]),
        Verdict::Valid { value: 1, reported: vec![result] }
    );
}

#[test]
fn proof_for_another_challenge_is_rejected() {
    let (verifier, statement, response) = case();
    let other = [
        Context { chain_id: 1, ..context() },
        Context { hub: Address::ZERO, ..context() },
        Context { job_id: B256::ZERO, ..context() },
        Context { seed: B256::ZERO, ..context() },
    ];
    for context in other {
        assert_eq!(
            verifier.verify(&context, &statement, &[&response]),
            Verdict::Invalid { code: Code::ProofRejected }
        );
    }
}

#[test]
fn another_result_or_parameter_is_rejected() {
    let (verifier, statement, mut response) = case();
    let key = demo::verifying_key().unwrap();
    let other = demo::statement(key.id(), U256::from(6)).encode();
    let rejected = Verdict::Invalid { code: Code::ProofRejected };
    assert_eq!(verifier.verify(&context(), &other, &[&response]), rejected);
    *response.last_mut().unwrap() ^= 1;
    assert_eq!(verifier.verify(&context(), &statement, &[&response]), rejected);
}
