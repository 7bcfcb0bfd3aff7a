//! Each table keeps its rule, and a refused batch leaves nothing.

use protocol::{
    Address, B256,
    ids::{Height, JobId},
};
use store::{
    Batch, Identity, MAX_KEY_BYTES, MAX_VALUE_BYTES, Options, Refusal, Report, Store, StoreError,
};
use tempfile::TempDir;

fn identity() -> Identity {
    Identity { ledger_id: B256::repeat_byte(1), operator: Address::repeat_byte(2) }
}

fn open(options: Options) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("node.redb"), identity(), options).unwrap();
    (folder, store)
}

fn fresh() -> (TempDir, Store) {
    open(Options::default())
}

fn write(store: &Store, fill: impl FnOnce(&mut Batch)) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    fill(&mut batch);
    store.append_blocking(batch).map(|_| ())
}

#[track_caller]
fn refused(result: Result<(), StoreError>) -> Refusal {
    match result {
        Err(StoreError::Refused { refusal, .. }) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn hash(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

fn job(byte: u8) -> JobId {
    JobId(hash(byte))
}

#[test]
fn blocks_in_order_are_read_back() {
    let (_folder, store) = fresh();
    assert_eq!(store.tip().unwrap(), None);
    for height in 1..=5u64 {
        write(&store, |batch| {
            batch.block(Height(height), vec![height as u8; 10]);
            batch.certificate(Height(height), vec![height as u8]);
        })
        .unwrap();
    }
    assert_eq!(store.tip().unwrap(), Some(Height(5)));
    assert_eq!(store.block(Height(3)).unwrap(), Some(vec![3; 10]));
    assert_eq!(store.block(Height(6)).unwrap(), None);
    assert_eq!(store.certificate(Height(5)).unwrap(), Some(vec![5]));
    let heights: Vec<u64> =
        store.blocks(Height(2)..Height(5)).unwrap().map(|block| block.unwrap().0.0).collect();
    assert_eq!(heights, [2, 3, 4]);
    assert_eq!(store.blocks(..).unwrap().count(), 5);
}

#[test]
fn block_that_leaves_a_gap_is_refused() {
    let (_folder, store) = fresh();
    for height in [0, 2] {
        let refusal = refused(write(&store, |batch| {
            batch.block(Height(height), vec![]);
        }));
        assert_eq!(refusal, Refusal::Gap { height: Height(height), next: Height(1) });
    }
}

#[test]
fn block_again_is_accepted_only_with_the_same_body() {
    let (_folder, store) = fresh();
    write(&store, |batch| {
        batch.block(Height(1), b"one".to_vec()).block(Height(1), b"one".to_vec());
    })
    .unwrap();
    write(&store, |batch| {
        batch.block(Height(1), b"one".to_vec());
    })
    .unwrap();
    let refusal = refused(write(&store, |batch| {
        batch.block(Height(1), b"other".to_vec());
    }));
    assert_eq!(refusal, Refusal::BlockConflict { height: Height(1) });
    let refusal = refused(write(&store, |batch| {
        batch.block(Height(2), b"two".to_vec()).block(Height(2), b"other".to_vec());
    }));
    assert_eq!(refusal, Refusal::BlockConflict { height: Height(2) });
    assert_eq!(store.tip().unwrap(), Some(Height(1)));
}

#[test]
fn refused_batch_leaves_nothing_of_itself() {
    let (_folder, store) = fresh();
    refused(write(&store, |batch| {
        batch.record(b"key", vec![1]).journal(vec![2]).cursor(1, vec![3]);
        batch.block(Height(7), vec![]);
    }));
    assert_eq!(store.record(b"key").unwrap(), None);
    assert_eq!(store.cursor(1).unwrap(), None);
    assert_eq!(store.journal(0).unwrap().count(), 0);
}

#[test]
fn certificate_needs_its_block_and_the_first_one_stays() {
    let (_folder, store) = fresh();
    let refusal = refused(write(&store, |batch| {
        batch.certificate(Height(1), vec![]);
    }));
    assert_eq!(refusal, Refusal::NoBlock { height: Height(1) });
    write(&store, |batch| {
        batch.block(Height(1), vec![]).certificate(Height(1), vec![1]);
        batch.certificate(Height(1), vec![2]);
    })
    .unwrap();
    assert_eq!(store.certificate(Height(1)).unwrap(), Some(vec![1]));
}

#[test]
fn group_signatures_are_kept_by_kind_and_height() {
    let (_folder, store) = fresh();
    write(&store, |batch| {
        batch.group_signature(0, Height(1), vec![1]).group_signature(1, Height(1), vec![2]);
        batch.group_signature(1, Height(1), vec![3]);
    })
    .unwrap();
    assert_eq!(store.group_signature(0, Height(1)).unwrap(), Some(vec![1]));
    assert_eq!(store.group_signature(1, Height(1)).unwrap(), Some(vec![3]));
    assert_eq!(store.group_signature(1, Height(2)).unwrap(), None);
}

#[test]
fn responses_go_when_the_last_job_that_names_them_is_pruned() {
    let (_folder, store) = fresh();
    write(&store, |batch| {
        batch.response(hash(1), job(1), vec![1; 100]);
        batch.response(hash(1), job(2), vec![1; 100]);
        batch.response(hash(2), job(1), vec![2; 50]);
        batch.concluded(job(1), Height(10)).concluded(job(2), Height(20));
    })
    .unwrap();
    assert_eq!(store.response_bytes().unwrap(), 150);
    assert_eq!(store.responses_of(job(1)).unwrap(), [hash(1), hash(2)]);

    write(&store, |batch| {
        batch.prune_responses(Height(9));
    })
    .unwrap();
    assert_eq!(store.response_bytes().unwrap(), 150);

    write(&store, |batch| {
        batch.prune_responses(Height(10));
    })
    .unwrap();
    assert_eq!(store.response(hash(2)).unwrap(), None);
    assert_eq!(store.response(hash(1)).unwrap(), Some(vec![1; 100]));
    assert!(store.responses_of(job(1)).unwrap().is_empty());
    assert_eq!(store.response_bytes().unwrap(), 100);
    store.verify(|_| Ok(())).unwrap();

    write(&store, |batch| {
        batch.prune_responses(Height(20));
    })
    .unwrap();
    assert_eq!(store.response(hash(1)).unwrap(), None);
    assert_eq!(store.response_bytes().unwrap(), 0);
    store.verify(|_| Ok(())).unwrap();
}

#[test]
fn responses_beyond_their_limit_are_refused() {
    let (_folder, store) = open(Options { response_bytes_max: 100, ..Options::default() });
    write(&store, |batch| {
        batch.response(hash(1), job(1), vec![0; 60]);
    })
    .unwrap();
    let refusal = refused(write(&store, |batch| {
        batch.response(hash(2), job(1), vec![0; 20]).response(hash(3), job(1), vec![0; 21]);
    }));
    assert_eq!(refusal, Refusal::ResponsesFull { stored: 60, added: 41, limit: 100 });
    write(&store, |batch| {
        batch.response(hash(1), job(2), vec![0; 60]).response(hash(2), job(1), vec![0; 40]);
    })
    .unwrap();
    assert_eq!(store.response_bytes().unwrap(), 100);
}

#[test]
fn response_of_one_hash_with_another_body_is_refused() {
    let (_folder, store) = fresh();
    write(&store, |batch| {
        batch.response(hash(1), job(1), vec![1]);
    })
    .unwrap();
    let conflict = Refusal::ResponseConflict { hash: hash(1) };
    assert_eq!(
        refused(write(&store, |batch| {
            batch.response(hash(1), job(1), vec![2]);
        })),
        conflict
    );
    let conflict = Refusal::ResponseConflict { hash: hash(2) };
    assert_eq!(
        refused(write(&store, |batch| {
            batch.response(hash(2), job(1), vec![1]).response(hash(2), job(1), vec![2]);
        })),
        conflict
    );
}

#[test]
fn statement_is_kept_under_its_hash_only() {
    let (_folder, store) = fresh();
    let keccak_of_nothing: B256 =
        "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470".parse().unwrap();
    write(&store, |batch| {
        batch.statement(keccak_of_nothing, vec![]);
    })
    .unwrap();
    assert_eq!(store.statement(keccak_of_nothing).unwrap(), Some(vec![]));
    let refusal = refused(write(&store, |batch| {
        batch.statement(hash(1), vec![]);
    }));
    assert_eq!(refusal, Refusal::StatementHash { hash: hash(1), actual: keccak_of_nothing });
}

#[test]
fn journal_numbers_follow_each_other() {
    let (_folder, store) = fresh();
    let mut batch = Batch::new();
    batch.journal(vec![10]).journal(vec![11]);
    assert_eq!(store.append_blocking(batch.clone()).unwrap().journal, 0..2);
    assert_eq!(store.append_blocking(batch).unwrap().journal, 2..4);
    assert_eq!(store.append_blocking(Batch::new()).unwrap().journal, 4..4);
    let entries: Vec<_> = store.journal(1).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries, [(1, vec![11]), (2, vec![10]), (3, vec![11])]);
}

#[test]
fn records_are_replaced_removed_and_found_by_prefix() {
    let (_folder, store) = fresh();
    write(&store, |batch| {
        batch.record(b"a/1", vec![1]).record(b"a/2", vec![2]).record(b"b", vec![3]);
        batch.record(b"a/1", vec![4]).remove_record(b"b");
    })
    .unwrap();
    let records = store.records(b"a/").unwrap();
    assert_eq!(records, [(b"a/1".to_vec(), vec![4]), (b"a/2".to_vec(), vec![2])]);
    assert_eq!(store.record(b"b").unwrap(), None);
    assert_eq!(store.records(b"").unwrap().len(), 2);
}

#[test]
fn what_is_too_large_is_refused() {
    let (_folder, store) = fresh();
    let refusal = refused(write(&store, |batch| {
        batch.journal(vec![0; MAX_VALUE_BYTES + 1]);
    }));
    assert!(matches!(refusal, Refusal::ValueTooLong { .. }));
    for key in [&[0u8; MAX_KEY_BYTES + 1][..], &[]] {
        let refusal = refused(write(&store, |batch| {
            batch.record(key, vec![]);
        }));
        assert_eq!(refusal, Refusal::KeyLength { bytes: key.len(), max: MAX_KEY_BYTES });
    }
    let refusal = refused(write(&store, |batch| {
        for _ in 0..3 {
            batch.journal(vec![0; MAX_VALUE_BYTES]);
        }
    }));
    assert!(matches!(refusal, Refusal::BatchTooLarge { .. }));
}

#[test]
fn iterator_keeps_its_snapshot_while_others_write() {
    let (_folder, store) = fresh();
    write(&store, |batch| {
        batch.block(Height(1), vec![1]);
    })
    .unwrap();
    let blocks = store.blocks(..).unwrap();
    write(&store, |batch| {
        batch.block(Height(2), vec![2]);
    })
    .unwrap();
    assert_eq!(blocks.count(), 1);
    assert_eq!(store.blocks(..).unwrap().count(), 2);
}

#[test]
fn verify_counts_what_is_there_and_passes_on_refusals() {
    let (_folder, store) = fresh();
    write(&store, |batch| {
        batch.block(Height(1), vec![1]).block(Height(2), vec![2]);
        batch.certificate(Height(1), vec![]).group_signature(0, Height(1), vec![]);
        batch.response(hash(1), job(1), vec![0; 7]).journal(vec![]);
    })
    .unwrap();
    let report = store.verify(|_| Ok(())).unwrap();
    assert_eq!(
        report,
        Report {
            blocks: 2,
            certificates: 1,
            group_signatures: 1,
            responses: 1,
            response_bytes: 7,
            statements: 0,
            journal: 1,
        }
    );
    let damaged = store
        .verify(|record| match record {
            store::Record::Block(Height(2), _) => Err("does not follow its parent".into()),
            _ => Ok(()),
        })
        .unwrap_err();
    assert!(damaged.to_string().contains("block 2: does not follow its parent"), "{damaged}");
}

#[test]
fn many_appenders_are_all_acknowledged_in_few_commits() {
    let (_folder, store) = fresh();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let appends: Vec<_> = (0..300u64)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut batch = Batch::new();
                    batch.journal(number.to_be_bytes().to_vec());
                    store.append(batch).await.unwrap()
                })
            })
            .collect();
        let mut sequences = Vec::new();
        for append in appends {
            sequences.push(append.await.unwrap().journal.start);
        }
        sequences.sort_unstable();
        assert_eq!(sequences, (0..300).collect::<Vec<_>>());
    });
    assert_eq!(store.journal(0).unwrap().count(), 300);
}
