use proofs::formats::gnark::{self, Encoding};
use proofs::formats::snarkjs;
use serde_json::Value;

use crate::support::*;

#[test]
fn every_fixture_is_valid() {
    let folders = fixtures();
    assert_eq!(folders.len(), 8);
    for folder in folders {
        let answer = Case::of(&folder).verify();
        assert_eq!((answer.exit, answer.stdout.as_str()), (0, "valid\n"), "{folder:?} {answer:?}");
        assert_eq!(answer.stderr, "");
    }
}

#[test]
fn every_fixture_is_rejected_with_another_input() {
    for folder in fixtures() {
        let changed = |public: &mut Value| {
            let last = public.as_array_mut().unwrap().last_mut().unwrap();
            *last = if last == "1" { "2".into() } else { "1".into() };
        };
        Case::of(&folder).change(PUBLIC, changed).verify().assert_refused("PROOF_REJECTED");
    }
}

#[test]
fn every_fixture_is_rejected_under_another_key() {
    let one_input = ["taceo-multiplier2-1pub", "taceo-poseidon-1pub", "garaga-snarkjs-1pub"];
    for (index, name) in one_input.iter().enumerate() {
        let case = Case::of(&fixture(&format!("groth16/{name}")));
        let other = one_input[(index + 1) % one_input.len()];
        let key = fixture(&format!("groth16/{other}/{KEY}"));
        case.write(KEY, std::fs::read(key).unwrap());
        case.verify().assert_refused("PROOF_REJECTED");
    }
}

#[test]
fn gnark_files_are_told_apart_one_by_one() {
    let folder = fixture("gnark/sp1-v4");
    let key = folder.join("groth16_vk.bin");
    let case = Case::of(&folder);
    assert_eq!(verify(&key, &case.path(PROOF), &case.path(PUBLIC), &[]).exit, 0);

    let proof = snarkjs::read_proof(&case.read(PROOF)).unwrap();
    let inputs = snarkjs::read_public(&case.read(PUBLIC)).unwrap();
    case.write("public.witness", gnark::write_public(&inputs));
    for encoding in [Encoding::Raw, Encoding::Compressed] {
        case.write("proof.bin", gnark::write_proof(&proof, encoding));
        let (proof, public) = (case.path("proof.bin"), case.path("public.witness"));
        for more in [&[][..], &["--format", "gnark"]] {
            let answer = verify(&key, &proof, &public, more);
            assert_eq!((answer.exit, answer.stdout.as_str()), (0, "valid\n"), "{answer:?}");
        }
        verify(&key, &proof, &public, &["--format", "snarkjs"])
            .assert_unusable("FILE_MALFORMED", "read as snarkjs");
    }
}

#[test]
fn other_spellings_of_the_curve_are_valid() {
    for name in ["bn128", "bn254", "BN254", "altbn128", "alt_bn128"] {
        let case = Case::new()
            .change(KEY, |key| key["curve"] = name.into())
            .change(PROOF, |proof| proof["curve"] = name.into());
        assert_eq!(case.verify().exit, 0, "{name}");
    }
}

#[test]
fn fields_that_nothing_reads_may_be_absent() {
    let without = |file: &mut Value, names: &[&str]| {
        for name in names {
            file.as_object_mut().unwrap().remove(*name);
        }
    };
    let case = Case::new()
        .change(KEY, |key| without(key, &["vk_alphabeta_12"]))
        .change(PROOF, |proof| without(proof, &["curve", "protocol"]));
    assert_eq!(case.verify().exit, 0);
}
