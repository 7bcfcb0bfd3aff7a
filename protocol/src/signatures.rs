//! How the signatures that a ledger and its operators live on are made and checked.
//!
//! [`Shipped`] is what every node, auditor and contract uses, and what [`crate::ledger::Ledger::new`]
//! gives a ledger. A simulator that runs thousands of worlds may give its ledgers another
//! implementation, by [`crate::ledger::Ledger::with_signatures`]: `cargo xtask layers` keeps that
//! name out of every crate that ships.

use std::fmt;

use alloy_primitives::{Address, B256};
use ed25519_dalek::{Signature as Seal, Signer as _, SigningKey, VerifyingKey};
use threshold::{Combiner, GroupPublicKey, PartialSignature, Share, Sharing, Signature};

use crate::ecdsa::{self, SignatureError, Signer};

/// Makes and checks every kind of signature on the ledger and between operators.
pub trait Signatures: fmt::Debug + Send + Sync {
    /// An operator's or a provider's signature on a digest: r ‖ s ‖ v.
    fn sign(&self, signer: &Signer, digest: B256) -> [u8; 65];

    /// Who signed a digest.
    ///
    /// # Errors
    /// When the bytes are not the one canonical encoding of a signature.
    fn signer_of(&self, digest: B256, signature: &[u8; 65]) -> Result<Address, SignatureError>;

    /// A member's signature on an envelope's digest, with its network key.
    fn seal(&self, key: &SigningKey, digest: B256) -> [u8; 64];

    /// Whether the member with this network key signed an envelope's digest.
    fn is_sealed_by(&self, key: &[u8; 32], digest: B256, seal: &[u8; 64]) -> bool;

    /// A member's partial signature on the 32 bytes that the group shall sign.
    fn sign_partial(&self, share: &Share, message: B256) -> [u8; 48];

    /// Collects partial signatures on a message.
    fn combiner(&self, sharing: &Sharing, message: B256) -> Box<dyn Combine>;

    /// The group's signature on a message, if these bytes are it.
    fn group_signature(
        &self,
        key: &GroupPublicKey,
        message: B256,
        signature: &[u8; 48],
    ) -> Option<GroupPoint>;
}

/// Collects partial signatures of one message, one slot a member, until they combine.
pub trait Combine: Send + Sync {
    /// Takes what the member with this share index sent.
    fn add(&mut self, index: u16, partial: &[u8; 48]) -> Added;

    /// Combines once enough are held; bad ones found on the way are dropped and their members
    /// named.
    fn combine(&mut self) -> Combination;
}

/// What became of a partial signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Kept.
    Kept,
    /// Held before, or its member's slot is taken or closed.
    Refused,
    /// No point of the group.
    Malformed,
}

/// What came of combining.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Combination {
    /// The group's signature, once there is one.
    pub signature: Option<GroupPoint>,
    /// Share indices whose partial signature was bad.
    pub culprits: Vec<u16>,
}

/// The group's signature in the two forms that are hashed and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPoint {
    /// Compressed.
    pub compressed: [u8; 48],
    /// As the EVM's precompiles take it.
    pub eip2537: Box<[u8; 128]>,
}

impl From<&Signature> for GroupPoint {
    fn from(signature: &Signature) -> Self {
        Self { compressed: signature.to_bytes(), eip2537: Box::new(signature.to_eip2537()) }
    }
}

/// The signatures that ship: secp256k1, ed25519 and threshold BLS12-381.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shipped;

impl Signatures for Shipped {
    fn sign(&self, signer: &Signer, digest: B256) -> [u8; 65] {
        signer.sign(digest)
    }

    fn signer_of(&self, digest: B256, signature: &[u8; 65]) -> Result<Address, SignatureError> {
        ecdsa::recover(digest, signature)
    }

    fn seal(&self, key: &SigningKey, digest: B256) -> [u8; 64] {
        key.sign(digest.as_slice()).to_bytes()
    }

    fn is_sealed_by(&self, key: &[u8; 32], digest: B256, seal: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(key)
            .and_then(|key| key.verify_strict(digest.as_slice(), &Seal::from_bytes(seal)))
            .is_ok()
    }

    fn sign_partial(&self, share: &Share, message: B256) -> [u8; 48] {
        threshold::sign_partial(share, &message.0).signature.to_bytes()
    }

    fn combiner(&self, sharing: &Sharing, message: B256) -> Box<dyn Combine> {
        Box::new(Combiner::new(sharing.clone(), message.0))
    }

    fn group_signature(
        &self,
        key: &GroupPublicKey,
        message: B256,
        signature: &[u8; 48],
    ) -> Option<GroupPoint> {
        let signature = Signature::from_bytes(signature).ok()?;
        threshold::verify(key, &message.0, &signature).ok()?;
        Some(GroupPoint::from(&signature))
    }
}

impl Combine for Combiner {
    fn add(&mut self, index: u16, partial: &[u8; 48]) -> Added {
        let Ok(signature) = Signature::from_bytes(partial) else { return Added::Malformed };
        let held = self.len();
        let kept = Self::add(self, &PartialSignature { index, signature }).is_ok();
        if kept && self.len() > held { Added::Kept } else { Added::Refused }
    }

    fn combine(&mut self) -> Combination {
        if !self.is_ready() {
            return Combination::default();
        }
        match Self::combine(self) {
            Ok(combined) => Combination {
                signature: Some(GroupPoint::from(&combined.signature)),
                culprits: combined.culprits,
            },
            Err(threshold::CombineError::NotEnoughGood { culprits, .. }) => {
                Combination { signature: None, culprits }
            }
            Err(
                threshold::CombineError::NotEnough { .. } | threshold::CombineError::TooMany { .. },
            ) => Combination::default(),
        }
    }
}
