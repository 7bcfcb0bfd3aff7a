//! Writing a checked batch into an open transaction.

use alloy_primitives::B256;
use protocol::ids::{Height, JobId};
use redb::{ReadableTable, StorageError, Table, TableError, WriteTransaction};

use crate::{
    Batch, Durable,
    batch::Write,
    tables::{self, Pair, TOTAL_RESPONSE_BYTES},
};

type HashTable<'t> = Table<'t, &'static [u8; 32], &'static [u8]>;
type NumberTable<'t> = Table<'t, u64, &'static [u8]>;

/// All tables of one write transaction.
pub(crate) struct WriteTables<'t> {
    pub(crate) blocks: NumberTable<'t>,
    certificates: NumberTable<'t>,
    group_signatures: Table<'t, (u8, u64), &'static [u8]>,
    pub(crate) responses: HashTable<'t>,
    response_jobs: Table<'t, Pair, ()>,
    job_responses: Table<'t, Pair, ()>,
    concluded: Table<'t, (u64, &'static [u8; 32]), ()>,
    statements: HashTable<'t>,
    cursors: NumberTable<'t>,
    journal: NumberTable<'t>,
    records: Table<'t, &'static [u8], &'static [u8]>,
    totals: Table<'t, &'static str, u64>,
}

impl<'t> WriteTables<'t> {
    pub(crate) fn open(write: &'t WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            blocks: write.open_table(tables::BLOCKS)?,
            certificates: write.open_table(tables::CERTIFICATES)?,
            group_signatures: write.open_table(tables::GROUP_SIGNATURES)?,
            responses: write.open_table(tables::RESPONSES)?,
            response_jobs: write.open_table(tables::RESPONSE_JOBS)?,
            job_responses: write.open_table(tables::JOB_RESPONSES)?,
            concluded: write.open_table(tables::CONCLUDED)?,
            statements: write.open_table(tables::STATEMENTS)?,
            cursors: write.open_table(tables::CURSORS)?,
            journal: write.open_table(tables::JOURNAL)?,
            records: write.open_table(tables::RECORDS)?,
            totals: write.open_table(tables::TOTALS)?,
        })
    }

    /// The height of the last block.
    pub(crate) fn tip(&self) -> Result<Option<u64>, StorageError> {
        Ok(self.blocks.last()?.map(|(height, _)| height.value()))
    }

    /// A sum that is kept.
    pub(crate) fn total(&self, name: &str) -> Result<u64, StorageError> {
        Ok(self.totals.get(name)?.map_or(0, |total| total.value()))
    }

    /// Writes what has been checked.
    pub(crate) fn apply(&mut self, batch: &Batch) -> Result<Durable, StorageError> {
        let start = self.next_sequence()?;
        let mut next = start;
        for write in batch.writes() {
            match write {
                Write::Block(height, body) => {
                    self.blocks.insert(height.0, body.as_slice())?;
                }
                Write::Certificate(height, bytes) => {
                    if self.certificates.get(height.0)?.is_none() {
                        self.certificates.insert(height.0, bytes.as_slice())?;
                    }
                }
                Write::GroupSignature(kind, height, bytes) => {
                    self.group_signatures.insert((*kind, height.0), bytes.as_slice())?;
                }
                Write::Response { hash, job, body } => self.put_response(*hash, *job, body)?,
                Write::Concluded(job, height) => {
                    self.concluded.insert((height.0, &job.0.0), ())?;
                }
                Write::PruneResponses(height) => self.prune_responses(*height)?,
                Write::Statement(hash, bytes) => {
                    self.statements.insert(&hash.0, bytes.as_slice())?;
                }
                Write::Cursor(chain_id, bytes) => {
                    self.cursors.insert(*chain_id, bytes.as_slice())?;
                }
                Write::Journal(bytes) => {
                    self.journal.insert(next, bytes.as_slice())?;
                    next = next.saturating_add(1);
                }
                Write::Record(key, value) => {
                    self.records.insert(key.as_slice(), value.as_slice())?;
                }
                Write::RemoveRecord(key) => {
                    self.records.remove(key.as_slice())?;
                }
            }
        }
        Ok(Durable { journal: start..next })
    }

    fn next_sequence(&self) -> Result<u64, StorageError> {
        Ok(self.journal.last()?.map_or(0, |(sequence, _)| sequence.value().saturating_add(1)))
    }

    fn put_response(&mut self, hash: B256, job: JobId, body: &[u8]) -> Result<(), StorageError> {
        if self.responses.insert(&hash.0, body)?.is_none() {
            self.add_to_total(body.len() as u64)?;
        }
        self.response_jobs.insert((&hash.0, &job.0.0), ())?;
        self.job_responses.insert((&job.0.0, &hash.0), ())?;
        Ok(())
    }

    fn prune_responses(&mut self, height: Height) -> Result<(), StorageError> {
        let last = (height.0, &[0xff; 32]);
        let mut jobs = Vec::new();
        for entry in self.concluded.range(..=last)? {
            let (key, _) = entry?;
            let (at, job) = key.value();
            jobs.push((at, *job));
        }
        for (at, job) in jobs {
            self.concluded.remove((at, &job))?;
            self.remove_responses_of(&job)?;
        }
        Ok(())
    }

    fn remove_responses_of(&mut self, job: &[u8; 32]) -> Result<(), StorageError> {
        let mut hashes = Vec::new();
        for entry in self.job_responses.range(tables::pairs_of(job))? {
            let (key, _) = entry?;
            hashes.push(*key.value().1);
        }
        for hash in hashes {
            self.job_responses.remove((job, &hash))?;
            self.response_jobs.remove((&hash, job))?;
            let still_named = self.response_jobs.range(tables::pairs_of(&hash))?.next().is_some();
            if still_named {
                continue;
            }
            let removed = self.responses.remove(&hash)?.map_or(0, |body| body.value().len() as u64);
            self.take_from_total(removed)?;
        }
        Ok(())
    }

    fn add_to_total(&mut self, bytes: u64) -> Result<(), StorageError> {
        let total = self.total(TOTAL_RESPONSE_BYTES)?.saturating_add(bytes);
        self.totals.insert(TOTAL_RESPONSE_BYTES, total)?;
        Ok(())
    }

    fn take_from_total(&mut self, bytes: u64) -> Result<(), StorageError> {
        let total = self.total(TOTAL_RESPONSE_BYTES)?.saturating_sub(bytes);
        self.totals.insert(TOTAL_RESPONSE_BYTES, total)?;
        Ok(())
    }
}
