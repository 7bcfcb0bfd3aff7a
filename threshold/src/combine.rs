//! Partial signatures into the group's signature.
//!
//! Optimistic: the first q partials are combined unverified and the result is verified once. Only
//! when that fails is each partial verified, and every member whose partial is bad is named. So
//! the common case costs one pairing check, whatever the committee's size.

use crate::{
    Sharing,
    quorum::PARTICIPANTS_MAX,
    sign::{verify, verify_partial},
    signature::{PartialSignature, Signature},
};
use commonware_cryptography::bls12381::primitives::{
    ops::threshold,
    variant::{self, MinSig},
};
use commonware_parallel::Sequential;
use commonware_utils::Participant;
use std::collections::{BTreeMap, BTreeSet};

/// Most partial signatures looked at in one call: two for every member of the largest committee.
pub const PARTIALS_MAX: usize = 2 * PARTICIPANTS_MAX;

/// The group's signature, verified, and who tried to spoil it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combined {
    /// Verifies under the group key.
    pub signature: Signature,
    /// Indices with a bad partial signature, ascending. Empty when the first q happened to
    /// combine: partials beyond those were then not looked at.
    pub culprits: Vec<u16>,
}

/// Why no group signature came out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// Too few distinct members; nothing was verified.
    #[error("{got} distinct partial signatures, {required} are needed")]
    NotEnough {
        /// Distinct indices in range.
        got: usize,
        /// The quorum.
        required: usize,
    },
    /// Enough partials, but too few good ones.
    #[error("{good} good partial signatures, {required} are needed; bad from {culprits:?}")]
    NotEnoughGood {
        /// Distinct members whose partial verifies.
        good: usize,
        /// The quorum.
        required: usize,
        /// Indices with a bad partial signature, ascending.
        culprits: Vec<u16>,
    },
    /// More than [`PARTIALS_MAX`] partials were given; nothing was looked at.
    #[error("{got} partial signatures given, at most {PARTIALS_MAX} are looked at")]
    TooMany {
        /// Partials given.
        got: usize,
    },
}

/// Combines any q distinct partial signatures of one message.
///
/// Duplicates of an index count once. An index beyond the last member is a culprit. When one
/// index has a good and a bad partial it is a culprit, and its good one is used.
///
/// # Errors
/// [`CombineError`]; its culprits are exactly the indices with a bad partial.
pub fn combine(
    sharing: &Sharing,
    message: &[u8; 32],
    partials: &[PartialSignature],
) -> Result<Combined, CombineError> {
    if partials.len() > PARTIALS_MAX {
        return Err(CombineError::TooMany { got: partials.len() });
    }
    let required = sharing.required();
    let mut first = BTreeMap::new();
    for partial in partials.iter().filter(|partial| partial.index < sharing.participants()) {
        first.entry(partial.index).or_insert(partial.signature);
    }
    if first.len() < required {
        return Err(CombineError::NotEnough { got: first.len(), required });
    }
    if let Some(signature) = interpolate(sharing, message, &first) {
        return Ok(Combined { signature, culprits: Vec::new() });
    }

    let mut good = BTreeMap::new();
    let mut culprits = BTreeSet::new();
    for partial in partials.iter().collect::<BTreeSet<_>>() {
        match verify_partial(sharing, partial.index, message, partial) {
            Ok(()) => {
                good.insert(partial.index, partial.signature);
            }
            Err(_) => {
                culprits.insert(partial.index);
            }
        }
    }
    let culprits = culprits.into_iter().collect();
    if good.len() < required {
        return Err(CombineError::NotEnoughGood { good: good.len(), required, culprits });
    }
    match interpolate(sharing, message, &good) {
        Some(signature) => Ok(Combined { signature, culprits }),
        // Good partials lie on one polynomial of degree q − 1, so their combination verifies.
        None => Err(CombineError::NotEnoughGood { good: good.len(), required, culprits }),
    }
}

