//! The derivation's parameters in JSON: both formats name and write them alike.

use serde::{Deserialize, Serialize};

use crate::{
    Kdf, KeystoreError, MAX_SALT_BYTES, fields,
    kdf::{DERIVED_BYTES, KdfFields, PBKDF2, PRF, SCRYPT},
};

/// The parameters object. Numbers are read wide, so that one out of bounds is named.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KdfParams {
    dklen: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prf: Option<String>,
    salt: String,
}

impl KdfParams {
    /// The parameters as written, and the function's name.
    pub(crate) fn new(kdf: Kdf, salt: &[u8]) -> (&'static str, Self) {
        let none = Self {
            dklen: DERIVED_BYTES,
            n: None,
            r: None,
            p: None,
            c: None,
            prf: None,
            salt: hex::encode(salt),
        };
        match kdf {
            Kdf::Scrypt { n, r, p } => {
                let (r, p) = (Some(r.into()), Some(p.into()));
                (SCRYPT, Self { n: Some(n), r, p, ..none })
            }
            Kdf::Pbkdf2 { c } => {
                (PBKDF2, Self { c: Some(c.into()), prf: Some(PRF.into()), ..none })
            }
        }
    }

    /// The checked parameters and the salt.
    pub(crate) fn check(
        &self,
        function: &str,
        fields: &KdfFields,
    ) -> Result<(Kdf, Vec<u8>), KeystoreError> {
        let kdf = match function {
            SCRYPT => Kdf::Scrypt {
                n: present(self.n, fields.n)?,
                r: narrow(present(self.r, fields.r)?, fields.r)?,
                p: narrow(present(self.p, fields.p)?, fields.p)?,
            },
            PBKDF2 => {
                match self.prf.as_deref() {
                    Some(PRF) => (),
                    other => {
                        return Err(KeystoreError::Algorithm {
                            field: fields.prf,
                            found: other.unwrap_or_default().to_owned(),
                            expected: PRF,
                        });
                    }
                }
                Kdf::Pbkdf2 { c: narrow(present(self.c, fields.c)?, fields.c)? }
            }
            other => {
                return Err(KeystoreError::Algorithm {
                    field: fields.function,
                    found: other.to_owned(),
                    expected: "scrypt or pbkdf2",
                });
            }
        };
        if self.dklen != DERIVED_BYTES {
            return Err(KeystoreError::KdfParameter {
                field: fields.dklen,
                found: self.dklen,
                expected: DERIVED_BYTES.to_string(),
            });
        }
        kdf.check(fields)?;
        let salt = fields::decode(fields.salt, &self.salt, MAX_SALT_BYTES, "at most 256")?;
        Ok((kdf, salt))
    }
}

fn present(value: Option<u64>, field: &'static str) -> Result<u64, KeystoreError> {
    value.ok_or(KeystoreError::Missing { field })
}

fn narrow(value: u64, field: &'static str) -> Result<u32, KeystoreError> {
    u32::try_from(value).map_err(|_| KeystoreError::KdfParameter {
        field,
        found: value,
        expected: format!("at most {}", u32::MAX),
    })
}
