//! What was signed: one response a job, durable before it is sent.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes};
use protocol::response::response_hash;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Signed answers as JSON, by job.
const ANSWERS: TableDefinition<'static, &'static [u8; 32], &'static [u8]> =
    TableDefinition::new("assay-provider-answers-1");

/// Whose answers the file holds.
const OWNER: TableDefinition<'static, (), &'static [u8]> =
    TableDefinition::new("assay-provider-owner");

const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// Why the journal can't be used. Nothing may be signed then.
#[derive(Clone, Debug, Error)]
pub enum JournalError {
    /// Another agent has it open.
    #[error("journal {}: is open in another process; stop the agent that runs on it", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to another provider or ledger.
    #[error(
        "journal {}: was made for another provider or ledger; give each key and ledger a journal \
         of its own", path.display()
    )]
    Owner {
        /// The file.
        path: PathBuf,
    },
    /// Something in it can't be read.
    #[error("journal {}: the entry of job {job} is damaged; don't answer it, and check the disk", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which job's.
        job: B256,
    },
    /// The database failed.
    #[error("journal {}: {source}; check space, permissions and the disk", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What came back.
        source: Arc<redb::Error>,
    },
}

/// A signed response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAnswer {
    /// The job.
    pub job_id: B256,
    /// The seed that it was signed for.
    pub seed: B256,
    /// The response's parts.
    pub parts: Vec<Bytes>,
    /// The provider's signature on the RESPONSE digest, r ‖ s ‖ v.
    pub signature: Bytes,
    /// When it becomes useless, unix milliseconds.
    pub answer_by_ms: u64,
}

impl SignedAnswer {
    /// Reads the journal's entry of `job`; none when it is damaged or another job's.
    pub fn from_entry(job: B256, entry: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(entry).ok().filter(|answer| answer.job_id == job)
    }

    /// The root over its parts.
    pub fn hash(&self) -> B256 {
        let parts: Vec<Vec<u8>> = self.parts.iter().map(|part| part.to_vec()).collect();
        response_hash(&parts)
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is durable, and may be sent.
    New,
    /// There was one for this job already, and it stays: only that one may be sent.
    Earlier(Box<SignedAnswer>),
}

/// The file of signed responses. Entries are kept for good: they are what proves to the agent that
/// it has signed, about half a kilobyte for a Groth16 proof.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
    database: Arc<Database>,
}

