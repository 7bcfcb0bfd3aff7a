//! Who signs and verifies for consensus: the shipped signer, or a stand-in.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use arc_malachitebft_core_types::{
    NilOrVal, Round, SignedMessage, SignedProposal, SignedVote, ValidatorProof, VoteExtensionScope,
    VoteType,
};
use arc_malachitebft_signing::{Error, VerificationResult, Verifier};
use async_trait::async_trait;
use consensus::{
    Address, ConsensusKey, LedgerContext, LedgerSigner, Proposal, PublicKey, Signature, Vote,
};
use sha2::{Digest as _, Sha256};

/// What every stand-in signature of a world is checked against. A signature is a keyed hash, and
/// nobody but this holds the keys of others: in a world, nobody forges it.
#[derive(Debug, Default)]
pub struct Standins {
    secrets: BTreeMap<Address, [u8; 32]>,
}

/// What a stand-in for a vote or proposal signs: all that the shipped digest covers, hashed cheaply.
fn cheap(what: u8, ledger_id: &[u8; 32], height: u64, rounds: [Round; 2], id: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(ledger_id);
    hasher.update([what]);
    hasher.update(height.to_be_bytes());
    for round in rounds {
        hasher.update(round.as_i64().to_be_bytes());
    }
    hasher.update(id);
    hasher.finalize().into()
}

fn of_vote(ledger_id: &[u8; 32], vote: &Vote) -> [u8; 32] {
    let step = match vote.step {
        VoteType::Prevote => 0,
        VoteType::Precommit => 1,
    };
    let id: &[u8] = match &vote.block {
        NilOrVal::Nil => &[],
        NilOrVal::Val(id) => &id.0,
    };
    cheap(step, ledger_id, vote.height.0, [vote.round, Round::Nil], id)
}

fn of_proposal(ledger_id: &[u8; 32], proposal: &Proposal) -> [u8; 32] {
    let rounds = [proposal.round, proposal.valid_round];
    cheap(2, ledger_id, proposal.height.0, rounds, &proposal.block.0)
}

impl Standins {
    /// The stand-ins of these members.
    pub fn new(secrets: impl IntoIterator<Item = (Address, [u8; 32])>) -> Self {
        Self { secrets: secrets.into_iter().collect() }
    }

    fn sign(&self, address: &Address, digest: &[u8; 32]) -> Option<Signature> {
        let secret = self.secrets.get(address)?;
        let first = Sha256::new().chain_update(secret).chain_update(digest).finalize();
        let mut bytes = [0; 64];
        let (r, s) = bytes.split_at_mut(32);
        r.copy_from_slice(first.as_slice());
        s.copy_from_slice(first.as_slice());
        // Both halves must be scalars, and the second a low one.
        for half in [r, s] {
            if let Some(highest) = half.first_mut() {
                *highest &= 0x3F;
            }
        }
        Signature::from_bytes(&bytes).ok()
    }

    fn verify(&self, address: &Address, digest: &[u8; 32], signature: &Signature) -> bool {
        self.sign(address, digest).is_some_and(|good| good == *signature)
    }
}

/// One member's consensus key, and the means to check everybody's.
#[derive(Clone, Debug)]
pub enum Keys {
    /// What ships.
    Real(Box<LedgerSigner>, Box<ConsensusKey>),
    /// Keyed hashes.
    Standin {
        /// Whose key this is.
        address: Address,
        /// Everybody's.
        standins: Arc<Standins>,
        /// The ledger that signatures are bound to.
        ledger_id: [u8; 32],
    },
}

/// The result of a future that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("signing waits for nothing"),
    }
}

impl Keys {
    /// The shipped signer.
    pub fn real(ledger_id: [u8; 32], key: ConsensusKey) -> Self {
        Self::Real(Box::new(LedgerSigner::new(ledger_id, key.clone())), Box::new(key))
    }

    /// Signs a vote.
    pub fn sign_vote(&self, vote: Vote) -> SignedVote<LedgerContext> {
        match self {
            Self::Real(signer, _) => {
                use arc_malachitebft_signing::Signer;
                now(signer.sign_vote(vote)).expect("a key of the world signs")
            }
            Self::Standin { ledger_id, .. } => {
                let signature = self.sign_digest(&of_vote(ledger_id, &vote));
                SignedMessage::new(vote, signature)
            }
        }
    }

    /// Signs a proposal.
    pub fn sign_proposal(&self, proposal: Proposal) -> SignedProposal<LedgerContext> {
        match self {
            Self::Real(signer, _) => {
                use arc_malachitebft_signing::Signer;
                now(signer.sign_proposal(proposal)).expect("a key of the world signs")
            }
            Self::Standin { ledger_id, .. } => {
                let signature = self.sign_digest(&of_proposal(ledger_id, &proposal));
                SignedMessage::new(proposal, signature)
            }
        }
    }

    /// Signs a digest of consensus.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Signature {
        match self {
            Self::Real(_, key) => key.sign(digest).expect("a key of the world signs"),
            Self::Standin { address, standins, .. } => {
                standins.sign(address, digest).expect("every member has a stand-in")
            }
        }
    }

    /// Whether the validator at `address`, with this key, signed the digest.
    pub fn verify(
        &self,
        address: &Address,
        key: &PublicKey,
        digest: &[u8; 32],
        signature: &Signature,
    ) -> bool {
        match self {
            Self::Real(..) => key.verify(digest, signature),
            Self::Standin { standins, .. } => standins.verify(address, digest, signature),
        }
    }

    /// Whether the validator with this key signed the vote.
    pub fn verify_vote(&self, vote: &Vote, key: &PublicKey, signature: &Signature) -> bool {
        now(self.verify_signed_vote(vote, signature, key)).is_ok_and(|result| result.is_valid())
    }

    /// Whether the validator with this key signed the proposal.
    pub fn verify_proposal(
        &self,
        proposal: &Proposal,
        key: &PublicKey,
        signature: &Signature,
    ) -> bool {
        now(self.verify_signed_proposal(proposal, signature, key))
            .is_ok_and(|result| result.is_valid())
    }

    /// Waits for a verification, which never has to.
    pub(super) fn check<T>(future: impl Future<Output = T>) -> T {
        now(future)
    }
}

#[async_trait]
impl Verifier<LedgerContext> for Keys {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        match self {
            Self::Real(signer, _) => signer.verify_signed_vote(vote, signature, key).await,
            Self::Standin { standins, ledger_id, .. } => {
                let digest = of_vote(ledger_id, vote);
                let valid = standins.verify(&vote.validator, &digest, signature);
                Ok(VerificationResult::from_bool(valid))
            }
        }
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        match self {
            Self::Real(signer, _) => signer.verify_signed_proposal(proposal, signature, key).await,
            Self::Standin { standins, ledger_id, .. } => {
                let digest = of_proposal(ledger_id, proposal);
                let valid = standins.verify(&proposal.proposer, &digest, signature);
                Ok(VerificationResult::from_bool(valid))
            }
        }
    }

    async fn verify_signed_vote_extension(
        &self,
        _scope: &VoteExtensionScope<LedgerContext>,
        _extension: &(),
        _signature: &Signature,
        _key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(
        &self,
        _proof: &ValidatorProof<LedgerContext>,
    ) -> Result<VerificationResult, Error> {
        // Members of a world are connected by the world.
        Ok(VerificationResult::Invalid)
    }
}
