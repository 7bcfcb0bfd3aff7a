//! Bundles: one operator's signed, numbered batches of facts.
//!
//! Signed is the EIP-712 hash of `Bundle(bytes32 ledgerId,address operator,uint64 number,uint64
//! time,bytes32 facts)` in the domain `EIP712Domain(string name,string version)` = ("Assay", "1");
//! `facts` is the root of the tree over the facts' hashes, zero when there are none. Time is unix
//! milliseconds.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::{
    bytes::merkle_root,
    ecdsa::{SignatureError, Signer},
    fact::Fact,
    ids::{LedgerTime, OperatorIndex},
    signatures::{Shipped, Signatures},
};

/// The largest encoded bundle, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 64 * 1024;

/// The most facts in a bundle: its tree has at most ten levels.
pub const MAX_BUNDLE_FACTS: usize = 1024;

/// The EIP-712 domain.
static DOMAIN: LazyLock<B256> = LazyLock::new(|| {
    let domain_type = keccak256("EIP712Domain(string name,string version)");
    keccak256([domain_type.0, keccak256("Assay").0, keccak256("1").0].concat())
});

/// The EIP-712 type.
static BUNDLE_TYPE: LazyLock<B256> = LazyLock::new(|| {
    keccak256("Bundle(bytes32 ledgerId,address operator,uint64 number,uint64 time,bytes32 facts)")
});

/// Why bytes or a signature make no bundle.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    /// Longer than [`MAX_BUNDLE_BYTES`].
    #[error("bundle has {0} bytes, the most is {MAX_BUNDLE_BYTES}")]
    TooLong(usize),
    /// More facts than [`MAX_BUNDLE_FACTS`].
    #[error("bundle has {0} facts, the most is {MAX_BUNDLE_FACTS}")]
    TooManyFacts(usize),
    /// Not the encoding of a bundle.
    #[error("bundle cannot be decoded: {0}")]
    Encoding(String),
    /// The signature is not canonical.
    #[error("bundle {number} of operator {operator}: {source}")]
    Signature {
        /// Who it claims to be of.
        operator: OperatorIndex,
        /// Its number.
        number: u64,
        /// What is wrong with it.
        source: SignatureError,
    },
    /// Somebody else signed it.
    #[error("bundle {number} of operator {operator} is signed by {signer}, not by {member}")]
    WrongSigner {
        /// Who it claims to be of.
        operator: OperatorIndex,
        /// Its number.
        number: u64,
        /// Who signed.
        signer: Address,
        /// Who should have.
        member: Address,
    },
}

/// One operator's facts, not yet signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bundle {
    /// Whose.
    pub operator: OperatorIndex,
    /// 1 for an operator's first bundle of a ledger, then one more each.
    pub number: u64,
    /// The operator's clock when it was made.
    pub time: LedgerTime,
    /// What it states, in the order in which it is applied.
    pub facts: Vec<Fact>,
}

impl Bundle {
    /// The digest that the operator signs.
    pub fn digest(&self, ledger: B256, operator: Address) -> B256 {
        let leaves: Vec<B256> = self.facts.iter().map(Fact::hash).collect();
        let message = keccak256(
            [
                BUNDLE_TYPE.0,
                ledger.0,
                operator.into_word().0,
                word(self.number),
                word(self.time.0),
                merkle_root(&leaves).0,
            ]
            .concat(),
        );
        keccak256([b"\x19\x01".as_slice(), DOMAIN.as_slice(), message.as_slice()].concat())
    }

    /// Signs the bundle.
    pub fn sign(self, ledger: B256, signer: &Signer) -> SignedBundle {
        self.sign_by(&Shipped, ledger, signer)
    }

    /// As [`Bundle::sign`], with these signatures.
    pub fn sign_by(
        self,
        signatures: &dyn Signatures,
        ledger: B256,
        signer: &Signer,
    ) -> SignedBundle {
        let signature = signatures.sign(signer, self.digest(ledger, signer.address()));
        SignedBundle { bundle: self, signature }
    }
}

fn word(number: u64) -> [u8; 32] {
    let mut word = [0u8; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

/// A bundle with its operator's signature, r ‖ s ‖ v.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedBundle {
    /// The facts.
    pub bundle: Bundle,
    /// The operator's signature on [`Bundle::digest`].
    pub signature: [u8; 65],
}

impl SignedBundle {
    /// The bytes that travel and are stored.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`SignedBundle::encode`] wrote; nothing else decodes.
    ///
    /// # Errors
    /// On bytes that are too long, no bundle, or have something left over.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLong(bytes.len()));
        }
        let signed: Self =
            borsh::from_slice(bytes).map_err(|error| BundleError::Encoding(error.to_string()))?;
        signed.check_bounds(bytes.len())?;
        Ok(signed)
    }

    fn check_bounds(&self, encoded_bytes: usize) -> Result<(), BundleError> {
        if encoded_bytes > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLong(encoded_bytes));
        }
        if self.bundle.facts.len() > MAX_BUNDLE_FACTS {
            return Err(BundleError::TooManyFacts(self.bundle.facts.len()));
        }
        Ok(())
    }

    /// Checks bounds and that `member` signed it.
    ///
    /// # Errors
    /// When a bound is exceeded, or the signature is another's or not canonical.
    pub fn verify(&self, ledger: B256, member: Address) -> Result<(), BundleError> {
        self.verify_by(&Shipped, ledger, member)
    }

    /// As [`SignedBundle::verify`], with these signatures.
    ///
    /// # Errors
    /// As there.
    pub fn verify_by(
        &self,
        signatures: &dyn Signatures,
        ledger: B256,
        member: Address,
    ) -> Result<(), BundleError> {
        self.check_bounds(self.encode().len())?;
        let (operator, number) = (self.bundle.operator, self.bundle.number);
        let signer = signatures
            .signer_of(self.bundle.digest(ledger, member), &self.signature)
            .map_err(|source| BundleError::Signature { operator, number, source })?;
        if signer != member {
            return Err(BundleError::WrongSigner { operator, number, signer, member });
        }
        Ok(())
    }
}
