//! Traces in files.
//!
//! `assay-trace\n`, then frames: u32 length, little-endian, and as many bytes. The first frame is the
//! header as JSON; then come records as borsh; a length of 0 ends them, and 40 bytes follow it: the
//! number of records (u64, little-endian) and the digest.

use std::io;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{Record, Sink};
use crate::scenario::{Scenario, ScenarioError, Signatures};

const MAGIC: &[u8] = b"assay-trace\n";

/// The version that is written and read.
const VERSION: u32 = 1;

/// The largest header, in bytes.
pub const MAX_HEADER_BYTES: u32 = 1 << 20;

/// The largest record, in bytes: a full block and its frame.
pub const MAX_RECORD_BYTES: u32 = 4 << 20;

/// Everything that a run follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Of the format.
    pub version: u32,
    /// Of the program that ran it: another one may run another way.
    pub program: String,
    /// The seed.
    pub seed: u64,
    /// Which signatures were made.
    pub signatures: Signatures,
    /// The scenario, as its TOML text.
    pub scenario: String,
}

impl Header {
    /// The header of a run of this program.
    ///
    /// # Errors
    /// Never for a scenario that was validated.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, ScenarioError> {
        Ok(Self {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").into(),
            seed,
            signatures: scenario.signatures,
            scenario: scenario.to_toml()?,
        })
    }

    /// The scenario.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        Scenario::parse(&self.scenario)
    }
}

/// How a trace ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// Records in it.
    pub records: u64,
    /// The digest over them.
    pub digest: B256,
}

/// Why bytes are no trace.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not a trace at all.
    #[error("this is no trace: it does not begin with \"assay-trace\"")]
    Magic,
    /// The header is not one.
    #[error("the trace's header cannot be read: {0}")]
    Header(String),
    /// Another version.
    #[error("the trace is of version {0}, this program reads {VERSION}")]
    Version(u32),
    /// The scenario in the header is not valid.
    #[error("the trace's scenario: {0}")]
    Scenario(#[from] ScenarioError),
    /// A record that is none.
    #[error("record {record} at byte {offset} cannot be read: {problem}")]
    Record {
        /// Its number, from 1.
        record: u64,
        /// Where it begins.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
    /// It ends before its end.
    #[error("the trace ends in record {record} at byte {offset}: it was cut off, run it again")]
    CutOff {
        /// The record that is not whole, from 1.
        record: u64,
        /// Where it begins.
        offset: u64,
    },
    /// The records are not those that were written.
    #[error(
        "the trace was changed: it says digest {said} of {said_records} records, they have {found} of {records}"
    )]
    Digest {
        /// As its end says.
        said: B256,
        /// As its end says.
        said_records: u64,
        /// Of what was read.
        found: B256,
        /// As many were read.
        records: u64,
    },
}

/// Writes what comes before the records.
///
/// # Errors
/// When writing fails.
pub fn write_header(out: &mut impl io::Write, header: &Header) -> Result<(), TraceError> {
    let json = serde_json::to_vec(header).map_err(|error| TraceError::Header(error.to_string()))?;
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    if length > MAX_HEADER_BYTES {
        return Err(TraceError::Header(format!("{length} bytes, the most is {MAX_HEADER_BYTES}")));
    }
    out.write_all(MAGIC)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&json)?;
    Ok(())
}

/// Writes records as they happen.
pub struct Writer<W> {
    out: W,
    failed: Option<io::Error>,
}

impl<W: io::Write> Writer<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(mut out: W, header: &Header) -> Result<Self, TraceError> {
        write_header(&mut out, header)?;
        Ok(Self { out, failed: None })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When writing this, or anything before, failed.
    pub fn finish(mut self, end: &End) -> Result<W, TraceError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        self.out.write_all(&0u32.to_le_bytes())?;
        self.out.write_all(&end.records.to_le_bytes())?;
        self.out.write_all(end.digest.as_slice())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: io::Write> Sink for Writer<W> {
    fn take(&mut self, _record: &Record, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let written = self.out.write_all(&length).and_then(|()| self.out.write_all(bytes));
        self.failed = written.err();
    }

    fn is_done(&self) -> bool {
        self.failed.is_some()
    }
}

/// What a reader comes upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A record.
    Record(Box<Record>),
    /// The end, whose digest is that of the records.
    End(End),
}

