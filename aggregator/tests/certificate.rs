//! Certificates that must not be submitted.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall;
use assay_aggregator::{
    BATCHES_MAX, Batch, CALL_BYTES_MAX, CallSize, Certificate, CertificateError,
};
use protocol::bytes::{PackedOutcome, accumulate, encode_packed};

const START: B256 = B256::repeat_byte(0xaa);

fn batch(height: u64, outcomes: u64) -> Batch {
    let outcome = |job_index| PackedOutcome { job_index, verdict: 1, code: 2, value: 3 };
    let packed = encode_packed(&(1..=outcomes).map(outcome).collect::<Vec<_>>());
    Batch { height, root: B256::with_last_byte(height as u8), packed: packed.into() }
}

/// A certificate over these batches, right but for its signature.
fn certificate(batches: Vec<Batch>) -> Certificate {
    let acc = batches.iter().fold(START, |acc, batch| {
        accumulate(acc, batch.root, &batch.packed, (batch.packed.len() / 27) as u32)
    });
    Certificate {
        height: batches.last().map_or(0, |batch| batch.height),
        epoch: 1,
        committee_id: 1,
        block_id: B256::ZERO,
        acc,
        signature: Bytes::from(vec![0; 128]),
        batches,
    }
}

#[test]
fn certificate_whose_batches_lead_to_its_accumulator_counts_its_outcomes() {
    let certificate = certificate(vec![batch(3, 2), batch(7, 1), batch(8, 256)]);
    assert_eq!(certificate.check_batches(START), Ok(259));
    assert_eq!(certificate.first_height(), 3);
}

#[test]
fn certificate_from_another_accumulator_is_refused() {
    let result = certificate(vec![batch(3, 2)]).check_batches(B256::ZERO);
    assert!(matches!(result, Err(CertificateError::Acc { .. })), "{result:?}");
}

#[test]
fn certificate_with_changed_outcomes_is_refused() {
    let mut changed = certificate(vec![batch(3, 2)]);
    let mut packed = changed.batches[0].packed.to_vec();
    packed[8] = 0;
    changed.batches[0].packed = packed.into();
    let result = changed.check_batches(START);
    assert!(matches!(result, Err(CertificateError::Acc { .. })), "{result:?}");
}

#[test]
fn certificate_without_or_with_too_many_batches_is_refused() {
    let none = certificate(vec![]).check_batches(START);
    assert_eq!(none, Err(CertificateError::BatchCount(0)));
    let many = vec![batch(3, 1); BATCHES_MAX + 1];
    let result = certificate(many).check_batches(START);
    assert_eq!(result, Err(CertificateError::BatchCount(BATCHES_MAX + 1)));
}

#[test]
fn certificate_with_heights_out_of_order_is_refused() {
    for heights in [[3, 3], [7, 3]] {
        let result = certificate(heights.map(|it| batch(it, 1)).to_vec()).check_batches(START);
        assert_eq!(result, Err(CertificateError::Order(heights[1])));
    }
    let mut other = certificate(vec![batch(3, 1)]);
    other.height = 4;
    assert_eq!(other.check_batches(START), Err(CertificateError::Order(4)));
}

#[test]
fn certificate_with_malformed_outcomes_is_refused() {
    let malformed = [vec![], vec![0; 26], [vec![0; 8], vec![9], vec![0; 18]].concat()];
    for packed in malformed {
        let mut batch = batch(3, 1);
        batch.packed = packed.into();
        let result = certificate(vec![batch]).check_batches(START);
        assert!(matches!(result, Err(CertificateError::Packed { height: 3, .. })), "{result:?}");
    }
    let result = certificate(vec![batch(3, 1_025)]).check_batches(START);
    assert!(matches!(result, Err(CertificateError::Packed { .. })), "{result:?}");
}

#[test]
fn certificate_that_fits_no_transaction_is_refused() {
    let batches: Vec<_> = (1..=5).map(|height| batch(height, 1_024)).collect();
    let result = certificate(batches).check_batches(START);
    assert!(matches!(result, Err(CertificateError::TooLarge(_))), "{result:?}");
}

#[test]
fn certificate_with_a_malformed_signature_is_refused() {
    let certificate = certificate(vec![batch(3, 1)]);
    let audience =
        assay_aggregator::Audience { ledger_id: B256::ZERO, chain_id: 1, hub: Default::default() };
    let (sharing, _) = threshold::trusted::deal([1; 32], 4);
    let result = certificate.check_signature(audience, &sharing.group_key().to_eip2537());
    assert!(matches!(result, Err(CertificateError::SignatureMalformed(_))), "{result:?}");
    let result = certificate.check_signature(audience, &[0; 5]);
    assert!(matches!(result, Err(CertificateError::SignatureMalformed(_))), "{result:?}");
}

#[test]
fn call_size_is_that_of_the_call() {
    let batches = vec![batch(3, 2), batch(7, 1), batch(8, 256)];
    let size =
        batches.iter().try_fold(CallSize::default(), |size, batch| size.with(batch.packed.len()));
    let call = certificate(batches).submit_call().abi_encode();
    assert_eq!(size.map(CallSize::bytes), Some(call.len()));
    assert_eq!(CallSize::default().with(CALL_BYTES_MAX), None);
    assert_eq!(CallSize::default().with(usize::MAX), None);
}
