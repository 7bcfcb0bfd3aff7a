//! The published vectors of both formats open to the published secrets.

use keystore::{Kdf, KeystoreError, Password, eip2335, web3};
use serde_json::Value;

const EIP2335_SCRYPT: &str = include_str!("fixtures/erc2335-1-scrypt.json");
const EIP2335_PBKDF2: &str = include_str!("fixtures/erc2335-2-pbkdf2.json");
const GETH_V1: &str = include_str!("fixtures/geth-v1_test_vector.json");
const GETH_V3: &str = include_str!("fixtures/geth-v3_test_vector.json");

/// Password and secret of the two vectors in the EIP's text.
const EIP2335_PASSWORD: &str = "𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑";
const EIP2335_SECRET: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

#[test]
fn eip2335_vectors_open_to_the_published_secret() {
    for text in [EIP2335_SCRYPT, EIP2335_PBKDF2] {
        let keystore = eip2335::Keystore::from_json(text).unwrap();
        let secret = keystore.open(&Password::from(EIP2335_PASSWORD)).unwrap();
        assert_eq!(hex::encode(secret.expose()), EIP2335_SECRET);
        assert_eq!(keystore.details().public_key.len(), 48);
    }
}

#[test]
fn eip2335_password_with_control_codes_or_plain_letters_is_the_same() {
    let keystore = eip2335::Keystore::from_json(EIP2335_PBKDF2).unwrap();
    keystore.open(&Password::from("test\u{7f}pass\u{0}word\u{85}🔑\n")).unwrap();
}

#[test]
fn eip2335_wrong_password_is_refused() {
    let keystore = eip2335::Keystore::from_json(EIP2335_PBKDF2).unwrap();
    for wrong in ["testpassword", ""] {
        let refused = keystore.open(&Password::from(wrong)).unwrap_err();
        assert!(matches!(refused, KeystoreError::WrongPassword), "{refused}");
    }
}

#[test]
fn geth_v3_vectors_open_to_the_published_keys() {
    let vectors: Value = serde_json::from_str(GETH_V3).unwrap();
    let vectors = vectors.as_object().unwrap();
    assert_eq!(vectors.len(), 4);
    for (name, vector) in vectors {
        let keystore = web3::Keystore::from_json(&vector["json"].to_string()).unwrap();
        let password = Password::from(vector["password"].as_str().unwrap());
        let secret = keystore.open(&password).unwrap();
        // Shorter keys come back with the leading zeros that a 32-byte number has.
        let published = format!("{:0>64}", vector["priv"].as_str().unwrap());
        assert_eq!(hex::encode(secret.expose()), published, "{name}");
    }
}

#[test]
fn geth_files_open_to_the_key_of_their_address() {
    let light = include_str!("fixtures/geth-very-light-scrypt.json");
    let keystore = web3::Keystore::from_json(light).unwrap();
    assert_eq!(keystore.kdf(), Kdf::Scrypt { n: 2, r: 8, p: 1 });
    assert!(keystore.kdf().is_light());
    // The password of geth's own test of this file.
    keystore.open(&Password::from("")).unwrap();
    for text in [
        include_str!("fixtures/geth-keystore-aaa.json"),
        include_str!("fixtures/geth-keystore-zzz.json"),
    ] {
        let keystore = web3::Keystore::from_json(text).unwrap();
        assert!(keystore.address().is_some());
        let refused = keystore.open(&Password::from("not the password")).unwrap_err();
        assert!(matches!(refused, KeystoreError::WrongPassword), "{refused}");
    }
}

#[test]
fn geth_v1_file_is_refused_with_what_to_do() {
    let vectors: Value = serde_json::from_str(GETH_V1).unwrap();
    let refused = web3::Keystore::from_json(&vectors["test1"]["json"].to_string()).unwrap_err();
    assert!(matches!(refused, KeystoreError::Version { supported: 3, .. }), "{refused}");
    assert!(refused.to_string().contains("export it again"), "{refused}");
}
