//! Encrypted key files: EIP-2335 and web3 secret storage v3.
//!
//! | module | format | secrets of this project |
//! |---|---|---|
//! | [`eip2335`] | [EIP-2335], version 4 | BLS shares, ed25519 and X25519 seeds: any 32 bytes |
//! | [`web3`] | [web3 secret storage], version 3 | secp256k1 keys of operators, consensus, providers |
//!
//! Both keep AES-128-CTR ciphertext under a key from scrypt or PBKDF2-HMAC-SHA256, with a checksum
//! that a wrong password fails. A file is outside data: its derivation parameters are bounded
//! ([`Kdf`]), its length is ([`MAX_FILE_BYTES`]), and every refusal names the file and the field.
//! New files are written whole or not at all, readable by their owner alone, and never over an
//! existing one ([`write_new`]).
//!
//! Deriving a key takes about a second by intent; call it where blocking is allowed.
//!
//! ```
//! use keystore::{Kdf, Password, Secret, eip2335};
//!
//! let password = Password::from("correct horse battery staple");
//! let secret = Secret::generate()?;
//! let details = eip2335::Details { description: "network key".into(), ..Default::default() };
//! let sealed = eip2335::Keystore::seal(&secret, &password, Kdf::LIGHT, details)?;
//! assert_eq!(sealed.open(&password)?.expose(), secret.expose());
//! # Ok::<(), keystore::KeystoreError>(())
//! ```
//!
//! [EIP-2335]: https://eips.ethereum.org/EIPS/eip-2335
//! [web3 secret storage]: https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage/

mod cipher;
pub mod eip2335;
mod error;
mod fields;
mod file;
mod kdf;
mod kdf_params;
mod secret;
pub mod web3;

pub use error::{FileError, FileProblem, KeystoreError};
pub use file::{MAX_FILE_BYTES, write_new};
pub use kdf::{
    Kdf, MAX_PBKDF2_ITERATIONS, MAX_SALT_BYTES, MAX_SCRYPT_MEMORY_BYTES, MAX_SCRYPT_WORK,
};
pub use secret::{Password, SECRET_BYTES, Secret};
