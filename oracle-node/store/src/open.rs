//! Opening the file, and whose it is.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{Address, B256};
use protocol::ids::Height;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, backends::FileBackend};

use crate::{
    Batch, Durable, StoreError,
    error::Context,
    tables::{self, META, META_LEDGER, META_OPERATOR, META_SCHEMA},
    writer::{Writer, Writing},
};

/// The schema that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// Whose file it is; written when it is made, checked each time it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The ledger.
    pub ledger_id: B256,
    /// The operator.
    pub operator: Address,
}

/// What a closed store is seen to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// Whose it is.
    pub identity: Identity,
    /// The height of its last block.
    pub tip: Option<Height>,
}

/// How much of the file is read before it is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenCheck {
    /// What recovery needs.
    #[default]
    Recovery,
    /// Every page's checksum: reads the whole file, and finds damage done from outside.
    Everything,
}

/// Limits and habits of an open store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most bytes of all response bodies together.
    pub response_bytes_max: u64,
    /// Memory for pages.
    pub cache_bytes: usize,
    /// How much is checked at open.
    pub check: OpenCheck,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            response_bytes_max: 1 << 30,
            cache_bytes: 64 * 1024 * 1024,
            check: OpenCheck::default(),
        }
    }
}

/// A node's store. Clones share one file, which closes when the last of them is dropped.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) identity: Identity,
    // Before `database`: dropping it ends the thread that holds the other reference.
    pub(crate) writer: Writer,
    pub(crate) database: Arc<Database>,
}

impl Store {
    /// Opens the store at `path`, or makes it for `identity`.
    ///
    /// # Errors
    /// When the file is in use, damaged, of another program, schema, ledger or operator.
    pub fn open(path: &Path, identity: Identity, options: Options) -> Result<Self, StoreError> {
        let database = open_file(path, true, &options)?;
        match read_identity(path, &database)? {
            Some(found) => require_same(path, &found, &identity)?,
            None => initialize(path, &database, &identity)?,
        }
        Self::start(path, database, identity, options)
    }

    /// Opens the store at `path`, whosever it is, but never makes one.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is none.
    pub fn open_existing(path: &Path, options: Options) -> Result<Self, StoreError> {
        let database = open_file(path, false, &options)?;
        let identity = read_identity(path, &database)?.ok_or_else(|| StoreError::Foreign {
            path: path.to_owned(),
            detail: "it is empty".into(),
        })?;
        Self::start(path, database, identity, options)
    }

    /// Looks at the store at `path` without writing to it, and closes it again.
    ///
    /// # Errors
    /// As [`Store::open_existing`]; [`StoreError::InUse`] while a node has it open, and
    /// [`StoreError::Unclean`] when it was not closed in order, which the next open repairs.
    pub fn peek(path: &Path) -> Result<Peek, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source: Arc::new(source) };
        drop(File::open(path).map_err(io)?);
        let opened = catch_unwind(|| Builder::new().open_read_only(path));
        let database = match opened {
            Err(_) => {
                let detail = "its pages contradict each other".into();
                return Err(StoreError::Damaged { path: path.to_owned(), detail });
            }
            Ok(Err(redb::DatabaseError::RepairAborted)) => {
                return Err(StoreError::Unclean { path: path.to_owned() });
            }
            Ok(Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                let detail = error.to_string();
                return Err(StoreError::Foreign { path: path.to_owned(), detail });
            }
            Ok(result) => result.at(path, "opening")?,
        };
        let identity = read_identity(path, &database)?.ok_or_else(|| StoreError::Foreign {
            path: path.to_owned(),
            detail: "it is empty".into(),
        })?;
        let read = database.begin_read().at(path, "reading")?;
        let blocks = read.open_table(tables::BLOCKS).at(path, "reading")?;
        let last = blocks.last().at(path, "reading")?;
        let tip = last.map(|(height, _)| Height(height.value()));
        Ok(Peek { identity, tip })
    }

    fn start(
        path: &Path,
        database: Database,
        identity: Identity,
        options: Options,
    ) -> Result<Self, StoreError> {
        let (path, database) = (path.to_owned(), Arc::new(database));
        let writer =
            Writer::start(path.clone(), Arc::clone(&database), options.response_bytes_max)?;
        Ok(Self { inner: Arc::new(Inner { path, identity, writer, database }) })
    }

    /// Whose store this is.
    pub fn identity(&self) -> Identity {
        self.inner.identity
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Writes `batch`, and returns when it is durable. Waits while too many batches do.
    ///
    /// Dropping the future after its first poll may or may not stop the write; the batch is still
    /// whole or not there.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when a rule forbids it, and nothing was written; another error when
    /// the disk failed: then nothing that was not acknowledged may be relied on.
    pub async fn append(&self, batch: Batch) -> Result<Durable, StoreError> {
        self.begin(batch).await?.await
    }

    /// Puts a batch in line and does not wait for the disk: batches become durable in the order in which they got in line, those
    /// that wait together in one commit. Waits only while [`MAX_WAITING_BATCHES`](crate::MAX_WAITING_BATCHES) do.
    ///
    /// # Errors
    /// When the store is closed; what [`Store::append`] says otherwise, the future does.
    pub async fn begin(&self, batch: Batch) -> Result<Writing, StoreError> {
        self.inner.writer.begin(batch).await
    }

    /// [`Store::append`] for a thread that may block; panics inside an async task.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn append_blocking(&self, batch: Batch) -> Result<Durable, StoreError> {
        self.inner.writer.append_blocking(batch)
    }
}

