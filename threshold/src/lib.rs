#![doc = include_str!("../README.md")]
//!
//! - Scheme: BLS, min-sig (signatures in G1, keys in G2), messages hashed by RFC 9380 under
//!   [`DST`]. The group's signature of a message is unique, whichever members made it.
//! - Threshold: q = n − ⌊(n−1)/3⌋ shares ([`quorum`]), the same number as votes in the ledger,
//!   for every n from [`PARTICIPANTS_MIN`] to [`PARTICIPANTS_MAX`].
//! - What needs randomness takes a 32-byte seed, bound to its purpose.
//! - Decoding refuses every non-canonical encoding, and never panics.

mod combine;
pub mod dkg;
mod encoding;
mod hex;
mod key;
mod quorum;
mod random;
mod seal;
mod share;
mod sharing;
mod sign;
mod signature;
#[cfg(feature = "trusted-dealer")]
pub mod trusted;

pub use combine::{AddError, CombineError, Combined, Combiner, PARTIALS_MAX, combine};
pub use encoding::PointError;
pub use key::GroupPublicKey;
pub use quorum::{PARTICIPANTS_MAX, PARTICIPANTS_MIN, max_faulty, quorum};
pub use seal::{
    EphemeralKey, SEAL_OVERHEAD_BYTES, SEAL_PLAINTEXT_BYTES_MAX, SealError, open, seal,
};
pub use share::{Share, ShareError};
pub use sharing::{Sharing, SharingError};
pub use sign::{
    DST, VerifyError, hash_to_g1, sign_partial, verify, verify_partial, verify_with_dst,
};
pub use signature::{PartialSignature, Signature};
