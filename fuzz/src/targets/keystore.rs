use keystore::{Kdf, Password, eip2335, web3};

use crate::seed::{Seed, formed};

const PASSWORD: &str = "foobar";
/// Derivations that cost more than this are not tried: they are meant to be slow.
const WORK_MAX: u64 = 1 << 8;

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let password = Password::from(PASSWORD);
    if form % 2 == 0 {
        let Ok(keystore) = eip2335::Keystore::from_json(text) else { return };
        let again = eip2335::Keystore::from_json(&keystore.to_json()).expect("what was written");
        assert_eq!(again.to_json(), keystore.to_json());
        assert_eq!(again.details(), keystore.details());
        if cheap(keystore.kdf()) {
            let opened = keystore.open(&password).map(|secret| *secret.expose()).ok();
            assert_eq!(again.open(&password).map(|secret| *secret.expose()).ok(), opened);
        }
    } else {
        let Ok(keystore) = web3::Keystore::from_json(text) else { return };
        let again = web3::Keystore::from_json(&keystore.to_json()).expect("what was written");
        assert_eq!(again.to_json(), keystore.to_json());
        if cheap(keystore.kdf())
            && let Ok(secret) = keystore.open(&password)
            && let Some(stated) = keystore.address()
        {
            assert_eq!(web3::address_of(&secret).ok(), Some(stated));
        }
    }
}

fn cheap(kdf: Kdf) -> bool {
    match kdf {
        Kdf::Scrypt { n, r, p } => {
            n.saturating_mul(u64::from(r)).saturating_mul(u64::from(p)) <= WORK_MAX
        }
        Kdf::Pbkdf2 { c } => u64::from(c) <= WORK_MAX,
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let scrypt = include_str!("../../../keystore/tests/fixtures/erc2335-1-scrypt.json");
    let pbkdf2 = include_str!("../../../keystore/tests/fixtures/erc2335-2-pbkdf2.json");
    let light = include_str!("../../../keystore/tests/fixtures/geth-very-light-scrypt.json");
    let geth = include_str!("../../../keystore/tests/fixtures/geth-keystore-aaa.json");
    vec![
        formed("eip2335-scrypt", 0, scrypt),
        formed("eip2335-pbkdf2", 0, pbkdf2),
        formed("eip2335-pbkdf2-cheap", 0, pbkdf2.replace("262144", "1")),
        formed("web3-scrypt", 1, geth),
        formed("web3-scrypt-cheap", 1, light),
    ]
}