fn open_file(path: &Path, create: bool, options: &Options) -> Result<Database, StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source: Arc::new(source) };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    sync_folder(path).map_err(io)?;
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_bytes);
    builder.set_check_integrity_on_open(options.check == OpenCheck::Everything);
    let shown = path.to_owned();
    builder.set_repair_callback(move |session| {
        tracing::info!(path = %shown.display(), progress = session.progress(), "recovering the store");
    });
    // redb may panic on a file that was damaged from outside.
    let opened =
        catch_unwind(AssertUnwindSafe(|| builder.create_with_backend(FileBackend::new(file)?)));
    match opened {
        Err(_) => Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: "its pages contradict each other".into(),
        }),
        Ok(Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            Err(StoreError::Foreign { path: path.to_owned(), detail: error.to_string() })
        }
        Ok(result) => result.at(path, "opening"),
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// What the file says; nothing for one without tables, as a crash right at creation leaves it.
fn read_identity(
    path: &Path,
    database: &impl ReadableDatabase,
) -> Result<Option<Identity>, StoreError> {
    let read = database.begin_read().at(path, "reading")?;
    if read.list_tables().at(path, "reading")?.next().is_none() {
        return Ok(None);
    }
    let foreign =
        |detail: &str| StoreError::Foreign { path: path.to_owned(), detail: detail.to_owned() };
    let Ok(meta) = read.open_table(META) else {
        return Err(foreign("it is a redb file with other tables"));
    };
    let schema = field(path, &meta, META_SCHEMA)?
        .and_then(|bytes| bytes.try_into().ok().map(u32::from_be_bytes))
        .ok_or_else(|| foreign("it does not state a schema"))?;
    if schema != SCHEMA {
        let path = path.to_owned();
        return Err(StoreError::Schema { path, found: schema, supported: SCHEMA });
    }
    let ledger_id = field(path, &meta, META_LEDGER)?.and_then(|b| B256::try_from(&b[..]).ok());
    let operator = field(path, &meta, META_OPERATOR)?.and_then(|b| Address::try_from(&b[..]).ok());
    match (ledger_id, operator) {
        (Some(ledger_id), Some(operator)) => Ok(Some(Identity { ledger_id, operator })),
        _ => Err(foreign("it does not state ledger and operator")),
    }
}

fn field(
    path: &Path,
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(meta.get(name).at(path, "reading")?.map(|value| value.value().to_vec()))
}

fn require_same(path: &Path, found: &Identity, expected: &Identity) -> Result<(), StoreError> {
    let owner = |what, found: String, expected: String| StoreError::Owner {
        path: path.to_owned(),
        what,
        found,
        expected,
    };
    if found.ledger_id != expected.ledger_id {
        let (found, expected) = (found.ledger_id.to_string(), expected.ledger_id.to_string());
        return Err(owner("ledger", found, expected));
    }
    if found.operator != expected.operator {
        let (found, expected) = (found.operator.to_string(), expected.operator.to_string());
        return Err(owner("operator", found, expected));
    }
    Ok(())
}

fn initialize(path: &Path, database: &Database, identity: &Identity) -> Result<(), StoreError> {
    let write = database.begin_write().at(path, "writing")?;
    {
        let mut meta = write.open_table(META).at(path, "writing")?;
        for (name, value) in [
            (META_SCHEMA, &SCHEMA.to_be_bytes()[..]),
            (META_LEDGER, identity.ledger_id.as_slice()),
            (META_OPERATOR, identity.operator.as_slice()),
        ] {
            meta.insert(name, value).at(path, "writing")?;
        }
        tables::create_all(&write).at(path, "writing")?;
    }
    write.commit().at(path, "writing")
}
