//! Checks of the write-ahead log before the engine opens it.
//!
//! The engine hangs on purpose when it meets a corrupt entry, and starts an empty log when there is none;
//! both are told to the operator here instead.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use arc_malachitebft_engine::wal::decode_entry;
use arc_malachitebft_wal::Log;
use arc_malachitebft_wal::constants::HEADER_SIZE;
use consensus::LedgerContext;
use consensus::wire::CERTIFICATE_BYTES_MAX;

use crate::codec::WireCodec;
use crate::event::HostError;

/// Tag and length before an entry's payload.
const ENTRY_PREFIX_BYTES: usize = 9;
/// Tag of a timeout: a step and a round follow, and no length.
const ENTRY_TIMEOUT: u8 = 2;
/// Length field of an entry on disk: one flag byte, then eight of length.
const ENTRY_LENGTH_OFFSET: usize = 1;

/// The write-ahead log's file in its folder.
#[must_use]
pub fn path(wal_dir: &Path) -> PathBuf {
    wal_dir.join("consensus.wal")
}

/// Makes sure that the log can be trusted for `start_height`.
pub(crate) fn check(path: &Path, start_height: u64, allow_missing: bool) -> Result<(), HostError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(disk(path, &error)),
    };
    if bytes.is_empty() {
        return if start_height > 1 && !allow_missing {
            Err(HostError::WalMissing { path: path.to_owned(), height: start_height - 1 })
        } else {
            Ok(())
        };
    }
    let corrupt = |height: u64, reason: String| HostError::WalCorrupt {
        path: path.to_owned(),
        height,
        reason,
    };
    check_tail(&bytes).map_err(|reason| corrupt(start_height, reason))?;
    let mut log = Log::open(path).map_err(|error| corrupt(start_height, error.to_string()))?;
    let height = log.sequence();
    if height > start_height && !allow_missing {
        let reason = format!(
            "it belongs to height {height}, the stored blocks end at {}",
            start_height.saturating_sub(1)
        );
        return Err(corrupt(height, reason));
    }
    if height != start_height || log.is_empty() {
        return Ok(());
    }
    let entries = log.iter().map_err(|error| corrupt(height, error.to_string()))?;
    for (index, entry) in entries.enumerate() {
        let decoded = entry.and_then(|bytes| check_entry(&bytes));
        decoded.map_err(|error| corrupt(height, format!("entry {index}: {error}")))?;
    }
    Ok(())
}

/// Checks that the engine can read an entry. It asks for as much memory as a payload claims to be long,
/// and takes no round beyond 32 bits, so these come first.
pub(crate) fn check_entry(bytes: &[u8]) -> io::Result<()> {
    let (tag, rest) = bytes.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
    let holds = if *tag == ENTRY_TIMEOUT {
        let round =
            rest.get(1..).and_then(|round| Some(i64::from_be_bytes(round.try_into().ok()?)));
        round.is_some_and(|round| (-1..=i64::from(u32::MAX)).contains(&round))
    } else {
        rest.split_first_chunk::<8>().is_some_and(|(claimed, payload)| {
            u64::try_from(payload.len()) == Ok(u64::from_be_bytes(*claimed))
        })
    };
    if !holds {
        let reason = format!("its {} bytes do not hold what they claim", bytes.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    decode_entry::<LedgerContext, _, _>(&WireCodec, Cursor::new(bytes)).map(drop)
}

/// Opening a log cuts off a last entry that is not all there, which is what a crash leaves. A length
/// that no entry can have is no such remainder: it hides entries that were acknowledged.
pub(crate) fn check_tail(bytes: &[u8]) -> Result<(), String> {
    let header = usize::try_from(HEADER_SIZE).unwrap_or(usize::MAX);
    let mut rest = bytes.get(header..).ok_or("its header is incomplete")?;
    let longest = (CERTIFICATE_BYTES_MAX + ENTRY_PREFIX_BYTES) as u64;
    while let Some(field) = rest.get(ENTRY_LENGTH_OFFSET..).and_then(<[u8]>::first_chunk::<8>) {
        let length = u64::from_be_bytes(*field);
        if length > longest {
            return Err(format!("an entry claims {length} bytes"));
        }
        let whole = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(ENTRY_OVERHEAD);
        match rest.get(whole..) {
            Some(next) => rest = next,
            None => break,
        }
    }
    Ok(())
}

/// Flag, length and checksum of an entry on disk.
const ENTRY_OVERHEAD: usize = 1 + 8 + 4;

/// A disk error, for a person.
pub(crate) fn disk(path: &Path, error: &std::io::Error) -> HostError {
    HostError::Disk { path: path.to_owned(), reason: error.to_string() }
}
