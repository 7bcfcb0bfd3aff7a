//! Published vectors: RFC 9380, drand quicknet mainnet, EIP-2537; and raw blst as second verifier.

use blst::{BLST_ERROR, min_sig};
use commonware_cryptography::{Hasher, Sha256};
use serde_json::Value;
use threshold::{
    DST, GroupPublicKey, PointError, Signature, combine, hash_to_g1, sign_partial, trusted, verify,
    verify_with_dst,
};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("fixture")
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hex string");
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).expect("hex")
}

#[test]
fn hash_to_g1_rfc9380_vectors_agree() {
    let suite = json(include_str!("fixtures/BLS12381G1_XMD-SHA-256_SSWU_RO_.json"));
    let dst = suite["dst"].as_str().expect("dst").as_bytes();
    let vectors = suite["vectors"].as_array().expect("vectors");
    assert!(vectors.len() >= 5);
    for vector in vectors {
        let message = vector["msg"].as_str().expect("msg").as_bytes();
        let mut expected = vec![0; 16];
        expected.extend(bytes(&vector["P"]["x"]));
        expected.extend([0; 16]);
        expected.extend(bytes(&vector["P"]["y"]));
        assert_eq!(hash_to_g1(message, dst).as_slice(), expected);
        assert_ne!(hash_to_g1(message, DST).as_slice(), expected);
    }
}

#[test]
fn verify_with_dst_drand_mainnet_beacons_pass_and_changed_ones_fail() {
    let info = json(include_str!("fixtures/quicknet_chain_info.json"));
    let dst = info["dst"].as_str().expect("dst").as_bytes();
    let key = GroupPublicKey::from_bytes(&bytes(&info["public_key"])).expect("key");
    let beacons = json(include_str!("fixtures/quicknet_beacons.json"));
    let beacons = beacons.as_array().expect("beacons");
    assert!(beacons.len() >= 4);
    let message = |round: u64| Sha256::hash(&[&round.to_be_bytes()]);
    for beacon in beacons {
        let round = beacon["round"].as_u64().expect("round");
        let signature = Signature::from_bytes(&bytes(&beacon["signature"])).expect("signature");
        verify_with_dst(&key, dst, &message(round), &signature).expect("mainnet beacon");

        assert!(verify_with_dst(&key, dst, &message(round + 1), &signature).is_err());
        assert!(verify_with_dst(&key, DST, &message(round), &signature).is_err());
        let other = Signature::from_eip2537(&hash_to_g1(b"another point", dst)).expect("point");
        assert!(verify_with_dst(&key, dst, &message(round), &other).is_err());
        for position in 0..Signature::BYTES {
            let mut changed = signature.to_bytes();
            changed[position] ^= 1;
            let accepted = Signature::from_bytes(&changed)
                .is_ok_and(|changed| verify_with_dst(&key, dst, &message(round), &changed).is_ok());
            assert!(!accepted, "round {round}, byte {position}");
        }
    }
}

#[test]
fn combined_signature_raw_blst_verifies_under_our_dst() {
    for n in 4..=7 {
        let (sharing, shares) = trusted::deal([n as u8; 32], n);
        let message = [0x5a; 32];
        let partials: Vec<_> = shares.iter().map(|share| sign_partial(share, &message)).collect();
        let signature = combine(&sharing, &message, &partials).expect("combines").signature;
        verify(sharing.group_key(), &message, &signature).expect("own verifier");

        let key = min_sig::PublicKey::key_validate(&sharing.group_key().to_bytes()).expect("key");
        let raw = min_sig::Signature::sig_validate(&signature.to_bytes(), true).expect("signature");
        let check = |message: &[u8], dst: &[u8]| raw.verify(true, message, dst, &[], &key, true);
        assert_eq!(check(&message, DST), BLST_ERROR::BLST_SUCCESS);
        assert_eq!(check(&[0; 32], DST), BLST_ERROR::BLST_VERIFY_FAIL);
        assert_eq!(check(&message, b"another tag"), BLST_ERROR::BLST_VERIFY_FAIL);
    }
}

