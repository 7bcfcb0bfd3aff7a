//! Keys dealt by one party that sees the secret: for tests and the simulator only.
//!
//! Compiled with the feature `trusted-dealer`, which no daemon enables.

use crate::{
    Share, Sharing,
    quorum::{PARTICIPANTS_MAX, PARTICIPANTS_MIN},
    random,
};
use commonware_cryptography::bls12381::{
    dkg::feldman_desmedt::deal_anonymous,
    primitives::{sharing::Mode, variant::MinSig},
};
use commonware_utils::N3f1;
use std::num::NonZeroU32;

/// Deals a key to `participants` members, deterministically from the seed.
///
/// # Panics
/// Unless there are 4 to 128 members.
#[must_use]
pub fn deal(seed: [u8; 32], participants: u16) -> (Sharing, Vec<Share>) {
    assert!(
        (PARTICIPANTS_MIN..=PARTICIPANTS_MAX).contains(&usize::from(participants)),
        "{participants} members"
    );
    let total = NonZeroU32::new(u32::from(participants)).expect("not zero");
    let (sharing, shares) = deal_anonymous::<MinSig, N3f1>(
        random::from_parts(&[&seed], b"trusted dealer"),
        Mode::NonZeroCounter,
        total,
    );
    let sharing = Sharing::from_inner(sharing).expect("a dealt sharing is valid");
    let shares =
        shares.into_iter().map(|share| Share::from_inner(share).expect("small index")).collect();
    (sharing, shares)
}
