//! Reading what is durable.

use std::ops::RangeBounds;

use alloy_primitives::B256;
use protocol::ids::{Height, JobId};
use redb::{
    Key, OwnedRange, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, Value,
};

use crate::{
    Store, StoreError,
    error::Context,
    open::Inner,
    tables::{self, TOTAL_RESPONSE_BYTES},
};

/// A record's key and value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

impl Inner {
    pub(crate) fn begin(&self) -> Result<ReadTransaction, StoreError> {
        self.database.begin_read().at(&self.path, "reading")
    }

    pub(crate) fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<ReadOnlyTable<K, V>, StoreError> {
        self.begin()?.open_table(definition).at(&self.path, "reading")
    }
}

impl Store {
    /// The height of the last block, if there is one.
    ///
    /// # Errors
    /// When the file can't be read, here and in all the others.
    pub fn tip(&self) -> Result<Option<Height>, StoreError> {
        let blocks = self.inner.table(tables::BLOCKS)?;
        let last = blocks.last().at(&self.inner.path, "reading")?;
        Ok(last.map(|(height, _)| Height(height.value())))
    }

    /// A block's body.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn block(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(tables::BLOCKS, height.0)
    }

    /// The blocks of a range of heights in order, read as they are asked for.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn blocks(&self, heights: impl RangeBounds<Height>) -> Result<Blocks, StoreError> {
        let bounds = (
            heights.start_bound().map(|height| height.0),
            heights.end_bound().map(|height| height.0),
        );
        let table = self.inner.table(tables::BLOCKS)?;
        let range = table.range_owned(bounds).at(&self.inner.path, "reading")?;
        Ok(Blocks { store: self.clone(), range })
    }

    /// A block's commit certificate.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(tables::CERTIFICATES, height.0)
    }

    /// The group signature of a kind over a height.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn group_signature(&self, kind: u8, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(tables::GROUP_SIGNATURES, (kind, height.0))
    }

    /// A response's body.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn response(&self, hash: B256) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(tables::RESPONSES, &hash.0)
    }

    /// The hashes of the responses that are kept for a job.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn responses_of(&self, job: JobId) -> Result<Vec<B256>, StoreError> {
        let table = self.inner.table(tables::JOB_RESPONSES)?;
        let path = &self.inner.path;
        let mut hashes = Vec::new();
        for entry in table.range(tables::pairs_of(&job.0.0)).at(path, "reading")? {
            let (key, _) = entry.at(path, "reading")?;
            hashes.push(B256::from(key.value().1));
        }
        Ok(hashes)
    }

    /// Bytes of all response bodies together.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn response_bytes(&self) -> Result<u64, StoreError> {
        let totals = self.inner.table(tables::TOTALS)?;
        let total = totals.get(TOTAL_RESPONSE_BYTES).at(&self.inner.path, "reading")?;
        Ok(total.map_or(0, |total| total.value()))
    }

    /// A statement by its keccak256.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn statement(&self, hash: B256) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(tables::STATEMENTS, &hash.0)
    }

    /// How far a chain has been read.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn cursor(&self, chain_id: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(tables::CURSORS, chain_id)
    }

    /// The operator's journal from `sequence` on, read as it is asked for.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn journal(&self, from: u64) -> Result<Journal, StoreError> {
        let table = self.inner.table(tables::JOURNAL)?;
        let range = table.range_owned(from..).at(&self.inner.path, "reading")?;
        Ok(Journal { store: self.clone(), range })
    }

    /// The operator's latest record of a key.
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn record(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(tables::RECORDS, key)
    }

    /// All records whose key begins with `prefix`, in order of keys, as (key, value).
    ///
    /// # Errors
    /// As [`Store::tip`].
    pub fn records(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        let table = self.inner.table(tables::RECORDS)?;
        let path = &self.inner.path;
        let mut found = Vec::new();
        for entry in table.range(prefix..).at(path, "reading")? {
            let (key, value) = entry.at(path, "reading")?;
            if !key.value().starts_with(prefix) {
                break;
            }
            found.push((key.value().to_vec(), value.value().to_vec()));
        }
        Ok(found)
    }

    fn get<'k, K: Key + 'static>(
        &self,
        definition: TableDefinition<'static, K, &'static [u8]>,
        key: K::SelfType<'k>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.inner.table(definition)?;
        let value = table.get(key).at(&self.inner.path, "reading")?;
        Ok(value.map(|value| value.value().to_vec()))
    }
}

/// Blocks in order of height, from one snapshot.
pub struct Blocks {
    store: Store,
    range: OwnedRange<u64, &'static [u8]>,
}

impl Iterator for Blocks {
    type Item = Result<(Height, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.range.next()?.at(&self.store.inner.path, "reading");
        Some(entry.map(|(height, body)| (Height(height.value()), body.value().to_vec())))
    }
}

/// Journal entries in order of their numbers, from one snapshot.
pub struct Journal {
    store: Store,
    range: OwnedRange<u64, &'static [u8]>,
}

impl Iterator for Journal {
    type Item = Result<(u64, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.range.next()?.at(&self.store.inner.path, "reading");
        Some(entry.map(|(sequence, bytes)| (sequence.value(), bytes.value().to_vec())))
    }
}
