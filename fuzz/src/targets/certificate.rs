use aggregator::{Audience, Batch, CALL_BYTES_MAX, Certificate};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolCall as _;
use protocol::bytes::{PackedOutcome, accumulate, encode_packed};

use super::block::STATES;
use crate::seed::{Seed, plain};

const START: B256 = B256::repeat_byte(0xaa);
const AUDIENCE: Audience =
    Audience { ledger_id: B256::repeat_byte(1), chain_id: 31337, hub: Address::repeat_byte(0xAB) };

pub(super) fn run(input: &[u8]) {
    let Ok(certificate) = serde_json::from_slice::<Certificate>(input) else { return };
    let written = serde_json::to_vec(&certificate).expect("memory");
    assert_eq!(serde_json::from_slice::<Certificate>(&written).ok().as_ref(), Some(&certificate));
    let group = STATES.key().ledger.group().expect("a group");
    let signed = certificate.check_signature(AUDIENCE, &group.key.to_eip2537()).is_ok();
    let Ok(outcomes) = certificate.check_batches(START) else { return };
    assert!(outcomes >= certificate.batches.len());
    assert!(certificate.submit_call().abi_encode().len() <= CALL_BYTES_MAX);
    assert!(certificate.announce_call().abi_encode().len() <= CALL_BYTES_MAX);
    assert!(certificate.first_height() <= certificate.height);
    if signed {
        assert_eq!(certificate.digest(AUDIENCE), example().digest(AUDIENCE));
    }
}

/// A certificate that the group signed.
fn example() -> Certificate {
    let batch = |height: u64, outcomes: u64| {
        let outcome = |job_index| PackedOutcome { job_index, verdict: 1, code: 2, value: 3 };
        let packed = encode_packed(&(1..=outcomes).map(outcome).collect::<Vec<_>>());
        Batch { height, root: B256::with_last_byte(1), packed: packed.into() }
    };
    let batches = vec![batch(3, 2), batch(7, 1)];
    let acc = batches
        .iter()
        .zip([2, 1])
        .fold(START, |acc, (batch, count)| accumulate(acc, batch.root, &batch.packed, count));
    let mut certificate = Certificate {
        height: 7,
        epoch: 1,
        committee_id: 0,
        block_id: B256::repeat_byte(5),
        acc,
        signature: Bytes::new(),
        batches,
    };
    let committee = STATES.key();
    let message = certificate.digest(AUDIENCE).0;
    let partials: Vec<_> =
        committee.shares.iter().map(|share| threshold::sign_partial(share, &message)).collect();
    let sharing = &committee.ledger.group().expect("a group").sharing;
    let combined = threshold::combine(sharing, &message, &partials[..3]).expect("three of four");
    certificate.signature = combined.signature.to_eip2537().to_vec().into();
    certificate
}

pub(super) fn seeds() -> Vec<Seed> {
    let compact = serde_json::to_vec(&example()).expect("memory");
    let pretty = serde_json::to_vec_pretty(&example()).expect("memory");
    vec![plain("compact", compact), plain("pretty", pretty)]
}
