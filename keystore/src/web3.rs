//! Web3 secret storage (version 3), as geth and most wallets write it: for secp256k1 keys.
//!
//! The password is taken as it is, in UTF-8. Files of version 1 (AES-CBC, before 2016) are
//! refused.

use std::path::Path;

use alloy_primitives::{Address, Keccak256};
use k256::ecdsa::SigningKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    FileError, Kdf, KeystoreError, Password, SECRET_BYTES, Secret, cipher, fields,
    file::{self, named},
    kdf::{self, DerivedKey, KdfFields},
    kdf_params::KdfParams,
    secret::{fill_random, random_uuid},
};

/// The format's version.
pub const VERSION: u32 = 3;

const MAX_ID_BYTES: usize = 128;

const FIELDS: KdfFields = KdfFields {
    function: "crypto.kdf",
    dklen: "crypto.kdfparams.dklen",
    n: "crypto.kdfparams.n",
    r: "crypto.kdfparams.r",
    p: "crypto.kdfparams.p",
    c: "crypto.kdfparams.c",
    prf: "crypto.kdfparams.prf",
    salt: "crypto.kdfparams.salt",
};

/// The address of a secp256k1 private key.
///
/// # Errors
/// [`KeystoreError::NotASigningKey`].
pub fn address_of(secret: &Secret) -> Result<Address, KeystoreError> {
    let key = SigningKey::from_slice(secret.expose()).map_err(|_| KeystoreError::NotASigningKey)?;
    let point = key.verifying_key().to_encoded_point(false);
    let uncompressed = point.as_bytes().get(1..).unwrap_or_default();
    Ok(Address::from_raw_public_key(uncompressed))
}

/// A new secp256k1 private key from the system's entropy source.
///
/// # Errors
/// When the system gives no entropy.
pub fn generate() -> Result<Secret, KeystoreError> {
    loop {
        let secret = Secret::generate()?;
        // All but one in 2^127 random strings are keys.
        if address_of(&secret).is_ok() {
            return Ok(secret);
        }
    }
}

/// A checked keystore.
#[derive(Clone, Debug)]
pub struct Keystore {
    kdf: Kdf,
    salt: Vec<u8>,
    mac: [u8; 32],
    iv: [u8; cipher::IV_BYTES],
    ciphertext: Vec<u8>,
    address: Option<Address>,
    id: String,
}

impl Keystore {
    /// Encrypts a secp256k1 private key.
    ///
    /// # Errors
    /// When `secret` is no such key, `kdf` is out of bounds, or the system gives no entropy.
    pub fn seal(secret: &Secret, password: &Password, kdf: Kdf) -> Result<Self, KeystoreError> {
        let address = address_of(secret)?;
        let salt = kdf::random_salt()?.to_vec();
        let mut iv = [0; cipher::IV_BYTES];
        fill_random(&mut iv)?;
        let key = kdf.derive(&FIELDS, password.as_bytes(), &salt)?;
        let mut ciphertext = secret.expose().to_vec();
        cipher::apply(&key, &iv, &mut ciphertext);
        let mac = mac(&key, &ciphertext);
        Ok(Self { kdf, salt, mac, iv, ciphertext, address: Some(address), id: random_uuid()? })
    }

    /// Decrypts the private key. Takes as long as [`Keystore::kdf`] says.
    ///
    /// A key is a number: early wallets left its leading zero bytes out, and they are put back.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassword`]; or when what is inside is no secp256k1 key, or the key of
    /// another address than the file states.
    pub fn open(&self, password: &Password) -> Result<Secret, KeystoreError> {
        let key = self.kdf.derive(&FIELDS, password.as_bytes(), &self.salt)?;
        if mac(&key, &self.ciphertext) != self.mac {
            return Err(KeystoreError::WrongPassword);
        }
        let mut plain = Zeroizing::new(self.ciphertext.clone());
        cipher::apply(&key, &self.iv, &mut plain);
        let mut padded = Zeroizing::new([0u8; SECRET_BYTES]);
        for (to, from) in padded.iter_mut().rev().zip(plain.iter().rev()) {
            *to = *from;
        }
        let secret = Secret::new(*padded);
        let actual = address_of(&secret)?;
        match self.address {
            Some(stated) if stated != actual => Err(KeystoreError::Address {
                stated: stated.to_string(),
                actual: actual.to_string(),
            }),
            _ => Ok(secret),
        }
    }

