//! Byte codecs: one canonical encoding each, and no panic on any input.

use proptest::{prelude::*, test_runner::FileFailurePersistence};
use threshold::{
    GroupPublicKey, PartialSignature, PointError, Share, Sharing, SharingError, Signature, quorum,
    sign_partial, trusted,
};

#[test]
fn sharing_round_trip_every_size() {
    for n in [4_u16, 5, 6, 7, 31, 128] {
        let (sharing, shares) = trusted::deal([7; 32], n);
        let encoded = sharing.to_bytes();
        assert!(encoded.len() <= Sharing::BYTES_MAX);
        let again = Sharing::from_bytes(&encoded).expect("own encoding");
        assert_eq!(again, sharing);
        assert_eq!(again.group_key(), sharing.group_key());
        assert_eq!(usize::from(again.participants()), usize::from(n));
        assert_eq!(again.required(), quorum(usize::from(n)));
        assert!(shares.iter().take(4).all(|share| share.belongs_to(&again)));
    }
}

#[test]
fn sharing_truncated_or_extended_is_refused() {
    let (sharing, _) = trusted::deal([7; 32], 4);
    let encoded = sharing.to_bytes();
    for length in 0..encoded.len() {
        assert!(Sharing::from_bytes(&encoded[..length]).is_err(), "{length}");
    }
    let mut extended = encoded;
    extended.push(0);
    assert!(Sharing::from_bytes(&extended).is_err());
}

#[test]
fn sharing_mutated_byte_never_decodes_to_the_same() {
    let (sharing, _) = trusted::deal([7; 32], 4);
    let encoded = sharing.to_bytes();
    for position in 0..encoded.len() {
        for flip in [1, 0x80] {
            let mut mutated = encoded.clone();
            mutated[position] ^= flip;
            if let Ok(other) = Sharing::from_bytes(&mutated) {
                assert_ne!(other, sharing);
                assert_eq!(other.to_bytes(), mutated);
            }
        }
    }
}

#[test]
fn sharing_of_other_threshold_is_refused() {
    let (sharing, _) = trusted::deal([7; 32], 5);
    let mut encoded = sharing.to_bytes();
    // Five members need four shares, six need five: the count no longer fits the degree.
    encoded[4] = 6;
    assert_eq!(
        Sharing::from_bytes(&encoded),
        Err(SharingError::Threshold { participants: 6, expected: 5, got: 4 })
    );
    encoded[4] = 3;
    assert_eq!(Sharing::from_bytes(&encoded), Err(SharingError::Participants(3)));
}

#[test]
fn sharing_with_infinity_among_its_points_is_refused() {
    let (sharing, _) = trusted::deal([7; 32], 4);
    let encoded = sharing.to_bytes();
    for coefficient in 0..3 {
        let mut changed = encoded.clone();
        let start = 6 + 96 * coefficient;
        changed[start..start + 96].fill(0);
        changed[start] = 0xc0;
        assert!(matches!(Sharing::from_bytes(&changed), Err(SharingError::Malformed(_))));
    }
}

#[test]
fn sharing_longer_than_any_is_refused_unread() {
    let bytes = vec![0; Sharing::BYTES_MAX + 1];
    assert!(matches!(Sharing::from_bytes(&bytes), Err(SharingError::Malformed(_))));
}

#[test]
fn partial_signature_round_trip_and_lengths() {
    let (_, shares) = trusted::deal([7; 32], 4);
    let partial = sign_partial(&shares[3], &[1; 32]);
    let encoded = partial.to_bytes();
    assert_eq!(encoded.len(), 50);
    assert_eq!(PartialSignature::from_bytes(&encoded), Ok(partial));
    assert_eq!(
        PartialSignature::from_bytes(&encoded[..49]),
        Err(PointError::Length { expected: 50, got: 49 })
    );
    let mut extended = encoded.to_vec();
    extended.push(0);
    assert_eq!(
        PartialSignature::from_bytes(&extended),
        Err(PointError::Length { expected: 50, got: 51 })
    );
}

#[test]
fn signature_uncompressed_form_where_compressed_is_due_is_refused() {
    let (_, shares) = trusted::deal([7; 32], 4);
    let mut encoded = sign_partial(&shares[0], &[1; 32]).signature.to_bytes();
    encoded[0] &= 0x7f;
    assert_eq!(Signature::from_bytes(&encoded), Err(PointError::NotCanonical));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/decoding.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn decoding_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = GroupPublicKey::from_bytes(&bytes);
        let _ = GroupPublicKey::from_eip2537(&bytes);
        let _ = Signature::from_bytes(&bytes);
        let _ = Signature::from_eip2537(&bytes);
        let _ = PartialSignature::from_bytes(&bytes);
        let _ = Sharing::from_bytes(&bytes);
    }

    #[test]
    fn decoding_right_sized_bytes_is_canonical_or_refused(
        head in any::<u8>(),
        tail in prop::collection::vec(any::<u8>(), 255),
        secret in any::<[u8; 32]>(),
    ) {
        let bytes: Vec<u8> = std::iter::once(head | 0x80).chain(tail).collect();
        if let Ok(signature) = Signature::from_bytes(&bytes[..48]) {
            prop_assert_eq!(signature.to_bytes().to_vec(), bytes[..48].to_vec());
        }
        if let Ok(key) = GroupPublicKey::from_bytes(&bytes[..96]) {
            prop_assert_eq!(key.to_bytes().to_vec(), bytes[..96].to_vec());
        }
        if let Ok(partial) = PartialSignature::from_bytes(&bytes[..50]) {
            prop_assert_eq!(partial.to_bytes().to_vec(), bytes[..50].to_vec());
        }
        if let Ok(share) = Share::from_secret_bytes(0, &secret) {
            prop_assert_eq!(*share.secret_bytes(), secret);
        }
    }
}
