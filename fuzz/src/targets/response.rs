use protocol::{
    bytes::{PACKED_OUTCOME_BYTES, PackedOutcome, decode_packed, encode_packed},
    response::{MAX_RESPONSE_BYTES, MAX_RESPONSE_PARTS, SignedResponse, verify_response_signature},
};

use super::block::{STATES, first_job};
use crate::committee::Committee;
use crate::seed::{Seed, formed};

pub(super) fn run(input: &[u8]) {
    let Some((form, bytes)) = input.split_first() else { return };
    if form % 2 == 1 {
        let Ok(outcomes) = decode_packed(bytes) else { return };
        assert_eq!(encode_packed(&outcomes), bytes, "a second spelling was read");
        assert_eq!(outcomes.len() * PACKED_OUTCOME_BYTES, bytes.len());
        assert!(outcomes.is_sorted_by(|one, next| one.job_index < next.job_index));
        return;
    }
    let Ok(response) = SignedResponse::decode(bytes) else { return };
    assert_eq!(response.encode(), bytes, "a second spelling was read");
    assert!((1..=MAX_RESPONSE_PARTS).contains(&response.parts.len()));
    assert!(response.parts.iter().map(Vec::len).sum::<usize>() <= MAX_RESPONSE_BYTES);
    let committee = STATES.answering();
    let (ledger, job) = (&committee.ledger, first_job(committee));
    let verified = verify_response_signature(
        ledger.state().ledger_id,
        ledger.genesis().hubs[0].address(),
        job,
        ledger.state().jobs[&job].seed,
        response.hash(),
        &response.signature,
        committee.provider.address(),
    );
    if verified.is_ok() {
        let own = genuine(committee, &response.parts);
        assert_eq!(own.hash(), response.hash());
    }
}

/// The provider's response to the first open job.
pub(super) fn genuine(committee: &Committee, parts: &[Vec<u8>]) -> SignedResponse {
    let (ledger, job) = (&committee.ledger, first_job(committee));
    let mut response = SignedResponse { job, parts: parts.to_vec(), signature: [0; 65] };
    response.signature = committee.provider.sign(protocol::bytes::response_digest(
        ledger.state().ledger_id,
        ledger.genesis().hubs[0].address(),
        job,
        ledger.state().jobs[&job].seed,
        response.hash(),
    ));
    response
}

pub(super) fn seeds() -> Vec<Seed> {
    let committee = STATES.answering();
    let outcome =
        |job_index, verdict| PackedOutcome { job_index, verdict, code: 200, value: 1 << 70 };
    let one = genuine(committee, &[b"answer".to_vec()]);
    let many = genuine(committee, &[vec![], vec![1; 40], vec![2; 3], vec![], vec![5]]);
    vec![
        formed("one-part", 0, one.encode()),
        formed("many-parts", 0, many.encode()),
        formed("packed", 1, encode_packed(&[outcome(1, 0), outcome(2, 1), outcome(7, 3)])),
        formed("packed-none", 1, []),
    ]
}
