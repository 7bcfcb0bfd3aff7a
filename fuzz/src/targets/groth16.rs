use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use alloy_primitives::{Address, B256, Bytes};
use proofs::{
    Context, Item, Verdict, Verifier,
    formats::snarkjs,
    groth16_bn254::{Groth16Bn254, Input, Statement, VerifyingKey, response_bytes},
};

use super::snarkjs::{KEY, PROOF, PUBLIC};
use crate::seed::{Seed, formed};

/// The largest public input, in decimal.
pub(super) const LARGEST: &str =
    "21888242871839275222246405745257275088548364400416034343698204186575808495616";

const CONTEXT: Context = Context {
    chain_id: 31337,
    hub: Address::repeat_byte(0xAB),
    job_id: B256::repeat_byte(1),
    provider: Address::repeat_byte(2),
    seed: B256::repeat_byte(3),
    ledger_time_ms: 1_700_000_000_000,
};

/// A valid proof, and the verifier that knows its key.
struct Proven {
    verifier: Groth16Bn254,
    key: Vec<u8>,
    statement: Vec<u8>,
    response: Vec<u8>,
}

fn proven() -> &'static Proven {
    static PROVEN: OnceLock<Proven> = OnceLock::new();
    PROVEN.get_or_init(|| {
        let key = snarkjs::read_key(KEY.as_bytes()).expect("a valid key");
        let proof = snarkjs::read_proof(PROOF.as_bytes()).expect("a valid proof");
        let inputs = snarkjs::read_public(PUBLIC.as_bytes()).expect("valid inputs");
        let (last, fixed) = inputs
            .numbers()
            .split_last()
            .map_or_else(|| (None, Vec::new()), |(last, fixed)| (Some(*last), fixed.to_vec()));
        let mut of_statement: Vec<Input> = fixed.into_iter().map(Input::Fixed).collect();
        of_statement.extend(last.map(|_| Input::Reported));
        let statement = Statement { vk_id: key.id(), inputs: of_statement };
        let response = response_bytes(&statement, &proof, &inputs).expect("they fit");
        let canonical = key.to_canonical();
        let keys = BTreeMap::from([(key.id(), Bytes::from(canonical.clone()))]);
        Proven {
            verifier: Groth16Bn254::new(Arc::new(keys)),
            key: canonical,
            statement: statement.encode(),
            response,
        }
    })
}

pub(super) fn run(input: &[u8]) {
    let proven = proven();
    let Some((form, bytes)) = input.split_first() else { return };
    match form % 4 {
        0 => {
            let Ok(statement) = Statement::decode(bytes) else { return };
            assert_eq!(statement.encode(), bytes, "a second spelling was read");
            assert_eq!(proven.verifier.keys_needed(bytes), [statement.vk_id]);
        }
        1 => {
            let Ok(key) = VerifyingKey::from_canonical(bytes) else { return };
            assert_eq!(key.to_canonical(), bytes, "a second spelling was read");
        }
        2 => judge(proven, &proven.statement, bytes),
        _ => judge(proven, bytes, &proven.response),
    }
}

/// Alone or in a batch with a valid one, the verdict is the same, and only the valid one is valid.
fn judge(proven: &Proven, statement: &[u8], response: &[u8]) {
    let parts = [response];
    let alone = proven.verifier.verify(&CONTEXT, statement, &parts);
    let genuine = [proven.response.as_slice()];
    let items = [
        Item { context: &CONTEXT, statement, response: &parts },
        Item { context: &CONTEXT, statement: &proven.statement, response: &genuine },
    ];
    let together = proven.verifier.verify_batch(&items);
    assert_eq!(together.first(), Some(&alone));
    assert!(matches!(together.get(1), Some(Verdict::Valid { .. })), "{together:?}");
    if matches!(alone, Verdict::Valid { .. }) {
        // Groth16 proofs can be made anew from one another, but not by the mutations of a fuzzer.
        assert_eq!((statement, response), (&*proven.statement, &*proven.response));
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let proven = proven();
    vec![
        formed("statement", 0, &proven.statement),
        formed("key", 1, &proven.key),
        formed("response", 2, &proven.response),
        formed("statement-judged", 3, &proven.statement),
    ]
}
