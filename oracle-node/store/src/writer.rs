//! The one thread that writes: it commits together whatever waits.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    thread::{self, JoinHandle},
};

use redb::Database;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Batch, Refusal, StoreError,
    apply::WriteTables,
    check::{Rejection, check},
    error::Context,
};

/// Batches that may wait for the thread; further callers wait to get in line.
pub const MAX_WAITING_BATCHES: usize = 64;

/// A commit takes no further batch once it has this many bytes.
pub const MAX_COMMIT_BYTES: usize = 16 * 1024 * 1024;

/// What became durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durable {
    /// The numbers under which the batch's journal entries stand.
    pub journal: Range<u64>,
}

struct Request {
    batch: Batch,
    done: oneshot::Sender<Result<Durable, StoreError>>,
}

/// A batch in line. Dropping this does not take it out.
#[derive(Debug)]
pub struct Writing {
    path: PathBuf,
    done: oneshot::Receiver<Result<Durable, StoreError>>,
}

impl Future for Writing {
    type Output = Result<Durable, StoreError>;

    /// Ready once the batch is durable, or was refused.
    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.done).poll(context).map(|done| {
            done.unwrap_or_else(|_| Err(StoreError::Closed { path: self.path.clone() }))
        })
    }
}

/// The way to the thread. Dropping it lets the thread finish what waits, and end.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    sender: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(
        path: PathBuf,
        database: Arc<Database>,
        response_bytes_max: u64,
    ) -> Result<Self, StoreError> {
        let (sender, requests) = mpsc::channel(MAX_WAITING_BATCHES);
        let loop_ = Loop { path: path.clone(), database, response_bytes_max };
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || loop_.run(requests))
            .map_err(|source| StoreError::Io { path: path.clone(), source: Arc::new(source) })?;
        Ok(Self { path, sender: Some(sender), thread: Some(thread) })
    }

    /// Puts a batch in line; what comes after it in time comes after it on disk.
    pub(crate) async fn begin(&self, batch: Batch) -> Result<Writing, StoreError> {
        let (request, done) = request(batch);
        self.sender()?.send(request).await.map_err(|_| self.closed())?;
        Ok(Writing { path: self.path.clone(), done })
    }

    pub(crate) fn append_blocking(&self, batch: Batch) -> Result<Durable, StoreError> {
        let (request, done) = request(batch);
        self.sender()?.blocking_send(request).map_err(|_| self.closed())?;
        done.blocking_recv().map_err(|_| self.closed())?
    }

    fn sender(&self) -> Result<&mpsc::Sender<Request>, StoreError> {
        self.sender.as_ref().ok_or_else(|| self.closed())
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { path: self.path.clone() }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "the store's writing thread panicked");
        }
    }
}

fn request(batch: Batch) -> (Request, oneshot::Receiver<Result<Durable, StoreError>>) {
    let (done, receiver) = oneshot::channel();
    (Request { batch, done }, receiver)
}

struct Loop {
    path: PathBuf,
    database: Arc<Database>,
    response_bytes_max: u64,
}

impl Loop {
    fn run(self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut bytes = first.batch.bytes();
            let mut together = vec![first];
            while bytes < MAX_COMMIT_BYTES
                && together.len() < MAX_WAITING_BATCHES
                && let Ok(next) = requests.try_recv()
            {
                bytes = bytes.saturating_add(next.batch.bytes());
                together.push(next);
            }
            let results = match self.commit(&together) {
                Ok(results) => results,
                Err(error) => {
                    tracing::error!(%error, "the store could not write");
                    together.iter().map(|_| Err(error.clone())).collect()
                }
            };
            for (request, result) in together.into_iter().zip(results) {
                // A caller that no longer waits needs no answer.
                let _ = request.done.send(result);
            }
        }
    }

    /// One transaction for all; a refused batch leaves no trace in it.
    fn commit(&self, requests: &[Request]) -> Result<Vec<Result<Durable, StoreError>>, StoreError> {
        let path: &Path = &self.path;
        let mut write = self.database.begin_write().at(path, "writing")?;
        write.set_quick_repair(true);
        let mut results = Vec::with_capacity(requests.len());
        {
            let mut tables = WriteTables::open(&write).at(path, "writing")?;
            for Request { batch, .. } in requests {
                match check(&tables, batch, self.response_bytes_max) {
                    Ok(()) => results.push(Ok(tables.apply(batch).at(path, "writing")?)),
                    Err(Rejection::Refused(refusal)) => results.push(Err(self.refused(refusal))),
                    Err(Rejection::Storage(error)) => return Err(error).at(path, "reading"),
                }
            }
        }
        if results.iter().any(Result::is_ok) {
            write.commit().at(path, "writing")?;
        } else {
            write.abort().at(path, "writing")?;
        }
        Ok(results)
    }

    fn refused(&self, refusal: Refusal) -> StoreError {
        StoreError::Refused { path: self.path.clone(), refusal }
    }
}
