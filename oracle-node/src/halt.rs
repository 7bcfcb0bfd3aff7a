//! A chain that was re-organised beyond its finality stays halted, over restarts, until a person says otherwise
//! (docs/decisions/0058).

use alloy_primitives::B256;
use borsh::BorshDeserialize;
use chain::{BlockRef, Cursor};
use eyre::{Context as _, Result, bail};
use operator::{JournalKey, Request};
use protocol::ids::HubIndex;
use serde::{Deserialize, Serialize};
use store::{Batch, Store};

use crate::core::JOURNAL_PREFIX;

/// Records of halted chains begin with this, and end with the chain's id.
const PREFIX: &[u8] = b"halt/";

/// Why a chain was halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Halt {
    /// The block that was read as final.
    pub(crate) expected: BlockRef,
    /// What took its place.
    pub(crate) found: B256,
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let BlockRef { number, hash } = self.expected;
        write!(f, "halted: final block {number} was {hash}, and is {}", self.found)
    }
}

fn key(chain_id: u64) -> Vec<u8> {
    [PREFIX, &chain_id.to_be_bytes()].concat()
}

impl Halt {
    /// Writes it, to be found at the next start.
    ///
    /// # Errors
    /// Never for this type.
    pub(crate) fn write(&self, chain_id: u64, batch: &mut Batch) -> Result<()> {
        batch.record(&key(chain_id), serde_json::to_vec(self)?);
        Ok(())
    }

    /// Whether a chain is halted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn read(store: &Store, chain_id: u64) -> Result<Option<Self>> {
        let bytes = store.record(&key(chain_id))?;
        let halt = bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        halt.wrap_err("the store's record of a halted chain cannot be decoded: restore a backup")
    }

    /// Forgets a halt and all that was read of the chain and is not on the ledger, so that it is read from the hub's first
    /// block again.
    ///
    /// # Errors
    /// When it is not halted, or the store cannot be used.
    pub(crate) fn lift(store: &Store, chain_id: u64, hub: HubIndex) -> Result<()> {
        let Some(halt) = Self::read(store, chain_id)? else {
            bail!("chain {chain_id} is not halted; start without --resume-chain {chain_id}");
        };
        let mut batch = Batch::new();
        batch.remove_record(&key(chain_id));
        batch.cursor(chain_id, serde_json::to_vec(&Cursor::START)?);
        for (key, value) in store.records(JOURNAL_PREFIX)? {
            let name = key.get(JOURNAL_PREFIX.len()..).unwrap_or_default();
            if let Ok(JournalKey::Request(_)) = JournalKey::try_from_slice(name)
                && Request::try_from_slice(&value).is_ok_and(|it| it.sighting.hub == hub)
            {
                batch.remove_record(&key);
            }
        }
        store.append_blocking(batch)?;
        tracing::warn!(chain = chain_id, %halt, "the halt is lifted; the chain is read again from the hub's first block");
        Ok(())
    }
}
