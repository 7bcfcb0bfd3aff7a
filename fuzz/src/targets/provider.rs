use alloy_primitives::{Address, B256, Bytes, FixedBytes};
use proofs::{
    Kind,
    groth16_bn254::{Input as PublicInput, Statement},
};
use protocol::response::{MAX_RESPONSE_BYTES, MAX_RESPONSE_PARTS};
use provider::{
    Book, Challenge, Observation, SignedAnswer, SseEvent, SseParser, answer_parts, prover_input,
};

use super::snarkjs::{PROOF, PUBLIC};
use crate::input::{Input, chunk};
use crate::seed::{Seed, formed};

const LEDGER: B256 = B256::repeat_byte(1);
const PROVIDER: Address = Address::repeat_byte(3);
const AGREEING: usize = 2;

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    match form % 4 {
        0 => stream(bytes),
        1 => drop(challenge(bytes)),
        2 => {
            let mut input = Input(bytes);
            let Some(challenge) = challenge(input.chunk()) else { return };
            let Ok(parts) = answer_parts(&challenge, input.0) else { return };
            assert!((1..=MAX_RESPONSE_PARTS).contains(&parts.len()));
            assert!(parts.iter().map(Vec::len).sum::<usize>() <= MAX_RESPONSE_BYTES);
        }
        _ => {
            let job = B256::repeat_byte(6);
            let Some(answer) = SignedAnswer::from_entry(job, bytes) else { return };
            assert_eq!(answer.job_id, job);
            let written = serde_json::to_vec(&answer).expect("memory");
            assert_eq!(SignedAnswer::from_entry(job, &written).as_ref(), Some(&answer));
            let _ = answer.hash();
        }
    }
}

/// A stream in one piece and byte by byte gives the same events; challenges go into the book.
fn stream(bytes: &[u8]) {
    let whole = SseParser::new().push(bytes);
    let mut parser = SseParser::new();
    let pieces: Result<Vec<Vec<SseEvent>>, _> =
        bytes.chunks(1).map(|piece| parser.push(piece)).collect();
    assert_eq!(whole.clone().map_err(drop), pieces.map(|events| events.concat()).map_err(drop));
    let Ok(events) = whole else { return };
    assert!(events.iter().map(|event| event.data.len()).sum::<usize>() <= bytes.len());
    let mut book = Book::new(AGREEING);
    for (now_ms, event) in (0..).zip(&events) {
        let Some(challenge) = challenge(&event.data) else { continue };
        let first = book.observe(0, &challenge, now_ms);
        assert!(!matches!(first, Observation::Agreed(_)), "one node is not two");
        let _ = book.observe(1, &challenge, now_ms);
    }
}

fn challenge(text: &[u8]) -> Option<Challenge> {
    let challenge = Challenge::from_json(text, LEDGER, PROVIDER).ok()?;
    let written = serde_json::to_vec(&challenge).expect("memory");
    assert_eq!(Challenge::from_json(&written, LEDGER, PROVIDER).as_ref(), Ok(&challenge));
    assert_eq!((challenge.ledger_id, challenge.provider), (Some(LEDGER), Some(PROVIDER)));
    let _ = prover_input(&challenge);
    Some(challenge)
}

fn example() -> Challenge {
    let inputs = vec![PublicInput::Reported; 1];
    Challenge {
        ledger_id: Some(LEDGER),
        job_id: B256::repeat_byte(6),
        job_index: 7,
        chain_id: 31337,
        hub: Address::repeat_byte(2),
        provider: Some(PROVIDER),
        kind: FixedBytes(Kind::of_name("groth16-bn254").0),
        statement: Statement { vk_id: B256::repeat_byte(4), inputs }.encode().into(),
        seed: B256::repeat_byte(9),
        answer_by_ms: Some(1_700_000_000_000),
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let json = serde_json::to_string(&example()).expect("memory");
    let stream = format!(
        ": keep\n\nevent: challenge\ndata: {json}\n\nid: 7\r\nevent: challenge\ndata:{json}\r\r\
         data: a\ndata\n\n"
    );
    let public = PUBLIC.split(',').next().unwrap_or_default().trim_end_matches([']', '\n']);
    let proved = format!("{{\"proof\":{PROOF},\"publicSignals\":{public}]}}");
    let parts = br#"{"parts":["0x0102","0x",""]}"#;
    let answer = SignedAnswer {
        job_id: B256::repeat_byte(6),
        seed: B256::repeat_byte(9),
        parts: vec![Bytes::from_static(b"part"), Bytes::new()],
        signature: vec![1; 65].into(),
        answer_by_ms: 1_700_000_000_000,
    };
    let with = |output: &[u8]| [chunk(json.as_bytes()), output.to_vec()].concat();
    vec![
        formed("stream", 0, stream),
        formed("challenge", 1, &json),
        formed("answer-proved", 2, with(proved.as_bytes())),
        formed("answer-parts", 2, with(parts)),
        formed("journal", 3, serde_json::to_vec(&answer).expect("memory")),
    ]
}
