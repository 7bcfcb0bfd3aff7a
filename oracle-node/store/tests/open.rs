//! Whose file it is, and what happens to files that are not.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use protocol::{Address, B256, ids::Height};
use redb::{Database, TableDefinition};
use store::{Batch, Identity, OpenCheck, Options, SCHEMA, Store, StoreError};
use tempfile::TempDir;

fn identity() -> Identity {
    Identity { ledger_id: B256::repeat_byte(1), operator: Address::repeat_byte(2) }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.redb");
    (folder, path)
}

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, identity(), Options::default())
}

#[test]
fn store_reopened_has_everything_and_its_owner() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let mut batch = Batch::new();
    batch.block(Height(1), vec![1]);
    store.append_blocking(batch).unwrap();
    drop(store);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let store = Store::open_existing(&path, Options::default()).unwrap();
    assert_eq!(store.identity(), identity());
    assert_eq!(store.tip().unwrap(), Some(Height(1)));
}

#[test]
fn store_of_another_ledger_or_operator_is_refused() {
    let (_folder, path) = place();
    drop(open(&path).unwrap());
    let other_ledger = Identity { ledger_id: B256::ZERO, ..identity() };
    let refused = Store::open(&path, other_ledger, Options::default()).unwrap_err();
    assert!(matches!(refused, StoreError::Owner { what: "ledger", .. }), "{refused}");
    let other_operator = Identity { operator: Address::ZERO, ..identity() };
    let refused = Store::open(&path, other_operator, Options::default()).unwrap_err();
    assert!(matches!(refused, StoreError::Owner { what: "operator", .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("node.redb") && text.contains("0x0202"), "{text}");
}

#[test]
fn store_open_twice_in_one_process_is_refused() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    drop(store);
    open(&path).unwrap();
}

/// Makes the file say that it is of another schema.
fn set_schema(path: &Path, schema: u32) {
    let meta: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
    let database = Database::open(path).unwrap();
    let write = database.begin_write().unwrap();
    let mut table = write.open_table(meta).unwrap();
    table.insert("assay-schema", &schema.to_be_bytes()[..]).unwrap();
    drop(table);
    write.commit().unwrap();
}

#[test]
fn store_of_a_newer_or_older_schema_is_refused_and_keeps_its_content() {
    for other in [SCHEMA + 1, SCHEMA - 1] {
        let (_folder, path) = place();
        let store = open(&path).unwrap();
        let mut batch = Batch::new();
        batch.block(Height(1), vec![1]);
        store.append_blocking(batch).unwrap();
        drop(store);
        set_schema(&path, other);
        for refused in [Store::peek(&path).unwrap_err(), open(&path).unwrap_err()] {
            assert!(
                matches!(refused, StoreError::Schema { found, .. } if found == other),
                "{refused}"
            );
            let (text, says) = (refused.to_string(), format!("has schema {other}"));
            assert!(text.contains(&says) && text.contains("run the version that"), "{text}");
        }
        set_schema(&path, SCHEMA);
        assert_eq!(open(&path).unwrap().block(Height(1)).unwrap(), Some(vec![1]));
    }
}

#[test]
fn peek_tells_owner_and_tip_and_writes_nothing() {
    let (_folder, path) = place();
    assert!(matches!(Store::peek(&path).unwrap_err(), StoreError::Io { .. }));
    assert!(!path.exists());
    let store = open(&path).unwrap();
    let peeked = Store::peek(&path).unwrap_err();
    assert!(matches!(peeked, StoreError::InUse { .. }), "{peeked}");
    let mut batch = Batch::new();
    batch.block(Height(1), vec![1]);
    store.append_blocking(batch).unwrap();
    drop(store);
    let before = fs::read(&path).unwrap();
    let found = Store::peek(&path).unwrap();
    assert_eq!((found.identity, found.tip), (identity(), Some(Height(1))));
    assert!(fs::read(&path).unwrap() == before, "peeking wrote to the file");
}

#[test]
fn peek_into_a_file_that_was_not_closed_says_so() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    // What is on disk while the file is open is what a killed process leaves.
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    drop(store);
    let peeked = Store::peek(&copy).unwrap_err();
    assert!(matches!(peeked, StoreError::Unclean { .. }), "{peeked}");
}

#[test]
fn redb_file_of_another_program_is_refused() {
    let (_folder, path) = place();
    for name in ["meta", "their-table"] {
        let _ = fs::remove_file(&path);
        let theirs: TableDefinition<'static, u64, u64> = TableDefinition::new(name);
        let database = Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(theirs).unwrap().insert(1, 1).unwrap();
        write.commit().unwrap();
        drop(database);
        let refused = open(&path).unwrap_err();
        assert!(matches!(refused, StoreError::Foreign { .. }), "{refused}");
    }
}

#[test]
fn file_that_is_no_database_is_refused_and_left_as_it_is() {
    let (_folder, path) = place();
    for content in [&b"not a database"[..], &[0u8; 8192], &[0xff; 100_000]] {
        fs::write(&path, content).unwrap();
        let refused = open(&path).unwrap_err();
        let named = matches!(refused, StoreError::Foreign { .. } | StoreError::Damaged { .. });
        assert!(named, "{refused}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn store_that_is_not_there_is_made_only_when_asked() {
    let (_folder, path) = place();
    let refused = Store::open_existing(&path, Options::default()).unwrap_err();
    assert!(matches!(refused, StoreError::Io { .. }), "{refused}");
    assert!(!path.exists());
    let nowhere = path.join("deeper");
    assert!(matches!(open(&nowhere).unwrap_err(), StoreError::Io { .. }));
}

#[test]
fn file_made_but_not_yet_named_an_owner_is_finished() {
    let (_folder, path) = place();
    drop(Database::create(&path).unwrap());
    open(&path).unwrap();
    assert_eq!(Store::open_existing(&path, Options::default()).unwrap().identity(), identity());
}

#[test]
fn damage_from_outside_is_found_by_the_full_check() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    for height in 1..=64 {
        let mut batch = Batch::new();
        batch.block(Height(height), vec![0xab; 4000]);
        store.append_blocking(batch).unwrap();
    }
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let body = bytes.windows(64).rposition(|window| window == [0xab; 64]).unwrap();
    bytes[body] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let options = Options { check: OpenCheck::Everything, ..Options::default() };
    let refused = Store::open(&path, identity(), options).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
}
