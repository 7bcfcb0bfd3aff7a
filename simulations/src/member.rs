//! One operator with its disk: what survives a crash.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use ed25519_dalek::SigningKey;
use operator::{Config, JournalKey, Operator, Restored, StartError};
use protocol::{block::Block, ecdsa::Signer, genesis::Genesis, ledger::Ledger};
use threshold::Share;

/// The keys of an operator.
#[derive(Clone)]
pub struct Keys {
    /// secp256k1: bundles.
    pub operator: [u8; 32],
    /// ed25519: envelopes and dealings.
    pub network: [u8; 32],
}

/// What is on an operator's disk.
#[derive(Clone, Default)]
pub struct Disk {
    /// Decided blocks, in order.
    pub blocks: Vec<(B256, Block)>,
    /// The operator's journal.
    pub journal: BTreeMap<JournalKey, Vec<u8>>,
    /// Its share of the group key.
    pub share: Option<Share>,
}

/// An operator, its disk, and whether it runs.
pub struct Member {
    /// Its keys.
    pub keys: Keys,
    /// What survives.
    pub disk: Disk,
    /// The running process, if it runs.
    pub process: Option<Operator>,
    /// How often it was started: seeds the entropy of a process.
    pub starts: u8,
}

impl Member {
    /// Starts the process from what is on disk.
    ///
    /// # Errors
    /// As [`Operator::new`].
    ///
    /// # Panics
    /// When the genesis is not valid or the keys are zero: the world makes both.
    pub fn start(&mut self, genesis: &Genesis) -> Result<(), StartError> {
        let mut ledger = Ledger::new(genesis.clone()).expect("the world's genesis is valid");
        for (block_id, block) in &self.disk.blocks {
            ledger.apply(*block_id, block);
        }
        self.starts = self.starts.wrapping_add(1);
        let mut entropy = self.keys.network;
        entropy[0] ^= self.starts;
        let config = Config {
            signer: Signer::from_secret(&self.keys.operator).expect("the world's keys are valid"),
            network_key: SigningKey::from_bytes(&self.keys.network),
            salt_secret: self.keys.operator.into(),
            entropy: entropy.into(),
        };
        let restored =
            Restored { journal: self.disk.journal.clone(), share: self.disk.share.clone() };
        self.process = Some(Operator::new(config, ledger, restored)?);
        Ok(())
    }
}
