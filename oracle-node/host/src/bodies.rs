//! Bodies of the height under way, on disk before the engine hears of them.
//!
//! The write-ahead log holds block ids only, so after a crash the bodies must come from here. One file of
//! records, appended and synced; it is emptied when the height is stored by the application. A record is
//! `height u64 ‖ round u32 ‖ own u8 ‖ length u32 ‖ block id (32) ‖ body`, integers big-endian; the id checks
//! the body. A torn record at the end was never acknowledged and is cut off.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use consensus::{BlockId, block_id};

use crate::config::BODY_BYTES_MAX;
use crate::event::HostError;
use crate::wal::disk;

const RECORD_HEADER_BYTES: usize = 8 + 4 + 1 + 4 + 32;
/// Most bodies kept for one height.
const BODIES_MAX: usize = 64;
/// Most bytes of bodies kept for one height.
const BODIES_BYTES_MAX: usize = 32 * BODY_BYTES_MAX;

/// What is known of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Unknown,
    Valid,
    Invalid,
}

#[derive(Debug)]
struct Entry {
    round: u32,
    body: Bytes,
    verdict: Verdict,
    /// Voted for or proposed by this node: never forgotten before the height ends.
    pinned: bool,
}

/// The bodies of one height.
#[derive(Debug)]
pub(crate) struct Bodies {
    path: PathBuf,
    file: File,
    height: u64,
    entries: BTreeMap<BlockId, Entry>,
    own: BTreeMap<u32, BlockId>,
}

impl Bodies {
    /// Opens the file in `folder` and keeps what belongs to `height`.
    pub(crate) fn open(
        folder: &Path,
        ledger_id: &[u8; 32],
        height: u64,
    ) -> Result<Self, HostError> {
        let path = folder.join("bodies");
        let fail = |error: std::io::Error| disk(&path, &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail)?;
        let mut bodies = Self {
            path: path.clone(),
            file,
            height,
            entries: BTreeMap::new(),
            own: BTreeMap::new(),
        };
        let whole = bodies.load(&bytes, ledger_id);
        if bodies.entries.is_empty() {
            bodies.file.set_len(0).map_err(fail)?;
        } else {
            bodies.file.set_len(whole as u64).map_err(fail)?;
        }
        bodies.file.seek(SeekFrom::End(0)).map_err(fail)?;
        bodies.file.sync_all().map_err(fail)?;
        Ok(bodies)
    }

    /// Reads records; returns how many bytes of them are whole.
    fn load(&mut self, bytes: &[u8], ledger_id: &[u8; 32]) -> usize {
        let (records, whole) = whole_records(bytes, ledger_id);
        for record in records.into_iter().filter(|record| record.height == self.height) {
            self.entries.insert(
                record.id,
                Entry {
                    round: record.round,
                    body: Bytes::copy_from_slice(record.body),
                    verdict: Verdict::Unknown,
                    pinned: record.own,
                },
            );
            if record.own {
                self.own.insert(record.round, record.id);
            }
        }
        whole
    }

    /// The height whose bodies are kept.
    pub(crate) fn height(&self) -> u64 {
        self.height
    }

    /// Moves on to `height`; forgets all bodies of others.
    pub(crate) fn start(&mut self, height: u64) -> Result<(), HostError> {
        if height == self.height {
            return Ok(());
        }
        self.height = height;
        self.entries.clear();
        self.own.clear();
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)).map(drop))
            .map_err(|error| disk(&self.path, &error))
    }

    /// Stores a body durably. `None` if there is no room for it.
    pub(crate) fn store(
        &mut self,
        round: u32,
        id: BlockId,
        body: Bytes,
        verdict: Verdict,
    ) -> Result<Option<()>, HostError> {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.verdict = verdict;
            return Ok(Some(()));
        }
        if !self.make_room(body.len()) {
            return Ok(None);
        }
        self.append(round, id, &body, false)?;
        self.entries.insert(id, Entry { round, body, verdict, pinned: false });
        Ok(Some(()))
    }

    /// Stores this node's own proposal of a round durably.
    pub(crate) fn store_own(
        &mut self,
        round: u32,
        id: BlockId,
        body: Bytes,
    ) -> Result<(), HostError> {
        self.append(round, id, &body, true)?;
        self.entries.insert(id, Entry { round, body, verdict: Verdict::Valid, pinned: true });
        self.own.insert(round, id);
        Ok(())
    }

    fn append(&mut self, round: u32, id: BlockId, body: &[u8], own: bool) -> Result<(), HostError> {
        let mut record = Vec::with_capacity(RECORD_HEADER_BYTES + body.len());
        record.extend_from_slice(&self.height.to_be_bytes());
        record.extend_from_slice(&round.to_be_bytes());
        record.push(u8::from(own));
        record.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        record.extend_from_slice(&id.0);
        record.extend_from_slice(body);
        self.file
            .write_all(&record)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| disk(&self.path, &error))
    }

    fn make_room(&mut self, length: usize) -> bool {
        let used: usize = self.entries.values().map(|entry| entry.body.len()).sum();
        if self.entries.len() < BODIES_MAX && used + length <= BODIES_BYTES_MAX {
            return true;
        }
        let victim = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.pinned)
            .min_by_key(|(_, entry)| (entry.verdict == Verdict::Valid, entry.round))
            .map(|(id, _)| *id);
        victim.is_some_and(|id| {
            self.entries.remove(&id);
            true
        })
    }

    /// Keeps a body until the height ends.
    pub(crate) fn pin(&mut self, id: &BlockId) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.pinned = true;
        }
    }

    /// A body and what is known of it.
    pub(crate) fn get(&self, id: &BlockId) -> Option<(Bytes, Verdict)> {
        self.entries.get(id).map(|entry| (entry.body.clone(), entry.verdict))
    }

    /// What this node proposed in a round.
    pub(crate) fn own(&self, round: u32) -> Option<(BlockId, Bytes)> {
        let id = self.own.get(&round)?;
        self.entries.get(id).map(|entry| (*id, entry.body.clone()))
    }

    /// Bodies not judged yet, with their rounds.
    pub(crate) fn unjudged(&self) -> Vec<(u32, BlockId, Bytes)> {
        self.entries
            .iter()
            .filter(|(_, entry)| entry.verdict == Verdict::Unknown)
            .map(|(id, entry)| (entry.round, *id, entry.body.clone()))
            .collect()
    }
}

pub(crate) struct Record<'a> {
    height: u64,
    round: u32,
    own: bool,
    id: BlockId,
    body: &'a [u8],
}

/// The records up to the first that is torn or whose id is not its body's, and their bytes.
pub(crate) fn whole_records<'a>(bytes: &'a [u8], ledger_id: &[u8; 32]) -> (Vec<Record<'a>>, usize) {
    let (mut records, mut rest) = (Vec::new(), bytes);
    while let Some((record, next)) = read_record(rest) {
        if block_id(ledger_id, record.height, record.body) != record.id {
            break;
        }
        records.push(record);
        rest = next;
    }
    (records, bytes.len() - rest.len())
}

fn read_record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (height, rest) = bytes.split_first_chunk::<8>()?;
    let (round, rest) = rest.split_first_chunk::<4>()?;
    let (own, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (id, rest) = rest.split_first_chunk::<32>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (body, rest) = rest.split_at_checked(length)?;
    let record = Record {
        height: u64::from_be_bytes(*height),
        round: u32::from_be_bytes(*round),
        own: *own == 1,
        id: BlockId(*id),
        body,
    };
    Some((record, rest))
}
