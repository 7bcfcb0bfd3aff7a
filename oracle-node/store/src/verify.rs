//! Walking the whole store, and refusing what does not fit together.

use alloy_primitives::{B256, keccak256};
use protocol::ids::{Height, JobId};
use redb::{ReadTransaction, ReadableTable};

use crate::{
    Store, StoreError,
    error::Context,
    open::Inner,
    tables::{self, TOTAL_RESPONSE_BYTES},
};

/// What [`Store::verify`] walked over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Blocks, from height 1 without a gap.
    pub blocks: u64,
    /// Commit certificates.
    pub certificates: u64,
    /// Group signatures.
    pub group_signatures: u64,
    /// Response bodies.
    pub responses: u64,
    /// Bytes of all response bodies.
    pub response_bytes: u64,
    /// Statements.
    pub statements: u64,
    /// Journal entries, from 0 without a gap.
    pub journal: u64,
}

/// One record, for a caller that knows what its bytes must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'r> {
    /// A block's body.
    Block(Height, &'r [u8]),
    /// A commit certificate.
    Certificate(Height, &'r [u8]),
    /// A group signature of a kind.
    GroupSignature(u8, Height, &'r [u8]),
    /// A response's body under its hash.
    Response(B256, &'r [u8]),
    /// A journal entry.
    Journal(u64, &'r [u8]),
}

/// What the caller thinks of a record.
type Inspect<'i> = dyn FnMut(Record<'_>) -> Result<(), String> + 'i;

impl Store {
    /// Walks all tables in one snapshot: heights and journal numbers have no gaps, certificates
    /// belong to blocks, statements have their hashes, responses and the jobs
    /// that name them agree with each other and with their total. Each record is shown to
    /// `inspect`, which may refuse it with a reason.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first thing that does not fit.
    pub fn verify(
        &self,
        mut inspect: impl FnMut(Record<'_>) -> Result<(), String>,
    ) -> Result<Report, StoreError> {
        let walk = Walk { inner: &self.inner, read: self.inner.begin()? };
        let inspect: &mut Inspect<'_> = &mut inspect;
        let blocks = walk.numbered(tables::BLOCKS, 1, "block", |height, body| {
            inspect(Record::Block(Height(height), body))
        })?;
        let certificates = walk.certificates(blocks, inspect)?;
        let group_signatures = walk.group_signatures(inspect)?;
        let (responses, response_bytes) = walk.responses(inspect)?;
        walk.response_index()?;
        let statements = walk.statements()?;
        let journal = walk.numbered(tables::JOURNAL, 0, "journal entry", |sequence, bytes| {
            inspect(Record::Journal(sequence, bytes))
        })?;
        Ok(Report {
            blocks,
            certificates,
            group_signatures,
            responses,
            response_bytes,
            statements,
            journal,
        })
    }
}

struct Walk<'s> {
    inner: &'s Inner,
    read: ReadTransaction,
}

impl Walk<'_> {
    fn damaged(&self, detail: String) -> StoreError {
        StoreError::Damaged { path: self.inner.path.clone(), detail }
    }

    fn require(&self, holds: bool, detail: impl FnOnce() -> String) -> Result<(), StoreError> {
        if holds { Ok(()) } else { Err(self.damaged(detail())) }
    }

    /// Counts entries whose numbers begin with `first` and have no gap.
    fn numbered(
        &self,
        definition: redb::TableDefinition<'static, u64, &'static [u8]>,
        first: u64,
        what: &str,
        mut inspect: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<u64, StoreError> {
        let path = &self.inner.path;
        let table = self.read.open_table(definition).at(path, "reading")?;
        let mut next = first;
        for entry in table.iter().at(path, "reading")? {
            let (number, bytes) = entry.at(path, "reading")?;
            let number = number.value();
            self.require(number == next, || format!("{what} {next} is missing, {number} follows"))?;
            inspect(number, bytes.value())
                .map_err(|why| self.damaged(format!("{what} {number}: {why}")))?;
            next = next.saturating_add(1);
        }
        Ok(next - first)
    }

    fn certificates(&self, tip: u64, inspect: &mut Inspect<'_>) -> Result<u64, StoreError> {
        let path = &self.inner.path;
        let table = self.read.open_table(tables::CERTIFICATES).at(path, "reading")?;
        let mut count = 0;
        for entry in table.iter().at(path, "reading")? {
            let (height, bytes) = entry.at(path, "reading")?;
            let height = height.value();
            self.require((1..=tip).contains(&height), || {
                format!("certificate {height} has no block, the last one is {tip}")
            })?;
            inspect(Record::Certificate(Height(height), bytes.value()))
                .map_err(|why| self.damaged(format!("certificate {height}: {why}")))?;
            count += 1;
        }
        Ok(count)
    }

    fn group_signatures(&self, inspect: &mut Inspect<'_>) -> Result<u64, StoreError> {
        let path = &self.inner.path;
        let table = self.read.open_table(tables::GROUP_SIGNATURES).at(path, "reading")?;
        let mut count = 0;
        for entry in table.iter().at(path, "reading")? {
            let (key, bytes) = entry.at(path, "reading")?;
            let (kind, height) = key.value();
            inspect(Record::GroupSignature(kind, Height(height), bytes.value()))
                .map_err(|why| self.damaged(format!("group signature {kind}/{height}: {why}")))?;
            count += 1;
        }
        Ok(count)
    }

    fn responses(&self, inspect: &mut Inspect<'_>) -> Result<(u64, u64), StoreError> {
        let path = &self.inner.path;
        let table = self.read.open_table(tables::RESPONSES).at(path, "reading")?;
        let named = self.read.open_table(tables::RESPONSE_JOBS).at(path, "reading")?;
        let (mut count, mut bytes) = (0, 0u64);
        for entry in table.iter().at(path, "reading")? {
            let (hash, body) = entry.at(path, "reading")?;
            let shown = B256::from(hash.value());
            let by_a_job =
                named.range(tables::pairs_of(hash.value())).at(path, "reading")?.next().is_some();
            self.require(by_a_job, || format!("response {shown} is named by no job"))?;
            inspect(Record::Response(shown, body.value()))
                .map_err(|why| self.damaged(format!("response {shown}: {why}")))?;
            count += 1;
            bytes = bytes.saturating_add(body.value().len() as u64);
        }
        let totals = self.read.open_table(tables::TOTALS).at(path, "reading")?;
        let total = totals.get(TOTAL_RESPONSE_BYTES).at(path, "reading")?;
        let total = total.map_or(0, |total| total.value());
        self.require(total == bytes, || {
            format!("responses have {bytes} bytes, their total says {total}")
        })?;
        Ok((count, bytes))
    }

    /// Both indices hold the same pairs, and only of bodies that are there.
    fn response_index(&self) -> Result<(), StoreError> {
        let path = &self.inner.path;
        let bodies = self.read.open_table(tables::RESPONSES).at(path, "reading")?;
        let by_job = self.read.open_table(tables::JOB_RESPONSES).at(path, "reading")?;
        let by_hash = self.read.open_table(tables::RESPONSE_JOBS).at(path, "reading")?;
        let (mut forward, mut backward) = (0u64, 0u64);
        for entry in by_job.iter().at(path, "reading")? {
            let (key, _) = entry.at(path, "reading")?;
            let (job, hash) = key.value();
            let there = bodies.get(hash).at(path, "reading")?.is_some();
            let back = by_hash.get((hash, job)).at(path, "reading")?.is_some();
            self.require(there && back, || {
                let (job, hash) = (JobId(B256::from(job)), B256::from(hash));
                format!("job {job} names response {hash}, which is not there")
            })?;
            forward += 1;
        }
        for entry in by_hash.iter().at(path, "reading")? {
            entry.at(path, "reading")?;
            backward += 1;
        }
        self.require(forward == backward, || {
            format!("jobs name {forward} responses, responses name {backward} jobs")
        })
    }

    fn statements(&self) -> Result<u64, StoreError> {
        let path = &self.inner.path;
        let table = self.read.open_table(tables::STATEMENTS).at(path, "reading")?;
        let mut count = 0;
        for entry in table.iter().at(path, "reading")? {
            let (hash, bytes) = entry.at(path, "reading")?;
            let (stated, actual) = (B256::from(hash.value()), keccak256(bytes.value()));
            self.require(stated == actual, || {
                format!("the statement under {stated} hashes to {actual}")
            })?;
            count += 1;
        }
        Ok(count)
    }
}
