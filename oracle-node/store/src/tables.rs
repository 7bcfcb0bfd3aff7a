//! The tables of schema 1.

use alloy_primitives::B256;
use redb::{TableDefinition, WriteTransaction};

/// Bytes under a 32-byte hash.
type ByHash = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;
/// Bytes under a number.
type ByNumber = TableDefinition<'static, u64, &'static [u8]>;
/// A pair of hashes, as one key.
pub(crate) type Pair = (&'static [u8; 32], &'static [u8; 32]);

/// Who the file belongs to, and its schema.
pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("meta");
pub(crate) const META_SCHEMA: &str = "assay-schema";
pub(crate) const META_LEDGER: &str = "ledger-id";
pub(crate) const META_OPERATOR: &str = "operator";

pub(crate) const BLOCKS: ByNumber = TableDefinition::new("blocks");
pub(crate) const CERTIFICATES: ByNumber = TableDefinition::new("certificates");
pub(crate) const GROUP_SIGNATURES: TableDefinition<'static, (u8, u64), &'static [u8]> =
    TableDefinition::new("group-signatures");

/// Bodies by response hash.
pub(crate) const RESPONSES: ByHash = TableDefinition::new("responses");
/// Which jobs name a body: (hash, job).
pub(crate) const RESPONSE_JOBS: TableDefinition<'static, Pair, ()> =
    TableDefinition::new("response-jobs");
/// Which bodies a job names: (job, hash).
pub(crate) const JOB_RESPONSES: TableDefinition<'static, Pair, ()> =
    TableDefinition::new("job-responses");
/// Jobs that wait for their responses' removal: (height of conclusion, job).
pub(crate) const CONCLUDED: TableDefinition<'static, (u64, &'static [u8; 32]), ()> =
    TableDefinition::new("concluded");

pub(crate) const STATEMENTS: ByHash = TableDefinition::new("statements");
pub(crate) const CURSORS: ByNumber = TableDefinition::new("cursors");
pub(crate) const JOURNAL: ByNumber = TableDefinition::new("journal");
pub(crate) const RECORDS: TableDefinition<'static, &'static [u8], &'static [u8]> =
    TableDefinition::new("records");

/// Sums that are kept beside what they sum.
pub(crate) const TOTALS: TableDefinition<'static, &'static str, u64> =
    TableDefinition::new("totals");
pub(crate) const TOTAL_RESPONSE_BYTES: &str = "response-bytes";

/// The range of pairs that begin with `first`.
pub(crate) fn pairs_of(
    first: &[u8; 32],
) -> std::ops::RangeInclusive<(&[u8; 32], &'static [u8; 32])> {
    (first, &B256::ZERO.0)..=(first, &[0xff; 32])
}

/// Makes every table, so that readers find them.
pub(crate) fn create_all(write: &WriteTransaction) -> Result<(), redb::TableError> {
    write.open_table(BLOCKS)?;
    write.open_table(CERTIFICATES)?;
    write.open_table(GROUP_SIGNATURES)?;
    write.open_table(RESPONSES)?;
    write.open_table(RESPONSE_JOBS)?;
    write.open_table(JOB_RESPONSES)?;
    write.open_table(CONCLUDED)?;
    write.open_table(STATEMENTS)?;
    write.open_table(CURSORS)?;
    write.open_table(JOURNAL)?;
    write.open_table(RECORDS)?;
    write.open_table(TOTALS)?;
    Ok(())
}
