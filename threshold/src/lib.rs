//! BLS12-381 threshold signatures for an Assay committee: shares, partial signatures, the group's
//! signature, key generation without a dealer, resharing, and the encodings contracts read.
//!
//! - Scheme: BLS, min-sig (signatures in G1, keys in G2), messages hashed by RFC 9380 under
//!   [`DST`]. The group's signature of a message is unique, whichever members made it.
//! - Threshold: q = n − ⌊(n−1)/3⌋ shares ([`quorum`]), the same number as votes in the ledger,
//!   for every n from [`PARTICIPANTS_MIN`] to [`PARTICIPANTS_MAX`].
//! - Pure: no clock, no IO, no entropy of its own. What needs randomness takes a 32-byte seed.
//! - Decoding refuses every non-canonical encoding, and never panics.
//! - [`eip2537`](Signature::to_eip2537) forms are what the precompiles of EIP-2537 take.
//!
//! Types of the libraries underneath (commonware-cryptography, blst) don't appear in this
//! interface; keys, signatures and messages of ceremonies cross it as bytes.

mod combine;
mod encoding;
mod hex;
mod key;
mod quorum;
mod random;
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
pub use share::{Share, ShareError};
pub use sharing::{Sharing, SharingError};
pub use sign::{
    DST, VerifyError, hash_to_g1, sign_partial, verify, verify_partial, verify_with_dst,
};
pub use signature::{PartialSignature, Signature};
