//! Who takes part in consensus, read from commit certificates.
//!
//! A certificate closes at a quorum of votes, so a healthy member that is far away may be in few of
//! them. What does not depend on the distance is proposing: a member's turn comes every n rounds.
//! So a member counts as live while it voted for *or* proposed one of the latest [`window`] blocks.

use std::collections::BTreeSet;

use consensus::{Address, PublicKey};
use eyre::{Result, WrapErr as _, eyre};
use protocol::{genesis::Genesis, ids::OperatorIndex};

/// The fewest blocks after which a silent member no longer counts as live.
const WINDOW_MIN: u64 = 32;
/// Turns to propose that a member may let pass.
const TURNS: u64 = 3;
/// Rounds of one height that are looked at.
const ROUNDS_MAX: u32 = 1_000;

/// Blocks after which a silent member of a committee of `members` no longer counts as live.
pub(crate) fn window(members: usize) -> u64 {
    WINDOW_MIN.max(TURNS.saturating_mul(members as u64))
}

/// What one certificate showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Whose votes it holds.
    pub(crate) signers: BTreeSet<OperatorIndex>,
    /// The round that decided.
    pub(crate) round: u32,
    /// Whose block it is.
    pub(crate) proposer: OperatorIndex,
    /// Whose rounds ended without a decision.
    pub(crate) failed: Vec<OperatorIndex>,
    /// Members that count as live.
    pub(crate) live: usize,
    /// Live members above the quorum.
    pub(crate) margin: i64,
    /// Certificates in a row without the own vote, this one included.
    pub(crate) own_missed: u64,
}

/// Follows the certificates of a ledger.
#[derive(Clone, Debug)]
pub(crate) struct Participation {
    addresses: Vec<Address>,
    quorum: usize,
    me: OperatorIndex,
    blocks: u64,
    /// For each member, the count of blocks when it last took part; at first the benefit of the doubt.
    last: Vec<u64>,
    own_missed: u64,
}

impl Participation {
    /// Before the first certificate.
    ///
    /// # Errors
    /// When a member's consensus key is none.
    pub(crate) fn new(genesis: &Genesis, me: OperatorIndex) -> Result<Self> {
        let addresses = genesis
            .members
            .iter()
            .map(|member| Ok(PublicKey::from_bytes(&member.consensus_key)?.address()))
            .collect::<Result<Vec<_>>>()
            .wrap_err("genesis: a consensus key")?;
        let last = vec![0; addresses.len()];
        let quorum = genesis.quorums().q;
        Ok(Self { addresses, quorum, me, blocks: 0, last, own_missed: 0 })
    }

    /// Takes the next certificate, which consensus has checked.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn certificate(&mut self, height: u64, bytes: &[u8]) -> Result<Seen> {
        let certificate = consensus::decode_certificate(bytes)?;
        let round = certificate.round.as_u32().ok_or_else(|| eyre!("a certificate of no round"))?;
        let signers: BTreeSet<OperatorIndex> = certificate
            .commit_signatures
            .iter()
            .filter_map(|entry| self.addresses.iter().position(|known| *known == entry.address))
            .filter_map(|position| u16::try_from(position).ok().map(OperatorIndex))
            .collect();
        Ok(self.decided(height, round, signers))
    }

    /// Takes what a certificate says.
    fn decided(&mut self, height: u64, round: u32, signers: BTreeSet<OperatorIndex>) -> Seen {
        let proposer = self.proposer(height, round);
        let failed = (0..round.min(ROUNDS_MAX)).map(|round| self.proposer(height, round)).collect();
        self.blocks = self.blocks.saturating_add(1);
        for index in signers.iter().chain([&proposer]) {
            if let Some(last) = self.last.get_mut(usize::from(index.0)) {
                *last = self.blocks;
            }
        }
        let own = signers.contains(&self.me);
        self.own_missed = if own { 0 } else { self.own_missed.saturating_add(1) };
        let oldest = self.blocks.saturating_sub(window(self.last.len()));
        let live = self.last.iter().filter(|last| **last >= oldest).count();
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let margin = signed(live).saturating_sub(signed(self.quorum));
        let own_missed = self.own_missed;
        Seen { signers, round, proposer, failed, live, margin, own_missed }
    }

    fn proposer(&self, height: u64, round: u32) -> OperatorIndex {
        let count = (self.addresses.len() as u64).max(1);
        let index = (height % count + u64::from(round) % count) % count;
        OperatorIndex(u16::try_from(index).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: OperatorIndex = OperatorIndex(0);

    fn committee(members: usize) -> Participation {
        Participation {
            addresses: vec![Address([0; 20]); members],
            quorum: members - (members - 1) / 3,
            me: ME,
            blocks: 0,
            last: vec![0; members],
            own_missed: 0,
        }
    }

    fn signers(indices: &[u16]) -> BTreeSet<OperatorIndex> {
        indices.iter().map(|index| OperatorIndex(*index)).collect()
    }

    #[test]
    fn distant_member_that_proposes_counts_as_live() {
        let mut participation = committee(4);
        let mut seen = None;
        for height in 1..200 {
            seen = Some(participation.decided(height, 0, signers(&[0, 1, 2])));
        }
        let seen = seen.unwrap();
        assert_eq!((seen.live, seen.margin), (4, 1));
    }

    #[test]
    fn silent_member_stops_counting_after_the_window_and_costs_its_rounds() {
        let mut participation = committee(4);
        let (mut lives, mut failed) = (Vec::new(), 0);
        for height in 1..=window(4) + 1 {
            let round = u32::from(height % 4 == 3);
            let seen = participation.decided(height, round, signers(&[0, 1, 2]));
            assert_ne!(seen.proposer, OperatorIndex(3));
            failed += seen.failed.iter().filter(|index| **index == OperatorIndex(3)).count();
            lives.push(seen.live);
        }
        assert_eq!(lives.pop(), Some(3));
        assert!(lives.iter().all(|live| *live == 4), "{lives:?}");
        assert_eq!(failed, usize::try_from(window(4) / 4).unwrap());
    }

    #[test]
    fn margin_is_negative_with_fewer_than_a_quorum() {
        let mut participation = committee(4);
        for height in 1..=window(4) + 1 {
            // Two proposers are away; certificates of a quorum cannot come, these stand for old ones.
            let round = [0, 0, 2, 1][usize::try_from(height % 4).unwrap()];
            participation.decided(height, round, signers(&[0, 1]));
        }
        let seen = participation.decided(100, 0, signers(&[0, 1]));
        assert_eq!((seen.live, seen.margin), (2, -1));
    }

    #[test]
    fn own_votes_that_are_missing_are_counted_until_one_comes() {
        let mut participation = committee(4);
        for missed in 1..=3 {
            assert_eq!(participation.decided(missed, 0, signers(&[1, 2, 3])).own_missed, missed);
        }
        assert_eq!(participation.decided(4, 0, signers(&[0, 1, 2])).own_missed, 0);
    }
}
