//! Key derivation with bounded cost.

use pbkdf2::{pbkdf2_hmac, sha2::Sha256};
use scrypt::Params;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{KeystoreError, secret::fill_random};

/// The most memory that scrypt may take for a file: twice what both formats' authors write.
pub const MAX_SCRYPT_MEMORY_BYTES: u64 = 512 * 1024 * 1024;

/// The most work, n · r · p, that scrypt may take for a file: four times n = 2^18, r = 8, p = 1.
pub const MAX_SCRYPT_WORK: u64 = 1 << 23;

/// The most PBKDF2 iterations: sixteen times EIP-2335's 2^18.
pub const MAX_PBKDF2_ITERATIONS: u32 = 1 << 22;

/// The longest salt.
pub const MAX_SALT_BYTES: usize = 256;

pub(crate) const DERIVED_BYTES: u64 = 32;
pub(crate) const SALT_BYTES: usize = 32;
pub(crate) const SCRYPT: &str = "scrypt";
pub(crate) const PBKDF2: &str = "pbkdf2";
pub(crate) const PRF: &str = "hmac-sha256";

/// How a password becomes a key, and at what cost.
///
/// Reading takes any cost up to the limits in this module, also a cheap one: how a file was made
/// is its owner's choice, and [`Kdf::is_light`] lets a caller warn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kdf {
    /// scrypt (RFC 7914): memory 128 · n · r bytes.
    Scrypt {
        /// Cost, a power of two above 1.
        n: u64,
        /// Block size.
        r: u32,
        /// Parallelism.
        p: u32,
    },
    /// PBKDF2 with HMAC-SHA256 (RFC 8018).
    Pbkdf2 {
        /// Iterations.
        c: u32,
    },
}

impl Kdf {
    /// scrypt as EIP-2335 and geth write it: 256 MiB, about a second.
    pub const STANDARD: Self = Self::Scrypt { n: 1 << 18, r: 8, p: 1 };

    /// scrypt with 4 MiB, milliseconds: for development networks and tests, whose passwords are
    /// no secret.
    pub const LIGHT: Self = Self::Scrypt { n: 1 << 12, r: 8, p: 1 };

    /// Whether guessing passwords is cheaper than with either format's usual parameters by four.
    pub fn is_light(&self) -> bool {
        match *self {
            Self::Scrypt { n, r, p } => {
                n.saturating_mul(u64::from(r)).saturating_mul(u64::from(p)) < 1 << 19
            }
            Self::Pbkdf2 { c } => c < 1 << 16,
        }
    }

    /// Refuses parameters that scrypt or PBKDF2 don't allow, or that cost more than the limits.
    pub(crate) fn check(&self, fields: &KdfFields) -> Result<(), KeystoreError> {
        match *self {
            Self::Scrypt { n, r, p } => check_scrypt(fields, n, u64::from(r), u64::from(p)),
            Self::Pbkdf2 { c } => {
                require((1..=MAX_PBKDF2_ITERATIONS).contains(&c), fields.c, u64::from(c), || {
                    format!("1 to {MAX_PBKDF2_ITERATIONS}")
                })
            }
        }
    }

    /// The key of `password` under `salt`.
    pub(crate) fn derive(
        &self,
        fields: &KdfFields,
        password: &[u8],
        salt: &[u8],
    ) -> Result<DerivedKey, KeystoreError> {
        self.check(fields)?;
        let mut key = DerivedKey([0; 32]);
        match *self {
            Self::Scrypt { n, r, p } => {
                let unusable = |what: &str| KeystoreError::KdfParameter {
                    field: fields.n,
                    found: n,
                    expected: format!("parameters that scrypt takes together ({what})"),
                };
                let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
                let params = Params::new(log_n, r, p).map_err(|e| unusable(&e.to_string()))?;
                scrypt::scrypt(password, salt, &params, &mut key.0)
                    .map_err(|e| unusable(&e.to_string()))?;
            }
            Self::Pbkdf2 { c } => pbkdf2_hmac::<Sha256>(password, salt, c, &mut key.0),
        }
        Ok(key)
    }
}

fn check_scrypt(fields: &KdfFields, n: u64, r: u64, p: u64) -> Result<(), KeystoreError> {
    require(n > 1 && n.is_power_of_two(), fields.n, n, || "a power of two above 1".into())?;
    require(r > 0, fields.r, r, || "at least 1".into())?;
    require(p > 0, fields.p, p, || "at least 1".into())?;
    let memory = n.saturating_mul(r).saturating_mul(128);
    require(memory <= MAX_SCRYPT_MEMORY_BYTES, fields.n, n, || {
        format!(
            "parameters that take at most {MAX_SCRYPT_MEMORY_BYTES} bytes of memory, \
             128 · n · r is {memory}"
        )
    })?;
    // The working block of each lane is memory too: 128 · r · p.
    let blocks = r.saturating_mul(p).saturating_mul(128);
    require(blocks <= MAX_SCRYPT_MEMORY_BYTES / 4, fields.p, p, || {
        format!("r · p of at most {}", MAX_SCRYPT_MEMORY_BYTES / 4 / 128)
    })?;
    let work = n.saturating_mul(r).saturating_mul(p);
    require(work <= MAX_SCRYPT_WORK, fields.p, p, || {
        format!("parameters with n · r · p of at most {MAX_SCRYPT_WORK}, it is {work}")
    })
}

fn require(
    holds: bool,
    field: &'static str,
    found: u64,
    expected: impl FnOnce() -> String,
) -> Result<(), KeystoreError> {
    if holds {
        Ok(())
    } else {
        Err(KeystoreError::KdfParameter { field, found, expected: expected() })
    }
}

/// Where a format keeps each parameter, for messages.
pub(crate) struct KdfFields {
    pub(crate) function: &'static str,
    pub(crate) dklen: &'static str,
    pub(crate) n: &'static str,
    pub(crate) r: &'static str,
    pub(crate) p: &'static str,
    pub(crate) c: &'static str,
    pub(crate) prf: &'static str,
    pub(crate) salt: &'static str,
}

/// Both formats take a key of 32 bytes: half for the cipher, half for the checksum.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct DerivedKey([u8; 32]);

impl DerivedKey {
    pub(crate) fn cipher_half(&self) -> &[u8; 16] {
        let (half, _) = split(&self.0);
        half
    }

    pub(crate) fn checksum_half(&self) -> &[u8; 16] {
        let (_, half) = split(&self.0);
        half
    }
}

fn split(key: &[u8; 32]) -> (&[u8; 16], &[u8; 16]) {
    let (halves, _) = key.as_chunks::<16>();
    (&halves[0], &halves[1])
}

/// A fresh salt.
pub(crate) fn random_salt() -> Result<[u8; SALT_BYTES], KeystoreError> {
    let mut salt = [0; SALT_BYTES];
    fill_random(&mut salt)?;
    Ok(salt)
}
