//! Random streams from what the caller brings; this crate draws no entropy itself.

use commonware_cryptography::transcript::{Transcript, Version};
use rand_core::CryptoRng;

/// Domain of every stream made here.
const DOMAIN: &[u8] = b"assay/v1/threshold/random";

/// A stream bound to the parts, each framed by its length, and to a purpose, so that one seed used
/// for two purposes gives unrelated streams.
pub(crate) fn from_parts(parts: &[&[u8]], purpose: &'static [u8]) -> impl CryptoRng + use<> {
    let mut transcript = Transcript::new(DOMAIN, Version::V1);
    for part in parts {
        transcript.commit(*part);
    }
    transcript.noise(purpose)
}
