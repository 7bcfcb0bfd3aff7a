use arc_malachitebft_core_consensus::LivenessMsg;
use consensus::{Height, LedgerContext, block_id, wire::Wire};
use host::decoding;

use super::consensus::{messages, part, polka, proposed, quorum_certificate, skip};
use crate::seed::{Seed, formed};

const LEDGER: [u8; 32] = [7; 32];
const FRAME_BYTES_MAX: usize = 4096;

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    let same = |again: Option<Vec<u8>>| {
        if let Some(again) = again {
            assert_eq!(again, bytes, "a second spelling was read");
        }
    };
    match form % 8 {
        0 => same(decoding::gossip(bytes)),
        1 => same(decoding::sync_request(bytes)),
        2 => same(decoding::sync_response(bytes)),
        3 => same(decoding::status(bytes)),
        4 => decoding::log_contents(bytes).into_iter().for_each(same),
        5 => {
            let Some(frame) = decoding::frame(bytes, FRAME_BYTES_MAX) else { return };
            assert!(bytes.starts_with(&frame), "a second spelling was read");
            assert!(frame.len() <= 4 + FRAME_BYTES_MAX);
        }
        6 => {
            let whole = decoding::bodies(bytes, &LEDGER);
            assert!(whole <= bytes.len());
            assert_eq!(decoding::bodies(&bytes[..whole], &LEDGER), whole);
        }
        _ => {
            // Whatever an entry is, a log that ends in it does not hide it.
            let _ = decoding::log_entry(bytes);
            let _ = decoding::log_file(bytes);
        }
    }
}

fn gossip(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 9, kind], payload].concat()
}

/// A sync answer of two blocks.
fn sync_response() -> Vec<u8> {
    let block = (vec![1u8, 2, 3], quorum_certificate());
    borsh::to_vec(&(Height(4), vec![block.clone(), block])).expect("memory")
}

fn body_record(height: u64, own: u8, body: &[u8]) -> Vec<u8> {
    let id = block_id(&LEDGER, height, body);
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&height.to_be_bytes(), [0, 0, 0, 1].as_slice(), &[own], &length, &id.0, body].concat()
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = (messages().iter())
        .map(|(name, message)| formed(name, 0, gossip(0, &message.to_wire())))
        .collect();
    let polka_message: LivenessMsg<LedgerContext> = LivenessMsg::PolkaCertificate(polka());
    let range = borsh::to_vec(&(Height(3), Height(9))).expect("memory");
    let log_file = [[0u8; 12].as_slice(), &[0], &3u64.to_be_bytes(), &[0; 4], b"abc"].concat();
    let tagged = |tag: u8, payload: Vec<u8>| {
        let length = (payload.len() as u64).to_be_bytes();
        [&[tag], length.as_slice(), &payload].concat()
    };
    seeds.extend([
        formed("polka", 0, gossip(1, &polka_message.to_wire())),
        formed("skip", 0, gossip(1, &skip().to_wire())),
        formed("wake", 0, gossip(2, &7u64.to_be_bytes())),
        formed("body", 0, gossip(3, &part().to_wire())),
        formed("sync-request", 1, &range),
        formed("sync-response", 2, sync_response()),
        formed("status", 3, &range),
        formed("log-vote", 4, messages()[0].1.to_wire()),
        formed("log-proposed", 4, proposed().to_wire()),
        formed("log-polka", 4, polka().to_wire()),
        formed("frame", 5, [&[0, 0, 0, 5], b"hello, and more".as_slice()].concat()),
        formed("bodies", 6, [body_record(4, 1, b"own"), body_record(4, 0, b"")].concat()),
        formed("log-file", 7, log_file),
        formed("log-entry-vote", 7, tagged(1, messages()[0].1.to_wire())),
        formed("log-entry-polka", 7, tagged(8, polka().to_wire())),
        formed("log-entry-timeout", 7, [2, 1, 0, 0, 0, 0, 0, 0, 0, 5]),
        formed("log-entry-proposed", 7, tagged(4, proposed().to_wire())),
    ]);
    seeds
}