/// Cuts a vector's input into points of `size` bytes, and adds its result.
fn points(vector: &Value, size: usize) -> Vec<Vec<u8>> {
    let mut all = bytes(&vector["Input"]);
    all.extend(bytes(&vector["Expected"]));
    all.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

#[test]
fn eip2537_g1_go_ethereum_points_round_trip() {
    let mut seen = 0;
    for vector in json(include_str!("fixtures/blsG1Add.json")).as_array().expect("vectors") {
        for point in points(vector, Signature::EIP2537_BYTES) {
            match Signature::from_eip2537(&point) {
                Ok(signature) => {
                    assert_eq!(signature.to_eip2537().as_slice(), point);
                    assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
                    seen += 1;
                }
                Err(error) if point.iter().all(|byte| *byte == 0) => {
                    assert_eq!(error, PointError::Infinity);
                }
                // Addition takes points outside the subgroup; a signature may not be one.
                Err(error) => assert_eq!(error, PointError::NotInSubgroup),
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn eip2537_g2_go_ethereum_points_round_trip() {
    let mut seen = 0;
    for vector in json(include_str!("fixtures/blsG2Add.json")).as_array().expect("vectors") {
        for point in points(vector, GroupPublicKey::EIP2537_BYTES) {
            match GroupPublicKey::from_eip2537(&point) {
                Ok(key) => {
                    assert_eq!(key.to_eip2537().as_slice(), point);
                    assert_eq!(GroupPublicKey::from_bytes(&key.to_bytes()), Ok(key));
                    seen += 1;
                }
                Err(error) if point.iter().all(|byte| *byte == 0) => {
                    assert_eq!(error, PointError::Infinity);
                }
                Err(error) => assert_eq!(error, PointError::NotInSubgroup),
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

/// Checks that the first refused point of a failing vector is refused for the vector's reason.
fn expect_refused(vector: &Value, decode: impl Fn(&[u8]) -> Option<PointError>) {
    let name = vector["Name"].as_str().expect("name");
    let error = decode(&bytes(&vector["Input"]));
    match vector["ExpectedError"].as_str().expect("error") {
        "invalid input length" => {
            assert!(matches!(error, Some(PointError::Length { .. })), "{name}: {error:?}");
        }
        "invalid field element top bytes" | "invalid fp.Element encoding" => {
            assert_eq!(error, Some(PointError::NotCanonical), "{name}");
        }
        "invalid point: not on curve" => assert_eq!(error, Some(PointError::NotOnCurve), "{name}"),
        "g1 point is not on correct subgroup" | "g2 point is not on correct subgroup" => {
            assert_eq!(error, Some(PointError::NotInSubgroup), "{name}");
        }
        other => panic!("{name}: unknown error {other}"),
    }
}

#[test]
fn eip2537_go_ethereum_failing_vectors_are_refused() {
    let g1 = |point: &[u8]| Signature::from_eip2537(point).err();
    let g2 = |point: &[u8]| GroupPublicKey::from_eip2537(point).err();
    // An input of the wrong length is given whole; else its points one after the other.
    let addends = |input: &[u8], size: usize, decode: &dyn Fn(&[u8]) -> Option<PointError>| {
        if input.len() == 2 * size { input.chunks(size).find_map(decode) } else { decode(input) }
    };
    for vector in json(include_str!("fixtures/fail-blsG1Add.json")).as_array().expect("vectors") {
        expect_refused(vector, |input| addends(input, Signature::EIP2537_BYTES, &g1));
    }
    for vector in json(include_str!("fixtures/fail-blsG2Add.json")).as_array().expect("vectors") {
        expect_refused(vector, |input| addends(input, GroupPublicKey::EIP2537_BYTES, &g2));
    }
    for vector in json(include_str!("fixtures/fail-blsPairing.json")).as_array().expect("vectors") {
        expect_refused(vector, |input| {
            if input.is_empty() || input.len() % 384 != 0 {
                return g1(input);
            }
            input.chunks(384).find_map(|pair| {
                let (left, right) = pair.split_at(Signature::EIP2537_BYTES);
                g1(left).or_else(|| g2(right)).filter(|error| *error != PointError::Infinity)
            })
        });
    }
}

#[test]
fn from_eip2537_infinity_and_flag_bits_are_refused() {
    assert_eq!(Signature::from_eip2537(&[0; 128]), Err(PointError::Infinity));
    assert_eq!(GroupPublicKey::from_eip2537(&[0; 256]), Err(PointError::Infinity));
    let (sharing, shares) = trusted::deal([9; 32], 4);
    let signature = sign_partial(&shares[0], &[1; 32]).signature;
    for flag in [0x80, 0x40, 0x20] {
        let mut point = signature.to_eip2537();
        point[16] |= flag;
        assert_eq!(Signature::from_eip2537(&point), Err(PointError::NotCanonical));
        let mut key = sharing.group_key().to_eip2537();
        key[16] |= flag;
        assert_eq!(GroupPublicKey::from_eip2537(&key), Err(PointError::NotCanonical));
    }
}

#[test]
fn from_eip2537_swapped_key_halves_are_refused() {
    let (sharing, _) = trusted::deal([10; 32], 4);
    let mut key = sharing.group_key().to_eip2537();
    for coordinate in key.chunks_exact_mut(128) {
        coordinate.rotate_left(64);
    }
    assert_eq!(GroupPublicKey::from_eip2537(&key), Err(PointError::NotOnCurve));
}

#[test]
fn from_bytes_compressed_infinity_is_refused() {
    let mut signature = [0; 48];
    signature[0] = 0xc0;
    assert_eq!(Signature::from_bytes(&signature), Err(PointError::Infinity));
    let mut key = [0; 96];
    key[0] = 0xc0;
    assert_eq!(GroupPublicKey::from_bytes(&key), Err(PointError::Infinity));
}

/// blst's uncompressed form of a failing vector's points, which decodes without a subgroup check.
fn unpadded(point: &[u8]) -> Vec<u8> {
    point.chunks_exact(64).flat_map(|word| word[16..].to_vec()).collect()
}

#[test]
fn from_bytes_compressed_outside_subgroup_is_refused() {
    let vectors = json(include_str!("fixtures/fail-blsPairing.json"));
    let input = |name: &str| {
        let named = |vector: &&Value| vector["Name"] == name;
        bytes(&vectors.as_array().expect("vectors").iter().find(named).expect("named")["Input"])
    };
    let mut refused = 0;
    for pair in input("bls_pairing_g1_not_in_correct_subgroup").chunks(384) {
        if let Ok(point) = min_sig::Signature::deserialize(&unpadded(&pair[..128]))
            && point.validate(false).is_err()
        {
            assert_eq!(Signature::from_bytes(&point.compress()), Err(PointError::NotInSubgroup));
            refused += 1;
        }
    }
    for pair in input("bls_pairing_g2_not_in_correct_subgroup").chunks(384) {
        let mut raw = unpadded(&pair[128..]);
        raw.chunks_exact_mut(96).for_each(|coordinate| coordinate.rotate_left(48));
        if let Ok(point) = min_sig::PublicKey::deserialize(&raw)
            && point.validate() == Err(BLST_ERROR::BLST_POINT_NOT_IN_GROUP)
        {
            let compressed = point.compress();
            assert_eq!(GroupPublicKey::from_bytes(&compressed), Err(PointError::NotInSubgroup));
            refused += 1;
        }
    }
    assert_eq!(refused, 2);
}

#[test]
fn from_bytes_compressed_coordinate_at_the_modulus_is_refused() {
    let modulus = "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624\
                   1eabfffeb153ffffb9feffffffffaaab";
    let mut signature = hex::decode(modulus).expect("hex");
    signature[0] |= 0x80;
    assert_eq!(Signature::from_bytes(&signature), Err(PointError::NotCanonical));
    let mut key = signature;
    key.resize(96, 0);
    assert_eq!(GroupPublicKey::from_bytes(&key), Err(PointError::NotCanonical));
}
