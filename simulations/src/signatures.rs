//! Cheap stand-ins for the signatures on the ledger and between operators.
//!
//! A stand-in is a keyed hash. [`Standins`] alone holds the keys that others' are checked with, so
//! no code of a world forges one; whoever holds a [`Signer`], a [`SigningKey`] or a [`Share`] signs
//! with it, as with the real ones. They are as long as what they stand for, and the group's is the
//! same whichever members made it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use ed25519_dalek::SigningKey;
use protocol::{
    ecdsa::{SignatureError, Signer},
    signatures::{Added, Combination, Combine, GroupPoint, Signatures},
};
use sha2::{Digest as _, Sha256};
use threshold::{GroupPublicKey, Share, Sharing};

/// What every stand-in of a world is made and checked with.
#[derive(Debug)]
pub struct Standins {
    secret: B256,
}

impl Standins {
    /// The stand-ins of a world with this secret.
    pub fn new(secret: B256) -> Self {
        Self { secret }
    }

    fn tag(&self, what: u8, who: &[u8], digest: B256) -> B256 {
        let mut hasher = Sha256::new();
        hasher.update([what]);
        hasher.update(self.secret);
        hasher.update(who);
        hasher.update(digest);
        B256::from(<[u8; 32]>::from(hasher.finalize()))
    }

    fn partial(&self, index: u16, message: B256) -> [u8; 48] {
        long(self.tag(2, &index.to_be_bytes(), message))
    }

    fn group(&self, message: B256) -> GroupPoint {
        let tag = self.tag(3, &[], message);
        let mut eip2537 = Box::new([0; 128]);
        for part in eip2537.chunks_exact_mut(32) {
            part.copy_from_slice(tag.as_slice());
        }
        GroupPoint { compressed: long(tag), eip2537 }
    }

    /// Whether these bytes are the partial signature of the member with this share.
    pub fn is_partial(&self, index: u16, message: B256, partial: &[u8; 48]) -> bool {
        self.partial(index, message) == *partial
    }
}

fn long(tag: B256) -> [u8; 48] {
    let mut bytes = [0; 48];
    for (to, from) in bytes.iter_mut().zip(tag.iter().chain(tag.iter())) {
        *to = *from;
    }
    bytes
}

impl Signatures for Standins {
    /// The signer's address, then the tag: it says who signed, as the real one does.
    fn sign(&self, signer: &Signer, digest: B256) -> [u8; 65] {
        let address = signer.address();
        let mut bytes = [0; 65];
        let tag = self.tag(0, address.as_slice(), digest);
        for (to, from) in bytes.iter_mut().zip(address.iter().chain(tag.iter())) {
            *to = *from;
        }
        bytes
    }

    fn signer_of(&self, digest: B256, signature: &[u8; 65]) -> Result<Address, SignatureError> {
        let (address, rest) = signature.split_at(20);
        let address = Address::from_slice(address);
        let tag = self.tag(0, address.as_slice(), digest);
        let rest_is_tag = rest.iter().zip(tag.iter().chain([0; 13].iter())).all(|(a, b)| a == b);
        if rest_is_tag { Ok(address) } else { Err(SignatureError::NoKey) }
    }

    fn seal(&self, key: &SigningKey, digest: B256) -> [u8; 64] {
        let tag = self.tag(1, &key.verifying_key().to_bytes(), digest);
        let mut bytes = [0; 64];
        for (to, from) in bytes.iter_mut().zip(tag.iter().chain(tag.iter())) {
            *to = *from;
        }
        bytes
    }

    fn is_sealed_by(&self, key: &[u8; 32], digest: B256, seal: &[u8; 64]) -> bool {
        let tag = self.tag(1, key, digest);
        seal.iter().zip(tag.iter().chain(tag.iter())).all(|(a, b)| a == b)
    }

    fn sign_partial(&self, share: &Share, message: B256) -> [u8; 48] {
        self.partial(share.index(), message)
    }

    fn combiner(&self, sharing: &Sharing, message: B256) -> Box<dyn Combine> {
        let participants = sharing.participants();
        Box::new(Collector {
            good: (0..participants).map(|index| self.partial(index, message)).collect(),
            required: sharing.required(),
            group: self.group(message),
            slots: BTreeMap::new(),
            barred: BTreeSet::new(),
        })
    }

    fn group_signature(
        &self,
        _key: &GroupPublicKey,
        message: B256,
        signature: &[u8; 48],
    ) -> Option<GroupPoint> {
        Some(self.group(message)).filter(|good| good.compressed == *signature)
    }
}

/// Collects partial stand-ins as `threshold`'s combiner collects partial signatures: the first q
/// are tried unseen, and only if they don't fit is each looked at.
struct Collector {
    good: Vec<[u8; 48]>,
    required: usize,
    group: GroupPoint,
    slots: BTreeMap<u16, [u8; 48]>,
    barred: BTreeSet<u16>,
}

impl Collector {
    fn is_good(&self, index: u16, partial: &[u8; 48]) -> bool {
        self.good.get(usize::from(index)) == Some(partial)
    }
}

impl Combine for Collector {
    fn add(&mut self, index: u16, partial: &[u8; 48]) -> Added {
        if usize::from(index) >= self.good.len()
            || self.barred.contains(&index)
            || self.slots.contains_key(&index)
        {
            return Added::Refused;
        }
        self.slots.insert(index, *partial);
        Added::Kept
    }

    fn combine(&mut self) -> Combination {
        if self.slots.len() < self.required {
            return Combination::default();
        }
        let signature = Some(self.group.clone());
        let mut first = self.slots.iter().take(self.required);
        if first.all(|(index, partial)| self.is_good(*index, partial)) {
            return Combination { signature, culprits: Vec::new() };
        }
        let bad = self.slots.iter().filter(|(index, partial)| !self.is_good(**index, partial));
        let culprits: Vec<u16> = bad.map(|(index, _)| *index).collect();
        for culprit in &culprits {
            self.slots.remove(culprit);
            self.barred.insert(*culprit);
        }
        let enough = self.slots.len() >= self.required;
        Combination { signature: signature.filter(|_| enough), culprits }
    }
}
