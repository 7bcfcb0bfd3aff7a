//! Whatever a file says, it is refused with the field named, and costs nothing.

use keystore::{Kdf, KeystoreError, Password, Secret, eip2335, web3};
use serde_json::{Value, json};

fn password() -> Password {
    Password::from("a password")
}

fn web3_json() -> Value {
    let sealed = web3::Keystore::seal(&Secret::new([7; 32]), &password(), Kdf::LIGHT).unwrap();
    serde_json::from_str(&sealed.to_json()).unwrap()
}

fn eip2335_json(kdf: Kdf) -> Value {
    let details = eip2335::Details::default();
    let sealed = eip2335::Keystore::seal(&Secret::new([7; 32]), &password(), kdf, details).unwrap();
    serde_json::from_str(&sealed.to_json()).unwrap()
}

/// Sets the value at a JSON pointer; `Value::Null` removes it.
fn with(mut file: Value, pointer: &str, value: Value) -> String {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = file.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value);
    }
    file.to_string()
}

fn refused_web3(text: &str) -> KeystoreError {
    match web3::Keystore::from_json(text) {
        Err(refused) => refused,
        Ok(read) => read.open(&password()).unwrap_err(),
    }
}

fn refused_eip2335(text: &str) -> KeystoreError {
    match eip2335::Keystore::from_json(text) {
        Err(refused) => refused,
        Ok(read) => read.open(&password()).unwrap_err(),
    }
}

#[test]
fn web3_field_that_is_wrong_is_named() {
    let zeros = "00".repeat(32);
    for (pointer, value, named) in [
        ("/version", json!(4), "version is 4"),
        ("/version", json!("3"), "version is \"3\""),
        ("/version", Value::Null, "version"),
        ("/crypto", Value::Null, "crypto"),
        ("/crypto/cipher", json!("aes-128-cbc"), "crypto.cipher"),
        ("/crypto/cipherparams/iv", json!("00"), "crypto.cipherparams.iv has 1 bytes"),
        ("/crypto/cipherparams/iv", json!("00".repeat(17)), "crypto.cipherparams.iv has 17 bytes"),
        ("/crypto/cipherparams/iv", json!("zz".repeat(16)), "crypto.cipherparams.iv is not hex"),
        ("/crypto/ciphertext", json!(""), "crypto.ciphertext has 0 bytes"),
        ("/crypto/ciphertext", json!("00".repeat(33)), "crypto.ciphertext has 33 bytes"),
        ("/crypto/ciphertext", json!("0"), "crypto.ciphertext is not hex"),
        ("/crypto/ciphertext", json!(zeros), "checksum"),
        ("/crypto/kdf", json!("argon2id"), "crypto.kdf is \"argon2id\""),
        ("/crypto/kdf", json!("pbkdf2"), "crypto.kdfparams.prf"),
        ("/crypto/kdfparams/dklen", json!(16), "crypto.kdfparams.dklen is 16"),
        ("/crypto/kdfparams/dklen", json!(1u64 << 40), "crypto.kdfparams.dklen"),
        ("/crypto/kdfparams/dklen", Value::Null, "dklen"),
        ("/crypto/kdfparams/n", Value::Null, "crypto.kdfparams.n is missing"),
        ("/crypto/kdfparams/n", json!(-1), "invalid value"),
        ("/crypto/kdfparams/n", json!(0), "crypto.kdfparams.n is 0"),
        ("/crypto/kdfparams/n", json!(1), "crypto.kdfparams.n is 1"),
        ("/crypto/kdfparams/n", json!(4095), "crypto.kdfparams.n is 4095"),
        ("/crypto/kdfparams/n", json!(1u64 << 63), "crypto.kdfparams.n"),
        ("/crypto/kdfparams/n", json!(1u64 << 20), "bytes of memory"),
        ("/crypto/kdfparams/n", json!(2048), "checksum"),
        ("/crypto/kdfparams/r", json!(0), "crypto.kdfparams.r is 0"),
        ("/crypto/kdfparams/r", json!(u32::MAX), "bytes of memory"),
        ("/crypto/kdfparams/r", json!(u64::MAX), "crypto.kdfparams.r"),
        ("/crypto/kdfparams/p", json!(0), "crypto.kdfparams.p is 0"),
        ("/crypto/kdfparams/p", json!(1u64 << 29), "crypto.kdfparams.p"),
        ("/crypto/kdfparams/p", json!(1 << 12), "n · r · p"),
        ("/crypto/kdfparams/salt", json!("00".repeat(257)), "crypto.kdfparams.salt has 257"),
        ("/crypto/kdfparams/salt", json!("xy"), "crypto.kdfparams.salt is not hex"),
        ("/crypto/kdfparams/salt", json!(""), "checksum"),
        ("/crypto/mac", json!("00".repeat(31)), "crypto.mac has 31 bytes"),
        ("/crypto/mac", json!(zeros), "checksum"),
        ("/address", json!("00".repeat(19)), "address has 19 bytes"),
        ("/address", json!("00".repeat(20)), "address is 0x0000"),
        ("/id", json!("x".repeat(1000)), "id has 1000 bytes"),
    ] {
        let refused = refused_web3(&with(web3_json(), pointer, value.clone())).to_string();
        assert!(refused.contains(named), "{pointer} = {value}: {refused}");
    }
}

