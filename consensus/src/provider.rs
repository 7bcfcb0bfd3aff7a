//! Signing and verifying for the engine.

use arc_malachitebft_core_types::{
    SignedMessage, SigningScheme, ValidatorProof, VoteExtensionScope,
};
use arc_malachitebft_signing::{Error, Signer, VerificationResult, Verifier};
use async_trait::async_trait;

use alloy_primitives::keccak256;

use crate::context::LedgerContext;
use crate::digest::{Words, tag};
use crate::keys::{ConsensusKey, KeyError, PublicKey, Secp256k1, Signature};
use crate::messages::{Proposal, Vote};

/// Signs with one validator's key, and verifies anybody's, for one ledger.
#[derive(Clone, Debug)]
pub struct LedgerSigner {
    ledger_id: [u8; 32],
    key: ConsensusKey,
}

impl LedgerSigner {
    /// The signer of a ledger and key.
    #[must_use]
    pub fn new(ledger_id: [u8; 32], key: ConsensusKey) -> Self {
        Self { ledger_id, key }
    }

    fn sign(&self, digest: &[u8; 32]) -> Result<Signature, Error> {
        self.key.sign(digest).map_err(Error::from_source)
    }

    fn proof_digest(&self, preimage: &[u8]) -> [u8; 32] {
        Words::new(tag("VALIDATOR_PROOF"))
            .word(&self.ledger_id)
            .word(&keccak256(preimage).0)
            .digest()
    }
}

#[async_trait]
impl Verifier<LedgerContext> for LedgerSigner {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let digest = vote.digest(&self.ledger_id);
        Ok(VerificationResult::from_bool(key.verify(&digest, signature)))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let digest = proposal.digest(&self.ledger_id);
        Ok(VerificationResult::from_bool(key.verify(&digest, signature)))
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
        proof: &ValidatorProof<LedgerContext>,
    ) -> Result<VerificationResult, Error> {
        let Ok(key) = Secp256k1::decode_public_key(&proof.public_key) else {
            return Ok(VerificationResult::Invalid);
        };
        let digest = self.proof_digest(&proof.preimage());
        Ok(VerificationResult::from_bool(key.verify(&digest, &proof.signature)))
    }
}

#[async_trait]
impl Signer<LedgerContext> for LedgerSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<LedgerContext, Vote>, Error> {
        let signature = self.sign(&vote.digest(&self.ledger_id))?;
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(
        &self,
        proposal: Proposal,
    ) -> Result<SignedMessage<LedgerContext, Proposal>, Error> {
        let signature = self.sign(&proposal.digest(&self.ledger_id))?;
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _scope: VoteExtensionScope<LedgerContext>,
        _extension: (),
    ) -> Result<SignedMessage<LedgerContext, ()>, Error> {
        // Votes carry no extensions, so there is nothing one could safely sign here.
        Err(Error::from_source(KeyError::Signature))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<LedgerContext>, Error> {
        let preimage = ValidatorProof::<LedgerContext>::signing_bytes(&public_key, &peer_id);
        let signature = self.sign(&self.proof_digest(&preimage))?;
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }
}
