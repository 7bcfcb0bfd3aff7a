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

#[test]
fn store_of_a_newer_schema_is_refused() {
    let (_folder, path) = place();
    drop(open(&path).unwrap());
    let meta: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
    let database = Database::open(&path).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(meta)
        .unwrap()
        .insert("assay-schema", &(SCHEMA + 1).to_be_bytes()[..])
        .unwrap();
    write.commit().unwrap();
    drop(database);
    let refused = open(&path).unwrap_err();
    let newer = SCHEMA + 1;
    assert!(matches!(refused, StoreError::Schema { found, .. } if found == newer), "{refused}");
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
