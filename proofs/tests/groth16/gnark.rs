//! gnark's binary files, in and out.

use alloy_primitives::{U256, hex};
use ark_bn254::{Fr, G1Affine, G2Affine};
use proofs::Code;
use proofs::formats::gnark::{self, Encoding};
use proofs::formats::{FormatError, snarkjs};
use proofs::groth16_bn254::{BASE_MODULUS, Proof, PublicInputs, SCALAR_MODULUS, VerifyingKey};

use crate::support::*;

fn code<T: std::fmt::Debug>(result: Result<T, FormatError>) -> Code {
    match result {
        Err(FormatError::Refused { code, .. }) => code,
        other => panic!("not refused: {other:?}"),
    }
}

fn is_unreadable<T>(result: Result<T, FormatError>) -> bool {
    matches!(result, Err(FormatError::Unreadable { .. }))
}

/// The key of a trapdoor as gnark's `WriteRawTo` lays it out.
fn raw_key(trapdoor: &Trapdoor, points: &[Vec<u8>; 2]) -> Vec<u8> {
    let canonical = trapdoor.key();
    let (head, ic) = canonical.split_at(448);
    let [beta1, delta1] = points;
    let count = u32::try_from(ic.len() / 64).unwrap().to_be_bytes();
    [&head[..64], beta1, &head[64..320], delta1, &head[320..], &count, ic, &[0; 8]].concat()
}

fn g1_points() -> [Vec<u8>; 2] {
    [11, 12].map(|exponent| g1_bytes(&g1(Fr::from(exponent))))
}

/// A proof, its inputs, and its raw file.
fn raw_proof() -> (Proof, PublicInputs, Vec<u8>) {
    let trapdoor = Trapdoor::new(3, 2);
    let numbers = [U256::from(8), U256::from(9)];
    let bytes = trapdoor.prove(&numbers, 1);
    let proof = Proof::from_canonical(bytes.as_slice().try_into().unwrap()).unwrap();
    let file = gnark::write_proof(&proof, Encoding::Raw);
    assert_eq!(file, [bytes, vec![0; 68]].concat());
    (proof, PublicInputs::new(&numbers).unwrap(), file)
}

#[test]
fn key_that_gnark_wrote_is_the_one_known_in_snarkjs_form() {
    let folder = fixture("gnark/sp1-v4");
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let key = gnark::read_key(&file("groth16_vk.bin")).unwrap();
    assert_eq!(snarkjs::read_key(&file("verification_key.json")), Ok(key.clone()));
    let proof = snarkjs::read_proof(&file("proof.json")).unwrap();
    let inputs = snarkjs::read_public(&file("public.json")).unwrap();
    assert_eq!(key.verify(&proof, &inputs), Ok(()));
}

#[test]
fn raw_key_is_read() {
    let trapdoor = Trapdoor::new(3, 2);
    assert_eq!(
        gnark::read_key(&raw_key(&trapdoor, &g1_points())),
        Ok(VerifyingKey::from_canonical(&trapdoor.key()).unwrap())
    );
}

#[test]
fn proofs_survive_the_round_trip() {
    // Many, so that both signs of y come up in both groups.
    for seed in 0..16 {
        let bytes = Trapdoor::new(3, 1).prove(&[U256::from(8)], seed);
        let proof = Proof::from_canonical(bytes.as_slice().try_into().unwrap()).unwrap();
        for (encoding, length) in [(Encoding::Raw, 324), (Encoding::Compressed, 164)] {
            let file = gnark::write_proof(&proof, encoding);
            assert_eq!(file.len(), length);
            assert_eq!(gnark::read_proof(&file), Ok(proof.clone()));
        }
    }
}

#[test]
fn witness_is_the_one_of_gnark_s_documentation() {
    let public = PublicInputs::new(&[U256::from(35)]).unwrap();
    let file = hex!(
        "000000010000000000000001"
        "0000000000000000000000000000000000000000000000000000000000000023"
    );
    assert_eq!(gnark::write_public(&public), file);
    assert_eq!(gnark::read_public(&file), Ok(public));
    let with_secrets = hex!(
        "000000010000000200000003"
        "0000000000000000000000000000000000000000000000000000000000000023"
        "0000000000000000000000000000000000000000000000000000000000000003"
        "0000000000000000000000000000000000000000000000000000000000000002"
    );
    let error = gnark::read_public(&with_secrets).unwrap_err().to_string();
    assert!(error.contains("witness.Public()"), "{error}");
}

#[test]
fn every_truncation_and_extension_is_unreadable() {
    let trapdoor = Trapdoor::new(3, 2);
    let key = raw_key(&trapdoor, &g1_points());
    let (proof, inputs, raw) = raw_proof();
    let witness = gnark::write_public(&inputs);
    let compressed = gnark::write_proof(&proof, Encoding::Compressed);
    for length in 0..key.len() {
        assert!(is_unreadable(gnark::read_key(&key[..length])), "{length}");
    }
    for file in [&raw, &compressed] {
        for length in 0..file.len() {
            assert!(is_unreadable(gnark::read_proof(&file[..length])), "{length}");
        }
    }
    for length in 0..witness.len() {
        assert!(is_unreadable(gnark::read_public(&witness[..length])), "{length}");
    }
    let longer = |file: &[u8]| [file, &[0]].concat();
    assert!(is_unreadable(gnark::read_key(&longer(&key))));
    assert!(is_unreadable(gnark::read_proof(&longer(&raw))));
    assert!(is_unreadable(gnark::read_proof(&longer(&compressed))));
    assert!(is_unreadable(gnark::read_public(&longer(&witness))));
}

