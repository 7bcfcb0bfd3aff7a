//! Writing the file.

use std::io::{self, Write};

use alloy_primitives::{B256, Bytes, Keccak256};
use protocol::{
    block::BlockError,
    genesis::{Genesis, GenesisError},
};
use serde::Serialize;
use thiserror::Error;

use crate::{
    conclusion::Conclusion,
    record::{FORMAT, Record, VERSION},
    replay::Replay,
};

/// Why nothing more can be written.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The output cannot be written.
    #[error("output: {0}")]
    Output(#[from] io::Error),
    /// A record cannot be spelled.
    #[error("record: {0}")]
    Record(#[from] serde_json::Error),
    /// The node's genesis is not one that a ledger can stand on.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The node gave a block that does not follow from those before it.
    #[error("block {height} does not follow from the blocks before it: {source}")]
    Block {
        /// Its height.
        height: u64,
        /// Why.
        source: BlockError,
    },
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The ledger's name.
    pub ledger_id: B256,
    /// The last height.
    pub height: u64,
    /// The state digest after it.
    pub state_digest: B256,
    /// Records, the `end` record included.
    pub records: u64,
    /// Bytes, the `end` record's included.
    pub bytes: u64,
    /// keccak256 of all bytes before the `end` record.
    pub keccak256: B256,
}

/// Writes genesis, blocks and what jobs were judged by. It applies each block, to know which jobs the
/// block concluded; it does not check certificates.
pub struct Exporter<W> {
    output: W,
    hasher: Keccak256,
    replay: Replay,
    records: u64,
    bytes: u64,
}

impl<W: Write> Exporter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When the genesis is none, or the output cannot be written.
    pub fn new(output: W, genesis: Genesis) -> Result<Self, ExportError> {
        let replay = Replay::new(genesis.clone())?;
        let first = Record::Genesis {
            format: FORMAT.into(),
            version: VERSION,
            ledger_id: replay.ledger_id(),
            genesis: Box::new(genesis),
        };
        let mut exporter = Self { output, hasher: Keccak256::new(), replay, records: 0, bytes: 0 };
        exporter.write(&first)?;
        Ok(exporter)
    }

    fn write(&mut self, record: &Record) -> Result<(), ExportError> {
        let line = record.line()?;
        self.output.write_all(&line)?;
        self.hasher.update(&line);
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// The last height that was written.
    pub fn height(&self) -> u64 {
        self.replay.ledger.state().height.0
    }

    /// Bytes written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the next block. For each of the conclusions it gives, in order, the caller then writes
    /// statement, keys and response, as far as it has them.
    ///
    /// # Errors
    /// When the block does not follow from those before, or the output cannot be written.
    pub fn block(
        &mut self,
        body: Bytes,
        certificate: Bytes,
    ) -> Result<Vec<Conclusion>, ExportError> {
        let height = self.height().saturating_add(1);
        let applied = self.replay.apply(&body);
        let (_, conclusions) = applied.map_err(|source| ExportError::Block { height, source })?;
        self.write(&Record::Block { height, body, certificate })?;
        Ok(conclusions)
    }

    /// Writes a job's statement.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn statement(&mut self, job: B256, bytes: Bytes) -> Result<(), ExportError> {
        self.write(&Record::Statement { job, bytes })
    }

    /// Writes a key that a job's statement names.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn key(&mut self, job: B256, bytes: Bytes) -> Result<(), ExportError> {
        self.write(&Record::Key { job, bytes })
    }

    /// Writes a job's response.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn response(&mut self, job: B256, bytes: Bytes) -> Result<(), ExportError> {
        self.write(&Record::Response { job, bytes })
    }

    /// Ends the file, and gives the output back.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> Result<(W, Summary), ExportError> {
        let height = self.height();
        let state_digest = self.replay.ledger.digest();
        let keccak256 = self.hasher.clone().finalize();
        let records = self.records;
        self.write(&Record::End { blocks: height, records, height, state_digest, keccak256 })?;
        self.output.flush()?;
        let summary = Summary {
            ledger_id: self.replay.ledger_id(),
            height,
            state_digest,
            records: self.records,
            bytes: self.bytes,
            keccak256,
        };
        Ok((self.output, summary))
    }
}
