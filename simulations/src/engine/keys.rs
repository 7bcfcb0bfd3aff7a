//! Who signs and verifies for consensus: the shipped signer, or a stand-in.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use alloy_primitives::keccak256;
use arc_malachitebft_core_types::{
    SignedMessage, SignedProposal, SignedVote, ValidatorProof, VoteExtensionScope,
};
use arc_malachitebft_signing::{Error, VerificationResult, Verifier};
use async_trait::async_trait;
use consensus::{
    Address, ConsensusKey, LedgerContext, LedgerSigner, Proposal, PublicKey, Signature, Vote,
};

/// What every stand-in signature of a world is checked against. A signature is a keyed hash, and
/// nobody but this holds the keys of others: in a world, nobody forges it.
#[derive(Debug, Default)]
pub struct Standins {
    secrets: BTreeMap<Address, [u8; 32]>,
}

impl Standins {
    /// The stand-ins of these members.
    pub fn new(secrets: impl IntoIterator<Item = (Address, [u8; 32])>) -> Self {
        Self { secrets: secrets.into_iter().collect() }
    }

    fn sign(&self, address: &Address, digest: &[u8; 32]) -> Option<Signature> {
        let secret = self.secrets.get(address)?;
        let first = keccak256([secret.as_slice(), digest].concat());
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
                let signature = self.sign_digest(&vote.digest(ledger_id));
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
                let signature = self.sign_digest(&proposal.digest(ledger_id));
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
                let valid = standins.verify(&vote.validator, &vote.digest(ledger_id), signature);
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
                let digest = proposal.digest(ledger_id);
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
