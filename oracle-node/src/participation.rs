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
        Ok(Seen { signers, round, proposer, failed, live, margin, own_missed })
    }

    fn proposer(&self, height: u64, round: u32) -> OperatorIndex {
        let count = (self.addresses.len() as u64).max(1);
        let index = (height % count + u64::from(round) % count) % count;
        OperatorIndex(u16::try_from(index).unwrap_or(u16::MAX))
    }
}
