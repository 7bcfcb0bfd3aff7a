//! Which votes and proposals were heard, and how fast their authors make them.
//!
//! Their signatures are checked before they are passed on, so that whoever passes on a bad one is to blame.
//! A member can still sign as many good ones as it likes, and everybody passes them on; so authors have a
//! rate of their own. Others can send a member's messages again under new nonces; these are taken from
//! another rate, so that nobody can use up a member's own.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use consensus::Address;
use tokio::time::Instant;

use crate::rate::{Bucket, Rate};

/// New votes and proposals of one member: two and one a height, and rounds that fail.
pub(crate) const FRESH: Rate = Rate { per_second: 300, burst: 600 };
/// Those of one member that were heard before: it sends them again while a height lasts.
pub(crate) const AGAIN: Rate = Rate { per_second: 50, burst: 200 };
/// Messages remembered; those above it count as new each time.
const HEARD_MAX: usize = 32 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Votes {
    heard: BTreeSet<(u64, [u8; 32])>,
    fresh: BTreeMap<Address, Bucket>,
    again: BTreeMap<Address, Bucket>,
}

/// A message's name, whatever its nonce.
pub(crate) fn digest(message: &[u8]) -> [u8; 32] {
    keccak256(message).0
}

impl Votes {
    pub(crate) fn has_heard(&self, height: u64, digest: &[u8; 32]) -> bool {
        self.heard.contains(&(height, *digest))
    }

    /// Whether a message of `author` that was heard before may be heard again now.
    pub(crate) fn may_repeat(&mut self, author: &Address, now: Instant) -> bool {
        self.again.entry(*author).or_insert_with(|| Bucket::new(AGAIN, now)).take(1, now)
    }

    /// Notes a message that `author` has signed; false if it makes too many.
    pub(crate) fn hear(
        &mut self,
        height: u64,
        digest: [u8; 32],
        author: &Address,
        now: Instant,
    ) -> bool {
        let fresh = self.fresh.entry(*author).or_insert_with(|| Bucket::new(FRESH, now));
        if !fresh.take(1, now) {
            return false;
        }
        if self.heard.len() < HEARD_MAX {
            self.heard.insert((height, digest));
        }
        true
    }

    /// Forgets decided heights.
    pub(crate) fn forget(&mut self, decided: u64) {
        self.heard = self.heard.split_off(&(decided.saturating_add(1), [0; 32]));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn repeating_a_members_votes_leaves_room_for_its_new_ones() {
        let (mut votes, author, now) = (Votes::default(), Address([1; 20]), Instant::now());
        assert!(votes.hear(5, [1; 32], &author, now));
        let repeated = (0..10_000).filter(|_| votes.may_repeat(&author, now)).count();
        assert_eq!(repeated as u64, AGAIN.burst);
        assert!(votes.has_heard(5, &[1; 32]));
        assert!(votes.hear(5, [2; 32], &author, now));
    }

    #[test]
    fn author_of_too_many_votes_is_limited_alone() {
        let (mut votes, loud, now) = (Votes::default(), Address([1; 20]), Instant::now());
        let heard = (0..10_000_u32)
            .filter(|number| votes.hear(5, digest(&number.to_be_bytes()), &loud, now))
            .count();
        assert_eq!(heard as u64, FRESH.burst);
        assert!(votes.hear(5, [9; 32], &Address([2; 20]), now));
        assert!(votes.hear(5, [9; 32], &loud, now + Duration::from_secs(1)));
    }

    #[test]
    fn what_is_heard_is_bounded_and_forgotten_with_its_height() {
        let (mut votes, mut now) = (Votes::default(), Instant::now());
        for number in 0..40_000_u32 {
            now += Duration::from_millis(10);
            let author = Address([1; 20]);
            assert!(votes.hear(number.into(), digest(&number.to_be_bytes()), &author, now));
        }
        assert_eq!(votes.heard.len(), HEARD_MAX);
        votes.forget(30_000);
        assert_eq!(votes.heard.len(), HEARD_MAX - 30_001);
        votes.forget(u64::MAX);
        assert!(votes.heard.is_empty());
    }
}