impl Journal {
    /// Opens the journal at `path`, or makes it, for one provider on one ledger.
    ///
    /// # Errors
    /// When it is in use, or another's.
    pub fn open(path: &Path, provider: Address, ledger: B256) -> Result<Self, JournalError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = builder.create(path).map_err(|error| failed(path, error))?;
        let journal = Self { path: path.to_owned(), database: Arc::new(database) };
        let owner = [ledger.as_slice(), provider.as_slice()].concat();
        let write = journal.at(journal.database.begin_write())?;
        {
            let mut table = journal.at(write.open_table(OWNER))?;
            let found = journal.at(table.get(()))?.map(|value| value.value().to_vec());
            match found {
                Some(other) if other != owner => {
                    return Err(JournalError::Owner { path: journal.path.clone() });
                }
                Some(_) => (),
                None => {
                    journal.at(table.insert((), owner.as_slice()))?;
                }
            }
            journal.at(write.open_table(ANSWERS))?;
        }
        journal.at(write.commit())?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| failed(path, error))?;
        }
        Ok(journal)
    }

    /// What was signed for `job`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn get(&self, job: B256) -> Result<Option<SignedAnswer>, JournalError> {
        let read = self.at(self.database.begin_read())?;
        let table = self.at(read.open_table(ANSWERS))?;
        match self.at(table.get(&job.0))? {
            Some(bytes) => self.decode(job, bytes.value()).map(Some),
            None => Ok(None),
        }
    }

    /// Everything signed that is of use after `now_ms`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn unexpired(&self, now_ms: u64) -> Result<Vec<SignedAnswer>, JournalError> {
        let read = self.at(self.database.begin_read())?;
        let table = self.at(read.open_table(ANSWERS))?;
        let mut answers = Vec::new();
        for entry in self.at(table.iter())? {
            let (job, bytes) = self.at(entry)?;
            let answer = self.decode(B256::from(job.value()), bytes.value())?;
            if answer.answer_by_ms > now_ms {
                answers.push(answer);
            }
        }
        Ok(answers)
    }

    /// Writes an answer unless its job has one; durable when this returns.
    ///
    /// # Errors
    /// When it can't be made durable: then it must not be sent.
    pub fn put(&self, answer: &SignedAnswer) -> Result<Written, JournalError> {
        let bytes = serde_json::to_vec(answer)
            .map_err(|_| JournalError::Damaged { path: self.path.clone(), job: answer.job_id })?;
        let write = self.at(self.database.begin_write())?;
        {
            let mut table = self.at(write.open_table(ANSWERS))?;
            let earlier = self.at(table.get(&answer.job_id.0))?.map(|found| found.value().to_vec());
            if let Some(earlier) = earlier {
                return Ok(Written::Earlier(Box::new(self.decode(answer.job_id, &earlier)?)));
            }
            self.at(table.insert(&answer.job_id.0, bytes.as_slice()))?;
        }
        self.at(write.commit())?;
        Ok(Written::New)
    }

    fn decode(&self, job: B256, bytes: &[u8]) -> Result<SignedAnswer, JournalError> {
        SignedAnswer::from_entry(job, bytes)
            .ok_or_else(|| JournalError::Damaged { path: self.path.clone(), job })
    }

    fn at<T, E: Into<redb::Error>>(&self, result: Result<T, E>) -> Result<T, JournalError> {
        result.map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, error: impl Into<redb::Error>) -> JournalError {
    let path = path.to_owned();
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => JournalError::InUse { path },
        source => JournalError::Database { path, source: Arc::new(source) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(job: u8, part: u8) -> SignedAnswer {
        SignedAnswer {
            job_id: B256::repeat_byte(job),
            seed: B256::repeat_byte(9),
            parts: vec![vec![part; 4].into()],
            signature: vec![0; 65].into(),
            answer_by_ms: 1000 + u64::from(job),
        }
    }

    #[test]
    fn second_answer_of_a_job_is_never_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed.redb");
        let (provider, ledger) = (Address::repeat_byte(1), B256::repeat_byte(2));
        let journal = Journal::open(&path, provider, ledger).unwrap();
        assert_eq!(journal.put(&answer(1, 1)).unwrap(), Written::New);
        let earlier = Written::Earlier(Box::new(answer(1, 1)));
        assert_eq!(journal.put(&answer(1, 2)).unwrap(), earlier);
        drop(journal);
        let journal = Journal::open(&path, provider, ledger).unwrap();
        assert_eq!(journal.put(&answer(1, 2)).unwrap(), earlier);
        assert_eq!(journal.get(B256::repeat_byte(1)).unwrap(), Some(answer(1, 1)));
        assert_eq!(journal.get(B256::repeat_byte(2)).unwrap(), None);
        assert_eq!(journal.unexpired(1000).unwrap(), [answer(1, 1)]);
        assert!(journal.unexpired(1001).unwrap().is_empty());
    }

    #[test]
    fn journal_of_another_key_or_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed.redb");
        let (provider, ledger) = (Address::repeat_byte(1), B256::repeat_byte(2));
        let journal = Journal::open(&path, provider, ledger).unwrap();
        let refused = Journal::open(&path, provider, ledger).unwrap_err();
        assert!(matches!(refused, JournalError::InUse { .. }), "{refused}");
        drop(journal);
        for (provider, ledger) in [(Address::ZERO, ledger), (provider, B256::ZERO)] {
            let refused = Journal::open(&path, provider, ledger).unwrap_err();
            assert!(matches!(refused, JournalError::Owner { .. }), "{refused}");
        }
    }
}
