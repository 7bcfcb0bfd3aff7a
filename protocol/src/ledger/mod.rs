//! The ledger: blocks in, state and events out.
//!
//! [`Ledger::validate`] says whether a block may be voted for; nothing but its own bytes and the
//! state before it decides that. [`Ledger::apply`] is total: a fact that makes no sense is skipped
//! with a code, and its bundle's number is consumed.
//!
//! Order within a block of height h, all judged against time(h−1): phases that are due end; group
//! signatures; facts, by operator and position; then time(h), clocks, and the outcomes of h.

mod apply;
mod ceremony;
mod clock;
mod event;
mod facts;
mod index_set;
mod job;
mod outcomes;
mod state;
mod validate;

use std::sync::Arc;

use alloy_primitives::B256;
use threshold::{GroupPublicKey, Sharing};

pub use self::{
    ceremony::{Ceremony, Stage, ceremony_of},
    clock::Clock,
    event::{Event, SkipCode},
    index_set::IndexSet,
    job::{Job, Phase},
    outcomes::{Batch, MAX_BATCH_OUTCOMES},
    state::{GroupState, MAX_OPEN_JOBS, MAX_SIGHTINGS_PER_MEMBER, MemberState, State},
};
use crate::{
    genesis::{Genesis, GenesisError},
    signatures::{Shipped, Signatures},
};

/// The replicated state, and what is derived from it.
#[derive(Clone, Debug)]
pub struct Ledger {
    genesis: Arc<Genesis>,
    state: State,
    digest: B256,
    group: Option<Group>,
    signatures: Arc<dyn Signatures>,
}

/// The group key in a form that verifies; decoded once from the state.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's public key.
    pub key: GroupPublicKey,
    /// The members' public polynomial.
    pub sharing: Sharing,
}

impl Ledger {
    /// The ledger before its first block.
    ///
    /// # Errors
    /// When the genesis is not one that a ledger can stand on.
    pub fn new(genesis: Genesis) -> Result<Self, GenesisError> {
        Self::with_signatures(genesis, Arc::new(Shipped))
    }

    /// As [`Ledger::new`], with other signatures: for simulators alone.
    ///
    /// # Errors
    /// As there.
    pub fn with_signatures(
        genesis: Genesis,
        signatures: Arc<dyn Signatures>,
    ) -> Result<Self, GenesisError> {
        genesis.validate()?;
        let state = State::new(&genesis);
        let digest = state.digest();
        Ok(Self { genesis: Arc::new(genesis), state, digest, group: None, signatures })
    }

    /// How signatures are made and checked.
    pub fn signatures(&self) -> &dyn Signatures {
        self.signatures.as_ref()
    }

    /// What the ledger stands on.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The state after the last applied block.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The digest of [`Ledger::state`].
    pub fn digest(&self) -> B256 {
        self.digest
    }

    /// The group of this epoch, once its ceremony has ended.
    pub fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }
}
