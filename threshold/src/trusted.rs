//! Keys dealt by one party that sees the secret: for tests and the simulator only.
//!
//! Compiled with the feature `trusted-dealer`, which no daemon enables.

use crate::{
    Share, Sharing,
    dkg::{Output, identity},
    quorum::{PARTICIPANTS_MAX, PARTICIPANTS_MIN},
    random,
};
use commonware_cryptography::bls12381::{
    dkg::feldman_desmedt,
    primitives::{sharing::Mode, variant::MinSig},
};
use commonware_utils::{N3f1, ordered::Set};
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
    let (sharing, shares) = feldman_desmedt::deal_anonymous::<MinSig, N3f1>(
        random::from_parts(&[&seed], b"trusted dealer"),
        Mode::NonZeroCounter,
        total,
    );
    let sharing = Sharing::from_inner(sharing).expect("a dealt sharing is valid");
    let shares =
        shares.into_iter().map(|share| Share::from_inner(share).expect("small index")).collect();
    (sharing, shares)
}

/// Deals a key to players with these ed25519 public keys, as if a ceremony had ended: an output
/// that can be reshared. Shares come in ascending order of the players' keys.
///
/// # Panics
/// Unless there are 4 to 128 distinct, valid keys.
#[must_use]
pub fn deal_output(seed: [u8; 32], players: &[[u8; 32]]) -> (Output, Vec<Share>) {
    let keys: Vec<_> =
        players.iter().map(|key| identity::public(key).expect("an ed25519 key")).collect();
    let (output, shares) = feldman_desmedt::deal::<MinSig, _, N3f1>(
        random::from_parts(&[&seed], b"trusted dealer"),
        Mode::NonZeroCounter,
        Set::try_from(keys).expect("distinct keys"),
    )
    .expect("there are players");
    let output = Output::from_inner(output, 0).expect("a dealt output is valid");
    let shares =
        shares.values().iter().cloned().map(|s| Share::from_inner(s).expect("small index"));
    (output, shares.collect())
}
