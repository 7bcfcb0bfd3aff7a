use proofs::formats::{
    gnark::{self, Encoding, read_key, read_proof, read_public},
    snarkjs,
};

use super::snarkjs::{PROOF, PUBLIC, check_inputs, check_key, check_proof};
use crate::seed::{Seed, formed};

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    match form % 3 {
        0 => {
            let Ok(key) = read_key(bytes) else { return };
            check_key(&key);
            assert_eq!(snarkjs::read_key(snarkjs::write_key(&key).as_bytes()), Ok(key));
        }
        1 => {
            let Ok(proof) = read_proof(bytes) else { return };
            // One spelling in each of gnark's two forms.
            let written =
                [Encoding::Raw, Encoding::Compressed].map(|form| gnark::write_proof(&proof, form));
            assert!(written.iter().any(|again| again == bytes), "a second spelling was read");
            check_proof(&proof);
        }
        _ => {
            let Ok(inputs) = read_public(bytes) else { return };
            assert_eq!(gnark::write_public(&inputs), bytes, "a second spelling was read");
            check_inputs(&inputs);
        }
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let key = include_bytes!("../../../proofs/tests/fixtures/gnark/sp1-v4/groth16_vk.bin");
    let proof = snarkjs::read_proof(PROOF.as_bytes()).expect("a valid proof");
    let inputs = snarkjs::read_public(PUBLIC.as_bytes()).expect("valid inputs");
    vec![
        formed("key-compressed", 0, key),
        formed("proof-raw", 1, gnark::write_proof(&proof, Encoding::Raw)),
        formed("proof-compressed", 1, gnark::write_proof(&proof, Encoding::Compressed)),
        formed("public", 2, gnark::write_public(&inputs)),
    ]
}