/// Interpolates at zero from the first q, and verifies the result under the group key.
fn interpolate(
    sharing: &Sharing,
    message: &[u8; 32],
    signatures: &BTreeMap<u16, Signature>,
) -> Option<Signature> {
    let partials: Vec<_> = signatures
        .iter()
        .take(sharing.required())
        .map(|(index, signature)| variant::PartialSignature::<MinSig> {
            index: Participant::new(u32::from(*index)),
            value: *signature.point(),
        })
        .collect();
    let point = threshold::recover(sharing.inner(), &partials, &Sequential).ok()?;
    let signature = Signature::from_point(point)?;
    verify(sharing.group_key(), message, &signature).ok().map(|()| signature)
}

/// Why a partial signature was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// The sharing has no such member.
    #[error("index {index} is not below the {participants} members")]
    OutOfRange {
        /// The partial's index.
        index: u16,
        /// Members of the sharing.
        participants: u16,
    },
    /// This member's slot holds another partial signature already.
    #[error("member {0} sent a second, different partial signature")]
    Conflict(u16),
    /// This member's partial was found bad before; its slot stays closed.
    #[error("member {0} sent a bad partial signature before")]
    Barred(u16),
}

/// Collects partial signatures of one message, one slot a member, until they combine.
///
/// The caller has authenticated that each partial came from the member with its index; so a bad
/// one closes its member's slot.
#[derive(Clone, Debug)]
pub struct Combiner {
    sharing: Sharing,
    message: [u8; 32],
    slots: BTreeMap<u16, Signature>,
    barred: BTreeSet<u16>,
}

impl Combiner {
    /// Starts collecting for one message.
    #[must_use]
    pub const fn new(sharing: Sharing, message: [u8; 32]) -> Self {
        Self { sharing, message, slots: BTreeMap::new(), barred: BTreeSet::new() }
    }

    /// The message being signed.
    #[must_use]
    pub const fn message(&self) -> &[u8; 32] {
        &self.message
    }

    /// Keeps a partial signature; the same one again changes nothing.
    ///
    /// # Errors
    /// [`AddError`] when the index has no slot, or its slot is taken or closed.
    pub fn add(&mut self, partial: &PartialSignature) -> Result<(), AddError> {
        let index = partial.index;
        let participants = self.sharing.participants();
        if index >= participants {
            return Err(AddError::OutOfRange { index, participants });
        }
        if self.barred.contains(&index) {
            return Err(AddError::Barred(index));
        }
        match self.slots.get(&index) {
            Some(held) if *held != partial.signature => Err(AddError::Conflict(index)),
            Some(_) => Ok(()),
            None => {
                self.slots.insert(index, partial.signature);
                Ok(())
            }
        }
    }

    /// Members whose partial is held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no partial is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether q partials are held, so that [`Self::combine`] is worth a try.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.slots.len() >= self.sharing.required()
    }

    /// Members whose slot was closed for a bad partial, ascending.
    pub fn barred(&self) -> impl Iterator<Item = u16> + '_ {
        self.barred.iter().copied()
    }

    /// Combines what is held; bad partials found on the way are dropped and their members barred.
    ///
    /// # Errors
    /// [`CombineError`] as [`combine`]; more partials may still make it succeed later.
    pub fn combine(&mut self) -> Result<Combined, CombineError> {
        let partials: Vec<_> = self
            .slots
            .iter()
            .map(|(index, signature)| PartialSignature { index: *index, signature: *signature })
            .collect();
        let result = combine(&self.sharing, &self.message, &partials);
        let culprits = match &result {
            Ok(combined) => combined.culprits.as_slice(),
            Err(CombineError::NotEnoughGood { culprits, .. }) => culprits.as_slice(),
            Err(CombineError::NotEnough { .. } | CombineError::TooMany { .. }) => &[],
        };
        for culprit in culprits {
            self.slots.remove(culprit);
            self.barred.insert(*culprit);
        }
        result
    }
}