    /// Reads and checks a keystore's JSON.
    ///
    /// # Errors
    /// Names the field that is missing, of a wrong form or out of bounds.
    pub fn from_json(text: &str) -> Result<Self, KeystoreError> {
        let version: VersionOnly = serde_json::from_str(text)?;
        if version.version != VERSION {
            return Err(KeystoreError::Version {
                found: version.version.to_string(),
                supported: VERSION,
                hint: "import an older file with a wallet that reads it and export it again; \
                       version 4 is EIP-2335",
            });
        }
        serde_json::from_str::<Json>(text)?.check()
    }

    /// The keystore's JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&Json::from(self)).unwrap_or_default()
    }

    /// Reads the keystore at `path`.
    ///
    /// # Errors
    /// Names the file and the field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = file::read(path)?;
        named(path, || Ok(Self::from_json(&text)?))
    }

    /// Reads and opens the keystore at `path`.
    ///
    /// # Errors
    /// Names the file and the field.
    pub fn read_secret(path: &Path, password: &Password) -> Result<Secret, FileError> {
        let keystore = Self::read(path)?;
        named(path, || Ok(keystore.open(password)?))
    }

    /// Writes a new file at `path`; see [`crate::write_new`].
    ///
    /// # Errors
    /// When there is one already, or the system refuses.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        file::write_new(path, &self.to_json())
    }

    /// How the password becomes a key.
    pub fn kdf(&self) -> Kdf {
        self.kdf
    }

    /// Whose key the file says it is; checked only by [`Keystore::open`].
    pub fn address(&self) -> Option<Address> {
        self.address
    }

    /// The file's name for itself.
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn mac(key: &DerivedKey, ciphertext: &[u8]) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    hasher.update(key.checksum_half());
    hasher.update(ciphertext);
    hasher.finalize().0
}

#[derive(Deserialize)]
struct VersionOnly {
    version: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Json {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: Crypto,
    #[serde(default)]
    id: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: String,
    kdf: String,
    kdfparams: KdfParams,
    mac: String,
}

#[derive(Serialize, Deserialize)]
struct CipherParams {
    iv: String,
}

impl Json {
    fn check(self) -> Result<Keystore, KeystoreError> {
        let crypto = self.crypto;
        fields::expect_name("crypto.cipher", &crypto.cipher, cipher::NAME)?;
        let (kdf, salt) = crypto.kdfparams.check(&crypto.kdf, &FIELDS)?;
        let ciphertext =
            fields::decode("crypto.ciphertext", &crypto.ciphertext, SECRET_BYTES, "1 to 32")?;
        if ciphertext.is_empty() {
            let field = "crypto.ciphertext";
            return Err(KeystoreError::Length { field, found: 0, expected: "1 to 32" });
        }
        if self.id.len() > MAX_ID_BYTES {
            let found = self.id.len();
            return Err(KeystoreError::TooLong { field: "id", found, max: MAX_ID_BYTES });
        }
        let address = match self.address.as_deref() {
            None | Some("") => None,
            Some(text) => {
                let digits = text.strip_prefix("0x").unwrap_or(text);
                Some(Address::new(fields::decode_exact("address", digits, "20")?))
            }
        };
        Ok(Keystore {
            kdf,
            salt,
            mac: fields::decode_exact("crypto.mac", &crypto.mac, "32")?,
            iv: fields::decode_exact("crypto.cipherparams.iv", &crypto.cipherparams.iv, "16")?,
            ciphertext,
            address,
            id: self.id,
        })
    }
}

impl From<&Keystore> for Json {
    fn from(keystore: &Keystore) -> Self {
        let (kdf, kdfparams) = KdfParams::new(keystore.kdf, &keystore.salt);
        Self {
            address: keystore.address.map(hex::encode),
            crypto: Crypto {
                cipher: cipher::NAME.into(),
                cipherparams: CipherParams { iv: hex::encode(keystore.iv) },
                ciphertext: hex::encode(&keystore.ciphertext),
                kdf: kdf.into(),
                kdfparams,
                mac: hex::encode(keystore.mac),
            },
            id: keystore.id.clone(),
            version: VERSION,
        }
    }
}