#[test]
fn eip2335_field_that_is_wrong_is_named() {
    let zeros = "00".repeat(32);
    let light = Kdf::Pbkdf2 { c: 2 };
    for (pointer, value, named) in [
        ("/version", json!(3), "version is 3"),
        ("/uuid", Value::Null, "uuid"),
        ("/path", Value::Null, "path"),
        ("/path", json!("/".repeat(5000)), "path has 5000 bytes"),
        ("/description", json!("d".repeat(5000)), "description has 5000 bytes"),
        ("/pubkey", json!("0x00"), "pubkey is not hex"),
        ("/pubkey", json!("00".repeat(1025)), "pubkey has 1025 bytes"),
        ("/crypto/checksum/function", json!("keccak256"), "crypto.checksum.function"),
        ("/crypto/checksum/message", json!("00"), "crypto.checksum.message has 1 bytes"),
        ("/crypto/checksum/message", json!(zeros), "checksum mismatch"),
        ("/crypto/cipher/function", json!("xor"), "crypto.cipher.function"),
        ("/crypto/cipher/params/iv", json!("00"), "crypto.cipher.params.iv has 1 bytes"),
        ("/crypto/cipher/message", json!("00".repeat(31)), "crypto.cipher.message has 31 bytes"),
        ("/crypto/cipher/message", json!("00".repeat(33)), "crypto.cipher.message has 33 bytes"),
        ("/crypto/cipher/message", json!(zeros), "checksum mismatch"),
        ("/crypto/kdf/function", json!("none"), "crypto.kdf.function"),
        ("/crypto/kdf/function", json!("scrypt"), "crypto.kdf.params.n is missing"),
        ("/crypto/kdf/params/prf", json!("hmac-sha1"), "crypto.kdf.params.prf"),
        ("/crypto/kdf/params/c", Value::Null, "crypto.kdf.params.c is missing"),
        ("/crypto/kdf/params/c", json!(0), "crypto.kdf.params.c is 0"),
        ("/crypto/kdf/params/c", json!(1 << 30), "crypto.kdf.params.c"),
        ("/crypto/kdf/params/c", json!(u64::MAX), "crypto.kdf.params.c"),
        ("/crypto/kdf/params/c", json!(3), "checksum mismatch"),
    ] {
        let refused = refused_eip2335(&with(eip2335_json(light), pointer, value.clone()));
        let refused = refused.to_string();
        assert!(refused.contains(named), "{pointer} = {value}: {refused}");
    }
}

#[test]
fn text_that_is_no_keystore_is_refused() {
    for text in
        ["", "null", "[]", "{}", "{\"version\":3}", "{\"version\":4,\"crypto\":{}}", "\u{0}"]
    {
        assert!(web3::Keystore::from_json(text).is_err(), "{text:?}");
        assert!(eip2335::Keystore::from_json(text).is_err(), "{text:?}");
    }
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let text = web3_json().to_string();
    for cut in 0..text.len() {
        assert!(web3::Keystore::from_json(&text[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn sealed_secret_opens_again_with_either_derivation() {
    for kdf in [Kdf::LIGHT, Kdf::Pbkdf2 { c: 10 }] {
        let text = eip2335_json(kdf).to_string();
        let opened = eip2335::Keystore::from_json(&text).unwrap().open(&password()).unwrap();
        assert_eq!(opened.expose(), &[7; 32]);
        let sealed = web3::Keystore::seal(&opened, &password(), kdf).unwrap();
        let again = web3::Keystore::from_json(&sealed.to_json()).unwrap();
        assert_eq!(again.open(&password()).unwrap().expose(), &[7; 32]);
        assert_eq!(again.address(), Some(web3::address_of(&opened).unwrap()));
    }
}

#[test]
fn sealing_twice_never_repeats_salt_or_counter() {
    let (one, two) = (web3_json(), web3_json());
    for pointer in ["/crypto/kdfparams/salt", "/crypto/cipherparams/iv", "/id"] {
        assert_ne!(one.pointer(pointer), two.pointer(pointer), "{pointer}");
    }
}

#[test]
fn sealing_what_is_no_private_key_is_refused() {
    for bytes in [[0; 32], [0xff; 32]] {
        let refused = web3::Keystore::seal(&Secret::new(bytes), &password(), Kdf::LIGHT);
        assert!(matches!(refused, Err(KeystoreError::NotASigningKey)));
    }
}

#[test]
fn sealing_with_a_derivation_out_of_bounds_is_refused() {
    for kdf in [Kdf::Scrypt { n: 1 << 24, r: 8, p: 1 }, Kdf::Pbkdf2 { c: 0 }] {
        let refused = web3::Keystore::seal(&Secret::new([1; 32]), &password(), kdf);
        assert!(matches!(refused, Err(KeystoreError::KdfParameter { .. })));
    }
}

#[test]
fn address_with_prefix_or_capitals_is_read() {
    let file = web3_json();
    let address = file["address"].as_str().unwrap().to_owned();
    let text = with(file, "/address", json!(format!("0x{}", address.to_uppercase())));
    web3::Keystore::from_json(&text).unwrap().open(&password()).unwrap();
}