#[test]
fn commitments_are_refused_by_name() {
    let (_, _, file) = raw_proof();
    let mut one = file.clone();
    one[259] = 1;
    assert_eq!(code(gnark::read_proof(&one)), Code::CommitmentsUnsupported);
    let mut knowledge = file;
    knowledge[260..].copy_from_slice(&g1_bytes(&g1(Fr::from(2))));
    assert_eq!(code(gnark::read_proof(&knowledge)), Code::CommitmentsUnsupported);
    let key = raw_key(&Trapdoor::new(3, 2), &g1_points());
    for byte in [key.len() - 5, key.len() - 1] {
        let mut key = key.clone();
        key[byte] = 1;
        assert_eq!(code(gnark::read_key(&key)), Code::CommitmentsUnsupported);
    }
}

#[test]
fn numbers_and_points_are_checked() {
    let (_, _, file) = raw_proof();
    let with = |start: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[start..start + bytes.len()].copy_from_slice(bytes);
        gnark::read_proof(&file)
    };
    let modulus = BASE_MODULUS.to_be_bytes::<32>();
    assert_eq!(code(with(32, &modulus)), Code::CoordinateOutOfRange);
    assert_eq!(code(with(64, &modulus)), Code::CoordinateOutOfRange);
    assert_eq!(code(with(63, &[file[63] ^ 1])), Code::PointNotOnCurve);
    let outside = g2_bytes(&g2_outside_subgroup());
    assert_eq!(code(with(64, &outside)), Code::PointNotInSubgroup);
    assert_eq!(code(with(0, &[0; 64])), Code::PointAtInfinity);
    let halves = [&file[96..128], &file[64..96], &file[160..192], &file[128..160]].concat();
    assert_eq!(code(with(64, &halves)), Code::PointNotOnCurve);

    let inputs = PublicInputs::new(&[U256::ZERO]).unwrap();
    let mut witness = gnark::write_public(&inputs);
    witness[12..].copy_from_slice(&SCALAR_MODULUS.to_be_bytes::<32>());
    assert_eq!(code(gnark::read_public(&witness)), Code::InputOutOfRange);
}

#[test]
fn compressed_points_are_checked() {
    let (proof, _, _) = raw_proof();
    let file = gnark::write_proof(&proof, Encoding::Compressed);
    let with = |start: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[start..start + bytes.len()].copy_from_slice(bytes);
        gnark::read_proof(&file)
    };
    let flagged = |mut bytes: Vec<u8>| {
        bytes[0] |= 0x80;
        bytes
    };
    let modulus = flagged(BASE_MODULUS.to_be_bytes::<32>().to_vec());
    assert_eq!(code(with(0, &modulus)), Code::CoordinateOutOfRange);
    assert_eq!(code(with(32, &modulus)), Code::CoordinateOutOfRange);
    let no_point = (4u64..)
        .find(|x| G1Affine::get_ys_from_x_unchecked((*x).into()).is_none())
        .map(|x| flagged(U256::from(x).to_be_bytes::<32>().to_vec()))
        .unwrap();
    assert_eq!(code(with(0, &no_point)), Code::PointNotOnCurve);
    let outside: G2Affine = g2_outside_subgroup();
    let outside = flagged(g2_bytes(&outside)[..64].to_vec());
    assert_eq!(code(with(32, &outside)), Code::PointNotInSubgroup);
    assert_eq!(code(with(96, &[&[0x40][..], &[0; 31]].concat())), Code::PointAtInfinity);
    assert!(is_unreadable(with(96, &[0x41])));
    assert!(is_unreadable(with(96, &[0x01])));
    // The other y is a point too, and another proof.
    assert_ne!(with(0, &[file[0] ^ 0x40]), Ok(proof));
}

#[test]
fn keys_and_their_unused_points_are_checked() {
    let trapdoor = Trapdoor::new(3, 2);
    let [beta1, delta1] = g1_points();
    let mut off_curve = delta1.clone();
    off_curve[63] ^= 1;
    let key = raw_key(&trapdoor, &[beta1.clone(), off_curve]);
    assert_eq!(code(gnark::read_key(&key)), Code::KeyPointNotOnCurve);
    let key = raw_key(&trapdoor, &[beta1, vec![0; 64]]);
    assert_eq!(code(gnark::read_key(&key)), Code::KeyPointAtInfinity);
    let mut key = raw_key(&trapdoor, &g1_points());
    key[128..256].copy_from_slice(&g2_bytes(&g2_outside_subgroup()));
    assert_eq!(code(gnark::read_key(&key)), Code::KeyPointNotInSubgroup);
}

#[test]
fn counts_beyond_the_file_are_unreadable() {
    let mut key = raw_key(&Trapdoor::new(3, 2), &g1_points());
    key[576..580].fill(0xff);
    assert!(is_unreadable(gnark::read_key(&key)));
    let mut witness = gnark::write_public(&PublicInputs::new(&[U256::ZERO]).unwrap());
    witness[8..12].fill(0xff);
    assert!(is_unreadable(gnark::read_public(&witness)));
    let mut witness = gnark::write_public(&PublicInputs::new(&[U256::ZERO]).unwrap());
    witness[3] = 2;
    assert!(is_unreadable(gnark::read_public(&witness)));
}
