//! EIP-2335 keystores (version 4): for BLS shares and for ed25519 and X25519 seeds.
//!
//! The EIP says little about the secret; here it has 32 bytes. The password is normalized to NFKD
//! and stripped of control codes, as the EIP demands.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::{
    FileError, Kdf, KeystoreError, Password, SECRET_BYTES, Secret, cipher, fields,
    file::{self, named},
    kdf::{self, DerivedKey, KdfFields},
    kdf_params::KdfParams,
    secret::{fill_random, random_uuid},
};

/// The format's version.
pub const VERSION: u32 = 4;

const CHECKSUM: &str = "sha256";
const MAX_PUBLIC_KEY_BYTES: usize = 1024;
const MAX_TEXT_BYTES: usize = 4096;

const FIELDS: KdfFields = KdfFields {
    function: "crypto.kdf.function",
    dklen: "crypto.kdf.params.dklen",
    n: "crypto.kdf.params.n",
    r: "crypto.kdf.params.r",
    p: "crypto.kdf.params.p",
    c: "crypto.kdf.params.c",
    prf: "crypto.kdf.params.prf",
    salt: "crypto.kdf.params.salt",
};

/// What a keystore says about its secret, in the clear and unproven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What the secret is for.
    pub description: String,
    /// The public key, in the encoding of its kind.
    pub public_key: Vec<u8>,
    /// The EIP-2334 path; empty when the secret is not derived.
    pub path: String,
}

/// A checked keystore.
#[derive(Clone, Debug)]
pub struct Keystore {
    kdf: Kdf,
    salt: Vec<u8>,
    checksum: [u8; 32],
    iv: [u8; cipher::IV_BYTES],
    ciphertext: [u8; SECRET_BYTES],
    details: Details,
    uuid: String,
}

impl Keystore {
    /// Encrypts `secret`.
    ///
    /// # Errors
    /// When `kdf` is out of bounds, or the system gives no entropy.
    pub fn seal(
        secret: &Secret,
        password: &Password,
        kdf: Kdf,
        details: Details,
    ) -> Result<Self, KeystoreError> {
        let salt = kdf::random_salt()?.to_vec();
        let mut iv = [0; cipher::IV_BYTES];
        fill_random(&mut iv)?;
        let key = kdf.derive(&FIELDS, &password.normalized(), &salt)?;
        let mut ciphertext = *secret.expose();
        cipher::apply(&key, &iv, &mut ciphertext);
        let checksum = checksum(&key, &ciphertext);
        Ok(Self { kdf, salt, checksum, iv, ciphertext, details, uuid: random_uuid()? })
    }

    /// Decrypts the secret. Takes as long as [`Keystore::kdf`] says.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassword`].
    pub fn open(&self, password: &Password) -> Result<Secret, KeystoreError> {
        let key = self.kdf.derive(&FIELDS, &password.normalized(), &self.salt)?;
        if checksum(&key, &self.ciphertext) != self.checksum {
            return Err(KeystoreError::WrongPassword);
        }
        let mut bytes = self.ciphertext;
        cipher::apply(&key, &self.iv, &mut bytes);
        let secret = Secret::new(bytes);
        bytes.zeroize();
        Ok(secret)
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
                hint: "a secp256k1 key of version 3 is web3 secret storage, not EIP-2335",
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

    /// What the file says about its secret; not protected by the checksum.
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// The file's name for itself.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }
}

fn checksum(key: &DerivedKey, ciphertext: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(key.checksum_half()).chain_update(ciphertext).finalize().into()
}

#[derive(Deserialize)]
struct VersionOnly {
    version: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Json {
    crypto: Crypto,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default)]
    pubkey: String,
    path: String,
    uuid: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Crypto {
    kdf: Module<KdfParams>,
    checksum: Module<NoParams>,
    cipher: Module<CipherParams>,
}

#[derive(Serialize, Deserialize)]
struct Module<P> {
    function: String,
    params: P,
    message: String,
}

#[derive(Serialize, Deserialize)]
struct NoParams {}

#[derive(Serialize, Deserialize)]
struct CipherParams {
    iv: String,
}

impl Json {
    fn check(self) -> Result<Keystore, KeystoreError> {
        let Crypto { kdf, checksum, cipher } = self.crypto;
        fields::expect_name("crypto.checksum.function", &checksum.function, CHECKSUM)?;
        fields::expect_name("crypto.cipher.function", &cipher.function, cipher::NAME)?;
        let (derivation, salt) = kdf.params.check(&kdf.function, &FIELDS)?;
        for (field, text) in
            [("description", &self.description), ("path", &self.path), ("uuid", &self.uuid)]
        {
            if text.len() > MAX_TEXT_BYTES {
                let found = text.len();
                return Err(KeystoreError::TooLong { field, found, max: MAX_TEXT_BYTES });
            }
        }
        Ok(Keystore {
            kdf: derivation,
            salt,
            checksum: fields::decode_exact("crypto.checksum.message", &checksum.message, "32")?,
            iv: fields::decode_exact("crypto.cipher.params.iv", &cipher.params.iv, "16")?,
            ciphertext: fields::decode_exact("crypto.cipher.message", &cipher.message, "32")?,
            details: Details {
                description: self.description,
                public_key: fields::decode(
                    "pubkey",
                    &self.pubkey,
                    MAX_PUBLIC_KEY_BYTES,
                    "at most 1024",
                )?,
                path: self.path,
            },
            uuid: self.uuid,
        })
    }
}

impl From<&Keystore> for Json {
    fn from(keystore: &Keystore) -> Self {
        let (function, params) = KdfParams::new(keystore.kdf, &keystore.salt);
        Self {
            crypto: Crypto {
                kdf: Module { function: function.into(), params, message: String::new() },
                checksum: Module {
                    function: CHECKSUM.into(),
                    params: NoParams {},
                    message: hex::encode(keystore.checksum),
                },
                cipher: Module {
                    function: cipher::NAME.into(),
                    params: CipherParams { iv: hex::encode(keystore.iv) },
                    message: hex::encode(keystore.ciphertext),
                },
            },
            description: keystore.details.description.clone(),
            pubkey: hex::encode(&keystore.details.public_key),
            path: keystore.details.path.clone(),
            uuid: keystore.uuid.clone(),
            version: VERSION,
        }
    }
}
