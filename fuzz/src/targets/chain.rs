use alloy_primitives::{Address, B256, Bloom, BloomInput, Bytes, FixedBytes};
use alloy_sol_types::SolEvent as _;
use bindings::{
    AttestationHub::{
        Attested, GroupKeyActivated, GroupKeyConfirmed, GroupKeyReady, VerificationRequested,
    },
    rpc::{BlockRef, Header, Log},
};
use chain::{ChainConfig, Decoded, Finality, TOPICS, check_page, decode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::seed::{Seed, formed};

const HUB: Address = Address::repeat_byte(0x42);
const BLOCK: BlockRef = BlockRef { number: 10, hash: B256::repeat_byte(10) };

/// What an endpoint answered for a range of blocks.
#[derive(Deserialize)]
struct Answers {
    headers: Vec<Header>,
    logs: Vec<Log>,
}

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    let config = ChainConfig::new(31337, HUB, Vec::new(), Finality::Finalized, 0);
    if form % 2 == 0 {
        page(&config, bytes);
        return;
    }
    // A topic by its number, the indexed fields, the data.
    let Some((topic, rest)) = bytes.split_first() else { return };
    let Some((indexed, data)) = rest.split_at_checked(usize::from(topic >> 4).min(3) * 32) else {
        return;
    };
    let first = TOPICS[usize::from(*topic) % TOPICS.len()];
    let indexed = indexed.chunks(32).map(B256::from_slice);
    let log = Log {
        address: HUB,
        topics: [first].into_iter().chain(indexed).collect(),
        data: Bytes::copy_from_slice(data),
        block: BLOCK,
        transaction: B256::ZERO,
        log_index: 0,
    };
    event(&config, &log);
}

fn page(config: &ChainConfig, bytes: &[u8]) {
    let Ok(Answers { headers, logs }) = serde_json::from_slice(bytes) else { return };
    let (first, last) = (headers.first(), headers.last());
    let (Some(first), Some(last)) = (first.map(|it| it.number), last.map(|it| it.number)) else {
        return;
    };
    let count = logs.len();
    let Ok(page) = check_page(HUB, None, first..=last, headers, logs) else { return };
    assert_eq!(page.logs.len(), count);
    assert!(page.logs.is_sorted_by_key(|log| (log.block.number, log.log_index)));
    assert!(page.suspects.len() <= page.headers.len());
    for log in &page.logs {
        assert!((first..=last).contains(&log.block.number) && log.address == HUB);
        event(config, log);
    }
}

/// A log is understood as at most what it holds.
fn event(config: &ChainConfig, log: &Log) {
    match decode(config, log, 1) {
        Ok(Decoded::Request(request)) => {
            assert!(request.statement.len() <= log.data.len());
            assert_eq!((request.chain_id, request.position.block), (config.chain_id, log.block));
        }
        Ok(Decoded::Hub(_, position)) => assert_eq!(position.block, log.block),
        Err(reason) => assert!(!reason.is_empty()),
    }
}

fn request() -> VerificationRequested {
    VerificationRequested {
        jobId: B256::repeat_byte(1),
        jobIndex: 7,
        provider: Address::repeat_byte(2),
        escrow: Address::repeat_byte(3),
        kind: FixedBytes([1, 2, 3, 4]),
        deadline: 1_800_000_000,
        statement: Bytes::from_static(b"statement"),
    }
}

fn header(number: u8, logs: bool) -> Value {
    let mut bloom = Bloom::ZERO;
    if logs {
        bloom.accrue(BloomInput::Raw(HUB.as_slice()));
        for topic in request().encode_topics() {
            bloom.accrue(BloomInput::Raw(topic.0.as_slice()));
        }
    }
    json!({
        "number": format!("{number:#x}"),
        "hash": B256::repeat_byte(number),
        "parentHash": B256::repeat_byte(number - 1),
        "timestamp": "0x65",
        "logsBloom": bloom,
        "baseFeePerGas": "0x7",
    })
}

pub(super) fn seeds() -> Vec<Seed> {
    let requested = request().encode_log_data();
    let log = json!({
        "address": HUB,
        "topics": requested.topics(),
        "data": requested.data,
        "blockNumber": "0xb",
        "blockHash": B256::repeat_byte(11),
        "transactionHash": B256::repeat_byte(5),
        "logIndex": "0x0",
        "removed": false,
    });
    let headers: Vec<Value> = (10..=12).map(|number| header(number, number == 11)).collect();
    let page = json!({ "headers": headers, "logs": [log] }).to_string();
    let (operator, hash) = (Address::repeat_byte(8), B256::repeat_byte(9));
    let key = Bytes::from(vec![6; 256]);
    let events = [
        ("requested", requested),
        (
            "confirmed",
            GroupKeyConfirmed { epoch: 1, operator, keyHash: hash, confirmations: 2, quorum: 3 }
                .encode_log_data(),
        ),
        ("ready", GroupKeyReady { epoch: 2, committeeId: 0, key: key.clone() }.encode_log_data()),
        (
            "activated",
            GroupKeyActivated { epoch: 2, committeeId: 0, ledgerId: hash, lastHeight: 5, key }
                .encode_log_data(),
        ),
        ("attested", Attested { height: 5, acc: hash }.encode_log_data()),
    ];
    let mut seeds = vec![formed("page", 0, page)];
    for (position, (name, log)) in (0u8..).zip(events) {
        let indexed = log.topics().get(1..).unwrap_or_default();
        let topic = topic_byte(position, u8::try_from(indexed.len()).unwrap_or(0));
        seeds.push(formed(name, 1, [&[topic], indexed.concat().as_slice(), &log.data].concat()));
    }
    seeds
}

/// The byte whose upper half is the number of indexed fields, and which names the topic modulo five.
fn topic_byte(topic: u8, indexed: u8) -> u8 {
    let upper = indexed << 4;
    (0..16).map(|lower| upper + lower).find(|byte| byte % 5 == topic).unwrap_or(upper)
}
