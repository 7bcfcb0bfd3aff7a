use std::collections::BTreeMap;

use alloy_primitives::B256;
use borsh::BorshDeserialize;
use chain::{BlockRef, Cursor, PartialBlock};
use operator::{JournalKey, Operator, Request, Restored};
use oracle_node::JobRecord;
use protocol::{
    ids::{Height, OperatorIndex},
    outcome::Verdict,
};

use super::block::{STATES, first_job};
use super::operator::config;
use super::response::genuine;
use crate::input::{Input, chunk};
use crate::seed::{Seed, formed};

const ENTRIES_MAX: usize = 16;

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    match form % 3 {
        0 => restore(bytes),
        1 => {
            let Ok(record) = JobRecord::try_from_slice(bytes) else { return };
            let written = borsh::to_vec(&record).expect("memory");
            assert_eq!(written, bytes, "a second spelling was read");
        }
        _ => {
            let Ok(cursor) = serde_json::from_slice::<Cursor>(bytes) else { return };
            let written = serde_json::to_vec(&cursor).expect("memory");
            assert_eq!(serde_json::from_slice::<Cursor>(&written).ok(), Some(cursor));
        }
    }
}

/// An operator starts on any journal, or says which entry is damaged; what it started on it does not
/// trust.
fn restore(bytes: &[u8]) {
    let mut input = Input(bytes);
    let committee = STATES.any(input.byte());
    let mut journal = BTreeMap::new();
    while !input.is_empty() && journal.len() < ENTRIES_MAX {
        let (key, value) = (input.chunk(), input.chunk());
        let Ok(key) = JournalKey::try_from_slice(key) else { continue };
        journal.insert(key, value.to_vec());
    }
    let share = committee.shares.first().cloned();
    let restored = Restored { journal, share };
    let Ok(mut operator) = Operator::new(config(committee), committee.ledger.clone(), restored)
    else {
        return;
    };
    operator.start(committee.now_ms);
    operator.tick(committee.now_ms + 1_000);
    let block = operator.propose();
    let _ = operator.validate(&block);
}

fn entry(key: JournalKey, value: &[u8]) -> Vec<u8> {
    [chunk(&borsh::to_vec(&key).expect("memory")), chunk(value)].concat()
}

pub(super) fn seeds() -> Vec<Seed> {
    let committee = STATES.answering();
    let job = first_job(committee);
    let sighting = committee.ledger.state().jobs[&job].sighting.clone();
    let request = Request { sighting: sighting.clone(), statement: b"statement".to_vec() };
    let response = genuine(committee, &[b"answer".to_vec()]);
    let reveal = committee.reveal(job, Verdict::Valid);
    let encoded = |value: &[u8]| value.to_vec();
    let open = [
        entry(JournalKey::Bundle, &committee.bundle(0, Vec::new()).encode()),
        entry(JournalKey::Request(job), &borsh::to_vec(&request).expect("memory")),
        entry(JournalKey::Response(job, response.hash()), &response.encode()),
        entry(JournalKey::Judgement(job), &borsh::to_vec(&reveal).expect("memory")),
    ];
    let dealing = borsh::to_vec(&(vec![1u8; 100], vec![2u8; 32])).expect("memory");
    let ceremony = [
        entry(JournalKey::CeremonySecret(1), &[5; 32]),
        entry(JournalKey::Dealing(1, OperatorIndex(2)), &dealing),
        entry(JournalKey::DealerLog(1), &[7; 40]),
    ];
    let record = JobRecord {
        sighting,
        opened: Height(3),
        seed: B256::repeat_byte(1),
        response: response.hash(),
        concluded: None,
    };
    let block = BlockRef { number: 7, hash: B256::repeat_byte(7) };
    let partial = Some(PartialBlock { block, next_log: 3 });
    let cursor = serde_json::to_vec(&Cursor { block: Some(block), partial }).expect("memory");
    vec![
        formed("open-job", 0, [encoded(&[2]), open.concat()].concat()),
        formed("ceremony", 0, [encoded(&[0]), ceremony.concat()].concat()),
        formed("job-record", 1, borsh::to_vec(&record).expect("memory")),
        formed("cursor", 2, cursor),
    ]
}
