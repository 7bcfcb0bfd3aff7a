//! Whether a batch keeps every rule, before anything of it is written.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use protocol::ids::Height;
use redb::{ReadableTable, StorageError};

use crate::{Batch, Refusal, apply::WriteTables, batch::Write, tables::TOTAL_RESPONSE_BYTES};

/// A rule that is broken, or a disk that fails.
pub(crate) enum Rejection {
    Refused(Refusal),
    Storage(StorageError),
}

impl From<StorageError> for Rejection {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// What the batch itself has brought so far.
struct Pending<'b> {
    next: u64,
    blocks: BTreeMap<u64, &'b [u8]>,
    responses: BTreeMap<B256, &'b [u8]>,
    stored_bytes: u64,
    added_bytes: u64,
}

/// Checks `batch` against the tables and against itself.
pub(crate) fn check(
    tables: &WriteTables<'_>,
    batch: &Batch,
    response_bytes_max: u64,
) -> Result<(), Rejection> {
    batch.check_bounds().map_err(Rejection::Refused)?;
    let mut pending = Pending {
        next: tables.tip()?.map_or(1, |tip| tip.saturating_add(1)),
        blocks: BTreeMap::new(),
        responses: BTreeMap::new(),
        stored_bytes: tables.total(TOTAL_RESPONSE_BYTES)?,
        added_bytes: 0,
    };
    for write in batch.writes() {
        match write {
            Write::Block(height, body) => check_block(tables, &mut pending, *height, body)?,
            Write::Certificate(height, _) => {
                if height.0 == 0 || height.0 >= pending.next {
                    return Err(Rejection::Refused(Refusal::NoBlock { height: *height }));
                }
            }
            Write::Response { hash, body, .. } => {
                check_response(tables, &mut pending, *hash, body, response_bytes_max)?;
            }
            Write::Statement(hash, bytes) => {
                let actual = keccak256(bytes);
                if actual != *hash {
                    let refusal = Refusal::StatementHash { hash: *hash, actual };
                    return Err(Rejection::Refused(refusal));
                }
            }
            Write::GroupSignature(..)
            | Write::Concluded(..)
            | Write::PruneResponses(_)
            | Write::Cursor(..)
            | Write::Journal(_)
            | Write::Record(..)
            | Write::RemoveRecord(_) => (),
        }
    }
    Ok(())
}

fn check_block<'b>(
    tables: &WriteTables<'_>,
    pending: &mut Pending<'b>,
    height: Height,
    body: &'b [u8],
) -> Result<(), Rejection> {
    if height.0 == pending.next {
        pending.blocks.insert(height.0, body);
        pending.next = height.0.saturating_add(1);
        return Ok(());
    }
    let same = match pending.blocks.get(&height.0) {
        Some(earlier) => Some(*earlier == body),
        None => tables.blocks.get(height.0)?.map(|stored| stored.value() == body),
    };
    match same {
        Some(true) => Ok(()),
        Some(false) => Err(Rejection::Refused(Refusal::BlockConflict { height })),
        None => Err(Rejection::Refused(Refusal::Gap { height, next: Height(pending.next) })),
    }
}

fn check_response<'b>(
    tables: &WriteTables<'_>,
    pending: &mut Pending<'b>,
    hash: B256,
    body: &'b [u8],
    limit: u64,
) -> Result<(), Rejection> {
    let same = match pending.responses.get(&hash) {
        Some(earlier) => Some(*earlier == body),
        None => tables.responses.get(&hash.0)?.map(|stored| stored.value() == body),
    };
    match same {
        Some(true) => return Ok(()),
        Some(false) => return Err(Rejection::Refused(Refusal::ResponseConflict { hash })),
        None => (),
    }
    pending.responses.insert(hash, body);
    pending.added_bytes = pending.added_bytes.saturating_add(body.len() as u64);
    let (stored, added) = (pending.stored_bytes, pending.added_bytes);
    if stored.saturating_add(added) > limit {
        return Err(Rejection::Refused(Refusal::ResponsesFull { stored, added, limit }));
    }
    Ok(())
}
