use proofs::{
    Code,
    formats::{
        Format,
        gnark::{self, Encoding},
        snarkjs::{
            read_key, read_proof, read_proved, read_public, write_key, write_proof, write_proved,
            write_public,
        },
    },
    groth16_bn254::{PUBLIC_INPUTS_MAX, Proof, PublicInputs, VerifyingKey},
};

use crate::seed::{Seed, formed};

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    match form % 4 {
        0 => {
            let Ok(key) = read_key(bytes) else { return };
            assert_eq!(read_key(write_key(&key).as_bytes()).as_ref(), Ok(&key));
            check_key(&key);
        }
        1 => {
            let Ok(proof) = read_proof(bytes) else { return };
            assert_eq!(read_proof(write_proof(&proof).as_bytes()).as_ref(), Ok(&proof));
            check_proof(&proof);
        }
        2 => {
            let Ok(inputs) = read_public(bytes) else { return };
            assert_eq!(read_public(write_public(&inputs).as_bytes()).as_ref(), Ok(&inputs));
            check_inputs(&inputs);
        }
        _ => {
            let Ok((proof, inputs)) = read_proved(bytes) else { return };
            let text = write_proved(&proof, &inputs);
            assert_eq!(read_proved(text.as_bytes()), Ok((proof, inputs)));
        }
    }
    // What is read as JSON looks like it.
    assert_eq!(Format::detect(bytes), Format::Snarkjs);
}

/// A key that was read has one canonical form, unless it is too large to be registered.
pub(super) fn check_key(key: &VerifyingKey) {
    let again = VerifyingKey::from_canonical(&key.to_canonical());
    if key.input_count() > PUBLIC_INPUTS_MAX {
        assert_eq!(again, Err(Code::KeyTooLarge));
    } else {
        assert_eq!(again.as_ref(), Ok(key));
    }
}

/// A proof that was read has one canonical form, and both of gnark's.
pub(super) fn check_proof(proof: &Proof) {
    assert_eq!(Proof::from_canonical(&proof.to_canonical()).as_ref(), Ok(proof));
    for encoding in [Encoding::Raw, Encoding::Compressed] {
        assert_eq!(gnark::read_proof(&gnark::write_proof(proof, encoding)).as_ref(), Ok(proof));
    }
}

/// Inputs that were read are their numbers, and gnark's file of them.
pub(super) fn check_inputs(inputs: &PublicInputs) {
    assert_eq!(PublicInputs::new(&inputs.numbers()).as_ref(), Ok(inputs));
    assert_eq!(gnark::read_public(&gnark::write_public(inputs)).as_ref(), Ok(inputs));
}

pub(super) const KEY: &str = include_str!(
    "../../../proofs/tests/fixtures/groth16/garaga-generic-bn254/verification_key.json"
);
pub(super) const PROOF: &str =
    include_str!("../../../proofs/tests/fixtures/groth16/garaga-generic-bn254/proof.json");
pub(super) const PUBLIC: &str =
    include_str!("../../../proofs/tests/fixtures/groth16/garaga-generic-bn254/public.json");

pub(super) fn seeds() -> Vec<Seed> {
    let proved = format!("{{\"proof\":{PROOF},\"publicSignals\":{PUBLIC}}}");
    vec![
        formed("key", 0, KEY),
        formed("proof", 1, PROOF),
        formed("public", 2, PUBLIC),
        formed("public-largest", 2, format!("[\"{}\"]", super::groth16::LARGEST)),
        formed("proved", 3, proved),
    ]
}