/// Reads a trace, record by record.
pub struct Reader<R> {
    input: R,
    header: Header,
    hasher: Sha256,
    bytes: Vec<u8>,
    records: u64,
    offset: u64,
}

impl<R: io::Read> Reader<R> {
    /// Reads up to the first record.
    ///
    /// # Errors
    /// When it does not begin as a trace of this version does.
    pub fn new(mut input: R) -> Result<Self, TraceError> {
        let mut magic = [0; MAGIC.len()];
        match input.read_exact(&mut magic) {
            Ok(()) if magic == MAGIC => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            Ok(()) | Err(_) => return Err(TraceError::Magic),
        }
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > MAX_HEADER_BYTES {
            return Err(TraceError::Header(format!(
                "{length} bytes, the most is {MAX_HEADER_BYTES}"
            )));
        }
        let mut json = vec![0; usize::try_from(length).unwrap_or(0)];
        input.read_exact(&mut json)?;
        let header = parse_header(&json)?;
        let offset = MAGIC.len() as u64 + 4 + u64::from(length);
        Ok(Self { input, header, hasher: Sha256::new(), bytes: Vec::new(), records: 0, offset })
    }

    /// What the run followed from.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes of the record that was read last.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The next record, or the end; not to be called after the end.
    ///
    /// # Errors
    /// When the trace is cut off, damaged or changed; it says where.
    pub fn read(&mut self) -> Result<Read, TraceError> {
        let mut prefix = [0; 4];
        self.fill(&mut prefix)?;
        let length = u32::from_le_bytes(prefix);
        if length == 0 {
            return self.end();
        }
        if length > MAX_RECORD_BYTES {
            return Err(self.damaged(format!("{length} bytes, the most is {MAX_RECORD_BYTES}")));
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.resize(usize::try_from(length).unwrap_or(0), 0);
        self.fill(&mut bytes)?;
        let record =
            borsh::from_slice::<Record>(&bytes).map_err(|error| self.damaged(error.to_string()))?;
        self.hasher.update(prefix);
        self.hasher.update(&bytes);
        self.bytes = bytes;
        self.records = self.records.saturating_add(1);
        self.offset = self.offset.saturating_add(4).saturating_add(u64::from(length));
        Ok(Read::Record(Box::new(record)))
    }

    fn end(&mut self) -> Result<Read, TraceError> {
        let mut records = [0; 8];
        self.fill(&mut records)?;
        let mut digest = [0; 32];
        self.fill(&mut digest)?;
        let said = End { records: u64::from_le_bytes(records), digest: digest.into() };
        let found = B256::from(<[u8; 32]>::from(self.hasher.clone().finalize()));
        if (said.records, said.digest) != (self.records, found) {
            return Err(TraceError::Digest {
                said: said.digest,
                said_records: said.records,
                found,
                records: self.records,
            });
        }
        let mut more = [0; 1];
        match self.input.read(&mut more)? {
            0 => Ok(Read::End(said)),
            _ => Err(self.damaged("there is more after the end".into())),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), TraceError> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                TraceError::CutOff { record: self.records.saturating_add(1), offset: self.offset }
            }
            _ => error.into(),
        })
    }

    fn damaged(&self, problem: String) -> TraceError {
        TraceError::Record { record: self.records.saturating_add(1), offset: self.offset, problem }
    }
}

fn parse_header(json: &[u8]) -> Result<Header, TraceError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let unreadable = |error: serde_json::Error| TraceError::Header(error.to_string());
    let Versioned { version } = serde_json::from_slice(json).map_err(unreadable)?;
    if version != VERSION {
        return Err(TraceError::Version(version));
    }
    serde_json::from_slice(json).map_err(unreadable)
}
