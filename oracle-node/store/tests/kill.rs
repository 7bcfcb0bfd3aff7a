//! What was acknowledged survives kill -9; a second process is refused.
//!
//! The child is this test binary again, running [`child`] alone with its store's path in the
//! environment. It prints a line for each acknowledgement.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

use protocol::{Address, B256, ids::Height};
use rand::{Rng, SeedableRng, rngs::StdRng};
use store::{Batch, Identity, Options, Store, StoreError};

const PATH_VARIABLE: &str = "STORE_KILL_TEST_PATH";
const KILLS: usize = 5;
const JOURNALISTS: u64 = 3;

fn open(path: &Path) -> Result<Store, StoreError> {
    let identity = Identity { ledger_id: B256::repeat_byte(1), operator: Address::repeat_byte(2) };
    Store::open(path, identity, Options::default())
}

fn body_of(height: u64) -> Vec<u8> {
    height.to_be_bytes().repeat(40)
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).unwrap();
}

/// Writes until it is killed: one thread blocks with certificates, the others the journal.
#[test]
fn child() {
    let Some(path) = env::var_os(PATH_VARIABLE).map(PathBuf::from) else { return };
    let store = open(&path).unwrap();
    say("ack open");
    thread::scope(|scope| {
        for writer in 0..JOURNALISTS {
            let store = &store;
            scope.spawn(move || write_journal(store, writer));
        }
        write_blocks(&store);
    });
}

fn write_blocks(store: &Store) {
    let first = store.tip().unwrap().map_or(1, |tip| tip.0 + 1);
    for height in first.. {
        let mut batch = Batch::new();
        batch.block(Height(height), body_of(height));
        batch.certificate(Height(height), height.to_be_bytes().to_vec());
        batch.record(b"last", height.to_be_bytes().to_vec());
        store.append_blocking(batch).unwrap();
        say(&format!("ack block {height}"));
    }
}

fn write_journal(store: &Store, writer: u64) {
    loop {
        let mut batch = Batch::new();
        batch.journal(writer.to_be_bytes().to_vec());
        let sequence = store.append_blocking(batch).unwrap().journal.start;
        say(&format!("ack journal {sequence} {writer}"));
    }
}

fn start_child(path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(PATH_VARIABLE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

#[derive(Default)]
struct Acknowledged {
    height: u64,
    journal: BTreeSet<(u64, u64)>,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["ack", "block", height] => self.height = height.parse().unwrap(),
            ["ack", "journal", sequence, writer] => {
                let new = self.journal.insert((sequence.parse().unwrap(), writer.parse().unwrap()));
                assert!(new, "{line} was acknowledged before");
            }
            _ => (),
        }
    }

    fn require_all_in(&self, store: &Store) {
        let tip = store.tip().unwrap().map_or(0, |tip| tip.0);
        assert!(tip >= self.height, "block {} was acknowledged, the last is {tip}", self.height);
        for block in store.blocks(..).unwrap() {
            let (height, body) = block.unwrap();
            assert_eq!(body, body_of(height.0));
            let certificate = store.certificate(height).unwrap().unwrap();
            assert_eq!(certificate, height.0.to_be_bytes(), "batches are whole");
        }
        assert_eq!(store.record(b"last").unwrap().unwrap(), tip.to_be_bytes());
        let stored: BTreeSet<(u64, u64)> = store
            .journal(0)
            .unwrap()
            .map(|entry| {
                let (sequence, bytes) = entry.unwrap();
                (sequence, u64::from_be_bytes(bytes.try_into().unwrap()))
            })
            .collect();
        let lost: Vec<_> = self.journal.difference(&stored).collect();
        assert!(lost.is_empty(), "lost journal entries {lost:?}");
    }
}

#[test]
fn store_killed_while_writing_keeps_every_acknowledged_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.redb");
    let seed = 0x5eed;
    let mut random = StdRng::seed_from_u64(seed);
    let mut acknowledged = Acknowledged::default();
    for _ in 0..KILLS {
        let (mut child, lines) = start_child(&path);
        let mut lines = lines.lines();
        for line in lines.by_ref().take(random.gen_range(20..300)) {
            acknowledged.note(&line.unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            acknowledged.note(&line);
        }
        let store = open(&path).unwrap();
        acknowledged.require_all_in(&store);
        store.verify(|_| Ok(())).unwrap();
    }
    assert!(acknowledged.height > 0 && !acknowledged.journal.is_empty());
}

#[test]
fn store_open_in_another_process_is_refused_until_that_one_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.redb");
    let (mut child, lines) = start_child(&path);
    let opened = lines.lines().map_while(Result::ok).any(|line| line.contains("ack open"));
    assert!(opened);
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("stop the node that runs on it"), "{refused}");
    child.kill().unwrap();
    child.wait().unwrap();
    open(&path).unwrap();
}
