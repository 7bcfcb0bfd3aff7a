//! snarkjs JSON, in and out; that it refuses what it must is shown by `cli/tests`.

use proofs::Code;
use proofs::formats::{Format, FormatError, snarkjs};
use proofs::groth16_bn254::{Proof, PublicInputs, VerifyingKey};

use crate::support::*;

#[test]
fn fixtures_are_valid_and_survive_the_round_trip() {
    let folders = fixture_folders("groth16");
    assert_eq!(folders.len(), 8);
    for folder in folders {
        let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let key = snarkjs::read_key(&file("verification_key.json")).unwrap();
        let proof = snarkjs::read_proof(&file("proof.json")).unwrap();
        let inputs = snarkjs::read_public(&file("public.json")).unwrap();
        assert_eq!(key.verify(&proof, &inputs), Ok(()), "{folder:?}");

        assert_eq!(snarkjs::read_key(snarkjs::write_key(&key).as_bytes()), Ok(key.clone()));
        assert_eq!(VerifyingKey::from_canonical(&key.to_canonical()), Ok(key));
        let proved = snarkjs::write_proved(&proof, &inputs);
        assert_eq!(snarkjs::read_proved(proved.as_bytes()), Ok((proof.clone(), inputs.clone())));
        assert_eq!(snarkjs::read_proof(snarkjs::write_proof(&proof).as_bytes()), Ok(proof.clone()));
        assert_eq!(snarkjs::read_public(snarkjs::write_public(&inputs).as_bytes()), Ok(inputs));
        assert_eq!(Proof::from_canonical(&proof.to_canonical()), Ok(proof));
    }
}

#[test]
fn written_files_are_what_snarkjs_writes() {
    let folder = fixture("groth16/taceo-multiplier2-1pub");
    let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
    let key_file = std::fs::read(folder.join("verification_key.json")).unwrap();
    let mut expected = value(&key_file);
    expected.as_object_mut().unwrap().remove("vk_alphabeta_12");
    let key = snarkjs::read_key(&key_file).unwrap();
    assert_eq!(value(snarkjs::write_key(&key).as_bytes()), expected);
    let proof_file = std::fs::read(folder.join("proof.json")).unwrap();
    let proof = snarkjs::read_proof(&proof_file).unwrap();
    assert_eq!(value(snarkjs::write_proof(&proof).as_bytes()), value(&proof_file));
}

#[test]
fn infinity_is_read_as_such_and_refused_by_what_may_not_hold_it() {
    let trapdoor = Trapdoor::new(5, 2).without_input(1);
    let key = VerifyingKey::from_canonical(&trapdoor.key()).unwrap();
    let text = snarkjs::write_key(&key);
    assert_eq!(snarkjs::read_key(text.as_bytes()), Ok(key));
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    file["vk_alpha_1"] = serde_json::json!(["0", "1", "0"]);
    let refused = snarkjs::read_key(file.to_string().as_bytes());
    assert!(
        matches!(refused, Err(FormatError::Refused { code: Code::KeyPointAtInfinity, .. })),
        "{refused:?}"
    );
}

#[test]
fn text_is_taken_for_snarkjs_and_other_bytes_for_gnark() {
    assert_eq!(Format::detect(b"  {\"pi_a\": 1}\n"), Format::Snarkjs);
    assert_eq!(Format::detect(b"not a proof"), Format::Snarkjs);
    assert_eq!(Format::detect(&[0; 12]), Format::Gnark);
    assert_eq!(Format::detect(&[0xe1, 0xc7]), Format::Gnark);
}

#[test]
fn no_inputs_are_an_empty_array() {
    assert_eq!(snarkjs::read_public(b"[]"), Ok(PublicInputs::default()));
}
