//! Lines in, records out, each within a bound and in its one spelling.

use std::io::{self, BufRead, Read as _};

use alloy_primitives::{B256, Keccak256};

use crate::record::{MAX_LINE_BYTES, Record};

/// A line that is no record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The line is no record in its one spelling.
    #[error("{0}")]
    Malformed(String),
}

/// Reads records, and keeps the hash of all bytes before the current one.
pub(crate) struct Records<R> {
    input: R,
    hasher: Keccak256,
    line: Vec<u8>,
    /// Records read, the current one included.
    pub(crate) number: u64,
    /// The current record's first byte, from 0.
    pub(crate) offset: u64,
    /// Bytes read.
    pub(crate) bytes: u64,
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, hasher: Keccak256::new(), line: Vec::new(), number: 0, offset: 0, bytes: 0 }
    }

    /// The bytes that come next, unread.
    pub(crate) fn begins_with(&mut self, expected: &[u8]) -> io::Result<bool> {
        // A reader may give less than the file has: an empty line never matches.
        self.fill()?;
        Ok(self.line.starts_with(expected))
    }

    /// keccak256 of all bytes before the current record.
    pub(crate) fn hash_before(&self) -> B256 {
        self.hasher.clone().finalize()
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.line.is_empty() {
            let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
            (&mut self.input).take(limit).read_until(b'\n', &mut self.line)?;
        }
        Ok(())
    }

    /// The current record's bytes become part of what was read before.
    pub(crate) fn pass(&mut self) {
        self.hasher.update(&self.line);
        self.line.clear();
    }

    /// The next record; none at the end of the file. [`Records::pass`] comes between two calls.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, ReadError> {
        self.fill()?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        self.offset = self.bytes;
        self.bytes = self.bytes.saturating_add(u64::try_from(self.line.len()).unwrap_or(u64::MAX));
        let malformed = |what: String| Err(ReadError::Malformed(what));
        if self.line.len() > MAX_LINE_BYTES {
            return malformed(format!("the line is longer than {MAX_LINE_BYTES} bytes"));
        }
        if self.line.last() != Some(&b'\n') {
            return malformed("the line does not end: the file is cut off".into());
        }
        let record: Record = match serde_json::from_slice(&self.line) {
            Ok(record) => record,
            Err(error) => return malformed(format!("not a record of this format: {error}")),
        };
        match record.line() {
            Ok(line) if line == self.line => Ok(Some(record)),
            Ok(line) => {
                let at = line.iter().zip(&self.line).take_while(|(ours, theirs)| ours == theirs);
                malformed(format!(
                    "not the one spelling of the record, from byte {} on",
                    at.count()
                ))
            }
            Err(error) => malformed(error.to_string()),
        }
    }
}
